import pytest

from primus_backplane.limits import BusLimits
from primus_backplane.ordered import Pending
from primus_testing import ManualClock


class Waiting(Pending):
    """What waits, with notes of what was delivered, and how often without the bus."""

    def __init__(self, clock: ManualClock, limits: BusLimits | None = None) -> None:
        self.seen: list[int] = []
        self.alone: list[int] = []
        chosen = BusLimits(ordered_wait=1.0) if limits is None else limits
        super().__init__(chosen, clock, lambda deliver: deliver(), self.alone.append)

    def put(self, shard: int, number: int) -> None:
        self.add(shard, number, lambda: self.seen.append(number))


@pytest.fixture
def waiting(manual_clock: ManualClock) -> Waiting:
    return Waiting(manual_clock)


def test_a_message_is_delivered_when_it_comes_back(waiting: Waiting) -> None:
    waiting.put(0, 1)
    waiting.put(0, 2)
    waiting.arrived(0, 1)

    assert (waiting.seen, len(waiting)) == ([1], 1)


def test_what_is_not_expected_delivers_nothing(waiting: Waiting) -> None:
    waiting.put(0, 5)
    waiting.arrived(0, 4)
    waiting.arrived(1, 5)

    assert waiting.seen == []


def test_shards_are_told_apart(waiting: Waiting) -> None:
    waiting.put(0, 1)
    waiting.put(1, 1)
    waiting.put(1, 2)
    waiting.arrived(1, 1)
    waiting.arrived(1, 2)

    assert (waiting.seen, len(waiting)) == ([1, 2], 1)


def test_what_another_has_delivered_waits_no_longer(waiting: Waiting) -> None:
    waiting.put(0, 1)
    waiting.arrived(0, 1, delivered=True)

    assert (waiting.seen, len(waiting)) == ([], 0)


def test_each_waits_for_its_own_second(waiting: Waiting, manual_clock: ManualClock) -> None:
    waiting.put(0, 1)
    manual_clock.advance(0.6)
    waiting.put(0, 2)
    manual_clock.advance(0.4)
    first = list(waiting.seen)
    manual_clock.advance(0.6)

    assert (first, waiting.seen, waiting.alone) == ([1], [1, 2], [1, 1])
    assert manual_clock.pending == 0


def test_a_message_that_came_back_is_not_delivered_again(
    waiting: Waiting, manual_clock: ManualClock
) -> None:
    waiting.put(0, 1)
    waiting.arrived(0, 1)
    manual_clock.advance(2.0)
    waiting.put(0, 2)
    manual_clock.advance(2.0)

    assert (waiting.seen, waiting.alone) == ([1, 2], [1])


def test_no_more_wait_than_may(manual_clock: ManualClock) -> None:
    waiting = Waiting(manual_clock, BusLimits(ordered_waiting=2))
    for number in (1, 2, 3):
        waiting.put(0, number)

    assert (waiting.seen, waiting.alone, len(waiting)) == ([1], [1], 2)


def test_at_the_end_all_are_delivered(waiting: Waiting, manual_clock: ManualClock) -> None:
    waiting.put(0, 1)
    waiting.put(0, 2)
    waiting.close()

    assert (waiting.seen, waiting.alone) == ([1, 2], [])
    assert manual_clock.pending == 0
