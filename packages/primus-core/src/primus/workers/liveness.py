"""Whether a worker still answers (pure)."""

from __future__ import annotations

from typing import Final

__all__ = ["QUESTIONS", "Liveness"]

QUESTIONS: Final = 5
"""Questions in a row that a worker may leave open. They are counted rather than timed: while the
supervisor is stopped, or the machine sleeps, no worker can answer, and nothing is asked either."""


class Liveness:
    """The questions to a worker, and its answers."""

    def __init__(self) -> None:
        self._open = 0

    def ask(self) -> bool:
        """Take note of a question; False when none is to be asked any more: the worker hangs."""
        if self._open == QUESTIONS:
            return False
        self._open += 1
        return True

    def answered(self) -> None:
        """Take note of an answer, which is one to all questions so far."""
        self._open = 0
