"""Several envelopes in one entry of a bus (pure): each behind its length, in four bytes."""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct
from typing import Final

from primus_backplane.errors import InvalidEnvelope

__all__ = ["packed", "unpacked"]

LENGTH: Final = Struct("!I")


def packed(envelopes: Iterable[bytes]) -> bytes:
    """The entry with these envelopes."""
    return b"".join(part for each in envelopes for part in (LENGTH.pack(len(each)), each))


def unpacked(entry: bytes, most: int) -> list[bytes]:
    """The envelopes of an entry.

    Args:
        entry: the entry.
        most: how many it may have.

    Raises:
        InvalidEnvelope: it is broken off, or has more.
    """
    size = LENGTH.size
    if len(entry) > size and LENGTH.unpack_from(entry)[0] == len(entry) - size and most:
        return [entry[size:]]  # most have one
    found: list[bytes] = []
    place = 0
    while place < len(entry):
        start = place + LENGTH.size
        if start > len(entry) or len(found) >= most:
            raise InvalidEnvelope("an entry that is broken off, or has too many envelopes")
        place = start + LENGTH.unpack_from(entry, place)[0]
        if place > len(entry):
            raise InvalidEnvelope("an entry that is broken off")
        found.append(entry[start:place])
    return found
