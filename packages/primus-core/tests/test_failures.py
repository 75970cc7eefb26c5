import pytest

from primus.failures import Failures


def raised(kind: type[Exception], text: str = "") -> Exception:
    try:
        raise kind(text)
    except Exception as error:
        return error


def test_a_failure_of_the_same_type_and_place_is_new_once_in_its_interval() -> None:
    failures = Failures(60.0)
    assert failures.is_new(raised(KeyError, "a"), 1.0)
    assert not failures.is_new(raised(KeyError, "b"), 60.9)
    assert failures.is_new(raised(KeyError, "c"), 61.0)


def test_failures_of_other_types_and_places_are_new() -> None:
    failures = Failures(60.0)
    assert failures.is_new(raised(KeyError), 1.0)
    assert failures.is_new(raised(ValueError), 1.0)
    with pytest.raises(KeyError) as elsewhere:
        {}["x"]
    assert failures.is_new(elsewhere.value, 1.0)
    assert failures.is_new(KeyError(), 1.0)
    assert not failures.is_new(KeyError(), 1.0)


def test_only_so_many_places_are_remembered() -> None:
    failures = Failures(60.0)
    kinds = [type(f"Kind{number}", (Exception,), {}) for number in range(1000)]
    for kind in kinds:
        assert failures.is_new(raised(kind), 1.0)
    assert len(failures._told) <= 64


def test_a_clock_that_is_set_back_silences_nothing() -> None:
    failures = Failures(60.0)
    assert failures.is_new(raised(KeyError), 1000.0)
    assert failures.is_new(raised(KeyError), 1.0)
