"""Servers that tell one another which users they have, and the clients that are told."""

from __future__ import annotations

import asyncio
from functools import reduce
from pathlib import Path
from typing import Any, Final

import pytest

from primus import OptionError, Primus
from primus_presence import PresenceError
from primus_testing import MemoryTransformer, Tracebacks, eventually, join

NESTED: Final = reduce(lambda inner, _: [inner], range(1000), "x")
"""What a client may give for a name: to show all of it would be a `RecursionError`."""


def story(primus: Any) -> list[Any]:
    return list(primus.presence.story)


# -- one server


async def test_a_user_joins_and_leaves_once_however_many_connections_it_has(cluster: Any) -> None:
    primus = await cluster.server("presence")
    one, two = join(primus)[0], join(primus)[0]

    primus.presence.track(one, "lobby", "ann", {"mood": "fine"})
    primus.presence.track(two, "lobby", "ann", {"mood": "fine"})
    one.end()
    await cluster.wait(6.0)
    assert primus.presence.list("lobby") == {"ann": {"mood": "fine"}}
    two.end()
    await cluster.wait(4.0)
    assert primus.presence.count("lobby") == 1
    await cluster.wait(2.0)

    assert primus.presence.rooms == []
    assert story(primus) == [
        ("join", "ann", {"mood": "fine"}, "lobby"),
        ("leave", "ann", {"mood": "fine"}, "lobby"),
    ]


@pytest.mark.parametrize(("plugin", "count"), [("presence", 1), ("backplane, presence", 0)])
async def test_other_processes_on_the_port_are_told_of_once_where_nothing_brings_their_users(
    cluster: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tracebacks: Tracebacks,
    plugin: str,
    count: int,
) -> None:
    tracebacks.expect(*(["Name a bus that they share"] if count == 0 else []))
    monkeypatch.setattr("primus.server.hosts.siblings.shares_a_port", lambda: True)
    monkeypatch.setattr("primus.server.hosts.siblings.PROC", Path("/"))
    primus = await cluster.server(plugin)

    for _ in range(3):
        join(primus)

    assert caplog.text.count("presence: other processes take connections") == count


async def test_a_user_that_is_back_within_the_grace_has_not_left(cluster: Any) -> None:
    primus = await cluster.server("presence")
    spark = join(primus)[0]
    primus.presence.track(spark, "lobby", "ann")

    spark.end()
    await cluster.wait(4.0)
    primus.presence.track(join(primus)[0], "lobby", "ann")
    await cluster.wait(10.0)

    assert story(primus) == [("join", "ann", None, "lobby")]


@pytest.mark.parametrize("how", ["untrack", "end"])
async def test_a_connection_that_goes_says_nothing_of_a_user_that_stays(
    cluster: Any, how: str
) -> None:
    one, two = await cluster.server(), await cluster.server()
    sparks = [join(one)[0], join(one)[0]]
    for spark in sparks:
        one.presence.track(spark, "lobby", "ann", "old")
    await cluster.wait(1.0)
    two.presence.track(join(two)[0], "lobby", "ann", "new")
    await cluster.wait(1.0)

    if how == "end":
        sparks[1].end()
    else:
        one.presence.untrack(sparks[1], "lobby")
    await cluster.wait(1.0)

    assert one.presence.list("lobby") == two.presence.list("lobby") == {"ann": "new"}


async def test_a_user_that_is_untracked_leaves_at_once(cluster: Any) -> None:
    primus = await cluster.server("presence")
    spark = join(primus)[0]
    primus.presence.track(spark, "a", "ann")
    primus.presence.track(spark, "b", "ann")
    primus.presence.track(spark, "c", "ann")

    primus.presence.untrack(spark, "b")
    primus.presence.untrack(spark, "b")
    assert primus.presence.rooms == ["a", "c"]
    primus.presence.untrack(spark)
    primus.presence.untrack(spark)

    assert primus.presence.rooms == []
    assert not primus.presence.has("a", "ann")


async def test_what_was_said_last_of_a_user_counts(cluster: Any) -> None:
    primus = await cluster.server("presence")
    one, two = join(primus)[0], join(primus)[0]
    primus.presence.track(one, "lobby", "ann", 1)
    primus.presence.track(two, "lobby", "ann", 2)
    primus.presence.track(one, "lobby", "ann", 3)
    assert primus.presence.list("lobby") == {"ann": 3}

    primus.presence.untrack(one)

    assert primus.presence.list("lobby") == {"ann": 2}
    assert [info for _, _, info, _ in story(primus)] == [1, 2, 3, 2]


async def test_a_spark_is_one_user_in_a_room_and_by_default_itself(cluster: Any) -> None:
    primus = await cluster.server("presence")
    spark = join(primus)[0]

    primus.presence.track(spark, "lobby")
    assert primus.presence.has("lobby", spark.id)
    primus.presence.track(spark, "lobby", "ann")

    assert primus.presence.list("lobby") == {"ann": None}


