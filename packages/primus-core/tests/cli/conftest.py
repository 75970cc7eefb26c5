"""Fixtures: distributions that look installed, as far as the commands can tell."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

INSTALLED = Path(__file__).parent / "installed"

Run = Callable[..., tuple[object, str, str]]


@pytest.fixture(autouse=True)
def offers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the distribution in ``installed/``, in this process and in those it starts."""
    monkeypatch.syspath_prepend(str(INSTALLED))
    paths = [str(INSTALLED), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    for name in {path.stem for path in INSTALLED.glob("*.py")}:
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in this process: its exit code, standard output and standard error."""
    from primus.cli import main

    def run(*arguments: str) -> tuple[object, str, str]:
        try:
            code: object = main(arguments)
        except SystemExit as ended:  # argparse: --help, --version and wrong arguments
            code = ended.code
        out, err = capsys.readouterr()
        return code, out, err

    return run
