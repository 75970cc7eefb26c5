"""Every limit, attacked."""

# ruff: noqa: D102 - the names of the tests are sentences

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any

import pytest

from primus.errors import HandshakeError, SlowConsumerError, TransportError
from primus.http import Request
from primus.limits import DEFAULT_LIMITS
from primus.server.spark import Spark
from primus_testing.clock import ManualClock
from primus_testing.raw_websocket import RawWebSocket
from primus_testing.recorder import DEADLINE, Recorder, eventually
from primus_testing.transformer.base import Contract, Serve, Sockets, echo, meet

__all__ = ["LimitsContract"]

CHUNK = "x" * 100_000
BURST = 5000
AHEAD = DEFAULT_LIMITS.read_ahead_messages + 8
"""What may wait for a busy listener, and a few that are on their way."""
ENOUGH = 1000
"""So many chunks fill the socket buffers of any machine."""


class LimitsContract(Contract):
    """What a peer can make the server hold is bounded."""

    async def test_a_message_of_max_length_passes(self, serve: Serve) -> None:
        server = await serve(max_length=1000)
        echo(server.primus)
        peer = await server.peer()
        frame = '"' + "x" * 998 + '"'
        peer.send(frame)
        assert await peer.receive() == frame

    async def test_a_message_beyond_max_length_ends_its_connection_only(self, serve: Serve) -> None:
        server = await serve(max_length=1000)
        echo(server.primus)
        met, other = await meet(server), await meet(server)
        met.peer.send('"' + "x" * 999 + '"')
        await met.peer.gone()
        await met.events.next("end")
        assert met.events.seen("data") == []
        other.peer.send('"fine"')
        assert await other.peer.receive() == '"fine"'

    async def test_max_length_counts_bytes_rather_than_characters(self, serve: Serve) -> None:
        server = await serve(max_length=1000)
        met = await meet(server)
        met.peer.send('"' + "€" * 400 + '"')
        await met.events.next("end")
        assert met.events.seen("data") == []

    async def test_a_busy_listener_is_not_read_far_ahead(self, serve: Serve) -> None:
        parser, gate = Counting(), asyncio.Event()
        server = await serve(parser=parser)
        met = await meet(server)
        handled: list[str] = []

        async def data(message: str) -> None:
            if not handled:
                await gate.wait()
            handled.append(message)
            most.append(parser.decoded - len(handled))

        most: list[int] = []
        met.spark.on("data", data)
        sent = [str(number) for number in range(BURST)]
        met.peer.send(*sent)
        await eventually(lambda: met.spark.is_held)
        await quiet(lambda: parser.decoded)
        assert parser.decoded <= AHEAD
        gate.set()
        await eventually(lambda: len(handled) == BURST)
        assert handled == sent
        assert max(most) <= AHEAD

    async def test_a_client_with_a_busy_listener_is_not_read_far_ahead(
        self, serve: Serve, sockets: Sockets
    ) -> None:
        parser, entered, gate = Counting(), asyncio.Event(), asyncio.Event()
        server = await serve(parser=parser)
        met = Recorder(server.primus, "connection")
        socket, handled = sockets(server), list[str]()

        async def data(message: str) -> None:
            entered.set()
            await gate.wait()
            handled.append(message)

        socket.on("data", data)
        spark = await met.one("connection")
        before, sent = parser.decoded, [str(number) for number in range(BURST)]
        for message in sent:
            spark.write(message)
        async with asyncio.timeout(DEADLINE):
            await entered.wait()
        await quiet(lambda: parser.decoded)
        assert parser.decoded - before <= AHEAD
        gate.set()
        await eventually(lambda: len(handled) == BURST)
        assert handled == sent

    async def test_one_connection_is_handled_in_turns(self, serve: Serve) -> None:
        server = await serve()
        met = await meet(server)
        turns, handled = Turns(), 0

        def data(message: object) -> None:
            nonlocal handled
            handled += 1
            turns.count()

        met.spark.on("data", data)
        with turns:
            met.peer.send(*["1"] * (2 * BURST))
            await eventually(lambda: handled == 2 * BURST)
        # A turn may begin twice in one turn of the loop: with what was kept, and with a read. And
        # some engines do not count the messages of a short read.
        limits = server.primus.limits
        assert max(turns.counts) <= 2 * (limits.turn_messages + limits.turn_bytes // 64)

    async def test_what_waits_of_a_connection_that_was_dropped_is_dropped(
        self, serve: Serve
    ) -> None:
        parser, gate = Counting(), asyncio.Event()
        server = await serve(parser=parser)
        met = await meet(server)
        handled: list[str] = []

        async def data(message: str) -> None:
            handled.append(message)
            await gate.wait()

        met.spark.on("data", data)
        met.peer.send(*["1"] * BURST)
        await eventually(lambda: met.spark.is_held)
        await quiet(lambda: parser.decoded)
        met.spark.abort()
        gate.set()
        await eventually(lambda: len(server.primus) == 0)
        await quiet(lambda: parser.decoded)
        assert handled == ["1"]
        assert parser.decoded <= AHEAD

    async def test_a_slow_consumer_is_disconnected_and_may_come_back(self, serve: Serve) -> None:
        server = await serve(slow_consumer="disconnect", high_water=100_000)
        met, other = await meet(server), await meet(server)
        met.peer.pause()
        written = write_until(met.spark, lambda: met.spark.ready_state != Spark.OPEN)
        assert written < ENOUGH
        assert isinstance(await met.events.one("error"), SlowConsumerError)
        await met.events.next("end")
        assert met.spark.write("more") is False
        assert met.spark.buffered == 0
        met.peer.resume()
        assert '"primus::server::close"' not in await met.peer.gone()
        server.primus.write("others live on")
        assert await other.peer.receive() == '"others live on"'

    async def test_what_waits_to_be_sent_is_dropped_with_an_abort(self, serve: Serve) -> None:
        server = await serve(slow_consumer="buffer")
        met = await meet(server)
        met.peer.pause()
        write_until(met.spark, lambda: met.spark.buffered > 50 * len(CHUNK))
        met.spark.write("the last one")
        met.spark.abort()
        await met.events.next("end")
        met.peer.resume()
        assert '"the last one"' not in await met.peer.gone()

    async def test_messages_for_a_slow_consumer_are_dropped(self, serve: Serve) -> None:
        server = await serve(slow_consumer="drop", high_water=100_000)
        met = await meet(server)
        met.peer.pause()
        count = 0
        while not await stays_congested(met.spark):
            count += met.spark.write([count, CHUNK])
            assert count < ENOUGH
        assert met.spark.buffered < 100_000 + 3 * len(CHUNK)
        assert met.spark.write("dropped too") is False
        draining = asyncio.ensure_future(met.spark.drain())
        await asyncio.sleep(0)
        assert not draining.done()
        met.peer.resume()
        async with asyncio.timeout(DEADLINE):
            await draining
        assert met.spark.write("after") is True
        for number in range(count):
            assert await met.peer.receive() == f'[{number},"{CHUNK}"]'
        assert await met.peer.receive() == '"after"'

    async def test_messages_for_a_slow_consumer_are_buffered_on_demand(self, serve: Serve) -> None:
        server = await serve(slow_consumer="buffer", high_water=100_000)
        met = await meet(server)
        met.peer.pause()
        written = write_until(met.spark, lambda: met.spark.buffered > 1_000_000)
        met.spark.end("last")
        met.peer.resume()
        frames = await met.peer.gone()
        assert len(frames) == written + 2
        assert frames[-2:] == ['"last"', '"primus::server::close"']

    async def test_broadcasts_respect_slow_consumers_too(self, serve: Serve) -> None:
        server = await serve(slow_consumer="disconnect", high_water=100_000)
        met, other = await meet(server), await meet(server)
        met.peer.pause()
        for _ in range(ENOUGH):
            if met.spark.ready_state != Spark.OPEN:
                break
            server.primus.write(CHUNK)
            await other.peer.receive()
        assert isinstance(await met.events.one("error"), SlowConsumerError)
        assert other.spark.ready_state == Spark.OPEN

    async def test_control_messages_do_not_pile_up_for_a_slow_consumer(self, serve: Serve) -> None:
        server = await serve(slow_consumer="drop", high_water=100_000)
        met = await meet(server)
        met.peer.pause()
        write_until(met.spark, lambda: not met.spark.write(CHUNK))
        before = met.spark.buffered
        met.peer.send(*['"primus::ping::1"'] * 1000, '"done"')
        assert await met.events.one("data") == "done"
        assert met.spark.buffered <= before
        met.peer.abort()

    @pytest.mark.parametrize("policy", ["disconnect", "drop", "buffer"])
    async def test_what_pings_are_answered_with_does_not_pile_up_whatever_becomes_of_messages(
        self, serve: Serve, policy: str
    ) -> None:
        server = await serve(slow_consumer=policy, high_water=100_000)
        met = await meet(server)
        met.peer.pause()
        written = 0
        while not await stays_congested(met.spark):
            met.spark.write(CHUNK)
            written += 1
            assert written < ENOUGH
        before = met.spark.buffered
        ping = f'"primus::ping::{"1" * 200}'
        for number in range(200):
            met.spark.feed(f'{ping}{number}"')  # a peer that upgrades may not post before it reads
        met.spark.feed('"primus::id::"')
        assert met.spark.buffered <= before
        met.peer.resume()
        frames = [await met.peer.receive() for _ in range(written)]
        answers = [await met.peer.receive(), await met.peer.receive()]
        assert frames == [f'"{CHUNK}"'] * written
        assert answers == [ping.replace("ping", "pong") + '199"', f'"primus::id::{met.spark.id}"']

    async def test_an_answer_that_is_not_read_is_given_up(
        self, serve: Serve, manual_clock: ManualClock
    ) -> None:
        server = await serve(clock=manual_clock, timeout=False, ping_interval=False)
        raw = await RawWebSocket.dial(server, room=4096)
        path = f"{server.primus.pathname}/primus.js"
        count = 10_000_000 // len(server.primus.library(minified=True))
        raw.writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode() * count)
        head = await raw.within(raw.reader.readuntil(b"\r\n\r\n"))
        assert head.startswith(b"HTTP/1.1 200 ")
        for _ in range(20):
            await raw.within(raw.reader.readexactly(2000))
            await pass_time(manual_clock, 10)
        assert not raw.reader.at_eof()
        await pass_time(manual_clock, 300)
        with suppress(ConnectionResetError):
            assert len(await raw.within(raw.reader.read())) < 9_000_000
        raw.drop()
        await asyncio.sleep(0)

    async def test_a_client_is_congested_while_its_server_does_not_read(
        self, serve: Serve, sockets: Sockets
    ) -> None:
        server, gate = await serve(), asyncio.Event()

        async def data(message: str) -> None:
            await gate.wait()

        server.primus.on("connection", lambda spark: spark.on("data", data))
        socket = sockets(server)
        await Recorder(socket, "open").next("open")
        written = 0
        while not await stays_congested(socket):
            socket.write(CHUNK)
            written += 1
            assert written < ENOUGH
        draining = asyncio.ensure_future(socket.drain())
        await asyncio.sleep(0)
        assert not draining.done()
        gate.set()
        async with asyncio.timeout(DEADLINE):
            await draining
        assert not socket.is_congested

    async def test_drain_returns_at_once_when_nothing_waits(self, serve: Serve) -> None:
        server = await serve()
        met = await meet(server)
        async with asyncio.timeout(DEADLINE):
            await met.spark.drain()
        assert met.spark.buffered == 0

    async def test_drain_returns_when_the_connection_is_lost(self, serve: Serve) -> None:
        server = await serve(slow_consumer="drop", high_water=100_000)
        met = await meet(server)
        met.peer.pause()
        write_until(met.spark, lambda: not met.spark.write(CHUNK))
        draining = asyncio.ensure_future(met.spark.drain())
        await asyncio.sleep(0)
        met.peer.abort()
        async with asyncio.timeout(DEADLINE):
            await draining

    async def test_a_handshake_that_middleware_holds_up_is_given_up(self, serve: Serve) -> None:
        entered, seconds = asyncio.Event(), 0.05

        async def slow(request: Request) -> None:
            entered.set()
            await asyncio.Event().wait()

        while not entered.is_set():  # on a busy machine the request may come too late for that
            server = await serve(handshake_timeout=seconds)
            server.primus.before("slow", slow)
            with pytest.raises(TransportError) as refused:
                await server.peer()
            assert len(server.primus) == 0
            seconds *= 2
        assert isinstance(refused.value, HandshakeError)
        assert refused.value.status == 408

    async def test_a_client_that_leaves_in_the_middle_of_its_handshake_leaves_nothing(
        self, serve: Serve
    ) -> None:
        server = await serve()
        asked, gate = asyncio.Event(), asyncio.Event()

        @server.primus.authorize
        async def authorize(request: Request) -> None:
            asked.set()
            await gate.wait()

        connecting = asyncio.ensure_future(server.peer())
        await asked.wait()
        connecting.cancel()
        await asyncio.gather(connecting, return_exceptions=True)
        gate.set()
        server.primus.authorize(lambda request: None)
        echo(server.primus)
        peer = await server.peer()
        peer.send('"next"')
        assert await peer.receive() == '"next"'
        await eventually(lambda: len(server.primus) == 1)


