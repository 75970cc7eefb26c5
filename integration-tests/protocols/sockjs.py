"""The official suite of SockJS: sockjs-protocol, 68 tests, for Python 2.7."""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from harness.python2 import environment

HERE = Path(__file__).parent
PINS = HERE / "requirements-sockjs.txt"
SUITE = "sockjs-protocol.py"

WAIVED = {"test_haproxy"}
"""It wants hixie-76, which WebSockets were called before they were a standard."""

DOMAIN = "    document.domain = document.domain;\n"
"""What the pages of SockJS for Node have and ours lack: it lets scripts of all subdomains in."""


def is_here(checkout: Path) -> bool:
    """Whether this is a checkout, bare or not, of sockjs-protocol."""
    return bool(_git(checkout, "show", f"HEAD:{SUITE}"))


async def run(checkout: Path) -> bool:
    """Run the suite; True when nothing fails but what is waived."""
    folder = await asyncio.to_thread(environment, "sockjs-protocol", PINS)
    with tempfile.TemporaryDirectory() as scratch:
        await asyncio.to_thread(_unpack, checkout, scratch)
        said = await _run_suite(folder / "bin" / "python", Path(scratch))
    sys.stdout.write(f"sockjs-protocol\n{said}\n")
    failed = set(re.findall(r"^(?:FAIL|ERROR): (\w+)", said, re.MULTILINE))
    return "Ran 68 tests" in said and failed <= WAIVED


async def _run_suite(python: Path, folder: Path) -> str:
    server = await asyncio.create_subprocess_exec(
        sys.executable, HERE / "sockjs_server.py", stdout=asyncio.subprocess.PIPE
    )
    assert server.stdout is not None
    try:
        port = int(await server.stdout.readline())
        suite = await asyncio.create_subprocess_exec(
            python,
            SUITE,
            cwd=folder,
            env={**os.environ, "SOCKJS_URL": f"http://127.0.0.1:{port}"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await suite.communicate()
        return said.decode(errors="replace")
    finally:
        server.kill()
        await server.wait()


def _unpack(checkout: Path, folder: str) -> None:
    packed = _git(checkout, "archive", "HEAD")
    subprocess.run(["tar", "x", "-C", folder], input=packed, check=True)
    suite = Path(folder) / SUITE
    suite.write_bytes(suite.read_bytes().replace(DOMAIN.encode(), b""))


def _git(checkout: Path, *arguments: str) -> bytes:
    command = ["git", "-C", str(checkout), *arguments]
    return subprocess.run(command, capture_output=True, check=False).stdout
