"""What arrives while a connection is busy, kept in order."""

from __future__ import annotations

from collections import deque
from typing import Any, Final

from primus.pipeline import dispose

__all__ = ["Inbox"]

INBOX_MESSAGES: Final = 16
INBOX_BYTES: Final = 64 * 1024
"""How much is read ahead while a connection waits, before its transport is paused."""


class Inbox:
    """What arrived while the connection was busy."""

    __slots__ = ("entries", "paused", "size")

    def __init__(self) -> None:
        self.entries: deque[tuple[Any, Any]] = deque()
        self.size = 0
        self.paused = False

    def put(self, data: Any, raw: Any) -> bool:
        """Keep a message; True when the transport should be paused now."""
        self.entries.append((data, raw))
        if isinstance(raw, str | bytes):
            self.size += len(raw)
        full = len(self.entries) >= INBOX_MESSAGES or self.size >= INBOX_BYTES
        pause, self.paused = full and not self.paused, full or self.paused
        return pause

    def take(self) -> tuple[Any, Any]:
        """The oldest message."""
        data, raw = self.entries.popleft()
        if isinstance(raw, str | bytes):
            self.size -= len(raw)
        return data, raw

    def clear(self) -> None:
        """Forget what has been kept."""
        for data, _ in self.entries:
            dispose(data)
        self.entries.clear()
        self.size = 0
        self.paused = False
