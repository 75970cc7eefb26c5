"""`Channel` and `ChannelSpark`: a channel of a server, and one subscription to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Protocol, Self, TypeVar, cast

from primus import Spark, TransportError, Unauthorized
from primus.answers import CONFIGURED
from primus.callables import is_awaitable
from primus.clock import Within
from primus.events import Delivered, Emitter, ReservedEvents
from primus.http import Address, Headers, Query, Request
from primus.pipeline import Pipeline
from primus.server.broadcast import broadcast
from primus.server.connection_phase import run_connection_phase
from primus.tasks import spawn
from primus.threads import ThreadView
from primus_multiplex import packets
from primus_multiplex.fanout import fan_out
from primus_multiplex.members import Members
from primus_multiplex.rooms import ChannelRooms, SparkRooms
from primus_multiplex.subscription import Subscription, Subscriptions, sender

__all__ = ["Authorize", "Channel", "ChannelSpark"]

Authorize = Callable[["ChannelSpark"], Any]
Function = TypeVar("Function", bound=Callable[..., Any])


class Home(Protocol):
    """What a channel belongs to; see `Channels`."""

    primus: Any
    authorization: Authorize | None

    def left(self, channel: Channel) -> None:
        """Take note that a subscription to a channel has ended."""

    def forget(self, channel: Channel) -> None:
        """Forget a channel that is destroyed."""


REFUSED = "refused"
"""What a client is told of an authorization that raised something else than `Unauthorized`."""


class ChannelSpark(SparkRooms, Subscription):
    """One subscription to a channel, on the server. Set your own attributes on it as you like."""

    channel: Channel
    """The channel."""
    conn: Spark
    """The spark of the connection."""

    def __init__(self, streams: Subscriptions[ChannelSpark], channel: Channel, id: str) -> None:
        self.channel = channel
        self._refusal: str | None = None
        """Why the subscription is refused, once it is."""
        self._withheld = 0
        """How many messages have come before it is decided whether it is admitted."""
        self._running = 0
        """How many async functions run for it, beside what its messages wait for."""
        self.is_member = False
        """Whether it is one of the channel's: it has been admitted, and has not ended."""
        self.id = id
        """What the client calls it; with a number behind it if another connection has taken that.

        Unique in its channel, and no secret.
        """
        super().__init__(streams, channel.name, id)

    def __repr__(self) -> str:
        return f"<ChannelSpark {self.id} of {self.name!r}>"

    @property
    def primus(self) -> Channel:
        """The channel, which is to this spark what a Primus is to the spark of a connection."""
        return self.channel

    @property
    def request(self) -> Request:
        """The request that the connection was made with."""
        return self.conn.request

    @property
    def headers(self) -> Headers:
        """The headers of the request, case-insensitive."""
        return self.conn.headers

    @property
    def address(self) -> Address:
        """``ip`` and ``port`` of the client."""
        return self.conn.address

    @property
    def query(self) -> Query:
        """The parameters of the URL that the client connected to."""
        return self.conn.query

    def receive(self, data: Any, raw: Any = None) -> Delivered:
        """Take a message that has arrived, which waits until the subscription is admitted."""
        if not self.is_member and self.ready_state == Spark.OPEN:
            self._withheld += 1
            self.conn.withheld += 1
        return super().receive(data, raw)

    def release(self) -> None:
        """Withhold nothing any more: it is decided, or has ended."""
        self.conn.withheld -= self._withheld
        self._withheld = 0

    def refuse(self, text: str) -> None:
        """End the subscription with a reason that the client gets as an error."""
        self._refusal = text
        self.end()

    def reject(self, error: Exception) -> None:
        """Report that a ``connection`` listener of the channel failed, and end."""
        self._report(error)
        self.end()

    def _send_end(self) -> None:
        if self._refusal is None:
            super()._send_end()
        else:
            self.conn.write(packets.refusal(self.wire_id, self.name, self._refusal))

    def _closed(self) -> None:
        super()._closed()
        self.release()  # `recovery`, which comes first, has looked at it when the connection ends
        self.channel.left(self)
        if self._is_working:
            self.streams.lingering.add(self)

    # -- what runs for it: it costs the connection one of its subscriptions, also after the end

    @property
    def _is_working(self) -> bool:
        return self._running > 0 or (self._inbox is not None and self._inbox.is_busy)

    def counting(self, handler: Callable[..., Any]) -> Callable[[Any], Any]:
        """`handler`, counted while it runs."""

        def called(spark: Any) -> Any:
            result = handler(spark)
            return self._counted(result) if is_awaitable(result) else result

        return called

    def tell(self, emitter: Emitter, event: str, *args: Any) -> None:
        """Emit an event elsewhere that this subscription causes."""
        for pending in emitter.call_listeners(event, *args):
            spawn(self._counted(pending))

    def _counted(self, pending: Awaitable[Any]) -> Coroutine[Any, Any, Any]:
        self._running += 1
        return self._finish(pending)

    async def _finish(self, pending: Awaitable[Any]) -> Any:
        try:
            return await pending
        finally:
            self._running -= 1
            self._settle()

    def _caught_up(self, *, was_paused: bool) -> None:
        super()._caught_up(was_paused=was_paused)
        self._settle()

    def _settle(self) -> None:
        if not self._is_working:
            self.streams.lingering.discard(self)


