import asyncio
from threading import get_ident
from typing import Any

import pytest
from hypothesis import given, settings

from primus_testing import Recorder, Tracebacks, eventually, join
from primus_testing.parser import JSON_VALUES, RELAXED

PLUGIN = "emit"

# -- what leaves


def test_an_event_is_sent_rather_than_emitted_here(primus: Any) -> None:
    spark, wire = join(primus)
    here = Recorder(spark, "news")

    assert spark.emit("news", "hello", {"a": [1, None]}) is True

    assert wire.sent == ['{"emit":["news","hello",{"a":[1,null]}]}']
    assert here.story == []


def test_an_event_without_arguments_is_sent(primus: Any) -> None:
    spark, wire = join(primus)

    spark.emit("news")

    assert wire.sent == ['{"emit":["news"]}']


@pytest.mark.parametrize(
    "event", ["data", "end", "error", "incoming::x", "toString", "newListener", "removeListener"]
)
def test_an_event_that_is_reserved_stays_here(primus: Any, event: str) -> None:
    spark, wire = join(primus)
    here: list[Any] = []
    spark.on(event, here.append)

    assert spark.emit(event, "x") is True

    assert wire.sent == []
    assert here == ["x"]


def test_a_name_that_another_plugin_reserves_stays_here(primus: Any) -> None:
    spark, wire = join(primus)
    primus.Spark.events.names.add("joined")

    assert spark.emit("joined", "room") is False

    assert wire.sent == []


def test_nothing_is_sent_once_the_spark_has_ended(primus: Any) -> None:
    spark, wire = join(primus)
    spark.end()
    wire.sent.clear()

    assert spark.emit("news") is False

    assert wire.sent == []


def test_emits_gives_a_function_that_sends(primus: Any) -> None:
    spark, wire = join(primus)

    spark.emits("news", lambda text: text.upper())("hello")

    assert wire.sent == ['{"emit":["news","HELLO"]}']


def test_the_events_of_primus_itself_stay_here(primus: Any) -> None:
    spark, wire = join(primus)
    events = Recorder(spark, "heartbeat", "error", "outgoing::data", "readyStateChange", "end")

    wire.receive('"primus::ping::1"', "{")
    spark.end()

    assert set(events.story) == {"heartbeat", "error", "outgoing::data", "readyStateChange", "end"}
    assert wire.sent == ['"primus::pong::1"', '"primus::server::close"']


# -- what arrives


def test_an_event_that_arrives_is_emitted_here_and_is_no_data(primus: Any) -> None:
    spark, wire = join(primus)
    events = Recorder(spark, "news", "data")

    wire.receive('{"emit":["news","hello",{"a":null},null]}', '{"emit":["news"],"more":"keys"}')

    assert events.story == ["news", "news"]
    assert events.seen("news") == [("hello", {"a": None}, None), ()]
    assert wire.sent == []


@pytest.mark.parametrize(
    "frame",
    [
        '{"emit":["data","x"]}',
        '{"emit":["end"]}',
        '{"emit":["incoming::data","x"]}',
        '{"emit":["toString"]}',
        '{"emit":[]}',
        '{"emit":[null]}',
        '{"emit":[5]}',
        '{"emit":[{"a":1}]}',
        '{"emit":[["news"]]}',
    ],
)
def test_an_event_without_a_possible_listener_is_dropped(primus: Any, frame: str) -> None:
    spark, wire = join(primus)
    events = Recorder(spark, "data", "end", "error", "incoming::data", "toString")

    wire.receive(frame)

    assert [name for name in events.story if name != "incoming::data"] == []
    assert events.seen("incoming::data") == [(frame,)]
    assert spark.ready_state == spark.OPEN


@pytest.mark.parametrize(
    "frame", ['{"emit":"news"}', '{"emit":null}', '{"emit":{"0":"news"}}', "null", '["emit"]']
)
def test_what_is_no_event_is_data(primus: Any, frame: str) -> None:
    spark, wire = join(primus)
    events = Recorder(spark, "data", "error")

    wire.receive(frame)

    assert events.story == ["data"]


