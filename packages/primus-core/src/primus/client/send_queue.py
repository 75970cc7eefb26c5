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

    __slots__ = ("flushing", "messages")

    def __init__(self, size: float) -> None:
        self.messages: deque[Any] = deque(maxlen=None if size == math.inf else int(size))
        self.flushing = False
        """Whether an async parser has a message of the queue, so that the next ones wait."""

    def __len__(self) -> int:
        return len(self.messages)

    def put(self, data: Any) -> None:
        """Keep a message behind the others."""
        self.messages.append(data)

    def take(self) -> Any:
        """Take the oldest message.

        Raises:
            IndexError: there is none.
        """
        return self.messages.popleft()

    def clear(self) -> None:
        """Drop all messages."""
        self.messages.clear()
