"""What reports mean, and what they look like."""

import math
from typing import Any

import pytest

from primus_spark_latency.reports import read, report


@pytest.mark.parametrize(
    ("message", "meaning"),
    [
        ({"_latency": 12.5}, (0.0125, None)),
        ({"_latency": 0}, (0.0, None)),
        ({"_latency": 5, "other": True}, (0.005, None)),
        ({"_latency": 5, "_clock": 2000}, (0.005, 2.0)),
        ({"_clock": 2000}, (None, 2.0)),
        ({"_latency": "5", "_clock": 2000}, (None, 2.0)),
        ({"_latency": -1}, (None, None)),
        ({"_latency": 86_400_001}, (None, None)),
        ({"_latency": math.inf}, (None, None)),
        ({"_latency": math.nan, "_clock": math.nan}, (None, None)),
        ({"_latency": 10**400, "_clock": 10**400}, (None, None)),
    ],
)
def test_numbers_are_a_report_and_are_taken_when_they_can_be_true(
    message: Any, meaning: Any
) -> None:
    assert read(message, takes_clock=True) == meaning


@pytest.mark.parametrize(
    "message",
    [
        *(None, 5, "_latency", [], ["_latency"], {}, {"latency": 5}),
        *({"_latency": None}, {"_latency": True}, {"_latency": "5"}, {"_clock": "5"}),
    ],
)
def test_everything_else_is_no_report(message: Any) -> None:
    assert read(message, takes_clock=True) is None


def test_without_the_option_a_clock_means_nothing() -> None:
    assert read({"_clock": 2000}, takes_clock=False) is None
    assert read({"_latency": 5, "_clock": 2000}, takes_clock=False) == (0.005, None)


def test_a_report_is_in_milliseconds_and_never_0() -> None:
    assert report(0.0125, None) == {"_latency": 12.5}
    assert report(0.0, 1.5) == {"_latency": 0.1, "_clock": 1500}
