"""Requests and responses: the plugin ``responder``, as primus-responder for Node has it.

    primus = Primus(app, plugin="responder")

    @primus.on("connection")
    async def connection(spark):
        spark.on("request", lambda data: {"you sent": data})
        print(await spark.write_and_wait("your name?", timeout=5))

``write_and_wait`` sends a message and gives what the other side responds. There the message is the
event ``request(data, done)``: a listener that takes one parameter responds with what it returns, or
awaits to; one that takes two calls ``done(value)``, now or later, once. Python clients have the
same, browser clients ``primus.writeAndWait(data)``, a promise, or with a callback as in Node.

It raises `ResponseTimeout` after ``timeout`` seconds (by default those of the option
``responder_timeout``, 30; `None` waits as long as the connection lasts), `ResponseLost` when the
connection goes before, and `ResponseFailed` when the other side has no listener or one that raised.
A response never waits for a busy listener, so a listener may ``write_and_wait``.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal, Unpack

from primus import MessageT_co, Primus, ServerOptions, Spark, SparkT_co, hookimpl
from primus.answers import Answers
from primus.arriving import Arriving
from primus.browser import Browser
from primus.pipeline import Transform
from primus_responder import packets
from primus_responder.calling import (
    ResponseFailed,
    ResponseLost,
    ResponseTimeout,
    incoming,
    is_responding,
    responses_of,
    timeout_in,
    write_and_wait,
)

if TYPE_CHECKING:
    from primus import Socket
    from primus_responder.sockets import ResponderSocket

__all__ = [
    "ResponderOptions",
    "ResponderPrimus",
    "ResponderSocket",
    "ResponderSpark",
    "ResponseFailed",
    "ResponseLost",
    "ResponseTimeout",
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
    "primus_setup",
    "primus_socket",
    "primus_teardown",
]


class ResponderOptions(ServerOptions, total=False):
    """The options of a server with the plugin ``responder``."""

    responder_timeout: float | Literal[False] | None


class ResponderSpark(Spark[MessageT_co]):
    """A spark of a Primus with the plugin ``responder``; applications derive from it."""

    write_and_wait = write_and_wait
    responses: Answers[str] | None = None
    """Those that are awaited; made once there are any."""


def __getattr__(name: str) -> Any:
    """The class of sockets, imported when it is first asked for: a server does without it."""
    if name == "ResponderSocket":
        from primus_responder.sockets import ResponderSocket

        return ResponderSocket
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@hookimpl
def primus_options() -> Mapping[str, object]:
    """Of servers and of sockets."""
    return {"responder_timeout": 30.0}


class ResponderPrimus(Primus[SparkT_co]):
    """A Primus with the plugin ``responder``."""

    if TYPE_CHECKING:

        def __init__(self, server: object = None, **options: Unpack[ResponderOptions]) -> None: ...


@hookimpl
def primus_extend_primus() -> type[Primus]:
    """Nothing but its options, for type checkers."""
    return ResponderPrimus


@hookimpl
def primus_extend_spark() -> type[ResponderSpark]:
    """``spark.write_and_wait``."""
    return ResponderSpark


@hookimpl
def primus_incoming(primus: Primus) -> Transform:
    """Requests and responses from clients."""
    return incoming


@hookimpl
def primus_setup(primus: Primus) -> None:
    """Look at the option."""
    timeout_in(primus.options.extra)


@hookimpl
def primus_overtakes(connection: Any, data: Any) -> bool:
    """A response does not wait for a busy listener: it may be what that one awaits."""
    return is_responding(connection) and isinstance(packets.read(data), packets.Response)


@hookimpl
def primus_event(connection: Any, data: Any) -> Arriving | None:
    """A request, for plugins that judge events."""
    message = packets.read(data)
    if not isinstance(message, packets.Request) or not is_responding(connection):
        return None
    return Arriving("request", [message.data], lambda args: {**data, "data": args[0]})


@hookimpl
def primus_lost(connection: Any) -> None:
    """Fail what awaits a response, once the wire is gone: its end comes behind the messages."""
    if is_responding(connection) and (
        connection.responses is not None or connection.ready_state == Spark.OPEN
    ):
        responses_of(connection).cut()


@hookimpl
def primus_disconnection(spark: Any) -> None:
    """Fail what awaits a response."""
    if spark.responses is not None:
        spark.responses.ended()


@hookimpl
def primus_teardown(primus: Primus) -> None:
    """Drop the responses that could still come."""
    for spark in primus:
        responses = vars(spark).pop("responses", None)
        if responses is not None:
            responses.ended()


@hookimpl
def primus_extend_socket() -> type[Socket]:
    """``socket.write_and_wait``."""
    from primus_responder.sockets import ResponderSocket

    return ResponderSocket


@hookimpl
def primus_socket(socket: Socket) -> None:
    """Requests and responses from the server."""
    socket.transform("incoming", incoming)
    responses_of(socket).follow()


@hookimpl
def primus_browser() -> Browser:
    """``primus.writeAndWait`` in the browser."""
    declarations = files("primus_responder").joinpath("client.d.ts").read_text("utf-8")
    return Browser.read("primus_responder", declarations=declarations)
