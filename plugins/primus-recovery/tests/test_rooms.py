"""Rooms with history: what a client that was away gets, and what it is told."""

from __future__ import annotations

from typing import Any

import pytest

from primus import OptionError, Primus
from primus_testing import ManualClock, MemoryTransformer, join


def joins(primus: Primus, *rooms: str) -> None:
    """Let each spark join these rooms."""
    primus.on("connection", lambda spark: spark.join(list(rooms)))


def data(socket: Any) -> list[Any]:
    return [message for message, *_ in socket.story.seen("data")]


async def test_a_client_gets_what_its_room_got_while_it_was_away(cluster: Any) -> None:
    one, two = await cluster.server(), await cluster.server()
    for primus in (one, two):
        joins(primus, "news")
    socket = await cluster.socket(one)
    one.room("news").write(1)
    await cluster.turns()

    cluster.cut(socket)
    two.room("news").write(2)
    one.room("news").write(3)
    await cluster.turns()
    await cluster.back(socket, two)
    one.room("news").write(4)
    await cluster.turns()

    assert data(socket) == [1, 2, 3, 4]
    assert socket.recovered == {"rooms": True, "session": True, "missed": 2}
    assert socket.story.story[-4:] == ["recovered", "data", "data", "data"]


async def test_a_client_that_joins_late_gets_all_at_once_and_in_order(cluster: Any) -> None:
    one, two = await cluster.server(), await cluster.server()
    joins(one, "a", "b")
    sparks: list[Any] = []
    two.on("connection", sparks.append)
    socket = await cluster.socket(one)
    cluster.cut(socket)
    for room in "abab":
        two.room(room).write(room)
    await cluster.turns()

    await cluster.back(socket, two)
    sparks[0].join("a")
    two.room("a").write("live")
    await cluster.turns()
    assert data(socket) == []
    sparks[0].join("b")
    await cluster.turns()

    assert data(socket) == ["a", "b", "a", "b", "live"]
    assert socket.recovered == {"rooms": True, "session": True, "missed": 5}


async def test_a_room_that_is_not_joined_in_time_is_a_hole(
    cluster: Any, clock: ManualClock
) -> None:
    one, two = await cluster.server(), await cluster.server()
    joins(one, "a", "b")
    joins(two, "a")
    socket = await cluster.socket(one)
    cluster.cut(socket)
    two.room("a").write("missed")
    await cluster.turns()

    await cluster.back(socket, two)
    two.room("a").write("live")
    await cluster.turns()
    assert socket.recovered is None
    clock.advance(2.0)
    await cluster.turns()

    assert socket.recovered == {"rooms": False, "session": True, "missed": 1}
    assert data(socket) == ["live"]


async def test_the_rooms_of_before_can_be_joined_ahead_of_the_listeners(cluster: Any) -> None:
    one = await cluster.server()
    two = await cluster.server(recovery_rooms=True)
    joins(one, "news")
    seen: list[Any] = []
    two.on("connection", lambda spark: seen.append((spark.rooms(), dict(spark.recovered))))
    socket = await cluster.socket(one)
    cluster.cut(socket)
    one.room("news").write(1)
    await cluster.turns()

    await cluster.back(socket, two)

    assert seen == [(["news"], {"rooms": True, "session": True, "missed": 1})]
    assert data(socket) == [1]


@pytest.mark.parametrize("is_async", [False, True])
async def test_a_function_decides_again_which_rooms_are_joined(
    cluster: Any, is_async: bool
) -> None:
    async def later(spark: Any, room: str) -> bool:
        return room == "news"

    allows = later if is_async else (lambda spark, room: room == "news")
    one = await cluster.server()
    two = await cluster.server(recovery_rooms=allows)
    joins(one, "news", "staff")
    socket = await cluster.socket(one)
    cluster.cut(socket)
    one.room("staff").write("secret")
    one.room("news").write("public")
    await cluster.turns()

    await cluster.back(socket, two)
    (spark,) = two
    assert spark.rooms() == ["news"]
    cluster.clock.advance(2.0)
    await cluster.turns()

    assert socket.recovered["rooms"] is False
    assert data(socket) == []


async def test_nothing_from_before_a_join_comes_with_a_token(cluster: Any) -> None:
    one, two = await cluster.server(), await cluster.server(recovery_rooms=True)
    socket = await cluster.socket(one)
    one.room("news").write("before")
    await cluster.turns()
    (spark,) = one
    spark.join("news")
    await cluster.turns()

    await cluster.move(socket, two)

    assert socket.recovered == {"rooms": True, "session": True, "missed": 0}
    assert data(socket) == []


