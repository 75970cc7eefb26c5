import asyncio
from typing import Any

import pytest
from hypothesis import given, settings

from primus_substream import Substream
from primus_testing import Recorder, eventually, join
from primus_testing.parser import JSON_VALUES, RELAXED

PLUGIN = "substream"


def test_the_same_name_gives_the_same_stream_until_it_ends(primus: Any) -> None:
    spark, _ = join(primus)

    chat = spark.substream("chat")

    assert spark.substream("chat") is chat
    assert spark.substream("") is not chat
    assert (chat.name, chat.stream, chat.ready_state) == ("chat", spark, Substream.OPEN)
    chat.end()
    assert chat.stream is None
    assert spark.substream("chat") is not chat


@pytest.mark.parametrize("name", [None, 5, b"chat"])
def test_a_name_is_a_text(primus: Any, name: Any) -> None:
    spark, _ = join(primus)

    with pytest.raises(TypeError, match="must be a text"):
        spark.substream(name)


def test_messages_go_both_ways_and_are_no_data_of_the_connection(primus: Any) -> None:
    spark, wire = join(primus)
    chat, other = spark.substream("chat"), spark.substream("other")
    main = Recorder(spark, "data")
    events, others = Recorder(chat, "data"), Recorder(other, "data")

    assert chat.write({"hello": None}) is True
    wire.receive('{"substream":"chat","args":[1]}', '{"substream":"chat"}')

    assert wire.sent == ['{"substream":"chat","args":{"hello":null}}']
    assert [args[0] for args in events.seen("data")] == [[1], None]
    assert (main.story, others.story) == ([], [])


@pytest.mark.parametrize("end", ["ours", "theirs"])
def test_a_stream_ends_once_and_a_write_to_it_gives_false(primus: Any, end: str) -> None:
    spark, wire = join(primus)
    chat = spark.substream("chat")
    events = Recorder(chat, "close", "end")

    if end == "ours":
        chat.end("last")
    else:
        wire.receive('{"substream":"chat","args":"substream::end"}')
    chat.end()

    assert events.story == ["close", "end"]
    assert chat.write("late") is False
    ours = ['{"substream":"chat","args":"last"}', '{"substream":"chat","args":"substream::end"}']
    assert wire.sent == (ours if end == "ours" else [])


def test_the_end_marker_can_be_sent_as_a_message(primus: Any) -> None:
    spark, wire = join(primus)
    chat = spark.substream("chat")
    events = Recorder(chat, "data", "end")

    chat.write("substream::end")
    wire.receive(*wire.sent)

    assert events.story == ["data"]
    assert events.seen("data")[0][0] == "substream::end"


def test_a_message_for_a_stream_that_is_not_there_is_data(primus: Any) -> None:
    """As in Node: there is no handshake, so the server asks for its streams early."""
    spark, wire = join(primus)
    spark.substream("chat").end()
    main = Recorder(spark, "data")

    wire.receive('{"substream":"chat","args":1}', '{"substream":"news","args":"substream::end"}')

    assert [args[0] for args in main.seen("data")] == [
        {"substream": "chat", "args": 1},
        {"substream": "news", "args": "substream::end"},
    ]


def test_the_end_of_a_spark_ends_its_streams_and_leaves_nothing(primus: Any) -> None:
    spark, wire = join(primus)
    streams = [spark.substream(str(number)) for number in range(3)]
    events = [Recorder(stream, "readyStateChange", "close", "end") for stream in streams]

    wire.lose()

    assert [each.story for each in events] == [["readyStateChange", "close", "end"]] * 3
    assert len(spark.streams) == 0
    assert wire.sent == []


def test_a_message_passes_the_transforms_once_with_the_stream_for_the_connection(
    primus: Any,
) -> None:
    spark, wire = join(primus)
    chat = spark.substream("chat")
    events = Recorder(chat, "data")
    seen: list[Any] = []

    @primus.transform("outgoing")
    def outgoing(packet: Any, connection: Any) -> None:
        seen.append(connection)
        packet.data = [packet.data]

    @primus.transform("incoming")
    def incoming(packet: Any, connection: Any) -> None:
        seen.append(connection)
        (packet.data,) = packet.data

    chat.write("hello")
    wire.receive(*wire.sent)
    chat.end()

    assert wire.sent == [
        '{"substream":"chat","args":["hello"]}',
        '{"substream":"chat","args":"substream::end"}',
    ]
    assert events.seen("data")[0][0] == "hello"
    assert seen == [chat, chat]


