"""Ordered messages of this server, which its own sparks get when they come back from the bus."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from primus.clock import Clock, Timer
from primus_backplane.limits import BusLimits

__all__ = ["Pending"]


class _Waiting(NamedTuple):
    shard: int
    number: int
    until: float
    deliver: Callable[[], object]


class Pending:
    """Ordered messages that wait for the bus, in the order in which they were written.

    Args:
        limits: how many wait, and for how long.
        clock: what tells the time.
        deliver: calls what delivers a message here, and reports what that raises.
        alone: is told how many messages this server has delivered without the bus.
    """

    def __init__(
        self,
        limits: BusLimits,
        clock: Clock,
        deliver: Callable[[Callable[[], object]], object],
        alone: Callable[[int], object],
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._deliver = deliver
        self._alone = alone
        self._waiting: deque[_Waiting] = deque()
        self._timer: Timer | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, shard: int, number: int, deliver: Callable[[], object]) -> None:
        """Wait for a message; the oldest is delivered without the bus when too many wait."""
        until = self._clock.time() + self._limits.ordered_wait
        self._waiting.append(_Waiting(shard, number, until, deliver))
        if len(self._waiting) > self._limits.ordered_waiting:
            self._deliver(self._waiting.popleft().deliver)
            self._alone(1)
        if self._timer is None:
            self._set()

    def arrived(self, shard: int, number: int, delivered: bool = False) -> None:
        """Deliver a message that has come back, if it still waits and was not `delivered`."""
        for index, waiting in enumerate(self._waiting):
            if waiting.number == number and waiting.shard == shard:
                del self._waiting[index]
                if not delivered:
                    self._deliver(waiting.deliver)
                return
            if waiting.shard == shard:  # those of a shard come back in their order
                return

    def has(self, shard: int, number: int) -> bool:
        """Whether a message waits, so that it was not delivered."""
        return any(each.number == number and each.shard == shard for each in self._waiting)

    def close(self) -> None:
        """Deliver what waits: the bus is left."""
        if self._timer is not None:
            self._timer.cancel()
        while self._waiting:
            self._deliver(self._waiting.popleft().deliver)

    def _set(self) -> None:
        delay = self._waiting[0].until - self._clock.time()
        self._timer = self._clock.call_later(delay, self._look)

    def _look(self) -> None:
        """Deliver those that have waited long enough."""
        self._timer, now, count = None, self._clock.time(), 0
        while self._waiting and self._waiting[0].until <= now:
            self._deliver(self._waiting.popleft().deliver)
            count += 1
        if count:
            self._alone(count)
        if self._waiting:
            self._set()
