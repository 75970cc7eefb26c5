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
    """Tries again, later and later, until an attempt succeeds or there have been enough.

    Args:
        backoff: when to try.
        clock: tells the time.
        emit: is given the events ``reconnect scheduled``, ``reconnect timeout``,
            ``reconnected`` and ``reconnect failed``.
        attempt: starts an attempt, with the state of the procedure. Its outcome is told by
            `succeeded` or `failed`.
        abandon: gives up an attempt that takes too long.
        give_up: is called when there have been enough attempts, before ``reconnect failed``.
    """

    __slots__ = (
        "_abandon",
        "_attempt",
        "_backoff",
        "_clock",
        "_emit",
        "_error",
        "_give_up",
        "_start",
        "_started",
        "_timer",
        "_waiting",
    )

    def __init__(
        self,
        backoff: Backoff,
        clock: Clock,
        emit: Callable[..., Any],
        *,
        attempt: Callable[[Attempt], None],
        abandon: Callable[[], None],
        give_up: Callable[[], None],
    ) -> None:
        self._backoff = backoff
        self._clock = clock
        self._emit = emit
        self._start = attempt
        self._abandon = abandon
        self._give_up = give_up
        self._attempt: Attempt | None = None
        self._started = 0.0
        self._waiting = False
        self._timer: Timer | None = None
        self._error: Exception | None = None

    @property
    def active(self) -> bool:
        """Whether the procedure is under way: waiting for an attempt, or trying."""
        return self._attempt is not None

    def schedule(self) -> None:
        """Begin the procedure, or go on with its next attempt; nothing when one is scheduled."""
        if self._waiting:
            return
        self._cancel_timer()
        if self._attempt is None:
            self._started = self._clock.time()
        following = self._backoff.next(
            0 if self._attempt is None else self._attempt.attempt, self._duration(), random.random
        )
        if following is None:
            self._fail()
            return
        self._attempt = following
        self._waiting = True
        self._timer = self._clock.call_later(following.scheduled, self._due)
        self._emit("reconnect scheduled", following)

    def succeeded(self) -> None:
        """The attempt under way has opened the connection."""
        if self._attempt is not None:
            finished = self._measured()
            self.reset()
            self._emit("reconnected", finished)

    def failed(self, error: Exception) -> None:
        """The attempt under way has failed."""
        if self._attempt is not None and not self._waiting:
            self._error = error
            self.schedule()

    def reset(self) -> None:
        """Give the procedure up without a word; the next one counts from the start."""
        self._cancel_timer()
        self._attempt = None
        self._waiting = False
        self._error = None

    def _due(self) -> None:
        attempt = self._measured()
        self._waiting = False
        self._timer = expect(self._clock, attempt.timeout, self._late)
        self._start(attempt)

    def _late(self) -> None:
        attempt = self._measured()
        error = ConnectTimeout(LATE)
        self._abandon()
        if self._attempt is attempt:
            self._emit("reconnect timeout", error, attempt)
        if self._attempt is attempt:
            self.failed(error)

    def _fail(self) -> None:
        opts, cause = self._measured() if self._attempt is not None else self._none(), self._error
        self.reset()
        error = TransportError(f"could not reconnect in {opts.retries:g} attempts")
        error.__cause__ = cause
        self._give_up()
        self._emit("reconnect failed", error, opts)

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
