"""The plugin ``emit-broadcast``: what clients emit arrives on the Primus, with the spark first.

    primus = Primus(app, plugin="emit-broadcast")

    @primus.on("vote")
    def vote(spark, name, count): ...

    @primus.on("data")
    def data(spark, message): ...

One listener serves all sparks. Events are not emitted on the spark; ``data`` is, as ever, and on
the Primus as well. Sending is as with the plugin ``emit``, which is what clients use. Names that
are reserved on the Primus, such as ``connection``, are dropped.

In primus-emit/broadcast for Node the elements of a list that is ``data`` become arguments; here
it stays one argument, so that ``(spark, message)`` gets all of every message.
"""

from __future__ import annotations

from collections.abc import Awaitable
from types import MappingProxyType
from typing import Any

from primus import Packet, Primus, Spark, hookimpl
from primus.events import Delivering
from primus.pipeline import Transform
from primus.streams import Stream
from primus_emit.emit import (
    event_in,
    primus_browser,
    primus_extend_socket,
    primus_extend_spark,
    primus_socket,
)

__all__ = [
    "primus_browser",
    "primus_extend_socket",
    "primus_extend_spark",
    "primus_incoming",
    "primus_setup",
    "primus_socket",
]


def incoming(packet: Packet, spark: Spark | Stream) -> Any:
    """Emit on the Primus what arrives on a spark, but not in a stream above it."""
    if isinstance(spark, Stream):
        return None
    primus = spark.primus
    event = event_in(packet.data)
    if event is None:
        return _pass_on(primus, spark, packet.data)
    if not event or not isinstance(event[0], str) or primus.reserved(event[0]):
        return False
    return spark.deliver(event[0], spark, *event[1:], to=primus)


def _pass_on(primus: Delivering, spark: Spark, data: Any) -> Awaitable[None] | None:
    """The listeners on the Primus come first, then the message goes on to those of the spark."""
    if spark.ready_state != spark.OPEN:
        return None
    delivered = primus.deliver("data", spark, data)
    return None if delivered is False else _done(delivered)


async def _done(delivered: Awaitable[Any]) -> None:
    await delivered


@hookimpl
def primus_setup(primus: Any) -> None:
    """``data`` is an event of the Primus as well, with the spark and the message."""
    primus.carries = MappingProxyType({**primus.carries, "data": 2})


@hookimpl
def primus_incoming(primus: Primus) -> Transform:
    """Events from clients."""
    return incoming