async def test_async_transforms_keep_the_order_of_messages_and_end(primus: Any) -> None:
    spark, wire = join(primus)
    chat = spark.substream("chat")
    story: list[Any] = []
    chat.on("data", story.append)
    chat.on("end", lambda: story.append("end"))

    for direction in ("outgoing", "incoming"):

        @primus.transform(direction)
        async def slow(packet: Any) -> bool | None:
            await asyncio.sleep(0)
            return False if packet.data == "swallowed" else None

    for message in (1, "swallowed", 2):
        chat.write(message)
    spark.write("between")
    wire.receive('{"substream":"chat","args":1}', '{"substream":"chat","args":"swallowed"}')
    wire.receive('{"substream":"chat","args":2}', '{"substream":"chat","args":"substream::end"}')

    await eventually(lambda: len(wire.sent) == 3 and story == [1, 2, "end"])
    assert wire.sent == [
        '{"substream":"chat","args":1}',
        '{"substream":"chat","args":2}',
        '"between"',
    ]


async def test_a_transform_that_raises_is_an_error_of_the_stream(primus: Any) -> None:
    spark, wire = join(primus)
    chat = spark.substream("chat")
    errors, main = Recorder(chat, "error"), Recorder(spark, "error")

    @primus.transform("incoming")
    def fails(packet: Any) -> None:
        raise ValueError(packet.data)

    wire.receive('{"substream":"chat","args":1}')
    assert (errors.story, main.story) == (["error"], [])

    chat.off("error")
    wire.receive('{"substream":"chat","args":2}')
    assert main.story == ["error"]


def test_with_emit_beside_it_an_event_in_a_stream_is_data_of_the_stream(
    make_primus: Any,
) -> None:
    for plugins in ("emit, substream", "substream, emit", "emit-broadcast, substream"):
        primus = make_primus(plugins)
        spark, wire = join(primus)
        chat = spark.substream("chat")
        events, main = Recorder(chat, "news", "data"), Recorder(spark, "news", "data")
        whole = Recorder(primus, "news", "data")

        wire.receive('{"substream":"chat","args":{"emit":["news",1]}}')
        chat.emit("news", 2)
        spark.emit("news", 3)

        assert events.story == ["data", "news"]
        assert (main.story, whole.story) == ([], [])
        assert wire.sent == ['{"emit":["news",3]}']


def test_plugging_it_out_ends_the_streams(primus: Any) -> None:
    spark, wire = join(primus)
    events = Recorder(spark.substream("chat"), "end")
    main = Recorder(spark, "data")

    primus.plugout("substream")
    wire.receive('{"substream":"chat","args":1}')

    assert events.story == ["end"]
    assert main.story == ["data"]
    assert not hasattr(spark, "streams")


async def test_other_threads_write_in_their_order_and_can_wait(primus: Any) -> None:
    spark, wire = join(primus)
    chat = spark.substream("chat")

    def write() -> None:
        for number in range(3):
            chat.write(number)
        assert chat.thread.write("waited for") is True
        assert primus.thread.spark(spark.id).substream("chat").end() is None

    await asyncio.to_thread(write)

    values = [primus.parser.decode(frame)["args"] for frame in wire.sent]
    assert values == [0, 1, 2, "waited for", "substream::end"]


# -- clients


async def test_streams_of_a_client_stay_when_it_reconnects(primus: Any) -> None:
    sparks: list[Any] = []

    @primus.on("connection")
    def connection(spark: Any) -> None:
        sparks.append(spark)
        chat = spark.substream("chat")
        chat.on("data", chat.write)

    clock = primus.options.clock
    socket = primus.Socket("http://memory", clock=clock, network=False, reconnect={"max": 1.0})
    chat = socket.substream("chat")
    events = Recorder(chat, "data", "open", "close", "end", "reconnected")
    assert chat.write("before it is open") is True
    assert (await events.next("data"))[0] == "before it is open"

    sparks[0].abort()
    await events.next("close")
    assert chat.ready_state != Substream.OPEN
    chat.write("while it is away")
    clock.advance(1.0)

    assert (await events.next("data"))[0] == "while it is away"
    assert len(sparks) == 2
    socket.destroy()
    assert events.story == ["open", "data", "close", "reconnected", "open", "data", "close", "end"]
    assert (len(socket.streams), chat.write(1)) == (0, False)