async def test_a_token_from_before_a_departure_brings_nothing_back(cluster: Any) -> None:
    one, two = await cluster.server(), await cluster.server(recovery_rooms=True)
    joins(one, "news")
    socket = await cluster.socket(one)
    old = socket._comeback._tracker.token
    (spark,) = one
    spark.leave("news")
    one.room("news").write("after")
    await cluster.turns()
    assert socket._comeback._tracker.token != old

    socket._comeback._tracker.token = old
    await cluster.move(socket, two)

    assert socket.recovered["rooms"] is False
    (spark,) = two
    assert spark.rooms() == []
    assert data(socket) == []


@pytest.mark.parametrize(
    "how",
    [
        lambda primus, spark: spark.leave("user:*", wildcard=True),
        lambda primus, spark: spark.leave_all(),
        lambda primus, spark: primus.leave(spark, "user:1"),
        lambda primus, spark: primus.empty("user:1"),
        lambda primus, spark: primus.empty(),
    ],
    ids=["by a pattern", "all", "by the server", "emptied", "all emptied"],
)
async def test_however_a_client_is_taken_out_its_token_is_good_for_the_room_no_more(
    cluster: Any, how: Any
) -> None:
    one, two = await cluster.server(), await cluster.server(recovery_rooms=True)
    joins(one, "user:1")
    socket = await cluster.socket(one)
    old = socket._comeback._tracker.token
    (spark,) = one
    how(one, spark)
    one.room("user:1").write("after")
    await cluster.turns()

    socket._comeback._tracker.token = old
    await cluster.move(socket, two)

    assert socket.recovered["rooms"] is False
    assert data(socket) == []


async def test_a_message_that_leaves_a_client_out_does_not_come_later(cluster: Any) -> None:
    one, two = await cluster.server(), await cluster.server()
    for primus in (one, two):
        joins(primus, "news")
    socket = await cluster.socket(one)
    (spark,) = one
    cluster.cut(socket)
    one.room("news").except_(spark.id).write("of its own")
    one.room("news").write("of others")
    await cluster.turns()

    await cluster.back(socket, two)

    assert data(socket) == ["of others"]


async def test_a_server_that_starts_reads_what_the_bus_still_keeps(cluster: Any) -> None:
    one = await cluster.server()
    joins(one, "news")
    socket = await cluster.socket(one)
    cluster.cut(socket)
    one.room("news").write(1)
    await cluster.turns()

    two = await cluster.server(recovery_rooms=True)
    await cluster.back(socket, two)

    assert socket.recovered == {"rooms": True, "session": True, "missed": 1}
    assert data(socket) == [1]


async def test_what_is_older_than_the_window_is_a_hole(cluster: Any, clock: ManualClock) -> None:
    one, two = await cluster.server(), await cluster.server(recovery_rooms=True)
    joins(one, "news")
    socket = await cluster.socket(one)
    cluster.cut(socket)
    one.room("news").write(1)
    await cluster.turns()
    clock.advance(121)
    two.room("news").write(2)
    await cluster.turns()

    await cluster.back(socket, two)

    assert socket.recovered["rooms"] is False
    assert data(socket) == []


async def test_another_epoch_of_the_bus_is_a_gap_and_then_a_hole(cluster: Any) -> None:
    one, two = await cluster.server(), await cluster.server(recovery_rooms=True)
    joins(one, "news")
    socket = await cluster.socket(one)
    old = socket._comeback._tracker.token

    await one.backplane.bus.end_epoch()
    await cluster.turns()
    assert socket.story.story[-1] == "gap"
    assert socket._comeback._tracker.token != old
    one.room("news").write(1)
    await cluster.turns()
    await cluster.move(socket, two)
    assert socket.recovered["rooms"] is True

    cluster.cut(socket)
    await one.backplane.bus.end_epoch()
    await cluster.turns()
    await cluster.back(socket, one)
    assert socket.recovered["rooms"] is False


