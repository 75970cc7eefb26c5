"""What one peer can make the server do over a WebSocket: inherit `WebSocketLimitsContract`."""

# ruff: noqa: D102 - the names of the tests are sentences

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import aiohttp
import pytest

from primus.limits import DEFAULT_LIMITS
from primus.server.spark import Spark
from primus_testing.clock import ManualClock
from primus_testing.raw_websocket import CLOSE, PING, TEXT, RawWebSocket, deflated, frame
from primus_testing.recorder import DEADLINE, Recorder, eventually
from primus_testing.transformer.base import Contract, Serve
from primus_testing.transformer.limits import Turns, pass_time, stays_congested

__all__ = ["WebSocketLimitsContract"]

# Two lines of Connection are as good as one (RFC 9110 section 5.3); some proxies send them.
HANDSHAKE = (
    b"GET /primus HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\n\r\n"
)
MESSAGE = "a" * 100_000
MESSAGES = 300
AT_ONCE = 65_536
"""Bytes of answers that leave together, when their questions were read together."""


async def flood(raw: RawWebSocket) -> None:
    """Send messages until the connection is gone."""
    messages = frame(TEXT, b"x") * 100
    with suppress(ConnectionError):
        while not raw.writer.is_closing():
            raw.send(messages)
            await raw.writer.drain()
            await asyncio.sleep(0)
    raw.drop()


class Counting:
    """A parser that leaves frames as they are, and counts them."""

    def __init__(self) -> None:
        self.decoded = 0

    def encode(self, value: Any) -> str:
        """The value as text."""
        return str(value)

    def decode(self, frame: str | bytes) -> str | bytes:
        """The frame itself."""
        self.decoded += 1
        return frame


