"""The extension types that npm's ``msgpack-lite`` uses, and thereby Node Primus.

====================================  =====  ====================================================
of JavaScript                         code   in Python
====================================  =====  ====================================================
`Date`                                13     an aware `datetime` in UTC, milliseconds
`Uint8Array`, `ArrayBuffer` and such  18 …   `bytes`
`Int8Array` and other typed arrays    17 …   `array.array`
`Boolean`, `String`, `Number` objects 11 …   `bool`, `str`, a number
errors, regular expressions           …      `Ext`: nothing is made of them
====================================  =====  ====================================================

The timestamps of MessagePack itself, type -1, are read by the library.
"""

from __future__ import annotations

import struct
import sys
from array import array
from datetime import date, datetime, time
from typing import Any, Final

import msgpack  # type: ignore[import-untyped]
from msgpack import ExtType as Ext

from primus.parsers.values import from_milliseconds, plain, to_milliseconds

__all__ = ["Ext", "from_extension", "to_plain"]

DATE: Final = 0x0D
OBJECTS: Final = frozenset({0x0B, 0x0C, 0x0F})
BYTES: Final = frozenset({0x12, 0x19, 0x1A, 0x1B, 0x1D})
ARRAYS: Final = {0x11: "b", 0x13: "h", 0x14: "H", 0x15: "i", 0x16: "I", 0x17: "f", 0x18: "d"}
CODES: Final = {
    **{(each, array(each).itemsize): code for code, each in ARRAYS.items()},
    ("B", 1): 0x12,
    ("l", 4): 0x15,
    ("L", 4): 0x16,
}
INT32: Final = range(-(1 << 31), 1 << 31)
DOUBLE: Final = struct.Struct(">Bd")


def to_plain(value: Any) -> Any:
    """What MessagePack has for a value that it does not know itself.

    Raises:
        TypeError: there is nothing.
    """
    match value:
        case datetime():
            return Ext(DATE, _date(to_milliseconds(value)))
        case date() | time():
            return value.isoformat()
        case array():
            return _typed(value)
        case _:
            return plain(value)


def from_extension(code: int, content: bytes) -> Any:
    """The value of an extension type; an `Ext` when its code has no meaning here.

    Raises:
        ValueError: `content` does not fit the code.
        TypeError: neither does it.
    """
    if code == DATE:
        return from_milliseconds(_scalar(content))
    if code in BYTES:
        return content
    if code in ARRAYS:
        return _swapped(array(ARRAYS[code], content))
    if code in OBJECTS:
        return _scalar(content)
    return Ext(code, content)


def _date(milliseconds: int) -> bytes:
    """As ``msgpack-lite`` has them: a double beyond 32 bits."""
    if milliseconds in INT32:
        small: bytes = msgpack.packb(milliseconds, buf_size=8)
        return small
    return DOUBLE.pack(0xCB, milliseconds)


def _scalar(content: bytes) -> Any:
    """A value that contains no others; extensions in extensions would have no end."""
    return msgpack.unpackb(content, max_array_len=0, max_map_len=0, max_ext_len=0)


def _typed(value: array[Any]) -> Ext:
    code = CODES.get((value.typecode, value.itemsize))
    if code is None:
        raise TypeError(f"no typed array of JavaScript holds what array({value.typecode!r}) does")
    return Ext(code, _swapped(value).tobytes())


def _swapped(value: array[Any]) -> array[Any]:
    """Little-endian, which is how JavaScript has them on all machines that matter."""
    if sys.byteorder == "little":
        return value
    swapped = value[:]
    swapped.byteswap()
    return swapped
