"""`ClientChannel`: one subscription of a Python socket, and all of them."""

from __future__ import annotations

import math
import secrets
from typing import Any, Final

from primus import Packet, Socket
from primus.streams import Stream
from primus_multiplex import packets
from primus_multiplex.errors import ChannelRefused
from primus_multiplex.subscription import Subscription, Subscriptions

__all__ = ["ClientChannel", "ClientChannels"]

LETTERS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
LENGTH: Final = 13
"""Letters of an id; all ids are of the same length, so that a server frames a message once."""

CARRIED: Final = frozenset(
    {
        "close",
        "destroy",
        "error",
        "offline",
        "online",
        "open",
        "reconnect",
        "reconnect failed",
        "reconnect scheduled",
        "reconnect timeout",
        "reconnected",
        "timeout",
    }
)
"""The events of a socket that its subscriptions emit as well."""


class ClientChannel(Subscription):
    """A subscription to a channel. It comes back with the same id when the socket reconnects.

    Events: ``data(message, raw)``, ``end``, ``close``, ``error(err)``, and those of the socket but
    ``data`` and ``end``. A subscription that the server refuses emits ``error`` with a
    `ChannelRefused`, then ``close`` and ``end``.
    """

    conn: Socket
    """The socket."""

    def __init__(self, streams: ClientChannels, name: str) -> None:
        self.id = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
        """What the server calls the subscription by; no secret."""
        self.error: ChannelRefused | None = None
        """Why the server has ended the subscription, if it has given a reason."""
        super().__init__(streams, name, self.id, CARRIED)

    def __repr__(self) -> str:
        return f"<ClientChannel {self.name!r} of {self.connection!r}>"

    @property
    def packet(self) -> list[Any]:
        """What tells the server of the subscription."""
        return packets.subscribe(self.id, self.name)

    def unsubscribed(self, data: Any) -> None:
        """Handle that the server has ended the subscription."""
        text = data.get("error") if isinstance(data, dict) else None
        if isinstance(text, str):
            self.error = ChannelRefused(f"{self.name!r}: {text}")
            self._report(self.error)
        self.ended()


class ClientChannels(Subscriptions[ClientChannel]):
    """The subscriptions of one socket, which are made again on its next wire."""

    __slots__ = ("_is_lossy", "_is_renewed")

    def __init__(self, socket: Socket) -> None:
        super().__init__(socket)
        self._is_renewed = True
        """Whether the subscriptions wait for the next wire already, as new ones do."""
        self._is_lossy = socket.options.queue_size != math.inf
        """Whether what waits for the next wire may be dropped."""

    def open(self, name: str) -> ClientChannel:
        """Subscribe to a channel.

        Raises:
            TypeError: `name` is no text, or empty.
        """
        if not name or type(name) is not str:
            raise TypeError(f"the name of a channel must be a text that is not empty: {name!r}")
        channel = ClientChannel(self, name)
        channel.conn.write(channel.packet)
        return channel

    def follow(self) -> None:
        """Follow the socket."""
        socket = self.connection
        socket.on("readyStateChange", self.changed)
        socket.on("open", self._opened)
        socket.on("close", self._lost)
        socket.on("end", self.ended)
        socket.on("destroy", self.ended)

    def lost(self) -> None:
        """Handle the loss of the wire, before the connection ends."""
        super().lost()
        self._renew()

    def incoming(self, packet: Packet, connection: Any) -> Any:
        """Handle the packets of the server; a transform."""
        read = packets.read(packet.data)
        if read is None or isinstance(connection, Stream):
            return None
        channel = self.get(read.name, read.id)
        if channel is not None and read.kind == packets.MESSAGE:
            return channel.receive(read.data, packet.raw)
        if channel is not None and read.kind == packets.UNSUBSCRIBE:
            channel.unsubscribed(read.data)
        return False

    def _opened(self) -> None:
        self._is_renewed = False
        for channel in self.subscriptions:
            if channel.acks is not None:
                channel.acks.opened()
            if self._is_lossy:
                channel.conn.write(channel.packet)  # a server ignores what it knows

    def _lost(self) -> None:
        for channel in self.subscriptions:
            if channel.acks is not None:
                channel.acks.lost()
        self._renew()

    def _renew(self) -> None:
        """Subscribe on the next wire, ahead of what is written for it or sent again."""
        if not self._is_renewed:
            self._is_renewed = True
            for channel in self.subscriptions:
                channel.conn.write_first(channel.packet)
