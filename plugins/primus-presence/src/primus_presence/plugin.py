"""The hooks: what presence adds to a Primus and to its clients."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, Unpack

from primus import Order, Primus, Spark, SparkT_co, hookimpl
from primus.browser import Browser
from primus.server.hosts.siblings import tell_of_siblings
from primus.tasks import has_loop
from primus_presence.options import PresenceOptions, chosen
from primus_presence.presence import CONTROL, Presence

if TYPE_CHECKING:
    from primus import Socket

__all__ = [
    "PresencePrimus",
    "primus_browser",
    "primus_control",
    "primus_disconnection",
    "primus_extend_primus",
    "primus_extend_socket",
    "primus_order",
    "primus_setup",
    "primus_socket",
    "primus_teardown",
]

CLIENT_EVENTS: Final = frozenset(
    f"presence {what}" for what in ("state", "join", "update", "leave", "count", "end")
)


class PresencePrimus(Primus[SparkT_co]):
    """A Primus with the plugin ``presence``."""

    presence: Presence
    """The users in the rooms of all servers."""

    if TYPE_CHECKING:

        def __init__(self, server: object = None, **options: Unpack[PresenceOptions]) -> None: ...


@hookimpl
def primus_order() -> Order:
    """Before the bus: what it tells the others goes before the bus closes."""
    return Order(before="backplane")


@hookimpl
def primus_extend_primus() -> type[Primus]:
    """``primus.presence``."""
    return PresencePrimus


@hookimpl
def primus_setup(primus: Any) -> None:
    """``primus.presence``, which begins when the server does.

    Raises:
        OptionError: an option cannot be used.
    """
    presence = primus.presence = Presence(primus, chosen(primus.options.extra))
    primus.on("initialised", presence.begin)
    primus.on("close", presence.close)
    if has_loop():
        asyncio.get_running_loop().call_soon(
            presence.begin
        )  # once the plugins behind this one are there
    tell_of_siblings(primus, partial(_tell_of_others, primus))


def _tell_of_others(primus: Any) -> None:
    """Log that users of other processes are unknown, unless a bus brings them."""
    if vars(primus).get("backplane") is None:
        primus.log.warning(
            "presence: other processes take connections of this port as well, and this one knows "
            "its own users only. plugin='backplane, presence' with a bus that they share, "
            "backplane='redis://…', knows all"
        )


@hookimpl
def primus_disconnection(spark: Any) -> None:
    """The users of the spark leave, unless they come back."""
    spark.primus.presence.departed(spark)


@hookimpl
def primus_control(connection: Any, name: str, value: str) -> bool:
    """A client takes what its server tells; a server takes nothing."""
    if name != CONTROL:
        return False
    if not isinstance(connection, Spark):
        connection.presence.take(value)
    return True


@hookimpl
def primus_teardown(primus: Any) -> None:
    """Do nothing any more."""
    primus.presence.stop()


# -- the client halves


@hookimpl
def primus_extend_socket() -> type[Socket]:
    """``socket.presence``."""
    from primus_presence.sockets import PresenceSocket

    return PresenceSocket


@hookimpl
def primus_socket(socket: Any, options: Mapping[str, Any]) -> None:
    """Show the server that the client has the plugin, and keep what it tells."""
    from primus_presence.sockets import Rosters

    socket.events.names |= CLIENT_EVENTS
    socket.presence = Rosters(socket)


@hookimpl
def primus_browser() -> Browser:
    """The same in the browser."""
    declarations = files("primus_presence").joinpath("client.d.ts").read_text("utf-8")
    return Browser.read("primus_presence", declarations=declarations)
