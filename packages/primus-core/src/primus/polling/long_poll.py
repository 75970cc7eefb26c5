"""Requests whose answer is not ready yet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from primus.http import Request

__all__ = ["LongPoll"]


class LongPoll:
    """A request that waits for its answer, and knows when its client goes.

    The answer is made by the task that handles the request, once `wait` has returned, so it is
    given exactly once, however often it is woken; all that is sent until that task runs goes along.

    Args:
        request: the request; its body has been read.
        left: called once, should the client go before all of its answer has been sent.
    """

    __slots__ = ("_left", "_waiter", "gone", "woken")

    def __init__(self, request: Request, left: Callable[[], object]) -> None:
        self.woken = False
        """Whether the poll is about to be answered."""
        self._waiter: asyncio.Future[None] | None = None
        self._left: Callable[[], object] | None = left
        self.gone = False
        """Whether the client has gone."""
        request.on_gone(self._leave)

    def wake(self) -> None:
        """Wake the poll: it is answered in the next turn of the loop."""
        self.woken = True
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def replace(self) -> None:
        """Wake the poll since another one has taken its place: its client may go."""
        self._left = None
        self.wake()

    def rest(self) -> None:
        """Make the next `wait` wait again, for answers that are sent piece by piece."""
        if not self.gone:
            self.woken = False

    async def wait(self) -> bool:
        """Wait to be woken.

        Returns:
            False when the client has gone.
        """
        try:
            while not self.woken:
                self._waiter = asyncio.get_running_loop().create_future()
                await self._waiter
        except asyncio.CancelledError:
            self._leave()  # so some servers tell that a client has gone
            raise
        return not self.gone

    def _leave(self) -> None:
        left, self._left = self._left, None
        self.gone = True
        self.wake()
        if left is not None:
            left()
