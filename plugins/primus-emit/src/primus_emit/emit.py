"""The plugin ``emit``: the same few functions serve sparks and sockets."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from primus import Packet, Primus, Spark, hookimpl
from primus.browser import Browser
from primus.pipeline import Transform

if TYPE_CHECKING:
    from primus import Socket

__all__ = [
    "emit",
    "event_in",
    "primus_browser",
    "primus_extend_socket",
    "primus_extend_spark",
    "primus_incoming",
    "primus_socket",
]

LOCAL: Final = ("newListener", "removeListener")
"""Names that Node's emitters use for themselves; primus-emit never sends them."""


def emit(connection: Spark | Socket, event: str, /, *args: Any) -> bool:
    """Send `event` to the other side; one that is reserved is emitted here.

    Returns:
        What `write` returns; for a reserved event, whether it has listeners.
    """
    if event in LOCAL or connection.reserved(event):
        return connection.dispatch(event, *args)
    return connection.write({"emit": [event, *args]})


def event_in(data: Any) -> list[Any] | None:
    """Name and arguments of the event that a message is; `None` when it is no event."""
    event = data.get("emit") if isinstance(data, dict) else None
    return event if isinstance(event, list) else None


def incoming(packet: Packet, connection: Spark | Socket) -> Any:
    """Make events of the messages that are events."""
    event = event_in(packet.data)
    if event is None:
        return None
    if not event or not isinstance(event[0], str) or connection.reserved(event[0]):
        return False  # it cannot be listened to, or would be taken for an event of ours
    return connection.deliver(*event)


@hookimpl
def primus_extend_spark() -> Mapping[str, object]:
    """``spark.emit``."""
    return {"emit": emit}


@hookimpl
def primus_incoming(primus: Primus) -> Transform:
    """Events from clients."""
    return incoming


@hookimpl
def primus_extend_socket() -> Mapping[str, object]:
    """``socket.emit``."""
    return {"emit": emit}


@hookimpl
def primus_socket(socket: Socket) -> None:
    """Events from the server."""
    socket.transform("incoming", incoming)


@hookimpl
def primus_browser() -> Browser:
    """``primus.emit`` in the browser."""
    return Browser(client=files("primus_emit").joinpath("emit.js").read_text("utf-8"))
