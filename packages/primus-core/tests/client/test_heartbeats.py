"""Heartbeats with servers of both generations."""

from __future__ import annotations

from typing import Any

import pytest

from primus.client.heartbeat import Heartbeat, Rhythm, rhythm
from primus_testing import ManualClock

PING, ID = '"primus::ping::1700000000000"', '"primus::id::"'


def asked(wire: Any) -> int:
    """How often the server has been asked for the id."""
    return wire.sent.count(ID)


async def test_a_ping_is_answered_to_the_letter(stage: Any) -> None:
    socket, wire = await stage.opened()
    received: list[Any] = []
    socket.on("data", received.append)

    wire.receive('"primus::ping::0123"')

    assert wire.sent[-1] == '"primus::pong::0123"'
    assert received == []


async def test_a_socket_never_pings(stage: Any) -> None:
    _, wire = await stage.opened()

    await stage.advance(30)

    assert not any("ping" in frame for frame in wire.sent)


async def test_an_idle_socket_asks_for_its_id(stage: Any) -> None:
    socket, wire = await stage.opened()
    wire.receive('"primus::id::abc"')
    before = asked(wire)

    await stage.advance(25)
    wire.receive('"primus::id::abc"')
    await stage.advance(25)

    assert asked(wire) == before + 2
    assert socket.ready_state == socket.OPEN


async def test_a_busy_socket_does_not_ask(stage: Any) -> None:
    socket, wire = await stage.opened()
    before = asked(wire)

    for _ in range(10):
        await stage.advance(10)
        socket.write("message")
        wire.receive('"answer"')

    assert asked(wire) == before


async def test_a_socket_that_only_receives_gives_a_sign_of_life(stage: Any) -> None:
    _, wire = await stage.opened()
    before = asked(wire)

    for _ in range(5):
        await stage.advance(10)
        wire.receive('"news"')

    assert asked(wire) == before + 2


async def test_a_server_that_ends_silent_connections_early_is_told_in_time(stage: Any) -> None:
    _, wire = await stage.opened(facts={"timeout": 15.0})
    before = asked(wire)

    await stage.advance(6)

    assert asked(wire) == before + 1


async def test_a_ping_shorter_than_pong_is_sent_again_once_it_is_answered(stage: Any) -> None:
    _, wire = await stage.opened(ping=1, pong=10)
    before = asked(wire)

    for _ in range(5):
        await stage.advance(1)
        wire.receive('"primus::id::abc"')

    assert asked(wire) == before + 5


async def test_a_sign_of_life_is_given_at_every_interval_though_an_answer_is_owed(
    stage: Any,
) -> None:
    _, wire = await stage.opened(ping=10, pong=60)
    before = asked(wire)

    for _ in range(5):
        await stage.advance(10)

    assert asked(wire) == before + 5


async def test_a_server_that_does_not_answer_is_lost(stage: Any, story: Any) -> None:
    socket, wire = await stage.opened()
    heard = story(socket)

    await stage.advance(34.9)
    assert heard.story == []
    await stage.advance(0.2)

    assert heard.story == ["offline", "close", "reconnect scheduled"]
    assert wire.aborted
    assert socket.online is False


async def test_any_frame_is_an_answer(stage: Any, story: Any) -> None:
    socket, wire = await stage.opened()
    heard = story(socket)

    await stage.advance(26)
    wire.receive('"anything"')
    await stage.advance(12)

    assert heard.story == []


async def test_the_socket_is_online_again_once_it_has_reconnected(stage: Any, story: Any) -> None:
    socket, _ = await stage.opened()
    heard = story(socket)
    await stage.advance(35)

    await heard.next("reconnect scheduled")
    await stage.advance(1)

    assert heard.story[-4:] == ["reconnect", "reconnected", "online", "open"]
    assert socket.online is True


async def test_no_answer_is_expected_within_no_time(stage: Any, story: Any) -> None:
    socket, _ = await stage.opened(pong=False)
    heard = story(socket)

    await stage.advance(200)

    assert heard.story == []


async def test_with_ping_disabled_nothing_is_asked(stage: Any, story: Any) -> None:
    socket, wire = await stage.opened(ping=False)
    heard = story(socket)
    before = asked(wire)

    await stage.advance(200)

    assert asked(wire) == before
    assert heard.story == []


