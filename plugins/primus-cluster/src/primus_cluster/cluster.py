"""The plugin ``cluster``: ``primus.write``, ``primus.send`` and rooms, in the format of Node's."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from random import SystemRandom
from typing import TYPE_CHECKING, Any, Unpack

from primus import Order, Primus, SparkT_co, hookimpl
from primus_cluster.adapter import ClusterAdapter
from primus_cluster.codec import Everywhere, decoded, encoded
from primus_cluster.envelope import opened, to_all, to_rooms
from primus_cluster.options import ClusterOptions, shared
from primus_cluster.relay import Relay, Unusable, attach, detach, refuse_bus
from primus_rooms import MemoryAdapter

__all__ = [
    "Cluster",
    "ClusterPrimus",
    "primus_extend_primus",
    "primus_options",
    "primus_order",
    "primus_setup",
    "primus_teardown",
]


class Cluster:
    """The servers that share a Redis, as this one sees them.

    Args:
        primus: this server.
        options: the option ``cluster``.

    Raises:
        OptionError: the option cannot be used.
    """

    def __init__(self, primus: Any, options: Any) -> None:
        chosen = shared(options)
        self._primus = primus
        self._channel = chosen.channel
        self._id = SystemRandom().random()
        self.relay = Relay(primus, "cluster", chosen.url, chosen.channel, self._take)
        self._write = Everywhere(primus, partial(self._to_all, "write"), here=True)
        primus.write = self._write
        if hasattr(primus, "send"):
            self._send = primus.send
            primus.send = self._send_to_all
        if hasattr(primus, "rooms"):
            primus.rooms.carriers += (self._to_rooms,)
            if type(primus.adapter) is MemoryAdapter:
                primus.adapter = ClusterAdapter(chosen.url, prefix=chosen.prefix, ttl=chosen.ttl)

    def __repr__(self) -> str:
        return f"<Cluster {self._channel} of {self.relay!r}>"

    @property
    def dropped(self) -> int:
        """How many messages of this server were dropped, since Redis was away for too long."""
        return self.relay.dropped

    @property
    def healthy(self) -> bool:
        """Whether Redis answers."""
        return not self.relay.is_away

    def leave(self) -> None:
        """Take rooms back what was given to them, and let go of Redis, without waiting."""
        rooms = getattr(self._primus, "rooms", None)
        if rooms is not None:
            rooms.carriers = tuple(each for each in rooms.carriers if each != self._to_rooms)
            if isinstance(self._primus.adapter, ClusterAdapter):
                rooms.finish()
        detach(self.relay)

    # -- to other servers

    def _publish(self, envelope: Mapping[str, Any]) -> None:
        self.relay.publish(self._channel, encoded(self._primus.parser, envelope))

    def _to_all(self, method: str, *args: Any) -> None:
        self._publish(to_all(self._id, method, args))

    def _to_rooms(self, selection: Any, args: list[Any], method: str) -> None:
        names = selection.names or ()
        self._publish(to_rooms(self._id, method, args, names, sorted(selection.without)))

    def _send_to_all(self, event: str, /, *args: Any, **options: Any) -> None:
        """Send an event to every spark of every server; with a callback or `to`, of this one."""
        primus = self._primus
        if options.get("to") is not None:
            self._send(event, *args, **options)
        elif args and callable(args[-1]):
            self._send(event, *args, **{**options, "to": list(primus)})
        elif primus.handed_over(partial(self._send_to_all, event, *args)) is None:
            message = primus.event_message(event, *args)
            if message is not None:
                self._to_all("send", event, *args)
                self._write.only_here(message)

    # -- from other servers

    def _take(self, channel: str, payload: bytes) -> None:
        """Deliver what another server has published.

        Raises:
            Exception: it cannot be used.
        """
        primus = self._primus
        envelope = opened(decoded(primus.parser, payload), self._id)
        if envelope is None:
            return
        message: Any = envelope.args[0]
        if envelope.method == "send":
            if not hasattr(primus, "event_message"):
                raise Unusable("an event, and the plugin 'emitter' is not in use")
            if not isinstance(message, str):
                raise Unusable("an event without a name")
            message = primus.event_message(*envelope.args)
        if envelope.rooms is None:
            self._write.only_here(message)
        elif hasattr(primus, "rooms"):
            primus.rooms.deliver_relayed(
                envelope.rooms or None,
                frozenset(envelope.without),
                lambda sparks: self._write.only_here(message, to=sparks),
            )


class ClusterPrimus(Primus[SparkT_co]):
    """A Primus with the plugin ``cluster``."""

    cluster: Cluster
    """The servers that share a Redis."""

    if TYPE_CHECKING:

        def __init__(self, server: object = None, **options: Unpack[ClusterOptions]) -> None: ...


@hookimpl
def primus_options() -> Mapping[str, object]:
    """``cluster={"redis": url, "prefix": …, "channel": …, "ttl": …}``."""
    return {"cluster": {}}


@hookimpl
def primus_order() -> Order:
    """Behind what it takes to other servers."""
    return Order(after="rooms, emitter")


@hookimpl
def primus_extend_primus() -> type[Primus]:
    """``primus.cluster``."""
    return ClusterPrimus


@hookimpl
def primus_setup(primus: Any) -> None:
    """``primus.write``, ``primus.send`` and rooms reach the other servers.

    Raises:
        OptionError: the option ``cluster`` cannot be used.
        PluginError: the plugin ``backplane`` is in use.
    """
    refuse_bus(primus, "cluster")
    primus.cluster = Cluster(primus, primus.options.extra.get("cluster", {}))
    attach(primus, primus.cluster.relay)


@hookimpl
def primus_teardown(primus: Any) -> None:
    """Let go of Redis, without waiting."""
    primus.cluster.leave()
