"""The numbers of messages: what has arrived before, and what is missing (pure)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

__all__ = ["Numbers"]


class Numbers:
    """The last number of each writer.

    A writer numbers its messages without a gap and posts them in order. An engine that posts again
    what it cannot know to have arrived repeats numbers; one that had to drop messages skips some.

    Args:
        most: how many writers are remembered; the one that was silent for longest is forgotten.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._last: OrderedDict[Hashable, int] = OrderedDict()
        self._first: dict[Hashable, int] = {}
        """The first number that was seen of each."""

    def __len__(self) -> int:
        return len(self._last)

    def missing(self, writer: Hashable, number: int) -> int | None:
        """Take note of a message.

        Returns:
            How many are missing before it, or `None` when it has arrived before.
        """
        last = self._last.get(writer)
        if last is None:
            if len(self._last) >= self._most:
                del self._first[self._last.popitem(last=False)[0]]
            self._last[writer] = self._first[writer] = number
            return 0
        if number <= last:
            return None
        self._last[writer] = number
        self._last.move_to_end(writer)
        return number - last - 1

    def has_passed(self, writer: Hashable, number: int) -> bool:
        """Whether a message has arrived, or is missing and will not."""
        return writer in self._last and self._first[writer] <= number <= self._last[writer]