class WebSocketLimitsContract(Contract):
    """Limits beyond those of every transformer."""

    async def test_messages_are_not_inflated_for_a_connection_that_does_not_take_them(
        self,
        serve: Serve,
    ) -> None:
        parser, entered, gate = Counting(), asyncio.Event(), asyncio.Event()
        server = await serve(parser=parser, compression=True, max_length=1 << 20)
        received: list[int] = []

        @server.primus.on("connection")
        def connection(spark: Spark) -> None:
            @spark.on("data")
            async def data(message: str) -> None:
                entered.set()
                await gate.wait()
                received.append(len(message))
                if len(received) == MESSAGES:
                    spark.write("all of them")

        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{server.url}/primus", compress=15) as socket,
        ):
            for _ in range(MESSAGES):
                await socket.send_str(MESSAGE)
            await entered.wait()
            inflated = parser.decoded
            gate.set()
            async with asyncio.timeout(10):
                assert await socket.receive_str() == "all of them"

        assert inflated < MESSAGES / 4
        assert received == [len(MESSAGE)] * MESSAGES

    async def test_a_large_read_is_not_inflated_at_once(self, serve: Serve) -> None:
        parser, entered, gate = Counting(), asyncio.Event(), asyncio.Event()
        server = await serve(parser=parser, compression=True, max_length=1 << 20)
        received: list[int] = []

        @server.primus.on("connection")
        def connection(spark: Spark) -> None:
            @spark.on("data")
            async def data(message: str) -> None:
                entered.set()
                await gate.wait()
                received.append(len(message))

        raw = await RawWebSocket.open(server, [("Sec-WebSocket-Extensions", "permessage-deflate")])
        raw.send(frame(TEXT, deflated(MESSAGE.encode()), rsv=4) * MESSAGES)
        await entered.wait()
        inflated = parser.decoded
        gate.set()
        await eventually(lambda: len(received) == MESSAGES)

        assert inflated <= DEFAULT_LIMITS.read_ahead_messages + 1
        assert received == [len(MESSAGE)] * MESSAGES
        raw.drop()
        await asyncio.sleep(0)

    async def test_a_turn_is_over_after_a_message_that_is_long_when_inflated(
        self, serve: Serve
    ) -> None:
        server = await serve(compression=True, max_length=1 << 20)
        turns, handled = Turns(), 0

        @server.primus.on("connection")
        def connection(spark: Spark) -> None:
            @spark.on("data")
            def data(message: object) -> None:
                nonlocal handled
                handled += 1
                turns.count()

        raw = await RawWebSocket.open(server, [("Sec-WebSocket-Extensions", "permessage-deflate")])
        with turns:
            raw.send(frame(TEXT, deflated(f'"{MESSAGE}"'.encode()), rsv=4) * 60)
            await eventually(lambda: handled == 60)
        assert max(turns.counts) <= 2  # what was kept, and a read
        raw.drop()
        await asyncio.sleep(0)

    @pytest.mark.parametrize("count", [16, 300])
    async def test_messages_that_come_with_the_handshake_pause_the_connection_too(
        self, serve: Serve, count: int
    ) -> None:
        parser, entered, gate = Counting(), asyncio.Event(), asyncio.Event()
        server = await serve(parser=parser)
        received: list[str] = []

        @server.primus.on("connection")
        def connection(spark: Spark) -> None:
            @spark.on("data")
            async def data(message: str) -> None:
                entered.set()
                await gate.wait()
                received.append(message)

        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        message = b"\x82\xfe\x03\xe8\0\0\0\0" + b"a" * 1000
        writer.write(HANDSHAKE + message * count)
        await entered.wait()
        await reader.readuntil(b"\r\n\r\n")
        flood = message * 1000
        sent = 0
        # A server that goes on reading takes all of this; one that has paused lets it pile up here.
        while sent < 64 and writer.transport.get_write_buffer_size() < 8 * len(flood):
            writer.write(flood)
            sent += 1
            await asyncio.sleep(0)
        piled_up = writer.transport.get_write_buffer_size()
        decoded = parser.decoded
        writer.transport.abort()
        gate.set()
        assert sent < 64, piled_up
        assert decoded < 2000

    async def test_pings_of_a_peer_that_reads_nothing_cost_no_memory(self, serve: Serve) -> None:
        server = await serve(parser=Counting(), high_water=100_000)
        met = Recorder(server.primus, "connection")
        raw = await RawWebSocket.open(server, room=4096)
        spark = await met.one("connection")
        pings = frame(PING, b"x" * 125) * 1000
        for _ in range(30):
            raw.send(pings)
            for _ in range(20):
                await asyncio.sleep(0)
                assert spark.buffered <= 100_000 + AT_ONCE
        raw.drop()
        await asyncio.sleep(0)

    @pytest.mark.parametrize("policy", ["drop", "buffer"])
    async def test_a_peer_that_takes_nothing_is_dropped(
        self, serve: Serve, manual_clock: ManualClock, policy: str
    ) -> None:
        still = {"timeout": False, "ping_interval": False, "clock": manual_clock}
        server = await serve(parser=Counting(), slow_consumer=policy, **still)
        met = Recorder(server.primus, "connection")
        raw = await RawWebSocket.open(server, room=4096)
        spark = await met.one("connection")
        heard = Recorder(spark, "end")
        while not await stays_congested(spark):
            spark.write(MESSAGE)
        await pass_time(manual_clock, 29)
        assert len(server.primus) == 1
        await pass_time(manual_clock, 300)
        await heard.next("end")
        assert len(server.primus) == 0
        raw.drop()
        await asyncio.sleep(0)

    async def test_a_peer_that_takes_little_is_kept(
        self, serve: Serve, manual_clock: ManualClock
    ) -> None:
        still = {"timeout": False, "ping_interval": False, "clock": manual_clock}
        server = await serve(parser=Counting(), slow_consumer="buffer", **still)
        met = Recorder(server.primus, "connection")
        raw = await RawWebSocket.open(server, room=4096)
        spark = await met.one("connection")
        for _ in range(100):
            spark.write(MESSAGE)
        for _ in range(20):
            await raw.within(raw.reader.readexactly(20_000))
            await pass_time(manual_clock, 10)
        assert spark.buffered > 0
        for _ in range(100):
            await raw.reader.read(1 << 20)
        assert len(server.primus) == 1
        raw.drop()
        await asyncio.sleep(0)

    async def test_a_server_ends_though_its_peers_send_on_and_never_close(
        self, serve: Serve
    ) -> None:
        parser = Counting()
        server = await serve(parser=parser, transport={"close_timeout": 0.1})
        raws = [await RawWebSocket.open(server) for _ in range(3)]
        flooding = [asyncio.create_task(flood(raw)) for raw in raws]
        await eventually(lambda: parser.decoded > 1000)
        async with asyncio.timeout(DEADLINE):
            await server.primus.destroy(timeout=0.05)
            await asyncio.gather(*flooding)
        assert len(server.primus) == 0

    @pytest.mark.parametrize("last", [frame(0x3, b"x"), frame(CLOSE, b"\x03\xe8")])
    async def test_a_peer_that_sends_on_behind_its_end_is_dropped(
        self, serve: Serve, last: bytes
    ) -> None:
        server = await serve(parser=Counting(), transport={"close_timeout": 0.05})
        ended = Recorder(server.primus, "disconnection")
        raw = await RawWebSocket.open(server)
        raw.send(last)
        await ended.next("disconnection")
        async with asyncio.timeout(DEADLINE):
            await flood(raw)

    async def test_nothing_behind_invalid_utf_8_is_processed(self, serve: Serve) -> None:
        server = await serve(parser=Counting())
        met = Recorder(server.primus, "connection")
        raw = await RawWebSocket.open(server)
        heard = Recorder(await met.one("connection"), "data", "end")
        raw.send(frame(TEXT, b"a"), frame(TEXT, b"\xff"), frame(TEXT, b"b"))
        assert await raw.close_code() == 1007
        await heard.next("end")
        assert heard.story == ["data", "end"]
        assert heard.seen("data") == [("a", "a")]
