"""A time by which a client has to do something, which each of its requests moves on."""

from __future__ import annotations

import math
from collections.abc import Callable

from primus.clock import Clock
from primus.timers import TimerWheel

__all__ = ["MovingDeadline"]


class MovingDeadline:
    """Calls `fire` at a time that is moved on again and again, which costs an assignment.

    The timers look only when an earlier time has come, and then once more at the later one.

    Args:
        timers: those of all sessions.
        clock: what tells the time.
        fire: called when the time has come.
    """

    __slots__ = ("_clock", "_due", "_fire", "_looked_at", "_timers")

    def __init__(
        self,
        timers: TimerWheel[Callable[[], object]],
        clock: Clock,
        fire: Callable[[], object],
    ) -> None:
        self._timers = timers
        self._clock = clock
        self._fire = fire
        self._due = math.inf
        self._looked_at = math.inf
        """When the timers look, if that is not put off."""

    def set(self, delay: float) -> None:
        """Fire in `delay` seconds, in place of any earlier or later time."""
        self._due = due = self._clock.time() + delay
        if due < self._looked_at:
            self._looked_at = due
            self._timers.put(self._look, due)

    def stop(self) -> None:
        """Do not fire before it is set again."""
        self._due = math.inf

    def discard(self) -> None:
        """Do not fire any more, and be forgotten by the timers."""
        self._due = self._looked_at = math.inf
        self._timers.discard(self._look)

    def _look(self) -> None:
        self._looked_at = math.inf
        if self._due <= self._clock.time():
            self._due = math.inf
            self._fire()
        elif self._due != math.inf:
            self._looked_at = self._due
            self._timers.put(self._look, self._due)
