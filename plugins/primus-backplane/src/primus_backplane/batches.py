"""Several envelopes in one entry of a bus (pure): each behind its length, in four bytes."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import Final

from primus_backplane.errors import InvalidEnvelope

__all__ = ["packed", "parted", "single", "unpacked"]

LENGTH: Final = Struct("!I")


def packed(envelopes: Sequence[bytes]) -> bytes:
    """The entry with these envelopes."""
    if len(envelopes) == 1:  # as most have
        return LENGTH.pack(len(envelopes[0])) + envelopes[0]
    return b"".join(part for each in envelopes for part in (LENGTH.pack(len(each)), each))


def parted(envelopes: Sequence[bytes], most: int) -> list[bytes]:
    """Entries with these envelopes, in their order.

    Args:
        envelopes: what they have.
        most: how many bytes an entry may have; an envelope that is longer has a longer one alone.
    """
    whole = packed(envelopes)
    if len(whole) <= most or len(envelopes) == 1:
        return [whole]
    parts: list[list[bytes]] = []
    left = 0
    for each in envelopes:
        length = LENGTH.size + len(each)
        if length > left:
            parts.append([])
            left = most
        parts[-1].append(each)
        left -= length
    return [packed(part) for part in parts]


def single(entry: bytes) -> bytes | None:
    """The envelope of an entry that has only one, as most have; `None` for another entry."""
    size = len(entry) - LENGTH.size
    return entry[-size:] if size > 0 and LENGTH.unpack_from(entry)[0] == size else None


def unpacked(entry: bytes, most: int) -> list[bytes]:
    """The envelopes of an entry.

    Args:
        entry: the entry.
        most: how many it may have.

    Raises:
        InvalidEnvelope: it is broken off, or has more.
    """
    envelope = single(entry)
    if envelope is not None and most:
        return [envelope]
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
