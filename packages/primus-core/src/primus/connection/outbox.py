"""`Outbox`: what waits to be sent while an async transform or parser has an earlier message."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from primus.errors import ControlTextError, ParserError
from primus.limits import Limits
from primus.tasks import is_cancelled, spawn

__all__ = ["Outbox", "Sending", "Step"]

Step = Callable[[Any], "Awaitable[None] | None | object"]
"""Does something with a value; what it returns, if anything, is awaited before the next step."""


class Sending(Protocol):
    """What an outbox belongs to."""

    limits: Limits

    def _report(self, error: Exception) -> None:
        """Tell the listeners to ``error``, or log it."""

    def _transform_cancelled(self) -> None:
        """Report an awaited transform or parser that was cancelled."""

    def _sent_all(self) -> None:
        """Note that nothing waits any more."""


class Outbox:
    """Steps in the order in which they were asked for, and one task that takes them.

    Args:
        owner: what sends.
    """

    __slots__ = ("_owner", "_steps", "is_busy")

    def __init__(self, owner: Sending) -> None:
        self._owner = owner
        self._steps: deque[tuple[Step, Any]] = deque()
        self.is_busy = False
        """Whether something is being awaited, so that steps have to wait."""

    def __len__(self) -> int:
        return len(self._steps)

    @property
    def is_full(self) -> bool:
        """Whether as many steps wait as may."""
        return len(self._steps) >= self._owner.limits.outbox_messages

    def hold(self, pending: Awaitable[Any]) -> None:
        """Keep steps back until `pending` is done, then take them in order."""
        self.is_busy = True
        spawn(self._work(pending))

    def put(self, step: Step, value: Any) -> None:
        """Keep a step behind the others."""
        self._steps.append((step, value))

    async def _work(self, pending: Any) -> None:
        owner = self._owner
        while True:
            if pending is not None:
                try:
                    await pending
                except asyncio.CancelledError:
                    if is_cancelled():
                        raise
                    owner._transform_cancelled()
            if not self._steps:
                break
            step, value = self._steps.popleft()
            try:
                pending = step(value)
            except (ControlTextError, ParserError) as error:  # it was written long ago
                pending = None
                owner._report(error)
        self.is_busy = False
        owner._sent_all()