def test_listeners_get_what_they_take_and_none_for_what_is_missing(primus: Any) -> None:
    spark, wire = join(primus)
    seen: list[Any] = []
    spark.on("vote", lambda name, count: seen.append((name, count)))

    wire.receive('{"emit":["vote","me",2,"more"]}', '{"emit":["vote"]}')

    assert seen == [("me", 2), (None, None)]


async def test_an_async_listener_makes_the_messages_behind_it_wait(primus: Any) -> None:
    spark, wire = join(primus)
    go = asyncio.Event()
    seen: list[Any] = []

    @spark.on("news")
    async def news(text: str) -> None:
        seen.append(text)
        await go.wait()

    wire.receive('{"emit":["news","one"]}', '{"emit":["news","two"]}')
    await eventually(lambda: seen)
    wire.receive('"data"')
    assert seen == ["one"]

    go.set()
    await eventually(lambda: seen == ["one", "two"])


def test_a_listener_may_answer_with_the_event_it_listens_to(primus: Any) -> None:
    spark, wire = join(primus)
    spark.on("echo", lambda *args: spark.emit("echo", *args))

    wire.receive('{"emit":["echo",1]}')

    assert wire.sent == ['{"emit":["echo",1]}']


async def test_a_listener_that_raises_is_reported_and_nothing_else_happens(
    primus: Any, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("a listener of 'news' raised")
    spark, wire = join(primus)
    events = Recorder(spark, "error", "other")
    spark.on("news", lambda: 1 / 0)

    wire.receive('{"emit":["news"]}', '{"emit":["other"]}')

    assert events.story == ["error", "other"]


@settings(RELAXED, max_examples=50)
@given(value=JSON_VALUES)
async def test_no_event_makes_anything_raise(primus: Any, value: Any) -> None:
    spark, wire = join(primus)
    events = Recorder(spark, "error", "news")

    for event in (value, [value], ["news", value], ["news", value, value]):
        wire.receive(primus.parser.encode({"emit": event}))

    assert events.seen("error") == []
    expected = [(value,), (value, value)]
    assert events.seen("news")[-2:] == expected
    spark.end()


# -- clients


async def test_events_go_both_ways_between_server_and_python_client(primus: Any) -> None:
    @primus.on("connection")
    def connection(spark: Any) -> None:
        spark.emit("welcome", spark.id)
        spark.on("shout", lambda text: spark.emit("echo", text.upper()))

    socket = primus.Socket("http://memory")
    events = Recorder(socket, "welcome", "echo", "data")
    assert socket.emit("shout", "before it is open") is True

    assert await events.one("welcome") == await socket.id()
    assert await events.one("echo") == "BEFORE IT IS OPEN"
    assert events.seen("data") == []
    socket.destroy()


async def test_the_events_of_a_socket_itself_stay_there(primus: Any) -> None:
    socket = primus.Socket("http://memory")
    events = Recorder(socket, "open", "close", "end")
    await events.next("open")
    (spark,) = primus
    seen = Recorder(spark, "data", "open", "close")

    socket.emit("close")
    socket.write("last")

    assert await seen.one("data") == "last"
    socket.destroy()
    assert seen.story == ["data"]
    assert events.story == ["open", "close", "close", "end"]


def test_plugging_it_out_gives_the_old_emit_back(primus: Any) -> None:
    spark, wire = join(primus)

    primus.plugout("emit")
    events = Recorder(spark, "news", "data")
    spark.emit("news", 1)
    wire.receive('{"emit":["news",2]}')

    assert wire.sent == []
    assert events.story == ["news", "data"]


async def test_another_thread_emits_here_and_over_the_wire_in_its_order(primus: Any) -> None:
    spark, wire = join(primus)
    threads: list[int] = []
    spark.on("error", lambda: threads.append(get_ident()))

    def work() -> None:
        assert spark.emit("news", 1) is True
        assert spark.emit("error", "here") is True

    await asyncio.to_thread(work)
    await eventually(lambda: threads == [get_ident()])
    assert wire.sent == ['{"emit":["news",1]}']
