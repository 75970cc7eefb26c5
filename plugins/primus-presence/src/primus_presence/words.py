"""What servers tell one another of their members, as it travels (pure).

Each is a message with a small head, which says what it ``is``, and a frame of JSON: a list of
``[room, user, stamp, info]`` for a user that the server has, and of ``[room, user, 1 or 0]`` for
one that it has no longer, which leaves at once or after the grace.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from primus_presence.errors import PresenceError
from primus_presence.picture import Held

__all__ = ["Told", "chunks", "number", "text_of", "told"]


class Told(NamedTuple):
    """What a server says of one user in a room."""

    room: str
    user: str
    held: Held | None
    """`None` when it does not have the user any more."""
    at_once: bool = False
    """Whether the user leaves without the grace."""


def text_of(line: Told) -> str:
    """A line of a frame."""
    if line.held is None:
        return json.dumps([line.room, line.user, int(line.at_once)])
    return json.dumps([line.room, line.user, *line.held])


def chunks(lines: Iterable[Told], size: int) -> Iterator[bytes]:
    """Frames of no more than so many bytes, unless one line alone is longer."""
    texts: list[str] = []
    length = 0
    for line in lines:
        text = text_of(line)
        if texts and length + len(text) + 2 > size:
            yield f"[{','.join(texts)}]".encode()
            texts, length = [], 0
        texts.append(text)
        length += len(text) + 1
    if texts:
        yield f"[{','.join(texts)}]".encode()


def told(frame: str | bytes) -> list[Told]:
    """What a frame says.

    Raises:
        PresenceError: it is none of this version.
    """
    try:
        return [_told(*line) for line in json.loads(frame)]
    except (ValueError, TypeError) as error:
        raise PresenceError(f"presence: another server tells what is none: {error}") from error


def number(head: Mapping[str, Any], name: str) -> int:
    """A number in a head.

    Raises:
        PresenceError: it is none.
    """
    value = head.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise PresenceError(f"presence: {name}={value!r} of another server is no number")
    return value


def _told(room: Any, user: Any, stamp: Any, info: Any = None) -> Told:
    if not (isinstance(room, str) and isinstance(user, str) and isinstance(stamp, int)):
        raise TypeError(f"{room!r}, {user!r}, {stamp!r}")
    if info is None:
        return Told(room, user, None, bool(stamp))
    if not isinstance(info, str):
        raise TypeError(f"{info!r}")
    return Told(room, user, Held(stamp, info))
