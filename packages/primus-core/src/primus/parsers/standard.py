"""JSON by the standard library, with the results of orjson (pure).

orjson's refusals are the rule: what it takes is written here as it writes it, and nothing else.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
import sys
import threading
from collections.abc import Callable
from datetime import date, datetime, time
from enum import Enum
from itertools import accumulate
from typing import Any, Final
from uuid import UUID

from primus.limits import DEFAULT_LIMITS

__all__ = ["SHORT", "check_depth", "dumps", "loads", "text_of"]

DEEPEST: Final = DEFAULT_LIMITS.max_depth
SMALLEST: Final = -(2**63)
LARGEST: Final = 2**64 - 1
"""Integers beyond these are read as floats."""

SHORT: Final = 18
"""Digits of an integer that needs no comparison."""

BESIDE_BRACKETS: Final = re.compile(r'"(?:[^"\\]++|\\.?)*+"?|[^\[\]{}"]++', re.DOTALL)
STEPS: Final = {"[": 1, "{": 1, "]": -1, "}": -1}


# -- writing, with the standard library


def dumps(value: Any, default: Callable[[Any], Any] | None = None) -> bytes:
    """`value` as compact JSON in UTF-8.

    Raises:
        TypeError: it has no form in JSON, or is to be written with care: NaN, lone surrogates.
    """
    try:
        if default is None:
            return _write(value).encode()
        return _encoder(lambda part: _plain(part, default)).encode(value).encode()
    except Exception as error:  # `default` may raise anything
        raise TypeError(str(error)) from error


def _encoder(default: Callable[[Any], Any]) -> json.JSONEncoder:
    return json.JSONEncoder(
        ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=default
    )


def _plain(value: Any, default: Callable[[Any], Any] | None = None) -> Any:
    """What orjson writes for the values that it knows beyond those of JSON."""
    match value:
        case Enum():
            return value.value
        case UUID():
            return str(value)
        case datetime() | date():
            return value.isoformat()
        case time() if value.tzinfo is None:
            return value.isoformat()
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            names = [field.name for field in dataclasses.fields(value)]
            return {name: getattr(value, name) for name in names if name[0] != "_"}
        case _ if default is not None:
            return default(value)
        case _:
            raise TypeError(f"Type is not JSON serializable: {type(value).__name__}")


_write: Final = _encoder(_plain).encode


# -- reading, with the standard library


def text_of(frame: str | bytes) -> str:
    """The text of a frame.

    Raises:
        ValueError: it is no UTF-8, or holds a lone surrogate that is no escape.
    """
    if not isinstance(frame, str):
        return str(frame, "utf-8")
    if not frame.isascii():
        frame.encode()
    return frame


def loads(text: str) -> Any:
    """The value in `text`.

    Raises:
        ValueError: it is not JSON, or nested too deeply.
    """
    try:
        value = _read(text)
    except RecursionError:
        value = _read_deep(text)
    check_depth(text)
    return value


def check_depth(text: str) -> None:
    """Refuse what is nested deeper than orjson reads it; `text` is known to be JSON."""
    if text.count("[") + text.count("{") <= DEEPEST:
        return
    brackets = BESIDE_BRACKETS.sub("", text)
    if max(accumulate(map(STEPS.__getitem__, brackets))) > DEEPEST:
        raise ValueError("Recursion limit reached")


def _read_deep(text: str) -> Any:
    """The value in `text`, whatever the depth of the calls that led here.

    The limit of calls counts the levels of JSON as well (CPython 3.11, PyPy), so it is higher
    while they are read.
    """
    with _limit_lock:
        limit = sys.getrecursionlimit()
        sys.setrecursionlimit(limit + 2 * DEEPEST)
        try:
            return _read(text)
        except RecursionError as error:
            raise ValueError("Recursion limit reached") from error
        finally:
            sys.setrecursionlimit(limit)


_limit_lock: Final = threading.Lock()


def _integer(digits: str) -> int | float:
    if len(digits) <= SHORT:
        return int(digits)
    number = int(digits) if len(digits) <= SHORT + 2 else LARGEST + 1
    return number if SMALLEST <= number <= LARGEST else _float(digits)


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{digits[:20]}… is no number that a float can hold")
    return number


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_read: Final = json.JSONDecoder(
    parse_float=_float, parse_int=_integer, parse_constant=_constant
).decode
