"""`SendQueue`: messages that wait until a client is open."""

from __future__ import annotations

import math
from collections import deque
from typing import Any

__all__ = ["SendQueue"]


class SendQueue:
    """Messages in the order in which they were written; each has passed the transforms.

    Args:
        size: how many are kept; the oldest is dropped for one more.
    """

    __slots__ = ("_messages", "flushing")

    def __init__(self, size: float) -> None:
        self._messages: deque[Any] = deque(maxlen=None if size == math.inf else int(size))
        self.flushing = False
        """Whether an async parser has a message of the queue, so that the next ones wait."""

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def is_busy(self) -> bool:
        """Whether a message that is written now has to wait for earlier ones."""
        return self.flushing or bool(self._messages)

    def put(self, data: Any) -> None:
        """Keep a message behind the others."""
        self._messages.append(data)

    def take(self) -> Any:
        """Take the oldest message.

        Raises:
            IndexError: there is none.
        """
        return self._messages.popleft()

    def clear(self) -> None:
        """Drop all messages."""
        self._messages.clear()
