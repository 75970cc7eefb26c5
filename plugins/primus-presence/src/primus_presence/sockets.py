"""The client half in Python; a server does without this module."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from primus import MessageT_co, Socket
from primus.clock import Timer, expect
from primus_presence.presence import FIELD

__all__ = ["PresenceSocket", "Rosters"]

ROOMS: Final = 1000
"""How many rooms a client knows at the most: as many as a spark may watch."""

PATIENCE: Final = 5.0
"""Seconds after a reconnect in which the server tells again of the rooms that it still tells of."""


class Rosters:
    """The rooms that the server tells of, on ``socket.presence``.

    Events of the socket: ``presence state(room, members)``, ``presence join(room, user, info)``,
    ``presence update(room, user, info)``, ``presence leave(room, user)``; ``presence count(room,
    count)`` for a room with too many members to be listed; ``presence end(room)``.

    Args:
        socket: the socket.
    """

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._members: dict[str, dict[str, Any] | None] = {}
        """`None` for a room that is counted only."""
        self._counts: dict[str, int] = {}
        self._old: set[str] = set()
        """The rooms that the server of an earlier connection has told of, and this one has not."""
        self._waiting: Timer | None = None
        """Set while the server may still tell of them."""
        socket.carried[FIELD] = "1"
        socket.on("open", self._opened)
        socket.on("close", self._closed)

    @property
    def rooms(self) -> list[str]:
        """The rooms that the server tells of."""
        return list(self._counts)

    def members(self, room: str) -> Mapping[str, Any] | None:
        """The users in a room, and the info of each; `None` when there is only a count."""
        members = self._members.get(room)
        return None if members is None else dict(members)

    def count(self, room: str) -> int:
        """How many users there are in a room."""
        return self._counts.get(room, 0)

    # -- the connection

    def _opened(self) -> None:
        self._old = set(self._counts)
        if self._old:
            self._waiting = expect(self._socket.clock, PATIENCE, self._forget)

    def _closed(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _forget(self) -> None:
        """Forget the rooms that the server tells of no longer."""
        self._waiting = None
        for room in sorted(self._old):
            self._end(room)

    # -- what the server says

    def take(self, value: str) -> None:
        """Take what the server tells of a room."""
        try:
            told = json.loads(value)
        except ValueError:
            return
        if not isinstance(told, dict) or not isinstance(room := told.get("room"), str):
            return
        if told.get("end") is True:
            self._end(room)
            return
        count = told.get("count")
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            return
        if room not in self._counts and len(self._counts) >= ROOMS:
            return
        self._counts[room] = count
        self._old.discard(room)
        if isinstance(state := told.get("state"), dict):
            self._members[room] = state
            self._tell("state", room, dict(state))
        elif not any(kind in told for kind in ("join", "update", "leave")):
            self._members[room] = None
            self._tell("count", room, count)
        elif (members := self._members.get(room)) is not None:
            self._take_news(room, members, told)

    def _end(self, room: str) -> None:
        self._old.discard(room)
        self._members.pop(room, None)
        if self._counts.pop(room, None) is not None:
            self._tell("end", room)

    def _take_news(self, room: str, members: dict[str, Any], told: Mapping[str, Any]) -> None:
        joined, updated, left = told.get("join"), told.get("update"), told.get("leave")
        for user in left if isinstance(left, list) else ():
            if isinstance(user, str) and user in members:
                del members[user]
                self._tell("leave", room, user)
        for kind, users in (("join", joined), ("update", updated)):
            for user, info in users.items() if isinstance(users, dict) else ():
                if (user in members) == (kind == "update"):
                    members[user] = info
                    self._tell(kind, room, user, info)

    def _tell(self, what: str, *args: Any) -> None:
        self._socket.dispatch(f"presence {what}", *args)


class PresenceSocket(Socket[MessageT_co]):
    """A socket with the plugin ``presence``; applications derive from it."""

    presence: Rosters
    """The rooms that the server tells of."""
