"""A plugin with control messages of its own, for tests of what carries them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from primus.hookspecs import hookimpl
from primus.pipeline import Transform

__all__ = ["Words"]


class Words:
    """Takes ``primus::word::<value>`` on either side, and notes it among the messages."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        """Messages that sparks got, and values of control messages as ``("word", value)``."""
        self.heard_by_socket: list[Any] = []
        """The same for Python sockets."""

    @hookimpl
    def primus_control(self, connection: Any, name: str, value: str) -> bool:
        """Note a word of ours, and leave others alone."""
        if name != "word":
            return False
        self._of(connection).append((name, value))
        return True

    @hookimpl
    def primus_incoming(self) -> Transform:
        """Note the messages of sparks."""
        return self._note

    @hookimpl
    def primus_socket(self, socket: Any, options: Mapping[str, Any]) -> None:
        """Note the messages of a socket."""
        socket.transform("incoming", self._note)

    def _note(self, packet: Any, connection: Any) -> None:
        self._of(connection).append(packet.data)

    def _of(self, connection: Any) -> list[Any]:
        return self.heard if connection.side.value == "server" else self.heard_by_socket