async def test_a_spark_that_has_ended_is_not_tracked(cluster: Any) -> None:
    primus = await cluster.server("presence")
    spark = join(primus)[0]
    spark.end()
    await cluster.turns()

    primus.presence.track(spark, "lobby", "ann")

    assert primus.presence.rooms == []


async def test_a_listener_may_track(cluster: Any) -> None:
    primus = await cluster.server("presence")
    spark = join(primus)[0]

    @primus.presence.on("join")
    def joined(user: str, info: Any, room: str) -> None:
        if room == "lobby":
            primus.presence.track(spark, "hall", user)

    primus.presence.track(spark, "lobby", "ann")

    assert primus.presence.rooms == ["lobby", "hall"]
    assert [room for *_, room in story(primus)] == ["lobby", "hall"]


@pytest.mark.parametrize(
    ("room", "user", "info"),
    [
        ("", "ann", None),
        ("lobby", "", None),
        (None, "ann", None),
        ("x" * 255, "ann", None),
        ("lobby", "\x00" * 43, None),
        ("lobby", 5, None),
        (NESTED, "ann", None),
        ("lobby", NESTED, None),
        ("lobby", "ann", object()),
        ("lobby", "ann", float("nan")),
        ("lobby", "ann", "x" * 1023),
    ],
)
async def test_names_and_infos_are_bounded(cluster: Any, room: Any, user: Any, info: Any) -> None:
    primus = await cluster.server("presence")
    spark = join(primus)[0]

    with pytest.raises(PresenceError):
        primus.presence.track(spark, room, user, info)

    assert primus.presence.rooms == []


async def test_a_spark_is_in_no_more_than_a_thousand_rooms(cluster: Any) -> None:
    primus = await cluster.server("presence")
    spark = join(primus)[0]
    for number in range(1000):
        primus.presence.track(spark, f"room {number}", "ann")

    primus.presence.track(spark, "room 5", "ann", "again")
    with pytest.raises(PresenceError, match="1000 rooms"):
        primus.presence.track(spark, "one more", "ann")


@pytest.mark.parametrize(
    "options",
    [
        {"presence_limit": -1},
        {"presence_limit": True},
        {"presence_grace": "5"},
        {"presence_grace": -1},
    ],
)
def test_options_are_checked(options: Any) -> None:
    with pytest.raises(OptionError, match="presence_"):
        Primus(transformer=MemoryTransformer, plugin="presence", **options)


@pytest.mark.parametrize("grace", [0, None, False])
async def test_there_may_be_no_grace(cluster: Any, grace: Any) -> None:
    primus = await cluster.server("presence", presence_grace=grace)
    spark = join(primus)[0]
    primus.presence.track(spark, "lobby", "ann")

    spark.end()
    await cluster.turns()

    assert primus.presence.rooms == []


# -- several servers


async def test_a_user_on_two_servers_joins_and_leaves_once_on_each(cluster: Any) -> None:
    one, two = await cluster.server(), await cluster.server()
    here, there = join(one)[0], join(two)[0]
    one.presence.track(here, "lobby", "ann", 1)
    two.presence.track(there, "lobby", "ann", 2)
    await cluster.wait(0.5)
    assert one.presence.list("lobby") == two.presence.list("lobby")

    here.end()
    await cluster.wait(7.0)
    assert one.presence.has("lobby", "ann")
    there.end()
    await cluster.wait(7.0)

    for server in (one, two):
        assert server.presence.rooms == []
        kinds = [kind for kind, *_ in story(server) if kind != "update"]
        assert kinds == ["join", "leave"]


async def test_a_server_that_is_new_knows_all_members(cluster: Any) -> None:
    one = await cluster.server()
    spark = join(one)[0]
    for number in range(900):
        one.presence.track(spark, f"room {number}", "ann", "x" * 500)
    await cluster.wait(1.0)

    two = await cluster.server()
    await cluster.wait(0.5)

    assert two.presence.rooms == one.presence.rooms
    assert len(story(two)) == 900


async def test_the_users_of_a_server_that_is_killed_leave_once(cluster: Any) -> None:
    one, two, three = [await cluster.server() for _ in range(3)]
    one.presence.track(join(one)[0], "lobby", "ann")
    two.presence.track(join(two)[0], "lobby", "bob")
    await cluster.wait(0.5)

    kill(one)
    await cluster.wait(5.0)
    assert three.presence.count("lobby") == 2
    two.presence.track(join(two)[0], "lobby", "cid")
    await cluster.wait(14.0)

    for server in (two, three):
        assert set(server.presence.list("lobby")) == {"bob", "cid"}
        left = [event for event in story(server) if event[0] == "leave"]
        assert left == [("leave", "ann", None, "lobby")]


