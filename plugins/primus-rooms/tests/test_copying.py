from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

from hypothesis import given

from primus_rooms.copying import deep_copy
from primus_testing.parser import JSON_VALUES


@given(JSON_VALUES)
def test_a_copy_is_equal_and_shares_nothing_that_changes(value: Any) -> None:
    copy = deep_copy([value])
    assert copy == [value]
    assert repr(copy) == repr(deepcopy([value]))


def test_what_is_shared_or_inside_of_itself_is_so_in_the_copy() -> None:
    inner: list[Any] = [{1, 2}, (3, [4]), datetime(2026, 11, 29, tzinfo=UTC)]
    value = {"a": inner, "b": inner, "c": []}
    value["c"].append(value)
    copy = deep_copy(value)
    assert copy["a"] is copy["b"] is not inner
    assert copy["a"] == inner
    assert copy["a"][0] is not inner[0]
    assert copy["a"][1][1] is not inner[1][1]
    assert copy["c"][0] is copy


def test_any_depth_can_be_copied() -> None:
    value: Any = {"inside": 1}
    for _ in range(50_000):
        value = [value]
    copy = deep_copy(value)
    for _ in range(50_000):
        (copy,) = copy
        (value,) = value
    assert copy == value
    assert copy is not value
