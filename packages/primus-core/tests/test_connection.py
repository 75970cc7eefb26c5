"""The message path of a spark, on wires that do exactly what a test says."""

import asyncio
import inspect
import logging
import weakref
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from primus import ParserError, Primus, SlowConsumerError, Spark, TransformError, hookimpl
from primus.errors import ProtocolError
from primus.limits import DEFAULT_LIMITS
from primus.parsers.json import JSONParser
from primus.pipeline import Packet
from primus_testing import (
    ManualClock,
    MemoryTransformer,
    MemoryTransport,
    Recorder,
    Tracebacks,
    eventually,
    join,
    make_request,
)

MakePrimus = Callable[..., Primus]
CLOSE = '"primus::server::close"'


class Gate:
    """An async listener, transform or parser step that is let go on by hand."""

    def __init__(self) -> None:
        self.event = asyncio.Event()
        self.seen: list[Any] = []

    async def __call__(self, message: Any) -> None:
        self.seen.append(message)
        await self.event.wait()


class AsyncParser:
    """JSON that takes a turn of the loop, and fails for what it is told to."""

    def encode(self, value: Any) -> Any:
        return self._later(JSONParser().encode, value)

    def decode(self, frame: Any) -> Any:
        return self._later(JSONParser().decode, frame)

    async def _later(self, step: Callable[[Any], Any], value: Any) -> Any:
        await asyncio.sleep(0)
        return step(value)


# -- inwards


def test_a_message_reaches_plain_listeners_within_the_call(primus: Primus) -> None:
    spark, wire = join(primus)
    seen: list[Any] = []
    spark.on("data", lambda message, raw: seen.append((message, raw)))
    wire.receive('{"a": 1}', "[2]")
    assert seen == [({"a": 1}, '{"a": 1}'), ([2], "[2]")]


def test_listeners_that_come_and_go_meet_the_next_message(primus: Primus) -> None:
    spark, wire = join(primus)
    seen: list[Any] = []

    def first(message: Any) -> None:
        seen.append(("first", message))
        if message == 1:
            spark.on("data", second)
        elif message == 2:
            spark.off("data", first)

    def second(message: Any) -> None:
        seen.append(("second", message))
        spark.once("data", lambda message: seen.append(("once", message)))

    spark.on("data", first)
    wire.receive("0", "1", "2")
    assert seen == [("first", 0), ("first", 1), ("first", 2), ("second", 2)]
    seen.clear()
    primus.transform("incoming", lambda packet: setattr(packet, "data", packet.data * 10))
    wire.receive("3")
    assert seen == [("second", 30), ("once", 30)]
    spark.off("data")
    wire.receive("4")
    assert len(seen) == 2