async def test_a_server_that_stops_pinging_is_lost(stage: Any, story: Any) -> None:
    socket, wire = await stage.opened(ping_timeout=12)
    heard = story(socket)

    wire.receive(PING)
    await stage.advance(10)
    wire.receive(PING)
    await stage.advance(11)
    assert heard.story == []
    await stage.advance(1)

    assert heard.story[:2] == ["offline", "close"]


async def test_a_ping_that_waits_while_the_process_is_busy_is_in_time(
    stage: Any, story: Any
) -> None:
    socket, wire = await stage.opened(ping_timeout=12, ping=False)
    heard = story(socket)
    wire.receive(PING)

    stage.clock.block(60)
    wire.receive(PING)
    await stage.advance(11.9)

    assert heard.story == []
    await stage.advance(0.2)
    assert heard.story[:2] == ["offline", "close"]


async def test_an_answer_that_waits_while_the_process_is_busy_is_in_time(
    stage: Any, story: Any
) -> None:
    socket, wire = await stage.opened()
    heard = story(socket)

    await stage.advance(26)
    stage.clock.block(60)
    wire.receive('"anything"')
    await stage.advance(5)

    assert heard.story == []


async def test_a_server_that_is_known_to_ping_has_to(stage: Any, story: Any) -> None:
    socket, _ = await stage.opened(facts={"pings": True, "ping_timeout": 12.0})
    heard = story(socket)

    await stage.advance(12)

    assert heard.story[:2] == ["offline", "close"]


async def test_a_server_that_has_never_pinged_need_not(stage: Any, story: Any) -> None:
    socket, _wire = await stage.opened(ping_timeout=12)
    heard = story(socket)

    await stage.advance(20)

    assert heard.story == []


async def test_a_short_ping_does_not_prolong_the_time_for_an_answer(stage: Any, story: Any) -> None:
    socket, _ = await stage.opened(ping=1, pong=3)
    heard = story(socket)

    await stage.advance(4)

    assert heard.story[0] == "offline"


async def test_silence_means_nothing_while_we_do_not_read(stage: Any, story: Any) -> None:
    socket, wire = await stage.opened(ping_timeout=12)
    heard = story(socket)
    messages = aiter(socket)
    wire.receive(PING, *(f"{number}" for number in range(40)))
    assert wire.paused

    await stage.advance(300)
    assert heard.story == []

    assert [await anext(messages) for _ in range(40)] == list(range(40))
    await stage.advance(8)
    wire.receive(PING)
    await stage.advance(8)
    assert heard.story == []


async def test_the_latency_is_the_time_the_id_takes(stage: Any) -> None:
    socket, wire = await stage.opened()
    assert socket.latency == 0.0

    await stage.advance(0.25)
    wire.receive('"primus::id::abc"')

    assert socket.latency == 0.25


class Beating:
    """A heartbeat by itself, and what it does."""

    def __init__(self, clock: ManualClock, rhythm: Rhythm) -> None:
        self.clock = clock
        self.asked = 0
        self.expired = 0
        self.is_held = False
        self.traffic = (clock.time(), clock.time())
        self.on_ask: Any = int
        self.heartbeat = Heartbeat(
            rhythm,
            clock,
            ask=self._ask,
            traffic=lambda: self.traffic,
            is_held=lambda: self.is_held,
            expired=self._expire,
        )

    def _ask(self) -> None:
        self.asked += 1
        self.on_ask()

    def _expire(self) -> None:
        self.expired += 1

    def advance(self, seconds: float) -> tuple[int, int]:
        """How often the server has been asked by then, and been taken for lost."""
        self.clock.advance(seconds)
        return self.asked, self.expired


@pytest.mark.parametrize(
    ("ping", "timeout", "expected"),
    [
        (25.0, None, 25.0),
        (None, 15.0, None),
        (25.0, 35.0, 25.0),
        (25.0, 15.0, 6.0),
        (25.0, 5.0, 2.0),
        (2.0, 15.0, 2.0),
        (25.0, 30.0, 20.0),
    ],
)
def test_a_sign_of_life_comes_before_a_server_that_ends_silent_connections(
    ping: float | None, timeout: float | None, expected: float | None
) -> None:
    assert rhythm(ping, 10.0, 45.0, timeout) == Rhythm(expected, 10.0, 45.0)


