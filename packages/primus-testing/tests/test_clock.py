import weakref

from primus_testing import ManualClock


def test_time_stands_still_until_it_is_advanced() -> None:
    clock = ManualClock(now=5.0)
    assert clock.time() == 5.0
    clock.advance(2.5)
    assert clock.time() == 7.5


def test_calls_are_made_in_the_order_of_their_times() -> None:
    clock, seen = ManualClock(), list[str]()
    clock.call_later(3, seen.append, "three")
    clock.call_later(1, seen.append, "one")
    clock.call_later(1, seen.append, "one more")
    clock.call_later(5, seen.append, "five")
    clock.advance(3)
    assert seen == ["one", "one more", "three"]
    assert clock.pending == 1


def test_a_call_sees_the_time_that_it_was_meant_for() -> None:
    clock, seen = ManualClock(now=0.0), list[float]()
    clock.call_later(1, lambda: seen.append(clock.time()))
    clock.call_later(2, lambda: seen.append(clock.time()))
    clock.advance(10)
    assert seen == [1.0, 2.0]
    assert clock.time() == 10.0


def test_a_call_may_schedule_others_that_are_made_when_due() -> None:
    clock, seen = ManualClock(now=0.0), list[float]()

    def tick() -> None:
        seen.append(clock.time())
        clock.call_later(1, tick)

    clock.call_later(1, tick)
    clock.advance(3.5)
    assert seen == [1.0, 2.0, 3.0]


def test_a_call_that_was_cancelled_is_not_made() -> None:
    clock, seen = ManualClock(), list[str]()
    timer = clock.call_later(1, seen.append, "never")
    timer.cancel()
    clock.advance(2)
    assert seen == []
    assert clock.pending == 0


def test_a_call_for_the_past_is_made_at_the_next_advance() -> None:
    clock, seen = ManualClock(), list[str]()
    clock.call_later(-5, seen.append, "late")
    assert seen == []
    clock.advance(0)
    assert seen == ["late"]


def test_a_call_that_was_cancelled_keeps_nothing_alive() -> None:
    class Spark:
        def cut(self) -> None: ...

    clock, spark = ManualClock(), Spark()
    timer = clock.call_later(1, spark.cut)
    gone = weakref.ref(spark)
    del spark

    timer.cancel()

    assert gone() is None
    clock.advance(2)
