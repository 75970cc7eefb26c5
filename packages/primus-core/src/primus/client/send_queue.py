"""`SendQueue`: messages that wait until a client is open."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from typing import Any

from primus.connection.outbox import Step

__all__ = ["SendQueue"]


class SendQueue:
    """Messages in the order in which they were written; each has passed the transforms.

    Each is a step and what it is called with: a frame that is sent, or, of an async parser, a value
    that is encoded and sent.

    Args:
        size: how many are kept; the oldest is dropped for one more.
    """

    __slots__ = ("first", "flushing", "held", "kept", "leading", "messages")

    def __init__(self, size: float) -> None:
        self.messages: deque[tuple[Step, Any]] = deque(
            maxlen=None if size == math.inf else int(size)
        )
        self.first: deque[tuple[Step, Any]] = deque()
        """What goes ahead of all that waits, on the next connection."""
        self.leading: set[asyncio.Task[None]] = set()
        """Async transforms that have something of that kind."""
        self.kept = 0
        """How many messages have been kept so far."""
        self.flushing = False
        """Whether an async parser has a message of the queue, so that the next ones wait."""
        self.held: set[str] = set()
        """What lets messages wait although the client is open."""

    def __len__(self) -> int:
        return len(self.messages)

    def put(self, step: Step, value: Any) -> None:
        """Keep a message behind the others."""
        self.messages.append((step, value))
        self.kept += 1

    def take(self) -> tuple[Step, Any]:
        """Take the oldest message, of those that go ahead of others if there are any.

        Raises:
            IndexError: there is none.
        """
        return (self.first or self.messages).popleft()

    def clear(self) -> None:
        """Drop all messages."""
        self.first.clear()
        self.messages.clear()
