"""The hooks: ``primus.backplane``, which opens when the server starts."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, Unpack

from primus import PluginError, Primus, SparkT_co, hookimpl
from primus.readiness import hold_clients
from primus.server.hosts.siblings import tell_of_siblings
from primus.tasks import has_loop, spawn
from primus_backplane.backplane import Backplane
from primus_backplane.memory import MemoryBus
from primus_backplane.options import BackplaneOptions, chosen

__all__ = ["BackplanePrimus", "primus_extend_primus", "primus_setup", "primus_teardown"]


FORMATS: Final = {"cluster": "cluster", "redis-rooms": "_redis_rooms", "redis": "_redis_relay"}
"""The plugins of primus-cluster, and the attributes by which they are known to be in use."""

ALONE: Final = (
    "backplane: other processes take connections of this port as well, and a bus in memory joins "
    "the servers of one process: their clients get nothing of what this one writes everywhere. "
    "Name a bus that they share: backplane='redis://…'"
)


class BackplanePrimus(Primus[SparkT_co]):
    """A Primus with the plugin ``backplane``."""

    backplane: Backplane
    """The servers that share a bus."""

    if TYPE_CHECKING:

        def __init__(self, server: object = None, **options: Unpack[BackplaneOptions]) -> None: ...


@hookimpl
def primus_extend_primus() -> type[Primus]:
    """``primus.backplane``."""
    return BackplanePrimus


@hookimpl
def primus_setup(primus: Any) -> None:
    """``primus.backplane``.

    Raises:
        OptionError: an option cannot be used.
        PluginError: no engine for the option ``backplane`` is installed, or a plugin is in use that
            brings messages to the other servers as well.
    """
    for name, attribute in FORMATS.items():
        if vars(primus).get(attribute) is not None:
            raise PluginError(
                f"the plugins 'backplane' and {name!r} both bring messages to the other servers, "
                f"so that each would arrive twice: use {name!r} where servers of Node.js take "
                "part, else 'backplane'"
            )
    backplane = primus.backplane = Backplane(primus, chosen(primus.options.extra))
    hold_clients(primus, "backplane", backplane.heard)
    if isinstance(backplane.bus, MemoryBus):
        tell_of_siblings(primus, partial(primus.log.error, ALONE))
    primus.on("initialised", backplane.begin)
    primus.on("close", backplane.close)
    if has_loop():
        backplane.begin()


@hookimpl
def primus_teardown(primus: Any) -> None:
    """Leave the bus, without waiting."""
    if has_loop():
        spawn(primus.backplane.close())
