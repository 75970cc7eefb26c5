"""`Tail`: what a server knows of the latest messages to rooms, and what a client has missed (pure).

A bus brings messages in shards, each with positions that only grow. What a client knows is a
position of each shard: what its rooms got up to there, it got. All that a tail says is for one
epoch of the bus: positions of another one mean nothing to it.
"""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, NamedTuple

from primus_recovery.limits import DEFAULT_LIMITS, RecoveryLimits

__all__ = ["Entry", "Positions", "Tail", "covers", "highest"]

Positions = tuple[int, ...]
"""A position of each shard: all that is at most there is known. 0 is before all."""


class Entry(NamedTuple):
    """A message to rooms, as the bus has brought it."""

    shard: int
    position: int
    rooms: tuple[str, ...]
    without: Collection[str]
    """The ids of sparks that were left out."""
    frame: str | bytes
    when: float
    """When it came, in seconds of the caller's clock."""
    parser: str = ""
    """The name of the parser that has made the frame."""
    number: int = 0
    """The order in which messages of all shards have come."""


class _Room:
    """The latest messages to one room."""

    __slots__ = ("entries", "trimmed")

    def __init__(self, trimmed: Sequence[int]) -> None:
        self.entries: deque[Entry] = deque()
        self.trimmed = list(trimmed)
        """The newest position of each shard that is not kept any more."""

    def trim(self, entry: Entry) -> None:
        self.trimmed[entry.shard] = max(self.trimmed[entry.shard], entry.position)


def highest(one: Sequence[int], other: Sequence[int]) -> Positions:
    """The higher position of each shard."""
    return tuple(map(max, one, other))


def covers(known: Sequence[int], least: Sequence[int]) -> bool:
    """Whether no position is below another one of its shard."""
    return all(at >= low for at, low in zip(known, least, strict=True))


