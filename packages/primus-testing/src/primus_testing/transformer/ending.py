"""Why a connection has ended, as both ends of it tell."""

# ruff: noqa: D102 - the names of the tests are sentences

from __future__ import annotations

from typing import Any

import pytest

from primus.closed import Closed, EndCode, Ending
from primus.errors import Unauthorized
from primus.http import Request
from primus_testing.clock import ManualClock
from primus_testing.recorder import Recorder
from primus_testing.transformer.base import Contract, Serve, Sockets, meet

__all__ = ["EndingContract"]


class EndingContract(Contract):
    """Spark, socket, and the listeners of their ends know the reason."""

    async def test_a_client_that_closes_is_the_reason_of_the_end(self, serve: Serve) -> None:
        server = await serve()
        left = Recorder(server.primus, "disconnection")
        told: list[Any] = []
        server.primus.on("disconnection", lambda spark, closed: told.append(closed))
        met = await meet(server)
        met.spark.on("end", told.append)
        assert met.spark.closed is None
        met.peer.close()
        await left.next("disconnection")
        closed = met.spark.closed
        assert isinstance(closed, Closed)
        assert (closed.code, closed.by) == ("client end", "client")
        assert closed.seconds >= 0
        assert told[0] is closed
        await met.events.next("end")
        assert told == [closed, closed]

    @pytest.mark.parametrize("end", ["close", "abort", "end", "drop"])
    async def test_no_side_is_told_twice_that_the_wire_is_gone(
        self, serve: Serve, end: str
    ) -> None:
        server = await serve()
        met = await meet(server)
        told: list[str] = []
        note_losses(met.spark, "spark", told)
        note_losses(met.peer, "peer", told)
        {
            "close": met.peer.close,
            "abort": met.peer.abort,
            "end": met.spark.end,
            "drop": met.spark.abort,
        }[end]()
        await met.peer.gone()
        await met.events.next("end")
        await server.stop()  # what is told late has been told by then
        assert told.count("spark") <= 1  # a connection that drops its wire need not be told
        assert told.count("peer") <= 1

    async def test_the_end_of_a_spark_is_the_servers(self, serve: Serve, sockets: Sockets) -> None:
        server = await serve()
        sparks = Recorder(server.primus, "connection")
        socket = sockets(server)
        seen = Recorder(socket, "open", "end")
        await seen.next("open")
        while_open: Closed | None = socket.closed
        assert while_open is None
        spark = await sparks.one("connection")
        spark.end(reason="the game is over")
        assert (spark.closed.code, spark.closed.by) == ("server end", "server")
        assert spark.closed.reason == "the game is over"
        await seen.next("end")
        assert (socket.closed.code, socket.closed.by) == ("server end", "server")

    async def test_the_end_of_a_server_is_a_shutdown(self, serve: Serve) -> None:
        server = await serve()
        met = await meet(server)
        await server.primus.destroy()
        assert met.spark.closed is not None
        assert (met.spark.closed.code, met.spark.closed.by) == ("shutdown", "server")

    async def test_the_end_of_a_socket_is_the_clients(self, serve: Serve, sockets: Sockets) -> None:
        server = await serve()
        socket = sockets(server)
        told: list[Any] = []
        seen = Recorder(socket, "open", "close", "end")
        for event in ("close", "end"):
            socket.on(event, told.append)
        await seen.next("open")
        socket.end()
        await seen.next("end")
        assert (socket.closed.code, socket.closed.by) == ("client end", "client")
        assert told == [socket.closed, socket.closed]
        socket.open()
        await seen.next("open")
        assert socket.closed is None

    async def test_a_server_that_drops_its_client_is_not_taken_for_a_client_that_ended(
        self, serve: Serve, sockets: Sockets, manual_clock: ManualClock
    ) -> None:
        server = await serve()
        sparks = Recorder(server.primus, "connection")
        socket = sockets(server, clock=manual_clock)
        seen = Recorder(socket, "open", "close")
        await seen.next("open")
        spark = await sparks.one("connection")
        spark.abort()
        assert (spark.closed.code, spark.closed.by) == ("server end", "server")
        await seen.next("close")
        assert socket.closed.code in (EndCode.WIRE_LOST, EndCode.SERVER_END)
        assert socket.closed.by in ("network", "server")

    async def test_silence_is_named_with_the_option_that_governs_it(
        self, serve: Serve, manual_clock: ManualClock
    ) -> None:
        server = await serve(clock=manual_clock, ping_interval=False)
        met = await meet(server)
        manual_clock.advance(37)
        closed = met.spark.closed
        assert closed is not None
        assert (closed.code, closed.by, closed.option) == ("heartbeat", "server", "timeout")
        assert "no sign of life for 3" in closed.reason

    async def test_a_message_too_long_is_named_with_the_option_that_governs_it(
        self, serve: Serve
    ) -> None:
        server = await serve(max_length=1000)
        met = await meet(server)
        met.peer.send('"' + "x" * 999 + '"')
        await met.events.next("end")
        closed = met.spark.closed
        assert closed is not None
        assert (closed.code, closed.by, closed.option) == ("limit", "server", "max_length")

    async def test_a_client_that_does_not_read_is_named_with_the_option_that_governs_it(
        self, serve: Serve
    ) -> None:
        server = await serve(high_water=100_000)
        met = await meet(server)
        met.peer.pause()
        while met.spark.write("x" * 100_000):
            pass
        closed = met.spark.closed
        assert closed is not None
        assert (closed.code, closed.by, closed.option) == ("slow consumer", "server", "high_water")

    async def test_a_refusal_is_told_with_the_words_of_the_server(
        self, serve: Serve, sockets: Sockets
    ) -> None:
        server = await serve()

        @server.primus.authorize
        def refuse(request: Request) -> None:
            raise Unauthorized("your trial is over")

        socket = sockets(server, strategy="online")
        seen = Recorder(socket, "error", "end")
        error = await seen.one("error")
        await seen.next("end")
        assert "401" in str(error)
        assert "your trial is over" in str(error)
        assert (socket.closed.code, socket.closed.by) == ("refused", "server")
        assert "your trial is over" in socket.closed.reason

    async def test_a_server_that_does_not_come_back_is_unreachable(
        self, serve: Serve, sockets: Sockets, manual_clock: ManualClock
    ) -> None:
        server = await serve()
        socket = sockets(server, clock=manual_clock, reconnect={"retries": 1, "min": 1.0})
        seen = Recorder(socket, "open", "close", "reconnect scheduled", "end")
        await seen.next("open")
        await server.primus.destroy(reconnect=True)
        await seen.next("reconnect scheduled")
        assert socket.closed.code in (EndCode.SERVER_END, EndCode.SHUTDOWN, EndCode.WIRE_LOST)
        manual_clock.advance(60)
        await seen.next("end")
        assert (socket.closed.code, socket.closed.by) == ("unreachable", "network")


def note_losses(connection: Any, name: str, told: list[str]) -> None:
    """Note the name of `connection` whenever its transport tells it that the wire is gone."""
    lost = connection.lost

    def noted(error: Exception | None = None, ending: Ending | None = None) -> None:
        told.append(name)
        lost(error, ending)

    connection.lost = noted