class Channel(ChannelRooms, Emitter):
    """A channel of a server: the subscriptions of many connections.

    Events: ``connection(spark)``, ``disconnection(spark)``, ``close``.
    """

    carries = MappingProxyType({"close": 0, "connection": 1, "disconnection": 1})

    def __init__(self, channels: Home, name: str) -> None:
        super().__init__()
        self.name = name
        """Its name."""
        self.log = channels.primus.log
        self.events = ReservedEvents(frozenset(self.carries))
        self.authorization: Authorize | None = None
        """Decides about subscriptions; see `authorize`."""
        self.members: Members[ChannelSpark] = Members()
        self._undecided: set[ChannelSpark] = set()
        """The subscriptions that are being decided about."""
        self._channels: Home = channels
        self._is_destroyed = False

    def __repr__(self) -> str:
        return f"<Channel {self.name!r}>"

    # -- subscriptions

    @property
    def connections(self) -> Mapping[str, ChannelSpark]:
        """The subscriptions by id."""
        return self.members

    def __len__(self) -> int:
        return len(self.members)

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[ChannelSpark]:
        """Iterate over the subscriptions there are now; they may come and go meanwhile."""
        return iter(self.members.sparks)

    def spark(self, id: str) -> ChannelSpark | None:
        """The subscription with that id, or `None`."""
        return self.members.get(id)

    def for_each(self, fn: Callable[..., Any]) -> Awaitable[None] | None:
        """Call ``fn(spark, id, connections)`` for each subscription.

        `fn` may take fewer arguments, and stops the iteration by returning `False`.

        Returns:
            `None`, or, when `fn` is async, an awaitable; it calls `fn` for one after the other.
        """
        return self.members.for_each(fn)

    def _log_raised(self, text: str, error: BaseException) -> None:
        """Log an error of the user's code, once however often a peer causes it."""
        self._channels.primus._log_raised(f"{self!r}: {text}", error)

    def reserved(self, event: str) -> bool:
        """Whether `event` is a name that Primus, or a plugin in use, emits on a Primus."""
        reserved: bool = self._channels.primus.reserved(event)
        return reserved

    # -- writing

    @property
    def thread(self) -> Self:
        """The channel as another thread sees it, as `Primus.thread`."""
        return cast("Self", ThreadView(self, self._channels.primus.home))

    def handed_over(self, fn: Callable[..., Any], *args: Any) -> bool | None:
        """As `Primus.handed_over`: a call from another thread is left to the loop of the sparks."""
        taken: bool | None = self._channels.primus.handed_over(fn, *args)
        return taken

    @property
    def is_elsewhere(self) -> bool:
        """Whether the current thread is not that of the sparks."""
        elsewhere: bool = self._channels.primus.is_elsewhere
        return elsewhere

    def encoded_here(self, data: Any) -> Any:
        """`data`, once it is known that it can be encoded: each packet is framed in its turn.

        Raises:
            ParserError: the parser has no form for `data`.
        """
        self._channels.primus.encoded_here([data])  # text that peers obey is none within a packet
        return data

    def write(self, data: Any, *, to: Iterable[ChannelSpark] | None = None) -> bool:
        """Send `data` to every subscription, encoded once for all of them.

        Args:
            data: the message.
            to: those that get it; `None` for all.

        Returns:
            True. From another thread: whether the event loop takes the call.

        Raises:
            ParserError: `data` cannot be encoded; no subscription gets it.
        """
        if self.is_elsewhere:
            later = partial(self.write, self.encoded_here(data), to=to)
            return bool(self.handed_over(later))
        primus = self._channels.primus
        sparks: Iterable[Any] = self.members.sparks if to is None else to
        if primus.pipeline.outgoing:
            broadcast(sparks, data, primus.parser, primus.pipeline)
        else:
            fan_out(primus.parser, self.name, data, sparks)
        return True

    def send(
        self,
        event: str,
        /,
        *args: Any,
        timeout: Any = CONFIGURED,
        to: Iterable[ChannelSpark] | None = None,
    ) -> None:
        """Send an event to every subscription, as the plugin ``emitter`` does to every spark.

        Raises:
            PluginError: that plugin is not in use.
        """
        sender(self._channels.primus, "send")(self, event, *args, timeout=timeout, to=to)

    @property
    def pipeline(self) -> Pipeline:
        """The transforms of the server."""
        pipeline: Pipeline = self._channels.primus.pipeline
        return pipeline

    # -- authorization

    def authorize(self, fn: Function) -> Function:
        """Let `fn(spark)`, plain or async, decide about every subscription to come.

        It refuses by raising `Unauthorized`, whose text the client gets. It may ask the client, by
        ``spark.ask``. Works as a decorator.

        Raises:
            TypeError: `fn` is not callable.
        """
        if not callable(fn):
            raise TypeError(f"authorize only accepts functions, not {fn!r}")
        self.authorization = fn
        return fn

    def subscribe(self, spark: ChannelSpark) -> None:
        """Take a subscription that a client has made, or refuse it."""
        decide = self.authorization or self._channels.authorization
        if decide is None:
            self._admit(spark)
            return
        try:
            result = decide(spark)
        except Exception as error:
            self._refuse(spark, error)
            return
        if is_awaitable(result):
            self._undecided.add(spark)
            spark.hold(self._decide(spark, result))
        else:
            self._admit(spark)

    async def _decide(self, spark: ChannelSpark, deciding: Awaitable[Any]) -> None:
        try:
            async with Within(spark.limits.handshake_timeout, spark.clock):
                await deciding
        except Exception as error:
            self._refuse(spark, error)
        else:
            self._admit(spark)

    def _refuse(self, spark: ChannelSpark, error: Exception) -> None:
        if spark.ready_state != Spark.OPEN:
            return
        if isinstance(error, Unauthorized):
            spark.refuse(str(error))
            return
        # What is lost with the connection, such as an answer, is no fault of the authorization.
        if not isinstance(error, TransportError | TimeoutError):
            self._log_raised("the authorization raised", error)
        spark.refuse(REFUSED)

    def _admit(self, spark: ChannelSpark) -> None:
        if self._is_destroyed:  # by the authorization itself
            spark.end()
        if spark.ready_state != Spark.OPEN:
            return
        self._undecided.discard(spark)
        spark.id = self.members.free(spark.id)
        spark.is_member = True
        spark.release()
        self.members.add(spark)
        spark.tell(spark.conn, "subscribe", self, spark)
        run_connection_phase(spark, map(spark.counting, self._take("connection")))

    @property
    def is_unused(self) -> bool:
        """Whether it has neither subscriptions nor listeners nor an authorization."""
        has = self.members or self._undecided or self._listeners or self.authorization
        return not has

    def left(self, spark: ChannelSpark) -> None:
        """Forget a subscription that has ended."""
        if spark.is_member:
            spark.is_member = False
            self.members.discard(spark)
            self.left_rooms(spark)
            spark.tell(spark.conn, "unsubscribe", self, spark)
            spark.tell(self, "disconnection", spark)
        self._undecided.discard(spark)
        self._channels.left(self)

    # -- the end

    def destroy(self, fn: Callable[[], Any] | None = None) -> None:
        """End every subscription, emit ``close``, and be a channel no more.

        Args:
            fn: called at the end.
        """
        if not self._is_destroyed:
            self._is_destroyed = True
            for spark in (*self.members.sparks, *self._undecided):
                spark.end()
            self._channels.forget(self)
            self.dispatch("close")
            self.off()
        if fn is not None:
            fn()
