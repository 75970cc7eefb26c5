"""The official suites of Engine.IO: the branches main (revision 4) and v3 of engine.io-protocol."""

import asyncio
import subprocess
import sys
import tempfile
from pathlib import Path

from harness.node import node, npm

from .echo import echoing

BRANCHES = ("main", "v3")
SUITE = "test-suite"

OPTIONS = {
    "transformer": "engine.io",
    "pathname": "/engine.io",
    "max_length": 1_000_000,
    "transport": {"ping_interval": 0.3, "ping_timeout": 0.2},
}
"""What the suites expect, whose constants are in milliseconds."""


def is_here(checkout: Path) -> bool:
    """Whether this is a checkout, bare or not, of engine.io-protocol."""
    return all(_git(checkout, "rev-parse", "--verify", "-q", _ref(checkout, b)) for b in BRANCHES)


async def run(checkout: Path) -> bool:
    """Run both suites; True when neither has a failure."""
    verdicts = []
    for branch in BRANCHES:
        with tempfile.TemporaryDirectory() as scratch:
            folder = await asyncio.to_thread(_install, checkout, branch, Path(scratch))
            verdicts.append(await _run_suite(folder, branch))
    return all(verdicts)


def _install(checkout: Path, branch: str, scratch: Path) -> Path:
    """The folder of a suite, with what it needs."""
    packed = _git(checkout, "archive", _ref(checkout, branch), SUITE)
    subprocess.run(["tar", "x", "-C", scratch], input=packed, check=True)
    install = [*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(install, cwd=scratch / SUITE, check=True, stdout=subprocess.DEVNULL)
    return scratch / SUITE


async def _run_suite(folder: Path, branch: str) -> bool:
    async with echoing(**OPTIONS) as primus:
        script = folder / "test-suite.js"
        text = script.read_text("utf-8")
        script.write_text(text.replace("localhost:3000", f"127.0.0.1:{primus.port}"), "utf-8")
        sys.stdout.write(f"engine.io-protocol, branch {branch}\n")
        sys.stdout.flush()
        mocha = folder / "node_modules" / "mocha" / "bin" / "mocha"
        suite = await asyncio.create_subprocess_exec(*node(), mocha, "--exit", script, cwd=folder)
        return await suite.wait() == 0


def _ref(checkout: Path, branch: str) -> str:
    """The branch, which a clone knows as that of its origin."""
    known = _git(checkout, "rev-parse", "--verify", "-q", branch)
    return branch if known else f"origin/{branch}"


def _git(checkout: Path, *arguments: str) -> bytes:
    command = ["git", "-C", str(checkout), *arguments]
    return subprocess.run(command, capture_output=True, check=False).stdout