async def test_a_stream_can_be_read_in_the_connection_listener(primus: Any) -> None:
    @primus.on("connection")
    async def connection(spark: Any) -> None:
        chat = spark.substream("chat")
        async for message in chat:
            chat.write(message * 2)
        done.set()

    done = asyncio.Event()
    socket = await primus.Socket("http://memory").opened()
    chat = socket.substream("chat")
    chat.write(1)
    chat.write("a")

    assert [await anext(chat), await anext(chat)] == [2, "aa"]
    chat.end()
    await done.wait()
    with pytest.raises(StopAsyncIteration):
        await anext(chat)
    socket.destroy()


async def test_a_listener_may_await_an_answer_over_its_own_connection(make_primus: Any) -> None:
    """By an acknowledgement of the connection, and by a message of another stream."""
    primus = make_primus("substream, emitter")
    results: list[Any] = []

    @primus.on("connection")
    def connection(spark: Any) -> None:
        chat, answers = spark.substream("chat"), spark.substream("answers")

        @chat.on("data")
        async def data(message: Any) -> None:
            results.append(await spark.ask("name?"))
            reading = aiter(answers)
            answers.write("what?")
            results.append(await anext(reading))

    socket = await primus.Socket("http://memory").opened()
    socket.on("name?", lambda ack: ack("me"))
    answers = socket.substream("answers")
    answers.on("data", lambda message: answers.write("that"))

    socket.substream("chat").write("hello")

    await eventually(lambda: results == ["me", "that"])
    socket.destroy()


@settings(RELAXED, max_examples=30)
@given(value=JSON_VALUES)
async def test_every_value_arrives_at_server_and_client_as_it_went(primus: Any, value: Any) -> None:
    received: list[Any] = []

    @primus.on("connection")
    def connection(spark: Any) -> None:
        chat = spark.substream("chat")

        @chat.on("data")
        def data(message: Any) -> None:
            received.append(message)
            chat.write(message)

    socket = await primus.Socket("http://memory").opened()
    chat = socket.substream("chat")
    main = Recorder(socket, "data", "error")
    events = Recorder(chat, "data", "end")
    chat.write(value)
    chat.write("substream::end")
    chat.write("last")
    while (await events.next("data"))[0] != "last":
        pass

    assert received == [value, "substream::end", "last"]
    assert [args[0] for args in events.seen("data")] == [value, "substream::end", "last"]
    assert (main.story, events.seen("end")) == ([], [])
    primus.off("connection", connection)
    socket.destroy()


def test_a_packet_of_channels_within_a_stream_is_a_message(make_primus: Any) -> None:
    primus = make_primus("multiplex, substream")
    spark, wire = join(primus)
    events = Recorder(spark.substream("chat"), "data")

    wire.receive('{"substream":"chat","args":[1,"id","news"]}')

    assert [args[0] for args in events.seen("data")] == [[1, "id", "news"]]
    assert (len(primus.channels), wire.sent) == (0, [])


async def test_a_connection_is_not_read_while_its_substreams_hold_too_much(primus: Any) -> None:
    spark, wire = join(primus)
    gate, running = asyncio.Event(), list[str]()

    def listening(name: str) -> Any:
        async def data(message: Any) -> None:
            running.append(name)
            await gate.wait()

        return data

    for name in ("one", "two"):
        spark.substream(name).on("data", listening(name))
    text = "x" * spark.limits.read_ahead_bytes
    wire.receive(*(f'{{"substream":"{name}","args":"{text}"}}' for name in ("one", "two")))
    await eventually(lambda: running)
    assert (running, wire.paused) == (["one"], True)

    gate.set()
    await eventually(lambda: running == ["one", "two"])
    await eventually(lambda: not wire.paused)
