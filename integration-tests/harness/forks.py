"""Python peers as forks of one process that has imported everything: peers/forks.py.

Each is a process of its own, with streams of its own; only the imports, most of what a start costs,
are those of the process that forks.
"""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from json import dumps

from .tools import PEERS


class Fork:
    """A fork that runs a program, with what is used here of `asyncio.subprocess.Process`."""

    def __init__(
        self,
        stdin: asyncio.StreamWriter,
        stdout: asyncio.StreamReader,
        stderr: asyncio.StreamReader,
        exit_status: asyncio.StreamReader,
        pid: int,
    ) -> None:
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.pid = pid
        self.returncode: int | None = None
        self._exit = asyncio.create_task(self._read(exit_status))

    async def _read(self, exit_status: asyncio.StreamReader) -> None:
        self.returncode = int(await exit_status.read())  # to its end, where the pipe is closed
        self.stdin.close()
        with contextlib.suppress(ConnectionError):
            await self.stdin.wait_closed()

    async def wait(self) -> None:
        """Wait until it has ended."""
        await asyncio.shield(self._exit)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, if it runs."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)


class Forks:
    """The process that forks; it is started when it is first needed."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None

    async def start(self, *arguments: str, limit: int) -> Fork:
        """Run a script with its arguments; ``limit`` is the most bytes that a line of it may have.

        Raises:
            AssertionError: what forks has ended.
        """
        channel = self._channel or self._open()
        stdin, its_stdin = socket.socketpair()
        (stdout, its_stdout), (stderr, its_stderr), (status, its_status) = (
            os.pipe() for _ in range(3)
        )
        with its_stdin:
            its = [its_stdin.fileno(), its_stdout, its_stderr, its_status]
            socket.send_fds(channel, [dumps(arguments).encode()], its)
        for descriptor in its[1:]:
            os.close(descriptor)
        readers = [await _reader(each, limit) for each in (stdout, stderr, status)]
        _, writer = await asyncio.open_connection(sock=stdin)
        pid = await readers[2].readline()
        assert pid, "the process that forks has ended"
        return Fork(writer, *readers, int(pid))

    def _open(self) -> socket.socket:
        self._channel, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            command = [sys.executable, str(PEERS / "forks.py"), str(its.fileno())]
            self._process = subprocess.Popen(command, pass_fds=[its.fileno()])
        return self._channel

    def close(self) -> None:
        """Let it end, if it has been started."""
        if self._channel is not None and self._process is not None:
            self._channel.close()
            self._process.wait()
            self._channel = self._process = None


async def _reader(descriptor: int, limit: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=limit)
    protocol = asyncio.StreamReaderProtocol(reader)
    pipe = os.fdopen(descriptor, "rb", buffering=0)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, pipe)
    return reader


forks = Forks()
"""Of this run, or of this one of its workers."""
