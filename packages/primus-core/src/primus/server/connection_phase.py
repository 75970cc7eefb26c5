"""The connection phase: ``connection`` handlers run in order, and data waits for them.

An async handler is awaited before the next one runs. The exception is a handler that iterates
over the spark (``async for message in spark``): it consumes the messages itself, so from then
on the phase goes on without it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Protocol

from primus.callables import is_awaitable
from primus.connection import OPEN
from primus.tasks import spawn

__all__ = ["Connected", "run_connection_phase"]

Handler = Callable[..., Any]


class Connected(Protocol):
    """A `Spark`, or what stands on one, whose handlers run before its messages are delivered."""

    @property
    def ready_state(self) -> int:
        """No handler runs any more once it is not `OPEN`."""

    def hold(self, pending: Awaitable[Any]) -> None:
        """Keep messages back until `pending` is done."""

    def consumed(self) -> asyncio.Event:
        """Set as soon as an iteration over the messages has begun."""

    def reject(self, error: Exception) -> None:
        """Report that a handler failed, and end."""

    def _log_raised(self, text: str, error: BaseException) -> None:
        """Log what a handler raised, once however often a peer causes it."""


def run_connection_phase(spark: Connected, handlers: Iterator[Handler]) -> None:
    """Run the handlers; as soon as one is async, data waits and the rest runs in a task."""
    for handler in handlers:
        if spark.ready_state != OPEN:
            return
        try:
            result = handler(spark)
        except Exception as error:
            _fail(spark, error)
            return
        if is_awaitable(result):
            spark.hold(_go_on(spark, result, handlers))
            return


async def _go_on(spark: Connected, pending: Awaitable[Any], handlers: Iterator[Handler]) -> None:
    try:
        await _finished_or_consuming(spark, pending)
        for handler in handlers:
            if spark.ready_state != OPEN:
                return  # it left meanwhile, and ``disconnection`` has been told
            result = handler(spark)
            if is_awaitable(result):
                await _finished_or_consuming(spark, result)
    except Exception as error:
        _fail(spark, error)


async def _finished_or_consuming(spark: Connected, handling: Awaitable[Any]) -> None:
    """Wait until the handler is done, or has begun to iterate over the spark."""
    handler = spawn(_as_coroutine(handling))
    consumed = asyncio.ensure_future(spark.consumed().wait())
    try:
        await asyncio.wait({handler, consumed}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        consumed.cancel()
    if handler.done():
        await handler
    else:
        handler.add_done_callback(lambda task: _report_end(spark, task))


async def _as_coroutine(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


def _report_end(spark: Connected, task: asyncio.Task[Any]) -> None:
    error = None if task.cancelled() else task.exception()
    if isinstance(error, Exception):
        _fail(spark, error)


def _fail(spark: Connected, error: Exception) -> None:
    spark._log_raised(f"a connection listener raised for {spark!r}", error)
    spark.reject(error)
