"""From the ids of a selection to its sparks: one frame for all, or a transform for each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Any

from primus import Packet, Primus, Spark, TransformError
from primus.callables import is_awaitable
from primus.pipeline import SWALLOWED, run
from primus.protocol import check_message
from primus.tasks import spawn
from primus_rooms.adapter import Adapter
from primus_rooms.copying import deep_copy
from primus_rooms.errors import RoomsError
from primus_rooms.selection import Selection

__all__ = ["deliver"]


def deliver(
    primus: Primus, adapter: Adapter, selection: Selection, args: list[Any], method: str
) -> Callable[[Collection[str]], int]:
    """What delivers a message to those of a selection whose ids it is given.

    Raises:
        RoomsError: it cannot be delivered in this way, to any spark.
        ControlTextError: it is text that peers obey.
    """
    if method == "write" and not (selection.transforms or primus.pipeline.outgoing):
        check_message(args[0])
    forwards = adapter.forwards and not selection.only_here
    if callable(args[-1]):
        raise RoomsError("Callbacks are not supported when broadcasting")
    if method == "send" and not hasattr(primus, "send"):
        raise RoomsError('send needs the plugin "emitter"; write needs none')
    if forwards and (method == "send" or selection.transforms):
        raise RoomsError("only write, without a transform, reaches the sparks of other servers")

    def finish(ids: Collection[str]) -> int:
        chosen = [id for id in ids if id not in selection.without]
        sparks = [spark for id in chosen if (spark := primus.spark(id)) is not None]
        if selection.transforms:
            return sum(_transformed(spark, selection, args, method) for spark in sparks)
        getattr(primus, method)(*args, to=sparks)
        if forwards and len(sparks) < len(chosen):
            _forward(primus, [id for id in chosen if primus.spark(id) is None], args[0])
        return len(sparks)

    return finish


def _hand_over(spark: Spark, args: list[Any], method: str) -> None:
    getattr(spark, method)(*args)


def _forward(primus: Any, ids: list[str], data: Any) -> None:
    """Send a message to sparks elsewhere, by the plugins omega-supreme and metroplex."""
    primus.forward.sparks(ids, data)


def _transformed(spark: Spark, selection: Selection, args: list[Any], method: str) -> bool:
    """Whether a spark gets the message, once it has been through the transform."""
    try:
        result = run(selection.transforms, Packet(deep_copy(args)), spark)
    except TransformError as error:
        _report(spark, error)
        return False
    if is_awaitable(result):
        spawn(_hand_over_late(spark, result, method))
        return True
    if result is SWALLOWED:
        return False
    _hand_over(spark, result, method)
    return True


async def _hand_over_late(spark: Spark, transforming: Awaitable[Any], method: str) -> None:
    try:
        result = await transforming
    except TransformError as error:
        _report(spark, error)
        return
    if result is not SWALLOWED:
        _hand_over(spark, result, method)


def _report(spark: Spark, error: TransformError) -> None:
    if not spark.dispatch("error", error):
        spark.log.error("%r: %s", spark, error, exc_info=error.__cause__)
