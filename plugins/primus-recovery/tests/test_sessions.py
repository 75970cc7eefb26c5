"""Sessions: what was written to a client, and what it wrote, over several connections."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from primus import Primus
from primus.clock import SystemClock, Timer
from primus_recovery.kept import Kept, Sessions
from primus_recovery.limits import RecoveryLimits
from primus_recovery.ring import Acks, Ring
from primus_testing import ManualClock, MemoryTransformer, Recorder, eventually, join

LIMITS = RecoveryLimits(
    ring_messages=3, ring_bytes=10, ack_messages=2, ack_seconds=5.0, sessions=2, session_bytes=8
)


def data(socket: Any) -> list[Any]:
    return [message for message, *_ in socket.story.seen("data")]


def lose_what_is_sent(socket: Any) -> None:
    """From now on nothing that either side sends arrives; neither knows."""
    wire = socket._transport
    wire.other.other = wire.other = None


# -- the ring, and what is acknowledged


def test_a_ring_keeps_the_newest_messages_by_number_and_size() -> None:
    ring = Ring(LIMITS)
    for frame in ("1", "2", "3", "4"):
        ring.add(frame)
    assert (ring.sent, ring.first, ring.frames, ring.size) == (4, 1, ("2", "3", "4"), 3)
    ring.add("123456789")
    assert (ring.first, ring.frames) == (4 - 0, ("123456789",)) or ring.frames[-1] == "123456789"
    assert ring.size <= 10


def test_a_ring_knows_what_a_peer_has_not_handled() -> None:
    ring = Ring(LIMITS, 5, ["a", "b"])
    assert (ring.sent, ring.first) == (7, 5)
    assert ring.since(4) is None
    assert ring.since(5) == ("a", "b")
    assert ring.since(6) == ("b",)
    assert ring.since(7) == ()
    assert ring.since(8) is None


def test_a_peer_cannot_acknowledge_what_was_not_sent() -> None:
    ring = Ring(LIMITS, 5, ["a", "b"])
    assert not ring.acknowledge(8)
    assert len(ring) == 2
    assert ring.acknowledge(6)
    assert ring.frames == ("b",)
    assert ring.acknowledge(2)
    assert ring.frames == ("b",)


def test_an_acknowledgement_is_due_after_a_number_of_messages_or_a_time() -> None:
    acks = Acks(LIMITS)
    assert not acks.due(0, 0.0)
    assert not acks.due(1, 0.0)
    assert acks.due(2, 0.0)
    assert acks.tell() == 2
    assert not acks.due(3, 1.0)
    assert not acks.due(3, 5.9)
    assert acks.due(3, 6.0)


# -- what a server keeps


def kept(*frames: str | bytes, parser: str = "json") -> Kept:
    return Kept(Ring(LIMITS, 0, frames), 7, parser)


def test_what_is_packed_is_unpacked() -> None:
    one = Kept(Ring(LIMITS, 4, ["é", b"\n\x00"]), 7, "json")

    other = Kept.unpacked(one.packed(), LIMITS)

    assert other is not None
    assert (other.ring.frames, other.ring.sent) == (("é", b"\n\x00"), 6)
    assert (other.handled, other.parser) == (7, "json")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]\nabc",
        b'{"sizes": 1}\n',
        b"\xff\n\xff",
        b"[" * 100_000,
        b'{"sizes": [], "texts": [], "sent": Infinity, "handled": 0, "parser": "json"}\n',
    ],
    ids=range(7),
)
def test_what_another_server_cannot_have_packed_is_nothing(data: bytes) -> None:
    assert Kept.unpacked(data, LIMITS) is None


def test_a_session_is_taken_once_and_in_time() -> None:
    sessions = Sessions(10.0, LIMITS)
    sessions.keep("a", kept("1"), 0.0)
    assert sessions.take("a", 1.0) is not None
    assert sessions.take("a", 1.0) is None
    sessions.keep("a", kept("1"), 0.0)
    assert sessions.take("a", 10.0) is None


def test_sessions_are_bounded_by_number_size_and_time() -> None:
    sessions = Sessions(10.0, LIMITS)
    for name in "abc":
        sessions.keep(name, kept("1"), 0.0)
    assert len(sessions) == 2
    sessions.keep("d", kept("12345678"), 0.0)
    assert [key for key, _ in sessions.take_all()] == ["d"]
    sessions.keep("a", kept("1"), 0.0)
    sessions.keep("b", kept("1"), 11.0)
    assert [key for key, _ in sessions.take_all()] == ["b"]
    assert len(sessions) == 0


# -- over connections


async def test_what_was_written_and_is_lost_under_way_comes_again(cluster: Any) -> None:
    one = await cluster.server()
    heard: list[Any] = []
    one.on("connection", lambda spark: spark.on("data", heard.append))
    socket = await cluster.socket(one)
    (spark,) = one
    spark.write("s1")
    socket.write("c1")
    await cluster.turns()
    lose_what_is_sent(socket)
    spark.write("s2")
    socket.write("c2")
    one.write("s3")  # a broadcast to this server alone

    cluster.cut(socket)
    socket.write("c3")
    spark.abort()
    await cluster.back(socket, one)

    assert data(socket) == ["s1", "s2", "s3"]
    assert heard == ["c1", "c2", "c3"]
    assert socket.recovered == {"rooms": True, "session": True, "missed": 2}


@pytest.mark.parametrize("moves", ["living", "half-open", "parked"])
async def test_another_server_takes_the_session_over(cluster: Any, moves: str) -> None:
    one, two = await cluster.server(), await cluster.server()
    heard: list[Any] = []
    for primus in (one, two):
        primus.on("connection", lambda spark: spark.on("data", heard.append))
    socket = await cluster.socket(one)
    (spark,) = one
    session = spark.session
    lose_what_is_sent(socket)
    spark.write("s1")
    socket.write("c1")
    if moves == "living":
        spark.abort()
    if moves == "parked":
        await one.destroy(reconnect=True)

    await cluster.move(socket, two)
    (spark,) = two
    spark.write("s2")
    socket.write("c2")
    await cluster.turns()

    assert data(socket) == ["s1", "s2"]
    assert heard == ["c1", "c2"]
    assert socket.recovered == {"rooms": True, "session": True, "missed": 1}
    assert spark.session == session
    assert len(one) == 0


async def test_a_client_that_goes_while_its_session_is_fetched_finds_it_the_next_time(
    cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = await cluster.server(), await cluster.server()
    socket = await cluster.socket(one)
    (spark,) = one
    lose_what_is_sent(socket)
    spark.write("s1")
    await one.destroy(reconnect=True)
    fetched, bus = asyncio.Event(), two.backplane.bus
    unpark = bus.unpark

    async def unpark_slowly(key: str) -> Any:
        data = await unpark(key)
        await fetched.wait()
        return data

    monkeypatch.setattr(bus, "unpark", unpark_slowly)
    await cluster.move(socket, two)
    cluster.cut(socket)
    await cluster.turns()
    fetched.set()
    await cluster.turns()

    await cluster.back(socket, two)

    assert data(socket) == ["s1"]
    assert socket.recovered["session"] is True


async def test_a_server_that_is_restarted_finds_the_sessions_that_it_has_left(
    cluster: Any,
) -> None:
    await cluster.server()  # without another one, a bus in memory is gone as well
    before = await cluster.server(node="n")
    socket = await cluster.socket(before)
    (spark,) = before
    lose_what_is_sent(socket)
    spark.write("s1")
    await before.destroy(reconnect=True)

    await cluster.move(socket, await cluster.server(node="n"))

    assert data(socket) == ["s1"]
    assert socket.recovered == {"rooms": True, "session": True, "missed": 1}


async def test_a_server_that_is_gone_is_a_hole_in_the_session_and_says_so(
    cluster: Any, clock: ManualClock
) -> None:
    one, two = await cluster.server(), await cluster.server()
    socket = await cluster.socket(one)
    one.backplane.drop("recovery-ask")
    one.backplane.carry("recovery-ask", lambda message: None)  # it hangs

    cluster.cut(socket)
    cluster.at(two)
    await cluster.turns()
    clock.advance(0.02)
    await cluster.turns()
    clock.advance(2.0)
    await eventually(lambda: socket.recovered)

    assert socket.recovered == {"rooms": True, "session": False, "missed": 0}


async def test_a_session_that_a_server_left_and_does_not_answer_for_is_not_waited_for(
    cluster: Any, clock: ManualClock
) -> None:
    """A server that ends hears nothing any more while its lease goes on."""
    one, two = await cluster.server(), await cluster.server(recovery_takeover=60.0)
    socket = await cluster.socket(one)
    asked: list[Any] = []
    one.backplane.drop("recovery-ask")
    one.backplane.carry("recovery-ask", asked.append)

    cluster.cut(socket)
    cluster.at(two)
    await cluster.turns()
    clock.advance(0.02)
    await eventually(lambda: asked)
    await one.recovery.close()
    await cluster.turns()
    clock.advance(0.25)
    await eventually(lambda: socket.recovered)

    assert socket.recovered == {"rooms": True, "session": True, "missed": 0}


async def test_what_is_written_while_a_session_is_fetched_comes_behind_what_was_lost(
    cluster: Any, clock: ManualClock
) -> None:
    one, two = await cluster.server(), await cluster.server(recovery_takeover=60.0)
    heard: list[Any] = []
    two.on("connection", lambda spark: spark.on("data", heard.append))
    socket = await cluster.socket(one)
    asked: list[Any] = []
    one.backplane.drop("recovery-ask")
    one.backplane.carry("recovery-ask", asked.append)
    lose_what_is_sent(socket)
    socket.write("lost")

    cluster.cut(socket)
    cluster.at(two)
    await cluster.turns()
    clock.advance(0.02)
    await eventually(lambda: asked)
    socket.write("later")
    clock.advance(30.0)
    await cluster.turns()
    assert heard == []
    one.recovery._asked_for(asked[0])
    await eventually(lambda: len(heard) == 2)

    assert heard == ["lost", "later"]
    assert socket.recovered == {"rooms": True, "session": True, "missed": 0}


async def test_both_sides_forget_what_the_other_has_acknowledged(
    cluster: Any, clock: ManualClock
) -> None:
    one = await cluster.server()
    socket = await cluster.socket(one)
    (spark,) = one
    follower = one.recovery._followers[spark]
    for number in range(40):
        spark.write(number)
        socket.write(number)
    await cluster.turns()
    assert (len(follower.ring), len(socket._comeback._ring)) == (8, 8)

    clock.advance(5.0)
    await cluster.turns()
    clock.advance(5.0)
    await cluster.turns()

    assert (len(follower.ring), len(socket._comeback._ring)) == (0, 0)


async def test_more_than_a_ring_keeps_is_a_hole(cluster: Any) -> None:
    one = await cluster.server()
    socket = await cluster.socket(one)
    (spark,) = one
    lose_what_is_sent(socket)
    for number in range(300):
        spark.write(number)

    cluster.cut(socket)
    spark.abort()
    await cluster.back(socket, one)

    assert socket.recovered["session"] is False
    assert data(socket) == []


async def test_more_than_the_ring_of_the_client_keeps_is_a_hole_too(cluster: Any) -> None:
    one = await cluster.server()
    heard: list[Any] = []
    one.on("connection", lambda spark: spark.on("data", heard.append))
    socket = await cluster.socket(one)
    (spark,) = one
    lose_what_is_sent(socket)
    for number in range(300):
        socket.write(number)

    cluster.cut(socket)
    spark.abort()
    await cluster.back(socket, one)
    socket.write("after")
    await cluster.turns()

    assert socket.recovered["session"] is False
    assert heard == ["after"]


async def test_a_message_that_waits_for_a_busy_listener_was_not_handled(cluster: Any) -> None:
    one = await cluster.server()
    heard: list[Any] = []
    go = asyncio.Event()

    @one.on("connection")
    def connection(spark: Any) -> None:
        @spark.on("data")
        async def data(message: Any) -> None:
            heard.append(message)
            await go.wait()

    socket = await cluster.socket(one)
    socket.write(1)
    socket.write(2)
    await cluster.turns()
    assert heard == [1]

    cluster.cut(socket)
    await cluster.back(socket, one)
    go.set()
    await eventually(lambda: heard == [1, 2])
    await cluster.turns()

    assert heard == [1, 2]
    assert socket.recovered["session"] is True


async def test_what_is_written_between_the_loss_of_the_wire_and_the_end_comes_too(
    cluster: Any,
) -> None:
    one = await cluster.server()
    go = asyncio.Event()

    @one.on("connection")
    def connection(spark: Any) -> None:
        @spark.on("data")
        async def data(message: Any) -> None:
            await go.wait()
            spark.write("answer")

    socket = await cluster.socket(one)
    socket.write(1)
    socket.write(2)  # so that the spark ends only once the first has been handled
    await cluster.turns()
    (spark,) = one
    cluster.cut(socket)
    spark.write("written")
    one.write("to all")
    go.set()
    await eventually(lambda: not len(one))

    await cluster.back(socket, one)

    assert data(socket) == ["written", "to all", "answer", "answer"]
    assert socket.recovered["session"] is True


async def test_what_waits_for_a_transform_when_the_wire_goes_is_a_hole(cluster: Any) -> None:
    one = await cluster.server()
    go = asyncio.Event()

    async def slow(packet: Any) -> None:
        await go.wait()

    socket = await cluster.socket(one)
    (spark,) = one
    one.transform("outgoing", slow)
    spark.write("lost")

    cluster.cut(socket)
    spark.abort()
    go.set()
    await cluster.back(socket, one)

    assert socket.recovered["session"] is False


@pytest.mark.parametrize("policy", ["drop", "disconnect"])
async def test_what_a_slow_client_does_not_get_is_a_hole(cluster: Any, policy: str) -> None:
    one = await cluster.server(slow_consumer=policy, high_water=10)
    socket = await cluster.socket(one)
    (spark,) = one
    wire = spark._transport
    wire.clog()
    one.write("more than it reads")
    one.write("dropped")
    wire.unclog()

    if policy == "drop":
        cluster.cut(socket)
        spark.abort()
    await cluster.back(socket, one)

    assert socket.recovered["session"] is False


async def test_events_of_a_plugin_are_messages_of_the_session(cluster: Any) -> None:
    one = await cluster.server(plugin="rooms, backplane, recovery, emit")
    socket = await cluster.socket(one)
    news = Recorder(socket, "news")
    (spark,) = one
    lose_what_is_sent(socket)
    spark.emit("news", 1)

    cluster.cut(socket)
    spark.abort()
    await cluster.back(socket, one)

    assert news.seen("news") == [(1,)]


async def test_messages_wait_until_it_is_known_what_becomes_of_the_session(
    cluster: Any, clock: ManualClock
) -> None:
    one = await cluster.server()
    plain = Primus(
        transformer=MemoryTransformer, transport={"host": "plain"}, clock=clock, node="plain"
    )
    heard: list[Any] = []
    plain.on("connection", lambda spark: spark.on("data", heard.append))
    cluster.servers.append(plain)
    socket = await cluster.socket(one)
    cluster.cut(socket)
    socket.write("kept")

    await cluster.back(socket, plain)  # which has no such plugin
    assert heard == []
    clock.advance(5.0)
    await cluster.turns()

    assert heard == ["kept"]


async def test_the_id_of_mirage_names_the_session(cluster: Any) -> None:
    one = await cluster.server(plugin="mirage, emit, rooms, backplane, recovery")
    socket = await cluster.socket(one)
    (spark,) = one

    assert spark.session == spark.mirage != ""
    await cluster.move(socket, one)
    (again,) = one
    assert again.session == spark.session
    assert socket.recovered["session"] is True


async def test_without_a_bus_a_server_keeps_sessions_for_itself(cluster: Any) -> None:
    primus = cluster.alone()
    socket = await cluster.socket(primus)
    (spark,) = primus
    lose_what_is_sent(socket)
    spark.write(1)
    cluster.cut(socket)
    spark.abort()

    await cluster.back(socket, primus)

    assert data(socket) == [1]
    assert socket.recovered == {"rooms": True, "session": True, "missed": 1}


async def test_a_spark_of_a_client_without_the_plugin_has_no_session(cluster: Any) -> None:
    one = await cluster.server()
    spark, wire = join(one)
    await cluster.turns()

    assert (spark.session, spark.recovered) == ("", None)
    assert wire.sent == []


class FastClock(SystemClock):
    """A hundred seconds pass in each."""

    @staticmethod
    def time() -> float:
        """The time."""
        return 100 * SystemClock.time()

    @staticmethod
    def call_later(delay: float, fn: Callable[..., Any], *args: Any) -> Timer:
        """Call a function."""
        return SystemClock.call_later(delay / 100, fn, *args)


def test_a_server_that_goes_on_in_another_event_loop_acknowledges_as_before() -> None:
    primus = Primus(
        transformer=MemoryTransformer,
        plugin="recovery",
        recovery_secret="a secret of all servers",
        clock=FastClock(),
        timeout=False,
        ping_interval=False,
    )

    async def visit(frames: list[Any]) -> None:
        socket = await primus.Socket("http://memory").opened()
        socket.on("incoming::data", frames.append)
        socket.write("a message")
        await asyncio.sleep(0)

    async def go_on() -> None:
        frames: list[Any] = []
        await visit(frames)
        await eventually(lambda: '"primus::ack::1"' in frames)

    asyncio.run(visit([]))
    asyncio.run(go_on())
