"""The plugin on the Python client, which may lose its connection and come back."""

import asyncio
import json
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import given, settings

from primus import Unauthorized, connect
from primus_multiplex import ChannelRefused, ClientChannel, packets
from primus_testing import MemoryTransformer, Recorder, eventually
from primus_testing.clients import comes_back, cut
from primus_testing.parser import JSON_VALUES, RELAXED
from primus_testing.plugin import MakeSocket

PLUGIN = "multiplex"


@pytest_asyncio.fixture
async def socket(make_socket: MakeSocket) -> Any:
    """A client that is open."""
    return await make_socket().opened()


def echo(primus: Any, name: str = "news") -> Any:
    """A channel whose sparks send back what they get."""
    channel = primus.channel(name)
    channel.on("connection", lambda spark: spark.on("data", spark.write))
    return channel


async def test_each_call_is_a_subscription_of_its_own(primus: Any, socket: Any) -> None:
    news = echo(primus)
    one, two = socket.channel("news"), socket.channel("news")
    assert isinstance(one, ClientChannel)
    events, others = Recorder(one, "data"), Recorder(two, "data")

    one.write("hello")
    await events.next("data")
    two.end()
    await eventually(lambda: len(news) == 1)

    assert one.id != two.id
    assert (one.name, one.conn) == ("news", socket)
    assert others.story == []
    assert [*news.connections] == [one.id]


async def test_ids_have_one_length_so_that_a_message_is_framed_once(socket: Any) -> None:
    assert {len(socket.channel("news").id) for _ in range(50)} == {13}


@pytest.mark.parametrize("name", ["", None, 5])
async def test_a_name_is_a_text(socket: Any, name: Any) -> None:
    with pytest.raises(TypeError, match="must be a text that is not empty"):
        socket.channel(name)


async def test_what_is_written_before_the_connection_is_open_arrives(
    primus: Any, make_socket: Any
) -> None:
    echo(primus)
    channel = make_socket().channel("news")
    channel.write("early")

    assert await anext(channel) == "early"


async def test_a_subscription_comes_back_with_the_same_id(primus: Any, socket: Any) -> None:
    news = echo(primus)
    channel = socket.channel("news")
    events = Recorder(channel, "data", "open", "close", "end", "reconnected")
    await eventually(lambda: len(news) == 1)

    await cut(primus, socket)
    assert len(news) == 0
    channel.write("while it is away")
    await comes_back(socket)

    assert (await events.next("data"))[0] == "while it is away"
    assert [*news.connections] == [channel.id]
    assert events.story == ["close", "reconnected", "open", "data"]


async def test_it_comes_back_before_what_a_busy_listener_writes(primus: Any, socket: Any) -> None:
    """The connection has not closed while messages wait, but the wire is gone."""
    news = echo(primus)
    channel = socket.channel("news")
    await eventually(lambda: len(news) == 1)
    go = asyncio.Event()

    @socket.on("data")
    async def data(message: Any) -> None:
        await go.wait()
        channel.write(message)

    closed, events = Recorder(socket, "close"), Recorder(channel, "data")
    (spark,) = primus
    spark.write(1)
    spark.write(2)
    await asyncio.sleep(0)
    spark.abort()
    go.set()
    await closed.next("close")
    await comes_back(socket)

    await eventually(lambda: [args[0] for args in events.seen("data")] == [1, 2])


async def test_it_comes_back_although_a_short_queue_has_dropped_it(
    primus: Any, make_socket: Any
) -> None:
    echo(primus)
    socket = await make_socket(queue_size=2).opened()
    channel = socket.channel("news")
    await cut(primus, socket)
    for number in range(5):
        channel.write(number)

    events = Recorder(channel, "data")
    await comes_back(socket)
    channel.write("last")

    await eventually(lambda: events.seen("data") and events.seen("data")[-1][0] == "last")


async def test_subscriptions_that_have_ended_with_the_socket_do_not_come_back(
    primus: Any, socket: Any
) -> None:
    news = echo(primus)
    channel = socket.channel("news")
    await eventually(lambda: len(news) == 1)
    socket._network(False)
    await eventually(lambda: len(news) == 0)
    connections = Recorder(news, "connection")

    socket._network(True)
    await comes_back(socket)
    heard = Recorder(socket, "data")
    (spark,) = primus
    spark.on("data", spark.write)
    socket.write("hello")
    await heard.next("data")

    assert channel.ready_state == channel.CLOSED
    assert connections.story == []


async def test_each_connection_is_subscribed_once(primus: Any, make_socket: Any) -> None:
    frames: list[str] = []
    primus.on("connection", lambda spark: spark.on("incoming::data", frames.append))
    socket = make_socket()
    channel = socket.channel("news")
    await socket.opened()
    await cut(primus, socket)
    await comes_back(socket)
    await cut(primus, socket)
    await comes_back(socket)

    await eventually(lambda: len(primus.channel("news")) == 1)
    assert [json.loads(frame) for frame in frames if "news" in frame] == [
        [1, channel.id, "news"]
    ] * 3