async def test_a_user_of_a_killed_server_that_comes_to_another_one_has_not_left(
    cluster: Any,
) -> None:
    one, two = await cluster.server(), await cluster.server()
    one.presence.track(join(one)[0], "lobby", "ann")
    await cluster.wait(0.5)

    kill(one)
    two.presence.track(join(two)[0], "lobby", "ann")
    await cluster.wait(25.0)

    assert story(two) == [("join", "ann", None, "lobby")]


async def test_a_server_that_ends_says_so(cluster: Any) -> None:
    one, two = await cluster.server(), await cluster.server()
    one.presence.track(join(one)[0], "lobby", "ann")
    await cluster.wait(0.5)

    await one.destroy()
    await cluster.wait(6.0)

    assert [kind for kind, *_ in story(two)] == ["join", "leave"]


async def test_changes_that_are_missing_are_asked_for(cluster: Any) -> None:
    one, two = await cluster.server(), await cluster.server()
    spark = join(one)[0]
    one.presence.track(spark, "lobby", "ann")
    await cluster.wait(0.5)
    taking = two.backplane._arrivals.take
    two.backplane._arrivals.take = lambda *entry: None

    one.presence.track(spark, "hall", "ann")
    one.presence.untrack(spark, "lobby")
    await cluster.wait(0.5)
    assert two.presence.rooms == ["lobby"]
    two.backplane._arrivals.take = taking
    await cluster.wait(12.0)

    assert two.presence.rooms == ["hall"]


async def test_a_gap_is_filled_at_once(cluster: Any) -> None:
    one, two = await cluster.server(), await cluster.server()
    await cluster.wait(0.5)
    taking = two.backplane._arrivals.take
    two.backplane._arrivals.take = lambda *entry: None
    one.presence.track(join(one)[0], "lobby", "ann")
    await cluster.wait(0.2)
    two.backplane._arrivals.take = taking

    two.backplane.dispatch("gap", 0)
    await cluster.wait(0.5)

    assert two.presence.rooms == ["lobby"]


async def test_what_is_no_message_of_the_plugin_is_refused(cluster: Any, tracebacks: Any) -> None:
    one, two = await cluster.server(), await cluster.server()
    await cluster.wait(0.5)

    for head in ({}, {"is": "change"}, {"is": "beat", "v": "1"}, {"is": "ask"}, {"is": "bye"}):
        one.backplane.post("presence", head, "-", b"{", key="presence")
    one.backplane.post("presence", {"is": "change", "v": 1}, "-", b'[["a",1,1]]', key="presence")
    await cluster.wait(1.0)
    tracebacks.expect("is no number")
    tracebacks.expect("tells what is none")
    two.presence.track(join(two)[0], "lobby", "ann")
    await cluster.wait(0.5)

    assert one.presence.rooms == ["lobby"]


def kill(primus: Any) -> None:
    """End a server as a signal would: it says nothing more, and its lease is not renewed."""
    primus.presence._has_left = True
    for alarm in primus.presence._alarms.values():
        alarm.stop()
    bus = primus.backplane.bus
    with bus._hub.lock:
        hub = bus._hub
        del hub.members[primus.node]
        bus._timer.cancel()


# -- clients


def heard(socket: Any) -> list[Any]:
    return [(name.removeprefix("presence "), *args) for name, *args in socket.story]


async def test_a_client_is_told_of_the_room_it_is_in(cluster: Any) -> None:
    one, two = await cluster.server(), await cluster.server()
    socket = await cluster.socket(one)
    one.presence.track(socket.spark, "lobby", "ann", 1)
    await cluster.wait(0.3)
    other = join(two)[0]

    two.presence.track(other, "lobby", "bob", 2)
    await cluster.wait(1.5)
    two.presence.track(other, "lobby", "bob", 3)
    await cluster.wait(1.5)
    two.presence.untrack(other)
    await cluster.wait(1.5)
    one.presence.untrack(socket.spark)
    await cluster.wait(0.5)

    assert heard(socket) == [
        ("state", "lobby", {"ann": 1}),
        ("join", "lobby", "bob", 2),
        ("update", "lobby", "bob", 3),
        ("leave", "lobby", "bob"),
        ("end", "lobby"),
    ]
    assert socket.presence.rooms == []


async def test_a_client_may_watch_a_room_that_it_is_not_in(cluster: Any) -> None:
    primus = await cluster.server("presence")
    socket = await cluster.socket(primus)
    assert primus.presence.watch(socket.spark, "lobby") is True
    primus.presence.track(join(primus)[0], "lobby", "ann")
    await cluster.wait(0.5)

    assert heard(socket) == [("state", "lobby", {"ann": None})]
    assert socket.presence.members("lobby") == {"ann": None}
    assert socket.presence.count("lobby") == 1


