import asyncio
from typing import Any

import pytest

from primus import Packet
from primus_rooms import RoomsError
from primus_testing import MemoryTransport, Recorder, Tracebacks, eventually, join

pytestmark = pytest.mark.usefixtures("tracebacks")


def test_a_transform_sees_the_message_of_each_spark(primus: Any) -> None:
    (one, one_wire), (two, two_wire) = join(primus), join(primus)
    primus.join([one, two], "news")
    message = {"names": []}

    def named(packet: Packet, spark: Any) -> None:
        packet.data[0]["names"].append("one" if spark is one else "two")

    assert primus.room("news").transform(named).write(message) == 2

    assert one_wire.sent == ['{"names":["one"]}']
    assert two_wire.sent == ['{"names":["two"]}']
    assert message == {"names": []}


def test_a_transform_takes_messages_as_deep_as_they_can_arrive(primus: Any) -> None:
    spark, wire = join(primus)
    primus.join(spark, "news")
    frame = "[" * 1024 + "1" + "]" * 1024
    nothing = primus.room("news").transform(lambda packet: None)
    spark.on("data", nothing.write)
    wire.receive(frame)
    assert wire.sent == [frame]


def test_a_transform_leaves_sparks_out(primus: Any) -> None:
    (one, one_wire), (two, two_wire) = join(primus), join(primus)
    primus.join([one, two], "news")

    sent = one.room("news").transform(lambda packet, spark: spark is not one).write("x")

    assert (sent, one_wire.sent, two_wire.sent) == (1, [], ['"x"'])


async def test_a_transform_may_be_async(primus: Any) -> None:
    spark, wire = join(primus)
    spark.join("news")
    go_on = asyncio.Event()

    async def later(packet: Packet) -> bool:
        await go_on.wait()
        packet.data[0] += "!"
        return packet.data[0] != "no!"

    selection = spark.transform(later).room("news")
    selection.write("no")
    selection.write("yes")
    assert wire.sent == []
    go_on.set()

    await eventually(lambda: wire.sent == ['"yes!"'])


async def test_a_transform_that_raises_is_an_error_of_the_spark(
    primus: Any, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("the transform")
    (one, _), (two, _) = join(primus), join(primus)
    primus.join([one, two], "news")
    errors = Recorder(one, "error")

    def fails(packet: Packet) -> None:
        raise ValueError("no")

    async def fails_late(packet: Packet) -> None:
        raise ValueError("no")

    assert primus.room("news").transform(fails).write("x") == 0
    primus.room("news").transform(fails_late).write("x")

    await eventually(lambda: len(errors.seen("error")) == 2)


def test_sending_an_event_needs_the_emitter(primus: Any) -> None:
    spark, _ = join(primus)
    spark.join("news")

    with pytest.raises(RoomsError, match='needs the plugin "emitter"'):
        primus.room("news").send("event", 1)


async def test_events_are_sent_by_the_emitter_encoded_once(make_primus: Any) -> None:
    primus = make_primus(plugin="rooms emitter")
    (one, one_wire), (two, two_wire), (three, _) = join(primus), join(primus), join(primus)
    primus.join([one, two, three], "news")
    framed = MemoryTransport.prepared

    assert primus.room("news").except_(two).send("event", 1, "b") == 2
    assert MemoryTransport.prepared == framed + 1
    primus.room("news").transform(lambda packet: packet.data.append("t")).send("event")

    event = '{"type":0,"data":["event",1,"b"]}'
    transformed = '{"type":0,"data":["event","t"]}'
    assert one_wire.sent == [event, transformed]
    assert two_wire.sent == [transformed]
    with pytest.raises(RoomsError, match="Callbacks are not supported when broadcasting"):
        primus.room("news").send("event", lambda: None)
    await primus.destroy()
