from typing import Any

import pytest

from primus import OptionError
from primus_fortress_maximus.limits import Bucket, Limit


def test_so_many_may_come_at_once_and_then_as_fast_as_the_limit_says() -> None:
    bucket = Bucket(Limit(3, 6.0), 0.0)

    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(1.9), bucket.take(2.0), bucket.take(2.1)] == [False, True, False]


def test_what_is_not_used_is_not_saved_beyond_the_limit() -> None:
    bucket = Bucket(Limit(2), 0.0)

    assert [bucket.take(1000.0) for _ in range(3)] == [True, True, False]


def test_a_clock_that_goes_back_gives_and_takes_nothing() -> None:
    bucket = Bucket(Limit(1, 10.0), 100.0)
    assert bucket.take(100.0)

    assert not bucket.take(50.0)
    assert not bucket.take(51.0)
    assert bucket.take(60.0)


@pytest.mark.parametrize(
    ("given", "limit"),
    [(None, None), (False, None), (5, (5, 1.0)), ((5, 2), (5, 2)), ([5, 0.5], (5, 0.5))],
)
def test_a_limit_is_a_pair_or_a_number_for_one_second(given: Any, limit: Any) -> None:
    assert Limit.of("limit", given) == limit


@pytest.mark.parametrize(
    "given", [0, -1, 0.5, True, "5", (5,), (5, 0), (5, -1), (0, 1), (5, "1"), (True, 1), (1, 2, 3)]
)
def test_a_limit_that_cannot_work_is_refused(given: Any) -> None:
    with pytest.raises(OptionError, match="limit="):
        Limit.of("limit", given)
