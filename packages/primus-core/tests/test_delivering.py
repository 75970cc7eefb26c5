"""Events that are made of messages: `dispatch`, `deliver`, and messages that overtake."""

import asyncio
from typing import Any

import pytest

from primus import Primus, Spark, connect, hookimpl
from primus.arriving import Arriving
from primus.pipeline import Packet
from primus_testing import ManualClock, MemoryTransformer, Recorder, Tracebacks, eventually, join


class Events:
    """A plugin: lists are events, and `emit` sends them."""

    @hookimpl
    def primus_extend_spark(self) -> dict[str, object]:
        return {"emit": lambda spark, *event: spark.write(event)}

    @hookimpl
    def primus_incoming(self, primus: Primus) -> Any:
        return deliver

    @hookimpl
    def primus_socket(self, socket: Any) -> None:
        socket.transform("incoming", deliver)


def deliver(packet: Packet, connection: Any) -> Any:
    return connection.deliver(*packet.data) if isinstance(packet.data, list) else None


@pytest.fixture
def spark_and_wire(primus: Primus) -> tuple[Spark, Any]:
    """A spark of a server with the plugin, and its wire."""
    return join(primus.use("events", Events()))


class Busy:
    """An async listener that is let go on by hand."""

    def __init__(self) -> None:
        self.started: list[Any] = []
        self.go = asyncio.Event()

    async def __call__(self, *args: Any) -> None:
        self.started.append(args)
        await self.go.wait()


# -- dispatch


def test_dispatch_stays_here_whatever_a_plugin_makes_of_emit(spark_and_wire: Any) -> None:
    spark, wire = spark_and_wire
    seen = Recorder(spark, "news")

    assert spark.emit("news", 1)
    assert wire.sent == ['["news",1]']
    assert seen.story == []

    assert spark.dispatch("news", 2)
    assert seen.seen("news") == [(2,)]
    assert not spark.dispatch("no listener")


def test_emit_calls_the_listeners_when_no_plugin_says_otherwise(primus: Primus) -> None:
    seen = Recorder(primus, "news")

    assert primus.emit("news", 1)
    assert primus.dispatch("news", 2)

    assert seen.seen("news") == [(1,), (2,)]


# -- deliver


def test_what_is_delivered_reaches_its_listeners_only(spark_and_wire: Any) -> None:
    spark, wire = spark_and_wire
    events = Recorder(spark, "news", "data", "error")

    wire.receive('["news",1,null]', '"plain"')

    assert events.story == ["news", "data"]
    assert events.seen("news") == [(1, None)]


def test_what_the_other_side_has_left_out_is_none(spark_and_wire: Any, tracebacks: Any) -> None:
    spark, wire = spark_and_wire
    seen: list[Any] = []
    spark.on("news", lambda a, b: seen.append((a, b)))
    spark.on("news", lambda a, b=2, *rest: seen.append((a, b, rest)))

    wire.receive('["news"]', '["news",1,3,5]')

    assert seen == [(None, None), (None, 2, ()), (1, 3), (1, 3, (5,))]


async def test_messages_wait_for_an_async_listener_of_a_delivered_event(
    spark_and_wire: Any,
) -> None:
    spark, wire = spark_and_wire
    busy = Busy()
    spark.on("news", busy)
    events = Recorder(spark, "news", "data")
    wire.receive('["news",1]', '"behind it"')

    await eventually(lambda: busy.started == [(1,)])
    assert events.story == []

    busy.go.set()
    await events.next("data")
    assert events.story == ["news", "data"]


async def test_a_listener_that_fails_is_reported_and_the_others_are_called(
    spark_and_wire: Any, tracebacks: Tracebacks
) -> None:
    spark, wire = spark_and_wire
    tracebacks.expect("a listener of 'news' raised")
    tracebacks.expect("a listener of 'news' raised")

    @spark.on("news")  # type: ignore[untyped-decorator]
    def plain(message: Any) -> None:
        raise ZeroDivisionError

    @spark.on("news")  # type: ignore[untyped-decorator]
    async def later(message: Any) -> None:
        raise ZeroDivisionError

    events = Recorder(spark, "error", "news")
    wire.receive('["news",1]')

    await events.next("news")
    assert events.story == ["error", "error", "news"]


