import logging

import pytest

from primus.failures import Failures, Quota


def raised(kind: type[Exception], text: str = "") -> Exception:
    try:
        raise kind(text)
    except Exception as error:
        return error


def test_a_failure_of_the_same_type_and_place_is_new_once_in_its_interval() -> None:
    failures = Failures(60.0)
    assert failures.note(raised(KeyError, "a"), 1.0) is not None
    assert failures.note(raised(KeyError, "b"), 60.9) is None
    assert failures.note(raised(KeyError, "c"), 61.0) is not None


def test_failures_that_are_left_out_are_counted() -> None:
    failures = Failures(60.0)
    noted = [failures.note(raised(KeyError), now) for now in (1.0, 2.0, 3.0, 62.0, 63.0, 200.0)]
    assert noted == [0, None, None, 2, None, 1]


def test_failures_of_other_types_and_places_are_new() -> None:
    failures = Failures(60.0)
    assert failures.note(raised(KeyError), 1.0) is not None
    assert failures.note(raised(ValueError), 1.0) is not None
    with pytest.raises(KeyError) as elsewhere:
        {}["x"]
    assert failures.note(elsewhere.value, 1.0) is not None
    assert failures.note(KeyError(), 1.0) is not None
    assert failures.note(KeyError(), 1.0) is None


def test_only_so_many_places_are_remembered() -> None:
    failures = Failures(60.0)
    kinds = [type(f"Kind{number}", (Exception,), {}) for number in range(1000)]
    for kind in kinds:
        assert failures.note(raised(kind), 1.0) is not None
    assert len(failures._told) <= 64


def test_a_clock_that_is_set_back_silences_nothing() -> None:
    failures = Failures(60.0)
    assert failures.note(raised(KeyError), 1000.0) is not None
    assert failures.note(raised(KeyError), 1.0) is not None


def test_a_quota_admits_so_many_lines_a_second_and_tells_how_many_it_held_back() -> None:
    quota = Quota(2)
    assert [quota.admit(10.0 + tenth / 10) for tenth in range(5)] == [0, 0, None, None, None]
    assert quota.admit(11.0) == 3
    assert quota.admit(11.5) == 0
    assert quota.admit(11.9) is None


def test_a_clock_that_was_set_back_silences_nothing() -> None:
    quota = Quota(1)
    assert quota.admit(100.0) == 0
    assert quota.admit(5.0) == 0


def test_a_failure_is_logged_whole_then_at_debug_then_with_the_number_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    failures = Failures(60.0)
    log = logging.getLogger("primus.test")
    caplog.set_level(logging.DEBUG, "primus.test")

    for now in (0.0, 1.0, 2.0, 61.0):
        failures.log(log, "it raised", raised(KeyError, "x"), now)

    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("ERROR", "it raised"),
        ("DEBUG", "it raised (again, KeyError: 'x')"),
        ("DEBUG", "it raised (again, KeyError: 'x')"),
        ("ERROR", "it raised (2 more since the last line)"),
    ]
    assert [record.exc_info is not None for record in caplog.records] == [True, False, False, True]
