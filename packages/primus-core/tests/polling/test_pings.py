"""Pings of a server, and the end of a client that does not answer them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from primus.closed import Ending
from primus.polling import Pings, PreparedText
from primus.timers import TimerWheel
from primus_testing import ManualClock, MemoryTransport


class Session:
    """What is pinged every 10 seconds, and has 5 to answer."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.paused = False
        self.sent = 0
        self.endings: list[Ending | None] = []
        self.timers: TimerWheel[Callable[[], object]] = TimerWheel(clock, 0.25, lambda due: due())
        self.pings = Pings(self, clock, self.timers, "ping", 10.0, 5.0, "pong_timeout")
        self.pings.start()

    def dispatch(self, packet: str) -> None:
        assert packet == "ping"
        self.sent += 1

    def over(self, error: Exception | None = None, ending: Ending | None = None) -> None:
        self.endings.append(ending)
        self.pings.stop()

    def after(self, seconds: float) -> tuple[int, bool]:
        """How often it has been pinged by then, and whether it is over."""
        self.clock.advance(seconds)
        return self.sent, bool(self.endings)


@pytest.fixture
def session(manual_clock: ManualClock) -> Session:
    return Session(manual_clock)


def test_an_answer_is_followed_by_the_next_ping_an_interval_later(session: Session) -> None:
    assert session.after(9.5) == (0, False)
    assert session.after(1.0) == (1, False)
    session.pings.seen()
    session.pings.pong()
    assert session.after(9.0) == (1, False)
    assert session.after(1.5) == (2, False)


def test_a_ping_that_is_not_answered_in_time_is_the_end(session: Session) -> None:
    session.after(10.5)
    assert session.after(4.0) == (1, False)
    assert not session.pings.expired
    assert session.after(1.0) == (1, True)
    (ending,) = session.endings
    assert ending is not None
    assert ending.option == "pong_timeout"
    assert session.after(100.0) == (1, True)
    assert len(session.timers) == 0


def test_a_client_is_expired_as_soon_as_its_time_is_over_and_not_before(
    session: Session, manual_clock: ManualClock
) -> None:
    assert not session.pings.expired
    manual_clock.advance(10.25)
    manual_clock.block(4.74)
    assert not session.pings.expired
    manual_clock.block(0.02)
    assert session.pings.expired
    session.paused = True
    assert not session.pings.expired


def test_an_answer_that_was_not_asked_for_changes_nothing(session: Session) -> None:
    session.after(5.0)
    session.pings.pong()
    assert session.after(5.5) == (1, False)


def test_another_packet_since_the_ping_is_answered_with_a_ping(session: Session) -> None:
    session.after(10.5)
    session.pings.seen()
    assert session.after(5.0) == (2, False)
    assert session.after(5.5) == (2, True)


def test_a_session_that_is_not_read_is_pinged_and_not_ended(session: Session) -> None:
    session.paused = True
    assert session.after(60.0)[1] is False
    assert session.sent > 5
    session.paused = False
    assert session.after(6.0)[1] is True


def test_a_session_that_has_stopped_is_neither_pinged_nor_ended(session: Session) -> None:
    session.after(10.5)
    session.pings.stop()
    assert not session.pings.expired
    assert session.after(100.0) == (1, False)

    session.pings.start()
    session.pings.stop()
    assert session.after(100.0) == (1, False)
    assert len(session.timers) == 0


@pytest.mark.parametrize(("slept", "is_over"), [(0.5, False), (60.0, False)])
def test_a_process_that_stood_still_gives_the_client_its_time(
    session: Session, manual_clock: ManualClock, slept: float, is_over: bool
) -> None:
    manual_clock.advance(9.5)
    manual_clock.block(slept + 0.5)
    assert session.after(4.0) == (1, is_over)
    assert session.after(2.0)[1] is True


class Counting(MemoryTransport):
    __slots__ = ()

    made: list[Any] = []  # noqa: RUF012

    @classmethod
    def prepare(cls, frame: Any) -> Any:
        cls.made.append(frame)
        return frame


class Another(Counting):
    __slots__ = ()


def test_a_text_for_many_is_made_ready_once_for_each_kind_of_wire() -> None:
    text = PreparedText("x")
    for kind in (Counting, Counting, Another, Another, Counting):
        assert text.on(kind) == "x"
    assert Counting.made == ["x", "x"]
