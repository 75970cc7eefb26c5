"""What arrives while a connection is busy, kept in order."""

from __future__ import annotations

from collections import deque
from typing import Any

from primus.limits import Limits
from primus.pipeline import dispose

__all__ = ["Inbox"]


class Inbox:
    """What arrived while the connection was busy.

    Args:
        limits: how much is read ahead before the transport is paused.
    """

    __slots__ = ("_limits", "entries", "paused", "size")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.entries: deque[tuple[Any, Any]] = deque()
        self.size = 0
        self.paused = False

    def put(self, data: Any, raw: Any) -> bool:
        """Keep a message; True when the transport should be paused now."""
        self.entries.append((data, raw))
        if isinstance(raw, str | bytes):
            self.size += len(raw)
        limits = self._limits
        full = (
            len(self.entries) >= limits.read_ahead_messages or self.size >= limits.read_ahead_bytes
        )
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
