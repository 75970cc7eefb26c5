"""A real Redis of the test's own, that can be stopped and started again at the same port."""

import asyncio
import signal
from pathlib import Path

from .inbox import DEADLINE
from .network import free_port, listening
from .tools import program


class RedisServer:
    """A redis-server on loopback. What it knows is lost whenever it stops, unless it was saved."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"redis://127.0.0.1:{self.port}"

    async def start(self, *, saved: bool = False) -> None:
        """Start it, with what was `saved` or empty, and wait until it takes connections."""
        if not saved:
            (self._folder / "dump.rdb").unlink(missing_ok=True)
        executable = program("redis-server", install="apt-get install redis-server")
        options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = await asyncio.create_subprocess_exec(
            *(executable, "--port", str(self.port), "--dir", str(self._folder), *options),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        await listening(self._process, self.port)

    def freeze(self) -> None:
        """Stop the process: its connections stay open, and it answers nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen one go on."""
        self._signal(signal.SIGCONT)

    async def kill(self) -> None:
        """Kill it: it closes nothing in order."""
        process, self._process = self._process, None
        assert process is not None
        process.kill()
        async with asyncio.timeout(DEADLINE):
            await process.communicate()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def stop(self) -> None:
        """Stop it, if it runs."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGCONT)  # a frozen one would not hear of it
        process.terminate()
        async with asyncio.timeout(DEADLINE):
            await process.communicate()
