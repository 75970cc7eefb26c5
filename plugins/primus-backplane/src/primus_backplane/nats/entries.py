"""Messages of a stream, and the positions of the envelopes in them (pure).

The sequence of a message is its place in its stream, without holes; a stream that is made anew
begins behind the former one. A position is the sequence and the place of the envelope in the
message, counted so that the last one has the highest.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Final, NamedTuple

from primus_backplane.batches import unpacked
from primus_backplane.bus import INDEX_BITS, Entry
from primus_backplane.errors import InvalidEnvelope

__all__ = ["Extent", "Stored", "behind", "envelopes", "newest", "position"]

LAST: Final = (1 << INDEX_BITS) - 1


class Stored(NamedTuple):
    """One message of a stream."""

    sequence: int
    data: bytes


class Extent(NamedTuple):
    """What a stream has held."""

    base: int
    """The first sequence of its life."""
    last: int
    """The newest there ever was; ``base - 1`` for none."""


def position(sequence: int, left: int = 0) -> int:
    """The position of an envelope behind which its message has so many more."""
    return (sequence << INDEX_BITS) | (LAST - left)


def envelopes(stored: Stored, most: int) -> list[Entry]:
    """The envelopes of a message with their positions.

    Raises:
        InvalidEnvelope: it is broken off, or has too many.
    """
    found = unpacked(stored.data, most)
    return [
        Entry(position(stored.sequence, len(found) - 1 - index), envelope)
        for index, envelope in enumerate(found)
    ]


def first_to_read(at: int, extent: Extent) -> int | None:
    """The sequence from which on all behind a position is; `None` when it was never there."""
    if at == 0:
        return extent.base
    sequence = at >> INDEX_BITS
    if not extent.base <= sequence <= extent.last:
        return None
    return sequence + 1 if at & LAST == LAST else sequence


def behind(at: int, items: list[Stored], start: int, last: int, most: int) -> list[Entry] | None:
    """The envelopes behind a position; `None` when some of them are missing.

    Args:
        at: the position.
        items: what the stream gives from `start` on.
        start: see `first_to_read`.
        last: the newest sequence there was before.
        most: how many envelopes a message has at the most.
    """
    if not items:
        return [] if start > last else None
    if items[0].sequence != start or _has_hole(items):
        return None
    return [entry for entry in _readable(items, most) if entry.position > at]


def newest(items: list[Stored], extent: Extent, most: int) -> tuple[int, list[Entry]]:
    """The newest envelopes, in order, and the position behind which none of them is missing.

    Args:
        items: what the stream gives, up to its end.
        extent: what it has held.
        most: how many envelopes a message has at the most.
    """
    while items and _has_hole(items):
        items = items[1:]
    before = items[0].sequence - 1 if items else extent.last
    return (0 if before < extent.base else position(before)), _readable(items, most)


def _has_hole(items: Iterable[Stored]) -> bool:
    return any(one.sequence + 1 != two.sequence for one, two in pairwise(items))


def _readable(items: Iterable[Stored], most: int) -> list[Entry]:
    found: list[Entry] = []
    for item in items:
        try:
            found += envelopes(item, most)
        except InvalidEnvelope:
            continue
    return found
