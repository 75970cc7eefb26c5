"""Messages that arrive before the user of `connect` has begun to read."""

from __future__ import annotations

import logging
from collections import deque
from typing import Any, Final

from primus.connection.messages import Message

__all__ = ["ReceiveBuffer"]

OVERHEAD: Final = 256
"""What a message is taken to need besides the bytes of its frame."""


class ReceiveBuffer:
    """Keeps messages, up to `limit` bytes; beyond that the oldest are dropped, and it is logged."""

    __slots__ = ("_entries", "_limit", "_log", "_size", "_warned")

    def __init__(self, limit: int, log: logging.Logger) -> None:
        self._entries: deque[Message] = deque()
        self._limit = limit
        self._log = log
        self._size = 0
        self._warned = False

    def put(self, data: Any, raw: Any) -> None:
        """Keep a message with the frame it came in."""
        self._entries.append((data, raw))
        self._size += _size(raw)
        while self._size > self._limit and len(self._entries) > 1:
            self._size -= _size(self._entries.popleft()[1])
            if not self._warned:
                self._warned = True
                self._log.warning(
                    "messages are dropped because nothing reads them: iterate over the socket, "
                    "or add a listener for 'data'"
                )

    def take(self, count: int | None = None) -> list[Message]:
        """What has been kept, or the first `count` of it, oldest first."""
        number = len(self._entries) if count is None else min(count, len(self._entries))
        entries = [self._entries.popleft() for _ in range(number)]
        self._size -= sum(_size(raw) for _, raw in entries)
        return entries


def _size(raw: Any) -> int:
    return OVERHEAD + (len(raw) if isinstance(raw, str | bytes) else 0)
