"""Applications under mypy and pyright, both strict: the errors that must appear, and no other.

A line of `types/` that both have to refuse ends in ``# E: TEXT | TEXT``: what mypy says, and what
pyright says. A dash stands for nothing: mypy does not look into a ``lambda`` that is passed to an
overload.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.node import installed_peer, node
from harness.tools import REPOSITORY, TESTS, cache

CASES = TESTS / "types"
EXPECTED = re.compile(r"# E: (?P<mypy>.+) \| (?P<pyright>.+)$")
STRICT_EXAMPLES = ("boards", "client", "fastapi", "pixels", "rooms", "votes", "worker")
"""Examples without an error, an ``Any`` or an ignored line."""

Errors = dict[tuple[str, int], str]


def named(file: Path) -> str:
    """A file by its folder and its name."""
    return f"{file.parent.name}/{file.name}"


def checked() -> list[Path]:
    """The files that are checked."""
    examples = [REPOSITORY / "examples" / name for name in STRICT_EXAMPLES]
    return sorted([*CASES.glob("*.py"), *(file for each in examples for file in each.glob("*.py"))])


def expected(checker: str) -> Iterator[tuple[str, int, str]]:
    """The errors that a checker has to find: file, line and text."""
    for file in checked():
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
            found = EXPECTED.search(line)
            if found and found[checker] != "-":
                yield named(file), number, found[checker]


@pytest.fixture(scope="module")
def mypy() -> Errors:
    """What mypy finds."""
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--no-pretty"]
    command += ["--config-file", "", "--cache-dir", str(cache("mypy"))]
    found: Errors = {}
    for group in ([*CASES.glob("*.py")], *([*(each.glob("*.py"))] for each in folders())):
        done = subprocess.run(
            [*command, *map(str, group)],
            cwd=group[0].parent,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in {0, 1}, done.stderr
        for line in done.stdout.splitlines():
            match = re.match(r"(.+?):(\d+): error: (.*)", line)
            if match:
                found[named(group[0].parent / match[1]), int(match[2])] = match[3]
    return found


def folders() -> list[Path]:
    """The folders of the examples that are checked."""
    return [REPOSITORY / "examples" / name for name in STRICT_EXAMPLES]


@pytest.fixture(scope="module")
def pyright(tmp_path_factory: pytest.TempPathFactory) -> Errors:
    """What pyright finds."""
    package = installed_peer("types") / "node_modules" / "pyright" / "index.js"
    configuration = tmp_path_factory.mktemp("pyright") / "pyrightconfig.json"
    configuration.write_text(
        json.dumps(
            {
                "include": [
                    os.path.relpath(each, configuration.parent) for each in (CASES, *folders())
                ],
                "executionEnvironments": [
                    {"root": os.path.relpath(each, configuration.parent)} for each in folders()
                ],
                "typeCheckingMode": "strict",
                "pythonVersion": "3.11",
            }
        )
    )
    command = [*node(), str(package), "--outputjson", "--pythonpath", sys.executable]
    done = subprocess.run(
        [*command, "--project", str(configuration)], capture_output=True, text=True, check=False
    )
    found: Errors = {}
    for each in json.loads(done.stdout)["generalDiagnostics"]:
        if each["severity"] == "error":
            place = named(Path(each["file"])), each["range"]["start"]["line"] + 1
            found[place] = f"{found.get(place, '')}\n{each['message']}"
    return found


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_every_mistake_is_an_error_in_the_editor_and_nothing_else_is(
    checker: str, request: pytest.FixtureRequest
) -> None:
    wanted = {(file, line): text for file, line, text in expected(checker)}

    found: Errors = request.getfixturevalue(checker)

    missed = [
        f"{file}:{line}: {text}: {found.get((file, line), 'no error')}"
        for (file, line), text in wanted.items()
        if text not in found.get((file, line), "")
    ]
    others = [f"{file}:{line}: {found[file, line]}" for file, line in found.keys() - wanted.keys()]
    assert not missed + others, "\n".join([*missed, *sorted(others)])


def test_the_strict_examples_have_neither_any_nor_ignored_lines() -> None:
    texts = {file: file.read_text("utf-8") for each in folders() for file in each.glob("*.py")}

    found = [
        f"{named(file)}: {word}"
        for file, text in texts.items()
        for word in re.findall(r"\bAny\b|# type: ignore|# pyright:|\bcast\b", text)
    ]

    assert not found
