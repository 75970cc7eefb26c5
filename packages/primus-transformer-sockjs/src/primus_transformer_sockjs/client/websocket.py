"""A session over a WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from primus.closed import Ending
from primus.connection import Connection
from primus.errors import TransportError
from primus.transformer import DialOptions, Transport
from primus_transformer_sockjs.client.incoming import Incoming
from primus_transformer_sockjs.frames import as_text, payload, quote, wire_limit
from primus_transformer_ws.client import WebSocketsConnector, leg

__all__ = ["open_websocket"]


async def open_websocket(dial: DialOptions, url: str) -> Transport:
    """A session over a WebSocket to `url`, which is open and does not read yet.

    Raises:
        HandshakeError: the server answered with a status other than 101.
        TransportError: it cannot be reached, or does not speak SockJS.
    """
    # Messages that waited on the server come in one frame.
    inner = leg(dial, url, 2 * wire_limit(dial.max_length))
    session = WebSocketSession(dial.max_length)
    try:
        # It attaches the wire and asks for nothing else of a connection.
        wire = await WebSocketsConnector().open(inner, cast("Connection", session))
        wire.resume_reading()
        await asyncio.shield(session.incoming.opened)
        wire.pause_reading()
    except BaseException:
        session.abort()
        raise
    return session


class WebSocketSession(Transport):
    """Puts messages into frames of SockJS, and takes them out."""

    __slots__ = ("_wire", "incoming")

    def __init__(self, max_length: int) -> None:
        super().__init__()
        self._wire: Transport | None = None
        self.incoming = Incoming(self, max_length)

    def attach(self, wire: Transport) -> None:
        """Carry frames over `wire`."""
        self._wire = wire
        wire.connection = self

    # -- what the WebSocket brings

    def feed(self, frame: str | bytes, last: bool = True) -> None:
        """Take a frame."""
        error: Exception | None = None
        try:
            self.incoming.take(as_text(frame))
        except TransportError as raised:
            error = raised
        if self.incoming.size and self._wire is not None:
            self._wire.pause_reading()  # until all of this frame has been brought
        if (error is not None or self.incoming.is_over) and self._wire is not None:
            self._wire.connection = None
            self._wire.close()
            self.lost(error)

    def seen(self) -> None:
        """Pass it on."""
        if self.connection is not None:
            self.connection.seen()

    def congested(self, congested: bool) -> None:
        """Pass it on."""
        if self.connection is not None:
            self.connection.congested(congested)

    def lost(self, error: Exception | None = None, ending: Ending | None = None) -> None:
        """Handle the loss of the wire."""
        self.incoming.end(error, ending)

    # -- what the connection calls

    def send(self, frame: str | bytes) -> None:
        """Send one message; this wire has text only."""
        if self._wire is not None:
            self._wire.send(payload((quote(as_text(frame)),)))

    def close(self, code: int | None = None, reason: str = "") -> None:
        """Close the WebSocket."""
        if self._wire is not None:
            self._wire.close(1000 if code is None else code, reason)
        self.resume_reading()  # the connection does not ask for it any more, and is told the end

    def abort(self) -> None:
        """Drop the WebSocket at once."""
        self.incoming.drop()
        if self._wire is not None:
            self._wire.abort()

    def when_gone(self, fn: Callable[[], None]) -> bool:
        """Call `fn` once the WebSocket is closed, if there is one."""
        return self._wire is not None and self._wire.when_gone(fn)

    @property
    def buffered(self) -> int:
        """How many bytes wait to be sent."""
        return 0 if self._wire is None else self._wire.buffered

    def limit(self, high_water: int) -> None:
        """Report congestion above `high_water` bytes."""
        if self._wire is not None:
            self._wire.limit(high_water)

    def pause_reading(self) -> None:
        """Take nothing more for now."""
        self.incoming.pause()
        if self._wire is not None:
            self._wire.pause_reading()

    def resume_reading(self) -> None:
        """Deliver what has been kept, then resume."""
        self.incoming.resume()
        if self._wire is not None and not self.incoming.paused and not self.incoming.size:
            self._wire.resume_reading()
