"""Heartbeats of both generations, on a clock that the tests move."""

# ruff: noqa: D102 - the names of the tests are sentences

from __future__ import annotations

from primus.server.spark import Spark
from primus_testing.clock import ManualClock
from primus_testing.transformer.base import Contract, Met, Serve, meet

__all__ = ["HeartbeatsContract"]


class HeartbeatsContract(Contract):
    """A client that is silent for too long is ended, and may come back."""

    async def test_a_client_that_does_not_ping_is_pinged(
        self, serve: Serve, manual_clock: ManualClock
    ) -> None:
        server = await serve(clock=manual_clock)
        met = await meet(server)
        manual_clock.advance(31)
        await expect_ping(met)
        manual_clock.advance(31)
        await expect_ping(met)
        assert met.spark.ready_state == Spark.OPEN
        assert met.events.seen("data") == []

    async def test_a_client_that_answers_no_ping_is_ended_and_may_come_back(
        self, serve: Serve, manual_clock: ManualClock
    ) -> None:
        server = await serve(clock=manual_clock)
        met = await meet(server)
        manual_clock.advance(31)
        frame = await met.peer.receive()
        assert str(frame).startswith('"primus::ping::')
        manual_clock.advance(31)
        assert await met.peer.gone() == []
        assert met.events.story == ["readyStateChange", "end"]

    async def test_a_client_that_pings_gets_its_stamp_back(
        self, serve: Serve, manual_clock: ManualClock
    ) -> None:
        server = await serve(clock=manual_clock)
        met = await meet(server)
        met.peer.send('"primus::ping::1234567890123"', '"primus::ping::not a number"')
        assert await met.peer.receive() == '"primus::pong::1234567890123"'
        assert await met.peer.receive() == '"primus::pong::not a number"'
        assert len(met.events.seen("heartbeat")) == 2
        assert met.events.seen("data") == []

    async def test_a_client_that_pings_is_never_pinged(
        self, serve: Serve, manual_clock: ManualClock
    ) -> None:
        server = await serve(clock=manual_clock)
        met = await meet(server)
        for _ in range(4):
            manual_clock.advance(25)
            # By the second answer the server has seen what the transport sent before it by itself.
            for stamp in ("1", "2"):
                met.peer.send(f'"primus::ping::{stamp}"')
                assert await met.peer.receive() == f'"primus::pong::{stamp}"'
        assert met.spark.ready_state == Spark.OPEN

    async def test_a_client_that_has_stopped_pinging_is_ended(
        self, serve: Serve, manual_clock: ManualClock
    ) -> None:
        server = await serve(clock=manual_clock)
        met = await meet(server)
        met.peer.send('"primus::ping::1"')
        await met.peer.receive()
        manual_clock.advance(34)
        assert met.spark.ready_state == Spark.OPEN
        manual_clock.advance(3)
        assert await met.peer.gone() == []

    async def test_any_message_is_a_sign_of_life(
        self, serve: Serve, manual_clock: ManualClock
    ) -> None:
        server = await serve(clock=manual_clock)
        met = await meet(server)
        manual_clock.advance(31)
        await met.peer.receive()
        met.peer.send('"busy"')
        await met.events.next("data")
        manual_clock.advance(29)
        assert met.spark.ready_state == Spark.OPEN

    async def test_without_a_timeout_no_client_is_ended(
        self, serve: Serve, manual_clock: ManualClock
    ) -> None:
        server = await serve(clock=manual_clock, timeout=False, ping_interval=False)
        met = await meet(server)
        manual_clock.advance(7_000)
        assert await met.peer.id() == met.spark.id

    async def test_without_a_ping_interval_silence_is_ended(
        self, serve: Serve, manual_clock: ManualClock
    ) -> None:
        server = await serve(clock=manual_clock, ping_interval=False)
        met = await meet(server)
        manual_clock.advance(37)
        assert await met.peer.gone() == []

    async def test_one_timer_serves_all_sparks(
        self, serve: Serve, manual_clock: ManualClock
    ) -> None:
        server = await serve(clock=manual_clock)
        await meet(server)
        timers = manual_clock.pending
        for _ in range(10):
            await meet(server)
        assert manual_clock.pending == timers

    async def test_a_server_that_was_destroyed_leaves_no_timer(
        self, serve: Serve, manual_clock: ManualClock
    ) -> None:
        server = await serve(clock=manual_clock)
        await meet(server)
        await server.primus.destroy()
        assert manual_clock.pending == 0


async def expect_ping(met: Met) -> None:
    """Receive a ping and answer it."""
    frame = str(await met.peer.receive())
    assert frame.startswith('"primus::ping::')
    stamp = frame.removeprefix('"primus::ping::').removesuffix('"')
    assert stamp.isdigit()
    assert len(stamp) == 13
    met.peer.send(f'"primus::pong::{stamp}"')
    await met.events.next("heartbeat")
