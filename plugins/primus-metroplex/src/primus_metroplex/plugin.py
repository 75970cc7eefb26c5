"""The hooks: a Primus registers itself, and the sparks that come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from primus import Primus, Spark, SparkT_co, hookimpl
from primus.tasks import has_loop, spawn
from primus_metroplex.address import derived
from primus_metroplex.metroplex import EVENTS, Metroplex
from primus_metroplex.options import MetroplexOptions, settings

__all__ = [
    "MetroplexPrimus",
    "primus_connection",
    "primus_disconnection",
    "primus_extend_primus",
    "primus_setup",
    "primus_teardown",
]


def _metroplex(primus: Any) -> Metroplex:
    metroplex: Metroplex = primus.metroplex
    return metroplex


class MetroplexPrimus(Primus[SparkT_co]):
    """A Primus with the plugin ``metroplex``."""

    metroplex: Metroplex
    """The cluster, as this server sees it."""

    if TYPE_CHECKING:

        def __init__(self, server: object = None, **options: Unpack[MetroplexOptions]) -> None: ...


@hookimpl
def primus_extend_primus() -> type[Primus]:
    """``primus.metroplex``."""
    return MetroplexPrimus


@hookimpl
def primus_setup(primus: Any) -> None:
    """``primus.metroplex``, and the events that are passed on.

    Raises:
        OptionError: an option cannot be used.
    """
    chosen = settings(primus.options.extra)
    metroplex = primus.metroplex = Metroplex(primus, chosen)
    primus.events.names |= EVENTS
    primus.on("initialised", metroplex.begin)
    primus.on("close", metroplex.close)
    if has_loop() and (chosen.address or derived(primus)):
        metroplex.begin()


@hookimpl
def primus_connection(spark: Spark) -> None:
    """Register a spark."""
    _metroplex(spark.primus).connect(spark)


@hookimpl
def primus_disconnection(spark: Spark) -> None:
    """Unregister a spark that has gone."""
    _metroplex(spark.primus).disconnect(spark)


@hookimpl
def primus_teardown(primus: Any) -> None:
    """Unregister this server, without waiting."""
    if has_loop():
        spawn(_metroplex(primus).close())
