"""Targets as a test sees them: started, asked, and measured from outside."""

import asyncio
import contextlib
import itertools
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.inbox import DEADLINE

MB = 10**6
PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")
TICKS = os.sysconf("SC_CLK_TCK")


class Target:
    """One process that is attacked: a server, or a client."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pid: int, log: Path
    ) -> None:
        self.pid = pid
        self.port = 0
        self._log = log
        self._writer = writer
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._gone = asyncio.Event()
        self._reading = asyncio.create_task(self._read(reader))
        self._before = 0
        self._cpu_before = 0.0

    # -- commands

    async def ask(self, do: str, *, within: float = DEADLINE, **arguments: Any) -> Any:
        """Run the command ``do`` of target.py, and get its result."""
        number = next(self._ids)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        self._writer.write(json.dumps({"id": number, "do": do, **arguments}).encode() + b"\n")
        try:
            async with asyncio.timeout(within):
                return await answer
        except TimeoutError:
            raise AssertionError(f"no answer to {do!r} within {within} s") from None
        finally:
            self._answers.pop(number, None)

    async def until(
        self, do: str, condition: Callable[[Any], bool], within: float = DEADLINE
    ) -> Any:
        """Ask again and again until the answer is as wanted; the answer."""
        found = None
        try:
            async with asyncio.timeout(within):
                while not condition(found := await self.ask(do)):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            told = f"{do} is still {str(found)[:600]}; the log ends with {self.log[-1500:]!r}"
            raise AssertionError(told) from None
        return found

    async def turns(self, count: int) -> None:
        """Let the event loop of the process go round so many times at least."""
        for _ in range(count):
            await self.ask("ids")

    def stop(self) -> None:
        """Tell the process to leave, as an operator does."""
        os.kill(self.pid, signal.SIGTERM)

    async def gone(self, within: float) -> None:
        """Wait until the process has left."""
        async with asyncio.timeout(within):
            await self._gone.wait()

    async def close(self) -> None:
        """End the process at once."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self._writer.close()
        await self._reading

    # -- what it costs

    def mark(self) -> None:
        """Measure memory and processor time from here on."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")  # the peak begins anew
        self._before = self._status("VmRSS")
        self._cpu_before = self._cpu()

    @property
    def peak(self) -> float:
        """By how many megabytes memory has exceeded, at most, what it was at the mark."""
        return (self._status("VmHWM") - self._before) / MB

    @property
    def kept(self) -> float:
        """How many megabytes of memory there are more than at the mark."""
        return (self._status("VmRSS") - self._before) / MB

    @property
    def worked(self) -> float:
        """Seconds of processor time since the mark."""
        return self._cpu() - self._cpu_before

    @property
    def descriptors(self) -> int:
        """How many descriptors are open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    @property
    def log(self) -> str:
        """What was logged."""
        return self._log.read_text(errors="replace")

    @property
    def log_size(self) -> int:
        """Bytes that were logged."""
        return self._log.stat().st_size

    def _status(self, name: str) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
        raise AssertionError(name)

    def _cpu(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    async def _read(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(ConnectionError):
            async for line in reader:
                message = json.loads(line)
                answer = self._answers.get(message["id"])
                if answer is None or answer.done():
                    continue
                if "error" in message:
                    answer.set_exception(AssertionError(message["error"]))
                else:
                    answer.set_result(message["result"])
        self._gone.set()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(AssertionError(f"the target has left: {self.log[-2000:]}"))


class Targets:
    """Makes targets, by forks of one process that has imported everything."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="attacks-")
        self._process: asyncio.subprocess.Process | None = None
        self._numbers = itertools.count(1)
        self._made: list[Target] = []

    async def start(self) -> None:
        """Start the process that forks."""
        script = Path(__file__).with_name("target.py")
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, script, self._path, env={**os.environ, "MALLOC_ARENA_MAX": "2"}
        )
        async with asyncio.timeout(60):
            while not Path(self._path).exists():
                assert self._process.returncode is None, "target.py did not start"
                await asyncio.sleep(0.02)

    @property
    def _path(self) -> str:
        return str(Path(self._folder.name, "targets"))

    async def make(self, *, descriptors: int = 0) -> Target:
        """A process that does nothing yet; ``descriptors`` is what its ``ulimit -n`` is."""
        log = Path(self._folder.name, f"{next(self._numbers)}.log")
        async with asyncio.timeout(DEADLINE):
            reader, writer = await asyncio.open_unix_connection(self._path, limit=2**26)
            settings = {"log": str(log), "descriptors": descriptors}
            writer.write(json.dumps(settings).encode() + b"\n")
            pid = json.loads(await reader.readline())["pid"]
        target = Target(reader, writer, pid, log)
        self._made.append(target)
        return target

    async def server(
        self, transformer: str = "websockets", host: str = "own", *, descriptors: int = 0,
        listener: str = "echo", options: dict[str, Any] | None = None, **arguments: Any,
    ) -> Target:  # fmt: skip
        """A target that serves."""
        target = await self.make(descriptors=descriptors)
        options = {"transformer": transformer, **(options or {})}
        target.port = await target.ask(
            "listen", host=host, listener=listener, options=options, **arguments
        )
        return target

    async def clear(self) -> None:
        """End the targets of one test."""
        while self._made:
            await self._made.pop().close()

    async def close(self) -> None:
        """End them all."""
        await self.clear()
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        self._folder.cleanup()
