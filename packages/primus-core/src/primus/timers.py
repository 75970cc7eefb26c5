"""Many things that are due at some time, on one timer."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Hashable
from itertools import takewhile
from typing import Generic, TypeVar

from primus.clock import Alarm, Clock
from primus.heartbeat import Deadlines

__all__ = ["Patience", "TimerWheel"]

Item = TypeVar("Item", bound=Hashable)

log = logging.getLogger("primus.server")


class TimerWheel(Generic[Item]):
    """Calls `fire` with each item when its time has come, and what has arrived by then was read.

    Args:
        clock: what tells the time.
        granularity: seconds; every time is rounded up to a multiple of it, so that one timer
            serves thousands of items.
        fire: called with each item that is due. What it raises is logged, and the other items fire.
    """

    def __init__(self, clock: Clock, granularity: float, fire: Callable[[Item], object]) -> None:
        self._clock = clock
        self._fire = fire
        self._deadlines: Deadlines[Item] = Deadlines(granularity)
        self._alarm = Alarm(clock, self._tick)
        self._armed_for = math.inf

    def __len__(self) -> int:
        return len(self._deadlines)

    def put(self, item: Item, when: float) -> None:
        """Fire `item` at `when` on the clock, in place of any earlier time."""
        if self._deadlines.put(item, when) or not self._alarm.is_set():
            self._arm()

    def discard(self, item: Item) -> None:
        """Do not fire `item`."""
        self._deadlines.discard(item)

    def stop(self) -> None:
        """Ring no more, until something is put again."""
        self._alarm.stop()

    def _arm(self) -> None:
        when = self._deadlines.next()
        if when is None or (self._alarm.is_set() and self._armed_for <= when):
            return
        self._armed_for = when
        self._alarm.set(max(0.0, when - self._clock.time()))

    def _tick(self) -> None:
        try:
            for item in self._deadlines.due(self._clock.time()):
                try:
                    self._fire(item)
                except Exception:
                    log.exception("%r failed when it was due", item)
        finally:
            self._arm()


class Patience(Generic[Item]):
    """Calls `fire` with each item that is not discarded in time, on one timer.

    All of them have the same time, so the one that has waited longest is always the next. A timer
    of its own costs a connection as much as its handshake does.

    Args:
        clock: what tells the time.
        seconds: how long each may take.
        fire: called with each item whose time is over. What it raises is logged, and the other
            items fire.
    """

    __slots__ = ("_alarm", "_clock", "_due", "_fire", "_seconds")

    def __init__(self, clock: Clock, seconds: float, fire: Callable[[Item], object]) -> None:
        self._clock = clock
        self._seconds = seconds
        self._fire = fire
        self._due: dict[Item, float] = {}
        self._alarm = Alarm(clock, self._look)

    def begin(self, item: Item) -> None:
        """Wait for `item` from now on, unless it is waited for already."""
        if item not in self._due:
            self._due[item] = self._clock.time() + self._seconds
            if not self._alarm.is_set():
                self._alarm.set(self._seconds)

    def discard(self, item: Item) -> None:
        """Wait for `item` no longer, if it was waited for."""
        self._due.pop(item, None)

    def _look(self) -> None:
        due, now = self._due, self._clock.time()
        late = list(takewhile(lambda item: due[item] <= now, due))
        for item in late:
            del due[item]
        if due:
            self._alarm.set(next(iter(due.values())) - now)
        for item in late:
            try:
                self._fire(item)
            except Exception:
                log.exception("%r failed when its time was over", item)