async def pass_time(clock: ManualClock, seconds: int) -> None:
    """Let time pass second by second; the loop gets its turns."""
    for _ in range(seconds):
        for _ in range(10):
            await asyncio.sleep(0)
        clock.advance(1.0)


class Counting:
    """A parser that leaves frames as they are, and counts them."""

    def __init__(self) -> None:
        self.decoded = 0

    def encode(self, value: Any) -> Any:
        """The value itself."""
        return value

    def decode(self, frame: Any) -> Any:
        """The frame itself."""
        self.decoded += 1
        return frame


class Turns:
    """Counts what happens in each turn of the loop."""

    def __init__(self) -> None:
        self.counts = [0]
        self._handle: asyncio.Handle | None = None

    def count(self) -> None:
        """Something has happened."""
        self.counts[-1] += 1

    def _turn(self) -> None:
        if self.counts[-1]:
            self.counts.append(0)
        self._handle = asyncio.get_running_loop().call_soon(self._turn)

    def __enter__(self) -> None:
        self._turn()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._handle is not None
        self._handle.cancel()


async def quiet(value: Callable[[], int], turns: int = 200) -> None:
    """Wait until `value` has stayed the same for so many turns of the loop."""
    same, last = 0, value()
    while same < turns:
        await asyncio.sleep(0)
        same, last = (same + 1, last) if value() == last else (0, value())


async def stays_congested(connection: Any) -> bool:
    """Whether more waits for the peer than it may, and not only for its turn to be sent."""
    for _ in range(20):
        if not connection.is_congested:
            return False
        await asyncio.sleep(0)
    return bool(connection.is_congested)


def write_until(spark: Spark, stop: object) -> int:
    """Write chunks until `stop` says so; how many were written."""
    assert callable(stop)
    for count in range(ENOUGH):
        if stop():
            return count
        spark.write(CHUNK)
    raise AssertionError("the peer reads though it should not")
