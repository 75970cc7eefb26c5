"""Python values that no wire format has, as values that every format has.

What the parsers of this project have in common, for yours as well.
"""

from __future__ import annotations

import dataclasses
import math
import sys
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

__all__ = ["from_milliseconds", "key_text", "plain", "to_builtins", "to_milliseconds"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


def plain(value: Any) -> Any:
    """The text of a `UUID`, the value of an `Enum`, the fields of a dataclass as a `dict`.

    Raises:
        TypeError: it is none of these.
    """
    match value:
        case Enum():
            return value.value
        case UUID():
            return str(value)
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        case _:
            raise TypeError(f"{type(value).__name__} has no form on the wire")


def to_builtins(value: Any) -> Any:
    """What is written instead of a value that applications have and wire formats do not.

    Of pydantic models, msgspec structs, attrs classes and dataclasses the fields as a `dict`; of a
    `Decimal` its text, with all its digits; of a `set` a list; of dates and times their ISO 8601
    text, of a `timedelta` its seconds; the text of a `UUID` or a path, the value of an `Enum`.

    Raises:
        TypeError: it is none of these.
    """
    kind = type(value)
    if hasattr(kind, "model_dump"):  # pydantic
        return value.model_dump(mode="json")
    if hasattr(kind, "__struct_encode_fields__"):  # msgspec
        return sys.modules["msgspec"].to_builtins(value)
    if hasattr(kind, "__attrs_attrs__"):
        return {field.name: getattr(value, field.name) for field in kind.__attrs_attrs__}
    match value:
        case Decimal() | PurePath():
            return str(value)
        case set() | frozenset():
            return list(value)
        case date() | time():  # a datetime is a date
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case _:
            return plain(value)


def key_text(key: Any) -> str:
    """A key as text, as JSON has it: ``1`` is ``"1"``, `None` is ``"null"``.

    Raises:
        TypeError: it is no text, number, bool or `None`.
    """
    match key:
        case str():
            return key
        case None:
            return "null"
        case bool():
            return "true" if key else "false"
        case int():
            return int.__repr__(key)  # of an `IntEnum`, too
        case float():
            return float.__repr__(key)
        case _:
            raise TypeError(f"a key must be text, not {type(key).__name__}")


def to_milliseconds(moment: datetime) -> int:
    """Whole milliseconds since the epoch, as `Date` of JavaScript counts them.

    Raises:
        TypeError: `moment` has no time zone, so it is no definite time.
    """
    if moment.tzinfo is None:
        raise TypeError(f"{moment!r} has no time zone: make it aware, with tzinfo=UTC for instance")
    return (moment - EPOCH) // MILLISECOND


def from_milliseconds(milliseconds: Any) -> datetime | None:
    """The moment, aware and in UTC; `None` for the invalid date of JavaScript (NaN or `None`).

    Raises:
        TypeError: it is no number.
        ValueError: no `datetime` reaches that far.
    """
    if milliseconds is None:
        return None
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float):
        raise TypeError(f"a date is a number of milliseconds, not {type(milliseconds).__name__}")
    try:
        return None if math.isnan(milliseconds) else EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError as error:
        raise ValueError(f"no datetime is {milliseconds} ms from the epoch") from error
