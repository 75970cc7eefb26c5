"""Rooms within channels, beside those of the connection."""

import asyncio
from typing import Any

import pytest

from primus import ParserError
from primus_testing import MemoryTransport, Recorder, join

PLUGIN = "rooms, emitter, multiplex"


@pytest.fixture(params=["rooms, emitter, multiplex", "multiplex, emitter, rooms"])
def primus(request: pytest.FixtureRequest, make_primus: Any) -> Any:
    return make_primus(request.param)


def members(primus: Any, name: str, count: int) -> list[tuple[Any, Any]]:
    """Sparks of a channel, each on a connection of its own, with their wires."""
    found = []
    for number in range(count):
        _, wire = join(primus)
        wire.receive(f'[1,"member-{name}-{number}","{name}"]')
        found.append((primus.channel(name).spark(f"member-{name}-{number}"), wire))
    return found


def test_a_room_of_a_channel_has_its_members_only(primus: Any) -> None:
    (one, first), (two, second), (_, third) = members(primus, "news", 3)
    ((other, fourth),) = members(primus, "sport", 1)
    news = primus.channel("news")
    joined = Recorder(news, "joinroom")
    one.join("red")
    news.join(two, "red blue")
    other.join("red")
    one.conn.join("red")

    assert news.room("red").write(1) == 2
    news.room("red").except_(one).write(2)
    one.room("blue").write(3)
    primus.room("red").write("of the connection")

    assert joined.seen("joinroom") == [("red", one), ("red", two), ("blue", two)]
    assert sorted(news.room("red").clients()) == ["member-news-0", "member-news-1"]
    assert [two.rooms(), sorted(news.rooms()), primus.rooms()] == [
        ["red", "blue"],
        ["blue", "red"],
        ["red"],
    ]
    assert first.sent == ['[0,"member-news-0","news",1]', '"of the connection"']
    assert second.sent == [f'[0,"member-news-1","news",{number}]' for number in (1, 2, 3)]
    assert third.sent == fourth.sent == []


def test_a_message_to_a_room_is_framed_once_and_events_can_be_sent(primus: Any) -> None:
    both = members(primus, "news", 2)
    for spark, _ in both:
        spark.join("red")
    before = MemoryTransport.prepared

    primus.channel("news").room("red").write(1)
    assert MemoryTransport.prepared == before + 1
    primus.channel("news").room("red").send("event", 2)

    for spark, wire in both:
        assert wire.sent == [
            f'[0,"{spark.id}","news",1]',
            f'[0,"{spark.id}","news",{{"type":0,"data":["event",2]}}]',
        ]


def test_a_spark_that_ends_leaves_the_rooms_of_its_channel(primus: Any) -> None:
    (one, wire), (two, _) = members(primus, "news", 2)
    news = primus.channel("news")
    one.join("red")
    two.join("red")

    wire.lose()
    two.leave("red")

    assert news.is_room_empty("red")
    assert news.rooms() == []


def test_a_transform_of_a_room_sees_the_spark_of_the_channel(primus: Any) -> None:
    ((one, wire),) = members(primus, "news", 1)
    one.join("red")

    def transform(packet: Any, spark: Any) -> None:
        packet.data[0] = spark.id

    primus.channel("news").room("red").transform(transform).write("?")

    assert wire.sent == ['[0,"member-news-0","news","member-news-0"]']


async def test_other_threads_write_to_rooms_of_a_channel(primus: Any) -> None:
    ((one, wire),) = members(primus, "news", 1)
    one.join("red")
    news = primus.channel("news")

    def write() -> None:
        news.room("red").write(1)
        news.thread.room("red").write(2)
        with pytest.raises(ParserError):
            news.room("red").write({1, 2})
        with pytest.raises(ParserError):
            news.write({1, 2})

    await asyncio.to_thread(write)

    assert [primus.parser.decode(frame)[3] for frame in wire.sent] == [1, 2]


def test_an_id_that_is_taken_shares_no_rooms(primus: Any) -> None:
    ((one, first),) = members(primus, "news", 1)
    _, second = join(primus)
    second.receive('[1,"member-news-0","news"]')
    one.join("secret")

    primus.channel("news").room("secret").write(1)

    assert (len(first.sent), second.sent) == (1, [])


def test_plugging_rooms_out_and_in_again_makes_new_ones(primus: Any) -> None:
    ((one, wire),) = members(primus, "news", 1)
    one.join("red")
    primus.plugout("rooms")
    primus.use("rooms")

    assert one.rooms() == []
    one.join("red")
    wire.lose()
    assert primus.channel("news").rooms() == []
