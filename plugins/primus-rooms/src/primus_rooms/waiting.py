"""Results that may have to be waited for: how several make one, and the order of them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

from primus.callables import is_awaitable
from primus.tasks import spawn

__all__ = ["KeyedQueue", "all_true", "done", "each"]

Result = TypeVar("Result")

TOGETHER: Final = 64
"""How many jobs for different keys run at once."""


def each(calls: Sequence[Callable[[], Any]]) -> Any:
    """The results of `calls`, made one after the other; an awaitable when one has to be awaited."""
    results: list[Any] = []
    for index, call in enumerate(calls):
        result = call()
        if is_awaitable(result):
            return _each(results, result, calls[index + 1 :])
        results.append(result)
    return results


async def _each(
    results: list[Any], first: Awaitable[Any], calls: Sequence[Callable[[], Any]]
) -> list[Any]:
    results.append(await first)
    for call in calls:
        result = call()
        results.append(await result if is_awaitable(result) else result)
    return results


def all_true(results: Sequence[Any]) -> bool | Awaitable[bool]:
    """Whether all of some results are true; an awaitable when one of them has to be awaited.

    It need not be awaited: an error that is not looked at is not logged.
    """
    if not any(is_awaitable(result) for result in results):
        return all(results)
    task = spawn(_all_true(results))
    task.add_done_callback(_look_at)
    return task


async def _all_true(results: Sequence[Any]) -> bool:
    return all([await result if is_awaitable(result) else result for result in results])


def done(value: Result) -> asyncio.Future[Result]:
    """A result that is there, for a caller that awaits it.

    Raises:
        RuntimeError: no event loop is running.
    """
    result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
    result.set_result(value)
    return result


class KeyedQueue:
    """Jobs in the order in which they came.

    A job with a key may run beside its neighbours that have keys too, all different: they do not
    notice one another. A job without one runs alone.
    """

    def __init__(self) -> None:
        self._jobs: deque[tuple[str | None, Awaitable[Any], asyncio.Future[Any]]] = deque()
        self._worker: asyncio.Task[None] | None = None

    def put(self, key: str | None, job: Awaitable[Result]) -> asyncio.Future[Result]:
        """Queue a job, which is run in its turn.

        Returns:
            Its result. It need not be awaited: an error that is not looked at is not logged.

        Raises:
            RuntimeError: no event loop is running.
        """
        result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        result.add_done_callback(_look_at)
        self._jobs.append((key, job, result))
        if self._worker is None:
            self._worker = spawn(self._work())
        return result

    @property
    def is_busy(self) -> bool:
        """Whether there are jobs."""
        return self._worker is not None

    async def drain(self) -> None:
        """Wait until no job is left."""
        while self._worker is not None:
            await asyncio.shield(self._worker)

    async def _work(self) -> None:
        try:
            while self._jobs:
                await asyncio.gather(*(_do(job, result) for job, result in self._next()))
        finally:
            self._worker = None

    def _next(self) -> list[tuple[Awaitable[Any], asyncio.Future[Any]]]:
        """The jobs that may run now."""
        key, job, result = self._jobs.popleft()
        batch = [(job, result)]
        keys = {key}
        while key is not None and self._jobs and len(batch) < TOGETHER:
            key = self._jobs[0][0]
            if key is None or key in keys:
                break
            keys.add(key)
            batch.append(self._jobs.popleft()[1:])
        return batch


async def _do(job: Awaitable[Any], result: asyncio.Future[Any]) -> None:
    try:
        value = await job
    except Exception as error:
        if not result.done():
            result.set_exception(error)
    else:
        if not result.done():
            result.set_result(value)


def _look_at(result: asyncio.Future[Any]) -> None:
    if not result.cancelled():
        result.exception()
