"""A peer that is a process, driven over its standard streams by JSON lines."""

import asyncio
import contextlib
import itertools
import signal
from pathlib import Path
from typing import Any

from primus_testing import tagged

from .forks import Fork, forks
from .inbox import DEADLINE, Inbox

LONGEST_LINE = 64 * 2**20


class ProcessPeer:
    """One process that hosts any number of servers or clients, each known by a name."""

    def __init__(self, process: asyncio.subprocess.Process | Fork, title: str) -> None:
        self.title = title
        self.inbox = Inbox()
        self.stderr: list[str] = []
        self._process = process
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._readers = [
            asyncio.create_task(self._read()),
            asyncio.create_task(self._read_errors()),
        ]

    @classmethod
    async def start(cls, *command: str | Path, title: str) -> "ProcessPeer":
        """A peer started by ``command``, ready to be asked."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *map(str, command), stdin=pipe, stdout=pipe, stderr=pipe, limit=LONGEST_LINE
        )
        return cls(process, title)

    @classmethod
    async def fork(cls, script: Path, *arguments: str, title: str) -> "ProcessPeer":
        """A peer that is a fork which runs this Python script, ready to be asked."""
        process = await forks.start(str(script), *arguments, limit=LONGEST_LINE)
        return cls(process, title)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    async def ask(
        self, do: str, on: str = "", *, within: float = DEADLINE, **arguments: Any
    ) -> Any:
        """Run the command ``do`` on the instance ``on`` of the peer, and get its result.

        Raises:
            AssertionError: the peer answered with an error, or not within so many seconds.
        """
        number = next(self._ids)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        line = tagged.dumps({"id": number, "do": do, "on": on, **arguments})
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        try:
            async with asyncio.timeout(within):
                await self._process.stdin.drain()
                return await answer
        except TimeoutError:
            raise AssertionError(f"{self.title}: no answer to {do!r} within {within} s") from None
        finally:
            del self._answers[number]

    def tell(self, do: str, on: str = "", **arguments: Any) -> None:
        """Hand the peer a command without waiting for its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(
            tagged.dumps({"id": 0, "do": do, "on": on, **arguments}).encode() + b"\n"
        )

    def freeze(self) -> None:
        """Stop the process: its connections stay open, and it sends nothing."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen process go on."""
        self._process.send_signal(signal.SIGCONT)

    async def kill(self) -> None:
        """Kill the process: it closes nothing in order."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        await asyncio.gather(*self._readers)

    async def close(self) -> None:
        """Hang up, so that the process leaves; one that stays is killed, and that is an error."""
        if self._process.returncode is None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            try:
                async with asyncio.timeout(DEADLINE):
                    await self._process.wait()
            except TimeoutError:
                await self.kill()
                raise AssertionError(f"{self.title} did not leave when it was told to") from None
        await asyncio.gather(*self._readers)

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            message = tagged.loads(line)
            if "event" in message:
                self.inbox.put(message)
                continue
            answer = self._answers.get(message["id"])
            if answer is None or answer.done():
                continue
            if "error" in message:
                answer.set_exception(AssertionError(f"{self.title}: {message['error']}"))
            else:
                answer.set_result(message["result"])
        await self._process.wait()
        said = "".join(self.stderr[-30:])
        reason = f"{self.title} left with status {self._process.returncode}: {said}"
        self.inbox.hang_up(reason)
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(AssertionError(reason))

    async def _read_errors(self) -> None:
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            self.stderr.append(line.decode(errors="replace"))
