"""Many things that are due, on one timer."""

from primus.alarms import Alarms
from primus_testing import ManualClock, Tracebacks


def test_each_rings_at_its_time_on_one_timer(manual_clock: ManualClock) -> None:
    rung: list[str] = []
    alarms = Alarms(manual_clock, 0.5, rung.append)
    now = manual_clock.time()
    for number in range(100):
        alarms.put(f"late {number}", now + 2)
    alarms.put("early", now + 1)
    assert len(alarms) == 101
    assert manual_clock.pending == 1
    manual_clock.advance(1)
    assert rung == ["early"]
    manual_clock.advance(1)
    assert len(rung) == 101
    assert manual_clock.pending == 0


def test_a_later_time_takes_the_place_of_an_earlier_one(manual_clock: ManualClock) -> None:
    rung: list[str] = []
    alarms = Alarms(manual_clock, 0.5, rung.append)
    alarms.put("it", manual_clock.time() + 1)
    alarms.put("it", manual_clock.time() + 5)
    manual_clock.advance(4)
    assert rung == []
    manual_clock.advance(1)
    assert rung == ["it"]


def test_what_is_discarded_or_stopped_does_not_ring(manual_clock: ManualClock) -> None:
    rung: list[str] = []
    alarms = Alarms(manual_clock, 0.5, rung.append)
    alarms.put("discarded", manual_clock.time() + 1)
    alarms.put("kept", manual_clock.time() + 2)
    alarms.discard("discarded")
    manual_clock.advance(3)
    assert rung == ["kept"]
    alarms.put("stopped", manual_clock.time() + 1)
    alarms.stop()
    manual_clock.advance(10)
    assert rung == ["kept"]


def test_what_rings_may_be_put_again(manual_clock: ManualClock) -> None:
    rung: list[float] = []

    def ring(item: str) -> None:
        rung.append(manual_clock.time())
        alarms.put(item, manual_clock.time() + 1)

    alarms = Alarms(manual_clock, 0.5, ring)
    start = manual_clock.time()
    alarms.put("again", start + 1)
    manual_clock.advance(3)
    assert rung == [start + 1, start + 2, start + 3]


def test_one_that_raises_is_logged_and_the_others_ring(
    manual_clock: ManualClock, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("ZeroDivisionError")
    rung: list[str] = []

    def ring(item: str) -> None:
        if item == "bad":
            raise ZeroDivisionError
        rung.append(item)

    alarms = Alarms(manual_clock, 0.5, ring)
    for item in ("good", "bad", "fine"):
        alarms.put(item, manual_clock.time() + 1)
    manual_clock.advance(1)
    assert sorted(rung) == ["fine", "good"]


def test_what_came_due_while_the_process_was_busy_rings_once_what_waits_was_read(
    manual_clock: ManualClock,
) -> None:
    rung: list[str] = []
    alarms = Alarms(manual_clock, 0.5, rung.append)
    alarms.put("answered meanwhile", manual_clock.time() + 1)
    alarms.put("silent", manual_clock.time() + 2)
    manual_clock.block(60)
    alarms.discard("answered meanwhile")
    manual_clock.advance(0.9)
    assert rung == []
    manual_clock.advance(0.1)
    assert rung == ["silent"]
