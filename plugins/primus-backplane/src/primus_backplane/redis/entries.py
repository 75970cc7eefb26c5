"""Entries of a stream, as Redis gives them (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any, Final, NamedTuple

from primus_backplane.batches import unpacked
from primus_backplane.bus import Entry
from primus_backplane.errors import InvalidEnvelope
from primus_backplane.redis.ids import (
    NOTHING,
    Id,
    id_of,
    is_last,
    of_position,
    parsed,
    position,
    shown,
)

__all__ = ["Stored", "behind", "envelopes", "follows", "newest", "published", "stored"]


UNREADABLE: Final = b"?"


class Stored(NamedTuple):
    """One entry."""

    id: Id
    before: Id
    """The id of the entry before it; `NOTHING` for the first of all."""
    envelopes: bytes

    @property
    def is_ours(self) -> bool:
        """Whether it is an entry of this engine."""
        return self.envelopes is not UNREADABLE


def stored(item: Any) -> Stored:
    """The entry in what a stream gives; one that is none of ours cannot be read later."""
    id, fields = item
    before, envelopes = fields.get(b"p"), fields.get(b"e")
    if before is None or envelopes is None:
        return Stored(parsed(id), NOTHING, UNREADABLE)
    return Stored(parsed(id), id_of(before), envelopes)


def behind(position: int, items: Iterable[Any], end: Id, most: int) -> list[Entry] | None:
    """The envelopes behind a position; `None` when some of them are missing.

    Args:
        position: the position.
        items: what the stream gives from the entry on that the position is in.
        end: the newest id there ever was.
        most: how many envelopes an entry has at the most.
    """
    at = of_position(position)
    entries = [stored(item) for item in items]
    if not entries:
        return [] if at == end and is_last(position) else None
    first = entries[0]
    if first.id != at and (first.before != at or not is_last(position)):
        return None
    if any(one.id != two.before for one, two in pairwise(entries)):
        return None
    found = [each for entry in entries for each in _readable(entry, most)]
    return [entry for entry in found if entry.position > position]


def newest(items: Iterable[Any], end: Id, most: int) -> tuple[int, list[Entry]]:
    """The newest envelopes, in order, and the position behind which none of them is missing.

    Args:
        items: what the stream gives, the newest first.
        end: the newest id there ever was.
        most: how many envelopes an entry has at the most.
    """
    found: list[Entry] = []
    before = end
    for item in items:
        entry = stored(item)
        if entry.id != before:
            break
        found[:0] = _readable(entry, most)
        before = entry.before
    return position(before), found


def _readable(entry: Stored, most: int) -> list[Entry]:
    try:
        return envelopes(entry.id, entry.envelopes, most)
    except ValueError:
        return []


def published(data: bytes) -> Stored:
    """The entry in what was published.

    Raises:
        ValueError: it is none.
    """
    before, _, rest = data.partition(b" ")
    id, _, entry = rest.partition(b" ")
    return Stored(parsed(id), parsed(before), entry)


def follows(data: bytes, id: Id) -> tuple[Id, bytes] | None:
    """The id and the envelopes of the entry in what was published, if it is the one behind the
    entry of that id.
    """
    parts = data.split(b" ", 2)
    if len(parts) != 3 or parts[0] != shown(id):
        return None
    try:
        return parsed(parts[1]), parts[2]
    except ValueError:
        return None


def envelopes(id: Id, entry: bytes, most: int) -> list[Entry]:
    """The envelopes of the entry of an id, with their positions.

    Raises:
        ValueError: it is broken off.
    """
    try:
        found = unpacked(entry, most)
    except InvalidEnvelope as error:
        raise ValueError(str(error)) from error
    last = position(id)
    return [
        Entry(last - left, each) for left, each in zip(range(len(found))[::-1], found, strict=True)
    ]
