"""The bytes of BinaryPack to values, with every type that npm's ``binary-pack`` knows.

Nothing is recursive and nothing is allocated because of a length that is only announced.
"""

from __future__ import annotations

import struct
from typing import Any, Final

from primus.parsers.values import key_text
from primus_parser_binary.packing import DEPTH, EXACT

__all__ = ["unpack"]

CONSTANTS: Final = {0xC0: None, 0xC2: False, 0xC3: True} | dict.fromkeys(
    (0xC1, 0xD4, 0xD5, 0xD6, 0xD7)  # `undefined`
)
NUMBERS: Final = {
    kind: struct.Struct(">" + form)
    for kind, form in zip((0xCA, *range(0xCC, 0xD4)), "fBHIQbhiq", strict=True)
}
DOUBLE: Final = struct.Struct(">d")
LENGTHS: Final = (struct.Struct(">H"), struct.Struct(">I"))
KINDS: Final = {0xD8: 0xB0, 0xDA: 0xA0, 0xDC: 0x90, 0xDE: 0x80}
"""The kinds with a length of 16 bits, and one further of 32, each by its kind with 4 bits."""


def unpack(frame: bytes) -> Any:
    """The value in `frame`.

    Raises:
        ValueError: it is no BinaryPack, breaks off, goes on, or is nested too deeply.
        TypeError: the key of an object is an array, an object or bytes.
    """
    reader = _Reader(frame)
    unfinished: list[_Container] = []
    while True:
        value = reader.value()
        if isinstance(value, _Container):
            if value.missing:
                unfinished.append(value)
                if len(unfinished) > DEPTH:
                    raise ValueError(f"nested more than {DEPTH} deep")
                continue
            value = value.finished()
        while unfinished:
            last = unfinished[-1]
            last.items.append(value)
            last.missing -= 1
            if last.missing:
                break
            value = unfinished.pop().finished()
        else:
            reader.finish()
            return value


class _Container:
    """An array or object whose items are still to come."""

    __slots__ = ("is_object", "items", "missing")

    def __init__(self, missing: int, is_object: bool) -> None:
        self.missing = missing
        self.is_object = is_object
        self.items: list[Any] = []

    def finished(self) -> Any:
        if not self.is_object:
            return self.items
        return dict(zip(map(key_text, self.items[::2]), self.items[1::2], strict=True))


class _Reader:
    __slots__ = ("at", "frame")

    def __init__(self, frame: bytes) -> None:
        self.frame = frame
        self.at = 0

    def value(self) -> Any:
        """The next value, or the container that begins here."""
        at = self.at
        if at == len(self.frame):
            raise ValueError("it breaks off before a value")
        self.at = at + 1
        kind = self.frame[at]
        if kind < 0x80:
            return kind
        if kind < 0xC0:
            return self._sized(kind & 0xF0, kind & 0x0F)
        if kind >= 0xE0:
            return kind - 0x100
        if kind in CONSTANTS:
            return CONSTANTS[kind]
        if kind == 0xCB:
            return _whole(self._number(DOUBLE))
        if kind in NUMBERS:
            return self._number(NUMBERS[kind])
        if kind >= 0xD8:
            return self._sized(KINDS[kind & 0xFE], self._number(LENGTHS[kind & 1]))
        raise ValueError(f"0x{kind:x} at byte {at} begins no value")

    def finish(self) -> None:
        if self.at != len(self.frame):
            raise ValueError(f"{len(self.frame) - self.at} bytes follow the value")

    def _sized(self, kind: int, length: int) -> Any:
        if kind == 0xB0:
            return self._take(length).decode()
        if kind == 0xA0:
            return self._take(length)
        items = length if kind == 0x90 else 2 * length
        if items > len(self.frame) - self.at:  # every item takes a byte at least
            raise ValueError(
                f"{length} items are announced, {len(self.frame) - self.at} bytes left"
            )
        return _Container(items, kind == 0x80)

    def _number(self, form: struct.Struct) -> Any:
        return form.unpack(self._take(form.size))[0]

    def _take(self, size: int) -> bytes:
        start, self.at = self.at, self.at + size
        if self.at > len(self.frame):
            raise ValueError(f"it breaks off: {size} bytes wanted, {len(self.frame) - start} left")
        return self.frame[start : self.at]


def _whole(value: float) -> int | float:
    """A whole number beyond 32 bits comes as a double, see `primus_parser_binary.packing`."""
    if value.is_integer() and 0x8000_0000 <= abs(value) <= EXACT:
        return int(value)
    return value
