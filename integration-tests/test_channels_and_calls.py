"""Events, rooms, channels, streams, resources and requests in one server, in whatever order."""

import json
from collections.abc import Iterator
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from primus.server.install import Snapshot
from primus.server.primus import Primus
from primus_testing import ManualClock, MemoryTransformer, Recorder, eventually, join

NAMES = ("emit", "emitter", "rooms", "multiplex", "substream", "resource", "responder")
RESPONDER = "primus-responder"


def orders() -> Iterator[tuple[str, ...]]:
    """Each plugin in each place, and each behind each other one: not all 5,040."""
    for start in range(len(NAMES)):
        turned = NAMES[start:] + NAMES[:start]
        yield turned
        yield turned[::-1]
    random = Random(19)
    for _ in range(4):
        yield tuple(random.sample(NAMES, len(NAMES)))


def test_the_orders_are_enough() -> None:
    behind = {(a, b) for order in orders() for i, a in enumerate(order) for b in order[i + 1 :]}

    assert len(behind) == len(NAMES) * (len(NAMES) - 1)


def server(plugin: Any = None, **options: Any) -> Any:
    settings = {"clock": ManualClock(), "timeout": False, "ping_interval": False, **options}
    return Primus(transformer=MemoryTransformer, plugin=plugin, **settings)


def sent(wire: Any) -> list[Any]:
    messages = [json.loads(frame) for frame in wire.sent]
    wire.sent.clear()
    return messages


async def converse(primus: Any) -> None:
    """A word by each plugin, in both directions; nothing is bounced back, or heard twice."""
    creature = SimpleNamespace(on_twice=lambda spark, number: number * 2)
    plain = SimpleNamespace(on_thrice=lambda spark, number: number * 3)
    primus.resource("creature", creature)
    primus.resource("plain", plain, multiplex=False)
    channel = primus.channel("news")
    spark, wire = join(primus)
    heard = Recorder(spark, "event", "sent", "data")
    stream = spark.substream("stream")
    streamed = Recorder(stream, "data")
    spark.on("double", lambda number: number * 2)
    spark.on("request", lambda data: [data])
    assert sent(wire) == [{"type": 0, "data": ["plain::ready", ["thrice"]]}]

    wire.receive('{"emit":["event",1]}', '{"type":0,"data":["sent",2]}')
    wire.receive('{"substream":"stream","args":{"emit":["event"]}}', '{"plain":"message"}')
    assert heard.seen("event") == [(1,)]
    assert heard.seen("sent") == [(2,)]
    assert [args[0] for args in heard.seen("data")] == [{"plain": "message"}]
    assert [args[0] for args in streamed.seen("data")] == [{"emit": ["event"]}]
    assert sent(wire) == []

    wire.receive('{"type":0,"data":["double",4],"id":1}')
    wire.receive('{"type":0,"data":["plain::thrice",4],"id":2}')
    wire.receive('{"plugin":"primus-responder","requestId":"a","data":4}')
    assert sent(wire) == [
        {"id": 1, "type": 1, "data": [8]},
        {"id": 2, "type": 1, "data": [12]},
        {"plugin": RESPONDER, "responseId": "a", "data": [4]},
    ]

    wire.receive('[1,"x","news"]', '[1,"y","creature"]')
    wire.receive('[0,"y","creature",{"type":0,"data":["twice",4],"id":1}]')
    assert sent(wire) == [
        [0, "y", "creature", {"type": 0, "data": ["ready", ["twice"]]}],
        [0, "y", "creature", {"id": 1, "type": 1, "data": [8]}],
    ]

    (subscription,) = channel
    spark.join("room")
    subscription.join("room")
    primus.room("room").write("to the room")
    primus.room("room").send("an event", 1)
    channel.room("room").write("to the room of the channel")
    channel.write("to all")
    spark.emit("event", 1)
    spark.send("event", 2)
    stream.write("in the stream")
    assert sent(wire) == [
        "to the room",
        {"type": 0, "data": ["an event", 1]},
        [0, "x", "news", "to the room of the channel"],
        [0, "x", "news", "to all"],
        {"emit": ["event", 1]},
        {"type": 0, "data": ["event", 2]},
        {"substream": "stream", "args": "in the stream"},
    ]
    assert len(heard.story) == 3
    spark.end()
    assert primus.rooms() == []
    assert len(channel) == 0


@pytest.mark.parametrize("plugin", [NAMES, NAMES[::-1]], ids=" ".join)
async def test_a_request_in_a_channel_or_a_stream_is_a_message_there(plugin: Any) -> None:
    primus = server(list(plugin))
    subscriptions: list[Any] = []
    primus.channel("news").on("connection", subscriptions.append)
    spark, wire = join(primus)
    stream = spark.substream("stream")
    wire.receive('[1,"x","news"]')
    (subscription,) = subscriptions
    requests = Recorder(spark, "request", "data")
    messages = [Recorder(each, "data", "request") for each in (subscription, stream)]
    request = f'{{"plugin":"{RESPONDER}","requestId":"a","data":4}}'

    wire.receive(f'[0,"x","news",{request}]', f'{{"substream":"stream","args":{request}}}')
    wire.lose()

    assert [each.story for each in messages] == [["data"], ["data"]]
    assert (requests.story, sent(wire)) == ([], [])
    await primus.destroy()


@pytest.mark.parametrize("order", [*orders()], ids=" ".join)
async def test_they_work_together_in_any_order(order: tuple[str, ...]) -> None:
    primus = server(", ".join(order))

    await converse(primus)

    await primus.destroy()
    assert list(primus.ark) == []


@pytest.mark.parametrize("order", [*orders()][:14], ids=" ".join)
async def test_taking_each_out_restores_the_server(order: tuple[str, ...]) -> None:
    primus = server(list(order))
    spark, wire = join(primus)
    used = list(primus.ark)
    for name in used:
        primus.plugout(name)
    before = Snapshot.of(primus)
    names = [set(before.spark)]
    for name in used:
        primus.use(name)
        names.append(set(primus.Spark.__dict__))

    for name in reversed(used):
        assert set(primus.Spark.__dict__) == names.pop()
        primus.plugout(name)
    assert Snapshot.of(primus) == before

    for name in used:
        primus.use(name)
    for name in order:
        primus.plugout(name)
    assert Snapshot.of(primus) == before
    spark.write("still here")
    assert wire.sent[-1] == '"still here"'
    await primus.destroy()


@pytest.mark.parametrize("name", NAMES)
async def test_each_may_leave_while_the_others_are_used(name: str) -> None:
    primus = server(list(NAMES))
    spark, wire = join(primus)
    primus.resource("creature", SimpleNamespace(on_twice=lambda spark, number: number * 2))
    wire.receive('[1,"x","news"]', '[1,"y","creature"]')
    spark.substream("stream")
    messages = Recorder(spark, "data", "error")

    primus.plugout(name)
    wire.receive(
        '{"emit":["event",1]}',
        '{"type":0,"data":["sent",2],"id":1}',
        '[0,"x","news","hello"]',
        '[0,"y","creature",{"type":0,"data":["twice",4],"id":1}]',
        '{"substream":"stream","args":1}',
        '{"plugin":"primus-responder","requestId":"a","data":4}',
        '"at last"',
    )

    await eventually(lambda: messages.seen("data"))
    assert messages.seen("error") == []
    assert messages.seen("data")[-1][0] == "at last"
    primus.use(name)
    assert set(primus.ark) == set(NAMES)
    await primus.destroy()