async def test_the_end_does_not_wait_for_a_listener_of_a_delivered_event(
    spark_and_wire: Any,
) -> None:
    spark, wire = spark_and_wire
    busy = Busy()
    spark.on("news", busy)
    events = Recorder(spark, "end")

    wire.receive('["news"]')
    wire.lose()

    assert events.story == ["end"]
    await eventually(lambda: busy.started)
    busy.go.set()


async def test_nothing_is_delivered_after_the_end(spark_and_wire: Any) -> None:
    spark, _ = spark_and_wire
    events = Recorder(spark, "news")
    spark.end()

    assert spark.deliver("news") is False
    assert events.story == []


async def test_a_listener_added_as_soon_as_connect_is_done_gets_the_first_event() -> None:
    primus = Primus(transformer=MemoryTransformer)
    primus.on("connection", lambda spark: spark.write(["news", 1]))

    plugins = {"events": Events()}
    socket = await connect(
        "http://memory", transformer=MemoryTransformer, parser="json", plugin=plugins
    )
    events = Recorder(socket, "news")

    assert await events.one("news") == 1
    socket.end()
    await primus.destroy()


async def test_a_message_can_be_delivered_to_the_listeners_of_something_else(
    primus: Primus,
) -> None:
    primus.transform(
        "incoming", lambda packet, spark: spark.deliver("news", spark, packet.data, to=primus)
    )
    busy = Busy()
    primus.on("news", busy)
    spark, wire = join(primus)
    events = Recorder(spark, "data", "end")

    wire.receive("1")
    await eventually(lambda: busy.started == [(spark, 1)])
    wire.lose()

    assert events.story == ["end"]
    assert spark.deliver("news", spark, 2, to=primus) is False
    busy.go.set()


# -- overtaking


class Urgent:
    """A plugin: texts overtake."""

    @hookimpl
    def primus_overtakes(self, data: Any) -> bool:
        return isinstance(data, str)


class UrgentByMethod:
    """A plugin that replaces the method: texts overtake."""

    @hookimpl
    def primus_extend_spark(self) -> dict[str, object]:
        return {"overtakes": lambda spark, data: isinstance(data, str)}


