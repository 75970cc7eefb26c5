"""`Subscription`: what the two ends of a subscription have in common, and all of one connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from primus import PluginError
from primus.answers import CONFIGURED, Answers
from primus.pipeline import Transforms
from primus.streams import Stream, Streams
from primus_multiplex import packets

__all__ = ["Subscription", "Subscriptions", "sender"]

SubscriptionT = TypeVar("SubscriptionT", bound="Subscription")


def sender(owner: Any, name: str) -> Callable[..., Any]:
    """The method `name` that a plugin has given to sparks, to sockets or to a Primus.

    Raises:
        PluginError: the plugin is not in use.
    """
    method = getattr(owner, name, None)
    if method is None:
        raise PluginError(f'{name} needs the plugin "emitter"; write needs none')
    function: Callable[..., Any] = getattr(method, "__func__", method)
    return function


class Subscription(Stream):
    """One subscription to a channel, on either side.

    Events: ``data(message, raw)``, ``readyStateChange(state)``, ``error(err)``, ``close``, ``end``,
    and those that the other side sends by ``emitter``.

    Args:
        streams: those of its connection.
        name: the name of the channel.
        id: what the client calls the subscription.
        carried: the events of the connection that it emits as well.
    """

    streams: Subscriptions[Any]
    acks: Answers[float] | None = None
    """What the plugin ``emitter`` waits for."""

    def __init__(
        self,
        streams: Subscriptions[Any],
        name: str,
        id: str,
        carried: frozenset[str] = frozenset(),
    ) -> None:
        self.name = name
        """The name of the channel."""
        self.wire_id = id
        """The id in its packets."""
        self.conn: Any = streams.connection
        """The spark or socket that it stands on."""
        super().__init__(streams, carried)

    def send(self, event: str, /, *args: Any, timeout: Any = CONFIGURED) -> bool:
        """Send an event within the channel, as the plugin ``emitter`` does on a connection.

        Raises:
            PluginError: that plugin is not in use.
        """
        sent: bool = sender(type(self.connection), "send")(self, event, *args, timeout=timeout)
        return sent

    async def ask(self, event: str, /, *args: Any, timeout: Any = CONFIGURED) -> Any:
        """Send an event within the channel, and wait for its acknowledgement.

        Raises:
            PluginError: the plugin ``emitter`` is not in use.
            PrimusError: there is no acknowledgement, as with ``spark.ask``.
        """
        return await sender(type(self.connection), "ask")(self, event, *args, timeout=timeout)

    def compose(self, data: Any) -> tuple[Callable[[Any], object], Any] | None:
        """What `Connection.compose` makes of a message: nothing has been sent yet."""
        if self.ready_state == self.CLOSED:
            return None
        made: tuple[Callable[[Any], object], Any] | None = self.conn.compose(
            packets.message(self.wire_id, self.name, data)
        )
        return made

    def overtakes(self, data: Any) -> bool:
        """Whether a message is handled at once: only what may be awaited is."""
        return bool(self.acks) and super().overtakes(data)

    def _send(self, data: Any) -> bool:
        if self.streams.is_cut:
            return False
        sent: bool = self.conn.write(packets.message(self.wire_id, self.name, data))
        return sent

    def _send_end(self) -> None:
        self.conn.write(packets.unsubscribe(self.wire_id, self.name))

    def _transforms(self) -> Transforms:
        return self.connection.pipeline.for_streams

    def _closed(self) -> None:
        if self.acks is not None:
            self.acks.ended()


class Subscriptions(Streams, Generic[SubscriptionT]):
    """The subscriptions of one connection, by channel and id."""

    __slots__ = ("__weakref__", "_by_key", "channels_made", "is_cut", "lingering")

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self.is_cut = False
        """Whether the wire is gone for good, and the connection has not ended yet."""
        self.channels_made = 0
        """How many channels it has brought into being that the server has not asked for."""
        self.lingering: set[Subscription] = set()
        """Those that have ended, and whose async listeners have not."""
        self._by_key: dict[tuple[str, str], SubscriptionT] = {}

    def get(self, name: str, id: str) -> SubscriptionT | None:
        """The subscription of that id to that channel, or `None`."""
        return self._by_key.get((name, id))

    @property
    def subscriptions(self) -> tuple[SubscriptionT, ...]:
        """Those there are now."""
        return tuple(self._by_key.values())

    def lost(self) -> None:
        """Fail what awaits an acknowledgement, once the wire is gone."""
        for subscription in self.subscriptions:
            if subscription.acks is not None:
                subscription.acks.cut()

    def add(self, stream: Any) -> None:
        """Let a subscription follow the connection."""
        super().add(stream)
        self._by_key[stream.name, stream.wire_id] = stream

    def discard(self, stream: Any) -> None:
        """Forget a subscription."""
        super().discard(stream)
        key = stream.name, stream.wire_id
        if self._by_key.get(key) is stream:
            del self._by_key[key]
