"""From the ids of a selection to its sparks: one frame for all, or a transform for each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Any

from primus import (
    ControlTextError,
    Packet,
    ParserError,
    Primus,
    PrimusError,
    Spark,
    TransformError,
)
from primus.callables import is_awaitable
from primus.pipeline import SWALLOWED, run, run_out
from primus.protocol import check_message
from primus.server.broadcast import Encoded
from primus.tasks import spawn
from primus_rooms.adapter import Adapter
from primus_rooms.copying import deep_copy
from primus_rooms.errors import RoomsError
from primus_rooms.selection import Selection

__all__ = ["Delivery", "deliver_everywhere", "plain", "refuse", "sparks_among"]


class Delivery:
    """A message on its way to those of a selection.

    Raises:
        RoomsError: it cannot be delivered in this way, to any spark.
        ControlTextError: it is text that peers obey.
    """

    def __init__(
        self, primus: Primus, adapter: Adapter, selection: Selection, args: list[Any], method: str
    ) -> None:
        if method == "write" and not (selection.transforms or primus.pipeline.outgoing):
            check_message(args[0])
        self.forwards = adapter.forwards and not selection.only_here
        """Whether it is for members on other servers too."""
        refuse(primus, args, method)
        if self.forwards and (method == "send" or selection.transforms):
            raise RoomsError("only write, without a transform, reaches the sparks of other servers")
        self._primus: Any = primus
        self._selection = selection
        self._args = args
        self._method = method

    def finish(self, ids: Collection[str]) -> int:
        """Deliver it to all members; how many of them are here.

        Raises:
            ParserError: it cannot be encoded, for one of the sparks: none of them gets it.
        """
        count = self.here(ids)
        if self.forwards:
            self.elsewhere(ids)
        return count

    def here(self, ids: Collection[str]) -> int:
        """Deliver it to the members that are here; how many there are.

        Raises:
            ParserError: as `finish`.
        """
        sparks = sparks_among(self._primus, ids, self._selection.without)
        if self._selection.transforms:
            return _transformed(sparks, self._selection, self._args, self._method)
        getattr(self._primus, self._method)(*self._args, to=sparks)
        return len(sparks)

    def elsewhere(self, ids: Collection[str] | None) -> None:
        """Forward it to the members on other servers, by the plugins omega-supreme and metroplex.

        Args:
            ids: of all members; `None` when they are not known: then each server of ours that is
                told finds its own.
        """
        (data,), forward = plain(self._args), self._primus.forward
        if ids is None:
            forward.elsewhere(self._selection.names, data, self._selection.without)
            return
        without = self._selection.without
        absent = [id for id in ids if id not in without and self._primus.spark(id) is None]
        if absent:
            forward.sparks(absent, data)


def deliver_everywhere(
    primus: Any,
    backplane: Any,
    selection: Selection,
    args: list[Any],
    method: str,
    here: Callable[[Encoded | None], Any],
) -> Any:
    """Deliver a message to a selection on all servers, by the plugin ``backplane``.

    Args:
        primus: the server.
        backplane: ``primus.backplane``.
        selection: the rooms.
        args: the message, or the event and its arguments.
        method: ``write`` or ``send``.
        here: delivers it to the sparks of this server, and gives how many they are; called with
            `None` it only counts them.

    Raises:
        RoomsError: it cannot be delivered in this way, to any spark.
        ControlTextError: it is text that peers obey.
        ParserError: the parser has no form for it.
        PrimusError: it is too long for the bus.
    """
    refuse(primus, args, method)
    if selection.transforms:
        raise RoomsError("a transform does not reach other servers: see Selection.local")
    data = args[0] if method == "write" else primus.event_message(*args)
    if data is None:
        return 0
    names = selection.names
    head: dict[str, Any] = {} if names is None else {"rooms": names}
    if selection.without:
        head["except"] = sorted(selection.without)
    outgoing = backplane.outgoing("rooms", head, data, names[0] if names else "")
    ordered = selection.is_ordered
    if ordered is None:
        ordered = backplane.has_order(names or ())
    if ordered:
        count = here(None)
        outgoing.send(lambda: here(outgoing.message), True)
        return count
    return outgoing.send(lambda: here(outgoing.message), False)


def sparks_among(primus: Any, ids: Collection[str], without: Collection[str]) -> list[Spark]:
    """The sparks of this server among some ids, without others."""
    if not ids:
        return []
    spark_of = primus.spark
    if without:
        ids = [id for id in ids if id not in without]
    return [spark for id in ids if (spark := spark_of(id)) is not None]


def refuse(primus: Any, args: list[Any], method: str) -> None:
    """Refuse what cannot be delivered to several sparks.

    Raises:
        RoomsError: it cannot.
    """
    if callable(args[-1]):
        raise RoomsError("Callbacks are not supported when broadcasting")
    if method == "send" and not hasattr(primus, "send"):
        raise RoomsError('send needs the plugin "emitter"; write needs none')


def plain(args: list[Any]) -> list[Any]:
    """A message as it was before another thread encoded it."""
    return [each.data if isinstance(each, Encoded) else each for each in args]


def _transformed(
    sparks: Collection[Spark], selection: Selection, args: list[Any], method: str
) -> int:
    """How many sparks get the message, each what the transforms have made of it for that one."""
    ready: list[tuple[Callable[[Any], object], Any]] = []
    late: list[tuple[Spark, Awaitable[Any]]] = []
    try:
        for spark in sparks:
            try:
                result = run(selection.transforms, Packet(deep_copy(args)), spark)
            except TransformError as error:
                _report(spark, error)
                continue
            if is_awaitable(result):
                late.append((spark, result))
            elif result is not SWALLOWED and (step := _step(spark, result, method)) is not None:
                ready.append(step)
    except Exception:
        for _, pending in late:
            spawn(run_out(pending))
        raise
    for send, value in ready:
        send(value)
    for spark, pending in late:
        spawn(_hand_over_late(spark, pending, method))
    return len(ready) + len(late)


def _step(spark: Spark, args: list[Any], method: str) -> tuple[Callable[[Any], object], Any] | None:
    """What sends a message to a spark, and what that is called with; encoded already, if it can."""
    if method == "write":
        return spark.compose(*args)
    return lambda values: getattr(spark, method)(*values), args


async def _hand_over_late(spark: Spark, transforming: Awaitable[Any], method: str) -> None:
    try:
        result = await transforming
        if result is not SWALLOWED:
            getattr(spark, method)(*result)
    except (TransformError, ParserError, ControlTextError) as error:
        _report(spark, error)


def _report(spark: Spark, error: PrimusError) -> None:
    if not spark.dispatch("error", error):
        spark.log.error("%r: %s", spark, error, exc_info=error.__cause__)
