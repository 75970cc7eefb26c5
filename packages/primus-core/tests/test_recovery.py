import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from primus.errors import OptionError
from primus.recovery import Attempt, Backoff


def never() -> float:
    return 0.0


def always() -> float:
    return 1.0


def test_the_delay_doubles_from_attempt_to_attempt() -> None:
    backoff = Backoff(min=0.5)
    assert [backoff.delay(n, never) for n in range(1, 6)] == [0.5, 1.0, 2.0, 4.0, 8.0]


def test_randomness_at_most_doubles_the_delay() -> None:
    assert Backoff(min=0.5).delay(1, always) == 1.0


def test_the_delay_has_a_limit() -> None:
    backoff = Backoff(min=1.0, max=5.0)
    assert backoff.delay(100, always) == 5.0
    assert backoff.delay(1, always) == 2.0


def test_a_delay_stays_finite_after_any_number_of_attempts() -> None:
    assert math.isfinite(Backoff().delay(10**9, always))


def test_an_attempt_carries_the_options_in_force() -> None:
    backoff = Backoff(min=0.1, max=9.0, retries=3, timeout=7.0, factor=3.0)
    assert backoff.next(1, 1.5, never) == Attempt(
        attempt=2,
        retries=3,
        scheduled=pytest.approx(0.3),
        duration=1.5,
        min=0.1,
        max=9.0,
        factor=3.0,
        timeout=7.0,
    )


def test_after_the_last_retry_there_is_no_attempt() -> None:
    assert Backoff(retries=2).next(1, 0.0, never) is not None
    assert Backoff(retries=2).next(2, 0.0, never) is None
    assert Backoff(retries=0).next(0, 0.0, never) is None
    assert Backoff(retries=math.inf).next(10**6, 0.0, never) is not None


@pytest.mark.parametrize("name", ["max", "min", "retries", "timeout", "factor"])
@pytest.mark.parametrize("value", [-1, math.nan, "5", None, True])
def test_a_value_that_cannot_work_is_refused(name: str, value: object) -> None:
    with pytest.raises(OptionError, match=f"reconnect option '{name}' must be a number >= 0"):
        Backoff(**{name: value})  # type: ignore[arg-type]


@given(attempt=st.integers(1, 200), luck=st.floats(0, 1), least=st.floats(0, 10))
def test_every_delay_lies_between_its_limits(attempt: int, luck: float, least: float) -> None:
    backoff = Backoff(min=least, max=60.0)
    floor = min(least * 2 ** min(attempt - 1, 60), 60.0)
    assert floor <= backoff.delay(attempt, lambda: luck) <= 60.0
