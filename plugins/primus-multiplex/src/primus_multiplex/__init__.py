"""Channels over one connection: the plugin ``multiplex``, as primus-multiplex for Node has it.

    primus = Primus(app, plugin="multiplex")
    news = primus.channel("news")

    @news.on("connection")
    def connection(spark):
        spark.write("welcome")
        spark.on("data", news.write)

    channel = socket.channel("news")             # a client subscribes; primus.channel in a page
    channel.write("hello")

**A channel** has ``name``, ``connections`` by id, ``write(data)``, ``send(event, …)`` with the
plugin ``emitter``, ``for_each(fn)``, ``spark(id)``, iteration, ``authorize(fn)``, ``destroy()``,
the events ``connection(spark)``, ``disconnection(spark)`` and ``close``, and with the plugin
``rooms`` rooms of its own. Its name gives the same object each time. A message to all of a channel
is encoded once.

**Its sparks** are subscriptions: ``id``, ``conn``, ``channel``, ``headers``, ``request``,
``address``, ``query``, ``write``, ``end``, ``send`` and ``ask`` with ``emitter``, async iteration,
the events ``data`` and ``end``. The spark of the connection emits ``subscribe(channel, spark)`` and
``unsubscribe(channel, spark)``.

**A client** makes a subscription with each ``socket.channel(name)``. It has ``write``, ``end``,
``send``, ``ask``, events and iteration, and comes back with the same id after a reconnect.

**Authorization.** ``channel.authorize(fn)``, or ``primus.channels.authorize(fn)`` for all, lets
``fn(spark)`` refuse by raising `Unauthorized`: the client gets an ``error`` with a
`ChannelRefused`.

The options ``multiplex_subscriptions`` and ``multiplex_channels`` (1024 each) bound what one
connection may have, and ``multiplex_name`` (128) is how long a name or an id may be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from primus import Primus, Spark, hookimpl
from primus.browser import Browser
from primus.streams import Stream
from primus_multiplex import packets
from primus_multiplex.channel import Channel, ChannelSpark
from primus_multiplex.channels import Channels, MultiplexPrimus, MultiplexSpark
from primus_multiplex.errors import ChannelRefused
from primus_multiplex.options import MultiplexOptions, bounds, primus_options

if TYPE_CHECKING:
    from primus import Socket
    from primus_multiplex.client import ClientChannel
    from primus_multiplex.sockets import MultiplexSocket

__all__ = [
    "Channel",
    "ChannelRefused",
    "ChannelSpark",
    "Channels",
    "ClientChannel",
    "MultiplexOptions",
    "MultiplexPrimus",
    "MultiplexSocket",
    "MultiplexSpark",
    "primus_browser",
    "primus_disconnection",
    "primus_extend_primus",
    "primus_extend_socket",
    "primus_extend_spark",
    "primus_lost",
    "primus_options",
    "primus_overtakes",
    "primus_setup",
    "primus_socket",
    "primus_teardown",
]

EVENTS = frozenset({"subscribe", "unsubscribe"})


def __getattr__(name: str) -> Any:
    """The classes of clients, imported when they are first asked for: a server does without."""
    if name in {"ClientChannel", "MultiplexSocket"}:
        from primus_multiplex import client, sockets

        return getattr(sockets if name == "MultiplexSocket" else client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


# -- the server half


@hookimpl
def primus_extend_spark() -> type[MultiplexSpark]:
    """``spark.channels``."""
    return MultiplexSpark


@hookimpl
def primus_extend_primus() -> type[Primus]:
    """``primus.channel`` and ``primus.channels``."""
    return MultiplexPrimus


@hookimpl
def primus_setup(primus: Any) -> None:
    """Take packets as users would get them, behind all transforms.

    Raises:
        OptionError: an option cannot work.
    """
    primus.channels = Channels(primus, bounds(primus.options.extra))
    primus.pipeline.add("incoming", primus.channels.incoming, last=True)
    primus.Spark.events.names |= EVENTS


@hookimpl
def primus_disconnection(spark: Any) -> None:
    """End the subscriptions of a spark that has ended."""
    if spark.channels is not None:
        spark.channels.ended()


@hookimpl
def primus_teardown(primus: Any) -> None:
    """Destroy all channels."""
    for channel in primus.channels:
        channel.destroy()
    for spark in primus:
        vars(spark).pop("channels", None)


# -- the client half in Python


@hookimpl
def primus_extend_socket() -> type[Socket]:
    """``socket.channel`` and ``socket.channels``."""
    from primus_multiplex.sockets import MultiplexSocket

    return MultiplexSocket


@hookimpl
def primus_socket(socket: Any) -> None:
    """Subscriptions that follow the socket."""
    from primus_multiplex.sockets import follow

    follow(socket)


# -- both


@hookimpl
def primus_overtakes(connection: Any, data: Any) -> bool:
    """A message is handled at once if it would be within its channel."""
    read = None if isinstance(connection, Stream) else packets.read(data)
    if read is None or read.kind != packets.MESSAGE or not connection.channels:
        return False
    stream = connection.channels.get(read.name, read.id)
    return stream is not None and bool(stream.overtakes(read.data))


@hookimpl
def primus_lost(connection: Any) -> None:
    """Fail what awaits an acknowledgement of the wire that is gone.

    A spark gets no other wire, so nothing is sent any more. A socket may get one.
    """
    if connection.channels is not None:
        connection.channels.is_cut = isinstance(connection, Spark)
        connection.channels.lost()


@hookimpl
def primus_browser() -> Browser:
    """``primus.channel`` in the browser."""
    return Browser.read("primus_multiplex", modules=("stream",))
