"""Messages that wait to be taken by ``async for``, with backpressure."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Any

__all__ = ["Message", "Messages"]

Message = tuple[Any, Any]
"""What a ``data`` listener gets: the data, and the frame it came in."""


class Messages:
    """A queue that makes its producer wait until the consumer has come for what is in it.

    Args:
        earlier: what is in it from the beginning.
    """

    __slots__ = ("_arrived", "_done", "_queue", "_taken", "_waiting")

    def __init__(self, earlier: Iterable[Message] = ()) -> None:
        self._queue: deque[Message] = deque(earlier)
        self._arrived: asyncio.Future[None] | None = None
        self._taken: asyncio.Future[None] | None = None
        self._waiting = 0
        self._done = False

    def put(self, data: Any, raw: Any = None) -> asyncio.Future[None] | None:
        """Add a message, unless nothing more is to come.

        The result, if any, is to be awaited before the next is added.
        """
        if self._done:
            return None
        self._queue.append((data, raw))
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)
            return None
        self._taken = asyncio.get_running_loop().create_future()
        return self._taken

    @property
    def is_awaited(self) -> bool:
        """Whether an iteration waits for a message now."""
        return self._waiting > 0

    def take(self, count: int | None = None) -> list[Message]:
        """What is queued, or the first `count` of it; wakes the writers once none is left."""
        number = len(self._queue) if count is None else min(count, len(self._queue))
        messages = [self._queue.popleft() for _ in range(number)]
        if not self._queue:
            _wake(self._taken)
        return messages

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will come."""
        return self._done

    def finish(self) -> None:
        """End the messages; what is queued can still be taken."""
        self._done = True
        _wake(self._arrived)
        _wake(self._taken)

    async def next(self) -> Any:
        """The data of the next message.

        Raises:
            StopAsyncIteration: there is none, and none will come.
        """
        return (await self.next_message())[0]

    async def next_message(self) -> Message:
        """The next message, as `next`, with the frame it came in."""
        while not self._queue:
            if self._done:
                raise StopAsyncIteration
            if self._arrived is None or self._arrived.done():
                self._arrived = asyncio.get_running_loop().create_future()
            self._waiting += 1
            try:
                await asyncio.shield(self._arrived)  # others may wait for it too
            finally:
                self._waiting -= 1
        message = self._queue.popleft()
        if not self._queue:
            _wake(self._taken)
        return message


def _wake(future: asyncio.Future[None] | None) -> None:
    if future is not None and not future.done():
        future.set_result(None)
