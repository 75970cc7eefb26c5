"""What arrives before, with and right behind the head, and what a peer does wrong.

All of it must reach the spark; what aiohttp knew of the connection must be gone; and whatever a
peer does wrong ends its own connection only.
"""

# ruff: noqa: D102 - the names of the tests are sentences

from __future__ import annotations

import asyncio
import gc
import re
import struct
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from primus.http import Request
from primus.server.primus import Primus
from primus.server.spark import Spark
from primus.websocket import accept_key
from primus_testing.handover.scene import MAX_LENGTH, Served, head, serve
from primus_testing.raw_websocket import frame
from primus_testing.recorder import DEADLINE, Recorder, eventually
from primus_testing.sites import AiohttpSite, OwnSite
from primus_testing.tls import Tls, certificates
from primus_testing.transformer.base import Contract

__all__ = ["HandoverContract"]

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def text(payload: bytes) -> bytes:
    """A text message, as a client sends it."""
    return frame(TEXT, payload)


def is_gone(request: Request) -> bool:
    """Whether the client of an upgrade is known to have gone."""
    if isinstance(request.native, web.Request):
        return request.native.transport is None
    return request.native.is_closing()  # type: ignore[no-any-return]


def kept() -> int:
    """How many objects of connections there are: aiohttp caches the last servers for some time."""
    gc.collect()
    kinds = (RequestHandler, Request, Spark)
    return sum(isinstance(thing, kinds) for thing in gc.get_objects())


