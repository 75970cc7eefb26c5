"""``primus`` itself: help, version, errors."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest

from primus import __version__
from primus.cli import library

COMMANDS = ("serve", "connect", "library", "spec", "plugins")


def test_help_names_every_command(run: Any) -> None:
    code, out, _ = run("--help")

    assert code == 0
    for command in COMMANDS:
        assert f"\n    {command} " in out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_examples(run: Any, command: str) -> None:
    code, out, _ = run(command, "--help")

    assert code == 0
    assert "examples:" in out
    assert f"  primus {command}" in out


def test_version_is_that_of_the_distribution(run: Any) -> None:
    assert run("--version") == (0, f"primus {__version__}\n", "")


def test_no_command_is_a_usage_error(run: Any) -> None:
    code, _, err = run()

    assert code == 2
    assert "COMMAND" in err


def test_an_error_of_primus_is_one_line_on_standard_error(run: Any) -> None:
    code, out, err = run("library", "--transformer", "plein")

    assert (code, out) == (2, "")
    assert err.startswith("primus library: unknown transformer 'plein'. Installed: ")
    assert "Did you mean 'plain'?" in err
    assert err.count("\n") == 1


def test_any_other_error_keeps_its_traceback(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(args: object) -> int:
        raise LookupError("a bug")

    monkeypatch.setattr(library, "run", fail)
    with pytest.raises(LookupError, match="a bug"):
        run("library")


def test_ctrl_c_ends_a_command_without_a_traceback(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(args: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(library, "run", interrupt)

    assert run("library") == (130, "", "")


def test_python_m_primus_is_the_same_program() -> None:
    command = [sys.executable, "-m", "primus", "--version"]

    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stdout == f"primus {__version__}\n"


async def test_output_into_a_closed_pipe_is_no_error() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "primus", "library", "--transformer", "plain"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout._transport.close()  # type: ignore[attr-defined]

    _, err = await process.communicate()

    assert (process.returncode, err) == (0, b"")
