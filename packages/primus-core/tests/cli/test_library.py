"""``primus library``: the browser client as a file."""

from __future__ import annotations

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
