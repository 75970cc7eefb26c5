"""The hooks: what recovery adds to a Primus, to its sparks and to its clients."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, Unpack

from primus import MessageT_co, Order, Primus, Spark, SparkT_co, hookimpl
from primus.browser import Browser
from primus.tasks import has_loop
from primus_recovery.follower import Recovered
from primus_recovery.options import RecoveryOptions, chosen
from primus_recovery.recovery import Recovery

if TYPE_CHECKING:
    from primus import Socket

__all__ = [
    "RecoveryPrimus",
    "RecoverySpark",
    "primus_browser",
    "primus_connection",
    "primus_control",
    "primus_disconnection",
    "primus_extend_primus",
    "primus_extend_socket",
    "primus_extend_spark",
    "primus_order",
    "primus_setup",
    "primus_socket",
    "primus_teardown",
]

CLIENT_EVENTS: Final = frozenset({"recovered", "gap"})


class RecoverySpark(Spark[MessageT_co]):
    """A spark of a Primus with the plugin ``recovery``; applications derive from it."""

    session: str = ""
    """Names the client over all of its connections; empty for a client without the plugin."""
    recovered: Recovered | None = None
    """What has become of what the client has missed; `None` on its first connection."""


class RecoveryPrimus(Primus[SparkT_co]):
    """A Primus with the plugin ``recovery``."""

    recovery: Recovery
    """The clients that can recover."""

    if TYPE_CHECKING:

        def __init__(self, server: object = None, **options: Unpack[RecoveryOptions]) -> None: ...


@hookimpl
def primus_order() -> Order:
    """Behind ``mirage``, whose id it uses; before plugins that take messages, and the bus."""
    return Order(
        after="mirage",
        before="backplane, fortress-maximus, session, emit, emit-broadcast, emitter, rooms, "
        "substream, multiplex, responder, resource, spark-latency, omega-supreme, metroplex",
    )


@hookimpl
def primus_extend_spark() -> type[RecoverySpark]:
    """``spark.session`` and ``spark.recovered``."""
    return RecoverySpark


@hookimpl
def primus_extend_primus() -> type[Primus]:
    """``primus.recovery``."""
    return RecoveryPrimus


@hookimpl
def primus_setup(primus: Any) -> None:
    """``primus.recovery``, which begins when the server does.

    Raises:
        OptionError: an option cannot be used.
    """
    recovery = primus.recovery = Recovery(primus, chosen(primus.options.extra))
    primus.on("joinroom", recovery.joined)
    primus.on("leaveroom", lambda room, spark: recovery.left((room,), spark))
    primus.on("leaveallrooms", recovery.left)
    primus.on("initialised", recovery.begin)
    primus.on("close", recovery.close)
    if has_loop():
        asyncio.get_running_loop().call_soon(
            recovery.begin
        )  # once the plugins behind this one are there


@hookimpl
def primus_connection(spark: Any) -> Awaitable[None] | None:
    """Look at what a client brings, before the ``connection`` listeners."""
    resuming: Awaitable[None] | None = spark.primus.recovery.connected(spark)
    return resuming


@hookimpl
def primus_disconnection(spark: Any) -> None:
    """Keep what a client may ask for when it is back."""
    spark.primus.recovery.departed(spark)


@hookimpl
def primus_control(connection: Any, name: str, value: str) -> bool:
    """Take what the other side says of itself."""
    if isinstance(connection, Spark):
        return bool(connection.primus.recovery.take_control(connection, name, value))  # type: ignore[attr-defined]
    return bool(connection._comeback.take(name, value))


@hookimpl
def primus_teardown(primus: Any) -> None:
    """Do nothing any more."""
    primus.recovery.stop()


# -- the client halves


@hookimpl
def primus_extend_socket() -> type[Socket]:
    """``socket.recovered``."""
    from primus_recovery.sockets import RecoverySocket

    return RecoverySocket


@hookimpl
def primus_socket(socket: Any, options: Mapping[str, Any]) -> None:
    """Follow the server, and bring what is known to the next connection."""
    from primus_recovery.sockets import Comeback

    socket.events.names |= CLIENT_EVENTS
    socket._comeback = Comeback(socket)


@hookimpl
def primus_browser() -> Browser:
    """The same in the browser."""
    declarations = files("primus_recovery").joinpath("client.d.ts").read_text("utf-8")
    return Browser.read("primus_recovery", declarations=declarations)
