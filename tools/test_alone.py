"""Environments with only what is required: what is declared is there, with its metadata."""

import os
import runpy
import subprocess
from pathlib import Path

alone = runpy.run_path(str(Path(__file__).with_name("alone.py")), run_name="alone")
make, needed = alone["make"], alone["needed"]

LOOK = """
import importlib.util, importlib.metadata
print([importlib.util.find_spec(name) is not None for name in ("pytest", "pluggy", "hypothesis")])
print([each.name for each in importlib.metadata.distributions() if each.name == "pytest"])
"""


def look(folder: Path) -> list[str]:
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    return subprocess.run(
        [python, "-I", "-c", LOOK], capture_output=True, check=True, text=True
    ).stdout.splitlines()


def test_what_is_required_is_there_with_what_it_needs_and_nothing_else(tmp_path: Path) -> None:
    make(tmp_path / "few", ["pytest"])
    assert look(tmp_path / "few") == ["[True, True, False]", "['pytest']"]
    make(tmp_path / "few", ["pluggy"])
    assert look(tmp_path / "few") == ["[False, True, False]", "[]"]


def test_what_an_extra_needs_is_there_if_the_extra_is_asked_for() -> None:
    def names(requirement: str) -> set[str]:
        return {each.name for each in needed([requirement])}

    assert "trustme" not in names("primus-testing")
    assert "hypothesis" in names("primus-testing[contract]")


def test_a_requirement_of_another_interpreter_is_none() -> None:
    assert needed(["brotlicffi; implementation_name == 'no such'"]) == []
