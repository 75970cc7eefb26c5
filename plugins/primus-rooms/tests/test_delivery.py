import asyncio
from typing import Any

import pytest

from primus import Packet, ParserError
from primus_rooms import MemoryAdapter, RoomsError
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


def test_what_cannot_be_encoded_raises_and_reaches_no_member(primus: Any) -> None:
    joined = [join(primus) for _ in range(3)]
    primus.join([spark for spark, _ in joined], "news")
    last = joined[-1][0]

    def broken(packet: Packet, spark: Any) -> None:
        packet.data = [object() if spark is last else "fine"]

    for selection in (primus.room("news"), primus.room("news").transform(broken)):
        with pytest.raises(ParserError):
            selection.write({"price": object()})

    assert [wire.sent for _, wire in joined] == [[], [], []]


async def test_behind_an_async_transform_what_cannot_be_encoded_is_an_error_of_the_spark(
    primus: Any,
) -> None:
    spark, wire = join(primus)
    spark.join("news")
    errors = Recorder(spark, "error")

    async def broken(packet: Packet) -> None:
        packet.data = [object()]

    primus.room("news").transform(broken).write("x")

    assert isinstance(await errors.one("error"), ParserError)
    assert wire.sent == []


async def test_a_failure_for_one_spark_keeps_what_waits_for_another_from_being_sent(
    primus: Any,
) -> None:
    (one, wire), (two, _) = join(primus), join(primus)
    primus.join([one, two], "news")

    async def later(packet: Packet) -> None:
        await asyncio.sleep(0)

    def mixed(packet: Packet, spark: Any) -> Any:
        if spark is one:
            return later(packet)
        packet.data = [object()]
        return None

    with pytest.raises(ParserError):
        primus.room("news").transform(mixed).write("x")
    await asyncio.sleep(0.0)
    one.write("after")
    assert wire.sent == ['"after"']


class Slow(MemoryAdapter):
    """Answers later."""

    async def members(self, rooms: Any) -> Any:  # type: ignore[override]
        await asyncio.sleep(0)
        return super().members(rooms)


async def test_with_an_adapter_that_waits_what_cannot_be_encoded_raises_at_once(
    make_primus: Any,
) -> None:
    primus = make_primus(rooms={"adapter": Slow()})
    spark, wire = join(primus)
    spark.join("news")

    with pytest.raises(ParserError):
        primus.room("news").write(object())
    assert await primus.room("news").write("fine") == 1
    assert wire.sent == ['"fine"']


async def test_what_cannot_be_encoded_later_is_told_even_when_nothing_waits_for_it(
    make_primus: Any,
) -> None:
    primus = make_primus(rooms={"adapter": Slow()})
    spark, _ = join(primus)
    spark.join("news")
    errors = Recorder(primus, "roomserror")

    primus.room("news").transform(lambda packet: packet.data.append(object())).write("x")
    primus.transform("outgoing", lambda packet: setattr(packet, "data", object()))
    primus.room("news").write("x")

    error, _ = await errors.next("roomserror")
    assert isinstance(error, Exception)


async def test_another_thread_joins_writes_and_leaves_in_its_order(primus: Any) -> None:
    spark, wire = join(primus)
    done: list[Any] = []

    def work() -> None:
        done.append(primus.join(spark, "news sport"))
        done.append(primus.room("news").write("one"))
        done.append(spark.leave("news"))
        done.append(spark.room("news").write("nothing"))
        done.append(primus.room("sport").transform(lambda packet: None).write("two"))
        done.append(spark.leave_all())
        done.append(primus.room("sport").write("nothing"))
        done.append(primus.empty())
        for ask in (primus.rooms, lambda: primus.clients("news"), primus.room("x").is_room_empty):
            with pytest.raises(RuntimeError, match=r"primus\.thread"):
                ask()
        with pytest.raises(ParserError):
            primus.room("news").write(object())

    await asyncio.to_thread(work)
    await eventually(lambda: wire.sent == ['"one"', '"two"'])

    assert done == [True, 1, True, 1, 1, True, 1, None]
    assert primus.rooms() == []


async def test_another_thread_may_wait_for_rooms(primus: Any) -> None:
    spark, wire = join(primus)

    def work() -> list[Any]:
        view = primus.thread
        return [
            view.join(view.spark(spark.id), "news"),
            view.room("news").write("one"),
            view.rooms(spark.id),
            view.clients("news"),
        ]

    assert await asyncio.to_thread(work) == [True, 1, ["news"], [spark.id]]
    assert wire.sent == ['"one"']
