"""Order and patience: async listeners are waited for, and nothing is lost or overtaken."""

# ruff: noqa: D102 - the names of the tests are sentences

from __future__ import annotations

import asyncio
from typing import Any

from primus.server.spark import Spark
from primus_testing.recorder import DEADLINE, Recorder, eventually
from primus_testing.tracebacks import Tracebacks
from primus_testing.transformer.base import Contract, Serve, Sockets, meet

__all__ = ["OrderingContract"]

CHUNK = '"' + "x" * 100_000 + '"'


class OrderingContract(Contract):
    """One message at a time, one listener after the other."""

    async def test_connection_is_emitted_before_any_data(self, serve: Serve) -> None:
        server = await serve()
        received: list[Any] = []
        server.primus.on("connection", lambda spark: spark.on("data", received.append))
        for number in range(10):
            peer = await server.peer()
            peer.send(str(number))
        await eventually(lambda: len(received) == 10)
        assert received == list(range(10))

    async def test_connection_listeners_run_in_order_and_async_ones_are_awaited(
        self, serve: Serve
    ) -> None:
        server = await serve()
        steps: list[str] = []
        gate = asyncio.Event()

        @server.primus.on("connection")
        async def slow(spark: Spark) -> None:
            steps.append("slow in")
            await gate.wait()
            steps.append("slow out")

        @server.primus.on("connection")
        async def second(spark: Spark) -> None:
            steps.append("second")

        ready = Recorder(server.primus, "connection")
        await server.peer()
        await eventually(lambda: steps)
        assert steps == ["slow in"]
        gate.set()
        await ready.next("connection")
        assert steps == ["slow in", "slow out", "second"]

    async def test_data_waits_for_async_connection_listeners(self, serve: Serve) -> None:
        server = await serve()
        gate = asyncio.Event()
        received: list[Any] = []

        @server.primus.on("connection")
        async def slow(spark: Spark) -> None:
            await gate.wait()

        @server.primus.on("connection")
        def second(spark: Spark) -> None:
            spark.on("data", received.append)

        peer = await server.peer()
        peer.send('"hello"', '"in"')
        await peer.id()
        assert received == []
        gate.set()
        peer.send('"order"')
        await eventually(lambda: len(received) == 3)
        assert received == ["hello", "in", "order"]

    async def test_data_is_delivered_though_the_client_left_while_a_listener_was_awaited(
        self, serve: Serve
    ) -> None:
        server = await serve()
        gate = asyncio.Event()
        seen: list[Recorder] = []

        @server.primus.on("connection")
        async def slow(spark: Spark) -> None:
            seen.append(Recorder(spark, "data", "end"))
            await gate.wait()

        peer = await server.peer()
        peer.send('"first"', '"second"')
        peer.close()
        await peer.gone()
        gate.set()
        await seen[0].next("end")
        assert seen[0].story == ["data", "data", "end"]

    async def test_writes_of_a_connection_listener_that_is_awaited_leave_at_once(
        self, serve: Serve
    ) -> None:
        server = await serve()
        gate = asyncio.Event()

        @server.primus.on("connection")
        async def slow(spark: Spark) -> None:
            spark.write("welcome")
            await gate.wait()

        peer = await server.peer()
        assert await peer.receive() == '"welcome"'
        gate.set()

    async def test_a_connection_listener_that_raises_ends_the_spark(
        self, serve: Serve, tracebacks: Tracebacks
    ) -> None:
        tracebacks.expect("a connection listener raised")
        server = await serve()
        later = Recorder(server.primus, "log")
        errors: list[Exception] = []

        @server.primus.on("connection")
        def refuses(spark: Spark) -> None:
            spark.on("error", errors.append)
            raise ZeroDivisionError("for a test")

        peer = await server.peer()
        assert await peer.gone() == ['"primus::server::close"']
        assert [type(error) for error in errors] == [ZeroDivisionError]
        assert later.seen("log")[0][0] == "error"
        assert len(server.primus) == 0

    async def test_an_async_connection_listener_that_raises_ends_the_spark(
        self, serve: Serve, tracebacks: Tracebacks
    ) -> None:
        tracebacks.expect("a connection listener raised")
        server = await serve()
        errors: list[Exception] = []

        @server.primus.on("connection")
        async def refuses(spark: Spark) -> None:
            spark.on("error", errors.append)
            await asyncio.sleep(0)
            raise ZeroDivisionError("for a test")

        peer = await server.peer()
        assert await peer.gone() == ['"primus::server::close"']
        assert [type(error) for error in errors] == [ZeroDivisionError]

    async def test_async_data_listeners_get_one_message_at_a_time_in_order(
        self, serve: Serve
    ) -> None:
        server = await serve()
        met = await meet(server)
        steps: list[str] = []

        @met.spark.on("data")
        async def slow(message: int) -> None:
            steps.append(f"in {message}")
            for _ in range(3 - message):
                await asyncio.sleep(0)
            steps.append(f"out {message}")

        met.spark.on("data", lambda message: steps.append(f"next {message}"))
        met.peer.send("0", "1", "2")
        await eventually(lambda: len(steps) == 9)
        assert steps == [f"{what} {n}" for n in range(3) for what in ("in", "out", "next")]

    async def test_connections_do_not_wait_for_one_another(self, serve: Serve) -> None:
        server = await serve()
        slow, fast = await meet(server), await meet(server)
        gate = asyncio.Event()

        @slow.spark.on("data")
        async def wait(message: Any) -> None:
            await gate.wait()

        fast.spark.on("data", fast.spark.write)
        slow.peer.send("1")
        await slow.events.next("data")
        fast.peer.send("2")
        assert await fast.peer.receive() == "2"
        gate.set()

    async def test_control_messages_are_answered_while_a_data_listener_is_awaited(
        self, serve: Serve
    ) -> None:
        server = await serve()
        met = await meet(server)
        gate = asyncio.Event()

        @met.spark.on("data")
        async def wait(message: Any) -> None:
            await gate.wait()

        met.peer.send('"busy"', '"primus::ping::77"')
        assert await met.peer.receive() == '"primus::pong::77"'
        gate.set()

    async def test_a_connection_whose_listener_is_awaited_is_not_read_further(
        self, serve: Serve
    ) -> None:
        server = await serve()
        busy, other = await meet(server), await meet(server)
        gate = asyncio.Event()

        @busy.spark.on("data")
        async def wait(message: Any) -> None:
            await gate.wait()

        busy.peer.send(*[CHUNK] * 200)  # far more than the sockets of both sides hold
        for _ in range(300):  # a server that did read would have read it all by then
            await other.peer.id()
        assert busy.peer.buffered > 0
        gate.set()
        await eventually(lambda: len(busy.events.seen("data")) == 200)
        await busy.peer.id()
        assert busy.peer.buffered == 0

    async def test_a_spark_can_be_ended_while_its_listener_is_awaited(self, serve: Serve) -> None:
        server = await serve()
        met = await meet(server)
        gate = asyncio.Event()

        @met.spark.on("data")
        async def wait(message: Any) -> None:
            await gate.wait()

        met.peer.send(*map(str, range(50)))
        await met.events.next("data")
        met.spark.end("the last word")
        frames = await met.peer.gone()
        assert frames == ['"the last word"', '"primus::server::close"']
        gate.set()

    async def test_a_client_with_a_busy_listener_gets_all_that_came_before_the_end(
        self, serve: Serve, sockets: Sockets
    ) -> None:
        server = await serve()
        sparks = Recorder(server.primus, "connection")
        socket = sockets(server)
        gate = asyncio.Event()
        received: list[Any] = []
        seen = Recorder(socket, "data", "end")

        async def wait(message: Any) -> None:
            received.append(message)
            await gate.wait()

        socket.on("data", wait)
        spark = await sparks.one("connection")
        for number in range(50):
            spark.write(number)
        await seen.next("data")
        other = await server.peer()
        spark.end()
        for _ in range(50):  # what the server has sent has come by then
            await other.id()
        gate.set()
        await seen.next("end")
        assert seen.story == ["data"] * 50 + ["end"]
        await eventually(
            lambda: received == [*range(50)]
        )  # the end waits for no listener that runs

    async def test_messages_wait_for_an_iteration(self, serve: Serve) -> None:
        server = await serve()
        received: list[Any] = []
        gate, done = asyncio.Event(), asyncio.Event()

        @server.primus.on("connection")
        async def connection(spark: Spark) -> None:
            async for message in spark:
                received.append(message)
                await gate.wait()
            done.set()

        peer = await server.peer(options={"close_timeout": 0.05})
        peer.send(*map(str, range(50)))
        peer.close()
        await peer.gone()
        gate.set()
        async with asyncio.timeout(DEADLINE):
            await done.wait()
        assert received == list(range(50))
