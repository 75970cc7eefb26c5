"""The class of Python sockets with the plugin; a server does without this module."""

from __future__ import annotations

from typing import Any

from primus import MessageT_co, Socket
from primus_multiplex.client import ClientChannel, ClientChannels

__all__ = ["MultiplexSocket", "follow"]


class MultiplexSocket(Socket[MessageT_co]):
    """A socket with the plugin ``multiplex``."""

    channels: ClientChannels
    """Its subscriptions."""

    def channel(self, name: str) -> ClientChannel:
        """Subscribe to a channel: a subscription of its own each time.

        Raises:
            TypeError: `name` is no text, or empty.
        """
        return self.channels.open(name)


def follow(socket: Any) -> None:
    """Let the subscriptions of a socket follow it."""
    socket.channels = ClientChannels(socket)
    socket.pipeline.add("incoming", socket.channels.incoming, last=True)
    socket.channels.follow()
