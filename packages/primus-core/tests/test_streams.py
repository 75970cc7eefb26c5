"""`Stream`: what plugins with streams above a connection have in common."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from primus import Primus, hookimpl
from primus.streams import Stream, Streams
from primus_testing import ManualClock, MemoryTransformer, Recorder, Tracebacks, eventually, join


class Echo(Stream):
    """Sends its messages as they are, and says when it ends."""

    def _send(self, data: Any) -> bool:
        return self.connection.write_past({"message": data})

    def _send_end(self) -> None:
        self.connection.write_past("the end")


@pytest_asyncio.fixture
async def primus(tracebacks: Tracebacks) -> AsyncIterator[Any]:
    options = {"clock": ManualClock(), "timeout": False, "ping_interval": False}
    made = Primus(transformer=MemoryTransformer, **options)
    yield made
    await made.destroy()


@pytest.fixture
def spark(primus: Any) -> Any:
    return join(primus)[0]


@pytest.fixture
def streams(primus: Any, spark: Any) -> Streams:
    """The streams of a spark, which follow it."""
    streams = Streams(spark)
    primus.on("disconnection", streams.ended)
    spark.on("readyStateChange", streams.changed)
    return streams


@pytest.fixture
def stream(streams: Streams) -> Echo:
    return Echo(streams)


def test_a_stream_writes_until_it_ends_and_ends_once(spark: Any, stream: Echo) -> None:
    events = Recorder(stream, "readyStateChange", "close", "end")
    wire: Any = spark._transport

    assert stream.write(1) is True
    stream.end("last")
    stream.end("again")

    assert stream.write(2) is False
    assert wire.sent == ['{"message":1}', '{"message":"last"}', '"the end"']
    assert events.story == ["readyStateChange", "close", "end"]
    assert (stream.ready_state, stream.listeners("end")) == (Stream.CLOSED, ())
    assert len(stream.streams) == 0


def test_a_stream_that_has_ended_delivers_nothing(primus: Any, stream: Echo) -> None:
    stream.end()
    events, server = Recorder(stream, "news"), Recorder(primus, "news")

    assert stream.deliver("news", 1) is False
    assert stream.deliver("news", 1, to=primus) is False
    assert (events.story, server.story) == ([], [])


async def test_what_comes_for_a_stream_behind_its_end_is_not_kept(
    streams: Streams, stream: Echo
) -> None:
    heard, release = list[int](), asyncio.Event()

    async def slow(number: int) -> None:
        heard.append(number)
        await release.wait()

    stream.on("data", slow)
    stream.receive(1, "1")
    stream.receive(2, "2")
    stream.ended()
    for _ in range(stream.limits.read_ahead_messages):
        assert stream.receive(3, "3") is False
    assert not streams.is_full

    release.set()
    await eventually(lambda: len(streams) == 0)
    assert heard == [1, 2]


def test_the_end_of_the_connection_ends_all_of_its_streams(spark: Any, streams: Streams) -> None:
    events = [Recorder(Echo(streams), "data", "close", "end") for _ in range(3)]

    spark.end()

    assert [each.story for each in events] == [["close", "end"]] * 3
    assert len(streams) == 0


def test_a_stream_above_a_connection_that_is_over_has_ended(spark: Any, streams: Streams) -> None:
    spark.end()

    stream = Echo(streams)

    assert (stream.ready_state, stream.write(1), len(streams)) == (Stream.CLOSED, False, 0)


async def test_messages_of_a_stream_are_handled_one_at_a_time_and_no_other_waits(
    spark: Any, streams: Streams
) -> None:
    slow, quick = Echo(streams), Echo(streams)
    seen: list[Any] = []
    go = asyncio.Event()

    @slow.on("data")
    async def data(message: Any) -> None:
        seen.append(message)
        await go.wait()

    quick.on("data", seen.append)
    assert [slow.receive(1), slow.receive(2), quick.receive(3)] == [False] * 3
    await eventually(lambda: sorted(seen) == [1, 3])

    go.set()
    await eventually(lambda: seen[-1] == 2)


@pytest.mark.parametrize("limit", [{"read_ahead_messages": 4}, {"read_ahead_bytes": 40}])
async def test_the_connection_waits_while_too_much_waits_for_all_of_its_streams(
    spark: Any, limit: dict[str, int]
) -> None:
    spark.limits = replace(spark.limits, **limit)
    streams = Streams(spark)
    go = asyncio.Event()
    seen: list[Any] = []

    async def wait(message: Any) -> None:
        await go.wait()
        seen.append(message)

    both = Echo(streams), Echo(streams)
    for stream in both:
        stream.on("data", wait)
        assert stream.receive(0, "ten bytes ") is False
    waited = [stream.receive(number, "ten bytes ") for number in (1, 2) for stream in both]

    assert waited[:-1] == [False] * 3
    room = asyncio.ensure_future(waited[-1])  # type: ignore[arg-type]
    await asyncio.sleep(0)
    assert not room.done()
    go.set()
    assert await room is False
    assert sorted(seen) == [0, 0, 1, 1, 2, 2]
    assert both[0].receive(3) is False


async def test_what_waits_for_a_stream_that_ends_makes_room(spark: Any) -> None:
    spark.limits = replace(spark.limits, read_ahead_messages=1)
    stream = Echo(Streams(spark))
    seen: list[Any] = []

    @stream.on("data")
    async def data(message: Any) -> None:
        seen.append(message)
        await asyncio.Event().wait()

    stream.receive(1)
    await eventually(lambda: seen)
    room = stream.receive(2)
    stream.end()

    assert await room is False  # type: ignore[misc]
    assert seen == [1]


async def test_an_end_that_is_not_ours_comes_behind_what_has_arrived(stream: Echo) -> None:
    order: list[Any] = []
    go = asyncio.Event()

    @stream.on("data")
    async def data(message: Any) -> None:
        await go.wait()
        order.append(message)

    stream.on("end", lambda: order.append("end"))
    stream.receive(1)
    stream.receive(2)
    stream.ended()
    assert (stream.write("late"), stream.receive("late")) == (False, False)
    assert order == []

    go.set()
    await eventually(lambda: order == [1, 2, "end"])


async def test_messages_can_be_iterated_over(streams: Streams, stream: Echo) -> None:
    async def read() -> list[Any]:
        return [message async for message in stream]

    reading = asyncio.create_task(read())
    await asyncio.sleep(0)
    for message in (1, None, "last"):
        stream.receive(message)
    stream.ended()

    assert await reading == [1, None, "last"]


async def test_a_listener_gets_what_waits_for_an_iteration_that_does_not_go_on(
    stream: Echo,
) -> None:
    iteration = aiter(stream)
    stream.receive(1)
    assert await anext(iteration) == 1
    stream.receive(2)
    stream.receive(3)
    del iteration
    seen: list[Any] = []

    stream.on("data", seen.append)

    await eventually(lambda: seen == [2, 3])


async def test_an_iteration_lets_the_connection_phase_go_on(primus: Any) -> None:
    heard: list[Any] = []

    @primus.on("connection")
    async def connection(spark: Any) -> None:
        stream = Echo(Streams(spark))
        spark.on("data", stream.receive)
        heard.extend([await anext(stream), await anext(stream)])

    _, wire = join(primus)
    wire.receive("1", "2")

    await eventually(lambda: heard == [1, 2])


def test_events_of_the_connection_are_carried_while_they_are_listened_to(
    spark: Any, streams: Streams
) -> None:
    stream = Echo(streams, frozenset({"heartbeat", "error", "data", "end"}))
    assert spark.listeners("heartbeat") == ()
    events = Recorder(stream, "heartbeat", "data")

    spark.dispatch("heartbeat")
    spark.dispatch("data", "of the connection")
    assert events.story == ["heartbeat"]
    stream.off("heartbeat")
    assert spark.listeners("heartbeat") == ()
    stream.on("error", print)
    stream.end()
    assert spark.listeners("error") == ()


async def test_a_listener_that_raises_disturbs_no_other(
    stream: Echo, tracebacks: Tracebacks
) -> None:
    @stream.on("data")
    async def data(message: Any) -> None:
        raise ValueError(message)

    events = Recorder(stream, "error")
    tracebacks.expect("a listener of 'data' raised")
    tracebacks.expect("a listener of 'data' raised")

    stream.receive("one")
    stream.receive("two")

    await eventually(lambda: events.story == ["error", "error"])


def test_a_hook_that_raises_lets_no_message_of_a_stream_overtake(
    primus: Any, tracebacks: Tracebacks
) -> None:
    class Broken:
        @hookimpl
        def primus_overtakes(self, data: Any) -> bool:
            raise ZeroDivisionError

    spark, _ = join(primus.use("broken", Broken()))

    tracebacks.expect("a primus_overtakes hook raised")
    assert not Echo(Streams(spark)).overtakes("anything")


def test_congestion_is_that_of_the_connection(spark: Any, stream: Echo) -> None:
    wire: Any = spark._transport
    wire.clog()

    stream.write("x" * 100)

    assert stream.buffered == spark.buffered > 100
    assert stream.is_congested is False


async def test_packets_of_a_stream_do_not_pass_the_limit_of_a_slow_consumer() -> None:
    primus = Primus(transformer=MemoryTransformer, high_water=100, slow_consumer="drop")
    spark, wire = join(primus)
    stream = Echo(Streams(spark))
    wire.clog()
    assert stream.write("x" * 200)
    assert not stream.write("more")
    assert len(wire.sent) == 1
    await primus.destroy()


async def test_a_stream_can_be_piped(primus: Any, stream: Echo) -> None:
    other, wire = join(primus)

    assert stream.pipe(other) is other
    stream.receive("through")
    stream.end()

    assert wire.sent[0] == '"through"'
    assert other.ready_state == Stream.CLOSED


class Checked(Echo):
    """A stream whose messages pass a transform."""

    def _transforms(self) -> Any:
        return (self.check,)

    @staticmethod
    def check(packet: Any, stream: Any) -> Any:
        """Swallow a message, fail for it, or let it pass."""
        if packet.data == "broken":
            raise ZeroDivisionError
        return packet.data != "swallowed"


def test_a_transform_that_fails_is_told_to_the_stream_and_else_to_its_connection(
    spark: Any, streams: Streams
) -> None:
    stream = Checked(streams)
    seen: list[Any] = []
    stream.on("data", seen.append)
    below = Recorder(spark, "error")
    for message in ("one", "broken", "swallowed", "two"):
        stream.receive(message)
    assert (seen, len(below.seen("error"))) == (["one", "two"], 1)

    above = Recorder(stream, "error")
    stream.receive("broken")
    assert (len(above.seen("error")), len(below.seen("error"))) == (1, 1)


async def test_the_connection_waits_for_async_listeners_of_an_error_of_a_stream(
    spark: Any, streams: Streams
) -> None:
    stream, wire = Checked(streams), spark._transport
    below, told, go_on = Recorder(spark, "data"), list[Exception](), asyncio.Event()

    @stream.on("error")
    async def error(error: Exception) -> None:
        told.append(error)
        await go_on.wait()

    stream.receive("broken")
    wire.receive('"below"')
    await eventually(lambda: len(told) == 1)
    assert below.story == []

    go_on.set()
    await below.next("data")


async def test_what_async_listeners_of_a_stream_raise_is_told_to_the_stream(
    spark: Any, streams: Streams, tracebacks: Tracebacks
) -> None:
    stream = Checked(streams)
    tracebacks.expect(f"{stream!r}: a listener of 'news' raised")
    above, below = Recorder(stream, "error"), Recorder(spark, "error")

    @stream.on("news")
    async def news() -> None:
        raise ZeroDivisionError

    stream.emit("news")
    await above.next("error")
    assert below.story == []


async def test_a_message_that_overtakes_is_handled_while_others_wait(
    primus: Any, tracebacks: Tracebacks
) -> None:
    class Overtaking:
        @hookimpl
        def primus_overtakes(self, data: Any) -> bool:
            return data in ("now", "broken")

    spark, _ = join(primus.use("overtaking", Overtaking()))
    stream = Echo(Streams(spark))
    gate = asyncio.Event()
    seen: list[Any] = []

    @stream.on("data")
    async def data(message: Any) -> None:
        seen.append(message)
        await asyncio.sleep(0)
        if message == "broken":
            raise ValueError(message)
        if message == "slow":
            await gate.wait()

    tracebacks.expect("a listener of 'data' raised")
    for message in ("slow", "waits", "broken", "now"):
        stream.receive(message)
    await eventually(lambda: seen == ["slow", "broken", "now"])
    gate.set()
    await eventually(lambda: seen[3:] == ["waits"])


def test_each_ready_state_is_told_once(stream: Echo) -> None:
    states = Recorder(stream, "readyStateChange")
    stream.changed(Stream.OPEN)
    stream.changed(Stream.OPENING)
    stream.changed(Stream.OPENING)
    stream.ended()
    stream.changed(Stream.CLOSED)
    assert [args[0] for args in states.seen("readyStateChange")] == [Stream.OPENING, Stream.CLOSED]


@pytest.mark.parametrize("is_first", [True, False])
async def test_an_iteration_is_known_of_whether_it_began_before_or_after(
    stream: Echo, is_first: bool
) -> None:
    if is_first:
        aiter(stream)
    consumed = stream.consumed()
    assert consumed.is_set() == is_first
    aiter(stream)
    assert consumed.is_set()
    assert stream.consumed() is consumed


async def test_an_async_listener_gets_what_waits_for_an_iteration_one_by_one(
    stream: Echo,
) -> None:
    iteration = aiter(stream)
    for number in (1, 2, 3):
        stream.receive(number)
    assert await anext(iteration) == 1
    del iteration
    seen: list[Any] = []
    gate = asyncio.Event()

    @stream.on("data")
    async def data(message: Any) -> None:
        seen.append(message)
        await gate.wait()

    stream.receive(4)
    await eventually(lambda: seen)
    for _ in range(5):
        await asyncio.sleep(0)
    assert seen == [2]
    gate.set()
    await eventually(lambda: seen == [2, 3, 4])


async def test_an_end_is_one_though_the_other_end_and_the_connection_end_as_well(
    stream: Echo,
) -> None:
    ends = Recorder(stream, "close", "end")
    gate = asyncio.Event()

    @stream.on("data")
    async def data(message: Any) -> None:
        await gate.wait()

    stream.receive(1)
    stream.receive(2)
    stream.ended()
    stream.ended(by_connection=True)
    stream.end("late")
    gate.set()
    await eventually(lambda: ends.story)
    assert ends.story == ["close", "end"]
    assert len(stream.streams) == 0


async def test_room_is_made_once_nothing_waits_for_any_stream(spark: Any) -> None:
    spark.limits = replace(spark.limits, read_ahead_messages=2)
    streams = Streams(spark)
    first, second = Echo(streams), Echo(streams)
    gate, other = asyncio.Event(), asyncio.Event()
    first.on("data", lambda message: gate.wait())
    second.on("data", lambda message: other.wait())
    for each in (first, second):
        each.receive(1)
    assert first.receive(2) is False
    room = asyncio.ensure_future(second.receive(2))  # type: ignore[arg-type]
    gate.set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert not room.done()
    other.set()
    assert await room is False


async def test_room_that_is_taken_again_at_once_is_waited_for_on(spark: Any) -> None:
    spark.limits = replace(spark.limits, read_ahead_messages=1)
    stream = Echo(Streams(spark))
    gates = {number: asyncio.Event() for number in (1, 2, 3)}
    rooms: list[asyncio.Future[Any]] = []

    def receive(message: int) -> None:
        rooms.append(asyncio.ensure_future(stream.receive(message)))  # type: ignore[arg-type]

    @stream.on("data")
    def data(message: int) -> Any:
        if message == 2:
            receive(3)
        return gates[message].wait()

    stream.receive(1)
    receive(2)
    await asyncio.sleep(0)
    gates[1].set()
    await eventually(lambda: len(rooms) == 2)
    for _ in range(5):
        await asyncio.sleep(0)
    assert [room.done() for room in rooms] == [False, False]
    gates[2].set()
    assert await asyncio.gather(*rooms) == [False, False]
    gates[3].set()


async def test_one_of_two_that_wait_for_room_may_give_up(spark: Any) -> None:
    spark.limits = replace(spark.limits, read_ahead_messages=1)
    stream = Echo(Streams(spark))
    gate = asyncio.Event()
    stream.on("data", lambda message: gate.wait())
    stream.receive(1)
    first, second = (
        asyncio.ensure_future(stream.receive(number))  # type: ignore[arg-type]
        for number in (2, 3)
    )
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    gate.set()
    assert await second is False


# -- what running listeners hold


class Held:
    """Streams of a connection that may hold 40 bytes, and what has come for it below them."""

    def __init__(self, spark: Any) -> None:
        spark.limits = replace(spark.limits, read_ahead_bytes=40)
        self.spark = spark
        self.wire = spark._transport
        self.streams = Streams(spark)
        self.seen: list[Any] = []
        self.below: list[Any] = []
        spark.on("data", self.below.append)

    def stream(self, outcome: BaseException | None = None) -> tuple[Echo, asyncio.Event]:
        """A stream whose listener waits for the event, and may then fail."""
        stream, gate = Echo(self.streams), asyncio.Event()

        @stream.on("data")
        async def data(message: Any) -> None:
            self.seen.append(message)
            await gate.wait()
            if outcome is not None:
                raise outcome

        return stream, gate

    async def is_waiting(self) -> bool:
        """Whether a message of the connection has to wait now."""
        before = len(self.below)
        self.wire.receive('"below"')
        for _ in range(10):
            await asyncio.sleep(0)
        return len(self.below) == before


@pytest.fixture
def held(spark: Any) -> Held:
    return Held(spark)


@pytest.mark.parametrize("outcome", [None, ValueError("broken"), asyncio.CancelledError()])
async def test_the_connection_waits_while_running_listeners_hold_too_much(
    held: Held, outcome: BaseException | None, tracebacks: Tracebacks
) -> None:
    if isinstance(outcome, ValueError):
        tracebacks.expect("a listener of 'data' raised")
    one, gate = held.stream(outcome)
    other, last = held.stream()
    assert one.receive("one", "x" * 39) is False
    assert not await held.is_waiting()

    assert other.receive("other", "x") is False
    assert await held.is_waiting()
    assert held.seen == ["one", "other"]

    gate.set()
    await eventually(lambda: len(held.below) == 2)
    assert not await held.is_waiting()
    last.set()


async def test_any_number_of_small_messages_is_held_at_a_time(held: Held) -> None:
    many = [held.stream() for _ in range(39)]
    for number, (stream, _) in enumerate(many):
        stream.receive(number, "x")
    assert not await held.is_waiting()
    assert held.seen == [*range(39)]
    for _, gate in many:
        gate.set()


async def test_a_message_that_is_longer_than_the_bound_is_taken_while_less_is_held(
    held: Held,
) -> None:
    stream, gate = held.stream()
    stream.receive("long", b"x" * 1000)
    assert await held.is_waiting()
    assert held.seen == ["long"]
    gate.set()
    await eventually(lambda: held.below)


async def test_a_plain_listener_holds_nothing(held: Held) -> None:
    stream = Echo(held.streams)
    stream.on("data", held.seen.append)
    stream.receive("long", "x" * 1000)
    assert not held.streams.holds_much
    assert not await held.is_waiting()


@pytest.mark.parametrize("end", ["here", "there", "behind another"])
async def test_what_a_listener_holds_is_held_beyond_the_end_of_its_stream(
    held: Held, end: str
) -> None:
    stream, gate = held.stream()
    stream.receive("long", "x" * 40)
    if end == "behind another":
        stream.receive("another", "x")
    if end == "here":
        stream.end()
    else:
        stream.ended()
    assert await held.is_waiting()

    gate.set()
    await eventually(lambda: held.below)
    await eventually(lambda: len(held.streams) == 0)
    assert held.streams._held == 0


async def test_the_loss_of_the_connection_is_told_although_a_listener_holds_much(
    primus: Any, held: Held
) -> None:
    primus.on("disconnection", held.streams.ended)
    stream, gate = held.stream()
    ends = Recorder(stream, "end")
    stream.receive("long", "x" * 40)
    await eventually(lambda: held.seen)

    held.wire.lose()

    assert ends.story == ["end"]
    assert len(primus) == 0
    assert held.streams.holds_much
    gate.set()
    await eventually(lambda: not held.streams.holds_much)
    assert held.streams._held == 0


async def test_a_message_that_has_waited_is_held_too(held: Held) -> None:
    stream = Echo(held.streams)
    gates = {"first": asyncio.Event(), "long": asyncio.Event()}
    stream.on("data", lambda message: gates[message].wait())
    stream.receive("first", "x")
    room = asyncio.ensure_future(stream.receive("long", "x" * 40))  # type: ignore[arg-type]

    gates["first"].set()
    await eventually(lambda: held.streams.holds_much)
    for _ in range(10):
        await asyncio.sleep(0)
    assert not room.done()

    gates["long"].set()
    assert await room is False
    assert held.streams._held == 0


async def test_what_waits_for_a_listener_keeps_nothing_back_once_less_is_held(held: Held) -> None:
    slow, never = held.stream()
    slow.receive("first", "x")
    slow.receive("waits", "x")
    stream, gate = held.stream()
    stream.receive("long", "x" * 40)
    assert await held.is_waiting()

    gate.set()
    await eventually(lambda: held.below)
    assert sorted(held.seen) == ["first", "long"]
    never.set()


async def test_a_message_that_overtakes_others_is_held_too(primus: Any) -> None:
    class Overtaking:
        @hookimpl
        def primus_overtakes(self, data: Any) -> bool:
            return data == "now"

    held = Held(join(primus.use("overtaking", Overtaking()))[0])
    stream, gate = held.stream()
    stream.receive("first", "x")
    stream.receive("now", "x" * 40)
    assert await held.is_waiting()
    assert sorted(held.seen) == ["first", "now"]
    gate.set()
    await eventually(lambda: held.below)
    assert held.streams._held == 0


async def test_a_listener_that_never_begins_holds_nothing(held: Held) -> None:
    stream, gate = Echo(held.streams), asyncio.Event()

    @stream.on("data")
    def data(message: Any) -> Any:
        stream.hold(gate.wait())
        return gate.wait()

    stream.receive("long", "x" * 40)
    assert held.streams.holds_much
    stream.end()

    assert held.streams._held == 0
    assert not await held.is_waiting()
    gate.set()


@pytest.mark.parametrize("goes", ["on", "away"])
async def test_a_loop_over_a_stream_holds_its_message_until_it_goes(held: Held, goes: str) -> None:
    stream, gate = Echo(held.streams), asyncio.Event()

    async def loop() -> None:
        async for message in stream:
            held.seen.append(message)
            await gate.wait()
            if goes == "away":
                break

    looping = asyncio.create_task(loop())
    await asyncio.sleep(0)
    stream.receive("long", "x" * 40)
    await eventually(lambda: held.seen)
    assert await held.is_waiting()

    gate.set()
    await eventually(lambda: held.below)
    assert held.streams._held == 0
    stream.end()
    await looping


async def test_a_loop_that_is_cancelled_holds_nothing(held: Held) -> None:
    stream = Echo(held.streams)

    async def loop() -> None:
        async for message in stream:
            held.seen.append(message)
            await asyncio.Event().wait()

    looping = asyncio.create_task(loop())
    await asyncio.sleep(0)
    stream.receive("long", "x" * 40)
    await eventually(lambda: held.streams.holds_much)

    looping.cancel()
    await asyncio.wait([looping])
    assert held.streams._held == 0


async def test_a_message_that_is_asked_for_by_itself_is_not_held(held: Held) -> None:
    stream = Echo(held.streams)
    hello = asyncio.create_task(anext(stream))
    await asyncio.sleep(0)
    stream.receive("hello", "x" * 40)
    assert await hello == "hello"
    assert not await held.is_waiting()
