"""A WebSocket client for tests whose frames are made by hand, so that they may be wrong."""

from __future__ import annotations

import asyncio
import socket
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from primus_testing.recorder import DEADLINE
from primus_testing.server import Running

__all__ = [
    "BINARY",
    "CLOSE",
    "CONT",
    "HANDSHAKE",
    "MASK",
    "PING",
    "PONG",
    "TEXT",
    "RawWebSocket",
    "deflated",
    "frame",
]

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
MASK = b"\x01\x02\x03\x04"

HANDSHAKE = (
    ("Host", "localhost"),
    ("Upgrade", "websocket"),
    ("Connection", "keep-alive, Upgrade"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("Sec-WebSocket-Version", "13"),
)


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, masked: bool = True, rsv: int = 0
) -> bytes:
    """One frame of RFC 6455 section 5.2, right or wrong."""
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    size, mark = len(payload), 0x80 if masked else 0
    if size < 126:
        head = struct.pack("!BB", first, mark | size)
    elif size < 65536:
        head = struct.pack("!BBH", first, mark | 126, size)
    else:
        head = struct.pack("!BBQ", first, mark | 127, size)
    if not masked:
        return head + payload
    key = int.from_bytes((MASK * (size // 4 + 1))[:size])
    return head + MASK + (int.from_bytes(payload) ^ key).to_bytes(size)


@dataclass
class RawWebSocket:
    """A TCP connection on which a WebSocket may have been opened."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    async def dial(cls, server: Running, room: int | None = None) -> RawWebSocket:
        """A connection on which nothing was sent yet.

        Args:
            server: where to.
            room: bytes that the system takes in before they are read; by default many.
        """
        address = (server.host.strip("[]"), server.port)
        connection = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        connection.setblocking(False)
        if room is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        await asyncio.get_running_loop().sock_connect(connection, address)
        limit = 1 << 16 if room is None else room
        return cls(*await asyncio.open_connection(sock=connection, limit=limit))

    @classmethod
    async def open(
        cls,
        server: Running,
        more: Sequence[tuple[str, str]] = (),
        headers: Sequence[tuple[str, str]] = HANDSHAKE,
        early: bytes = b"",
        room: int | None = None,
    ) -> RawWebSocket:
        """A connection that has been answered.

        Args:
            server: where to.
            more: headers beside those that are needed.
            headers: those in place of what is needed.
            early: bytes in the same packet as the handshake.
            room: as for `dial`.
        """
        raw = await cls.dial(server, room)
        lines = [f"{name}: {value}" for name, value in (*headers, *more)]
        head = "\r\n".join([f"GET {server.primus.pathname} HTTP/1.1", *lines, "", ""])
        raw.writer.write(head.encode() + early)
        answer = await raw.within(raw.reader.readuntil(b"\r\n\r\n"))
        first, *rest = answer.decode().split("\r\n")[:-2]
        raw.status = int(first.split()[1])
        pairs = (line.partition(": ") for line in rest)
        raw.headers = tuple((name, value) for name, _, value in pairs)
        return raw

    @staticmethod
    async def within(awaitable: object) -> bytes:
        """The bytes, before the deadline."""
        async with asyncio.timeout(DEADLINE):
            result = await awaitable  # type: ignore[misc]
        assert isinstance(result, bytes)
        return result

    def send(self, *frames: bytes) -> None:
        """Write frames in one packet."""
        self.writer.write(b"".join(frames))

    async def receive(self) -> tuple[int, bytes]:
        """First byte and payload of the next frame of the server, which must not be masked."""
        first, size = await self.within(self.reader.readexactly(2))
        if size == 126:
            (size,) = struct.unpack("!H", await self.within(self.reader.readexactly(2)))
        elif size == 127:
            (size,) = struct.unpack("!Q", await self.within(self.reader.readexactly(8)))
        return first, await self.within(self.reader.readexactly(size))

    async def close_code(self) -> int | None:
        """Read to the close frame and answer it; `None` when it has no code."""
        while True:
            first, payload = await self.receive()
            if first & 0x0F == CLOSE:
                break
        self.send(frame(CLOSE, payload[:2]))
        await self.within(self.reader.read())
        self.drop()
        return struct.unpack("!H", payload[:2])[0] if payload else None

    def drop(self) -> None:
        """Drop the connection."""
        self.writer.transport.abort()


def deflated(data: bytes) -> bytes:
    """`data` as the payload of a compressed message (RFC 7692 section 7.2.1)."""
    squeeze = zlib.compressobj(wbits=-15)
    return (squeeze.compress(data) + squeeze.flush(zlib.Z_SYNC_FLUSH))[:-4]
