"""The server half: the hooks that are called with a Primus or a spark."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Unpack

from primus import Primus, Spark, SparkT_co, hookimpl
from primus.pipeline import Transform
from primus.server.layers import Layer
from primus_chaos.chaos import Chaos
from primus_chaos.options import ChaosOptions

__all__ = [
    "ChaosPrimus",
    "ChaosSpark",
    "primus_connection",
    "primus_disconnection",
    "primus_extend_primus",
    "primus_extend_spark",
    "primus_incoming",
    "primus_middleware",
    "primus_outgoing",
    "primus_setup",
    "primus_teardown",
]


def _chaos(primus: Any) -> Chaos:
    """``primus.chaos``, which the first hook that needs it makes."""
    chaos = vars(primus).get("chaos")
    if not isinstance(chaos, Chaos):
        chaos = primus.chaos = Chaos(primus.options.extra, primus.options.clock)
    return chaos


class ChaosSpark(Spark):
    """A spark of a Primus with the plugin ``chaos``."""

    def cut(self) -> None:
        """Cut the connection, so that the client believes in an accident and comes back."""
        if self.ready_state == self.OPEN:
            _chaos(self.primus).cuts += 1
            self.end(reconnect=True)


class ChaosPrimus(Primus[SparkT_co]):
    """A Primus with the plugin ``chaos``."""

    chaos: Chaos
    """The trouble that it is in."""

    if TYPE_CHECKING:

        def __init__(self, server: object = None, **options: Unpack[ChaosOptions]) -> None: ...


@hookimpl
def primus_extend_spark() -> type[ChaosSpark]:
    """``spark.cut()``."""
    return ChaosSpark


@hookimpl
def primus_extend_primus() -> type[Primus]:
    """``primus.chaos``."""
    return ChaosPrimus


@hookimpl
def primus_middleware(primus: Any) -> Iterable[Layer]:
    """The layer ``chaos``; the browser library and ``/spec`` are answered before it."""
    return [Layer("chaos", _chaos(primus).layer, before="authorization")]


@hookimpl
def primus_incoming(primus: Any) -> Transform:
    """Delays and drops what arrives."""
    return _chaos(primus).incoming


@hookimpl
def primus_outgoing(primus: Any) -> Transform:
    """Delays and drops what leaves."""
    return _chaos(primus).outgoing


@hookimpl
def primus_setup(primus: Any) -> None:
    """Log that the plugin is in use: it is not meant for production."""
    primus.log.warning("%r: network trouble on purpose: %r", primus, _chaos(primus))


@hookimpl
def primus_connection(spark: Spark) -> None:
    """Sets the time of the cut."""
    _chaos(spark.primus).connected(spark)


@hookimpl
def primus_disconnection(spark: Spark) -> None:
    """Forgets the spark."""
    _chaos(spark.primus).disconnected(spark)


@hookimpl
def primus_teardown(primus: Any) -> None:
    """Leaves nothing that waits."""
    _chaos(primus).stop()
