"""A resource without a channel: literal packets, as primus-resource sends and takes them."""

import asyncio
import json
import logging
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from primus_resource import ResourceError, Served
from primus_testing import Recorder, Tracebacks, eventually, join

PLUGIN = "emitter, resource"
READY = '{"type":0,"data":["creature::ready",["kind","slowly","sum","walk"]]}'


@dataclass
class Step:
    """One step."""

    far: int


class Creature:
    """Methods of all kinds; ``calls`` are those that came."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.go = asyncio.Event()

    def on_walk(self, spark: Any, *args: Any, ack: Any = None) -> Any:
        self.calls.append((spark, *args))
        return ["walked", *args]

    async def on_slowly(self, spark: Any, step: Step) -> Step:
        await self.go.wait()
        return Step(step.far * 2)

    def on_sum(self, spark: Any, a: int, b: int = 0) -> int:
        return a + b

    def on_kind(self, spark: Any, kind: Any, fn: Any) -> str:
        if fn:
            fn("kind is", kind)
        return "ignored"


@pytest.fixture
def creature(primus: Any) -> Creature:
    made = Creature()
    return primus.resource("creature", made, multiplex=False)  # type: ignore[no-any-return]


def sent(wire: Any) -> list[Any]:
    return [json.loads(frame) for frame in wire.sent]


def call(method: str, *args: Any, id: int | None = 7, **more: Any) -> str:
    packet = {"type": 0, "data": [f"creature::{method}", *args], **more}
    return json.dumps(packet if id is None else {**packet, "id": id})


# -- making one


def test_the_object_gets_what_node_gives_it(primus: Any, creature: Creature) -> None:
    assert vars(creature)["resource_name"] == "creature"
    assert vars(creature)["channel"] is primus
    assert dict(primus.resources) == {"creature": creature}
    assert primus.resource("creature", multiplex=False) is creature


def test_without_an_object_there_is_a_new_one_that_takes_methods(primus: Any) -> None:
    made = primus.resource("creature", multiplex=False)
    made.on_walk = lambda spark: "walked"

    _, wire = join(primus)
    made.onrun = lambda spark: "ran"
    _, later = join(primus)
    wire.receive(call("walk"))

    assert isinstance(made, Served)
    assert sent(wire) == [
        {"type": 0, "data": ["creature::ready", ["walk"]]},
        {"id": 7, "type": 1, "data": ["walked"]},
    ]
    assert later.sent == ['{"type":0,"data":["creature::ready",["walk","run"]]}']


@pytest.mark.parametrize("name", ["", None, 5, ["creature"]])
def test_a_name_is_a_text(primus: Any, name: Any) -> None:
    with pytest.raises(ResourceError, match="is named by a text"):
        primus.resource(name, Creature(), multiplex=False)


@pytest.mark.parametrize("obj", [Creature, "creature", 5, {}, []])
def test_what_has_no_methods_is_refused(primus: Any, obj: Any) -> None:
    with pytest.raises(ResourceError, match="must be an object with methods"):
        primus.resource("creature", obj, multiplex=False)


def test_a_name_that_is_taken_is_refused(primus: Any, creature: Creature) -> None:
    with pytest.raises(ResourceError, match="there is a resource 'creature' already"):
        primus.resource("creature", Creature(), multiplex=False)


def test_an_object_that_takes_no_attributes_or_has_them_is_refused(primus: Any) -> None:
    class Slotted:
        __slots__ = ()

    class Broadcasting:
        def broadcast(self) -> None:
            """Of its own."""

    with pytest.raises(ResourceError, match="takes no attributes"):
        primus.resource("one", Slotted(), multiplex=False)
    with pytest.raises(ResourceError, match="has 'broadcast' already"):
        primus.resource("two", Broadcasting(), multiplex=False)


def test_plugins_that_are_missing_are_named(make_primus: Any) -> None:
    with pytest.raises(ResourceError, match="needs the plugin 'emitter'"):
        make_primus("resource").resource("creature", Creature())
    with pytest.raises(ResourceError, match=r"needs the plugin 'multiplex'.*multiplex=False"):
        make_primus("emitter, resource").resource("creature", Creature())


# -- calling it


def test_a_client_is_told_of_the_methods_when_it_connects(primus: Any, creature: Any) -> None:
    _, wire = join(primus)

    assert wire.sent == [READY]


def test_a_client_that_is_there_already_is_told_as_well(primus: Any) -> None:
    _, wire = join(primus)

    primus.resource("creature", Creature(), multiplex=False)
    wire.receive(call("sum", 1, 2))

    assert wire.sent == [READY, '{"id":7,"type":1,"data":[3]}']


def test_a_method_gets_the_spark_and_answers_by_what_it_returns(
    primus: Any, creature: Creature
) -> None:
    spark, wire = join(primus)
    events = Recorder(spark, "data")

    wire.receive(call("walk", 1, None), call("walk", "unasked", id=None), call("sum", 1))

    assert creature.calls == [(spark, 1, None), (spark, "unasked")]
    assert sent(wire)[1:] == [
        {"id": 7, "type": 1, "data": [["walked", 1, None]]},
        {"id": 7, "type": 1, "data": [1]},
    ]
    assert events.story == []


def test_a_method_with_an_acknowledgement_answers_by_it(primus: Any, creature: Any) -> None:
    _, wire = join(primus)

    wire.receive(call("kind", "big"), call("kind", "small", id=None))

    assert sent(wire)[1:] == [{"id": 7, "type": 1, "data": ["kind is", "big"]}]


async def test_an_async_method_answers_later_with_values_that_are_converted(
    primus: Any, creature: Creature
) -> None:
    spark, wire = join(primus)
    events = Recorder(spark, "data")
    wire.receive(call("slowly", {"far": 2}), '"behind it"')
    await asyncio.sleep(0)
    assert events.story == []

    creature.go.set()

    await eventually(lambda: events.story)
    assert sent(wire)[1:] == [{"id": 7, "type": 1, "data": [{"far": 4}]}]


@pytest.mark.parametrize(
    ("args", "why"),
    [
        ([], "a: is missing"),
        (["1"], "a: must be an integer, not text"),
        ([1, None], "b: "),
        ([{"a": 1}], "a: "),
    ],
)
def test_arguments_of_other_types_are_refused_with_their_names(
    primus: Any, creature: Any, args: list[Any], why: str
) -> None:
    spark, wire = join(primus)
    events = Recorder(spark, "error")

    wire.receive(call("sum", *args, fails=True), call("sum", *args), call("sum", *args, id=None))

    (refusal,) = sent(wire)[1:]
    assert refusal["error"].startswith(why.split("must", maxsplit=1)[0])
    assert events.story == []


@pytest.mark.parametrize("understood", [True, False])
async def test_an_exception_shows_no_internals(
    primus: Any, tracebacks: Tracebacks, understood: bool
) -> None:
    tracebacks.expect("a listener of 'creature::")

    class Failing:
        def on_now(self, spark: Any) -> None:
            raise KeyError("the database is at 10.0.0.7")

        async def on_later(self, spark: Any) -> None:
            raise KeyError("the database is at 10.0.0.7")

        def on_acked(self, spark: Any, ack: Any) -> None:
            raise KeyError("the database is at 10.0.0.7")

        def on_strange(self, spark: Any) -> object:
            return object()

        def on_set(self, spark: Any) -> Any:
            return {"nested": [{1}]}

    primus.resource("creature", Failing(), multiplex=False)
    _, wire = join(primus)
    methods = ["now", "later", "acked", "strange", "unknown"]

    for id, method in enumerate(methods, 1):
        wire.receive(call(method, id=id, **({"fails": True} if understood else {})))
    wire.receive(call("set", id=9))

    await eventually(lambda: len(wire.sent) == (7 if understood else 2))
    assert sent(wire)[-1] == {"id": 9, "type": 1, "data": [{"nested": [[1]]}]}
    refusals = [packet for packet in sent(wire) if isinstance(packet, dict) and "error" in packet]
    assert [each["error"] for each in sorted(refusals, key=lambda each: each["id"])] == (
        ["the listener failed"] * 4 + ["no listener"] if understood else []
    )


def test_what_the_object_broadcasts_reaches_every_client(primus: Any, creature: Any) -> None:
    wires = [join(primus)[1] for _ in range(2)]

    creature.broadcast("bark", Step(1), None)

    for wire in wires:
        assert wire.sent[1:] == ['{"type":0,"data":["creature::bark",{"far":1},null]}']


async def test_a_method_may_ask_the_client_that_calls_it(primus: Any) -> None:
    async def walk(spark: Any) -> Any:
        return await spark.ask("where?")

    primus.resource("creature", SimpleNamespace(on_walk=walk), multiplex=False)
    _, wire = join(primus)
    wire.receive(call("walk"))
    await eventually(lambda: len(wire.sent) == 2)
    wire.receive('"behind it"', '{"id":1,"type":1,"data":["north"]}')

    await eventually(lambda: len(wire.sent) == 3)
    assert sent(wire)[2] == {"id": 7, "type": 1, "data": ["north"]}


def test_plugging_it_out_lets_clients_call_nothing(primus: Any, creature: Creature) -> None:
    spark, wire = join(primus)
    spark.on("creature::walk", lambda: "of the application")

    primus.plugout("resource")
    wire.receive(call("walk"), call("sum", 1, id=8, fails=True))

    assert creature.calls == []
    assert sent(wire)[1:] == [
        {"id": 7, "type": 1, "data": ["of the application"]},
        {"id": 8, "type": 1, "data": [], "error": "no listener"},
    ]
    assert not hasattr(primus, "resources")


def test_a_refused_call_is_a_debug_line(
    primus: Any, creature: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "primus.server")
    _, wire = join(primus)

    wire.receive(call("sum", "x", id=None))

    (record,) = [each for each in caplog.records if "'sum'" in each.getMessage()]
    assert record.levelname == "DEBUG"


def test_an_object_without_methods_for_clients_is_a_warning(
    primus: Any, caplog: pytest.LogCaptureFixture
) -> None:
    class Todo:
        def add(self, spark: Any) -> None:
            """Nothing that clients can call."""

    primus.resource("later", multiplex=False)
    assert caplog.text == ""

    primus.resource("todo", Todo(), multiplex=False)

    assert (
        "the resource 'todo' has no methods for clients, whose names begin with 'on'" in caplog.text
    )