class Tail:
    """The latest messages to rooms with history, bounded by age, number and size.

    Args:
        shards: how many shards the bus has.
        window: for how many seconds a message is kept.
        limits: the bounds.
    """

    def __init__(self, shards: int, window: float, limits: RecoveryLimits = DEFAULT_LIMITS) -> None:
        self._shards: Final = shards
        self._window = window
        self._limits = limits
        self._rooms: dict[str, _Room] = {}
        self._entries: deque[Entry] = deque()
        self._size = 0
        self._last_number = 0
        self._first_number = 0
        self._unknown = [0] * shards
        """What has come up to these positions may not have come here."""
        self._forgotten = [0] * shards
        """The newest positions that are not kept any more of rooms of which nothing is kept."""
        self._newest = [0] * shards
        self._broken: set[int] = set()
        """Shards of which messages are missing up to the next that comes."""
        self._cached: OrderedDict[str, Entry] = OrderedDict()
        self._cached_size = 0
        self._departed: OrderedDict[tuple[str, str], tuple[int, int, float]] = OrderedDict()
        self._departures_forgotten = [0] * shards

    def __len__(self) -> int:
        """How many messages are kept."""
        return len(self._entries)

    @property
    def size(self) -> int:
        """What the messages that are kept count, in bytes."""
        return self._size + self._cached_size

    @property
    def newest(self) -> Positions:
        """The newest position of each shard that has come."""
        return tuple(self._newest)

    @property
    def unknown(self) -> Positions:
        """The positions behind which all has come here."""
        return tuple(self._unknown)

    @property
    def is_broken(self) -> bool:
        """Whether messages are missing, and nothing has come behind them yet."""
        return bool(self._broken)

    # -- what comes

    def begin(self, position: Sequence[int]) -> None:
        """Forget all: of an epoch that begins, what is behind these positions will come."""
        self.__init__(self._shards, self._window, self._limits)  # type: ignore[misc]
        self._unknown = list(position)
        self._newest = list(position)

    def gap(self, shard: int) -> None:
        """Note that messages of a shard are missing, before the next that comes."""
        self._broken.add(shard)

    def passed(self, shard: int, position: int) -> None:
        """Note a position at which nothing is to be kept; one of before tells nothing new."""
        if position <= self._newest[shard]:
            return
        self._newest[shard] = position
        if shard in self._broken:
            self._broken.discard(shard)
            self._unknown[shard] = position - 1

    def add(self, entry: Entry, *, cached: Collection[str] = ()) -> None:
        """Keep a message.

        Args:
            entry: the message, of a position that is newer than all of its shard so far.
            cached: those of its rooms whose last message is for members that join as well.
        """
        self.passed(entry.shard, entry.position)
        self._last_number += 1
        entry = entry._replace(number=self._last_number)
        for name in entry.rooms:
            room = self._room(name)
            room.entries.append(entry)
            if len(room.entries) > self._limits.tail_per_room:
                room.trim(room.entries.popleft())
        for name in cached:
            self._cache(name, entry)
        self._entries.append(entry)
        self._size += self._cost(entry)
        self.trim(entry.when)

    def prepend(
        self,
        shard: int,
        position: int,
        entries: Sequence[Entry],
        *,
        now: float,
        cached: Callable[[str], object] = lambda room: False,
    ) -> None:
        """Keep messages of a shard from before those that have come, as the bus still has them.

        Args:
            shard: the shard.
            position: what is behind it is all there.
            entries: the messages, in order; those that have come anyway are left out.
            now: the time.
            cached: as in `add`, for a room.
        """
        end = self._unknown[shard]
        when = min(now, self._entries[0].when if self._entries else math.inf)
        for entry in reversed(entries):
            if entry.position > end:
                continue
            self._first_number -= 1
            entry = entry._replace(number=self._first_number, when=when)
            for name in entry.rooms:
                if cached(name) and name not in self._cached:
                    self._cache(name, entry)
                room = self._room(name)
                if len(room.entries) < self._limits.tail_per_room:
                    room.entries.appendleft(entry)
                else:
                    room.trim(entry)
            self._entries.appendleft(entry)
            self._size += self._cost(entry)
        self._unknown[shard] = min(end, position)
        self.trim(now)

    def departed(self, session: str, room: str, shard: int, position: int, when: float) -> None:
        """Note that a member has left a room, so that no earlier token is good for it."""
        self.passed(shard, position)
        key = session, room
        before = self._departed.pop(key, (shard, 0, 0.0))
        self._departed[key] = shard, max(position, before[1]), when
        while len(self._departed) > self._limits.departures:
            _, (oldest, dropped, _) = self._departed.popitem(last=False)
            forgotten = self._departures_forgotten
            forgotten[oldest] = max(forgotten[oldest], dropped)

    def trim(self, now: float) -> None:
        """Forget what is older than the window, and what is too much."""
        oldest = now - self._window
        while self._entries and (
            self._entries[0].when < oldest or self._size > self._limits.tail_bytes
        ):
            self._drop()
        # A token from before a departure has run out by then as well.
        while self._departed and next(iter(self._departed.values()))[2] < oldest:
            self._departed.popitem(last=False)

    def _room(self, name: str) -> _Room:
        room = self._rooms.get(name)
        if room is None:
            room = self._rooms[name] = _Room(self._forgotten)
        return room

    def _drop(self) -> None:
        """Forget the oldest message."""
        entry = self._entries.popleft()
        self._size -= self._cost(entry)
        for name in entry.rooms:
            room = self._rooms.get(name)
            if room is None or not room.entries or room.entries[0].number != entry.number:
                continue  # the room had too many, and has forgotten it before
            room.trim(room.entries.popleft())
            if not room.entries:
                del self._rooms[name]
                self._forgotten = list(highest(self._forgotten, room.trimmed))

    def _cache(self, name: str, entry: Entry) -> None:
        self._uncache(self._cached.pop(name, None))
        self._cached[name] = entry
        self._cached_size += self._cost(entry)
        limits = self._limits
        while len(self._cached) > limits.cached_rooms or self._cached_size > limits.cached_bytes:
            self._uncache(self._cached.popitem(last=False)[1])

    def _uncache(self, entry: Entry | None) -> None:
        if entry is not None:
            self._cached_size -= self._cost(entry)

    def _cost(self, entry: Entry) -> int:
        names = sum(map(len, entry.rooms))
        return len(entry.frame) + names + self._limits.tail_entry_overhead

    # -- what a client has missed

    def has_left(self, session: str, room: str, known: Sequence[int]) -> bool:
        """Whether a member may have left a room since.

        Args:
            session: the member.
            room: the room.
            known: the positions at which it was one.
        """
        shard, position, _ = self._departed.get((session, room), (0, 0, 0.0))
        return position > known[shard] or not covers(known, self._departures_forgotten)

    def missed(
        self, rooms: Mapping[str, Sequence[int]], without: Collection[str] = ()
    ) -> list[Entry] | None:
        """The messages to rooms behind the positions that a client knows of each.

        Args:
            rooms: the positions, by room: what the client got up to there, it got in that room.
            without: ids of sparks of the client: messages that left one out are not for it.

        Returns:
            The messages in the order in which they came, each once; `None` when one of them may
            not be kept any more, or when there are too many.
        """
        found: dict[int, Entry] = {}
        if self._broken and rooms:
            return None
        for name, known in rooms.items():
            room = self._rooms.get(name)
            trimmed = self._forgotten if room is None else room.trimmed
            if not covers(known, self._unknown) or not covers(known, trimmed):
                return None
            for entry in reversed(room.entries if room is not None else ()):
                if entry.position > known[entry.shard]:
                    if not _leaves_out(entry, without):
                        found[entry.number] = entry
                elif self._shards == 1:
                    break
            if len(found) > self._limits.replayed:
                return None
        return [found[number] for number in sorted(found)]

    def last(self, room: str) -> Entry | None:
        """The last message to a room in ``cache`` mode, as far as this server has seen one."""
        return self._cached.get(room)


def _leaves_out(entry: Entry, ids: Collection[str]) -> bool:
    return any(id in entry.without for id in ids)
