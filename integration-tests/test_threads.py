"""Many threads that write while connections come and go, on every kind of host."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from threading import Thread
from typing import Any

import pytest
import pytest_asyncio

from primus import connect
from primus_testing.server import running

THREADS = 200
ROUNDS = 3
"""How often each thread writes to a room, to a spark and to all."""
READERS = 3
DEADLINE = 30


@pytest_asyncio.fixture(params=["aiohttp", "own", "asgi"])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    async with AsyncExitStack() as stack:
        options = {"transformer": "websockets", "plugin": "rooms, emitter", "on": request.param}
        yield await stack.enter_async_context(running(**options))


async def read(url: str, name: str, arrived: list[Any]) -> None:
    """Note what arrives, until the last message."""
    async with connect(f"{url}?name={name}", transformer="websockets") as socket:
        async for message in socket:
            if message == "the last one":
                return
            arrived.append(message)


async def come_and_go(url: str, done: asyncio.Event) -> int:
    """Connect and leave again, as long as the threads write; how often."""
    times = 0
    while not done.is_set():
        async with connect(url, transformer="websockets") as socket:
            await anext(aiter(socket), None) if times % 2 else None
        times += 1
    return times


def write(primus: Any, sparks: dict[str, Any], thread: int) -> None:
    """Write what one thread writes."""
    for number in range(ROUNDS):
        assert primus.room("news").write([thread, 3 * number])
        assert sparks[str(thread % READERS)].write([thread, 3 * number + 1])
        primus.write([thread, 3 * number + 2])


async def in_threads(call: Callable[[int], None]) -> list[BaseException]:
    """Run a call in as many threads, all at once; gives what they raised."""
    raised: list[BaseException] = []

    def run(number: int) -> None:
        try:
            call(number)
        except BaseException as error:  # shown by the test
            raised.append(error)

    threads = [Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        await asyncio.sleep(0)
    return raised


async def test_each_message_of_200_threads_arrives_once_in_the_order_of_its_thread(
    server: Any, tracebacks: Any
) -> None:
    asyncio.get_running_loop().set_debug(True)
    primus, sparks = server.primus, dict[str, Any]()

    @primus.on("connection")
    def connection(spark: Any) -> None:
        primus.join(spark, "news")
        if "name" in spark.query:
            sparks[spark.query["name"]] = spark

    arrived: list[list[Any]] = [[] for _ in range(READERS)]
    done = asyncio.Event()
    async with asyncio.timeout(DEADLINE), asyncio.TaskGroup() as tasks:
        for number in range(READERS):
            tasks.create_task(read(server.url, str(number), arrived[number]))
        passing = [tasks.create_task(come_and_go(server.url, done)) for _ in range(3)]
        while len(sparks) < READERS:
            await asyncio.sleep(0)
        raised = await in_threads(lambda thread: write(primus, sparks, thread))
        await asyncio.to_thread(primus.thread.write, "the last one")
        done.set()
        while not all(task.done() for task in passing):
            primus.write("for a client that came behind the last one, and waits for a message")
            await asyncio.sleep(0)

    assert raised == []
    assert all(task.result() for task in passing)
    for number, messages in enumerate(arrived):
        for thread in range(THREADS):
            mine = [index for each, index in messages if each == thread]
            is_its_spark = thread % READERS == number
            assert mine == [i for i in range(3 * ROUNDS) if i % 3 != 1 or is_its_spark]