class HandoverContract(Contract):
    """Connections that are taken over from aiohttp, plain and with TLS."""

    @pytest.fixture(scope="class", params=["plain", "tls"])
    @classmethod
    def tls(cls, request: pytest.FixtureRequest) -> Tls | None:
        """Both ends of TLS, or nothing."""
        return None if request.param == "plain" else certificates()

    @pytest.fixture(params=[AiohttpSite, OwnSite])
    @classmethod
    def site(cls, request: pytest.FixtureRequest) -> type[AiohttpSite]:
        """What serves the application."""
        return request.param  # type: ignore[no-any-return]

    @pytest_asyncio.fixture
    async def served(self, tls: Tls | None, site: type[AiohttpSite]) -> AsyncIterator[Served]:
        """The application with this transformer."""
        async with serve(tls, site, transformer=self.transformer) as running:
            yield running

    async def test_other_routes_answer_as_before(self, served: Served) -> None:
        base = served.url
        async with served.session() as session:
            async with session.get(base + "/") as response:
                assert await response.text() == "root"
            async with session.get(base + "/missing") as response:
                assert response.status == 404
            async with session.ws_connect(base + "/own") as socket:
                await socket.send_str("hi")
                assert await socket.receive_str() == "own hi"

    async def test_wait_closed_waits_for_tcp_and_not_just_for_the_close_frame(self) -> None:
        echoed, released = asyncio.Event(), asyncio.Event()
        closed_by_client: list[bytes] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            key = re.findall(r"(?im)^sec-websocket-key: *(\S+)", head)[0]
            accept = f"Sec-WebSocket-Accept: {accept_key(key)}\r\n\r\n".encode()
            writer.write(b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
            writer.write(accept + bytes.fromhex("88 02 03 e8"))
            await reader.readexactly(8)
            echoed.set()
            reading = asyncio.ensure_future(reader.read())
            releasing = asyncio.ensure_future(released.wait())
            await asyncio.wait({reading, releasing}, return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                closed_by_client.append(await reading)
            writer.close()
            await asyncio.gather(reading, releasing)

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        socket = Primus.create_socket(transformer=self.transformer)(url, strategy=False)
        recorder = Recorder(socket, "end")
        await recorder.next("end")
        await echoed.wait()

        waiting = asyncio.ensure_future(socket.wait_closed())
        for _ in range(5):
            await asyncio.sleep(0)
        if waiting.done():  # the client need not wait for the server to close TCP
            await eventually(lambda: closed_by_client == [b""])
        released.set()

        async with asyncio.timeout(DEADLINE):
            await waiting
        server.close()
        await server.wait_closed()

    async def test_an_aiohttp_client_talks_and_closes(self, served: Served) -> None:
        async with (
            served.session() as session,
            session.ws_connect(f"{served.url}/primus") as socket,
        ):
            await socket.send_str("hi")
            assert await socket.receive_str() == "hi"
            await socket.close()
            assert socket.close_code == 1000

    async def test_an_upgrade_follows_a_request_on_the_same_connection(
        self, served: Served
    ) -> None:
        peer = await served.dial()
        peer.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await peer.reader.readuntil(b"root")
        peer.send(head())
        await peer.upgraded()
        peer.send(text(b"one"))
        assert await peer.frame() == (0x81, b"one")

    async def test_an_upgrade_is_pipelined_behind_a_request(self, served: Served) -> None:
        peer = await served.dial()
        peer.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" + head() + text(b"one"))
        await peer.reader.readuntil(b"root")
        await peer.upgraded()
        assert await peer.frame() == (0x81, b"one")

    async def test_frames_right_behind_the_head_are_received(self, served: Served) -> None:
        peer = await served.dial()
        peer.send(head() + text(b"one") + text(b"two") + text(b"three")[:5])
        await peer.upgraded()
        assert await peer.frame() == (0x81, b"one")
        assert await peer.frame() == (0x81, b"two")
        peer.send(text(b"three")[5:])
        assert await peer.frame() == (0x81, b"three")

    async def test_head_and_frame_arrive_byte_by_byte(self, served: Served) -> None:
        peer = await served.dial()
        for byte in head() + text(b"slowly"):
            peer.send(bytes([byte]))
            await peer.writer.drain()
            await asyncio.sleep(0)
        await peer.upgraded()
        assert await peer.frame() == (0x81, b"slowly")

    @pytest.mark.parametrize("size", [100, 900_000])
    async def test_data_sent_while_middleware_is_busy_is_received(
        self, served: Served, size: int
    ) -> None:
        peer = await served.dial()
        peer.send(head("/primus?slow=1"))
        data = text(b"a" * size)
        await served.entered.wait()
        peer.send(data[:10])
        await asyncio.sleep(0)
        peer.send(data[10:])
        served.gate.set()
        await peer.upgraded()
        assert await peer.frame() == (0x81, b"a" * size)
        peer.send(text(b"after"))
        assert await peer.frame() == (0x81, b"after")

    async def test_a_client_that_goes_while_middleware_is_busy_makes_no_spark(
        self, served: Served
    ) -> None:
        peer = await served.dial()
        peer.send(head("/primus?slow=1"))
        await served.entered.wait()
        peer.writer.transport.abort()
        await served.until(lambda: is_gone(served.held[0]))
        served.gate.set()
        other = await served.connected()
        other.send(text(b"hi"))
        assert await other.frame() == (0x81, b"hi")
        assert served.primus.connected == 1

    async def test_a_client_that_is_dropped_as_its_upgrade_is_decided_makes_no_spark(
        self, served: Served
    ) -> None:
        sparks = Recorder(served.primus, "connection")
        served.primus.before("drop", Request.drop, index=0)
        peer = await served.dial()
        peer.send(head())
        with suppress(ConnectionError):
            assert await peer.rest() == b""
        served.primus.remove("drop")
        await served.connected()
        assert len(sparks.seen("connection")) == 1

    async def test_firefox_says_keep_alive_too(self, served: Served) -> None:
        peer = await served.dial()
        peer.send(head(connection="keep-alive, Upgrade"))
        await peer.upgraded()

    async def test_a_bad_key_is_refused_with_400(self, served: Served) -> None:
        peer = await served.dial()
        peer.send(head(key="nope"))
        assert (await peer.rest()).startswith(b"HTTP/1.1 400 ")

    async def test_fragments_are_joined_with_a_ping_between(self, served: Served) -> None:
        peer = await served.connected()
        peer.send(frame(TEXT, b"ab", fin=False) + frame(PING, b"png"))
        assert await peer.frame() == (0x80 | PONG, b"png")
        peer.send(frame(CONT, b"cd", fin=False) + frame(CONT, b"ef"))
        assert await peer.frame() == (0x81, b"abcdef")

    async def test_binary_stays_binary(self, served: Served) -> None:
        peer = await served.connected()
        peer.send(frame(BINARY, b"\x00\xff"))
        assert await peer.frame() == (0x82, b"\x00\xff")

    async def test_a_frame_that_is_too_large_closes_with_1009(self, served: Served) -> None:
        peer = await served.connected()
        peer.send(text(b"a" * (MAX_LENGTH + 1))[:2000])
        await peer.closed_with(1009)

    async def test_fragments_that_are_too_large_together_close_with_1009(
        self, served: Served
    ) -> None:
        peer = await served.connected()
        peer.send(frame(TEXT, b"a" * 700_000, fin=False))
        peer.send(frame(CONT, b"a" * 700_000))
        await peer.closed_with(1009)

    @pytest.mark.parametrize(
        ("data", "code"),
        [
            pytest.param(text(b"\xff\xfe"), 1007, id="invalid UTF-8"),
            pytest.param(frame(TEXT, b"ab", rsv=4), 1002, id="rsv1 that was not negotiated"),
            pytest.param(b"\x81\x02ab", 1002, id="a frame without mask"),
            pytest.param(b"\x81\x7e", 1002, id="the head of a frame without mask"),
            pytest.param(b"\x83\xfe", 1002, id="the head of a frame with an unknown opcode"),
            pytest.param(frame(CONT, b"ab"), 1002, id="a continuation of nothing"),
            pytest.param(frame(3, b"ab"), 1002, id="an unknown opcode"),
            pytest.param(frame(PING, b"a" * 126), 1002, id="a ping that is too long"),
        ],
    )
    async def test_bad_frames_close_their_connection_only(
        self, served: Served, data: bytes, code: int
    ) -> None:
        other = await served.connected()
        peer = await served.connected()
        peer.send(data)
        await peer.closed_with(code)
        other.send(text(b"still here"))
        assert await other.frame() == (0x81, b"still here")

    @pytest.mark.parametrize("payload", [struct.pack("!H", 1001), b""])
    async def test_a_close_frame_is_echoed(self, served: Served, payload: bytes) -> None:
        peer = await served.connected()
        peer.send(frame(CLOSE, payload))
        assert await peer.frame() == (0x88, payload)
        assert await peer.rest() == b""

    async def test_a_reset_ends_the_spark_once(self, served: Served) -> None:
        peer = await served.connected()
        peer.writer.transport.abort()
        await served.until(lambda: served.primus.connected == 0)
        assert len(served.ended) == 1

    async def test_the_keepalive_timeout_of_the_server_does_not_hit_a_spark(
        self, served: Served
    ) -> None:
        peer = await served.connected()
        (spark,) = served.primus
        await served.until(lambda: not served.site.waiting)
        peer.send(text(b"still"))
        assert await peer.frame() == (0x81, b"still")
        assert spark.ready_state == Spark.OPEN

    async def test_nothing_of_aiohttp_stays_with_a_connection(self, served: Served) -> None:
        await asyncio.gather(*(served.connected() for _ in range(20)))
        gc.collect()
        assert served.primus.connected == 20
        assert [thing for thing in gc.get_objects() if isinstance(thing, RequestHandler)] == []
        assert len(asyncio.all_tasks()) == 1

    async def test_nothing_leaks_over_many_connections(self, served: Served) -> None:
        counts = [kept()]
        for _ in range(3):
            for _ in range(10):
                peer = await served.connected()
                peer.writer.transport.abort()
            served.peers.clear()
            await served.until(lambda: served.primus.connected == 0)
            served.ended.clear()
            counts.append(kept())
        assert counts == [counts[0]] * 4

    async def test_compression_is_negotiated_and_works(self, tls: Tls | None) -> None:
        async with (
            serve(tls, transformer=self.transformer, compression=True) as served,
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

    async def test_the_shutdown_of_the_application_closes_sparks(self, served: Served) -> None:
        peer = await served.connected()
        cleanup = asyncio.ensure_future(served.site.stop())
        assert await peer.frame() == (0x88, b"")
        peer.send(frame(CLOSE, b""))
        await asyncio.wait_for(cleanup, DEADLINE)
        assert served.primus.connected == 0

    async def test_a_peer_that_never_closes_is_dropped(self, tls: Tls | None) -> None:
        async with serve(
            tls, transformer=self.transformer, transport={"close_timeout": 0.05}
        ) as served:
            peer = await served.connected()
            (spark,) = served.primus
            spark.end(reconnect=True)
            assert await peer.frame() == (0x88, b"")
            with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
                await peer.frame()
