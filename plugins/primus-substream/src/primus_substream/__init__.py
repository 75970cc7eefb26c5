"""Named streams over one connection: the plugin ``substream``, as substream for Node has it.

    primus = Primus(app, plugin="substream")

    @primus.on("connection")
    async def connection(spark):
        chat, ticks = spark.substream("chat"), spark.substream("ticks")
        ticks.write({"now": 12})
        async for message in chat:
            chat.write(message)

``socket.substream(name)`` and, in the browser, ``primus.substream(name)`` are the other end. There
is no handshake: both sides ask for a stream by its name, and a message for one that does not exist
is ``data`` of the connection. So a server asks for its streams in ``connection``.

A `Substream` has ``name``, ``ready_state``, ``write(data)``, ``end(data=None)``, ``drain()``,
``pipe(destination)``, ``on``, ``once``, ``off`` and async iteration. It emits ``data``, ``end``,
``close``, ``readyStateChange`` and the events of its connection but ``data`` and ``end``. `write`
gives False once the stream has ended. The end of the connection ends all of its streams.

Streams of a client stay when it reconnects; the server has a new spark then, and asks for them
again. A message passes the transforms once, on its way out and on its way in, with the stream for
the connection; the packet that it travels in passes none on its way out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from primus import Order, Primus, hookimpl
from primus.browser import Browser
from primus.pipeline import Transform
from primus_substream.substream import (
    Substream,
    Substreams,
    SubstreamSpark,
    incoming,
    substreams_of,
)

if TYPE_CHECKING:
    from primus import Socket
    from primus_substream.sockets import SubstreamSocket

__all__ = [
    "Substream",
    "SubstreamSocket",
    "SubstreamSpark",
    "Substreams",
    "primus_browser",
    "primus_disconnection",
    "primus_extend_socket",
    "primus_extend_spark",
    "primus_incoming",
    "primus_order",
    "primus_socket",
    "primus_teardown",
]


def __getattr__(name: str) -> Any:
    """The class of sockets, imported when it is first asked for: a server does without."""
    if name == "SubstreamSocket":
        from primus_substream.sockets import SubstreamSocket

        return SubstreamSocket
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@hookimpl
def primus_order() -> Order:
    """A packet is no message for the listeners of ``data`` that emit-broadcast calls itself."""
    return Order(before="emit-broadcast")


@hookimpl
def primus_extend_spark() -> type[SubstreamSpark]:
    """``spark.substream``."""
    return SubstreamSpark


@hookimpl
def primus_incoming(primus: Primus) -> Transform:
    """Messages from clients."""
    return incoming


@hookimpl
def primus_disconnection(spark: Any) -> None:
    """End the streams of a spark that has ended."""
    if spark.streams is not None:
        spark.streams.ended()


@hookimpl
def primus_teardown(primus: Primus) -> None:
    """End the streams of all sparks: nothing will arrive for them any more."""
    for spark in primus:
        streams = vars(spark).pop("streams", None)
        if streams is not None:
            streams.ended()


@hookimpl
def primus_extend_socket() -> type[Socket]:
    """``socket.substream``."""
    from primus_substream.sockets import SubstreamSocket

    return SubstreamSocket


@hookimpl
def primus_socket(socket: Socket) -> None:
    """Messages from the server, and the state of the socket."""
    streams = substreams_of(socket)
    socket.transform("incoming", incoming)
    socket.on("readyStateChange", streams.changed)
    socket.on("end", streams.ended)
    socket.on("destroy", streams.ended)


@hookimpl
def primus_browser() -> Browser:
    """``primus.substream`` in the browser."""
    return Browser.read("primus_substream", modules=("stream",))
