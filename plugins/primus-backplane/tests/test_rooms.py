"""Rooms of all servers, with the plugins ``rooms`` and ``emitter``."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from primus import ControlTextError, ParserError, PrimusError
from primus_backplane import AsyncPublisher, MemoryBus, Publisher, TooLargeError
from primus_backplane.envelope import Writer, sealed
from primus_backplane.testing import settled
from primus_testing import Tracebacks, eventually, join

Cluster = Callable[..., Any]
Stranger = Callable[[], Awaitable[MemoryBus]]

WITH_ROOMS = "rooms, emitter, backplane"
STRANGER = Writer("stranger", "1")


@pytest.fixture
def two(server: Cluster) -> tuple[Any, Any]:
    return server("w0", WITH_ROOMS), server("w1", WITH_ROOMS)


def member(primus: Any, *rooms: str) -> Any:
    spark, wire = join(primus)
    for room in rooms:
        spark.join(room)
    return spark, wire


async def test_a_message_to_a_room_reaches_its_members_on_all_servers(two: Any) -> None:
    one, other = two
    wires = [member(*each)[1] for each in ((one, "a"), (one, "b"), (other, "a"), (other, "b"))]
    await settled(one, other)

    count = one.room("a").write({"n": 1})
    await settled(one, other)

    assert count == 1
    assert [wire.sent for wire in wires] == [['{"n":1}'], [], ['{"n":1}'], []]


async def test_a_member_of_several_rooms_gets_it_once(two: Any) -> None:
    one, other = two
    _, wire = member(other, "a", "b")
    await settled(one, other)

    one.room("a b").write("hello")
    await settled(one, other)

    assert wire.sent == ['"hello"']


async def test_names_with_spaces_and_wildcards_work_as_on_one_server(two: Any) -> None:
    one, other = two
    spark, wire = join(other)
    spark.join(["two words"])
    spark.join("user:*", wildcard=True)
    await settled(one, other)

    one.room(["two words"]).write(1)
    one.room("user:7").write(2)
    await settled(one, other)

    assert wire.sent == ["1", "2"]


async def test_those_that_are_left_out_get_nothing_wherever_they_are(two: Any) -> None:
    one, other = two
    (mine, _), (theirs, left), (_, wire) = member(one, "a"), member(other, "a"), member(other, "a")
    await settled(one, other)

    mine.room("a").except_([mine, theirs.id]).write("hello")
    await settled(one, other)

    assert (left.sent, wire.sent) == ([], ['"hello"'])


async def test_without_a_room_the_members_of_all_rooms_get_it(two: Any) -> None:
    one, other = two
    (spark, mine), (_, theirs), (_, none) = member(one, "a"), member(other, "b"), join(other)
    await settled(one, other)

    one.except_(spark).write("hello")
    await settled(one, other)

    assert (mine.sent, theirs.sent, none.sent) == ([], ['"hello"'], [])


async def test_local_stays_on_this_server(two: Any) -> None:
    one, other = two
    (_, mine), (_, theirs) = member(one, "a"), member(other, "a")
    await settled(one, other)

    assert one.room("a").local.write("hello") == 1
    await settled(one, other)

    assert (mine.sent, theirs.sent) == (['"hello"'], [])


async def test_a_spark_that_has_ended_writes_to_no_room(two: Any) -> None:
    one, other = two
    spark, _ = member(one, "a")
    _, wire = member(other, "a")
    await settled(one, other)
    spark.end()

    spark.room("a").write("hello")
    one.room([]).write("hello")
    await settled(one, other)

    assert wire.sent == []


async def test_an_event_reaches_a_room_on_all_servers(two: Any) -> None:
    one, other = two
    (_, mine), (_, theirs) = member(one, "a"), member(other, "a")
    await settled(one, other)

    count = one.room("a").send("news", {"n": 1}, 2)
    one.room("a").send("newListener", 1)
    await settled(one, other)

    assert count == 1
    assert mine.sent == theirs.sent == ['{"type":0,"data":["news",{"n":1},2]}']


async def test_what_one_server_writes_to_a_room_arrives_in_its_order(two: Any) -> None:
    one, other = two
    _, wire = member(other, "a")
    await settled(one, other)

    for n in range(50):
        one.room("a").write(n)
        one.write(n, everywhere=True)
    await settled(one, other)

    assert wire.sent == [str(n // 2) for n in range(100)]


async def test_an_ordered_room_has_one_order_on_all_servers(two: Any) -> None:
    one, other = two
    (_, mine), (_, theirs) = member(one, "a"), member(other, "a")
    await settled(one, other)

    for n in range(20):
        assert one.room("a").ordered.write(f"one {n}") == 1
        assert other.room("a").ordered.write(f"other {n}") == 1
        await asyncio.sleep(0)
    await settled(one, other)

    assert len(mine.sent) == 40
    assert mine.sent == theirs.sent


async def test_an_ordered_message_is_for_those_that_are_in_the_room_when_it_comes(two: Any) -> None:
    one, other = two
    (_, before), (late, after) = member(one, "a"), join(one)
    await settled(one, other)

    one.room("a").ordered.write("hello")
    late.join("a")
    await settled(one, other)

    assert before.sent == after.sent == ['"hello"']


async def test_a_plugin_says_which_rooms_are_ordered(two: Any) -> None:
    one, other = two
    _, wire = member(one, "news", "chat")
    one.backplane.order_rooms(lambda room: room == "news")
    await settled(one, other)

    one.room("news").write(1)
    one.room("chat").write(2)
    one.room("chat news").write(3)
    await settled(one, other)

    assert wire.sent == ["2", "1", "3"]


async def test_what_cannot_reach_other_servers_is_refused(two: Any) -> None:
    one, other = two
    wires = [member(each, "a")[1] for each in (one, other)]
    await settled(one, other)

    with pytest.raises(PrimusError, match=r"see Selection\.local"):
        one.room("a").transform(lambda packet: None).write("hello")
    with pytest.raises(PrimusError, match="Callbacks"):
        one.room("a").send("news", print)
    with pytest.raises(ControlTextError):
        one.room("a").write("primus::server::close")
    with pytest.raises(ParserError):
        one.room("a").write(object())
    with pytest.raises(TooLargeError, match="to fewer rooms"):
        one.room([f"{'x' * 100} {n}" for n in range(20_000)]).write("hello")
    await settled(one, other)

    assert [wire.sent for wire in wires] == [[], []]


async def test_a_transform_stays_possible_on_this_server(two: Any) -> None:
    one, other = two
    (_, mine), (_, theirs) = member(one, "a"), member(other, "a")
    await settled(one, other)

    one.room("a").local.transform(lambda packet: None).write("hello")
    await settled(one, other)

    assert (len(mine.sent), theirs.sent) == (1, [])


async def test_another_thread_writes_to_a_room_of_all_servers(two: Any) -> None:
    one, other = two
    wires = [member(each, "a")[1] for each in (one, other)]
    await settled(one, other)

    await asyncio.to_thread(one.room("a").write, "hello")
    await settled(one, other)
    await settled(one, other)

    assert [wire.sent for wire in wires] == [['"hello"'], ['"hello"']]


async def test_a_server_without_rooms_has_no_members(server: Cluster) -> None:
    one, other = server("w0", WITH_ROOMS), server("w1")
    _, wire = join(other)
    await settled(one, other)

    one.room("a").write("hello")
    await settled(one, other)

    assert wire.sent == []


@pytest.mark.parametrize("head", [{"rooms": "a"}, {"rooms": [1]}, {"rooms": ["a"], "except": 5}])
async def test_rooms_that_are_none_are_a_line(
    server: Cluster, stranger: Stranger, head: Any, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("must be a list of texts")
    one, bus = server("w0", WITH_ROOMS), await stranger()
    _, wire = member(one, "a")
    await settled(one)

    bus.post(0, sealed(STRANGER, 1, "rooms", head, "json", "1"))
    bus.post(0, sealed(STRANGER, 2, "rooms", {"rooms": ["a"]}, "json", "2"))
    await settled(one)

    assert wire.sent == ["2"]


@pytest.mark.parametrize("order", ["rooms, backplane", "backplane, rooms"])
async def test_the_plugins_come_in_any_order(server: Cluster, order: str) -> None:
    one, other = server("w0", order), server("w1", order)
    _, wire = member(other, "a")
    await settled(one, other)

    one.room("a").write(1)
    one.plugout("backplane")
    one.room("a").write(2)
    await settled(other)

    assert wire.sent == ["1"]


async def test_a_publisher_writes_to_rooms(server: Cluster, namespace: str) -> None:
    one = server("w0", WITH_ROOMS, backplane_shards=4)
    (left, none), (_, some), (_, all_) = member(one, "a"), member(one, "b"), member(one, "a", "b")
    await settled(one)

    async with AsyncPublisher(namespace=namespace, shards=4) as publisher:
        await publisher.room("b").write(1)
        await publisher.room(["a", "b"], except_=[left.id]).write(2)
    await settled(one)

    assert (none.sent, sorted(some.sent), sorted(all_.sent)) == ([], ["1", "2"], ["1", "2"])


async def test_code_without_a_loop_writes_as_well(server: Cluster, namespace: str) -> None:
    one = server("w0", WITH_ROOMS)
    spark, wire = member(one, "a")
    await settled(one)

    def publish() -> Any:
        with Publisher("memory:", namespace=namespace) as publisher:
            publisher.write(1)
            publisher.room("a").write(2)
            with pytest.raises(ParserError):
                publisher.write(object())
            told = publisher.spark(spark.id).write(3)
        publisher.write(4)  # it opens again
        publisher.close()
        publisher.close()
        return told

    assert await asyncio.to_thread(publish) is True
    await eventually(lambda: len(wire.sent) == 4)
    assert wire.sent == ["1", "2", "3", "4"]
