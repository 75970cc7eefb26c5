"""The hand-over of an upgrade from aiohttp to the transformer, on raw sockets.

What arrives before, with and right behind the head must reach the spark; what aiohttp knew of
the connection must be gone; and whatever a peer does wrong ends its own connection only.
"""

from __future__ import annotations

import asyncio
import gc
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
import trustme
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from primus import Primus, Request, Spark

Tls = tuple[ssl.SSLContext, ssl.SSLContext]

MAX_LENGTH = 1 << 20
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
MASK = b"\x11\x22\x33\x44"


def frame(payload: bytes, opcode: int = TEXT, *, fin: bool = True, rsv1: bool = False) -> bytes:
    """A masked frame, as a client sends it (RFC 6455 section 5.2)."""
    first = opcode | (0x80 if fin else 0) | (0x40 if rsv1 else 0)
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", first, 0x80 | size)
    elif size < 65536:
        head = struct.pack("!BBH", first, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", first, 0x80 | 127, size)
    key = (MASK * (size // 4 + 1))[:size]
    masked = (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")
    return head + MASK + masked


def head(path: str = "/primus", connection: str = "Upgrade", key: str = "") -> bytes:
    return (
        f"GET {path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: {connection}\r\n"
        f"Sec-WebSocket-Key: {key or 'dGhlIHNhbXBsZSBub25jZQ=='}\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


class Peer:
    """A raw client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def upgraded(self) -> str:
        """The head of the response, which has to be a 101."""
        async with asyncio.timeout(5):
            text = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        assert text.startswith("HTTP/1.1 101 "), text
        return text

    async def frame(self) -> tuple[int, bytes]:
        """First byte and payload of the next frame."""
        async with asyncio.timeout(5):
            first, size = await self.reader.readexactly(2)
            if size == 126:
                (size,) = struct.unpack("!H", await self.reader.readexactly(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
            return first, await self.reader.readexactly(size)

    async def rest(self) -> bytes:
        """Everything until the server closes."""
        async with asyncio.timeout(5):
            return await self.reader.read()

    async def closed_with(self, code: int) -> None:
        first, payload = await self.frame()
        assert first == 0x88
        assert struct.unpack("!H", payload[:2])[0] == code
        assert await self.rest() == b""


class Served:
    """An application with a Primus that echoes, and with routes of its own."""

    def __init__(
        self, primus: Primus, runner: web.AppRunner, port: int, trust: ssl.SSLContext | None
    ) -> None:
        self.primus, self.runner, self.port, self.trust = primus, runner, port, trust
        self.url = f"{'http' if trust is None else 'https'}://localhost:{port}"
        self.peers: list[Peer] = []
        self.entered = asyncio.Event()
        self.gate = asyncio.Event()
        self.ended: list[Spark] = []
        self.held: list[Request] = []

    async def dial(self, limit: int = 1 << 24) -> Peer:
        wire = await asyncio.open_connection("localhost", self.port, limit=limit, ssl=self.trust)
        peer = Peer(*wire)
        self.peers.append(peer)
        return peer

    def session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=self.trust or True))

    async def connected(self, path: str = "/primus") -> Peer:
        peer = await self.dial()
        peer.send(head(path))
        await peer.upgraded()
        return peer

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():
                await asyncio.sleep(0)


async def own_websocket(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(f"own {message.data}")
    return socket


@asynccontextmanager
async def serve(tls: Tls | None = None, **options: Any) -> AsyncIterator[Served]:
    app = web.Application()

    async def root(request: web.Request) -> web.Response:
        return web.Response(text="root")

    app.router.add_get("/", root)
    app.router.add_get("/own", own_websocket)
    primus = Primus(app, parser=Identity(), max_length=MAX_LENGTH, **options)
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=1)
    await runner.setup()
    server_side, trust = tls or (None, None)
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=server_side)
    await site.start()
    served = Served(primus, runner, runner.addresses[0][1], trust)

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
        await runner.cleanup()


class Identity:
    """A parser that leaves frames as they are."""

    def encode(self, value: Any) -> str | bytes:
        return value  # type: ignore[no-any-return]

    def decode(self, frame: str | bytes) -> str | bytes:
        return frame


@pytest.fixture(scope="module", params=["plain", "tls"])
def tls(request: pytest.FixtureRequest) -> Tls | None:
    """Both ends of TLS, or nothing."""
    if request.param == "plain":
        return None
    authority = trustme.CA()
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(server_side)
    client_side = ssl.create_default_context()
    authority.configure_trust(client_side)
    return server_side, client_side


@pytest.fixture
async def served(tls: Tls | None) -> AsyncIterator[Served]:
    async with serve(tls) as running:
        yield running


async def test_other_routes_answer_as_before(served: Served) -> None:
    base = served.url
    async with served.session() as session:
        async with session.get(base + "/") as response:
            assert await response.text() == "root"
        async with session.get(base + "/missing") as response:
            assert response.status == 404
        async with session.ws_connect(base + "/own") as socket:
            await socket.send_str("hi")
            assert await socket.receive_str() == "own hi"


async def test_an_aiohttp_client_talks_and_closes(served: Served) -> None:
    async with (
        served.session() as session,
        session.ws_connect(f"{served.url}/primus") as socket,
    ):
        await socket.send_str("hi")
        assert await socket.receive_str() == "hi"
        await socket.close()
        assert socket.close_code == 1000


async def test_an_upgrade_follows_a_request_on_the_same_connection(served: Served) -> None:
    peer = await served.dial()
    peer.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await peer.reader.readuntil(b"root")
    peer.send(head())
    await peer.upgraded()
    peer.send(frame(b"one"))
    assert await peer.frame() == (0x81, b"one")


async def test_an_upgrade_is_pipelined_behind_a_request(served: Served) -> None:
    peer = await served.dial()
    peer.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" + head() + frame(b"one"))
    await peer.reader.readuntil(b"root")
    await peer.upgraded()
    assert await peer.frame() == (0x81, b"one")


async def test_frames_right_behind_the_head_are_received(served: Served) -> None:
    peer = await served.dial()
    peer.send(head() + frame(b"one") + frame(b"two") + frame(b"three")[:5])
    await peer.upgraded()
    assert await peer.frame() == (0x81, b"one")
    assert await peer.frame() == (0x81, b"two")
    peer.send(frame(b"three")[5:])
    assert await peer.frame() == (0x81, b"three")


async def test_head_and_frame_arrive_byte_by_byte(served: Served) -> None:
    peer = await served.dial()
    for byte in head() + frame(b"slowly"):
        peer.send(bytes([byte]))
        await peer.writer.drain()
        await asyncio.sleep(0)
    await peer.upgraded()
    assert await peer.frame() == (0x81, b"slowly")


@pytest.mark.parametrize("size", [100, 900_000])
async def test_data_sent_while_middleware_is_busy_is_received(served: Served, size: int) -> None:
    peer = await served.dial()
    peer.send(head("/primus?slow=1"))
    data = frame(b"a" * size)
    await served.entered.wait()
    peer.send(data[:10])
    await asyncio.sleep(0)
    peer.send(data[10:])
    served.gate.set()
    await peer.upgraded()
    assert await peer.frame() == (0x81, b"a" * size)
    peer.send(frame(b"after"))
    assert await peer.frame() == (0x81, b"after")


async def test_a_client_that_goes_while_middleware_is_busy_makes_no_spark(served: Served) -> None:
    peer = await served.dial()
    peer.send(head("/primus?slow=1"))
    await served.entered.wait()
    peer.writer.transport.abort()
    await served.until(lambda: served.held[0].native.transport is None)
    served.gate.set()
    other = await served.connected()
    other.send(frame(b"hi"))
    assert await other.frame() == (0x81, b"hi")
    assert served.primus.connected == 1


async def test_firefox_says_keep_alive_too(served: Served) -> None:
    peer = await served.dial()
    peer.send(head(connection="keep-alive, Upgrade"))
    await peer.upgraded()


async def test_a_bad_key_is_refused_with_400(served: Served) -> None:
    peer = await served.dial()
    peer.send(head(key="nope"))
    assert (await peer.rest()).startswith(b"HTTP/1.1 400 ")


async def test_fragments_are_joined_with_a_ping_between(served: Served) -> None:
    peer = await served.connected()
    peer.send(frame(b"ab", fin=False) + frame(b"png", PING))
    assert await peer.frame() == (0x80 | PONG, b"png")
    peer.send(frame(b"cd", 0, fin=False) + frame(b"ef", 0))
    assert await peer.frame() == (0x81, b"abcdef")


async def test_binary_stays_binary(served: Served) -> None:
    peer = await served.connected()
    peer.send(frame(b"\x00\xff", BINARY))
    assert await peer.frame() == (0x82, b"\x00\xff")


async def test_a_frame_that_is_too_large_closes_with_1009(served: Served) -> None:
    peer = await served.connected()
    peer.send(frame(b"a" * (MAX_LENGTH + 1))[:2000])
    await peer.closed_with(1009)


async def test_fragments_that_are_too_large_together_close_with_1009(served: Served) -> None:
    peer = await served.connected()
    peer.send(frame(b"a" * 700_000, fin=False))
    peer.send(frame(b"a" * 700_000, 0)[:2000])
    await peer.closed_with(1009)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(frame(b"\xff\xfe"), 1007, id="invalid UTF-8"),
        pytest.param(frame(b"ab", rsv1=True), 1002, id="rsv1 that was not negotiated"),
        pytest.param(b"\x81\x02ab", 1002, id="a frame without mask"),
        pytest.param(frame(b"ab", 0), 1002, id="a continuation of nothing"),
        pytest.param(frame(b"ab", 3), 1002, id="an unknown opcode"),
        pytest.param(frame(b"a" * 126, PING), 1002, id="a ping that is too long"),
    ],
)
async def test_bad_frames_close_their_connection_only(
    served: Served, data: bytes, code: int
) -> None:
    other = await served.connected()
    peer = await served.connected()
    peer.send(data)
    await peer.closed_with(code)
    other.send(frame(b"still here"))
    assert await other.frame() == (0x81, b"still here")


@pytest.mark.parametrize("payload", [struct.pack("!H", 1001), b""])
async def test_a_close_frame_is_echoed(served: Served, payload: bytes) -> None:
    peer = await served.connected()
    peer.send(frame(payload, CLOSE))
    assert await peer.frame() == (0x88, payload)
    assert await peer.rest() == b""


async def test_a_reset_ends_the_spark_once(served: Served) -> None:
    peer = await served.connected()
    peer.writer.transport.abort()
    await served.until(lambda: served.primus.connected == 0)
    assert len(served.ended) == 1


async def test_the_keepalive_timeout_of_aiohttp_does_not_hit_a_spark(served: Served) -> None:
    peer = await served.connected()
    (spark,) = served.primus
    handlers = served.runner.server
    assert handlers is not None
    await served.until(lambda: not handlers.connections)
    peer.send(frame(b"still"))
    assert await peer.frame() == (0x81, b"still")
    assert spark.ready_state == Spark.OPEN


async def test_nothing_of_aiohttp_stays_with_a_connection(served: Served) -> None:
    await asyncio.gather(*(served.connected() for _ in range(20)))
    gc.collect()
    assert served.primus.connected == 20
    assert [thing for thing in gc.get_objects() if isinstance(thing, RequestHandler)] == []
    assert len(asyncio.all_tasks()) == 1


async def test_nothing_leaks_over_many_connections(served: Served) -> None:
    counts = []
    for _ in range(3):
        for _ in range(50):
            peer = await served.connected()
            peer.writer.transport.abort()
        served.peers.clear()
        await served.until(lambda: served.primus.connected == 0)
        served.ended.clear()
        gc.collect()
        kinds = (RequestHandler, Request, Spark)
        counts.append(sum(isinstance(thing, kinds) for thing in gc.get_objects()))
    assert counts == [0, 0, 0]


async def test_compression_is_negotiated_and_works(tls: Tls | None) -> None:
    async with (
        serve(tls, compression=True) as served,
        served.session() as session,
        session.ws_connect(f"{served.url}/primus", compress=15) as socket,
    ):
        assert socket.compress
        await socket.send_str("hello " * 1000)
        assert await socket.receive_str() == "hello " * 1000
        served.primus.write("broadcast " * 1000)
        assert await socket.receive_str() == "broadcast " * 1000
        await socket.send_str("again " * 1000)
        assert await socket.receive_str() == "again " * 1000


async def test_the_shutdown_of_the_application_closes_sparks(served: Served) -> None:
    peer = await served.connected()
    cleanup = asyncio.ensure_future(served.runner.cleanup())
    assert await peer.frame() == (0x88, b"")
    peer.send(frame(b"", CLOSE))
    await asyncio.wait_for(cleanup, 5)
    assert served.primus.connected == 0


async def test_a_peer_that_never_closes_is_dropped(tls: Tls | None) -> None:
    async with serve(tls, transport={"close_timeout": 0.05}) as served:
        peer = await served.connected()
        (spark,) = served.primus
        spark.end(reconnect=True)
        assert await peer.frame() == (0x88, b"")
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await peer.frame()
