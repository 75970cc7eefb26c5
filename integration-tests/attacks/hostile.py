"""A server that does what a test says, byte by byte, for attacks on clients."""

import asyncio
import base64
import contextlib
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, Self

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

Script = Callable[["Visit"], Awaitable[None]]


class Visit:
    """One request, and how it may be answered."""

    def __init__(self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self.head = head
        self.method, self.target, *_ = head.split("\r\n", maxsplit=1)[0].split()
        self.reader = reader
        self.writer = writer

    def header(self, name: str) -> str:
        """A header of the request, or nothing."""
        for line in self.head.split("\r\n")[1:]:
            found, _, value = line.partition(":")
            if found.lower() == name.lower():
                return value.strip()
        return ""

    def answer(self, status: str, body: bytes = b"", headers: str = "") -> None:
        """A whole answer."""
        self.writer.write(
            f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body
        )

    def begin(self, headers: str = "") -> None:
        """An answer in chunks."""
        self.writer.write(
            f"HTTP/1.1 200 OK\r\n{headers}Transfer-Encoding: chunked\r\n\r\n".encode()
        )

    def chunk(self, data: bytes) -> None:
        """One chunk of it."""
        self.writer.write(b"%x\r\n%s\r\n" % (len(data), data))

    def upgrade(self, headers: str = "") -> None:
        """Let the handshake of a WebSocket pass."""
        key = self.header("Sec-WebSocket-Key").encode()
        accept = base64.b64encode(hashlib.sha1(key + MAGIC).digest()).decode()
        self.writer.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n{headers}\r\n".encode()
        )

    async def flood(self, data: bytes, times: int, *, patience: float = 0.5) -> int:
        """Send until it is done, the client has gone, or it takes nothing for a while."""
        sent = 0
        with contextlib.suppress(ConnectionError, TimeoutError):
            for _ in range(times):
                self.writer.write(data)
                async with asyncio.timeout(patience):
                    await self.writer.drain()
                sent += len(data)
        return sent


class Hostile:
    """A server at ``port`` of loopback that plays a script for each request."""

    def __init__(self, script: Script) -> None:
        self.visits: list[Visit] = []
        self._script = script
        self._server: asyncio.Server | None = None
        self._playing: set[asyncio.Task[Any]] = set()
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._visit, "127.0.0.1", 0, limit=2**20)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._playing:
            task.cancel()
        await asyncio.gather(*self._playing, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._playing.add(task)
        self._writers.append(writer)
        ended = (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError)
        with contextlib.suppress(*ended):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                visit = Visit(head, reader, writer)
                self.visits.append(visit)
                await self._script(visit)
                await writer.drain()
