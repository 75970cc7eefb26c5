"""Events and acknowledgements within channels, beside those of the connection."""

import asyncio
from typing import Any

import pytest

from primus_emit import AckLost, AckTimeout
from primus_testing import Recorder, eventually, join

PLUGIN = "emitter, multiplex"


@pytest.fixture(params=["emitter, multiplex", "multiplex, emitter"])
def primus(request: pytest.FixtureRequest, make_primus: Any) -> Any:
    return make_primus(request.param)


async def open_pair(primus: Any, name: str = "news") -> tuple[Any, Any, Any]:
    """A socket, its subscription, and the spark of the channel."""
    socket = await primus.Socket(
        "http://memory", network=False, clock=primus.options.clock
    ).opened()
    channel = socket.channel(name)
    await eventually(lambda: primus.channel(name).spark(channel.id))
    return socket, channel, primus.channel(name).spark(channel.id)


def test_the_packets_are_those_of_node(primus: Any) -> None:
    news = primus.channel("news")
    spark, wire = join(primus)
    wire.receive('[1,"id","news"]')
    one, main = news.spark("id"), Recorder(spark, "sum", "data")
    one.on("sum", lambda a, b: a + b)
    events = Recorder(one, "data")

    wire.receive('[0,"id","news",{"type":0,"data":["sum",2,3],"id":1}]')
    one.send("hello", None)
    one.send("hello", print)
    news.send("all", 1)
    wire.receive('[0,"id","news",{"type":1,"data":[],"id":1}]', '[0,"id","news",{"type":2}]')

    assert wire.sent == [
        '[0,"id","news",{"id":1,"type":1,"data":[5]}]',
        '[0,"id","news",{"type":0,"data":["hello",null]}]',
        '[0,"id","news",{"type":0,"data":["hello"],"id":1}]',
        '[0,"id","news",{"type":0,"data":["all",1]}]',
    ]
    assert main.story == []
    assert [args[0] for args in events.seen("data")] == [{"type": 2}]


async def test_both_sides_ask_and_are_answered(primus: Any) -> None:
    socket, channel, spark = await open_pair(primus)
    spark.on("double", lambda number: number * 2)
    channel.on("name?", lambda ack: ack("me", 1))
    spark.conn.on("double", lambda number: "of the connection")

    assert await channel.ask("double", 21) == 42
    assert await socket.ask("double", 21) == "of the connection"
    assert await spark.ask("name?") == ("me", 1)
    socket.destroy()


async def test_reserved_names_reach_no_listener(primus: Any) -> None:
    socket, channel, spark = await open_pair(primus)
    events = Recorder(spark, "data", "end", "subscribe", "news")

    for name in ("data", "end", "subscribe", "unsubscribe", "news"):
        channel.send(name, 1)

    await events.next("news")
    assert events.story == ["news"]
    socket.destroy()


async def test_listeners_on_both_sides_may_ask_within_their_own_channel(primus: Any) -> None:
    socket, channel, spark = await open_pair(primus)
    results: list[Any] = []
    spark.on("name?", lambda: "the server")
    channel.on("name?", lambda: "the client")

    @spark.on("data")
    async def to_server(message: Any) -> None:
        results.append(await spark.ask("name?"))

    @channel.on("data")
    async def to_client(message: Any) -> None:
        results.append(await channel.ask("name?"))

    channel.write("go")
    await eventually(lambda: results == ["the client"])
    spark.write("go")
    await eventually(lambda: results == ["the client", "the server"])
    socket.destroy()


async def test_an_answer_comes_although_the_connection_waits_for_its_streams(
    primus: Any,
) -> None:
    socket, channel, spark = await open_pair(primus)
    channel.on("name?", lambda: "me")
    results: list[Any] = []
    go = asyncio.Event()

    @spark.on("data")
    async def data(message: Any) -> None:
        await go.wait()
        results.append(await spark.ask("name?"))

    for number in range(30):
        channel.write(number)
    await asyncio.sleep(0)
    go.set()

    await eventually(lambda: results == ["me"] * 30)
    socket.destroy()


@pytest.mark.parametrize("end", ["unsubscribe", "lost", "server"])
async def test_an_ask_fails_when_its_subscription_goes(primus: Any, end: str) -> None:
    socket, channel, spark = await open_pair(primus)
    hang = asyncio.Event()
    spark.on("hang", hang.wait)
    channel.on("hang", hang.wait)
    asking = [asyncio.create_task(each.ask("hang")) for each in (channel, spark)]
    await eventually(lambda: all(each.acks and len(each.acks) for each in (channel, spark)))

    if end == "unsubscribe":
        channel.end()
    elif end == "lost":
        spark.conn.abort()
    else:
        spark.end()

    for each in asking:
        with pytest.raises(AckLost):
            await each
    hang.set()
    socket.destroy()


async def test_a_busy_listener_that_asks_fails_when_the_wire_goes(primus: Any) -> None:
    socket, channel, spark = await open_pair(primus)
    failed: list[Any] = []

    @spark.on("data")
    async def data(message: Any) -> None:
        try:
            await spark.ask("unheard")
        except AckLost as error:
            failed.append(error)

    hang = asyncio.Event()
    channel.on("unheard", hang.wait)
    channel.write(1)
    channel.write(2)
    await eventually(lambda: spark.acks is not None and len(spark.acks) == 1)

    spark.conn._transport.lose()

    await eventually(lambda: len(failed) == 2)
    hang.set()
    socket.destroy()


