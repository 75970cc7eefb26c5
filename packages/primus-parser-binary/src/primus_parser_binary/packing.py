"""Values to the bytes of BinaryPack, as npm's ``binary-pack`` writes them.

It looks like an early MessagePack: texts and bytes have headers of their own, and there are no
extensions. Dates are text. Two things are done otherwise than in Node, so that Node can read them:
a whole number beyond 32 bits is a double (``binary-pack`` writes 64 bits, and overflows its stack
when it reads them), and so are the infinities (it refuses them).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from datetime import date, time
from enum import Enum
from itertools import chain
from typing import Any, Final

from primus.limits import DEFAULT_LIMITS
from primus.parsers.values import key_text, plain

__all__ = ["pack"]

DEEPEST: Final = DEFAULT_LIMITS.max_depth_written
TEXTS: Final = frozenset({str})
EXACT: Final = 1 << 53
"""Up to here every whole number is exactly a double."""

INTEGERS: Final = (
    (0, 0xFF, struct.Struct(">BB"), 0xCC),
    (-0x80, 0x7F, struct.Struct(">Bb"), 0xD0),
    (0, 0xFFFF, struct.Struct(">BH"), 0xCD),
    (-0x8000, 0x7FFF, struct.Struct(">Bh"), 0xD1),
    (0, 0xFFFF_FFFF, struct.Struct(">BI"), 0xCE),
    (-0x8000_0000, 0x7FFF_FFFF, struct.Struct(">Bi"), 0xD2),
)
DOUBLE: Final = struct.Struct(">Bd")
SHORT: Final = struct.Struct(">BH")
LONG: Final = struct.Struct(">BI")


def pack(value: Any) -> bytes:
    """`value` as BinaryPack.

    Raises:
        TypeError: a value or key has no form in it.
        ValueError: a text has lone surrogates, or containers are nested too deeply.
        OverflowError: an integer does not fit 64 bits.
    """
    out = bytearray()
    outer: list[Iterator[Any]] = []
    items: Iterator[Any] = iter((value,))
    while True:
        for item in items:
            if type(item) is int and -0x20 <= item <= 0x7F:
                out.append(item & 0xFF)
            elif (inside := _write(item, out)) is not None:
                outer.append(items)
                if len(outer) > DEEPEST:
                    raise ValueError(f"nested more than {DEEPEST} deep, or inside of itself")
                items = inside
                break
        else:
            if not outer:
                return bytes(out)
            items = outer.pop()


def _write(value: Any, out: bytearray) -> Iterator[Any] | None:
    """Write a value, or the head of a container, whose items are what is returned."""
    writer = WRITERS.get(type(value))
    if writer is not None:
        return writer(value, out)
    for kind, writer in WRITERS.items():  # something that derives from what is known
        if isinstance(value, kind):
            return writer(value, out)
    return _write(plain(value), out)


def _constant(value: bool | None, out: bytearray) -> None:
    out.append(0xC0 if value is None else 0xC3 if value else 0xC2)


def _text(value: str, out: bytearray) -> None:
    text = value.encode()
    _head(len(text), out, (0xB0, 0xD8, 0xD9))
    out += text


def _moment(value: date | time, out: bytearray) -> None:
    _text(value.isoformat(), out)


def _bytes(value: bytes | bytearray | memoryview, out: bytearray) -> None:
    content = bytes(value)
    _head(len(content), out, (0xA0, 0xDA, 0xDB))
    out += content


def _array(value: list[Any] | tuple[Any, ...], out: bytearray) -> Iterator[Any] | None:
    _head(len(value), out, (0x90, 0xDC, 0xDD))
    return iter(value) if value else None


def _object(value: dict[Any, Any], out: bytearray) -> Iterator[Any] | None:
    _head(len(value), out, (0x80, 0xDE, 0xDF))
    if not value:
        return None
    if TEXTS.issuperset(map(type, value)):
        return chain.from_iterable(value.items())
    return (each for key, item in value.items() for each in (key_text(key), item))


def _head(length: int, out: bytearray, kinds: tuple[int, int, int]) -> None:
    """The length of a text, of bytes or of a container, in the shortest of three forms."""
    inline, short, long = kinds
    if length <= 0x0F:
        out.append(inline + length)
    elif length <= 0xFFFF:
        out += SHORT.pack(short, length)
    elif length <= 0xFFFF_FFFF:
        out += LONG.pack(long, length)
    else:
        raise ValueError(f"a length of {length} does not fit 32 bits")


def _integer(value: int, out: bytearray) -> None:
    if -0x20 <= value <= 0x7F:
        out.append(value & 0xFF)
        return
    for least, most, form, kind in INTEGERS:
        if least <= value <= most:
            out += form.pack(kind, value)
            return
    if -EXACT <= value <= EXACT:
        out += DOUBLE.pack(0xCB, value)
    elif value < 0:
        out.append(0xD3)
        out += value.to_bytes(8, "big", signed=True)
    else:
        out.append(0xCF)
        out += value.to_bytes(8, "big")


def _number(value: float, out: bytearray) -> None:
    """As in JavaScript a whole number is an integer, whatever its type was."""
    if value.is_integer() and abs(value) <= EXACT:
        _integer(int(value), out)
    else:
        out += DOUBLE.pack(0xCB, value)


WRITERS: Final[dict[type, Callable[[Any, bytearray], Iterator[Any] | None]]] = {
    type(None): _constant,
    bool: _constant,
    Enum: lambda value, out: _write(value.value, out),
    int: _integer,
    float: _number,
    str: _text,
    bytes: _bytes,
    bytearray: _bytes,
    memoryview: _bytes,
    list: _array,
    tuple: _array,
    dict: _object,
    date: _moment,
    time: _moment,
}
"""What writes a value of a class; the first that fits, so `bool` and `Enum` before `int`."""
