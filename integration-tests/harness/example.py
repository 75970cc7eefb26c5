"""A server of ``examples/``, run as its reader would."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from .inbox import DEADLINE
from .tools import REPOSITORY

URL = re.compile(rb"http://[\w.]+:\d+")


@asynccontextmanager
async def example(name: str, *arguments: str) -> AsyncIterator[str]:
    """The URL of an example that runs; it must not have logged anything in the end."""
    pipe = asyncio.subprocess.PIPE
    command: list[str | Path] = [REPOSITORY / "examples" / name / "main.py", *arguments]
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "PORT": "0", "PYTHONUNBUFFERED": "1"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdout=pipe, stderr=pipe, env=environment
    )
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE):
        line = await process.stdout.readline()
    found = URL.search(line)
    assert found, line or (await process.communicate())[1].decode()
    yield found[0].decode()
    process.terminate()
    said = await process.communicate()
    assert process.returncode == 0
    assert said[1] == b""
