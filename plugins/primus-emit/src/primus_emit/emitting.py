"""`emit`, of sparks and sockets, and the class of sparks that have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from primus import MessageT_co, Spark

if TYPE_CHECKING:
    from primus import Socket

__all__ = ["EmitSpark", "emit"]

LOCAL: Final = ("newListener", "removeListener")
"""Names that Node's emitters use for themselves; primus-emit never sends them."""


def emit(connection: Spark | Socket, event: str, /, *args: Any) -> bool:
    """Send `event` to the other side; one that is reserved is emitted here.

    Returns:
        What `write` returns; for a reserved event, whether it has listeners. From another thread:
        whether the event loop takes it.
    """
    if event in LOCAL or connection.reserved(event):
        taken = connection.handed_over(connection.dispatch, event, *args)
        return connection.dispatch(event, *args) if taken is None else taken
    return connection.write({"emit": [event, *args]})


class EmitSpark(Spark[MessageT_co]):
    """A spark of a Primus with the plugin ``emit`` or ``emit-broadcast``."""

    emit = emit
