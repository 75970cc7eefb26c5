"""`Dialer`: one attempt at a time to open a wire."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from primus.tasks import spawn

__all__ = ["Dialer"]


class Dialer:
    """Opens wires; an attempt that has been stopped reports nothing any more.

    Args:
        connect: opens a wire and attaches it to the connection.
        opened: called when the wire of the attempt under way is open.
        failed: called with the error when it could not be opened.
        unwanted: called when a wire has opened after its attempt was stopped.
        leaving: keeps a task that has been cancelled until it has ended.
    """

    __slots__ = ("_attempt", "_connect", "_failed", "_leaving", "_opened", "_task", "_unwanted")

    def __init__(
        self,
        connect: Callable[[], Awaitable[object]],
        *,
        opened: Callable[[], object],
        failed: Callable[[Exception], object],
        unwanted: Callable[[], object],
        leaving: Callable[[asyncio.Future[None]], object],
    ) -> None:
        self._connect = connect
        self._opened = opened
        self._failed = failed
        self._unwanted = unwanted
        self._leaving = leaving
        self._attempt: object = None
        """The attempt under way; a new object for each."""
        self._task: asyncio.Task[None] | None = None

    def dial(self) -> None:
        """Start an attempt."""
        self._attempt = attempt = object()
        self._task = spawn(self._dial(attempt))

    def stop(self) -> None:
        """Give up the attempt under way, if there is one."""
        self._attempt = None
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            self._leaving(task)

    async def _dial(self, attempt: object) -> None:
        try:
            await self._connect()
        except Exception as error:
            if self._attempt is attempt:
                self._attempt = self._task = None
                self._failed(error)
            return
        if self._attempt is attempt:
            self._attempt = self._task = None
            self._opened()
        else:
            self._unwanted()
