"""The plugin ``emitter``: events with acknowledgements, as primus-emitter for Node has them.

    primus = Primus(app, plugin="emitter")

    spark.send("news", "hello")                       # to one spark; sockets have the same
    primus.send("news", "hello")                      # to every spark
    answer = await spark.ask("vote", "yes or no?")    # sends, and awaits the acknowledgement
    spark.send("vote", "yes or no?", count)           # the same, with a callback

    @spark.on("vote")
    def vote(question):
        return "yes"

What a listener returns, or is awaited for, is the acknowledgement when the sender asks for one: a
value, or a tuple of several. A listener that takes an argument beyond those that were sent gets the
acknowledgement instead, and calls it whenever it likes: ``ack("yes")``.

What `ask` gives is what was acknowledged: `None`, a value, or a tuple of several. It raises
`AckFailed` when the event has no listener, or one that raised, of which it is told nothing but the
text of an `AckFailed`; `AckTimeout` after ``timeout`` seconds (by default those of the option
``emitter_timeout``, 30; `None` waits as long as the connection lasts); and `AckLost` when the
connection goes before. A callback is then not called. ``ack`` is `None` when the sender wants no
acknowledgement; it works once. An acknowledgement never waits for a busy listener, so that one may
`ask`.

Names that are reserved, on this or the other side, are sent but reach no listener. A packet of this
plugin is no ``data``, unless the option ``emitter_data`` says so, as in Node.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Unpack

from primus import MessageT_co, Primus, ServerOptions, Spark, SparkT_co, hookimpl
from primus.answers import Answers
from primus.browser import Browser
from primus.pipeline import Transform
from primus_emit.acks import AckFailed, AckLost, AckTimeout
from primus_emit.receiving import incoming, primus_event, primus_lost, primus_overtakes
from primus_emit.sending import acks_of, ask, event_message, send, send_to_all, settings

if TYPE_CHECKING:
    from primus import Socket

__all__ = [
    "AckFailed",
    "AckLost",
    "AckTimeout",
    "EmitterOptions",
    "EmitterPrimus",
    "EmitterSpark",
    "primus_browser",
    "primus_disconnection",
    "primus_event",
    "primus_extend_primus",
    "primus_extend_socket",
    "primus_extend_spark",
    "primus_incoming",
    "primus_lost",
    "primus_options",
    "primus_overtakes",
    "primus_socket",
    "primus_teardown",
]


class EmitterOptions(ServerOptions, total=False):
    """The options of a server with the plugin ``emitter``."""

    emitter_timeout: float | Literal[False] | None
    emitter_data: bool


class EmitterSpark(Spark[MessageT_co]):
    """A spark of a Primus with the plugin ``emitter``."""

    send = send
    ask = ask
    acks: Answers[float] | None = None
    """Made once there is something to wait for."""


class EmitterPrimus(Primus[SparkT_co]):
    """A Primus with the plugin ``emitter``."""

    send = send_to_all
    event_message = event_message

    if TYPE_CHECKING:

        def __init__(self, server: object = None, **options: Unpack[EmitterOptions]) -> None: ...


@hookimpl
def primus_options() -> Mapping[str, object]:
    """Of servers and of sockets."""
    return {"emitter_timeout": 30.0, "emitter_data": False}


@hookimpl
def primus_extend_spark() -> type[EmitterSpark]:
    """``spark.send`` and ``spark.ask``."""
    return EmitterSpark


@hookimpl
def primus_incoming(primus: Primus) -> Transform:
    """Events and acknowledgements from clients."""
    return incoming(settings(primus.options.extra).data)


@hookimpl
def primus_extend_primus() -> type[Primus]:
    """``primus.send``."""
    return EmitterPrimus


@hookimpl
def primus_disconnection(spark: Any) -> None:
    """Fail what waits for acknowledgements."""
    if spark.acks is not None:
        spark.acks.ended()


@hookimpl
def primus_teardown(primus: Primus) -> None:
    """Drop the acknowledgements that could still be sent."""
    for spark in primus:
        acks = vars(spark).pop("acks", None)
        if acks is not None:
            acks.ended()


@hookimpl
def primus_extend_socket() -> type[Socket]:
    """``socket.send`` and ``socket.ask``."""
    from primus_emit.sockets import EmitterSocket

    return EmitterSocket


@hookimpl
def primus_socket(socket: Socket, options: Mapping[str, Any]) -> None:
    """Events and acknowledgements from the server."""
    acks = acks_of(socket)
    socket.transform("incoming", incoming(settings(options).data))
    acks.follow()


@hookimpl
def primus_browser() -> Browser:
    """``primus.send`` and ``primus.ask`` in the browser."""
    return Browser.read("primus_emit", "emitter.js")
