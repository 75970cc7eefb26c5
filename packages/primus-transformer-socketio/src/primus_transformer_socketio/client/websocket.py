"""A session of a client over a WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from primus.closed import Ending, because_of
from primus.errors import ProtocolError, TransportError
from primus.transformer import DialOptions, Transport
from primus_transformer_socketio.client.session import ClientSession
from primus_transformer_socketio.packets import CONNECTED, DISCONNECTED
from primus_transformer_ws.client import WebSocketsConnector, leg

__all__ = ["WebSocketSession"]

ENVELOPE: Final = 64
"""Bytes of a WebSocket message beside those of the message that it carries."""


class WebSocketSession(ClientSession):
    """One packet is one WebSocket message. It is open once the server has said so."""

    __slots__ = ("_wire", "_wire_congested", "opened")

    def __init__(self, max_length: int, timeout: float | None) -> None:
        super().__init__(max_length, timeout)
        self._wire: Transport | None = None
        self._wire_congested = False
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(
        cls, dial: DialOptions, url: str, timeout: float | None, headers: Mapping[str, str]
    ) -> WebSocketSession:
        """A session that is open and does not read yet.

        Args:
            dial: the server, and the user's options.
            url: of the WebSocket.
            timeout: seconds that the server may be silent; `None` for ever.
            headers: more for the handshake.

        Raises:
            HandshakeError: the server answered with a status other than 101.
            TransportError: it cannot be reached, or does not open the session.
        """
        session = cls(dial.max_length, timeout)
        try:
            wire = await WebSocketsConnector().open(
                leg(dial, url, dial.max_length + ENVELOPE, headers),
                cast("Any", session),  # all that it does is to attach
            )
            wire.resume_reading()
            await session.opened
        except BaseException:
            session.abort()
            raise
        if session._gone:
            raise TransportError("the server has closed")
        return session

    def attach(self, wire: Transport) -> None:
        """Carry packets over `wire`."""
        self._wire = wire
        wire.connection = self

    # -- what the WebSocket brings

    def feed(self, frame: str | bytes, last: bool = True) -> None:
        """Take one packet; the first one opens the session, which is then not read any further."""
        try:
            if isinstance(frame, bytes):
                raise ProtocolError("bytes, where only text can be")
            if self.opened.done():
                self.received(frame)
            elif frame == CONNECTED:
                self.pause_reading()
                self.opened.set_result(None)
            else:
                raise TransportError(f"the server does not open the session: {frame[:20]!r}")
        except TransportError as error:
            self.over(error)

    def seen(self) -> None:
        """Note the answer to a ping of the WebSocket."""
        if self.connection is not None:
            self.connection.seen()

    def congested(self, congested: bool) -> None:
        """Pass it on, and answer then what waits for that."""
        self._wire_congested = congested
        if not congested and self._wire is not None:
            for packet in self.take():
                self._wire.send(packet)
        if self.connection is not None:
            self.connection.congested(congested)

    def lost(self, error: Exception | None = None, ending: Ending | None = None) -> None:
        """Handle the loss of the wire."""
        self.over(error, ending)

    # -- what the connection calls

    def dispatch(self, packet: str) -> None:
        """Send one packet."""
        if self._wire is not None:
            self._wire.send(packet)

    def answer(self, frame: str | bytes) -> None:
        """Answer a heartbeat; of those that the server does not read only the newest waits."""
        if self._wire_congested:
            super().answer(frame)
        else:
            self.dispatch(str(frame))

    def wake(self) -> None:
        """Do nothing: what waits does so until the WebSocket has room."""

    @property
    def traffic(self) -> tuple[int, int]:
        """Bytes that have arrived, and bytes that have been sent."""
        return (0, 0) if self._wire is None else self._wire.traffic

    @property
    def buffered(self) -> int:
        """How many bytes wait to be sent."""
        return super().buffered + (0 if self._wire is None else self._wire.buffered)

    def limit(self, high_water: int) -> None:
        """Report congestion above `high_water` bytes."""
        super().limit(high_water)
        if self._wire is not None:
            self._wire.limit(high_water)

    def pause_reading(self) -> None:
        """Take nothing more for now."""
        super().pause_reading()
        if self._wire is not None:
            self._wire.pause_reading()

    def resume_reading(self) -> None:
        """Resume; the first time, begin to watch the server, too."""
        super().resume_reading()
        if self._wire is not None and not self._gone:
            self._silence.start()
            self._wire.resume_reading()

    # -- the end

    def close(self, code: int | None = None, reason: str = "") -> None:
        """Close, behind all that was sent."""
        if not self._closing and self._wire is not None:
            self._closing = True
            self._wire.send(DISCONNECTED)
            self._wire.close(code, reason)
            super().resume_reading()

    def abort(self) -> None:
        """Drop the WebSocket at once."""
        wire = self._wire
        self.over()
        if wire is not None:
            wire.abort()

    def when_gone(self, fn: Callable[[], None]) -> bool:
        """Call `fn` once the WebSocket is closed, if there is one."""
        return self._wire is not None and self._wire.when_gone(fn)

    def left(self) -> None:
        """End the session since the server has."""
        self.over(ending=Ending.of_peer())

    def over(self, error: Exception | None = None, ending: Ending | None = None) -> None:
        """End the session, by itself or since the server did what `error` or `ending` says."""
        if self._gone:
            return
        self._gone = self._closing = True
        if self._wire is not None:
            self._wire.connection = None
            self._wire.close()
        if not self.opened.done():
            self.opened.set_exception(error or _closed(ending))
            self.opened.exception()  # retrieved, so that asyncio does not complain
        self.finish(error, ending)
        super().resume_reading()


def _closed(ending: Ending | None) -> TransportError:
    """What a handshake fails with when the server has closed in place of opening the session."""
    why = because_of(ending, "client", 0.0)
    return TransportError(f"the server has closed the WebSocket: {why.reason}")
