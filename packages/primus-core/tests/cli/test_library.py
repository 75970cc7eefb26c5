"""``primus library``: the browser client as a file."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from hashlib import sha384
from pathlib import Path
from typing import Any

import pytest

from primus import Primus

PLAIN = ("--transformer", "plain")


def client(format: str = "umd", **options: Any) -> str:
    return Primus(transformer="plain", **options).library(format)


def test_it_prints_what_a_server_with_these_options_gives(run: Any) -> None:
    code, out, err = run("library", *PLAIN, "--pathname", "/live", "--global-name", "app.Primus")

    assert (code, err) == (0, "")
    assert out == client(pathname="/live", global_name="app.Primus")


def test_a_format_can_be_asked_for(run: Any) -> None:
    assert run("library", *PLAIN, "--format", "esm") == (0, client("esm"), "")


@pytest.mark.parametrize(
    ("name", "arguments", "format"),
    [
        ("primus.js", (), "umd"),
        ("primus.mjs", (), "esm"),
        ("primus.mjs", ("--format", "umd"), "umd"),
        ("primus.js", ("--format", "esm"), "esm"),
    ],
)
def test_a_file_gets_the_format_of_its_name_unless_told_otherwise(
    run: Any, tmp_path: Path, name: str, arguments: tuple[str, ...], format: str
) -> None:
    file = tmp_path / name

    assert run("library", *PLAIN, "-o", str(file), *arguments) == (0, "", "")
    assert file.read_bytes() == client(format).encode()


def test_a_file_of_declarations_can_be_written(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "primus.d.ts"

    assert run("library", *PLAIN, "-o", str(file)) == (0, "", "")
    assert "declare class Primus" in file.read_text()


def test_a_file_that_cannot_be_written_is_one_line(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "missing" / "primus.js"

    code, _, err = run("library", *PLAIN, "-o", str(file))

    assert code == 2
    assert err == f"primus library: cannot write {file}: No such file or directory\n"


def test_plugins_are_compiled_in_and_unknown_ones_refused(run: Any) -> None:
    assert run("library", *PLAIN, "--plugin", "counter")[0] == 0

    code, _, err = run("library", *PLAIN, "--plugin", "counter", "--plugin", "conter")

    assert code == 2
    assert "unknown plugin 'conter'" in err
    assert "Did you mean 'counter'?" in err


@pytest.fixture
def minified(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the transformer's half one that a build has minified."""
    half = Primus(transformer="plain").transformer.browser()
    mapping = '{"version":3,"sources":["0:client.js"],"names":[],"mappings":"AAAA"}'
    made = replace(half, minified="return{default:t=>t};", source_map=mapping)
    monkeypatch.setattr(type(Primus(transformer="plain").transformer), "browser", lambda *_: made)


@pytest.mark.usefixtures("minified")
def test_the_minified_client_can_be_asked_for(run: Any, tmp_path: Path) -> None:
    code, out, err = run("library", *PLAIN, "--min")

    assert (code, err) == (0, "")
    assert out == Primus(transformer="plain").library(minified=True)
    assert "return{default:t=>t};" in out

    file = tmp_path / "primus.mjs"
    assert run("library", *PLAIN, "--min", "-o", str(file)) == (0, "", "")
    assert file.read_text().endswith("//# sourceMappingURL=primus.mjs.map\n")
    assert "AAAA" in (tmp_path / "primus.mjs.map").read_text()


@pytest.mark.usefixtures("minified")
def test_the_integrity_is_that_of_what_is_printed_or_written(run: Any, tmp_path: Path) -> None:
    def integrity(content: bytes) -> str:
        return f"sha384-{b64encode(sha384(content).digest()).decode()}\n"

    text = run("library", *PLAIN, "--min")[1]
    file = tmp_path / "primus.js"

    assert run("library", *PLAIN, "--min", "--sri") == (0, integrity(text.encode()), "")
    code, out, _ = run("library", *PLAIN, "--min", "--sri", "-o", str(file))
    assert (code, out) == (0, integrity(file.read_bytes()))
    assert out != integrity(text.encode())


def test_an_installation_without_a_minified_client_says_so(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Primus, "library", lambda *_, minified=False: "the same")

    code, out, err = run("library", *PLAIN, "--min")

    assert (code, out) == (2, "")
    assert "this installation has no minified client" in err
