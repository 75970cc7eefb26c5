"""The plugin ``emit``: the same few functions serve sparks and sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from primus import Packet, Primus, Spark, hookimpl
from primus.browser import Browser
from primus.pipeline import Transform
from primus.streams import Stream
from primus_emit.emitting import EmitSpark

if TYPE_CHECKING:
    from primus import Socket

__all__ = [
    "event_in",
    "primus_browser",
    "primus_extend_socket",
    "primus_extend_spark",
    "primus_incoming",
    "primus_socket",
]


def event_in(data: Any) -> list[Any] | None:
    """Name and arguments of the event that a message is; `None` when it is no event."""
    event = data.get("emit") if isinstance(data, dict) else None
    return event if isinstance(event, list) else None


def incoming(packet: Packet, connection: Spark | Socket) -> Any:
    """Make events of the messages that are events; those of streams above stay messages."""
    data = packet.data
    if type(data) is dict and "emit" not in data:
        return None
    event = event_in(data)
    if event is None or isinstance(connection, Stream):
        return None
    if not event or not isinstance(event[0], str) or connection.reserved(event[0]):
        return False  # it cannot be listened to, or would be taken for an event of ours
    return connection.deliver(*event)


@hookimpl
def primus_extend_spark() -> type[EmitSpark]:
    """``spark.emit``."""
    return EmitSpark


@hookimpl
def primus_incoming(primus: Primus) -> Transform:
    """Events from clients."""
    return incoming


@hookimpl
def primus_extend_socket() -> type[Socket]:
    """``socket.emit``."""
    from primus_emit.sockets import EmitSocket

    return EmitSocket


@hookimpl
def primus_socket(socket: Socket) -> None:
    """Events from the server."""
    socket.transform("incoming", incoming)


@hookimpl
def primus_browser() -> Browser:
    """``primus.emit`` in the browser."""
    return Browser.read("primus_emit", "emit.js")
