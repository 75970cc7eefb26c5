"""The build hook that minifies: what is to be made, and when.

What it makes, `nox -s wheels` and `nox -s browser` check.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import minifying

CLIENT = "export default function (socket) { socket.shout = 1; }\n"
CONFIG = {"minified": ["client.js"]}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of a distribution with a browser half."""
    package = tmp_path / "src" / "primus_shout"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "client.js").write_text(CLIENT)
    return tmp_path


def stale(root: Path, config: dict[str, Any]) -> list[str]:
    return [job.target.relative_to(root).as_posix() for job in minifying.stale(root, config)]


def test_a_half_is_minified_as_the_body_of_a_function(root: Path) -> None:
    (job,) = minifying.stale(root, CONFIG)

    assert job.kind == "half"
    assert job.sources == [CLIENT]
    assert job.texts == {
        "0:client.js": "function  $default(socket) { socket.shout = 1; }\n"
        "return { default: $default };"
    }


def test_what_was_made_from_other_sources_or_by_another_tool_is_made_again(root: Path) -> None:
    target = root / "src" / "primus_shout" / "client.min.js"
    (job,) = minifying.stale(root, CONFIG)
    target.write_text(f"{job.head}\nreturn{{}};\n")

    assert stale(root, CONFIG) == []
    target.write_text(f"{job.head[:-1]}\nreturn{{}};\n")
    assert stale(root, CONFIG) == ["src/primus_shout/client.min.js"]
    target.write_text(f"{job.head}\nreturn{{}};\n")
    (root / "src" / "primus_shout" / "client.js").write_text(f"{CLIENT}// changed\n")
    assert stale(root, CONFIG) == ["src/primus_shout/client.min.js"]


def test_a_distribution_without_a_half_has_nothing_to_make(root: Path) -> None:
    assert stale(root, {}) == []


def test_the_core_is_made_for_each_set_of_modules() -> None:
    core = minifying.HERE.parent / "packages" / "primus-core"
    jobs = {job.target.name: job for job in minifying.jobs(core, {})}

    assert [*jobs] == ["primus.js", "answers.js", "stream.js", "umd.js", "esm.js"]
    assert [job.kind for job in jobs.values()] == ["core", "core", "core", "wrapper", "wrapper"]
    plain, most = jobs["primus.js"], jobs["stream.js"]
    assert next(iter(plain.texts)) == "0:developing.js"
    assert [*plain.texts.values()][-1].endswith("\nreturn Primus;")
    assert {name.partition(":")[2] for name in [*most.texts]} - {
        name.partition(":")[2] for name in [*plain.texts]
    } == {"answers.js", "stream.js"}


def test_lines_of_what_is_minified_are_those_of_the_source() -> None:
    core = minifying.HERE.parent / "packages" / "primus-core"
    job = next(iter(minifying.jobs(core, {})))

    for source, text in zip(job.sources[:-1], job.texts.values(), strict=False):
        assert text.count("\n") == source.count("\n")
