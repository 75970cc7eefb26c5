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

    __slots__ = ("_left", "_woken", "gone")

    def __init__(self, request: Request, left: Callable[[], object]) -> None:
        self._woken = asyncio.Event()
        self._left: Callable[[], object] | None = left
        self.gone = False
        """Whether the client has gone."""
        request.on_gone(self._leave)

    @property
    def woken(self) -> bool:
        """Whether the poll is about to be answered."""
        return self._woken.is_set()

    def wake(self) -> None:
        """Wake the poll: it is answered in the next turn of the loop."""
        self._woken.set()

    def replace(self) -> None:
        """Wake the poll since another one has taken its place: its client may go."""
        self._left = None
        self._woken.set()

    def rest(self) -> None:
        """Make the next `wait` wait again, for answers that are sent piece by piece."""
        if not self.gone:
            self._woken.clear()

    async def wait(self) -> bool:
        """Wait to be woken.

        Returns:
            False when the client has gone.
        """
        try:
            await self._woken.wait()
        except asyncio.CancelledError:
            self._leave()  # so some servers tell that a client has gone
            raise
        return not self.gone

    def _leave(self) -> None:
        left, self._left = self._left, None
        self.gone = True
        self._woken.set()
        if left is not None:
            left()
