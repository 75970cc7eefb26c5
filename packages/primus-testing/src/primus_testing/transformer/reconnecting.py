"""How a `Socket` comes back, on a clock that the tests move."""

# ruff: noqa: D102 - the names of the tests are sentences

from __future__ import annotations

import asyncio

from primus.http import Request
from primus.recovery import Attempt
from primus.server.primus import Primus
from primus_testing.clock import ManualClock
from primus_testing.recorder import Recorder, eventually
from primus_testing.transformer.base import Contract, Serve, Sockets, echo

__all__ = ["ReconnectingContract"]

EVENTS = (
    "open",
    "close",
    "end",
    "reconnect",
    "reconnect scheduled",
    "reconnected",
    "reconnect timeout",
    "reconnect failed",
    "timeout",
)


class ReconnectingContract(Contract):
    """After a lost connection always, after an intended end never."""

    async def test_a_socket_that_is_dropped_comes_back(
        self, serve: Serve, sockets: Sockets, manual_clock: ManualClock
    ) -> None:
        server = await serve()
        drop_first(server.primus)
        socket = sockets(server, clock=manual_clock)
        seen = Recorder(socket, *EVENTS)
        await come_back(seen, manual_clock)
        await seen.next("reconnected")
        assert seen.story[:3] == ["open", "close", "reconnect scheduled"]
        assert seen.story.index("reconnect scheduled") < seen.story.index("reconnect")
        assert seen.story.count("open") == 2
        assert socket.ready_state == 3

    async def test_a_wire_that_breaks_is_a_reason_to_come_back(
        self, serve: Serve, sockets: Sockets, manual_clock: ManualClock
    ) -> None:
        server = await serve()
        sparks = Recorder(server.primus, "connection")
        seen = Recorder(sockets(server, clock=manual_clock), *EVENTS)
        await seen.next("open")
        spark = await sparks.one("connection")
        spark.abort()
        await come_back(seen, manual_clock)
        await seen.next("reconnected")

    async def test_the_attempt_tells_its_options(
        self, serve: Serve, sockets: Sockets, manual_clock: ManualClock
    ) -> None:
        server = await serve()
        drop_first(server.primus)
        reconnect = {"min": 0.1, "max": 1.0, "retries": 7}
        seen = Recorder(sockets(server, clock=manual_clock, reconnect=reconnect), *EVENTS)
        attempt = await seen.one("reconnect scheduled")
        assert isinstance(attempt, Attempt)
        assert (attempt.attempt, attempt.retries) == (1, 7)
        assert (attempt.min, attempt.max, attempt.factor) == (0.1, 1.0, 2)
        assert 0.1 <= attempt.scheduled <= 1.0

    async def test_a_socket_without_a_strategy_stays_away(
        self, serve: Serve, sockets: Sockets
    ) -> None:
        server = await serve()
        server.primus.on("connection", lambda spark: spark.end(reconnect=True))
        seen = Recorder(sockets(server, strategy=False), *EVENTS)
        await seen.next("end")
        assert seen.story == ["open", "close", "end"]

    async def test_a_socket_that_is_ended_while_it_waits_stays_away(
        self, serve: Serve, sockets: Sockets, manual_clock: ManualClock
    ) -> None:
        server = await serve()
        server.primus.on("connection", lambda spark: spark.end(reconnect=True))
        socket = sockets(server, clock=manual_clock)
        seen = Recorder(socket, *EVENTS)

        @socket.on("reconnect scheduled")  # type: ignore[untyped-decorator]
        def stay() -> None:
            socket.end()

        await seen.next("end")
        manual_clock.advance(100)
        assert "reconnect" not in seen.story
        assert seen.story.count("end") == 1

    async def test_a_socket_gives_up_after_its_retries(
        self, serve: Serve, sockets: Sockets, manual_clock: ManualClock
    ) -> None:
        server = await serve()
        socket = sockets(server, clock=manual_clock, reconnect={"retries": 3})
        seen = Recorder(socket, *EVENTS)
        await seen.next("open")
        await server.primus.destroy(reconnect=True)
        await server.site.stop()
        for number in range(1, 4):
            attempt = await seen.one("reconnect scheduled")
            assert attempt.attempt == number
            manual_clock.advance(attempt.scheduled)
            await seen.next("reconnect")
        await seen.next("reconnect failed")
        await seen.next("end")
        assert len(seen.seen("reconnect")) == 3

    async def test_the_attempts_start_anew_after_a_connection(
        self, serve: Serve, sockets: Sockets, manual_clock: ManualClock
    ) -> None:
        server = await serve()
        sparks = Recorder(server.primus, "connection")
        seen = Recorder(sockets(server, clock=manual_clock), *EVENTS)
        for _ in range(3):
            (await sparks.one("connection")).end(reconnect=True)
            await seen.next("open")
            attempt = await seen.one("reconnect scheduled")
            assert attempt.attempt == 1
            manual_clock.advance(attempt.scheduled)
        await seen.next("open")

    async def test_messages_written_meanwhile_are_sent_after_it_came_back(
        self, serve: Serve, sockets: Sockets, manual_clock: ManualClock
    ) -> None:
        server = await serve()
        drop_first(server.primus)
        echo(server.primus)
        socket = sockets(server, clock=manual_clock)
        seen, data = Recorder(socket, *EVENTS), Recorder(socket, "data")
        attempt = await seen.one("reconnect scheduled")
        socket.write("one")
        socket.write("two")
        manual_clock.advance(attempt.scheduled)
        assert [await data.one("data") for _ in range(2)] == ["one", "two"]

    async def test_a_server_that_does_not_answer_is_a_timeout(
        self, serve: Serve, sockets: Sockets, manual_clock: ManualClock
    ) -> None:
        server = await serve(handshake_timeout=False)
        held = hold_up(server.primus)
        socket = sockets(server, clock=manual_clock, timeout=2.0, strategy="disconnect, online")
        seen = Recorder(socket, *EVENTS)
        await eventually(lambda: held)
        manual_clock.advance(2.5)
        await seen.next("timeout")
        await seen.next("end")
        assert "reconnect scheduled" not in seen.story
        held[0].set()

    async def test_a_timeout_is_a_reason_to_come_back(
        self, serve: Serve, sockets: Sockets, manual_clock: ManualClock
    ) -> None:
        server = await serve(handshake_timeout=False)
        held = hold_up(server.primus)
        seen = Recorder(sockets(server, clock=manual_clock, timeout=2.0), *EVENTS)
        await eventually(lambda: held)
        manual_clock.advance(2.5)
        await seen.next("timeout")
        await seen.next("reconnect scheduled")
        assert seen.story.index("timeout") < seen.story.index("reconnect scheduled")
        held[0].set()

    async def test_a_client_that_was_refused_does_not_come_back_to_authorization(
        self, serve: Serve, sockets: Sockets
    ) -> None:
        server = await serve()

        @server.primus.authorize
        def authorize(request: Request) -> bool:
            return False

        seen = Recorder(sockets(server), *EVENTS, "error")
        await seen.next("error")
        await seen.next("end")
        assert "reconnect scheduled" not in seen.story

    async def test_a_socket_leaves_no_timer(
        self, serve: Serve, sockets: Sockets, manual_clock: ManualClock
    ) -> None:
        server = await serve()
        socket = sockets(server, clock=manual_clock)
        seen = Recorder(socket, *EVENTS)
        await seen.next("open")
        socket.end()
        await seen.next("end")
        assert manual_clock.pending == 0

    async def test_making_a_class_of_clients_starts_nothing(self, serve: Serve) -> None:
        server = await serve()
        before = asyncio.all_tasks()
        assert server.primus.Socket
        assert asyncio.all_tasks() == before


def drop_first(primus: Primus) -> None:
    """Drop the first connection, so that its client comes back."""
    primus.once("connection", lambda spark: spark.end(reconnect=True))


def hold_up(primus: Primus) -> list[asyncio.Event]:
    """Hold every handshake until the event that is in the list by then is set."""
    gates: list[asyncio.Event] = []
    gate = asyncio.Event()

    @primus.before("hold up")
    async def layer(request: Request) -> None:
        gates.append(gate)
        await gate.wait()

    return gates


async def come_back(seen: Recorder, clock: ManualClock) -> None:
    """Let the time pass until the next attempt."""
    attempt = await seen.one("reconnect scheduled")
    clock.advance(attempt.scheduled)
