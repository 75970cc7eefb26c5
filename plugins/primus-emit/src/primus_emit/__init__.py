"""Events over the wire: the plugin ``emit``, as primus-emit for Node has it.

    primus = Primus(app, plugin="emit")

    @primus.on("connection")
    def connection(spark):
        spark.emit("news", "hello", {"from": "the server"})
        spark.on("vote", lambda name, count: ...)

``spark.emit`` and ``socket.emit``, and ``primus.emit`` in the browser, send every event that is
not reserved to the other side, where its listeners are called. ``dispatch`` is the ``emit`` that
stays here. On the wire an event is ``{"emit": ["news", "hello", …]}``, both ways; such a message
is never ``data``. What the sender left out is `None` for a listener that needs it, and an async
listener makes the messages behind it wait.

The distribution has two more plugins, each with a manual of its own:

* ``emit-broadcast``: the server receives the events on the Primus, with the spark first;
* ``emitter``: ``send`` and ``ask``, with acknowledgements.

For type checkers there are `EmitSpark` and `EmitSocket`, and for ``emitter`` `EmitterSpark`,
`EmitterPrimus` and `EmitterSocket`.
"""

from typing import TYPE_CHECKING, Any

from primus_emit.acks import AckFailed, AckLost, AckTimeout
from primus_emit.emit import (
    primus_browser,
    primus_extend_socket,
    primus_extend_spark,
    primus_incoming,
    primus_socket,
)
from primus_emit.emitter import EmitterOptions, EmitterPrimus, EmitterSpark
from primus_emit.emitting import EmitSpark

if TYPE_CHECKING:
    from primus_emit.sockets import EmitSocket, EmitterSocket

__all__ = [
    "AckFailed",
    "AckLost",
    "AckTimeout",
    "EmitSocket",
    "EmitSpark",
    "EmitterOptions",
    "EmitterPrimus",
    "EmitterSocket",
    "EmitterSpark",
    "primus_browser",
    "primus_extend_socket",
    "primus_extend_spark",
    "primus_incoming",
    "primus_socket",
]


def __getattr__(name: str) -> Any:
    """The classes of sockets, imported when they are first asked for: a server does without."""
    if name in {"EmitSocket", "EmitterSocket"}:
        from primus_emit import sockets

        return getattr(sockets, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