async def test_a_client_is_told_once_a_second(cluster: Any) -> None:
    primus = await cluster.server("presence")
    socket = await cluster.socket(primus)
    primus.presence.watch(socket.spark, "lobby")
    await cluster.wait(0.2)
    sent: list[Any] = []
    sending = socket.spark.send_control
    socket.spark.send_control = lambda *args: (sent.append(args), sending(*args))

    for number in range(50):
        primus.presence.track(join(primus)[0], "lobby", f"user {number}")
        await cluster.wait(0.1)

    assert 4 <= len(sent) <= 6
    assert len(socket.presence.members("lobby")) >= 40


async def test_of_a_large_room_there_is_a_count_alone_until_it_is_well_below_the_limit(
    cluster: Any,
) -> None:
    primus = await cluster.server("presence", presence_limit=10)
    socket = await cluster.socket(primus)
    sparks = [join(primus)[0] for _ in range(11)]
    for number, spark in enumerate(sparks):
        primus.presence.track(spark, "lobby", f"u{number}")
    primus.presence.watch(socket.spark, "lobby")
    await cluster.wait(1.5)
    assert socket.presence.members("lobby") is None

    primus.presence.untrack(sparks.pop())
    await cluster.wait(1.5)
    primus.presence.untrack(sparks.pop())
    await cluster.wait(1.5)

    assert heard(socket)[:2] == [("count", "lobby", 11), ("count", "lobby", 10)]
    assert heard(socket)[2][0] == "state"
    assert len(socket.presence.members("lobby")) == 9


async def test_a_client_without_the_plugin_gets_the_same_bytes(cluster: Any) -> None:
    primus = await cluster.server("presence")
    spark, wire = join(primus)
    before = list(wire.sent)

    primus.presence.track(spark, "lobby", "ann")
    assert primus.presence.watch(spark, "lobby") is False
    await cluster.wait(2.0)
    primus.presence.untrack(spark)
    await cluster.wait(2.0)

    assert wire.sent == before


async def test_what_a_client_sends_announces_nothing(cluster: Any) -> None:
    primus = await cluster.server("presence")
    socket = await cluster.socket(primus)

    socket.send_control("presence", '{"room":"lobby","count":1,"state":{"eve":1}}')
    await cluster.wait(0.5)

    assert primus.presence.rooms == []
    assert socket.presence.rooms == []


async def test_a_spark_watches_no_more_than_a_thousand_rooms(cluster: Any) -> None:
    primus = await cluster.server("presence")
    socket = await cluster.socket(primus)
    for number in range(1000):
        primus.presence.watch(socket.spark, f"room {number}")

    with pytest.raises(PresenceError, match="1000 rooms"):
        primus.presence.watch(socket.spark, "one more")


async def test_a_client_that_has_left_is_forgotten(cluster: Any) -> None:
    primus = await cluster.server("presence")
    socket = await cluster.socket(primus)
    primus.presence.track(socket.spark, "lobby", "ann")

    socket.end()
    await eventually(lambda: not len(primus))
    await cluster.wait(6.0)

    presence = primus.presence
    assert (presence._tracked, presence._watched, presence._views, presence._sparks) == (
        {},
        {},
        {},
        {},
    )


def test_a_server_that_goes_on_in_another_event_loop_sees_users_leave() -> None:
    primus: Any = Primus(
        transformer=MemoryTransformer,
        plugin="presence",
        presence_grace=0.02,
        timeout=False,
        ping_interval=False,
    )
    left: list[str] = []
    primus.presence.on("leave", lambda user, *_: left.append(user))

    async def visit(user: str) -> None:
        spark, _ = join(primus)
        primus.presence.track(spark, "lobby", user)
        spark.end()

    async def go_on() -> None:
        await visit("ben")
        await eventually(lambda: "ben" in left)

    asyncio.run(visit("ann"))
    asyncio.run(go_on())


async def test_a_client_that_comes_back_forgets_the_rooms_that_it_is_told_of_no_longer(
    cluster: Any,
) -> None:
    server = await cluster.server()
    socket = await cluster.socket(server, strategy=("disconnect",))
    for room in ("here", "elsewhere"):
        server.presence.track(socket.spark, room, "ann")
    await cluster.wait(1.5)
    assert sorted(socket.presence.rooms) == ["elsewhere", "here"]

    socket.spark.end(reconnect=True)
    await cluster.wait(3)
    (spark,) = server
    server.presence.track(spark, "here", "ann")
    await cluster.wait(1.5)
    assert sorted(socket.presence.rooms) == ["elsewhere", "here"]  # as it may still be told
    socket.story.clear()
    await cluster.wait(5)

    assert socket.presence.rooms == ["here"]
    assert socket.presence.members("here") == {"ann": None}
    assert socket.presence.members("elsewhere") is None
    assert socket.story == [("presence end", "elsewhere")]
