"""An application with a Primus in it, and clients of raw bytes."""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext, suppress
from typing import Any

import aiohttp
from aiohttp import web

from primus.http import Request
from primus.server.primus import Primus
from primus.server.spark import Spark
from primus_testing.recorder import DEADLINE
from primus_testing.sites import AiohttpSite
from primus_testing.tls import Tls

__all__ = ["MAX_LENGTH", "Served", "head", "serve"]

MAX_LENGTH = 1 << 20


def head(path: str = "/primus", connection: str = "Upgrade", key: str = "") -> bytes:
    """The head of an upgrade."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: {connection}\r\n"
        f"Sec-WebSocket-Key: {key or 'dGhlIHNhbXBsZSBub25jZQ=='}\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


class RawPeer:
    """A raw client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, data: bytes) -> None:
        """Write bytes."""
        self.writer.write(data)

    async def upgraded(self) -> str:
        """The head of the response, which has to be a 101."""
        async with asyncio.timeout(DEADLINE):
            text = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        assert text.startswith("HTTP/1.1 101 "), text
        return text

    async def frame(self) -> tuple[int, bytes]:
        """First byte and payload of the next frame."""
        async with asyncio.timeout(DEADLINE):
            first, size = await self.reader.readexactly(2)
            if size == 126:
                (size,) = struct.unpack("!H", await self.reader.readexactly(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
            return first, await self.reader.readexactly(size)

    async def rest(self) -> bytes:
        """Everything until the server closes."""
        async with asyncio.timeout(DEADLINE):
            return await self.reader.read()

    async def closed_with(self, code: int) -> None:
        """Nothing comes but a close frame with that code, and the end.

        TLS has no half-open connections: asyncio resets a client that goes on sending.
        """
        first, payload = await self.frame()
        assert first == 0x88
        assert struct.unpack("!H", payload[:2])[0] == code
        is_secure = self.writer.get_extra_info("ssl_object") is not None
        with suppress(ConnectionResetError) if is_secure else nullcontext():
            assert await self.rest() == b""


class Served:
    """An application with a Primus that echoes, and with routes of its own."""

    def __init__(
        self, primus: Primus, site: AiohttpSite, port: int, trust: ssl.SSLContext | None
    ) -> None:
        self.primus, self.site, self.port, self.trust = primus, site, port, trust
        self.url = f"{'http' if trust is None else 'https'}://localhost:{port}"
        self.peers: list[RawPeer] = []
        self.entered = asyncio.Event()
        self.gate = asyncio.Event()
        self.ended: list[Spark] = []
        self.held: list[Request] = []

    async def dial(self, limit: int = 1 << 24) -> RawPeer:
        """A client on which nothing was sent yet."""
        wire = await asyncio.open_connection("localhost", self.port, limit=limit, ssl=self.trust)
        peer = RawPeer(*wire)
        self.peers.append(peer)
        return peer

    def session(self) -> aiohttp.ClientSession:
        """A session of aiohttp's client."""
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=self.trust or True))

    async def connected(self, path: str = "/primus") -> RawPeer:
        """A client that has been upgraded."""
        peer = await self.dial()
        peer.send(head(path))
        await peer.upgraded()
        return peer

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds."""
        async with asyncio.timeout(DEADLINE):
            while not condition():
                await asyncio.sleep(0)


async def own_websocket(request: web.Request) -> web.WebSocketResponse:
    """A WebSocket of the application."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(f"own {message.data}")
    return socket


@asynccontextmanager
async def serve(
    tls: Tls | None = None, kind: type[AiohttpSite] = AiohttpSite, **options: Any
) -> AsyncIterator[Served]:
    """Run the application; ``/primus?slow=1`` waits for its gate. `options` are those of Primus."""
    app = web.Application()

    async def root(request: web.Request) -> web.Response:
        return web.Response(text="root")

    app.router.add_get("/", root)
    app.router.add_get("/own", own_websocket)
    primus = Primus(app, parser=Identity(), max_length=MAX_LENGTH, **options)
    server_side, trust = tls or (None, None)
    site = kind(primus, app, server_side)
    served = Served(primus, site, await site.start("127.0.0.1"), trust)

    @primus.before("slow")
    async def slow(request: Request) -> None:
        if request.query.get("slow"):
            served.held.append(request)
            served.entered.set()
            await served.gate.wait()

    @primus.on("connection")
    def connection(spark: Spark) -> None:
        spark.on("data", spark.write)
        spark.on("end", lambda: served.ended.append(spark))

    try:
        yield served
    finally:
        for peer in served.peers:
            peer.writer.transport.abort()
        await site.stop()


class Identity:
    """A parser that leaves frames as they are."""

    def encode(self, value: Any) -> str | bytes:
        """The value itself."""
        return value  # type: ignore[no-any-return]

    def decode(self, frame: str | bytes) -> str | bytes:
        """The frame itself."""
        return frame