def test_a_heartbeat_that_has_stopped_does_nothing_whatever_still_arrives(
    manual_clock: ManualClock,
) -> None:
    beating = Beating(manual_clock, Rhythm(5.0, 10.0, 20.0))
    beating.heartbeat.start(pings=False)
    assert beating.advance(5.0) == (1, 0)
    assert beating.heartbeat.asking

    beating.heartbeat.stop()
    assert not beating.heartbeat.asking
    assert manual_clock.pending == 0
    assert not beating.heartbeat.answered()
    beating.heartbeat.pinged()

    assert manual_clock.pending == 0
    assert beating.advance(100.0) == (1, 0)


def test_a_heartbeat_that_is_stopped_by_what_it_asks_is_not_armed_again(
    manual_clock: ManualClock,
) -> None:
    beating = Beating(manual_clock, Rhythm(5.0, None, None))
    beating.on_ask = beating.heartbeat.stop
    beating.heartbeat.start(pings=False)

    assert beating.advance(5.0) == (1, 0)
    assert manual_clock.pending == 0


def test_a_server_that_is_lost_is_told_once_and_not_asked_any_more(
    manual_clock: ManualClock,
) -> None:
    beating = Beating(manual_clock, Rhythm(5.0, 5.0, None))
    beating.heartbeat.start(pings=False)

    assert beating.advance(9.9) == (1, 0)
    assert beating.advance(0.1) == (1, 1)
    assert beating.advance(100.0) == (1, 1)


def test_a_new_connection_owes_nothing_for_the_last(manual_clock: ManualClock) -> None:
    beating = Beating(manual_clock, Rhythm(5.0, 5.0, 8.0))
    beating.heartbeat.start(pings=True)
    beating.advance(5.0)

    beating.heartbeat.start(pings=False)
    assert not beating.heartbeat.asking
    beating.traffic = (manual_clock.time(), manual_clock.time())

    assert beating.advance(4.9) == (1, 0)
    assert beating.advance(0.1) == (2, 0)
    assert beating.advance(4.9) == (2, 0)
    assert beating.advance(0.1) == (2, 1)


def test_the_first_ping_starts_the_time_for_the_next(manual_clock: ManualClock) -> None:
    beating = Beating(manual_clock, Rhythm(None, None, 8.0))
    beating.heartbeat.start(pings=False)
    assert manual_clock.pending == 0

    beating.heartbeat.pinged()

    assert beating.advance(7.9) == (0, 0)
    beating.heartbeat.pinged()
    assert beating.advance(7.9) == (0, 0)
    assert beating.advance(0.1) == (0, 1)


def test_the_server_has_its_time_again_after_we_did_not_read(manual_clock: ManualClock) -> None:
    beating = Beating(manual_clock, Rhythm(5.0, 5.0, 8.0))
    beating.heartbeat.start(pings=True)
    beating.is_held = True
    beating.advance(20.0)
    asked = beating.asked
    beating.is_held = False

    assert beating.advance(4.0)[1] == 0
    assert beating.advance(20.0)[1] == 1
    assert beating.asked > asked


def test_a_question_of_its_own_is_measured_from_the_first_time(manual_clock: ManualClock) -> None:
    beating = Beating(manual_clock, Rhythm(None, None, None))
    beating.heartbeat.start(pings=False)
    beating.heartbeat.ask()
    manual_clock.advance(0.25)
    beating.heartbeat.ask()
    manual_clock.advance(0.25)

    assert beating.heartbeat.answered()
    assert beating.heartbeat.latency == 0.5
    assert not beating.heartbeat.answered()
    assert beating.heartbeat.latency == 0.5


def test_what_was_not_read_excuses_no_silence_of_the_next_connection(
    manual_clock: ManualClock,
) -> None:
    beating = Beating(manual_clock, Rhythm(None, None, 8.0))
    beating.heartbeat.start(pings=True)
    beating.is_held = True
    beating.advance(10.0)
    beating.heartbeat.stop()
    beating.is_held = False

    beating.heartbeat.start(pings=True)

    assert beating.advance(7.9)[1] == 0
    assert beating.advance(0.2)[1] == 1
