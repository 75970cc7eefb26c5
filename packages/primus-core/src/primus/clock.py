"""Time as the core sees it, so that tests can move it by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Any, Protocol

__all__ = ["SYSTEM_CLOCK", "Clock", "SystemClock", "Timer"]


class Timer(Protocol):
    """A call that has been scheduled."""

    def cancel(self) -> None:
        """Have the call not happen."""


class Clock(Protocol):
    """Tells the time and calls functions later; durations are in seconds."""

    def time(self) -> float:
        """The time in seconds; only differences mean anything."""

    def call_later(self, delay: float, fn: Callable[..., Any], *args: Any) -> Timer:
        """Call ``fn(*args)`` in `delay` seconds."""


class SystemClock:
    """The monotonic clock of the machine, and the timers of the running event loop."""

    time = staticmethod(monotonic)

    @staticmethod
    def call_later(delay: float, fn: Callable[..., Any], *args: Any) -> Timer:
        """Call ``fn(*args)`` in `delay` seconds.

        Raises:
            RuntimeError: no event loop is running.
        """
        return asyncio.get_running_loop().call_later(delay, fn, *args)


SYSTEM_CLOCK = SystemClock()