async def test_a_subscription_that_has_ended_does_not_come_back(primus: Any, socket: Any) -> None:
    news = primus.channel("news")
    ours, theirs = socket.channel("news"), socket.channel("news")
    ended = Recorder(theirs, "end")
    await eventually(lambda: len(news) == 2)
    ours.end()
    news.spark(theirs.id).end()
    await ended.next("end")

    await cut(primus, socket)
    await comes_back(socket)
    socket.write("a sign")

    assert (len(news), len(socket.channels)) == (0, 0)


@pytest.mark.parametrize("end", ["end", "destroy"])
async def test_the_end_of_the_socket_ends_its_subscriptions(socket: Any, end: str) -> None:
    channel = socket.channel("news")
    events = Recorder(channel, "close", "end")

    getattr(socket, end)()

    assert events.story == ["close", "end"]
    assert (channel.write(1), len(socket.channels)) == (False, 0)
    assert socket.channel("late").write(1) is False


async def test_a_refused_subscription_is_an_error_that_can_be_read(
    primus: Any, socket: Any
) -> None:
    @primus.channel("news").authorize
    async def authorize(spark: Any) -> None:
        raise Unauthorized("a token, please")

    channel = socket.channel("news")
    events = Recorder(channel, "error", "close", "end")
    channel.write("unheard")

    (error,) = await events.next("error")
    assert isinstance(error, ChannelRefused)
    assert str(error) == "'news': a token, please"
    assert (channel.error, events.story) == (error, ["error", "close", "end"])
    assert [message async for message in channel] == []
    assert socket.ready_state == socket.OPEN


async def test_a_client_does_not_answer_the_end_of_a_subscription(primus: Any, socket: Any) -> None:
    arrived: list[Any] = []
    primus.transform("incoming", lambda packet: arrived.append(packet.data))
    channel = socket.channel("news")
    events = Recorder(channel, "end")
    await eventually(lambda: primus.channel("news").spark(channel.id))

    primus.channel("news").spark(channel.id).end()
    await events.next("end")
    socket.write("behind it")

    await eventually(lambda: len(arrived) > 1)
    assert arrived == [[1, channel.id, "news"], "behind it"]


@pytest.mark.parametrize("reason", ['"text"', "null", "5", "{}", '{"error":5}', "[]"])
async def test_an_end_with_a_strange_reason_is_an_end(
    primus: Any, socket: Any, reason: str
) -> None:
    channel = socket.channel("news")
    events = Recorder(channel, "error", "end")
    (spark,) = primus

    spark.write([2, channel.id, "news", json.loads(reason)])

    await events.next("end")
    assert (events.story, channel.error) == (["end"], None)


async def test_what_belongs_to_no_subscription_is_ignored(primus: Any, socket: Any) -> None:
    channel = socket.channel("news")
    main, events = Recorder(socket, "data"), Recorder(channel, "data", "end")
    (spark,) = primus

    for packet in (
        *([0, "other", "news", 1], [0, channel.id, "other", 1], [1, channel.id, "news"]),
        *([2, "other", "news"], [2, channel.id, "other"], [1, "x", "y"]),
    ):
        spark.write(packet)
    spark.write("a sign")

    assert await main.one("data") == "a sign"
    assert events.story == []


async def test_a_subscription_of_connect_can_be_iterated_over(primus: Any) -> None:
    echo(primus)

    async with connect(
        "http://memory", transformer=MemoryTransformer, parser="json", plugin="multiplex"
    ) as socket:
        channel = socket.channel("news")
        messages = aiter(channel)
        channel.write("hello")
        channel.write("bye")
        assert [await anext(messages), await anext(messages)] == ["hello", "bye"]


@settings(RELAXED, max_examples=30)
@given(value=JSON_VALUES)
async def test_every_value_arrives_at_server_and_client_as_it_went(primus: Any, value: Any) -> None:
    received: list[Any] = []
    news = primus.channel("news")
    news.off()

    @news.on("connection")
    def connection(spark: Any) -> None:
        spark.on("data", received.append)
        spark.on("data", news.write)

    socket = await primus.Socket("http://memory").opened()
    channel = socket.channel("news")
    main, events = Recorder(socket, "data", "error"), Recorder(channel, "data", "end")
    (spark,) = primus
    for place in range(4):
        strange: list[Any] = [0, channel.id, "news", value]
        strange[place] = value
        if place == 3 or packets.read(strange) is None:
            spark.write(strange)
    channel.write(value)
    channel.write("last")
    while (await events.next("data"))[0] != "last":
        pass

    assert received == [value, "last"]
    assert [args[0] for args in events.seen("data")] == [value, value, "last"]
    strangers = [args[0] for args in main.seen("data")]
    assert all(value in strange for strange in strangers)
    assert main.seen("error") == []
    socket.destroy()
    await eventually(lambda: len(primus) == 0)
