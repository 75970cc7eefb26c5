"""The reconnection procedure: which attempt is under way, and when the next one is due."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from primus.clock import Clock, Timer, expect
from primus.errors import ConnectTimeout, TransportError
from primus.recovery import Attempt, Backoff

__all__ = ["Reconnection"]

LATE: Final = "failed to reconnect in a timely manner"


class Reconnection:
    """Schedules attempts, later and later, until one succeeds or there have been enough.

    Args:
        backoff: when to try.
        clock: tells the time.
        emit: is given the events ``reconnect scheduled`` and ``reconnected``.
        due: called with the attempt when its time has come; it is started then.
        late: called with an error and the attempt when that takes too long.
        exhausted: called with an error and the last attempt when there have been enough.
    """

    __slots__ = (
        "_attempt",
        "_backoff",
        "_clock",
        "_due",
        "_emit",
        "_error",
        "_exhausted",
        "_late",
        "_started",
        "_timer",
    )

    def __init__(
        self,
        backoff: Backoff,
        clock: Clock,
        emit: Callable[..., Any],
        *,
        due: Callable[[Attempt], object],
        late: Callable[[Exception, Attempt], object],
        exhausted: Callable[[Exception, Attempt], object],
    ) -> None:
        self._backoff = backoff
        self._clock = clock
        self._emit = emit
        self._due = due
        self._late = late
        self._exhausted = exhausted
        self._attempt: Attempt | None = None
        """The attempt that is scheduled or under way; `None` outside of a procedure."""
        self._started = 0.0
        self._timer: Timer | None = None
        self._error: Exception | None = None
        """Why the attempt before has failed."""

    def schedule(self, error: Exception | None = None) -> None:
        """Begin the procedure, or go on with its next attempt.

        Args:
            error: why the attempt before has failed.
        """
        self._cancel_timer()
        self._error = error
        if self._attempt is None:
            self._started = self._clock.time()
        following = self._backoff.next(
            0 if self._attempt is None else self._attempt.attempt, self._duration(), random.random
        )
        if following is None:
            self._fail()
            return
        self._attempt = following
        self._timer = self._clock.call_later(following.scheduled, self._start)
        self._emit("reconnect scheduled", following)

    def succeeded(self) -> None:
        """End the procedure: the attempt under way has opened the connection."""
        finished = self._measured()
        self.reset()
        self._emit("reconnected", finished)

    def reset(self) -> None:
        """Give the procedure up without a word; the next one counts from the start."""
        self._cancel_timer()
        self._attempt = None
        self._error = None

    def _start(self) -> None:
        attempt = self._measured()
        self._timer = expect(self._clock, attempt.timeout, self._expire)
        self._due(attempt)

    def _expire(self) -> None:
        self._timer = None
        self._late(ConnectTimeout(LATE), self._measured())

    def _fail(self) -> None:
        opts, cause = self._measured() if self._attempt is not None else self._none(), self._error
        self.reset()
        error = TransportError(f"could not reconnect in {opts.retries:g} attempts")
        error.__cause__ = cause
        self._exhausted(error, opts)

    def _none(self) -> Attempt:
        """The state of a procedure that allows no attempt at all."""
        b = self._backoff
        return Attempt(0, b.retries, 0.0, 0.0, b.min, b.max, b.factor, b.timeout)

    def _measured(self) -> Attempt:
        assert self._attempt is not None
        self._attempt = replace(self._attempt, duration=self._duration())
        return self._attempt

    def _duration(self) -> float:
        return self._clock.time() - self._started

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
