"""A resource in a channel of multiplex: literal packets, as those of primus-resource."""

import asyncio
import gc
import json
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Protocol

import pytest

from primus_resource import ResourceError, ResourceLost
from primus_resource.serving import Call
from primus_testing import ManualClock, Recorder, Tracebacks, eventually, join

PLUGIN = "emitter, multiplex, resource"
READY = '[0,"a","creature",{"type":0,"data":["ready",["fail","twice","where"]]}]'


@dataclass
class Size:
    """How large."""

    size: int


class Creature:
    """Methods of all kinds."""

    def on_twice(self, spark: Any, size: Size) -> Size:
        return Size(size.size * 2)

    def on_fail(self, spark: Any) -> None:
        raise KeyError("the database is at 10.0.0.7")

    async def on_where(self, spark: Any) -> Any:
        return [spark.id, spark.conn.id, await spark.ask("where?")]


class Remote(Protocol):
    """The same, as its clients see it."""

    async def twice(self, size: Size) -> Size: ...
    async def where(self) -> list[str]: ...


@pytest.fixture
def creature(primus: Any) -> Creature:
    return primus.resource("creature", Creature())  # type: ignore[no-any-return]


def call(method: str, *args: Any, id: int = 7, **more: Any) -> str:
    packet = {"type": 0, "data": [method, *args], "id": id, **more}
    return json.dumps([0, "a", "creature", packet])


def answers(wire: Any) -> list[Any]:
    return [json.loads(frame)[3] for frame in wire.sent]


def test_the_object_gets_its_channel(primus: Any, creature: Any) -> None:
    assert creature.channel is primus.channel("creature")
    assert creature.resource_name == "creature"


def test_a_client_is_told_of_the_methods_when_it_subscribes(primus: Any, creature: Any) -> None:
    _, wire = join(primus)
    assert wire.sent == []

    wire.receive('[1,"a","creature"]')

    assert wire.sent == [READY]


def test_a_client_that_has_subscribed_already_is_told_as_well(primus: Any) -> None:
    _, wire = join(primus)
    primus.channel("creature").on("connection", lambda spark: None)
    wire.receive('[1,"a","creature"]')

    primus.resource("creature", Creature())

    assert wire.sent == [READY]


def test_methods_are_called_and_answer(primus: Any, creature: Any, tracebacks: Tracebacks) -> None:
    tracebacks.expect("a listener of 'fail' raised")
    _, wire = join(primus)
    wire.receive('[1,"a","creature"]', call("twice", {"size": 2}), call("fail", fails=True))
    wire.receive(call("twice", {"size": "big"}, fails=True), call("no", fails=True))

    assert answers(wire)[1:3] == [
        {"id": 7, "type": 1, "data": [{"size": 4}]},
        {"id": 7, "type": 1, "data": [], "error": "the listener failed"},
    ]
    assert [answer["error"] for answer in answers(wire)[3:]] == [
        "size.size: must be a whole number, not 'big'", "no listener"
    ]  # fmt: skip


async def test_a_method_may_ask_its_client(primus: Any, creature: Any) -> None:
    spark, wire = join(primus)
    wire.receive('[1,"a","creature"]', call("where"))
    await eventually(lambda: len(wire.sent) == 2)
    wire.receive('[0,"a","creature",{"type":1,"data":["north"],"id":1}]')

    await eventually(lambda: len(wire.sent) == 3)
    assert answers(wire)[2] == {"id": 7, "type": 1, "data": [["a", spark.id, "north"]]}


def test_what_the_object_broadcasts_reaches_subscribers_only(primus: Any, creature: Any) -> None:
    (_, wire), (_, other) = join(primus), join(primus)
    wire.receive('[1,"a","creature"]')

    creature.broadcast("bark", Size(1))

    assert wire.sent[1:] == ['[0,"a","creature",{"type":0,"data":["bark",{"size":1}]}]']
    assert other.sent == []


@pytest.mark.parametrize("name", ["data", "end", "error", "readyStateChange"])
def test_a_method_with_the_name_of_an_event_of_channels_is_refused(primus: Any, name: str) -> None:
    obj = SimpleNamespace(**{f"on_{name}": lambda spark: None})

    with pytest.raises(ResourceError, match=f"clients cannot call '{name}'"):
        primus.resource("creature", obj)
    primus.resource("creature", obj, multiplex=False)


