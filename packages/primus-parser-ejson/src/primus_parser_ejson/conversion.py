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

from primus.limits import DEFAULT_LIMITS
from primus.parsers.values import from_milliseconds, key_text, plain, to_milliseconds
from primus_parser_ejson.types import CustomTypes, RegExp

__all__ = ["from_json", "to_json"]

DEEPEST: Final = DEFAULT_LIMITS.max_depth_written
Waiting = tuple[Any, Any, int]
"""A container, the one for JSON that is to be filled from it, and how deep it stands."""

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
SAME: Final = frozenset({type(None), bool, int, str})
"""The types that JSON has as they are, but for types of the application."""
LEAVES: Final = (
    type(None), bool, int, float, str, date, time, bytes, bytearray, memoryview, RegExp
)  # fmt: skip


def to_json(value: Any, types: CustomTypes) -> Any:
    """`value` in terms of JSON.

    Raises:
        TypeError: a value or key has no form.
        ValueError: it is nested too deeply, or inside of itself.
        Exception: whatever the ``to_json`` of a custom type raises.
    """
    whole: list[Any] = []
    waiting: list[Waiting] = [((value,), whole, 0)]
    same: frozenset[type] = frozenset() if types else SAME
    while waiting:
        source, target, depth = waiting.pop()
        if depth > DEEPEST:
            raise ValueError(f"nested more than {DEEPEST} deep, or inside of itself")
        if isinstance(target, list):
            for item in source:
                kind = type(item)
                is_same = kind in same or (kind is list and same.issuperset(map(type, item)))
                target.append(item if is_same else _changed(item, types, waiting, depth))
        else:
            for key, item in source.items():
                is_same = type(item) in same
                target[key_text(key)] = item if is_same else _changed(item, types, waiting, depth)
    return whole[0]


def _changed(value: Any, types: CustomTypes, waiting: list[Waiting], depth: int) -> Any:
    """What JSON has for `value`; that of a container is still empty, and waits to be filled."""
    if types.knows(value):
        return types.written(value)
    if isinstance(value, dict):
        fields: dict[str, Any] = {}
        waiting.append((value, fields, depth + 1))
        return {"$escape": fields} if _is_marked(value) else fields
    if isinstance(value, list | tuple):
        items: list[Any] = []
        waiting.append((value, items, depth + 1))
        return items
    if isinstance(value, LEAVES):
        return _leaf(value)
    return _changed(plain(value), types, waiting, depth)


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


def from_json(value: Any, types: CustomTypes) -> Any:
    """The value that JSON stands for; lists and dicts are changed in place.

    Raises:
        TypeError: a marked value is of another type than its mark says.
        ValueError: it cannot be.
        Exception: whatever the ``from_json`` of a custom type raises.
    """
    whole = [value]
    waiting: list[Any] = [whole]
    while waiting:
        container = waiting.pop()
        for place, item in enumerate(container) if type(container) is list else container.items():
            kind = type(item)
            if kind is dict and _is_marked(item):
                container[place] = unmarked = _unmarked(item, types)
                if "$escape" in item:
                    waiting.append(unmarked)
            elif kind is dict or kind is list:
                waiting.append(item)
    return whole[0]


def _is_marked(value: dict[Any, Any]) -> bool:
    if not 1 <= len(value) <= 2:
        return False
    first = next(iter(value))
    return isinstance(first, str) and first.startswith("$") and value.keys() in MARKED


def _unmarked(value: dict[str, Any], types: CustomTypes) -> Any:
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
            return inside
        case _:
            raise TypeError(f"{' and '.join(value)} with a value of the wrong type")
