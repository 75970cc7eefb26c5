"""A deadline that each request moves on, while its timers hardly hear of it."""

from collections.abc import Callable

import pytest

from primus.polling import MovingDeadline
from primus.timers import TimerWheel
from primus_testing import ManualClock

Wheel = TimerWheel[Callable[[], object]]


class Fired:
    """A deadline, and when it has fired."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.timers: Wheel = TimerWheel(clock, 0.25, lambda due: due())
        self.puts = 0
        put = self.timers.put

        def counted(item: Callable[[], object], when: float) -> None:
            self.puts += 1
            put(item, when)

        self.timers.put = counted  # type: ignore[method-assign]
        self.began = clock.time()
        self.at: list[float] = []
        self.deadline = MovingDeadline(self.timers, clock, self.note)

    def note(self) -> None:
        self.at.append(self.clock.time() - self.began)

    def after(self, *steps: float) -> list[float]:
        for step in steps:
            self.clock.advance(step)
        return self.at


@pytest.fixture
def fired(manual_clock: ManualClock) -> Fired:
    return Fired(manual_clock)


def test_it_fires_once_when_its_time_has_come(fired: Fired) -> None:
    fired.deadline.set(10.0)
    assert fired.after(9.75) == []
    assert fired.after(0.5) == [10.0]
    assert fired.after(60.0) == [10.0]
    assert len(fired.timers) == 0


def test_it_fires_at_the_later_time_when_it_has_been_moved_on(fired: Fired) -> None:
    fired.deadline.set(10.0)
    fired.after(5.0)
    fired.deadline.set(10.0)
    assert fired.after(5.25, 10.0) == [15.0]


def test_it_is_moved_on_and_back(fired: Fired) -> None:
    fired.deadline.set(10.0)
    fired.after(5.0)
    fired.deadline.set(10.0)
    assert fired.after(5.25, 4.5) == []
    fired.deadline.set(2.0)
    assert len(fired.after(1.75, 0.5)) == 1
    assert fired.after(60.0) == fired.at[:1]


def test_a_deadline_that_is_moved_on_ten_times_is_put_once(fired: Fired) -> None:
    for _ in range(10):
        fired.deadline.set(10.0)
        fired.after(0.5)
        fired.deadline.stop()
    assert fired.puts == 1


def test_a_deadline_that_has_been_stopped_does_not_fire(fired: Fired) -> None:
    fired.deadline.set(10.0)
    fired.deadline.stop()
    assert fired.after(60.0) == []
    assert len(fired.timers) == 0

    fired.deadline.set(10.0)
    assert len(fired.after(9.75, 0.5)) == 1


def test_a_deadline_that_is_discarded_is_known_to_no_timer(fired: Fired) -> None:
    fired.deadline.set(10.0)
    fired.deadline.discard()
    assert len(fired.timers) == 0
    assert fired.after(60.0) == []
