"""Session ids that outlive a connection: the plugin ``mirage``, as mirage for Node has it.

    primus = Primus(app, plugin="mirage, emit", mirage_secret="a long random text")

    @primus.on("connection")
    def connection(spark):
        print(spark.mirage)          # the same after each reconnect of that client

The server gives each client an id and announces it as the event ``mirage``, through the plugin
``emit`` or ``emitter``. The client sends it along when it connects again, in the query of the URL
(``_mirage``). Both happens before the ``connection`` listeners: an id that is not valid ends the
connection, and messages wait until it is known. Without an event plugin there is no announcement,
and the log says so.

``primus.mirage.generator(fn)`` and ``primus.mirage.validator(fn)`` take functions of the
application, plain or async; both get the spark. Ids of 128 random bits are the default. With the
option ``mirage_secret`` they are signed, so that no client can invent one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Unpack

from primus import MessageT_co, Order, Primus, ServerOptions, Spark, SparkT_co, hookimpl
from primus.browser import Browser
from primus_mirage.errors import InvalidId, MirageTimeout
from primus_mirage.ids import Mirage

if TYPE_CHECKING:
    from primus import Socket
    from primus_mirage.sockets import MirageSocket, MirageSocketOptions

__all__ = [
    "InvalidId",
    "Mirage",
    "MirageOptions",
    "MiragePrimus",
    "MirageSocket",
    "MirageSocketOptions",
    "MirageSpark",
    "MirageTimeout",
    "primus_browser",
    "primus_connection",
    "primus_extend_primus",
    "primus_extend_socket",
    "primus_extend_spark",
    "primus_options",
    "primus_order",
    "primus_setup",
    "primus_socket",
]


def __getattr__(name: str) -> Any:
    """The class of sockets, imported when it is first asked for: a server does without it."""
    if name in ("MirageSocket", "MirageSocketOptions"):
        from primus_mirage import sockets

        return getattr(sockets, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@hookimpl
def primus_order() -> Order:
    """Before the plugins that look at messages, or at sparks as they connect."""
    return Order(
        before="fortress-maximus, session, emit, emit-broadcast, emitter, rooms, substream, "
        "multiplex, responder, resource, spark-latency, omega-supreme, metroplex, cluster"
    )


@hookimpl
def primus_options() -> Mapping[str, object]:
    """``mirage`` of sockets, the others of servers."""
    return {"mirage": "", "mirage_timeout": 5.0, "mirage_secret": None}


class MirageOptions(ServerOptions, total=False):
    """The options of a server with the plugin ``mirage``; ``mirage`` is one of its sockets."""

    mirage: str
    mirage_timeout: float
    mirage_secret: str | bytes | Iterable[str | bytes] | None


class MirageSpark(Spark[MessageT_co]):
    """A spark of a Primus with the plugin ``mirage``; applications derive from it."""

    mirage: str | None = None
    """The session id: what the client has sent until it is validated; `None` without any."""


class MiragePrimus(Primus[SparkT_co]):
    """A Primus with the plugin ``mirage``."""

    mirage: Mirage
    """Makes and validates the ids."""

    if TYPE_CHECKING:

        def __init__(self, server: object = None, **options: Unpack[MirageOptions]) -> None: ...


@hookimpl
def primus_extend_spark() -> type[MirageSpark]:
    """``spark.mirage``."""
    return MirageSpark


@hookimpl
def primus_extend_primus() -> type[Primus]:
    """``primus.mirage``."""
    return MiragePrimus


@hookimpl
def primus_setup(primus: Any) -> None:
    """Set ``primus.mirage``, and see whether ids can be announced.

    Raises:
        OptionError: an option cannot work.
    """
    primus.mirage = Mirage.of(primus.options.extra)
    if not primus.uses("emit", "emit-broadcast", "emitter"):
        primus.log.warning(
            "the plugin 'mirage' announces session ids through an event plugin, and none is in "
            "use: clients will not learn theirs. Use plugin='mirage, emit' or 'mirage, emitter'."
        )


@hookimpl(tryfirst=True)
def primus_connection(spark: Any) -> Any:
    """Validate the id of a client, or make one, before anything else learns of the spark."""
    return spark.primus.mirage.identify(spark)


@hookimpl
def primus_extend_socket() -> type[Socket]:
    """``socket.mirage``."""
    from primus_mirage.sockets import MirageSocket

    return MirageSocket


@hookimpl
def primus_socket(socket: Socket, options: Mapping[str, Any]) -> None:
    """Learn the id, and send it along."""
    from primus_mirage.sockets import follow

    follow(socket, options["mirage"])


@hookimpl
def primus_browser() -> Browser:
    """``primus.mirage`` in the browser."""
    declarations = files("primus_mirage").joinpath("client.d.ts").read_text("utf-8")
    return Browser.read("primus_mirage", declarations=declarations)
