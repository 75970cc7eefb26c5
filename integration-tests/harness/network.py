"""The smallest peers there are: sockets that send and read what a test says, and nothing else."""

import asyncio
import base64
import contextlib
import os
import socket
import ssl
import struct
from types import TracebackType
from typing import Self

from primus_testing.raw_websocket import BINARY, CLOSE, TEXT, frame

from .inbox import DEADLINE

__all__ = ["BINARY", "CLOSE", "TEXT", "RawWebSocket", "Refused", "free_port", "listening"]


def free_port() -> int:
    """A port of loopback that was free a moment ago, for programs that cannot pick their own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def listening(process: asyncio.subprocess.Process, port: int) -> None:
    """Wait until the process takes connections at ``port``."""
    async with asyncio.timeout(DEADLINE):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                if process.returncode is not None:
                    assert process.stderr is not None
                    said = (await process.stderr.read()).decode()
                    raise AssertionError(f"it did not start: {said}") from None
                await asyncio.sleep(0.01)
            else:
                writer.close()
                return


class Refused(Exception):
    """The answer to the handshake was something else than 101: its text is the head of it."""


class RawWebSocket:
    """A WebSocket client with no mind of its own: it reads only when told to, never answers."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(
        cls,
        port: int,
        path: str = "/primus/",
        *,
        tls: ssl.SSLContext | None = None,
        headers: str = "",
        receive_buffer: int | None = None,
    ) -> "RawWebSocket":
        """Shake hands; a small ``receive_buffer`` in bytes makes a slow reader slow at once."""
        plain = socket.socket()
        plain.setblocking(False)
        if receive_buffer is not None:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", port))
        name = "localhost" if tls else None
        reader, writer = await asyncio.open_connection(sock=plain, ssl=tls, server_hostname=name)
        key = base64.b64encode(os.urandom(16)).decode()
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            f"Sec-WebSocket-Version: 13\r\n{headers}\r\n".encode()
        )
        made = cls(reader, writer)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101 "):
            await made.close()
            raise Refused(head.decode())
        return made

    def send(self, payload: bytes, opcode: int = TEXT) -> None:
        """Send one frame."""
        self.writer.write(frame(opcode, payload))

    async def receive(self) -> tuple[int, bytes]:
        """The opcode and the payload of the next frame."""
        async with asyncio.timeout(DEADLINE):
            first, second = await self.reader.readexactly(2)
            length = second & 127
            if length == 126:
                (length,) = struct.unpack("!H", await self.reader.readexactly(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", await self.reader.readexactly(8))
            return first & 15, await self.reader.readexactly(length)

    async def closed(self, within: float = DEADLINE) -> bytes:
        """Wait until the server has hung up, and get all it said until then."""
        async with asyncio.timeout(within):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""

    async def close(self) -> None:
        """Hang up."""
        self.writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await self.writer.wait_closed()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
