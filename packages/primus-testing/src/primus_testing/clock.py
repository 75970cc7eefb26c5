"""A clock that tests move by hand."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Any

__all__ = ["ManualClock", "ManualTimer"]


def _nothing() -> None:
    """What a timer calls that has been cancelled."""


class ManualTimer:
    """A call that waits for its `ManualClock`."""

    __slots__ = ("_args", "_fn", "cancelled", "when")

    def __init__(self, when: float, fn: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.when = when
        self.cancelled = False
        self._fn = fn
        self._args = args

    def cancel(self) -> None:
        """Cancel the call, and keep nothing of it, as the timers of asyncio do."""
        self.cancelled = True
        self._fn, self._args = _nothing, ()

    def run(self) -> None:
        """Make the call."""
        self._fn(*self._args)


class ManualClock:
    """A `primus.clock.Clock` that stands still until `advance`. Times are in seconds."""

    def __init__(self, now: float = 1000.0) -> None:
        self._now = now
        self._numbers = count()
        self._timers: list[tuple[float, int, ManualTimer]] = []

    def time(self) -> float:
        """The time, as moved so far."""
        return self._now

    def call_later(self, delay: float, fn: Callable[..., Any], *args: Any) -> ManualTimer:
        """Call ``fn(*args)`` once the clock has been advanced by `delay` seconds."""
        timer = ManualTimer(self._now + max(0.0, delay), fn, args)
        heappush(self._timers, (timer.when, next(self._numbers), timer))
        return timer

    def advance(self, seconds: float) -> None:
        """Move the clock, making the calls that come due in the order of their times.

        A call sees the time it was meant for, and may schedule others, which are made too
        when they come due within `seconds`.
        """
        end = self._now + seconds
        while self._timers and self._timers[0][0] <= end:
            when, _, timer = heappop(self._timers)
            if not timer.cancelled:
                self._now = max(self._now, when)
                timer.run()
        self._now = end

    def block(self, seconds: float) -> None:
        """Let the process be busy: what comes due meanwhile is called late, all of it at once."""
        self._now += seconds
        self.advance(0)

    @property
    def pending(self) -> int:
        """How many calls are still to be made."""
        return sum(not timer.cancelled for _, _, timer in self._timers)
