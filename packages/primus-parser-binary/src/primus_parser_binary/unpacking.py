"""The bytes of BinaryPack to values, with every type that npm's ``binary-pack`` knows.

Nothing is recursive and nothing is allocated because of a length that is only announced.
"""

from __future__ import annotations

import struct
from typing import Any, Final

from primus.limits import DEFAULT_LIMITS
from primus.parsers.values import key_text
from primus_parser_binary.packing import EXACT

__all__ = ["unpack"]

DEPTH: Final = DEFAULT_LIMITS.max_depth
CONSTANTS: Final = {
    **{kind: kind for kind in range(0x80)},
    **{kind: kind - 0x100 for kind in range(0xE0, 0x100)},
    **dict.fromkeys((0xC0, 0xC1, 0xD4, 0xD5, 0xD6, 0xD7)),  # `null`, and forms of `undefined`
    0xC2: False,
    0xC3: True,
}
"""The values of one byte."""

NUMBERS: Final = {
    kind: struct.Struct(">" + form)
    for kind, form in zip((0xCA, *range(0xCC, 0xD4)), "fBHIQbhiq", strict=True)
}
DOUBLE: Final = struct.Struct(">d")
LENGTHS: Final = {0: struct.Struct(">H"), 1: struct.Struct(">I")}
KINDS: Final = {0xD8: 0xB0, 0xDA: 0xA0, 0xDC: 0x90, 0xDE: 0x80}
"""The kinds with a length of 16 bits, and one further of 32, each by its kind with 4 bits."""

CONTAINERS: Final = frozenset((*range(0x80, 0xA0), *range(0xDC, 0xE0)))
TEXTS: Final = frozenset({str})


def unpack(frame: bytes) -> Any:
    """The value in `frame`.

    Raises:
        ValueError: it is no BinaryPack, breaks off, goes on, or is nested too deeply.
        TypeError: the key of an object is an array, an object or bytes.
    """
    at, size = 0, len(frame)
    outer: list[tuple[list[Any], int, bool]] = []
    items: list[Any] = []  # what the container that is being read has so far, keys as well
    missing, named = 1, False
    while missing:
        if at >= size:
            raise ValueError("it breaks off before a value")
        kind = frame[at]
        if kind in CONSTANTS:
            items.append(CONSTANTS[kind])
            at += 1
        elif kind in CONTAINERS:
            of_names, count, at = _head(frame, at)
            if len(outer) == DEPTH:
                raise ValueError(f"nested more than {DEPTH} deep")
            if count:
                outer.append((items, missing, named))
                items, missing, named = [], count, of_names
                continue
            items.append({} if of_names else [])
        else:
            value, at = _scalar(frame, at)
            items.append(value)
        missing -= 1
        while not missing and outer:
            finished = _object(items) if named else items
            items, missing, named = outer.pop()
            items.append(finished)
            missing -= 1
    if at != size:
        raise ValueError(f"{size - at} bytes follow the value")
    return items[0]


def _head(frame: bytes, at: int) -> tuple[bool, int, int]:
    """Of the container at `at`: whether it is an object, its items, and where the first is."""
    kind, length, at = _sized(frame, at)
    count = length if kind == 0x90 else 2 * length
    if count > len(frame) - at:  # every item takes a byte at least
        raise ValueError(f"{count} items are announced, {len(frame) - at} bytes left")
    return kind == 0x80, count, at


def _object(items: list[Any]) -> dict[str, Any]:
    """Keys and values, by turns, as a dict."""
    if len(items) == 2 and type(items[0]) is str:
        return {items[0]: items[1]}
    keys = items[::2]
    texts = keys if TEXTS.issuperset(map(type, keys)) else map(key_text, keys)
    return dict(zip(texts, items[1::2], strict=True))


def _scalar(frame: bytes, at: int) -> tuple[Any, int]:
    """The number, text or bytes at `at`, and where the next value is."""
    kind = frame[at]
    if kind == 0xCB:
        number, at = _number(DOUBLE, frame, at + 1)
        return _whole(number), at
    if kind in NUMBERS:
        return _number(NUMBERS[kind], frame, at + 1)
    if kind < 0xC0:  # the short ones at once, since there may be half a million
        length, at = kind & 0x0F, at + 1
    else:
        kind, length, at = _sized(frame, at)
    if (end := at + length) > len(frame):
        raise ValueError(f"it breaks off: {length} bytes wanted, {len(frame) - at} left")
    content = frame[at:end]
    return content.decode() if kind & 0xF0 == 0xB0 else content, end


def _sized(frame: bytes, at: int) -> tuple[int, int, int]:
    """Of what has a length: its kind, as with a length of 4 bits, the length, where it begins."""
    kind = frame[at]
    if kind < 0xC0:
        return kind & 0xF0, kind & 0x0F, at + 1
    if kind < 0xD8:
        raise ValueError(f"0x{kind:x} at byte {at} begins no value")
    length, at = _number(LENGTHS[kind & 1], frame, at + 1)
    return KINDS[kind & 0xFE], length, at


def _number(form: struct.Struct, frame: bytes, at: int) -> tuple[Any, int]:
    if (end := at + form.size) > len(frame):
        raise ValueError(f"it breaks off: {form.size} bytes wanted, {len(frame) - at} left")
    return form.unpack_from(frame, at)[0], end


def _whole(value: float) -> int | float:
    """Read a double; a whole number beyond 32 bits is one: see `primus_parser_binary.packing`."""
    if value.is_integer() and 0x8000_0000 <= abs(value) <= EXACT:
        return int(value)
    return value
