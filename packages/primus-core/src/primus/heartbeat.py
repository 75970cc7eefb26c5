"""Heartbeats of both Primus generations, as arithmetic on times (pure).

Clients of Primus up to 6 ping by themselves; clients of Primus 7 and later wait for a ping.
Nothing at the connect tells them apart, so a server waits: a client that pings within the
first ``ping_interval`` is legacy; one that does not is modern and is pinged from then on.
All times are in seconds of one monotonic clock.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from enum import Enum
from typing import Generic, NamedTuple, TypeVar

__all__ = ["Action", "Deadlines", "Generation", "HeartbeatPolicy", "HeartbeatState"]

Item = TypeVar("Item", bound=Hashable)


class Generation(Enum):
    """Which side starts the heartbeat of a connection."""

    UNKNOWN = "auto"
    LEGACY = "legacy"
    MODERN = "modern"


class Action(Enum):
    """What a check asks the server to do."""

    WAIT = "wait"
    PING = "ping"
    END = "end"


class HeartbeatState:
    """What is known of the heartbeat of one connection."""

    __slots__ = ("generation", "opened", "owed", "pinged", "seen", "stamped")

    def __init__(self, now: float, generation: Generation = Generation.UNKNOWN) -> None:
        self.generation = generation
        self.opened = now
        self.seen = now
        self.pinged: float | None = None
        """When the last ping was sent."""
        self.owed: float | None = None
        """When the first of the pings was sent that nothing has answered."""
        self.stamped: tuple[str, float] | None = None
        """The stamp of the last ping, and when it was sent, while its pong is to be measured."""


class HeartbeatPolicy(NamedTuple):
    """The two durations of a server, in seconds; `None` disables what each stands for.

    ``timeout``: a connection that has sent nothing for so long is ended.
    ``ping_interval``: how often a modern client is pinged, whether it has answered or not: a
    client that hears no pings takes its server for lost. It may leave pings unanswered for as
    long as one interval, and for ``timeout``.
    """

    timeout: float | None
    ping_interval: float | None

    def first(self, generation: Generation) -> float:
        """After how many seconds a connection that has just been opened is looked at; or never."""
        interval = self.ping_interval
        seconds = self.timeout if interval is None or generation is Generation.LEGACY else interval
        return math.inf if seconds is None else seconds

    def check(self, state: HeartbeatState, now: float) -> tuple[Action, float]:
        """What to do about a connection, and when to look again.

        The caller sends the ping, and ends the connection, that is asked for; asking for a
        ping is noted in `state`.
        """
        if state.generation is Generation.LEGACY or self.ping_interval is None:
            return self._silence(state, now)
        give_up = math.inf if state.owed is None else self._give_up(state, self.ping_interval)
        if give_up <= now:
            return Action.END, math.inf
        due = (state.opened if state.pinged is None else state.pinged) + self.ping_interval
        if due > now:
            return Action.WAIT, min(due, give_up)
        state.generation = Generation.MODERN
        state.pinged = now
        if state.owed is None:
            state.owed = now
        return Action.PING, min(now + self.ping_interval, give_up)

    def _silence(self, state: HeartbeatState, now: float) -> tuple[Action, float]:
        if self.timeout is None:
            return Action.WAIT, math.inf
        deadline = state.seen + self.timeout
        return (Action.END, math.inf) if deadline <= now else (Action.WAIT, deadline)

    def _give_up(self, state: HeartbeatState, ping_interval: float) -> float:
        """When a connection is given up that owes a pong; never, when it owes none."""
        if state.owed is not None and state.seen >= state.owed:
            state.owed = None
        if self.timeout is None or state.owed is None:
            return math.inf
        return max(state.owed + ping_interval, state.seen + self.timeout)


class Deadlines(Generic[Item]):
    """Items with a time each, kept in buckets: every operation costs the same for any number.

    Times are rounded up to `granularity` seconds, so one timer serves thousands of items.
    """

    __slots__ = ("_buckets", "_keys", "granularity")

    def __init__(self, granularity: float) -> None:
        self.granularity = granularity
        self._buckets: dict[int, set[Item]] = {}
        self._keys: dict[Item, int] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def put(self, item: Item, when: float) -> bool:
        """Set `item` due at `when`, in place of any earlier time; never, when it is infinite.

        Returns:
            Whether nothing else is due at that time.
        """
        if item in self._keys:
            self.discard(item)
        if when == math.inf:
            return False
        key = math.ceil(when / self.granularity)
        self._keys[item] = key
        bucket = self._buckets.get(key)
        if bucket is None:
            self._buckets[key] = {item}
            return True
        bucket.add(item)
        return False

    def discard(self, item: Item) -> None:
        """Forget `item`, if it is known."""
        key = self._keys.pop(item, None)
        if key is None:
            return
        bucket = self._buckets[key]
        bucket.discard(item)
        if not bucket:
            del self._buckets[key]

    def next(self) -> float | None:
        """The earliest time at which something is due, or `None`."""
        return min(self._buckets) * self.granularity if self._buckets else None

    def due(self, now: float) -> list[Item]:
        """Take out, and return, everything that is due."""
        keys = [key for key in self._buckets if key * self.granularity <= now]
        items: list[Item] = []
        for key in sorted(keys):
            for item in self._buckets.pop(key):
                del self._keys[item]
                items.append(item)
        return items
