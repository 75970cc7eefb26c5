"""The connection phase: ``connection`` handlers run in order, and data waits for them.

An async handler is awaited before the next one runs. The exception is a handler that iterates
over the spark (``async for message in spark``): it consumes the messages itself, so from then
on the phase goes on without it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any

from primus.callables import is_awaitable
from primus.connection import OPEN
from primus.tasks import spawn

if TYPE_CHECKING:
    from primus.server.spark import Spark

__all__ = ["run_connection_phase"]

Handler = Callable[..., Any]


def run_connection_phase(spark: Spark, handlers: Iterator[Handler]) -> None:
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


async def _go_on(spark: Spark, pending: Awaitable[Any], handlers: Iterator[Handler]) -> None:
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


async def _finished_or_consuming(spark: Spark, handling: Awaitable[Any]) -> None:
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


def _report_end(spark: Spark, task: asyncio.Task[Any]) -> None:
    error = None if task.cancelled() else task.exception()
    if isinstance(error, Exception):
        _fail(spark, error)


def _fail(spark: Spark, error: Exception) -> None:
    spark.log.error("a connection listener raised for %r", spark, exc_info=error)
    spark.reject(error)