def test_plugging_it_out_lets_clients_call_nothing(primus: Any, creature: Any) -> None:
    _, wire = join(primus)
    wire.receive('[1,"a","creature"]')

    primus.plugout("resource")
    wire.receive(call("twice", {"size": 2}, fails=True), '[1,"b","creature"]')

    assert answers(wire)[1:] == [{"id": 7, "type": 1, "data": [], "error": "no listener"}]


def test_clients_that_come_and_go_leave_nothing(primus: Any, creature: Any) -> None:
    gc.collect()
    before = sum(type(each) is Call for each in gc.get_objects())
    for _ in range(20):
        _, wire = join(primus)
        wire.receive('[1,"a","creature"]', call("twice", {"size": 2}))
        wire.lose()
    gc.collect()

    assert sum(type(each) is Call for each in gc.get_objects()) == before
    assert len(primus.channel("creature")) == 0


@pytest.mark.parametrize("multiplex", [True, False])
async def test_a_listener_of_a_client_may_call_although_messages_wait_for_it(
    primus: Any, multiplex: bool
) -> None:
    creature: Any = primus.resource("creature", Creature(), multiplex=multiplex)
    socket = primus.Socket("http://memory")
    remote = socket.resource("creature", multiplex=multiplex)
    story: list[Any] = []

    @remote.on("bark")
    async def bark(size: Any) -> None:
        story.append(size)
        story.append(await remote.call("twice", size))

    await remote.ready()
    for number in (1, 2):
        creature.broadcast("bark", Size(number))

    await eventually(lambda: len(story) == 4)
    assert [each["size"] for each in story] == [1, 2, 2, 4]
    socket.destroy()


async def test_a_python_client_calls_over_its_channel_and_again_after_a_reconnect(
    primus: Any, creature: Any
) -> None:
    clock = ManualClock()
    options = {"clock": clock, "network": False, "reconnect": {"min": 1.0, "max": 1.0}}
    socket = primus.Socket("http://memory", **options)
    remote = socket.resource("creature", Remote)
    plain = socket.resource("creature")
    plain.on("where?", lambda: "north")
    barks: list[Any] = []
    plain.on("bark", barks.append)

    assert await plain.ready() == ["fail", "twice", "where"]
    assert await remote.twice(Size(2)) == Size(4)
    assert (await plain.where())[2] == "north"

    events = Recorder(socket, "close", "open")
    (spark,) = primus
    spark.abort()
    await events.next("close")
    kept = asyncio.create_task(plain.twice({"size": 1}))
    await asyncio.sleep(0)
    clock.advance(1.0)
    await events.next("open")

    assert await kept == {"size": 2}
    assert await plain.twice({"size": 3}) == {"size": 6}
    creature.broadcast("bark", 1)
    await eventually(lambda: barks == [1])
    socket.destroy()
    assert clock.pending == 0


@pytest.mark.parametrize("end", ["of the client", "of the channel"])
async def test_a_resource_whose_channel_has_ended_is_lost_and_the_next_one_is_another(
    primus: Any, creature: Any, end: str
) -> None:
    socket = primus.Socket("http://memory")
    first = socket.resource("creature")
    other = socket.resource("other")
    await first.ready()
    assert socket.resource("creature") is first
    waiting = asyncio.create_task(other.ready(timeout=None))
    await asyncio.sleep(0)

    if end == "of the client":
        socket.end()
        await socket.wait_closed()
        socket.open()
    else:
        for channel in list(socket.channels):
            channel.end()
    with pytest.raises(ResourceLost, match="'other'"):
        await waiting
    with pytest.raises(ResourceLost, match="'other'"):
        await other.ready(timeout=None)

    second = socket.resource("creature")
    assert second is not first
    assert socket.resource("creature") is second
    assert await second.call("twice", {"size": 3}) == {"size": 6}
    socket.destroy()


async def test_waiting_for_a_resource_of_a_client_that_has_ended_fails_at_once(
    primus: Any, creature: Any
) -> None:
    socket = await primus.Socket("http://memory").opened()
    socket.end()
    await socket.wait_closed()

    for multiplex in (True, False):
        with pytest.raises(ResourceLost, match="'another'"):
            await socket.resource("another", multiplex=multiplex).ready(timeout=None)
