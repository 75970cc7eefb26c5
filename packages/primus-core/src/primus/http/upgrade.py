"""What a host gives away for an upgrade: the raw transport, or a WebSocket of its own."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from primus.closed import Ending
from primus.http.response import Response

if TYPE_CHECKING:
    from primus.write_watch import Wire

__all__ = ["Closable", "HandOver", "HostWebSocket", "OnDemand", "Witness"]


class Closable(Protocol):
    """What a WebSocket can be closed by: its transport."""

    def close(self, code: int | None = None, reason: str = "") -> None:
        """As `primus.transport.Transport.close`."""


class Witness(Protocol):
    """An HTTP server that still has to know of a connection which it has handed over."""

    __slots__ = ()

    def opened(self, transport: Closable) -> None:
        """The connection is open: `transport` closes it."""

    def left(self) -> None:
        """Its wire is gone."""


@dataclass(slots=True, repr=False, eq=False)
class OnDemand:
    """A `Request.native` that is made when it is first asked for."""

    make: Callable[[], Any]


@dataclass(slots=True, repr=False, eq=False)
class HandOver(asyncio.Protocol):
    """A raw transport with the bytes that followed the head of the upgrade request.

    It is the protocol of the transport until the new owner sets its own, takes `early`, and resumes
    reading: that pauses when anything comes before. Pausing in any case would cost system calls,
    though most owners are ready at once. ``native`` is what `Request.native` is from now on.
    ``witness``, if there is one, is told by the new owner that the connection is open, and that its
    wire is gone: engines pass it to `Engine.entered`.
    """

    transport: asyncio.Transport
    early: bytes
    native: Any = None
    witness: Witness | None = None

    def data_received(self, data: bytes) -> None:
        """Keep what comes for the new owner."""
        self.early += data
        self.transport.pause_reading()


class HostWebSocket(ABC):
    """A WebSocket that the HTTP server itself speaks: whole messages in, whole messages out.

    Reading and writing are two tasks' affairs; neither waits for the other.
    """

    __slots__ = ("ending", "gone", "seen")

    begins_bare: bool = False
    """Whether `send` and `close` ask for no current task before they first wait: see `begin`."""

    def __init__(self) -> None:
        self.seen: Callable[[], None] | None = None
        """To be called for a ping or pong of the peer, where the server tells of them."""
        self.ending: Ending | None = None
        """What the peer said when it closed, once `receive` has told of the end."""
        self.gone: Callable[[], bool] | None = None
        """To be called once the wire is gone, where the server tells of it by itself.

        True means that what has come, and was not received yet, is not wanted any more.
        """

    @property
    def wire(self) -> Wire | None:
        """The connection that it is spoken on, where the server shows that."""
        return None

    @abstractmethod
    async def accept(
        self,
        headers: Mapping[str, str],
        *,
        subprotocols: Sequence[str],
        max_length: int,
        compression: bool,
    ) -> Response | None:
        """Answer the handshake.

        Args:
            headers: further headers of the answer.
            subprotocols: those that we speak, best first; empty for none.
            max_length: the largest message taken, in bytes, where the server can be told.
            compression: whether messages may be compressed, where the server can be told.

        Returns:
            `None` once it is open, or a response that refuses a handshake which is wrong.

        Raises:
            ConnectionError: the client has gone.
        """

    @abstractmethod
    async def receive(self) -> str | bytes | None:
        """The next message, or `None` once the WebSocket is closed.

        Raises:
            ProtocolError: the peer broke the protocol, or sent too large a message.
        """

    @abstractmethod
    async def send(self, message: str | bytes) -> None:
        """Send a message; waits while the server holds too much that is unsent.

        Raises:
            ConnectionError: the client has gone.
        """

    def send_text(self, text: bytes) -> Coroutine[Any, Any, None]:
        """Send a text that is there as UTF-8, as `send` does."""
        return self.send(text.decode())

    @abstractmethod
    async def close(self, code: int, reason: str) -> None:
        """Send a close frame; `receive` goes on until the peer has answered it."""

    @abstractmethod
    def abort(self) -> None:
        """Drop the connection at once, as far as the server lets us; `receive` ends."""