async def test_no_client_has_a_position_once_messages_were_delivered_without_the_bus(
    cluster: Any, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = await cluster.server(), await cluster.server()
    for primus in (one, two):
        joins(primus, "news")
    leaves, comes = await cluster.socket(one), await cluster.socket(two)
    posted: list[Any] = []
    post = one.backplane.bus.post
    monkeypatch.setattr(one.backplane.bus, "post", lambda *args: posted.append(args))

    for number in range(2):
        one.room("news").write(number)
        await cluster.turns()
        clock.advance(1.0)
        await cluster.turns()
    assert leaves.story.story == ["open", "data", "gap", "data"]
    await cluster.move(leaves, two)
    await cluster.move(comes, one)
    monkeypatch.undo()
    for args in posted:
        post(*args)
    await cluster.turns(40)

    assert data(leaves) == [0, 1, 0, 1]
    assert data(comes) == []
    for socket in (leaves, comes):
        assert socket.recovered == {"rooms": False, "session": True, "missed": 0}
        await cluster.move(socket, one)  # of the next epoch
        assert socket.recovered["rooms"] is True


async def test_an_epoch_of_another_server_makes_no_positions_of_what_was_delivered_without_the_bus(
    cluster: Any, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = await cluster.server(), await cluster.server()
    for primus in (one, two):
        joins(primus, "news")
    socket = await cluster.socket(one)
    posted: list[Any] = []
    post = one.backplane.bus.post
    monkeypatch.setattr(one.backplane.bus, "post", lambda *args: posted.append(args))
    one.room("news").write(1)
    await cluster.turns()
    clock.advance(1.0)
    await cluster.turns()

    await two.backplane.bus.end_epoch()  # it was without the bus as well, and is back first
    await cluster.turns()
    await cluster.move(socket, two)
    monkeypatch.undo()
    for args in posted:
        post(*args)
    await cluster.turns(40)

    assert data(socket) == [1, 1]
    assert socket.recovered["rooms"] is False
    await cluster.move(socket, one)  # of the epoch that this one has begun
    assert socket.recovered["rooms"] is True


async def test_messages_that_do_not_come_are_a_gap_and_no_recovery(cluster: Any) -> None:
    one, two = await cluster.server(), await cluster.server(recovery_rooms=True)
    joins(one, "news")
    socket = await cluster.socket(one)

    for primus in (one, two):
        primus.backplane.has_gap(0)
    await cluster.turns()
    assert socket.story.story[-1] == "gap"
    await cluster.move(socket, two)
    assert socket.recovered["rooms"] is False


async def test_too_many_messages_are_a_hole(cluster: Any) -> None:
    one, two = await cluster.server(), await cluster.server(recovery_rooms=True)
    joins(one, "news")
    socket = await cluster.socket(one)
    cluster.cut(socket)
    for number in range(1001):
        one.room("news").write(number)
    await cluster.turns()

    await cluster.back(socket, two)

    assert socket.recovered["rooms"] is False
    assert data(socket) == []


async def test_more_than_a_connection_may_hold_is_a_hole(cluster: Any) -> None:
    one, two = await cluster.server(), await cluster.server(recovery_rooms=True, high_water=1000)
    joins(one, "news")
    socket = await cluster.socket(one)
    cluster.cut(socket)
    one.room("news").write("x" * 1000)
    await cluster.turns()

    await cluster.back(socket, two)

    assert socket.recovered["rooms"] is False
    assert data(socket) == []


@pytest.mark.parametrize("is_quiet", [True, False])
async def test_a_message_that_a_slow_client_does_not_get_is_a_gap_it_is_told_of(
    cluster: Any, clock: ManualClock, is_quiet: bool
) -> None:
    one = await cluster.server(slow_consumer="drop", high_water=100)
    joins(one, "news")
    socket = await cluster.socket(one)
    (spark,) = one
    spark._transport.clog()
    for text in ("x" * 200, "dropped"):
        one.room("news").write(text)
        await cluster.turns()
    clock.advance(5.0)
    spark._transport.unclog()
    assert "gap" not in socket.story.story

    if is_quiet:
        clock.advance(5.0)
    one.room("news").write("after")
    await cluster.turns()

    assert data(socket) == ["x" * 200, "after"]
    assert socket.story.story[-2:] == ["gap", "data"]


async def test_the_last_message_comes_with_a_join_in_cache_mode(cluster: Any) -> None:
    history = {"board*": "cache", "news": True}
    one = await cluster.server(rooms={"history": history})
    two = await cluster.server(rooms={"history": history})
    for room in ("board 1", "news", "other"):
        one.room([room]).write(f"first in {room}")
        one.room([room]).write(f"last in {room}")
    await cluster.turns()
    joins(two, "board 1", "news", "other")

    _, wire = join(two)  # a client without the plugin
    await cluster.turns()
    socket = await cluster.socket(two)
    await cluster.turns()

    assert wire.sent == ['"last in board 1"']
    assert data(socket) == ["last in board 1"]


async def test_a_client_that_has_got_a_message_does_not_get_it_as_the_last_one(
    cluster: Any,
) -> None:
    options: dict[str, Any] = {"rooms": {"history": {"board": "cache"}}, "recovery_rooms": True}
    one, two = await cluster.server(**options), await cluster.server(**options)
    for primus in (one, two):
        joins(primus, "board")
    socket = await cluster.socket(one)
    one.room("board").write(1)
    await cluster.turns()
    cluster.cut(socket)
    one.room("board").write(2)
    await cluster.turns()

    await cluster.back(socket, two)
    (spark,) = two
    spark.join("board")
    await cluster.turns()

    assert data(socket) == [1, 2]


async def test_a_room_that_is_new_to_a_client_that_is_back_gives_its_last_message(
    cluster: Any,
) -> None:
    history = {"board": "cache", "news": True}
    one = await cluster.server(rooms={"history": history})
    two = await cluster.server(rooms={"history": history})
    joins(one, "news")
    joins(two, "board", "news")
    one.room("board").write("last")
    await cluster.turns()
    socket = await cluster.socket(one)
    cluster.cut(socket)
    one.room("news").write("missed")
    await cluster.turns()

    await cluster.back(socket, two)

    assert sorted(data(socket)) == ["last", "missed"]
    assert socket.recovered == {"rooms": True, "session": True, "missed": 1}


async def test_rooms_without_history_are_as_ever(cluster: Any) -> None:
    one = await cluster.server(rooms={"history": {"news": True}})
    two = await cluster.server(rooms={"history": {"news": True}}, recovery_rooms=True)
    joins(one, "other")
    socket = await cluster.socket(one)
    one.room("other").write(1)
    await cluster.turns()
    cluster.cut(socket)
    one.room("other").write(2)
    await cluster.turns()

    await cluster.back(socket, two)

    assert data(socket) == [1]
    assert socket.recovered == {"rooms": True, "session": True, "missed": 0}


async def test_a_client_in_a_pattern_of_rooms_cannot_recover(cluster: Any) -> None:
    one, two = await cluster.server(), await cluster.server(recovery_rooms=True)
    one.on("connection", lambda spark: spark.join("user:*", wildcard=True))
    socket = await cluster.socket(one)
    one.room("user:1").write(1)
    await cluster.turns()

    await cluster.move(socket, two)

    assert data(socket) == [1]
    assert socket.recovered["rooms"] is False


async def test_an_outgoing_transform_sees_what_comes_late(cluster: Any) -> None:
    one, two = await cluster.server(), await cluster.server(recovery_rooms=True)
    for primus in (one, two):
        joins(primus, "news")
        primus.transform("outgoing", lambda packet: packet.data != "swallowed")
    socket = await cluster.socket(one)
    one.room("news").write("swallowed")
    one.room("news").write("live")
    await cluster.turns()
    cluster.cut(socket)
    one.room("news").write("swallowed")
    one.room("news").write("late")
    await cluster.turns()

    await cluster.back(socket, two)
    two.room("news").write("at last")
    await cluster.turns()

    assert data(socket) == ["live", "late", "at last"]
    assert socket.recovered["rooms"] is True


async def test_clients_without_the_plugin_get_the_bytes_of_before(cluster: Any) -> None:
    one = await cluster.server()
    joins(one, "news")
    plain = Primus(transformer=MemoryTransformer, plugin="rooms", clock=cluster.clock)
    joins(plain, "news")
    wires = []
    for primus in (one, plain):
        spark, wire = join(primus)
        wires.append(wire)
        await cluster.turns()
        primus.room("news").write({"a": 1})
        spark.write("direct")
        primus.write("to all")
        await cluster.turns()
        spark.end()

    assert wires[0].sent == wires[1].sent or sorted(wires[0].sent) == sorted(wires[1].sent)
    await plain.destroy()


async def test_history_without_a_bus_is_a_warning(
    cluster: Any, caplog: pytest.LogCaptureFixture
) -> None:
    await cluster.server(plugin="rooms, recovery")
    await cluster.turns()

    assert "only with the plugin 'backplane'" in caplog.text


async def test_rooms_without_history_are_a_warning_unless_that_is_said(
    cluster: Any, caplog: pytest.LogCaptureFixture
) -> None:
    await cluster.server(rooms={"history": False})
    assert "no room has history" not in caplog.text

    await cluster.server(rooms={})

    assert "no room has history" in caplog.text


@pytest.mark.parametrize("history", [1, "news", ["news"], {"news": "all"}, {1: True}])
async def test_a_setting_that_is_none_is_refused(cluster: Any, history: Any) -> None:
    with pytest.raises(OptionError, match="history="):
        await cluster.server(rooms={"history": history})


async def test_a_server_that_plugs_it_out_goes_on_without(cluster: Any) -> None:
    one = await cluster.server()
    joins(one, "news")
    socket = await cluster.socket(one)
    one.room("news").write(1)
    await cluster.turns()

    one.plugout("recovery")
    one.room("news").write(2)
    await cluster.turns()
    one.empty("news")

    assert data(socket) == [1, 2]
    assert one.rooms.emptied == ()
