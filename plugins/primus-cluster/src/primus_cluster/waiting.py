"""`Waiting`: messages that wait for Redis, in the order in which they were written (pure)."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

__all__ = ["Message", "Waiting"]


class Message(NamedTuple):
    """What is published on a channel."""

    channel: str
    payload: bytes


class Waiting:
    """A bounded queue; the oldest go first, when there are too many or they are too old.

    Args:
        most: how many bytes may wait.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._messages: deque[tuple[float, Message]] = deque()
        self._size = 0
        self.dropped = 0
        """How many had to go."""

    def __len__(self) -> int:
        return len(self._messages)

    def add(self, message: Message, now: float) -> None:
        """Let a message wait; `now` is the time in seconds."""
        self._messages.append((now, message))
        self._size += len(message.payload)
        while self._size > self._most and len(self._messages) > 1:
            self._drop()

    def expire(self, before: float) -> None:
        """Drop what has been waiting since before that time."""
        while self._messages and self._messages[0][0] < before:
            self._drop()

    def first(self, count: int) -> Sequence[Message]:
        """The oldest, so many at the most; they wait on until `done`."""
        return [message for _, message in islice(self._messages, count)]

    def done(self, messages: Sequence[Message]) -> None:
        """The oldest are these, as far as they have not been dropped; they wait no longer."""
        for message in messages:
            if self._messages and self._messages[0][1] is message:
                self._remove()

    def clear(self) -> None:
        """Let nothing wait."""
        self._messages.clear()
        self._size = 0

    def _drop(self) -> None:
        self._remove()
        self.dropped += 1

    def _remove(self) -> None:
        _, message = self._messages.popleft()
        self._size -= len(message.payload)
