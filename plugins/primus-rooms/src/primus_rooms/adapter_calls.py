"""`AdapterCalls`: what rooms ask their adapter, now or in its turn, and how they tell of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from primus import Primus, PrimusError, Spark
from primus.callables import is_awaitable
from primus.clock import Within
from primus.tasks import has_loop, spawn
from primus_rooms.adapter import Adapter, Maybe
from primus_rooms.errors import AdapterAway, RoomsError
from primus_rooms.memory import MemoryAdapter
from primus_rooms.waiting import KeyedQueue

__all__ = ["AdapterCalls"]

Result = TypeVar("Result")

LIMIT: Final = 10.0
"""Seconds that an adapter gets for each thing it is asked."""


class AdapterCalls:
    """The part of `Rooms` that speaks to the adapter."""

    def __init__(self, primus: Primus) -> None:
        self.primus: Any = primus
        self._queue = KeyedQueue()

    @property
    def adapter(self) -> Adapter:
        """``primus.adapter``, which may be replaced at any time.

        Raises:
            RoomsError: it is no adapter.
        """
        adapter = self.primus.adapter
        if type(adapter) is not MemoryAdapter and not isinstance(adapter, Adapter):
            raise RoomsError(f"primus.adapter={adapter!r}: must be a primus_rooms.Adapter")
        return adapter

    async def drain(self) -> None:
        """Wait until all that was asked for is done, and let the adapter close."""
        await self._drain(self.adapter)

    async def _drain(self, adapter: Adapter) -> None:
        try:
            async with Within(LIMIT, self.primus.options.clock):
                await self._queue.drain()
                await adapter.close()
        except Exception as error:
            self.primus.log.warning("rooms: the adapter did not finish: %r", error)

    def finish(self) -> None:
        """Finish what was asked for, and close the adapter, in a task."""
        if self._queue.is_busy or has_loop():  # else nothing has been opened
            spawn(self._drain(self.adapter))

    def _perform(
        self,
        op: Callable[[], Any],
        finish: Callable[[Any], Result],
        *,
        key: str | None = None,
        spark: Spark | None = None,
    ) -> Maybe[Result]:
        """Ask the adapter, and finish with its answer: at once, or in its turn.

        Raises:
            RoomsError: the adapter failed.
            RuntimeError: this is another thread.
        """
        if self.primus.is_elsewhere:
            raise RuntimeError("rooms live on another thread: ask for them by primus.thread")
        try:
            outcome = op()
        except Exception as error:
            raise self._failure(error, spark) from error
        if is_awaitable(outcome):
            return self._queue.put(key, self._late(outcome, finish, spark))
        return finish(outcome)

    async def _late(
        self, outcome: Awaitable[Any], finish: Callable[[Any], Result], spark: Spark | None
    ) -> Result:
        try:
            async with Within(LIMIT, self.primus.options.clock):
                answer = await outcome
        except Exception as error:
            raise self._failure(error, spark) from error
        try:
            return finish(answer)
        except PrimusError as error:  # the caller need not wait for the result
            self._report(error, spark)
            raise

    def _failure(self, error: Exception, spark: Spark | None) -> RoomsError:
        reason = f"{type(error).__name__}: {error}"
        failure = RoomsError(f"{self.primus.adapter!r} failed: {reason}")
        failure.__cause__ = error
        self._report(failure, spark)
        return failure

    def _report(self, error: PrimusError, spark: Spark | None) -> None:
        is_told = isinstance(error.__cause__, AdapterAway)
        if not self._tell("roomserror", error, spark) and not is_told:
            self.primus.log.warning("rooms: %s", error)

    def _tell(self, event: str, value: Any, spark: Spark | None) -> bool:
        """Emit on the spark and on the Primus; whether the event has listeners."""
        heard = spark is not None and bool(spark.listeners(event))
        if spark is not None:
            spark.dispatch(event, value)
        return bool(self.primus.dispatch(event, value, spark)) or heard
