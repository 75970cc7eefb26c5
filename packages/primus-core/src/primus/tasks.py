"""Background tasks that are referenced until they end, as asyncio asks for."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine, Generator
from types import coroutine
from typing import Any, Final

__all__ = ["EAGER", "begin", "has_loop", "in_task", "is_cancelled", "proceed", "spawn"]

EAGER: Final[dict[str, Any]] = {"eager_start": True} if sys.version_info >= (3, 12) else {}
"""How a task begins at once, where it can: most are over when they would have begun."""

_running: set[asyncio.Task[Any]] = set()


def has_loop() -> bool:
    """Whether an event loop is running here; a Primus may be made before there is one."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def spawn(coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """Start `coroutine` on the running loop; the task lives until it ends.

    Raises:
        RuntimeError: no event loop is running.
    """
    return _kept(asyncio.get_running_loop().create_task(coroutine))


def begin(coroutine: Coroutine[Any, Any, Any], *, bare: bool) -> asyncio.Task[Any] | None:
    """Run `coroutine` at once, up to where it first waits, and the rest of it in a task.

    Args:
        coroutine: what is run.
        bare: whether it asks for no current task before it first waits, as `asyncio.timeout` does.
            Then a task is made only for the rest. Else it is one from the beginning, which Python
            3.11 runs in the next turn of the loop.

    Returns:
        The task that is left, or `None` when it has ended already.

    Raises:
        Exception: what it raises before it waits.
        RuntimeError: no event loop is running.
    """
    if bare:
        try:
            awaited = coroutine.send(None)
        except StopIteration:
            return None
        return spawn(proceed(coroutine, awaited))
    task = asyncio.Task(coroutine, loop=asyncio.get_running_loop(), **EAGER)
    if not task.done():
        return _kept(task)
    task.result()
    return None


async def proceed(begun: Coroutine[Any, Any, Any], awaited: Any) -> Any:
    """The rest of a coroutine that has begun, and now waits for `awaited`."""
    return await _continued(begun, awaited)


async def in_task() -> asyncio.Task[Any]:
    """Be in a task from here on: what has begun without one gets it when it first waits."""
    task = asyncio.current_task()
    if task is None:
        await asyncio.sleep(0)
        task = asyncio.current_task()
    assert task is not None
    return task


@coroutine
def _continued(begun: Coroutine[Any, Any, Any], awaited: Any) -> Generator[Any, Any, Any]:
    """The rest of a coroutine that has begun, and now waits for `awaited`."""
    try:
        while True:
            try:
                value = yield awaited
            except GeneratorExit:
                begun.close()
                raise
            except BaseException as error:
                awaited = begun.throw(error)
            else:
                awaited = begun.send(value)
    except StopIteration as end:
        return end.value


def _kept(task: asyncio.Task[Any]) -> asyncio.Task[Any]:
    _running.add(task)
    task.add_done_callback(_running.discard)
    return task


def is_cancelled() -> bool:
    """Whether the current task is being cancelled, rather than what it awaits."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
