"""`MemoryAdapter`: the members of rooms of this server, at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from primus_rooms.adapter import Adapter
from primus_rooms.names import matches

__all__ = ["MemoryAdapter", "local"]


class MemoryAdapter(Adapter):
    """Rooms in memory; every answer is there at once."""

    wildcards = True

    def __init__(self) -> None:
        # Room -> spark -> whether it has joined by a wildcard.
        self._members: dict[str, dict[str, bool]] = {}
        self._rooms: dict[str, dict[str, None]] = {}
        self._patterns: dict[str, int] = {}  # names that were joined by a wildcard

    def add(self, id: str, room: str, *, wildcard: bool = False) -> None:
        """Add a spark to a room; with `wildcard`, to all that the name fits."""
        members = self._members.setdefault(room, {})
        self._count(room, members.get(id, False), wildcard)
        members[id] = wildcard
        self._rooms.setdefault(id, {})[room] = None

    def remove(self, id: str, room: str, *, wildcard: bool = False) -> None:
        """Take a spark out of a room; with `wildcard`, of all that the name fits."""
        rooms = self._rooms.get(id, {})
        if wildcard and "*" in room:
            left = [each for each in rooms if matches(room, each)]
        else:  # a spark may be in many
            left = [room] if room in rooms else []
        for each in left:
            self._part(id, each)

    def remove_all(self, id: str) -> list[str]:
        """Take a spark out of all its rooms, and tell which those were."""
        rooms = self.rooms(id)
        for room in rooms:
            self._part(id, room)
        return rooms

    def rooms(self, id: str | None = None) -> list[str]:
        """The rooms that a spark is in, or all there are."""
        return list(self._members if id is None else self._rooms.get(id, ()))

    def has(self, id: str) -> bool:
        """Whether a spark is in any room; a list of them takes longer the more there are."""
        return id in self._rooms

    def clients(self, room: str) -> list[str]:
        """The ids of those that have joined the room by this name."""
        return list(self._members.get(room, ()))

    def members(self, rooms: Sequence[str] | None) -> Collection[str]:
        """The ids that a message to these rooms is for, each once; `None` for any room."""
        if rooms is None:
            return list(self._rooms)
        if len(rooms) == 1 and not self._patterns:
            return list(self._members.get(rooms[0], ()))
        return {id: None for room in rooms for id in self._reached_by(room)}

    def is_empty(self, room: str) -> bool:
        """Whether the room is empty."""
        return room not in self._members

    def empty(self, rooms: Sequence[str]) -> None:
        """Empty these rooms."""
        for room in rooms:
            for id in self.clients(room):
                self._part(id, room)

    def clear(self) -> None:
        """Empty every room."""
        self.empty(self.rooms())

    def _reached_by(self, room: str) -> Iterator[str]:
        yield from self._members.get(room, ())
        for pattern in self._patterns:
            if matches(pattern, room):
                yield from (id for id, wildcard in self._members[pattern].items() if wildcard)

    def _part(self, id: str, room: str) -> None:
        members, rooms = self._members[room], self._rooms[id]
        self._count(room, members.pop(id), False)
        del rooms[room]
        if not members:
            del self._members[room]
        if not rooms:
            del self._rooms[id]

    def _count(self, room: str, before: bool, after: bool) -> None:
        """Note that a member of a room does, or no longer does, mean its name as a pattern."""
        count = self._patterns.get(room, 0) + after - before
        if count:
            self._patterns[room] = count
        else:
            self._patterns.pop(room, None)


def local(adapter: Adapter) -> Adapter | None:
    """What tells at once in which rooms the sparks of this server are; `None` if nothing does."""
    return adapter if isinstance(adapter, MemoryAdapter) else adapter.own
