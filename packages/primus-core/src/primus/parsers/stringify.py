"""JSON text of what the codec refuses to write, without recursion (pure).

orjson stops at 254 levels and refuses lone surrogates, integers beyond 64 bits and keys that are
no strings. It still writes every part that it can, so only what is around those parts is slow.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from enum import Enum
from json.encoder import encode_basestring_ascii
from typing import Any, Final

from primus.limits import DEFAULT_LIMITS
from primus.parsers.values import key_text

__all__ = ["stringify"]

DEEPEST: Final = DEFAULT_LIMITS.max_depth_written
MOST_TIMES: Final = 254
"""How often in a row a value may become another that has no JSON form either, as in orjson."""
CONTAINERS: Final = (dict, list, tuple)
SCALARS: Final = frozenset({str, int, float, bool, type(None)})


def stringify(
    value: Any, default: Callable[[Any], Any] | None, dumps: Callable[[Any], bytes]
) -> str:
    """`value` as compact JSON; lone surrogates are escapes, as `JSON.stringify` writes them.

    Args:
        value: the value.
        default: gives what is written instead of a value that has no JSON form.
        dumps: writes the parts that need no care, and raises `TypeError` for the others.

    Raises:
        TypeError: a value or key has no JSON form.
        ValueError: it is nested too deeply or inside of itself, or an integer is too long.
        Exception: whatever `default` raises.
    """
    pieces: list[str] = []
    write = pieces.append
    outer: list[tuple[Iterator[Any], bool]] = []
    items, named, lead = iter((value,)), False, ""
    while True:
        for item in items:
            write(lead)
            lead = ","
            if named:
                write(_name(item[0], dumps))
                item = item[1]
            text, item = _written(item, default, dumps)
            if text is not None:
                write(text)
                continue
            outer.append((items, named))
            if len(outer) > DEEPEST:
                raise ValueError(f"nested more than {DEEPEST} deep, or inside of itself")
            named = isinstance(item, dict)
            items, lead = iter(item.items() if named else item), "{" if named else "["
            break
        else:
            if not outer:
                return "".join(pieces)
            write("}" if named else "]")
            items, named = outer.pop()


def _written(
    value: Any,
    default: Callable[[Any], Any] | None,
    dumps: Callable[[Any], bytes],
    times: int = 0,
) -> tuple[str | None, Any]:
    """The text of a value that can be written at once; else `None` and the container it is."""
    if isinstance(value, CONTAINERS):
        inside = value.values() if isinstance(value, dict) else value
        if not SCALARS.issuperset(map(type, inside)):
            return None, value
    try:
        return dumps(value).decode(), value
    except TypeError:
        pass
    match value:
        case dict() | list() | tuple():
            return None, value
        case str():
            return encode_basestring_ascii(value), value
        case int():
            return int.__repr__(value), value
        case float():
            return "null", value  # NaN or infinite
        case _ if dataclasses.is_dataclass(value) or isinstance(value, Enum):
            return _written(_parts(value), default, dumps)
        case _ if default is not None and times < MOST_TIMES:
            return _written(default(value), default, dumps, times + 1)
        case _:
            raise TypeError(f"{type(value).__name__} has no form in JSON")


def _parts(value: Any) -> Any:
    """What orjson writes for a dataclass or an `Enum`."""
    if isinstance(value, Enum):
        return value.value
    fields = [field.name for field in dataclasses.fields(value) if field.name[0] != "_"]
    return {name: getattr(value, name) for name in fields}


def _name(key: Any, dumps: Callable[[Any], bytes]) -> str:
    """A key with its colon; one that is no finite number is ``null``, as a value would be."""
    if isinstance(key, float) and not math.isfinite(key):
        key = None
    return f"{_written(key_text(key), None, dumps)[0]}:"
