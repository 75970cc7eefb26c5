"""Values to what JSON has, and back, by the rules of Meteor's EJSON.

======================================  ==================================================
``{"$date": 1700000000000}``            an aware `datetime` in UTC, milliseconds
``{"$binary": "AQI="}``                 `bytes`
``{"$InfNaN": 1}``                      ``inf``; -1 is ``-inf`` and 0 is ``nan``
``{"$regexp": "a+", "$flags": "i"}``    `RegExp`
``{"$type": "Point", "$value": …}``     a type that the application has added
``{"$escape": {"$date": 5}}``           the `dict` ``{"$date": 5}``, which is no date
======================================  ==================================================
"""

from __future__ import annotations

import math
from base64 import b64decode, b64encode
from datetime import date, datetime, time
from typing import Any, Final

from primus.parsers.values import from_milliseconds, key_text, plain, to_milliseconds
from primus_parser_ejson.types import CustomTypes, RegExp

__all__ = ["DEPTH", "from_json", "to_json"]

DEPTH: Final = 400
"""How deeply values may be nested; each level is a call, and Python has 1000 of them."""

MARKED: Final = tuple(
    map(
        frozenset,
        (
            {"$date"},
            {"$binary"},
            {"$InfNaN"},
            {"$escape"},
            {"$regexp", "$flags"},
            {"$type", "$value"},
        ),
    )
)
FLAGS: Final = "gimuy"
LEAVES: Final = (
    type(None), bool, int, float, str, date, time, bytes, bytearray, memoryview, RegExp
)  # fmt: skip


def to_json(value: Any, types: CustomTypes, depth: int = 0) -> Any:
    """`value` in terms of JSON.

    Raises:
        TypeError: a value or key has no form.
        ValueError: it is nested too deeply, or inside of itself.
        Exception: whatever the ``to_json`` of a custom type raises.
    """
    if types.knows(value):
        return types.written(value)
    if isinstance(value, LEAVES):
        return _leaf(value)
    if depth >= DEPTH:
        raise ValueError(f"nested more than {DEPTH} deep, or inside of itself")
    if isinstance(value, dict):
        changed: dict[str, Any] = {}
        for key, item in value.items():
            changed[key_text(key)] = to_json(item, types, depth + 1)
        return {"$escape": changed} if _is_marked(changed) else changed
    if isinstance(value, list | tuple):
        items = []
        for item in value:
            items.append(to_json(item, types, depth + 1))  # noqa: PERF401 - one call less in 3.11
        return items
    return to_json(plain(value), types, depth + 1)


def _leaf(value: Any) -> Any:
    """What JSON has for a value without others inside."""
    match value:
        case float() if not math.isfinite(value):
            return {"$InfNaN": 0 if math.isnan(value) else 1 if value > 0 else -1}
        case datetime():
            return {"$date": to_milliseconds(value)}
        case date() | time():
            return value.isoformat()
        case bytes() | bytearray() | memoryview():
            return {"$binary": b64encode(value).decode()}
        case RegExp():
            return {"$regexp": value.source, "$flags": value.flags}
        case _:
            return value


def from_json(value: Any, types: CustomTypes, depth: int = 0) -> Any:
    """The value that JSON stands for; lists and dicts are changed in place.

    Raises:
        TypeError: a marked value is of another type than its mark says.
        ValueError: it cannot be, or it is nested too deeply.
        Exception: whatever the ``from_json`` of a custom type raises.
    """
    if depth >= DEPTH:
        raise ValueError(f"nested more than {DEPTH} deep")
    if isinstance(value, dict):
        if _is_marked(value):
            return _unmarked(value, types, depth)
        for key, item in value.items():
            if isinstance(item, dict | list):
                value[key] = from_json(item, types, depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, dict | list):
                value[index] = from_json(item, types, depth + 1)
    return value


def _is_marked(value: dict[str, Any]) -> bool:
    return 1 <= len(value) <= 2 and value.keys() in MARKED


def _unmarked(value: dict[str, Any], types: CustomTypes, depth: int) -> Any:
    match value:
        case {"$date": moment}:
            return from_milliseconds(moment)
        case {"$binary": str(text)}:
            return b64decode(text + "=" * (-len(text) % 4), validate=True)
        case {"$InfNaN": int(sign) | float(sign)}:
            return math.copysign(math.inf, sign) if sign else math.nan
        case {"$regexp": str(source), "$flags": str(flags)}:
            # As in npm's: no more letters than there may be, each of them once.
            return RegExp(source, "".join(dict.fromkeys(f for f in flags[:50] if f in FLAGS)))
        case {"$type": name, "$value": content}:
            return types.read(name, content)
        case {"$escape": dict(inside)}:
            return {key: from_json(item, types, depth + 1) for key, item in inside.items()}
        case _:
            raise TypeError(f"{' and '.join(value)} with a value of the wrong type")
