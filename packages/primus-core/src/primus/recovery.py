"""When to reconnect: randomised exponential backoff, as arithmetic (pure).

The delay before attempt *n* is ``(1 + random) * min * factor ** (n - 1)``, at most ``max``:
clients that lost their server at the same moment do not come back at the same moment.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from primus.errors import OptionError

__all__ = ["Attempt", "Backoff"]

_LARGEST_EXPONENT = 60


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to reconnect, as the ``reconnect …`` events carry it. Times in seconds.

    ``attempt`` counts from 1; ``scheduled`` is the delay before the attempt; ``duration`` is
    the time since the connection was lost; the others are the options in force.
    """

    attempt: int
    retries: float
    scheduled: float
    duration: float
    min: float
    max: float
    factor: float
    timeout: float


@dataclass(frozen=True, slots=True)
class Backoff:
    """The ``reconnect`` options of a client. Durations in seconds.

    Raises:
        OptionError: a value that cannot work.
    """

    max: float = math.inf
    min: float = 0.5
    retries: float = 10
    timeout: float = 30.0
    factor: float = 2.0

    def __post_init__(self) -> None:
        for name in ("max", "min", "retries", "timeout", "factor"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
                raise OptionError(f"reconnect option {name!r} must be a number >= 0, not {value!r}")

    def delay(self, attempt: int, random: Callable[[], float]) -> float:
        """Seconds to wait before attempt number `attempt` (from 1).

        Args:
            attempt: the number of the attempt.
            random: gives a number from 0 to 1, as `random.random` does.
        """
        growth = self.factor ** min(attempt - 1, _LARGEST_EXPONENT)
        return min((1 + random()) * self.min * growth, self.max)

    def next(self, attempts: int, duration: float, random: Callable[[], float]) -> Attempt | None:
        """The attempt that follows `attempts` earlier ones, or `None` when these were enough.

        Args:
            attempts: how many attempts have been made.
            duration: seconds since the connection was lost.
            random: gives a number from 0 to 1.
        """
        if attempts >= self.retries:
            return None
        return Attempt(
            attempt=attempts + 1,
            retries=self.retries,
            scheduled=self.delay(attempts + 1, random),
            duration=duration,
            min=self.min,
            max=self.max,
            factor=self.factor,
            timeout=self.timeout,
        )
