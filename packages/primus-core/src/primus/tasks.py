"""Background tasks that are referenced until they end, as asyncio asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

__all__ = ["is_cancelled", "spawn"]

_running: set[asyncio.Task[Any]] = set()


def spawn(coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """Start `coroutine` on the running loop; the task lives until it ends.

    Raises:
        RuntimeError: no event loop is running.
    """
    task = asyncio.get_running_loop().create_task(coroutine)
    _running.add(task)
    task.add_done_callback(_running.discard)
    return task


def is_cancelled() -> bool:
    """Whether the current task is being cancelled, rather than what it awaits."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
