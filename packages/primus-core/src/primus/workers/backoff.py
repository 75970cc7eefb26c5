"""When a worker that has died is started again (pure)."""

from __future__ import annotations

from typing import Final

__all__ = ["Restarts"]

STEADY: Final = 30.0
"""Seconds that a worker has run after which its end is no part of a series."""
FIRST: Final = 0.5
LONGEST: Final = 30.0
"""Seconds of the shortest and of the longest wait in a series."""


class Restarts:
    """The deaths of the workers of one slot, one after the other."""

    def __init__(self) -> None:
        self._series = 0

    def died(self, lived: float) -> float:
        """Take note of a death.

        Args:
            lived: seconds since the worker was started.

        Returns:
            Seconds to wait before the next one is started: none for the first.
        """
        self._series = 1 if lived >= STEADY else self._series + 1
        if self._series == 1:
            return 0.0
        return float(min(FIRST * 2 ** min(self._series - 2, 10), LONGEST))
