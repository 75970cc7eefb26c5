"""The end of a server: what it waits for, and must therefore not wait for it in turn.

A layer, an authorization handler or a ``close`` listener may call `Primus.destroy`. The end waits
for each of them, so that there `Primus.destroy` returns at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from primus.callables import is_awaitable
from primus.events import Emitter, Listener
from primus.tasks import is_cancelled

__all__ = ["announce", "awaits_caller", "begin", "deciding"]

_stopping: ContextVar[object] = ContextVar("primus_stopping", default=None)
"""The server whose end the current task is part of."""


class _Deciding:
    """A request whose layers are at work for a server, and for none once they are done."""

    __slots__ = ("server",)

    def __init__(self, server: object) -> None:
        self.server: object = server


_deciding: ContextVar[_Deciding | None] = ContextVar("primus_deciding", default=None)
"""The request that the current task, or the one which started it, decides about."""


@contextmanager
def deciding(server: object) -> Iterator[None]:
    """Mark the current task, and those it starts, as deciding about a request to `server`."""
    request = _Deciding(server)
    token = _deciding.set(request)
    try:
        yield
    finally:
        request.server = None
        _deciding.reset(token)


def begin(server: object) -> None:
    """Mark the current task, and those it starts, as part of the end of `server`."""
    _stopping.set(server)


def awaits_caller(server: object) -> bool:
    """Whether the end of `server` waits for the current task."""
    request = _deciding.get()
    return _stopping.get() is server or (request is not None and request.server is server)


async def announce(server: Emitter, listeners: Iterable[Listener], options: object) -> None:
    """Call the ``close`` listeners of `server`, and await those that are async."""
    for listener in listeners:
        result = server._call("close", listener, (options,))
        if is_awaitable(result):
            await _await(server, result)


async def _await(server: Emitter, result: Any) -> None:
    """Await a listener; one that awaits a task it has cancelled must not stop the end."""
    try:
        await server._guard("close", result)
    except asyncio.CancelledError:
        if is_cancelled():
            raise
        server.log.warning("a listener of 'close' was cancelled")
