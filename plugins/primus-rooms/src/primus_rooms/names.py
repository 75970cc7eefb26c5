"""Names of rooms and ids of sparks, in every form that users give them (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from reprlib import repr as shown
from typing import Any

from primus_rooms.errors import RoomsError

__all__ = ["Names", "ids", "matches", "names"]

Names = str | int | Iterable[str | int]
"""A text with spaces between the names, a number, or several of them."""


def names(value: Any) -> tuple[str, ...]:
    """Names from ``"news sport"``, a number or a list of names, each once, none empty.

    Names in a list are taken as they are, so that they may hold spaces.

    Raises:
        RoomsError: it is none of these.
    """
    if type(value) is str and value and " " not in value:
        return (value,)
    given = value.split(" ") if isinstance(value, str) else value
    if isinstance(given, int):
        given = (given,)
    if not isinstance(given, Iterable) or isinstance(given, bytes):
        raise RoomsError(f"{shown(value)}: must be a name, names with spaces between, or a list")
    return tuple(dict.fromkeys(name for each in given if (name := _name(each))))


def _name(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise RoomsError(f"{shown(value)}: a name must be a text or a number")
    return str(value)


def ids(value: Any) -> tuple[str, ...]:
    """Ids of sparks; as `names`, and a spark stands for its own id.

    Raises:
        RoomsError: it is none of these.
    """
    if hasattr(value, "id"):
        return (str(value.id),)
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        value = [getattr(each, "id", each) for each in value]
    return names(value)


def matches(pattern: str, room: str) -> bool:
    """Whether a name with ``*`` in it, each for any text, fits the whole name of a room.

    Nothing but ``*`` is special, and the time it takes grows with the length of the name only.
    """
    first, *others = pattern.split("*")
    if not others:
        return pattern == room
    last = others.pop()
    place, end = len(first), len(room) - len(last)
    if place > end or not room.startswith(first) or not room.endswith(last):
        return False
    for part in others:
        found = room.find(part, place, end)
        if found < 0:
            return False
        place = found + len(part)
    return True