async def test_the_first_ask_of_a_listener_fails_when_the_wire_is_gone_already(
    primus: Any,
) -> None:
    """The end of the connection waits for messages that wait for the listener."""
    socket, channel, spark = await open_pair(primus)
    results: list[Any] = []
    go = asyncio.Event()

    @spark.on("data")
    async def data(message: Any) -> None:
        await go.wait()
        try:
            await spark.ask("unheard")
        except AckLost:
            results.append(message)

    for number in range(30):
        channel.write(number)
    await asyncio.sleep(0)
    spark.conn._transport.lose()
    go.set()

    await eventually(lambda: results == [*range(30)] and len(primus) == 0)
    socket.destroy()


async def test_asks_work_on_the_next_connection(primus: Any) -> None:
    socket, channel, spark = await open_pair(primus)
    news = primus.channel("news")
    news.on("connection", lambda spark: spark.on("double", lambda number: number * 2))
    closed = Recorder(socket, "close")
    spark.conn.abort()
    await closed.next("close")

    answer = asyncio.create_task(channel.ask("double", 4))
    await asyncio.sleep(0)
    primus.options.clock.advance(10.0)

    assert await answer == 8
    assert await channel.ask("double", 5) == 10
    socket.destroy()


def test_an_event_to_all_of_a_channel_is_encoded_once(
    primus: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    wires = [join(primus)[1] for _ in range(10)]
    for number, wire in enumerate(wires):
        wire.receive(f'[1,"subscription{number}","news"]')
    encode, encoded = primus.parser.encode, []
    monkeypatch.setattr(
        primus.parser, "encode", lambda value: encoded.append(value) or encode(value)
    )

    primus.channel("news").send("event", 1)

    assert len(encoded) == 1
    assert all(wire.sent[0].endswith('{"type":0,"data":["event",1]}]') for wire in wires)


async def test_the_time_for_an_answer_within_a_channel_can_be_said(primus: Any) -> None:
    socket, channel, spark = await open_pair(primus)
    hang, answers, errors = asyncio.Event(), list[Any](), Recorder(spark, "error")
    spark.on("hang", hang.wait)
    channel.on("hang", hang.wait)

    asking = [asyncio.create_task(each.ask("hang", timeout=5)) for each in (channel, spark)]
    primus.channel("news").send("hang", answers.append, timeout=5)
    await eventually(lambda: len(spark.acks or ()) == 2 and len(channel.acks or ()) == 1)
    primus.options.clock.advance(5)

    for each in asking:
        with pytest.raises(AckTimeout, match=r"within 5\.0 s"):
            await each
    assert len(spark.acks) == 0
    assert answers == []
    assert errors.story == []
    hang.set()
    socket.destroy()


async def test_an_event_to_all_asks_each(primus: Any) -> None:
    socket, channel, _ = await open_pair(primus)
    other = socket.channel("news")
    news, answers = primus.channel("news"), []
    await eventually(lambda: len(news) == 2)
    channel.on("name?", lambda: "one")
    other.on("name?", lambda: "two")

    news.send("name?", answers.append)

    await eventually(lambda: sorted(answers) == ["one", "two"])
    socket.destroy()


async def test_beside_emit_events_in_a_channel_stay_messages(make_primus: Any) -> None:
    primus = make_primus("emit, multiplex")
    socket, channel, spark = await open_pair(primus)
    events, main = Recorder(spark, "news", "data"), Recorder(spark.conn, "news", "data")

    channel.write({"emit": ["news", 1]})
    await events.next("data")
    channel.emit("news", "stays here")
    socket.emit("news", "of the connection")
    await main.next("news")

    assert (events.story, main.story) == (["data"], ["news"])
    socket.destroy()


async def test_a_packet_within_a_channel_is_a_message_even_while_an_answer_is_awaited(
    primus: Any,
) -> None:
    news = primus.channel("news")
    _, wire = join(primus)
    wire.receive('[1,"one","news"]')
    spark = news.spark("one")
    answers: list[Any] = []
    events = Recorder(spark, "data")

    @spark.on("begin")
    async def begin() -> None:
        answers.append(await spark.ask("name?"))

    wire.receive('[0,"one","news",{"type":0,"data":["begin"]}]')
    await eventually(lambda: wire.sent)
    wire.receive('[0,"one","news",[0,"one","news","inner"]]')
    wire.receive('[0,"one","news",{"type":1,"data":["me"],"id":1}]')

    await events.next("data")
    assert answers == ["me"]
    assert [args[0] for args in events.seen("data")] == [[0, "one", "news", "inner"]]


async def test_the_end_of_a_subscription_overtakes_nothing_whatever_it_carries(
    primus: Any,
) -> None:
    news = primus.channel("news")
    main, wire = join(primus)
    wire.receive('[1,"one","news"]')
    spark = news.spark("one")
    events = Recorder(spark, "data", "end")
    busy = asyncio.Event()
    main.on("data", lambda data: busy.wait())
    asking = asyncio.create_task(spark.ask("name?"))
    await eventually(lambda: wire.sent)

    wire.receive('"keeps the connection busy"')
    wire.receive('[0,"one","news","before the end"]')
    wire.receive('[2,"one","news",{"type":1,"data":[],"id":1}]')
    assert events.story == []
    busy.set()

    with pytest.raises(AckLost):
        await asking
    assert events.story == ["data", "end"]


def test_no_event_of_a_client_is_taken_for_a_subscription(make_primus: Any) -> None:
    primus = make_primus("emit, multiplex")
    spark, wire = join(primus)
    events = Recorder(spark, "subscribe", "unsubscribe", "vote")

    wire.receive('{"emit":["subscribe","news","x"]}', '{"emit":["unsubscribe","news","x"]}')
    wire.receive('{"emit":["vote"]}')

    assert events.story == ["vote"]
