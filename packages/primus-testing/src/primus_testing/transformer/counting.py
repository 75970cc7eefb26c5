"""What a transformer counts: `Primus.stats`."""

# ruff: noqa: D102 - the names of the tests are sentences

from __future__ import annotations

import asyncio

from primus_testing.recorder import Recorder, eventually
from primus_testing.transformer.base import Contract, Serve, echo, meet

__all__ = ["CountingContract"]

FRAME = '"' + "x" * 2000 + '"'


class CountingContract(Contract):
    """Messages are counted exactly, bytes at least as what the messages are."""

    async def test_messages_and_bytes_are_counted_each_way(self, serve: Serve) -> None:
        server = await serve()
        echo(server.primus)
        left = Recorder(server.primus, "disconnection")
        met = await meet(server)
        for _ in range(3):
            met.peer.send(FRAME)
            assert await met.peer.receive() == FRAME
        for _ in range(2):
            stats = server.primus.stats
            assert (stats.messages_in, stats.messages_out) == (3, 3)
            assert 3 * len(FRAME) <= stats.bytes_in < 4 * len(FRAME)
            # An answer to a poll that its client has given up for a WebSocket is sent again.
            assert 3 * len(FRAME) <= stats.bytes_out < 5 * len(FRAME)
            met.peer.close()
            await eventually(lambda: server.primus.stats.connected == 0)
        await left.next("disconnection")

    async def test_what_waits_for_a_busy_listener_is_counted_once(self, serve: Serve) -> None:
        server = await serve()
        gate = asyncio.Event()
        met = await meet(server)

        @met.spark.on("data")
        async def data(message: str) -> None:
            await gate.wait()

        count = 200
        met.peer.send(*[FRAME] * count)
        await eventually(lambda: met.spark.is_held)
        gate.set()
        await eventually(lambda: server.primus.stats.messages_in == count)
        assert server.primus.stats.bytes_in < (count + 10) * (len(FRAME) + 20)

    async def test_what_was_written_before_the_end_is_counted(self, serve: Serve) -> None:
        server = await serve()
        met = await meet(server)
        met.spark.on("data", met.spark.end)
        met.peer.send(FRAME)
        assert (await met.peer.gone())[0] == FRAME
        stats = server.primus.stats
        assert (stats.messages_in, stats.messages_out) == (1, 1)
        assert stats.bytes_out >= len(FRAME)

    async def test_a_broadcast_is_counted_for_each_that_gets_it(self, serve: Serve) -> None:
        server = await serve()
        one, two = await meet(server), await meet(server)
        server.primus.write("x" * 2000)
        assert await one.peer.receive() == await two.peer.receive() == FRAME
        stats = server.primus.stats
        assert stats.messages_out == 2
        assert stats.bytes_out >= 2 * len(FRAME)