async def test_a_lone_listener_may_be_async_or_raise(
    primus: Primus, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("a listener of 'data' raised")
    spark, wire = join(primus)
    gate = Gate()

    def either(message: Any) -> Any:
        if message == "wrong":
            raise RuntimeError("oh")
        return gate(message)

    spark.on("data", either)
    wire.receive('"wrong"', "1", "2")
    await eventually(lambda: gate.seen == [1])
    gate.event.set()
    await eventually(lambda: gate.seen == [1, 2])


async def test_messages_wait_for_an_async_listener_in_order(primus: Primus) -> None:
    spark, wire = join(primus)
    gate = Gate()
    spark.on("data", gate)
    wire.receive("1", "2")
    await eventually(lambda: gate.seen)
    wire.receive("3")
    assert gate.seen == [1]
    gate.event.set()
    await eventually(lambda: len(gate.seen) == 3)
    assert gate.seen == [1, 2, 3]


async def test_the_wire_is_paused_when_enough_messages_wait(primus: Primus) -> None:
    spark, wire = join(primus)
    gate = Gate()
    spark.on("data", gate)
    wire.receive("0", *map(str, range(1, DEFAULT_LIMITS.read_ahead_messages)))
    assert not wire.paused
    wire.receive("-1")
    assert wire.paused
    wire.receive("-2")
    gate.event.set()
    await eventually(lambda: len(gate.seen) == DEFAULT_LIMITS.read_ahead_messages + 2)
    assert gate.seen[-2:] == [-1, -2]
    assert not wire.paused


async def test_the_wire_is_paused_when_enough_bytes_wait(primus: Primus) -> None:
    spark, wire = join(primus)
    gate = Gate()
    spark.on("data", gate)
    text = '"' + "x" * (DEFAULT_LIMITS.read_ahead_bytes - 4) + '"'
    wire.receive("0", text)
    assert not wire.paused
    wire.receive("12")
    assert wire.paused
    gate.event.set()
    await eventually(lambda: not wire.paused)


async def test_a_message_that_comes_while_the_wire_is_paused_leaves_it_so(primus: Primus) -> None:
    spark, wire = join(primus)
    gates = [asyncio.Event() for _ in range(3)]
    spark.on("data", lambda number: gates[number].wait())
    wire.receive("0", "1" + " " * DEFAULT_LIMITS.read_ahead_bytes)
    assert wire.paused
    gates[0].set()
    await eventually(lambda: spark.handled == 2)
    spark.feed("2")  # it was under way

    gates[1].set()
    gates[2].set()
    await eventually(lambda: spark.handled == 3)
    await eventually(lambda: not wire.paused)


async def test_what_has_been_handled_no_longer_counts_as_waiting(primus: Primus) -> None:
    spark, wire = join(primus)
    gates: list[asyncio.Event] = []

    @spark.on("data")
    async def data(message: str) -> None:
        gates.append(asyncio.Event())
        await gates[-1].wait()

    frame = '"' + "x" * (DEFAULT_LIMITS.read_ahead_bytes // 3) + '"'
    wire.receive(frame)
    for count in range(1, 10):
        wire.receive(frame)
        assert not wire.paused
        await eventually(lambda count=count: len(gates) == count)
        gates[-1].set()
    await eventually(lambda: len(gates) == 10)
    gates[-1].set()


async def test_control_messages_are_answered_while_messages_wait(primus: Primus) -> None:
    spark, wire = join(primus)
    gate = Gate()
    spark.on("data", gate)
    wire.receive("1", '"primus::ping::7"')
    assert wire.sent == ['"primus::pong::7"']
    gate.event.set()


async def test_a_wire_that_is_lost_ends_the_spark_after_what_waits(primus: Primus) -> None:
    spark, wire = join(primus)
    gate, story = Gate(), Recorder(spark, "data", "end")
    spark.on("data", gate)
    wire.receive("1", "2", "3")
    wire.lose()
    assert story.seen("end") == []
    assert primus.spark(spark.id) is spark
    gate.event.set()
    await story.next("end")
    assert gate.seen == [1, 2, 3]
    assert story.story == ["data", "data", "data", "end"]
    assert len(primus) == 0


async def test_an_end_by_the_server_drops_what_waits(primus: Primus) -> None:
    spark, wire = join(primus)
    gate = Gate()
    spark.on("data", gate)
    wire.receive("1", "2")
    await eventually(lambda: gate.seen)
    spark.end()
    gate.event.set()
    await eventually(lambda: not (spark._inbox and spark._inbox.is_busy))
    assert gate.seen == [1]
    assert wire.sent == [CLOSE]


async def test_a_listener_that_is_cancelled_does_not_stop_the_connection(primus: Primus) -> None:
    spark, wire = join(primus)
    seen: list[Any] = []

    @spark.on("data")
    async def cancelled(message: int) -> None:
        seen.append(message)
        if message == 1:
            raise asyncio.CancelledError

    wire.receive("1", "2", "3")
    await eventually(lambda: len(seen) == 3)
    assert seen == [1, 2, 3]


async def test_an_async_listener_that_raises_is_reported_and_the_next_message_comes(
    primus: Primus, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("a listener of 'data' raised")
    spark, wire = join(primus)
    seen = Recorder(spark, "error")
    got: list[int] = []

    @spark.on("data")
    async def fails(message: int) -> None:
        got.append(message)
        raise KeyError(message)

    wire.receive("1", "2")
    await seen.next("error")
    await seen.next("error")
    assert got == [1, 2]


async def test_an_async_listener_that_raises_after_the_end_is_reported_as_well(
    primus: Primus, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("a listener of 'data' raised")
    spark, wire = join(primus)
    seen = Recorder(spark, "error")
    ended = asyncio.Event()

    @spark.on("data")
    async def fails(message: int) -> None:
        await ended.wait()
        raise KeyError(message)

    wire.receive("1")
    spark.end()
    ended.set()
    assert "KeyError(1)" in str(await seen.one("error"))


async def test_an_async_parser_keeps_messages_and_control_in_order(
    make_primus: MakePrimus,
) -> None:
    spark, wire = join(make_primus(parser=AsyncParser()))
    seen = Recorder(spark, "data", "error", "heartbeat")
    wire.receive("1", "[", '"primus::ping::5"', "2")
    assert await seen.one("data") == 1
    error = await seen.one("error")
    assert isinstance(error, ParserError)
    assert await seen.one("data") == 2
    await eventually(lambda: wire.sent == ['"primus::pong::5"'])
    assert seen.story == ["data", "error", "heartbeat", "data"]


async def test_what_an_async_parser_has_begun_is_closed_when_it_is_not_needed(
    make_primus: MakePrimus,
) -> None:
    begun: list[Coroutine[Any, Any, Any]] = []

    class Noted(AsyncParser):
        def decode(self, frame: Any) -> Any:
            begun.append(super().decode(frame))
            return begun[-1]

    spark, wire = join(make_primus(parser=Noted()))
    gate = Gate()
    spark.on("data", gate)
    wire.receive("1", "2", "3")
    await eventually(lambda: gate.seen)
    spark.end()
    gate.event.set()
    await eventually(lambda: not (spark._inbox and spark._inbox.is_busy))
    states = [inspect.getcoroutinestate(one) for one in begun]
    for one in begun:
        one.close()
    assert gate.seen == [1]
    assert states == [inspect.CORO_CLOSED] * 3


async def test_a_parser_that_raises_anything_is_a_parser_error(make_primus: MakePrimus) -> None:
    class Fails(JSONParser):
        def decode(self, frame: Any) -> Any:
            raise ZeroDivisionError

        def encode(self, value: Any) -> str:
            raise ZeroDivisionError

    spark, wire = join(make_primus(parser=Fails()))
    seen = Recorder(spark, "error")
    wire.receive("1")
    ((error,),) = seen.seen("error")
    assert isinstance(error, ParserError)
    assert str(error) == "failed to decode incoming data: ZeroDivisionError()"
    assert isinstance(error.__cause__, ZeroDivisionError)
    with pytest.raises(
        ParserError, match=r"cannot encode data: str: ZeroDivisionError\(\)"
    ) as raised:
        spark.write("2")
    assert isinstance(raised.value.__cause__, ZeroDivisionError)
    with pytest.raises(ParserError):
        make_primus(parser=Fails()).write("2")
    assert wire.sent == []


async def test_what_arrives_waits_for_async_listeners_of_an_error(primus: Primus) -> None:
    spark, wire = join(primus)
    gate, told = Gate(), Recorder(spark, "data")
    spark.on("error", gate)

    wire.receive("1", "{", "2", "{")
    await eventually(lambda: len(gate.seen) == 1)
    assert told.seen("data") == [(1, "1")]

    gate.event.set()
    await eventually(lambda: len(gate.seen) == 2)
    assert told.seen("data") == [(1, "1"), (2, "2")]


async def test_frames_that_cannot_be_decoded_wait_as_messages_do(primus: Primus) -> None:
    spark, wire = join(primus)
    gate, story = Gate(), list[str]()
    spark.on("data", gate)
    spark.on("data", lambda message: story.append(f"message {message}"))
    spark.on("error", lambda error: story.append(f"error of {error.frame[:2]}"))

    wire.receive("1", "{2", "3", "{" + "x" * DEFAULT_LIMITS.read_ahead_bytes)
    assert (story, wire.paused, spark.handled) == ([], True, 1)

    gate.event.set()
    await eventually(lambda: len(story) == 4)
    assert story == ["message 1", "error of {2", "message 3", "error of {x"]
    assert (wire.paused, spark.handled) == (False, 4)


class NotingParser(JSONParser):
    """JSON that notes how long the frames are that it decodes."""

    def __init__(self) -> None:
        self.decoded: list[int] = []

    def decode(self, frame: Any) -> Any:
        self.decoded.append(len(frame))
        return super().decode(frame)


@pytest.mark.parametrize("is_awaited", [False, True])
async def test_a_busy_connection_keeps_a_long_frame_undecoded_until_its_turn(
    make_primus: MakePrimus, is_awaited: bool
) -> None:
    parser = NotingParser()
    spark, wire = join(make_primus(parser=parser))
    gate, most = Gate(), DEFAULT_LIMITS.read_ahead_bytes
    spark.on("data", gate)
    spark.await_answers(int(is_awaited))

    wire.receive("0", "1" + " " * (most - 1), "2")
    asked = [most, 1] if is_awaited else []  # whether one is the answer
    assert parser.decoded == [1, *asked]
    assert wire.paused is not is_awaited
    assert spark.handled == 1

    gate.event.set()
    await eventually(lambda: len(gate.seen) == 3)
    assert gate.seen == [0, 1, 2]
    assert parser.decoded == [1, *asked, most, 1]
    assert (spark.received, spark.handled) == (3, 3)


def unread(frame: Any) -> Any:
    """Refuse to decode quickly, as codecs do for the escapes of lone surrogates."""
    raise ValueError


@pytest.mark.parametrize("is_quick", [False, True])
async def test_while_an_answer_is_awaited_short_frames_that_are_long_together_are_kept_undecoded(
    make_primus: MakePrimus, is_quick: bool
) -> None:
    class Overtaking:
        @hookimpl
        def primus_overtakes(self, data: Any) -> bool:
            return data == {"answer": 1}

    values = weakref.WeakSet[Any]()

    class Value(list[Any]):
        __slots__ = ("__weakref__",)
        __hash__ = object.__hash__  # type: ignore[assignment]

    class KeptParser(JSONParser):
        if not is_quick:
            quick_decode = staticmethod(unread)

        def decode(self, frame: Any) -> Any:
            value = super().decode(frame)
            if isinstance(value, list):
                value = Value(value)
                values.add(value)
            return value

    spark, wire = join(make_primus(parser=KeptParser()).use("overtaking", Overtaking()))
    gate, seen = Gate(), Recorder(spark, "data")
    spark.on("data", gate)
    wire.receive("0")
    await eventually(lambda: gate.seen == [0])
    spark.await_answers(1)

    wire.receive(*["[1]" + " " * 9_997] * 30, '"primus::ping::1"', '{"answer":1}')
    assert len(values) == 6
    assert not wire.paused
    assert wire.sent == ['"primus::pong::1"']
    assert seen.seen("data")[-1][0] == {"answer": 1}
    assert (spark.received, spark.handled) == (32, 2)

    gate.event.set()
    await eventually(lambda: spark.handled == 32)
    assert len(seen.seen("data")) == 32


async def test_pings_are_answered_while_an_answer_is_awaited_and_much_waits(primus: Primus) -> None:
    spark, wire = join(primus)
    gate = Gate()
    spark.on("data", gate)
    spark.await_answers(1)

    wire.receive("0", "1" + " " * DEFAULT_LIMITS.read_ahead_bytes, '"primus::ping::1"')

    assert wire.sent == ['"primus::pong::1"']
    gate.event.set()
    await eventually(lambda: spark.handled == 2)


@pytest.mark.parametrize("frame", ['{"answer":1}', '"primus::ping::1"', "{", "[1]"])
@pytest.mark.parametrize("plugins", [0, 1])
async def test_a_long_frame_overtakes_others_where_a_plugin_may_say_so(
    make_primus: MakePrimus, frame: str, plugins: int
) -> None:
    class Overtaking:
        @hookimpl
        def primus_overtakes(self, data: Any) -> bool:
            return isinstance(data, dict)

    primus = make_primus()
    for number in range(plugins):
        primus.use(f"overtaking {number}", Overtaking())
    spark, wire = join(primus)
    gate, seen, story = Gate(), Recorder(spark, "data", "error"), list[Any]()
    spark.on("data", gate)
    wire.receive("0")
    await eventually(lambda: gate.seen == [0])

    wire.receive(frame + " " * DEFAULT_LIMITS.read_ahead_bytes)
    story = [*seen.story, *wire.sent]
    is_for_now = plugins > 0 and frame.startswith(('{"', '"primus'))
    assert len(story) == 1 + is_for_now
    assert wire.paused is not is_for_now

    gate.event.set()
    await eventually(lambda: len([*seen.story, *wire.sent]) == 2)
    await eventually(lambda: spark.handled == spark.received + (frame == "{"))


async def test_a_long_frame_of_an_async_parser_waits_for_its_turn(make_primus: MakePrimus) -> None:
    class Overtaking:
        @hookimpl
        def primus_overtakes(self, data: Any) -> bool:
            return True

    primus = make_primus(parser=AsyncParser()).use("overtaking", Overtaking())
    spark, wire = join(primus)
    gate = Gate()
    spark.on("data", gate)
    wire.receive("0")
    await eventually(lambda: gate.seen == [0])
    wire.receive("1" + " " * DEFAULT_LIMITS.read_ahead_bytes)
    assert (wire.paused, spark.handled) == (True, 1)
    gate.event.set()
    await eventually(lambda: gate.seen == [0, 1])


async def test_frames_that_are_not_long_are_decoded_as_they_come(make_primus: MakePrimus) -> None:
    parser = NotingParser()
    spark, wire = join(make_primus(parser=parser))
    gate, most = Gate(), DEFAULT_LIMITS.read_ahead_bytes
    spark.on("data", gate)
    wire.receive("0", "1" + " " * (most - 2), "2")
    assert parser.decoded == [1, most - 1, 1]
    gate.event.set()
    await eventually(lambda: len(gate.seen) == 3)


async def test_what_arrives_waits_for_async_listeners_of_what_another_has_raised(
    primus: Primus, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("a listener of 'data' raised")
    spark, wire = join(primus)
    gate, seen = Gate(), list[int]()
    spark.on("error", gate)

    @spark.on("data")
    def data(message: int) -> None:
        seen.append(message)
        raise ZeroDivisionError

    wire.receive("1", "2")
    await eventually(lambda: len(gate.seen) == 1)
    assert seen == [1]

    gate.event.set()
    await eventually(lambda: len(gate.seen) == 2)
    assert seen == [1, 2]


async def test_pings_are_answered_and_wait_for_async_listeners(primus: Primus) -> None:
    spark, wire = join(primus)
    gate, data = asyncio.Event(), Recorder(spark, "data")
    begun = list[int]()

    @spark.on("heartbeat")
    async def heartbeat() -> None:
        begun.append(1)
        await gate.wait()

    wire.receive('"primus::ping::1"', "1", '"primus::ping::2"')
    await eventually(lambda: len(begun) == 2)
    assert (data.story, wire.sent) == ([], ['"primus::pong::1"', '"primus::pong::2"'])

    most = DEFAULT_LIMITS.read_ahead_messages
    wire.receive(*['"primus::ping::3"'] * most)
    await eventually(lambda: len(begun) >= most)
    assert wire.paused
    wire.receive(*['"primus::ping::4"'] * 100)
    assert len(wire.sent) == len(begun) <= most + 1

    gate.set()
    await eventually(lambda: len(begun) == most + 102)
    assert data.seen("data") == [(1, "1")]


@pytest.mark.parametrize("is_done", [False, True])
async def test_the_end_waits_for_no_listener_of_an_error_behind_one_that_waits_for_the_end(
    primus: Primus, is_done: bool
) -> None:
    spark, wire = join(primus)
    gate, ended = Gate(), asyncio.Event()
    spark.on("data", lambda message: ended.wait())
    spark.on("error", gate)
    spark.on("end", ended.set)
    if is_done:
        gate.event.set()
    wire.receive("1")
    spark.emit("error", ValueError())
    await eventually(lambda: len(gate.seen) == 1)

    wire.lose()

    assert ended.is_set()
    gate.event.set()


async def test_listeners_that_are_done_hold_back_nothing_more(primus: Primus) -> None:
    spark, wire = join(primus)
    busy, slow = asyncio.Event(), asyncio.Event()
    spark.on("data", lambda message: busy.wait())
    spark.on("heartbeat", slow.wait)

    most = DEFAULT_LIMITS.read_ahead_messages
    wire.receive("1", *['"primus::ping::2"'] * most)
    assert wire.paused

    slow.set()
    await eventually(lambda: not wire.paused)
    assert spark.handled == 1
    busy.set()


async def test_a_listener_may_wait_for_that_of_an_error_which_it_has_caused(
    primus: Primus,
) -> None:
    spark, wire = join(primus)
    reported, seen = asyncio.Event(), list[int]()

    @spark.on("error")
    async def error(error: Exception) -> None:
        reported.set()

    @spark.on("data")
    async def data(message: int) -> None:
        spark.emit("error", ValueError(message))
        await reported.wait()
        seen.append(message)

    wire.receive("1", "2")
    await eventually(lambda: seen == [1, 2])


def test_control_text_that_a_parser_refuses_is_an_error_event(make_primus: MakePrimus) -> None:
    class NoText(JSONParser):
        def encode(self, value: Any) -> str:
            raise ZeroDivisionError

    spark, _ = join(make_primus(parser=NoText()))
    seen = Recorder(spark, "error", "end")

    spark.heartbeat()
    spark.end()

    assert seen.story == ["error", "error", "end"]


async def test_a_message_whose_transform_is_under_way_at_an_end_by_the_server_is_dropped(
    primus: Primus,
) -> None:
    gate, seen = Gate(), list[Any]()
    primus.transform("incoming", gate)
    spark, wire = join(primus)
    spark.on("data", seen.append)
    wire.receive("1")
    await eventually(lambda: gate.seen)
    spark.end()
    gate.event.set()
    await eventually(lambda: not spark._inbox.is_busy)
    assert seen == []


def test_frames_after_the_end_are_not_looked_at(primus: Primus) -> None:
    spark, wire = join(primus)
    seen = Recorder(spark, "data", "error")
    spark.end()
    spark.feed("1")
    spark.feed("nonsense")
    assert seen.story == []
    assert wire.closed == (None, "")


# -- outwards


def test_writes_leave_within_the_call(primus: Primus) -> None:
    spark, wire = join(primus)
    assert spark.write({"a": "\u2028"}) is True
    assert wire.sent == ['{"a":"\\u2028"}']


def test_an_empty_text_is_not_sent(make_primus: MakePrimus) -> None:
    class Verbatim(JSONParser):
        def encode(self, value: Any) -> str:
            return str(value)

    spark, wire = join(make_primus(parser=Verbatim()))
    spark.write("")
    spark.write("x")
    assert wire.sent == ["x"]


async def test_nothing_overtakes_a_message_behind_an_async_transform(primus: Primus) -> None:
    gate = asyncio.Event()

    @primus.transform("outgoing")
    async def slow(packet: Packet, spark: Spark) -> None:
        await gate.wait()

    spark, wire = join(primus)
    spark.write(1)
    primus.write(2)
    wire.receive('"primus::ping::7"', '"primus::id::"')
    spark.heartbeat()
    spark.end(3)
    assert wire.sent == []
    assert spark.ready_state == Spark.CLOSED
    gate.set()
    await eventually(lambda: wire.closed)
    assert wire.sent[:2] == ["1", "2"]
    assert wire.sent[2:4] == ['"primus::pong::7"', f'"primus::id::{spark.id}"']
    assert str(wire.sent[4]).startswith('"primus::ping::')
    assert wire.sent[5:] == ["3", CLOSE]


async def test_of_the_answers_that_wait_for_a_transform_there_is_one_of_each_kind(
    primus: Primus,
) -> None:
    gate = Gate()
    primus.transform("outgoing", gate)
    spark, wire = join(primus)
    spark.write(1)
    for number in range(100):
        wire.receive(f'"primus::ping::{number}"', '"primus::id::"')
    assert len(spark._outbox) == 2
    gate.event.set()
    await eventually(lambda: len(wire.sent) == 3)
    assert wire.sent == ["1", '"primus::pong::99"', f'"primus::id::{spark.id}"']


async def test_a_transform_that_hangs_does_not_keep_the_wire_of_a_spark_that_has_ended(
    primus: Primus, manual_clock: ManualClock
) -> None:
    gate = Gate()
    primus.transform("outgoing", gate)
    spark, wire = join(primus)
    spark.write(1)
    spark.end()
    manual_clock.advance(9.9)
    assert not wire.aborted
    manual_clock.advance(0.2)
    assert wire.aborted
    gate.event.set()


async def test_an_outgoing_transform_that_raises_swallows_and_reports(primus: Primus) -> None:
    @primus.transform("outgoing")
    async def fussy(packet: Packet, spark: Spark) -> None:
        await asyncio.sleep(0)
        packet.data = 1 / packet.data

    spark, wire = join(primus)
    seen = Recorder(spark, "error")
    spark.write(0)
    spark.write(1)
    assert isinstance(await seen.one("error"), TransformError)
    await eventually(lambda: wire.sent == ["1.0"])


async def test_an_async_parser_sends_in_order_and_broadcasts_too(make_primus: MakePrimus) -> None:
    primus = make_primus(parser=AsyncParser())
    spark, wire = join(primus)
    seen = Recorder(spark, "error")
    spark.write(1)
    primus.write(2)
    spark.write(object())
    spark.write(3)
    assert isinstance(await seen.one("error"), ParserError)
    await eventually(lambda: len(wire.sent) == 3)
    assert wire.sent == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("policy", "written"),
    [("disconnect", DEFAULT_LIMITS.outbox_messages), ("drop", DEFAULT_LIMITS.outbox_messages)],
)
async def test_messages_that_wait_for_a_transform_are_bounded(
    make_primus: MakePrimus, policy: str, written: int
) -> None:
    primus = make_primus(slow_consumer=policy)
    gate = asyncio.Event()

    @primus.transform("outgoing")
    async def slow(packet: Packet, spark: Spark) -> None:
        await gate.wait()

    spark, _ = join(primus)
    results = [spark.write(number) for number in range(written + 10)]
    assert results.count(True) == written + 1
    assert (spark.ready_state == Spark.OPEN) is (policy == "drop")
    gate.set()


# -- backpressure


def test_a_slow_consumer_is_disconnected_within_the_write(make_primus: MakePrimus) -> None:
    spark, wire = join(make_primus(high_water=100))
    seen = Recorder(spark, "error", "end")
    wire.clog()
    assert spark.write("x" * 200) is True
    assert spark.write("one more") is False
    assert seen.story == ["error", "end"]
    assert isinstance(seen.seen("error")[0][0], SlowConsumerError)
    assert wire.aborted


def test_what_an_error_listener_writes_to_a_slow_consumer_is_dropped(
    make_primus: MakePrimus,
) -> None:
    spark, wire = join(make_primus(high_water=100))
    seen = Recorder(spark, "error")
    spark.on("error", lambda error: spark.write("sorry") and None)
    wire.clog()
    spark.write("x" * 200)
    assert spark.write("one more") is False
    assert len(seen.seen("error")) == 1
    assert len(wire.sent) == 1


def test_a_slow_consumer_whose_messages_are_dropped_is_not_pinged_either(
    make_primus: MakePrimus,
) -> None:
    spark, wire = join(make_primus(high_water=100, slow_consumer="drop"))
    wire.clog()
    spark.write("x" * 200)
    for _ in range(100):
        spark.heartbeat()
    assert len(wire.sent) == 1


def test_a_slow_consumer_misses_the_newest_messages(make_primus: MakePrimus) -> None:
    spark, wire = join(make_primus(high_water=100, slow_consumer="drop"))
    wire.clog()
    assert spark.write("x" * 200) is True
    assert spark.write("dropped") is False
    assert spark.is_congested
    wire.unclog()
    assert spark.write("after") is True
    assert wire.sent == ['"' + "x" * 200 + '"', '"after"']


def test_an_intended_end_reaches_a_slow_consumer_whose_messages_are_dropped(
    make_primus: MakePrimus,
) -> None:
    # Without the word the client would take the end for a failure, and come back.
    spark, wire = join(make_primus(high_water=100, slow_consumer="drop"))
    wire.clog()
    spark.write("x" * 200)
    spark.end()
    wire.unclog()
    assert wire.sent[-1] == CLOSE


def test_a_slow_consumer_may_be_given_everything(make_primus: MakePrimus) -> None:
    spark, wire = join(make_primus(high_water=100, slow_consumer="buffer"))
    wire.clog()
    assert all(spark.write("x" * 200) for _ in range(10))
    assert spark.buffered == 10 * 202


async def test_drain_waits_for_room(make_primus: MakePrimus) -> None:
    spark, wire = join(make_primus(high_water=100, slow_consumer="drop"))
    await spark.drain()
    wire.clog()
    spark.write("x" * 200)
    draining = [asyncio.ensure_future(spark.drain()) for _ in range(2)]
    await asyncio.sleep(0)
    assert not any(one.done() for one in draining)
    wire.unclog()
    async with asyncio.timeout(5):
        await asyncio.gather(*draining)


async def test_drain_does_not_wait_for_a_connection_that_ends(make_primus: MakePrimus) -> None:
    spark, wire = join(make_primus(high_water=100, slow_consumer="drop"))
    wire.clog()
    spark.write("x" * 200)
    draining = asyncio.ensure_future(spark.drain())
    await asyncio.sleep(0)
    wire.lose()
    async with asyncio.timeout(5):
        await draining


async def test_a_pipe_waits_for_its_destination(make_primus: MakePrimus) -> None:
    primus = make_primus(high_water=100, slow_consumer="drop")
    (source, source_wire), (sink, sink_wire) = join(primus), join(primus)
    source.pipe(sink)
    sink_wire.clog()
    source_wire.receive('"' + "x" * 200 + '"', '"second"')
    await asyncio.sleep(0)
    assert len(sink_wire.sent) == 1
    sink_wire.unclog()
    await eventually(lambda: len(sink_wire.sent) == 2)
    source_wire.lose()
    await eventually(lambda: sink_wire.closed)


# -- broadcasting


def test_a_broadcast_is_framed_once_for_each_kind_of_wire(primus: Primus) -> None:
    wires = [join(primus)[1] for _ in range(10)]
    kind = type(wires[0])
    before = kind.prepared
    primus.write("to all")
    assert kind.prepared == before + 1
    assert all(wire.sent == ['"to all"'] for wire in wires)


def test_a_broadcast_to_some_is_framed_once_and_reaches_no_other_spark(primus: Primus) -> None:
    joined = [join(primus) for _ in range(10)]
    kind = type(joined[0][1])
    before = kind.prepared
    primus.write("to some", to=(spark for spark, _ in joined[:3]))
    assert kind.prepared == before + 1
    assert [len(wire.sent) for _, wire in joined] == [1] * 3 + [0] * 7


async def test_what_a_transform_makes_for_each_does_not_pass_the_limit_of_a_slow_consumer(
    make_primus: MakePrimus,
) -> None:
    async def slowly(packet: Packet) -> None:
        await asyncio.sleep(0)

    primus = make_primus(high_water=100, slow_consumer="drop")
    primus.transform("outgoing", slowly)
    spark, wire = join(primus)
    wire.clog()
    spark.write("x" * 200)
    await eventually(lambda: wire.sent and not spark._outbox.is_busy)
    primus.write("to all")
    await eventually(lambda: not spark._outbox.is_busy)
    assert len(wire.sent) == 1


def test_a_broadcast_to_no_spark_frames_nothing(primus: Primus) -> None:
    _, wire = join(primus)
    primus.write("to no spark", to=[])
    assert wire.sent == []


def test_a_broadcast_that_cannot_be_encoded_raises_and_no_spark_gets_it(primus: Primus) -> None:
    joined = [join(primus) for _ in range(10)]
    seen = [Recorder(spark, "error") for spark, _ in joined]

    for value, path in ((object(), "data"), ([1, object()], "data[1]")):
        with pytest.raises(ParserError) as raised:
            primus.write(value)
        assert raised.value.path == path

    assert all(wire.sent == [] for _, wire in joined)
    assert all(recorder.story == [] for recorder in seen)


def test_a_broadcast_that_cannot_be_encoded_for_the_last_spark_reaches_none(
    primus: Primus,
) -> None:
    joined = [join(primus) for _ in range(3)]
    last, wires = joined[-1][0], [wire for _, wire in joined]
    primus.transform(
        "outgoing", lambda packet, spark: setattr(packet, "data", values[spark is last])
    )

    values = ["fine", object()]
    with pytest.raises(ParserError):
        primus.write("any")
    assert [wire.sent for wire in wires] == [[], [], []]

    values = ["fine", "too"]
    primus.write("any")
    assert [wire.sent for wire in wires] == [['"fine"'], ['"fine"'], ['"too"']]


async def test_behind_an_async_transform_what_cannot_be_encoded_is_an_error_event(
    primus: Primus,
) -> None:
    async def slowly(packet: Packet, connection: Spark) -> None:
        await asyncio.sleep(0)

    primus.transform("outgoing", slowly)
    spark, wire = join(primus)
    seen = Recorder(spark, "error")
    assert spark.write({"price": object()}) is True
    primus.write(object())
    spark.write("after")
    await eventually(lambda: wire.sent == ['"after"'])

    assert [error.path for (error,) in seen.seen("error")] == ['data["price"]', "data"]


async def test_behind_a_message_that_waits_what_cannot_be_encoded_is_an_error_event(
    primus: Primus,
) -> None:
    async def slowly() -> None:
        await asyncio.sleep(0)

    primus.transform("outgoing", lambda packet: slowly() if packet.data == "first" else None)
    spark, wire = join(primus)
    seen = Recorder(spark, "error")
    assert spark.write("first") is True
    assert spark.write({"price": object()}) is True
    assert spark.write("last") is True
    await eventually(lambda: wire.sent == ['"first"', '"last"'])

    assert [error.path for (error,) in seen.seen("error")] == ['data["price"]']


async def test_what_a_stream_cannot_encode_raises_or_is_an_error_event(primus: Primus) -> None:
    spark, wire = join(primus)
    seen = Recorder(spark, "error")
    with pytest.raises(ParserError):
        spark.write_for(spark, object(), lambda data: {"stream": data})

    async def slowly(packet: Packet) -> None:
        await asyncio.sleep(0)

    primus.transform("outgoing", slowly)
    assert spark.write_for(spark, object(), lambda data: {"stream": data}) is True
    spark.write("after")
    await eventually(lambda: wire.sent == ['"after"'])
    assert [error.path for (error,) in seen.seen("error")] == ['data["stream"]']


async def test_a_broadcast_that_fails_drops_what_async_transforms_began(primus: Primus) -> None:
    (first, wire), (second, _) = join(primus), join(primus)

    async def slowly(packet: Packet) -> None:
        await asyncio.sleep(0)

    def transform(packet: Packet, spark: Spark) -> Any:
        return slowly(packet) if spark is first else None

    primus.transform("outgoing", transform)
    with pytest.raises(ParserError):
        primus.write(object(), to=[first, second])
    first.write("after")
    await eventually(lambda: wire.sent == ['"after"'])


async def test_a_broadcast_names_a_spark_twice_and_reaches_it_twice(primus: Primus) -> None:
    async def slowly(packet: Packet, connection: Spark) -> None:
        await asyncio.sleep(0)

    primus.transform("outgoing", slowly)
    spark, wire = join(primus)
    primus.write(1, to=[spark, spark])
    primus.write(2, to=[spark])
    await eventually(lambda: wire.sent == ["1", "1", "2"])


def test_failures_that_peers_cause_again_are_one_line_a_minute_with_their_number(
    primus: Primus,
    manual_clock: ManualClock,
    tracebacks: Tracebacks,
    caplog: pytest.LogCaptureFixture,
) -> None:
    tracebacks.expect("a listener of 'data' raised")
    caplog.set_level("DEBUG")
    primus.on("connection", lambda spark: spark.on("data", lambda data: {}[data]))
    for _ in range(2):
        join(primus)[1].receive(f'"{"x" * 5000}"', '"y"')
    manual_clock.advance(60.0)
    join(primus)[1].receive('"z"')
    lines = [record for record in caplog.records if "'data' raised" in record.getMessage()]
    assert [record.levelname for record in lines] == ["ERROR", *["DEBUG"] * 3, "ERROR"]
    assert [bool(record.exc_info) for record in lines] == [True, False, False, False, True]
    assert "again, KeyError: 'y'" in lines[1].getMessage()
    assert lines[-1].getMessage().endswith("(3 more since the last line)")
    assert max(len(record.getMessage()) for record in lines) < 1100


def test_listeners_of_a_server_that_raise_are_one_line_as_well(
    primus: Primus, tracebacks: Tracebacks, caplog: pytest.LogCaptureFixture
) -> None:
    tracebacks.expect("a listener of 'disconnection' raised")
    primus.on("disconnection", lambda spark: {}[spark])
    for _ in range(3):
        join(primus)[1].lose()
    assert [bool(record.exc_info) for record in caplog.records] == [True]


def test_what_is_logged_of_a_peer_is_cut(
    make_primus: MakePrimus, caplog: pytest.LogCaptureFixture
) -> None:
    class Talks(JSONParser):
        def decode(self, frame: Any) -> Any:
            raise ValueError(frame)

    caplog.set_level("INFO")
    _, wire = join(make_primus(parser=Talks()))
    wire.receive("x" * 100_000)
    (record,) = [record for record in caplog.records if "xxx" in record.getMessage()]
    assert len(record.getMessage()) < 600


def test_undecodable_frames_are_one_line_a_minute_for_all_sparks(
    primus: Primus, manual_clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    for _ in range(2):
        _, wire = join(primus)
        wire.receive("{", "{")
    manual_clock.advance(60.0)
    _, wire = join(primus)
    wire.receive("{")
    lines = [record for record in caplog.records if "not JSON" in record.getMessage()]
    assert [record.levelname for record in lines] == ["INFO", *["DEBUG"] * 3, "INFO"]


def test_sparks_may_leave_while_they_are_written_to(make_primus: MakePrimus) -> None:
    primus = make_primus(high_water=100)
    (_, slow), (_, other) = join(primus), join(primus)
    slow.clog()
    primus.write("x" * 200)
    primus.write("y")
    assert len(primus) == 1
    assert other.sent[-1] == '"y"'


# -- iterating


async def test_iteration_ends_with_the_connection_after_its_messages(primus: Primus) -> None:
    spark, wire = join(primus)
    iterator = aiter(spark)
    wire.receive("1", "2")
    wire.lose()
    assert [message async for message in iterator] == [1, 2]
    assert [message async for message in spark] == []


async def test_an_iteration_makes_the_wire_wait(primus: Primus) -> None:
    spark, wire = join(primus)
    iterator = aiter(spark)
    wire.receive(*map(str, range(100)))
    await asyncio.sleep(0)
    assert wire.paused
    received = [await anext(iterator) for _ in range(100)]
    assert received == list(range(100))
    await eventually(lambda: not wire.paused)


async def test_a_listener_that_fails_while_it_iterates_ends_its_spark(
    primus: Primus, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("a connection listener raised")

    @primus.on("connection")
    async def connection(spark: Spark) -> None:
        async for message in spark:
            raise RuntimeError(message)

    spark, wire = join(primus)
    heard = Recorder(spark, "error", "end")
    await eventually(lambda: spark._iterations is not None)
    wire.receive('"oh"')
    await heard.next("end")
    assert heard.story == ["error", "end"]
    assert wire.closed is not None


async def test_an_iteration_that_is_cancelled_can_be_taken_up_again(primus: Primus) -> None:
    spark, wire = join(primus)
    waiting = asyncio.ensure_future(anext(aiter(spark)))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    wire.receive("1")
    async with asyncio.timeout(5):
        assert await anext(spark) == 1


async def test_a_message_is_not_lost_when_the_iteration_is_cancelled_just_then(
    primus: Primus,
) -> None:
    spark, wire = join(primus)
    waiting = asyncio.ensure_future(anext(aiter(spark)))
    await asyncio.sleep(0)
    wire.receive("1")
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    async with asyncio.timeout(5):
        assert await anext(spark) == 1


# -- the short way


class Hasty:
    """Upper case out, lower case in; what has a digit is left to the careful methods."""

    @staticmethod
    def quick_encode(value: str) -> bytes:
        if not value.isalpha():
            raise ZeroDivisionError
        return value.upper().encode()

    @staticmethod
    def quick_decode(frame: str) -> str:
        if not frame.isalpha():
            raise ZeroDivisionError
        return frame.lower()

    def encode(self, value: str) -> str:
        return f"carefully {value}"

    def decode(self, frame: str) -> str:
        if frame == "?":
            raise KeyError(frame)
        return f"carefully {frame}"


def test_quick_encode_is_tried_before_encode(make_primus: MakePrimus) -> None:
    spark, wire = join(make_primus(parser=Hasty()))
    seen = Recorder(spark, "data", "error")
    assert all(spark.write(value) for value in ("plain", "a1", "café", "“quoted”"))
    assert wire.sent == ["PLAIN", "carefully a1", "CAFÉ", "carefully “quoted”"]
    wire.receive("PLAIN", "A1", "?")
    assert [data for data, *_ in seen.seen("data")] == ["plain", "carefully A1"]
    ((error,),) = seen.seen("error")
    assert isinstance(error.__cause__, KeyError)


def test_what_is_transformed_is_encoded_by_quick_encode_too(make_primus: MakePrimus) -> None:
    primus = make_primus(parser=Hasty())

    @primus.transform("outgoing")
    def shout(packet: Packet) -> None:
        packet.data += packet.data

    spark, wire = join(primus)
    assert all(spark.write(value) for value in ("plain", "a1"))
    assert wire.sent == ["PLAINPLAIN", "carefully a1a1"]


def test_sparks_of_a_class_that_is_derived_from_one_in_use_have_the_parser_of_their_server(
    make_primus: MakePrimus, manual_clock: ManualClock
) -> None:
    class Spaced(JSONParser):
        def encode(self, value: Any) -> Any:
            return f" {super().encode(value)} "

        quick_encode = None

    first = make_primus()
    join(first)

    class Later(Primus):
        spark_class = first.Spark

    second = Later(transformer=MemoryTransformer, clock=manual_clock, parser=Spaced())
    for primus, frame in ((second, ' "one" '), (first, '"one"')):
        spark, wire = join(primus)
        spark.write("one")
        assert wire.sent == [frame]


def test_a_subclass_that_overrides_encode_has_no_quick_encode(
    make_primus: MakePrimus,
) -> None:
    class Noted(Hasty):
        def encode(self, value: str) -> str:
            return "noted"

        def decode(self, frame: str) -> str:
            return "noted"

    spark, wire = join(make_primus(parser=Noted()))
    seen = Recorder(spark, "data")
    spark.write("plain")
    wire.receive("PLAIN")
    assert wire.sent == ["noted"]
    assert seen.seen("data")[0][0] == "noted"


async def test_whatever_comes_into_the_way_of_a_message_meets_the_next_one(
    make_primus: MakePrimus,
) -> None:
    primus = make_primus(high_water=10, slow_consumer="drop")
    spark, wire = join(primus)
    spark.write(1)
    wire.receive("1")

    heard: list[Any] = []
    spark.on("outgoing::data", heard.append)
    spark.on("incoming::data", heard.append)
    spark.write(2)
    wire.receive("3")
    assert heard == ["2", "3"]

    @primus.transform("outgoing")
    def negate(packet: Packet) -> None:
        packet.data = -packet.data

    spark.write(4)
    assert wire.sent == ["1", "2", "-4"]

    wire.clog()
    assert [spark.write(5) for _ in range(8)] == [True] * 6 + [False] * 2
    wire.unclog()
    assert spark.write(6)
    spark.end()
    assert not spark.write(7)
    assert "-7" not in wire.sent


# -- private events


def test_private_events_tell_everything_in_both_directions(primus: Primus) -> None:
    spark, wire = join(primus)
    names = ("incoming::data", "incoming::ping", "incoming::pong", "incoming::end")
    seen = Recorder(spark, *names, "outgoing::data", "outgoing::ping", "outgoing::end")
    wire.receive('"primus::ping::1"', '"primus::pong::2"', "3")
    spark.heartbeat()
    wire.lose()
    assert seen.seen("incoming::ping") == [("1",)]
    assert seen.seen("incoming::pong") == [("2",)]
    assert ("3",) in seen.seen("incoming::data")
    assert len(seen.seen("outgoing::ping")) == 1
    assert seen.story.count("incoming::end") == seen.story.count("outgoing::end") == 1


# -- a broadcast among other messages


class Slowly(JSONParser):
    """JSON that takes its time for the text ``slow``."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()

    def encode(self, value: Any) -> Any:
        return self._later(value) if value == "slow" else super().encode(value)

    async def _later(self, value: Any) -> Any:
        await self.gate.wait()
        return super().encode(value)


async def test_a_broadcast_waits_behind_a_message_that_is_still_encoded(
    make_primus: MakePrimus,
) -> None:
    parser = Slowly()
    primus = make_primus(parser=parser)
    spark, wire = join(primus)
    spark.write("slow")
    primus.write("to all")
    assert wire.sent == []
    parser.gate.set()
    await eventually(lambda: wire.sent == ['"slow"', '"to all"'])


async def test_behind_a_message_that_is_still_encoded_what_cannot_be_is_an_error_event(
    make_primus: MakePrimus,
) -> None:
    parser = Slowly()
    spark, wire = join(make_primus(parser=parser))
    seen = Recorder(spark, "error")
    for value in ("slow", {"price": object()}, "after"):
        spark.write(value)
    parser.gate.set()
    await eventually(lambda: wire.sent == ['"slow"', '"after"'])
    assert [error.path for (error,) in seen.seen("error")] == ['data["price"]']


def test_a_broadcast_to_a_spark_that_has_ended_is_nothing(primus: Primus) -> None:
    (spark, wire), (other, open_wire) = join(primus), join(primus)
    spark.abort()
    primus.write("late", to=[spark, other])
    assert wire.sent == []
    assert open_wire.sent == ['"late"']


def test_a_broadcast_is_told_by_the_private_event_as_well(primus: Primus) -> None:
    spark, _ = join(primus)
    seen = Recorder(spark, "outgoing::data")
    primus.write("to all")
    assert seen.seen("outgoing::data") == [('"to all"',)]


async def test_an_answer_behind_a_transform_waits_for_a_peer_that_does_not_read(
    make_primus: MakePrimus,
) -> None:
    primus = make_primus(high_water=100)
    gate = Gate()
    primus.transform("outgoing", gate)
    spark, wire = join(primus)
    spark.write("x" * 200)
    wire.receive('"primus::ping::1"')
    wire.clog()
    gate.event.set()
    await eventually(lambda: spark.is_congested and not spark._outbox.is_busy)
    assert len(wire.sent) == 1
    wire.receive('"primus::ping::2"')
    wire.unclog()
    assert wire.sent[1:] == ['"primus::pong::2"']


async def test_an_answer_that_has_been_given_meanwhile_is_not_given_again(
    make_primus: MakePrimus,
) -> None:
    parser = Slowly()
    spark, wire = join(make_primus(parser=parser))
    spark.write("slow")
    wire.receive('"primus::ping::1"')
    spark.congested(True)
    spark.congested(False)
    spark.write("next")
    parser.gate.set()
    await eventually(lambda: len(wire.sent) == 3)
    assert wire.sent == ['"slow"', '"primus::pong::1"', '"next"']


# -- ends


def test_a_wire_that_is_lost_after_the_end_is_no_error(primus: Primus) -> None:
    spark, _ = join(primus)
    seen = Recorder(spark, "error", "end")
    spark.end()
    spark.lost(ConnectionResetError())
    primus.departed(spark)
    assert seen.story == ["end"]


def test_a_spark_departs_once(primus: Primus) -> None:
    spark, wire = join(primus)
    seen = Recorder(primus, "disconnection")
    wire.lose()
    primus.departed(spark)
    assert seen.seen("disconnection") == [(spark,)]


async def test_a_transport_that_fails_to_close_keeps_no_other_from_its_end(
    primus: Primus, tracebacks: Tracebacks
) -> None:
    class Broken(MemoryTransport):
        def close(self, code: int | None = None, reason: str = "") -> None:
            raise RuntimeError("it cannot be closed")

    tracebacks.expect("its transport failed to close")
    primus.accept(Broken(), make_request())
    _, wire = join(primus)
    await primus.destroy()
    assert wire.closed is not None


# -- the connection phase


async def test_a_spark_that_ends_in_the_first_listener_is_not_told_to_the_second(
    primus: Primus,
) -> None:
    gate = Gate()
    primus.on("connection", gate)
    seen = Recorder(primus, "connection")
    _, wire = join(primus)
    await eventually(lambda: gate.seen)
    wire.lose()
    gate.event.set()
    for _ in range(9):
        await asyncio.sleep(0)
    assert seen.seen("connection") == []


async def test_a_listener_that_waits_holds_no_messages_back_from_an_iteration_before_it(
    primus: Primus,
) -> None:
    gate = Gate()
    iterating: list[Any] = []
    primus.on("connection", lambda spark: iterating.append(aiter(spark)))
    primus.on("connection", gate)
    seen = Recorder(primus, "connection")
    join(primus)
    await seen.next("connection")
    gate.event.set()


# -- overtaking


class Overtakes:
    """Lets every message overtake."""

    @hookimpl
    def primus_overtakes(self, data: Any) -> bool:
        return data != "slow"


@pytest.mark.parametrize("failure", [RuntimeError("oh"), asyncio.CancelledError()])
async def test_a_message_that_overtakes_fails_for_itself(
    primus: Primus, tracebacks: Tracebacks, caplog: pytest.LogCaptureFixture, failure: BaseException
) -> None:
    if isinstance(failure, RuntimeError):
        tracebacks.expect("a listener of 'data' raised")
    primus.use("overtakes", Overtakes())
    spark, wire = join(primus)
    gate = asyncio.Event()
    seen: list[Any] = []

    @spark.on("data")
    async def data(message: Any) -> None:
        seen.append(message)
        if message == "slow":
            await gate.wait()
        elif message == "fails":
            raise failure

    wire.receive('"slow"')
    await eventually(lambda: seen == ["slow"])
    wire.receive('"fails"', '"next"')
    await eventually(lambda: seen == ["slow", "fails", "next"])
    await eventually(lambda: "a listener" in caplog.text)
    assert spark.ready_state == Spark.OPEN
    gate.set()


@pytest.mark.parametrize("overtaking", [True, False])
async def test_a_loop_that_ends_is_not_taken_for_a_listener_that_cancels_itself(
    primus: Primus, caplog: pytest.LogCaptureFixture, overtaking: bool
) -> None:
    primus.use("overtakes", Overtakes())
    spark, wire = join(primus)
    gate = Gate()
    spark.on("data", gate)
    sent = ["slow", "next"] if overtaking else ["slow"]
    for message in sent:
        wire.receive(f'"{message}"')
    await eventually(lambda: gate.seen == sent)
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert [task.cancelled() for task in tasks] == [True] * len(sent)
    assert "cancelled" not in caplog.text


async def test_a_loop_that_ends_is_not_taken_for_a_transform_that_cancels_itself(
    primus: Primus, caplog: pytest.LogCaptureFixture
) -> None:
    async def waits(packet: Any, spark: Spark) -> None:
        await asyncio.Event().wait()

    primus.transform("outgoing", waits)
    spark, wire = join(primus)
    spark.write("one")
    await asyncio.sleep(0)
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    assert [task.cancelled() for task in tasks] == [True]
    assert (wire.sent, caplog.text) == ([], "")


async def test_a_wire_that_is_lost_ends_the_spark_at_once_though_a_listener_is_busy(
    primus: Primus,
) -> None:
    spark, wire = join(primus)
    ended = Recorder(spark, "end")
    gate = asyncio.Event()

    @spark.on("data")
    async def wait(message: Any) -> None:
        await gate.wait()

    wire.receive('"one"')
    await asyncio.sleep(0)
    wire.lose()
    assert (spark.ready_state, ended.story) == (Spark.CLOSED, ["end"])
    gate.set()


def test_a_spark_that_has_lost_its_wire_is_not_congested(make_primus: MakePrimus) -> None:
    spark, wire = join(make_primus(high_water=10, slow_consumer="drop"))
    wire.clog()
    spark.write("more than ten bytes")
    assert spark.is_congested
    wire.lose()
    assert not spark.is_congested


async def test_what_cannot_be_encoded_behind_a_transform_is_an_error_of_ours_in_the_log(
    primus: Primus, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("object has no form in JSON")
    spark, wire = join(primus)

    @primus.transform("outgoing")
    async def later(packet: Any) -> None:
        await asyncio.sleep(0)

    spark.write(object())
    spark.write("fine")
    await eventually(lambda: wire.sent == ['"fine"'])


def test_each_peer_that_breaks_the_protocol_is_a_line_in_the_log(
    primus: Primus, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "primus.server")
    for _ in range(3):
        _, wire = join(primus)
        wire.lose(ProtocolError("a frame that is none"))
    lines = [each for each in caplog.records if each.levelno == logging.INFO]
    assert sum(each.getMessage().endswith(">: a frame that is none") for each in lines) == 3
