"""Threads: what other threads than that of the loop write arrives, in the order of each."""

# ruff: noqa: D102 - the names of the tests are sentences

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from threading import Thread
from typing import Any

from primus.errors import ParserError
from primus_testing.recorder import Recorder, eventually
from primus_testing.transformer.base import Contract, Serve, Sockets, meet

__all__ = ["ThreadsContract"]

COUNT = 20


async def in_threads(*calls: Callable[[], object]) -> list[BaseException]:
    """Run each call in a thread of its own, all at once; gives what they raised."""
    raised: list[BaseException] = []

    def run(call: Callable[[], object]) -> None:
        try:
            call()
        except BaseException as error:  # handed to the test
            raised.append(error)

    threads = [Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    await eventually(lambda: not any(thread.is_alive() for thread in threads))
    return raised


class ThreadsContract(Contract):
    """Messages of other threads than that of the loop, which in debug mode refuses their touch."""

    async def test_what_threads_write_arrives_once_in_the_order_of_each(self, serve: Serve) -> None:
        asyncio.get_running_loop().set_debug(True)
        server = await serve()
        met = await meet(server)

        def write(name: str) -> None:
            for number in range(COUNT):
                if number % 2:
                    assert met.spark.write([name, number]) is True
                else:
                    server.primus.write([name, number])

        assert await in_threads(*(lambda name=name: write(name) for name in "abc")) == []

        arrived = [json.loads(await met.peer.receive()) for _ in range(3 * COUNT)]
        for name in "abc":
            assert [number for each, number in arrived if each == name] == [*range(COUNT)]
        met.spark.write("the last one")
        assert await met.peer.receive() == '"the last one"'

    async def test_what_cannot_be_encoded_raises_in_the_thread_that_writes_it(
        self, serve: Serve
    ) -> None:
        asyncio.get_running_loop().set_debug(True)
        server = await serve()
        met = await meet(server)

        raised = await in_threads(
            lambda: met.spark.write({"price": object()}),
            lambda: server.primus.write({"price": object()}),
        )

        assert [type(error) for error in raised] == [ParserError] * 2
        met.spark.write("fine")
        assert await met.peer.receive() == '"fine"'

    async def test_a_thread_may_wait_for_what_it_calls(self, serve: Serve) -> None:
        asyncio.get_running_loop().set_debug(True)
        server = await serve()
        met = await meet(server)
        results: list[Any] = []

        def work() -> None:
            view: Any = server.primus.thread
            spark = view.spark(met.spark.id)
            results.extend([spark.write("one"), view.write("two"), len(view), spark.id])
            results.extend(each.write("three") for each in view)
            results.append(spark.end())
            results.append(spark.write("too late"))

        assert await in_threads(work) == []

        assert results == [True, None, 1, met.spark.id, True, None, False]
        for text in ("one", "two", "three", "primus::server::close"):
            assert await met.peer.receive() == f'"{text}"'

    async def test_a_socket_takes_what_threads_write_open_or_not(
        self, serve: Serve, sockets: Sockets
    ) -> None:
        asyncio.get_running_loop().set_debug(True)
        server = await serve()
        arrived: list[Any] = []
        server.primus.on("connection", lambda spark: spark.on("data", arrived.append))
        socket = sockets(server)
        seen = Recorder(socket, "end")

        def write() -> None:
            for number in range(COUNT):
                assert socket.write(number) is True

        assert await in_threads(write) == []
        await eventually(lambda: arrived == [*range(COUNT)])
        assert await in_threads(write) == []
        await eventually(lambda: arrived == [*range(COUNT)] * 2)
        assert await in_threads(socket.end) == []
        await seen.next("end")
        results: list[bool] = []
        assert await in_threads(lambda: results.append(socket.write("too late"))) == []
        assert results == [False]
