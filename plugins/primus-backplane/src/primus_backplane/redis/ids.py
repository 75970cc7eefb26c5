"""Ids of entries of a stream, and the positions of the envelopes in them (pure).

A position is one number that grows: the milliseconds of an id, its counter, and the place of the
envelope in the entry, counted so that the last one has the highest.
"""

from __future__ import annotations

from typing import Final

from primus_backplane.bus import INDEX_BITS

__all__ = [
    "NOTHING",
    "Id",
    "id_of",
    "is_last",
    "of_position",
    "parsed",
    "position",
    "shown",
]

Id = tuple[int, int]
NOTHING: Final[Id] = (0, 0)
"""The id before all."""
COUNTER_BITS: Final = 24
LAST: Final = (1 << INDEX_BITS) - 1
LONGEST: Final = 40
"""The longest id, in bytes."""


def parsed(text: bytes) -> Id:
    """The id in a text.

    Raises:
        ValueError: it is none.
    """
    milliseconds, _, counter = text.partition(b"-")
    if not (milliseconds.isdigit() and counter.isdigit()) or len(text) > LONGEST:
        raise ValueError(f"{text[:50]!r} is no id of a stream")
    return int(milliseconds), int(counter)


def id_of(text: bytes | None) -> Id:
    """The id in a text; `NOTHING` when there is none."""
    try:
        return NOTHING if text is None else parsed(text)
    except ValueError:
        return NOTHING


def shown(id: Id) -> bytes:
    """The text of an id."""
    return b"%d-%d" % id


def position(id: Id, left: int = 0) -> int:
    """The position of an envelope behind which its entry has so many more; 0 before all."""
    if id == NOTHING:
        return 0
    return ((id[0] << COUNTER_BITS | id[1]) << INDEX_BITS) | (LAST - left)


def of_position(position: int) -> Id:
    """The id of the entry that a position is in."""
    place = position >> INDEX_BITS
    return place >> COUNTER_BITS, place & ((1 << COUNTER_BITS) - 1)


def is_last(position: int) -> bool:
    """Whether nothing of its entry is behind a position."""
    return position & LAST == LAST or position == 0
