"""`Channels`: the channels of one Primus, and what clients make of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, Unpack
from weakref import WeakValueDictionary

from primus import MessageT_co, OptionError, Packet, Primus, Spark, SparkT_co
from primus.streams import Stream
from primus_multiplex import packets
from primus_multiplex.channel import Authorize, Channel, ChannelSpark
from primus_multiplex.options import Bounds, MultiplexOptions
from primus_multiplex.subscription import Subscriptions

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Channels", "MultiplexPrimus", "MultiplexSpark"]

Function = TypeVar("Function", bound=Callable[..., Any])

TOO_MANY_CHANNELS = "too many channels"
TOO_MANY_SUBSCRIPTIONS = "too many subscriptions"
TOO_LONG = "the name or id is too long"


class MultiplexSpark(Spark[MessageT_co]):
    """A spark of a Primus with the plugin ``multiplex``.

    Events: ``subscribe(channel, spark)``, ``unsubscribe(channel, spark)``.
    """

    channels: Subscriptions[ChannelSpark] | None = None
    """Its subscriptions; made with the first."""


def subscriptions_of(spark: Any) -> Subscriptions[ChannelSpark]:
    """The subscriptions of a spark, made when they are first needed."""
    streams: Subscriptions[ChannelSpark] | None = spark.channels
    if streams is None:
        streams = spark.channels = Subscriptions(spark)
    return streams


class Channels:
    """The channels of one Primus, by name.

    Args:
        primus: the server.
        bounds: what the subscriptions of one connection may cost.
    """

    def __init__(self, primus: Any, bounds: Bounds) -> None:
        self.primus = primus
        self.bounds = bounds
        self.authorization: Authorize | None = None
        """Decides about subscriptions to channels that have no authorization of their own."""
        self._by_name: dict[str, Channel] = {}
        self._made: set[str] = set()
        """The channels that clients have brought into being, and the server has not asked for."""
        self._makers: WeakValueDictionary[str, Subscriptions[ChannelSpark]] = WeakValueDictionary()
        """The subscriptions of the connections that have made them, while there are those."""

    def __iter__(self) -> Iterator[Channel]:
        """Iterate over the channels there are now."""
        return iter(tuple(self._by_name.values()))

    def __len__(self) -> int:
        return len(self._by_name)

    def get(self, name: str) -> Channel | None:
        """The channel of that name, or `None`."""
        return self._by_name.get(name)

    def __call__(self, name: str) -> Channel:
        """The channel of that name, made if there is none; it stays until it is destroyed.

        Raises:
            TypeError: `name` is no text, or empty.
            OptionError: it is too long for clients to subscribe.
        """
        if not name or type(name) is not str:
            raise TypeError(f"the name of a channel must be a text that is not empty: {name!r}")
        if len(name) > self.bounds.name:
            raise OptionError(
                f"the name of a channel has {len(name)} characters, and clients may subscribe to "
                f"names of at most {self.bounds.name}: multiplex_name={len(name)}"
            )
        self._release(name)
        if name not in self._by_name:
            self._by_name[name] = Channel(self, name)
        return self._by_name[name]

    def authorize(self, fn: Function) -> Function:
        """Let `fn(spark)` decide about every channel that has no authorization of its own.

        As `Channel.authorize`.
        """
        if not callable(fn):
            raise TypeError(f"authorize only accepts functions, not {fn!r}")
        self.authorization = fn
        return fn

    # -- what clients do

    def incoming(self, packet: Packet, connection: Any) -> Any:
        """Handle the packets of clients; a transform."""
        read = packets.read(packet.data)
        if read is None or isinstance(connection, Stream):
            return None
        kind, id, name, data = read
        streams = subscriptions_of(connection)
        spark = streams.get(name, id)
        if kind == packets.SUBSCRIBE:
            if spark is None:
                self._subscribe(connection, streams, id, name)
        elif spark is not None and kind == packets.MESSAGE:
            return spark.receive(data, packet.raw)
        elif spark is not None:
            spark.ended()
        return False

    def _subscribe(
        self, connection: Any, streams: Subscriptions[ChannelSpark], id: str, name: str
    ) -> None:
        reason = self._obstacle(streams, id, name)
        if reason is not None:
            connection.write(packets.refusal(id, name, reason))
            return
        channel = self._by_name.get(name)
        if channel is None:
            channel = self._by_name[name] = Channel(self, name)
            self._made.add(name)
            self._makers[name] = streams
            streams.channels_made += 1
        channel.subscribe(ChannelSpark(streams, channel, id))

    def _obstacle(self, streams: Subscriptions[ChannelSpark], id: str, name: str) -> str | None:
        """Why a connection cannot subscribe, if it cannot."""
        bounds = self.bounds
        if len(id) > bounds.name or len(name) > bounds.name:
            return TOO_LONG
        if len(streams) + len(streams.lingering) >= bounds.subscriptions:
            return TOO_MANY_SUBSCRIPTIONS
        if name not in self._by_name and streams.channels_made >= bounds.channels:
            return TOO_MANY_CHANNELS
        return None

    # -- what channels say

    def left(self, channel: Channel) -> None:
        """Forget a channel that clients have made, unless the server has taken it over."""
        if channel.name in self._made and channel.is_unused:
            self.forget(channel)

    def forget(self, channel: Channel) -> None:
        """Forget a channel that is destroyed."""
        if self._by_name.get(channel.name) is channel:
            self._release(channel.name)
            del self._by_name[channel.name]

    def _release(self, name: str) -> None:
        """Count a channel no longer among those that a connection has made."""
        self._made.discard(name)
        maker = self._makers.pop(name, None)
        if maker is not None:
            maker.channels_made -= 1


class MultiplexPrimus(Primus[SparkT_co]):
    """A Primus with the plugin ``multiplex``."""

    channels: Channels
    """The channels there are."""

    if TYPE_CHECKING:

        def __init__(self, server: object = None, **options: Unpack[MultiplexOptions]) -> None: ...

    def channel(self, name: str) -> Channel:
        """The channel of that name, the same object each time until it is destroyed.

        Raises:
            TypeError: `name` is no text, or empty.
        """
        return self.channels(name)
