import asyncio
from typing import Any

import pytest

from primus import hookimpl
from primus_testing import Recorder, eventually, join

PLUGIN = "emit-broadcast"


def test_an_event_arrives_on_the_primus_with_the_spark_first(primus: Any) -> None:
    spark, wire = join(primus)
    server = Recorder(primus, "vote", "data")
    here = Recorder(spark, "vote", "data")

    wire.receive('{"emit":["vote","me",2,null]}')

    assert server.seen("vote") == [(spark, "me", 2, None)]
    assert server.story == ["vote"]
    assert here.story == []


@pytest.mark.parametrize("frame", ['"text"', "null", "[1,[2]]", '{"emit":"text"}'])
def test_data_arrives_on_the_primus_and_on_the_spark(primus: Any, frame: str) -> None:
    spark, wire = join(primus)
    message = primus.parser.decode(frame)
    order: list[Any] = []
    primus.on("data", lambda spark, message: order.append((spark, message)))
    spark.on("data", order.append)

    wire.receive(frame)

    assert order == [(spark, message), message]


def test_data_is_an_event_of_the_primus(primus: Any, caplog: pytest.LogCaptureFixture) -> None:
    primus.on("data", lambda spark, message: None)

    assert caplog.messages == []


@pytest.mark.parametrize("event", ["connection", "close", "log", "plugin", "incoming::x"])
def test_a_name_that_is_reserved_on_the_primus_is_dropped(primus: Any, event: str) -> None:
    _, wire = join(primus)
    server = Recorder(primus, event)

    wire.receive(f'{{"emit":["{event}","x"]}}', '{"emit":[]}', '{"emit":[null,1]}')

    assert server.story == []


def test_sending_is_as_without_it(primus: Any) -> None:
    spark, wire = join(primus)

    spark.emit("news", 1)

    assert wire.sent == ['{"emit":["news",1]}']


async def test_async_listeners_on_the_primus_hold_that_spark_only(primus: Any) -> None:
    one, wire = join(primus)
    _, other_wire = join(primus)
    go = asyncio.Event()
    seen: list[Any] = []

    @primus.on("news")
    async def news(spark: Any, text: str) -> None:
        seen.append((spark, text))
        if spark is one:
            await go.wait()

    wire.receive('{"emit":["news",1]}', '{"emit":["news",2]}')
    other_wire.receive('{"emit":["news",3]}')
    await eventually(lambda: len(seen) == 2)
    assert sorted(text for _, text in seen) == [1, 3]

    go.set()
    await eventually(lambda: seen[-1] == (one, 2))


async def test_data_reaches_the_spark_after_async_listeners_on_the_primus(primus: Any) -> None:
    spark, wire = join(primus)
    order: list[str] = []
    go = asyncio.Event()

    @primus.on("data")
    async def data(spark: Any, message: Any) -> None:
        order.append(f"primus {message}")
        await go.wait()

    spark.on("data", lambda message: order.append(f"spark {message}"))
    wire.receive("1")
    await eventually(lambda: order)
    wire.lose()
    assert order == ["primus 1"]

    go.set()
    await eventually(lambda: order == ["primus 1", "spark 1"])


async def test_a_python_client_of_the_plugin_emit_speaks_to_it(primus: Any) -> None:
    kind = type(primus).create_socket(transformer=type(primus.transformer), plugin="emit")
    server = Recorder(primus, "vote")
    socket = kind("http://memory")

    socket.emit("vote", "me")

    spark, name = await server.next("vote")
    assert (spark.id, name) == (await socket.id(), "me")
    socket.destroy()


class Slow:
    """A plugin whose transform takes its time."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    @hookimpl
    def primus_incoming(self) -> Any:
        async def wait(packet: Any) -> None:
            await self.go.wait()

        return wait


@pytest.mark.parametrize("frame", ['"data"', '{"emit":["news"]}'])
async def test_nothing_arrives_of_a_spark_that_has_ended_meanwhile(
    make_primus: Any, frame: str
) -> None:
    slow = Slow()
    primus = make_primus({"slow": slow, "emit-broadcast": None})
    spark, wire = join(primus)
    server = Recorder(primus, "news", "data", "disconnection")
    wire.receive(frame)
    await asyncio.sleep(0)

    spark.end()
    slow.go.set()
    other, other_wire = join(primus)
    other_wire.receive('"of another"')

    assert (await server.next("data")) == (other, "of another")
    assert server.story == ["disconnection", "data"]
