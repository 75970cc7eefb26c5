"""Many things that are due, on one timer."""

from primus.timers import Patience, TimerWheel
from primus_testing import ManualClock, Tracebacks


def test_each_rings_at_its_time_on_one_timer(manual_clock: ManualClock) -> None:
    fired: list[str] = []
    timers = TimerWheel(manual_clock, 0.5, fired.append)
    now = manual_clock.time()
    for number in range(100):
        timers.put(f"late {number}", now + 2)
    timers.put("early", now + 1)
    assert len(timers) == 101
    assert manual_clock.pending == 1
    manual_clock.advance(1)
    assert fired == ["early"]
    manual_clock.advance(1)
    assert len(fired) == 101
    assert manual_clock.pending == 0


def test_a_later_time_takes_the_place_of_an_earlier_one(manual_clock: ManualClock) -> None:
    fired: list[str] = []
    timers = TimerWheel(manual_clock, 0.5, fired.append)
    timers.put("it", manual_clock.time() + 1)
    timers.put("it", manual_clock.time() + 5)
    manual_clock.advance(4)
    assert fired == []
    manual_clock.advance(1)
    assert fired == ["it"]


def test_what_is_due_a_part_of_a_second_earlier_gets_an_earlier_timer(
    manual_clock: ManualClock,
) -> None:
    fired: list[str] = []
    timers = TimerWheel(manual_clock, 0.5, fired.append)
    now = manual_clock.time()
    timers.put("late", now + 2)
    timers.put("earlier", now + 1.5)
    timers.put("with it", now + 1.2)
    assert manual_clock.pending == 1
    manual_clock.advance(1.5)
    assert sorted(fired) == ["earlier", "with it"]


def test_what_is_discarded_or_stopped_does_not_ring(manual_clock: ManualClock) -> None:
    fired: list[str] = []
    timers = TimerWheel(manual_clock, 0.5, fired.append)
    timers.put("discarded", manual_clock.time() + 1)
    timers.put("kept", manual_clock.time() + 2)
    timers.discard("discarded")
    manual_clock.advance(3)
    assert fired == ["kept"]
    timers.put("stopped", manual_clock.time() + 1)
    timers.stop()
    manual_clock.advance(10)
    assert fired == ["kept"]


def test_what_rings_may_be_put_again(manual_clock: ManualClock) -> None:
    fired: list[float] = []

    def fire(item: str) -> None:
        fired.append(manual_clock.time())
        timers.put(item, manual_clock.time() + 1)

    timers = TimerWheel(manual_clock, 0.5, fire)
    start = manual_clock.time()
    timers.put("again", start + 1)
    manual_clock.advance(3)
    assert fired == [start + 1, start + 2, start + 3]


def test_one_that_raises_is_logged_and_the_others_ring(
    manual_clock: ManualClock, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("ZeroDivisionError")
    fired: list[str] = []

    def fire(item: str) -> None:
        if item == "bad":
            raise ZeroDivisionError
        fired.append(item)

    timers = TimerWheel(manual_clock, 0.5, fire)
    for item in ("good", "bad", "fine"):
        timers.put(item, manual_clock.time() + 1)
    manual_clock.advance(1)
    assert sorted(fired) == ["fine", "good"]


def test_what_came_due_while_the_process_was_busy_rings_once_what_waits_was_read(
    manual_clock: ManualClock,
) -> None:
    fired: list[str] = []
    timers = TimerWheel(manual_clock, 0.5, fired.append)
    timers.put("answered meanwhile", manual_clock.time() + 1)
    timers.put("silent", manual_clock.time() + 2)
    manual_clock.block(60)
    timers.discard("answered meanwhile")
    manual_clock.advance(0.9)
    assert fired == []
    manual_clock.advance(0.1)
    assert fired == ["silent"]


def test_each_is_waited_for_as_long_on_one_timer(manual_clock: ManualClock) -> None:
    late: list[str] = []
    patience = Patience(manual_clock, 5.0, late.append)
    for name in ("first", "discarded", "last"):
        patience.begin(name)
        manual_clock.advance(1)
    patience.begin("first")  # it keeps its time
    patience.discard("discarded")
    assert manual_clock.pending == 1
    manual_clock.advance(2)
    assert late == ["first"]
    assert manual_clock.pending == 1
    manual_clock.advance(2)
    assert late == ["first", "last"]
    assert manual_clock.pending == 0


def test_what_is_discarded_may_be_waited_for_again(manual_clock: ManualClock) -> None:
    late: list[str] = []
    patience = Patience(manual_clock, 5.0, late.append)
    patience.begin("it")
    manual_clock.advance(3)
    patience.discard("it")
    patience.discard("it")
    patience.begin("it")
    manual_clock.advance(3)
    assert late == []
    manual_clock.advance(2)
    assert late == ["it"]


def test_what_one_of_those_that_are_late_raises_keeps_no_other_waiting(
    manual_clock: ManualClock, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("'bad' failed when its time was over")
    late: list[str] = []

    def fire(name: str) -> None:
        late.append(name)
        if name == "bad":
            raise ValueError

    patience = Patience(manual_clock, 5.0, fire)
    patience.begin("bad")
    patience.begin("good")

    manual_clock.advance(5)

    assert late == ["bad", "good"]
