"""Time as the core sees it, so that tests can move it by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import Any, Final, Protocol, Self

from primus.tasks import in_task

__all__ = ["SYSTEM_CLOCK", "Alarm", "Clock", "SystemClock", "Timer", "Within", "expect"]

TURN: Final = 0.001
"""Seconds; a timer that is shorter fires on uvloop before the loop has read what has arrived."""

LATE: Final = 0.005
"""Seconds; a timer that fires so late shows that the process has been busy."""

LONGEST_GRACE: Final = 1.0
"""Seconds that what has arrived while the process was busy may take to be read, at most."""

GRACES: Final = 3
"""How often in a row a busy process postpones its judgement of a peer."""


class Timer(Protocol):
    """A call that has been scheduled."""

    def cancel(self) -> None:
        """Cancel the call."""


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
        """Call ``fn(*args)`` in `delay` seconds, once the loop has looked for what has arrived.

        Raises:
            RuntimeError: no event loop is running.
        """
        return asyncio.get_running_loop().call_later(max(delay, TURN), fn, *args)


SYSTEM_CLOCK = SystemClock()


def expect(clock: Clock, delay: float, fn: Callable[..., Any], *args: Any) -> Timer:
    """Call ``fn(*args)`` in `delay` seconds, to judge a peer that owes something by then.

    While a process is busy (a long listener, a debugger), what its peers send waits unread, and
    an overdue timer may run first. So what waits gets a turn before `fn` is called: as long as
    the timer is late, up to a second, and again when that turn was a long one.
    """
    return _Expectation(clock, delay, fn, args)


class Alarm:
    """One timer, by `expect`, that is set again and again, over several event loops.

    A timer is of the event loop on which it was set, and is gone with it: a server may be used on
    one loop after the other (tests, notebooks).

    Args:
        clock: what tells the time.
        fn: called when it rings.
    """

    __slots__ = ("_clock", "_fn", "_loop", "_timer")

    def __init__(self, clock: Clock, fn: Callable[[], object]) -> None:
        self._clock = clock
        self._fn = fn
        self._timer: Timer | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def is_set(self) -> bool:
        """Whether it is to ring: it was set, and its event loop has not made way for another."""
        if self._timer is None:
            return False
        loop = self._loop
        return loop is None or loop.is_running() or _running_loop() is None

    def set(self, seconds: float) -> None:
        """Ring in so many seconds, and no more at the time that was set before."""
        self.stop()
        self._loop = _running_loop()
        self._timer = expect(self._clock, seconds, self._ring)

    def stop(self) -> None:
        """Do not ring until it is set again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        self._fn()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class _Expectation:
    __slots__ = ("_args", "_clock", "_due", "_fn", "_graces", "_timer")

    def __init__(
        self, clock: Clock, delay: float, fn: Callable[..., Any], args: tuple[Any, ...]
    ) -> None:
        self._clock = clock
        self._fn = fn
        self._args = args
        self._graces = 0
        self._wait(delay)

    def cancel(self) -> None:
        """Expect it no longer."""
        self._timer.cancel()

    def _wait(self, delay: float) -> None:
        self._due = self._clock.time() + delay
        self._timer = self._clock.call_later(delay, self._look)

    def _look(self) -> None:
        late = max(0.0, self._clock.time() - self._due)
        if self._graces == GRACES or (self._graces and late < LATE):
            self._fn(*self._args)
        else:
            self._graces += 1
            self._wait(min(late, LONGEST_GRACE))


class Within:
    """An ``async with`` that raises `TimeoutError` when a peer takes longer than `seconds`.

    As `asyncio.timeout`, but what has arrived while the process was busy is read first.

    Args:
        seconds: the limit; `None` for none.
        clock: what tells the time.
    """

    __slots__ = ("_before", "_clock", "_seconds", "_task", "_timer", "expired")

    _task: asyncio.Task[Any]

    def __init__(self, seconds: float | None, clock: Clock = SYSTEM_CLOCK) -> None:
        self._seconds = seconds
        self._clock = clock
        self._timer: Timer | None = None
        self.expired = False
        """Whether the time was over first."""

    async def __aenter__(self) -> Self:
        self._task = task = await in_task()
        self._before = task.cancelling()
        if self._seconds is not None:
            self._timer = expect(self._clock, self._seconds, self._expire)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if (
            self.expired
            and self._task.uncancel() <= self._before
            and isinstance(error, asyncio.CancelledError)
        ):
            raise TimeoutError from error

    def _expire(self) -> None:
        self.expired = True
        self._task.cancel()
