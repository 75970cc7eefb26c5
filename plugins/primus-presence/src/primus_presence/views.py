"""`View`: what the clients are told that watch a room (pure)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

__all__ = ["View", "ended"]

ClientT = TypeVar("ClientT")


class View(Generic[ClientT]):
    """A room, as clients see it.

    Args:
        room: its name.
        limit: above how many members clients get counts alone.
    """

    __slots__ = ("_count", "_limit", "_room", "_told", "clients")

    def __init__(self, room: str, limit: int) -> None:
        self._room = json.dumps(room)
        self._limit = limit
        self._told: dict[str, str] | None = None
        """What clients know of the members; `None` for their number alone."""
        self._count = -1
        self.clients: dict[ClientT, bool] = {}
        """The clients, and whether each knows what was told."""

    def batch(self, count: int, members: Callable[[], dict[str, str]]) -> list[tuple[ClientT, str]]:
        """What each client is told of what has changed since the last batch.

        Args:
            count: how many users there are.
            members: gives the users, and what is said of each, as JSON.
        """
        before, known = self._told, self._count
        most = self._limit if before is not None or known < 0 else self._limit * 9 // 10
        now = self._told = members() if count <= most else None
        self._count = count
        whole = f'{{"room":{self._room},"count":{count}}}'
        if now is not None:
            whole = f'{whole[:-1]},"state":{_object(now.items())}}}'
        news = whole
        if now is not None and before is not None:
            news = self._news(before, now)
        elif now is None and before is None and count == known:
            news = ""
        told = [(each, news if knows else whole) for each, knows in self.clients.items()]
        self.clients = dict.fromkeys(self.clients, True)
        return [(each, text) for each, text in told if text]

    def _news(self, before: Mapping[str, str], now: Mapping[str, str]) -> str:
        joined = [(user, info) for user, info in now.items() if user not in before]
        updated = [(u, info) for u, info in now.items() if before.get(u, info) != info]
        left = [user for user in before if user not in now]
        parts = []
        if joined:
            parts.append(f'"join":{_object(joined)}')
        if updated:
            parts.append(f'"update":{_object(updated)}')
        if left:
            parts.append(f'"leave":{json.dumps(left)}')
        if not parts:
            return ""
        return f'{{"room":{self._room},"count":{len(now)},{",".join(parts)}}}'


def ended(room: str) -> str:
    """What a client is told that watches a room no longer."""
    return f'{{"room":{json.dumps(room)},"end":true}}'


def _object(items: Iterable[tuple[str, str]]) -> str:
    return f"{{{','.join(f'{json.dumps(user)}:{info}' for user, info in items)}}}"
