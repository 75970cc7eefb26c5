"""`Picture`: which users are in which rooms, as one server sees it (pure).

A user is in a room while some server says so. Servers are named by text; this one is among them.
A user that no server has any more is held for the grace, and is back without an event when a
server has it again. So each user joins once and leaves once, however many servers say the same.
"""

from __future__ import annotations

from collections import deque
from typing import Literal, NamedTuple

__all__ = ["Change", "Held", "Picture"]


class Held(NamedTuple):
    """What one server says of a user in a room."""

    stamp: int
    """Grows with each thing that is said of the user: the newest info counts on all servers."""
    info: str
    """JSON."""


class Change(NamedTuple):
    """What has become of a user in a room."""

    kind: Literal["join", "update", "leave"]
    room: str
    user: str
    info: str
    """JSON."""


class _Member:
    """A user in a room."""

    __slots__ = ("holders", "info", "leaves_at")

    def __init__(self, info: str) -> None:
        self.holders: dict[str, tuple[int, str]] = {}
        """What the servers say that have the user: stamp and info. A plain tuple, since the garbage
        collector passes over that, and over a dict with nothing else in it."""
        self.info = info
        """What was told of the user last."""
        self.leaves_at: float | None = None
        """When the user leaves; `None` while a server has it."""

    def newest(self) -> str:
        """The info that counts."""
        if len(self.holders) == 1:
            return next(iter(self.holders.values()))[1]
        return max((stamp, node, info) for node, (stamp, info) in self.holders.items())[2]


class Picture:
    """The rooms.

    Args:
        grace: how many seconds a user stays that no server has any more.
    """

    def __init__(self, grace: float) -> None:
        self._grace = grace
        self._rooms: dict[str, dict[str, _Member]] = {}
        self._leaving: deque[tuple[float, str, str]] = deque()
        """Users that may leave, in the order in which they do."""

    # -- what is known

    @property
    def rooms(self) -> list[str]:
        """The rooms that have members."""
        return list(self._rooms)

    def members(self, room: str) -> dict[str, str]:
        """The users in a room, and what is said of each, as JSON."""
        return {user: member.info for user, member in self._rooms.get(room, {}).items()}

    def count(self, room: str) -> int:
        """How many users there are in a room."""
        return len(self._rooms.get(room, ()))

    def has(self, room: str, user: str) -> bool:
        """Whether a user is in a room."""
        return user in self._rooms.get(room, ())

    def info(self, room: str, user: str) -> str | None:
        """The info of a user in a room that counts; `None` when the user is not there."""
        member = self._rooms.get(room, {}).get(user)
        return None if member is None else member.info

    def stamp(self, room: str, user: str) -> int:
        """The newest stamp of what is said of a user in a room; 0 for none."""
        member = self._rooms.get(room, {}).get(user)
        if member is None:
            return 0
        return max((stamp for stamp, _ in member.holders.values()), default=0)

    def held(self, node: str, room: str, user: str) -> Held | None:
        """What a server says of a user in a room; `None` when it does not have the user."""
        member = self._rooms.get(room, {}).get(user)
        held = None if member is None else member.holders.get(node)
        return None if held is None else Held(*held)

    @property
    def leaves_at(self) -> float | None:
        """When the next user may leave."""
        return self._leaving[0][0] if self._leaving else None

    # -- what servers say

    def put(self, node: str, room: str, user: str, held: Held) -> Change | None:
        """A server has a user."""
        members = self._rooms.setdefault(room, {})
        member = members.get(user)
        if member is None:
            member = members[user] = _Member(held.info)
            member.holders[node] = held.stamp, held.info
            return Change("join", room, user, held.info)
        member.holders[node] = held.stamp, held.info
        member.leaves_at = None
        return self._updated(room, user, member)

    def drop(
        self, node: str, room: str, user: str, now: float, *, at_once: bool = False
    ) -> Change | None:
        """A server does not have a user any more.

        Args:
            node: the server.
            room: the room.
            user: the user.
            now: the time in seconds.
            at_once: whether the user leaves without the grace, when no other server has it.
        """
        member = self._rooms.get(room, {}).get(user)
        if member is None or member.holders.pop(node, None) is None:
            return None
        if member.holders:
            return self._updated(room, user, member)
        if at_once or not self._grace:
            return self._leave(room, user)
        member.leaves_at = now + self._grace
        self._leaving.append((member.leaves_at, room, user))
        return None

    def expire(self, now: float, limit: int) -> list[Change]:
        """Let the users leave whose grace is over; at most so many are looked at."""
        changes = []
        while limit and self._leaving and self._leaving[0][0] <= now:
            limit -= 1
            leaves_at, room, user = self._leaving.popleft()
            member = self._rooms.get(room, {}).get(user)
            if member is not None and member.leaves_at == leaves_at:
                changes.append(self._leave(room, user))
        return changes

    # -- inside

    def _updated(self, room: str, user: str, member: _Member) -> Change | None:
        info = member.newest()
        if info == member.info:
            return None
        member.info = info
        return Change("update", room, user, info)

    def _leave(self, room: str, user: str) -> Change:
        members = self._rooms[room]
        member = members.pop(user)
        if not members:
            del self._rooms[room]
        return Change("leave", room, user, member.info)
