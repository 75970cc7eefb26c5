import math
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from pathlib import PurePosixPath
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from primus.parsers.values import (
    from_milliseconds,
    key_text,
    plain,
    to_builtins,
    to_milliseconds,
)


class Colour(Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    y: list[int]


def test_uuids_enums_and_dataclasses_have_plain_forms() -> None:
    uuid = UUID("12345678-1234-5678-1234-567812345678")
    assert plain(uuid) == "12345678-1234-5678-1234-567812345678"
    assert plain(Colour.RED) == "red"
    assert plain(Point(1, [2])) == {"x": 1, "y": [2]}


@pytest.mark.parametrize("value", [object(), {1}, Point, Colour, 1j])
def test_what_has_no_plain_form_is_a_type_error(value: Any) -> None:
    with pytest.raises(TypeError, match="has no form on the wire"):
        plain(value)


@pytest.mark.parametrize(
    ("key", "text"), [("a", "a"), (1, "1"), (-2.5, "-2.5"), (True, "true"), (None, "null")]
)
def test_keys_become_text_as_in_json(key: Any, text: str) -> None:
    assert key_text(key) == text


def test_a_tuple_is_no_key() -> None:
    with pytest.raises(TypeError, match="a key must be text, not tuple"):
        key_text((1, 2))


def test_dates_are_whole_milliseconds_of_any_time_zone() -> None:
    moment = datetime(2023, 11, 14, 22, 13, 20, 123_999, UTC)
    assert to_milliseconds(moment) == 1_700_000_000_123
    assert to_milliseconds(moment.astimezone(timezone(timedelta(hours=5)))) == 1_700_000_000_123
    assert from_milliseconds(1_700_000_000_123) == moment.replace(microsecond=123_000)
    assert from_milliseconds(-1.5) == datetime(1969, 12, 31, 23, 59, 59, 998_500, UTC)


def test_a_date_without_a_time_zone_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="make it aware"):
        to_milliseconds(datetime(2023, 11, 14))


@pytest.mark.parametrize("invalid", [math.nan, None])
def test_an_invalid_date_is_none(invalid: float | None) -> None:
    assert from_milliseconds(invalid) is None


@pytest.mark.parametrize("far", [math.inf, -math.inf, 1e300, 10**400, 8.64e15])
def test_a_date_beyond_python_is_a_value_error(far: float) -> None:
    with pytest.raises(ValueError, match="no datetime is"):
        from_milliseconds(far)


@pytest.mark.parametrize("wrong", ["2023", True, []])
def test_a_date_that_is_no_number_is_a_type_error(wrong: Any) -> None:
    with pytest.raises(TypeError, match="number of milliseconds"):
        from_milliseconds(wrong)


class Model:
    """What a pydantic model looks like."""

    def model_dump(self, *, mode: str) -> Any:
        return {"mode": mode}


class Struct:
    """What a msgspec struct looks like."""

    __struct_encode_fields__ = ("price",)


class Attrs:
    """What an attrs class looks like."""

    __attrs_attrs__ = (SimpleNamespace(name="price"),)
    price = 1


@pytest.mark.parametrize(
    ("value", "made"),
    [
        (Model(), {"mode": "json"}),
        (Struct(), "a struct"),
        (Attrs(), {"price": 1}),
        (Decimal("1.50"), "1.50"),
        (frozenset({1}), [1]),
        ({1}, [1]),
        (date(2026, 11, 29), "2026-11-29"),
        (time(4, 30), "04:30:00"),
        (datetime(2026, 11, 29, tzinfo=UTC), "2026-11-29T00:00:00+00:00"),
        (timedelta(minutes=1), 60.0),
        (PurePosixPath("/a"), "/a"),
        (UUID(int=0), "00000000-0000-0000-0000-000000000000"),
    ],
)
def test_values_that_applications_have_become_values_that_formats_have(
    monkeypatch: pytest.MonkeyPatch, value: Any, made: Any
) -> None:
    monkeypatch.setitem(
        sys.modules, "msgspec", SimpleNamespace(to_builtins=lambda value: "a struct")
    )
    assert to_builtins(value) == made


def test_what_no_format_has_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="object has no form"):
        to_builtins(object())