class Patient:
    """A plugin whose hook is asked, and gets its arguments in an order of its own."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    @hookimpl
    def primus_overtakes(self, data: Any, connection: Any) -> bool:
        self.asked.append((connection, data))
        return False


@pytest.mark.parametrize("plugin", [Urgent(), UrgentByMethod()], ids=["hook", "method"])
async def test_a_message_that_may_overtake_does_not_wait_for_a_busy_listener(
    primus: Primus, plugin: object
) -> None:
    patient = Patient()
    spark, wire = join(primus.use("patient", patient).use("urgent", plugin))
    seen: list[Any] = []
    go = asyncio.Event()

    @spark.on("data")
    async def data(message: Any) -> None:
        seen.append(message)
        if message == 1:
            await go.wait()

    wire.receive("1", "2", '"three"')
    await eventually(lambda: seen == [1, "three"])

    go.set()
    await eventually(lambda: seen == [1, "three", 2])
    asked = [] if isinstance(plugin, UrgentByMethod) else [(spark, 2), (spark, "three")]
    assert patient.asked == asked
    await primus.destroy()


async def test_without_a_plugin_nothing_overtakes(primus: Primus) -> None:
    spark, _ = join(primus)

    assert not spark.overtakes("anything")


async def test_a_plugin_that_is_plugged_out_is_asked_no_more(primus: Primus) -> None:
    spark, _ = join(primus.use("urgent", Urgent()))
    other, _ = join(Primus(transformer=MemoryTransformer))

    assert spark.overtakes("anything")
    assert not other.overtakes("anything")
    primus.plugout("urgent")
    assert not spark.overtakes("anything")


def test_a_hook_that_raises_lets_no_message_overtake(
    primus: Primus, tracebacks: Tracebacks
) -> None:
    class Broken:
        @hookimpl
        def primus_overtakes(self, connection: Any, data: Any) -> bool:
            raise ZeroDivisionError

    spark, _ = join(primus.use("broken", Broken()))

    tracebacks.expect("a primus_overtakes hook raised")
    assert not spark.overtakes("anything")


# -- a lost wire


class Losses:
    """A plugin that notes lost wires, with the state of the connection."""

    def __init__(self) -> None:
        self.story: list[Any] = []

    @hookimpl
    def primus_lost(self, connection: Any) -> None:
        self.story.append((connection, connection.ready_state))


async def test_a_lost_wire_is_told_before_the_messages_that_wait_are_handled(
    primus: Primus,
) -> None:
    losses = Losses()
    spark, wire = join(primus.use("losses", losses))
    busy = Busy()
    spark.on("data", busy)
    ends = Recorder(spark, "end")

    wire.receive("1", "2")
    await eventually(lambda: busy.started == [(1, "1")])
    wire.lose()

    assert losses.story == [(spark, Spark.OPEN)]
    assert ends.story == []
    busy.go.set()
    await eventually(lambda: busy.started == [(1, "1"), (2, "2")] and ends.story == ["end"])
    assert losses.story == [(spark, Spark.OPEN)]


def test_a_hook_that_raises_keeps_no_lost_connection_alive(
    primus: Primus, tracebacks: Tracebacks
) -> None:
    class Broken:
        @hookimpl
        def primus_lost(self) -> None:
            raise ZeroDivisionError

    losses = Losses()
    spark, wire = join(primus.use("broken", Broken()).use("losses", losses))

    tracebacks.expect("a primus_lost hook raised")
    wire.lose()

    assert losses.story == [(spark, Spark.OPEN)]
    assert spark.ready_state == Spark.CLOSED
    assert primus.connected == 0


# -- a measured heartbeat


class Measurements:
    """A plugin that notes round trips."""

    def __init__(self) -> None:
        self.story: list[Any] = []

    @hookimpl
    def primus_latency(self, connection: Any, seconds: float) -> None:
        self.story.append((connection, seconds))


def test_the_answer_to_a_ping_is_measured_once_with_the_clock_of_the_server(
    primus: Primus, manual_clock: ManualClock
) -> None:
    measurements = Measurements()
    spark, wire = join(primus.use("measurements", measurements))

    spark.heartbeat()
    (ping,) = wire.sent
    manual_clock.advance(0.25)
    wire.receive('"primus::pong::1"', ping.replace("ping", "pong"), ping.replace("ping", "pong"))

    assert measurements.story == [(spark, 0.25)]


def test_a_late_answer_to_an_earlier_ping_measures_nothing(
    primus: Primus, manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stamps = iter([1000, 2000])
    monkeypatch.setattr(primus, "stamp", lambda: next(stamps))
    measurements = Measurements()
    spark, wire = join(primus.use("measurements", measurements))

    spark.heartbeat()
    manual_clock.advance(1.0)
    spark.heartbeat()
    manual_clock.advance(0.5)
    wire.receive('"primus::pong::1000"')
    manual_clock.advance(0.25)
    wire.receive('"primus::pong::2000"')

    assert measurements.story == [(spark, 0.75)]


def test_a_latency_hook_that_raises_is_logged(primus: Primus, tracebacks: Tracebacks) -> None:
    class Broken:
        @hookimpl
        def primus_latency(self) -> None:
            raise ZeroDivisionError

    measurements = Measurements()
    spark, wire = join(primus.use("broken", Broken()).use("measurements", measurements))

    tracebacks.expect("a primus_latency hook raised")
    spark.heartbeat()
    wire.receive(wire.sent[0].replace("ping", "pong"))

    assert measurements.story == [(spark, 0.0)]
    assert spark.ready_state == Spark.OPEN


def test_an_end_of_this_side_is_no_lost_wire(primus: Primus) -> None:
    losses = Losses()
    spark, _ = join(primus.use("losses", losses))

    spark.end()

    assert losses.story == []


class Shouts:
    """Messages with ``shout`` are events."""

    @hookimpl
    def primus_event(self, data: Any) -> Arriving | None:
        if not isinstance(data, dict) or "shout" not in data:
            return None
        return Arriving("shout", [data["shout"]], lambda args: {"shout": args[0]})


async def test_a_plugin_tells_which_event_a_message_is_until_it_is_plugged_out() -> None:
    primus = Primus(transformer=MemoryTransformer, plugin={"shouts": Shouts()})
    spark, _ = join(primus)

    (arriving,) = spark.arriving({"shout": "hi"})

    assert (arriving.event, arriving.args) == ("shout", ["hi"])
    assert arriving.packed(["HI"]) == {"shout": "HI"}
    assert spark.arriving({"other": 1}) == []
    primus.plugout("shouts")
    assert spark.arriving({"shout": "hi"}) == []
