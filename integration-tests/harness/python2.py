"""Environments of Python 2.7, which some official suites still need."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from .tools import cache, missing

VIRTUALENV = "virtualenv<20.22"  # the last one that makes environments for Python 2.7


def environment(name: str, pins: Path) -> Path:
    """The folder of an environment with what ``pins`` lists, made first if need be."""
    folder = cache(name) / hashlib.sha256(pins.read_bytes()).hexdigest()[:16]
    if not (folder / "complete").exists():
        _install(folder, pins)
        (folder / "complete").touch()
    return folder


def _install(folder: Path, pins: Path) -> None:
    python = _python2()
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with tempfile.TemporaryDirectory() as boot:
        _run([python, "-m", "pip", "install", "-q", "--target", boot, VIRTUALENV], clean)
        _run([python, "-m", "virtualenv", "-q", str(folder)], {**clean, "PYTHONPATH": boot})
    _run([str(folder / "bin" / "pip"), "install", "-q", "-r", str(pins)], clean)


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def _python2() -> str:
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for found in (*sorted(pyenv.glob("2.7*/bin/python2.7")), shutil.which("python2.7")):
        if found and _runs(str(found)):
            return str(found)
    return missing("Python 2.7, which this suite needs", "pyenv install 2.7.18")


def _runs(python: str) -> bool:
    """Whether it is more than a shim of pyenv that points nowhere."""
    return not subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode
