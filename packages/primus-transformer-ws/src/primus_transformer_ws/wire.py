"""One WebSocket on an asyncio transport, for either side.

`websockets.protocol.Protocol` parses and checks what arrives, answers pings and closes. What
is here moves bytes: it joins what one read produces into one write (corking), assembles
fragments, applies backpressure, and drops peers that never finish closing.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, cast

from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import OPEN, Protocol

from primus.clock import SYSTEM_CLOCK, Timer, expect
from primus.errors import ProtocolError
from primus.websocket import CLOSE_TIMEOUT, Corking, utf8

__all__ = ["WebSocketTransport"]

INFLATE_BYTES: Final = 4096
"""How much compressed data is inflated before what is in it has been handled."""

COMPRESS_FROM: Final = 1024
"""Smaller messages are sent as they are: compressing them costs more than it saves."""

TEXT, BINARY, CONT = Opcode.TEXT, Opcode.BINARY, Opcode.CONT
PING, PONG = Opcode.PING, Opcode.PONG
PONG_HEAD: Final = b"\x8a"


class WebSocketTransport(asyncio.Protocol, Corking):
    """Carries frames over one WebSocket that has been opened.

    Args:
        protocol: the library's half of the connection; `None` when that is made later.
        close_timeout: seconds that the peer gets to finish closing.
    """

    __slots__ = (
        "_deflates",
        "_held",
        "_high_water",
        "_library",
        "_message",
        "_reading",
        "_text",
        "_timer",
        "_write_paused",
        "close_timeout",
        "on_gone",
    )

    def __init__(self, protocol: Protocol | None, close_timeout: float = CLOSE_TIMEOUT) -> None:
        super().__init__()
        self._library = protocol
        self._is_open = protocol is None or protocol.state is OPEN
        extensions = () if protocol is None else protocol.extensions
        self._deflates = any(isinstance(each, PerMessageDeflate) for each in extensions)
        self._reading = True
        self._held = b""
        self._message: bytearray | None = None
        self._text = False
        self._timer: Timer | None = None
        self._write_paused = False
        self._high_water: int | None = None
        self.close_timeout = close_timeout
        self.on_gone: Any = None
        """Called with this transport when its wire is gone."""

    @property
    def _protocol(self) -> Protocol:
        """The library's half of the connection."""
        assert self._library is not None
        return self._library

    # -- what the connection calls

    def send(self, frame: str | bytes) -> None:
        """Send one message, text for `str` and binary for `bytes`."""
        if not self._is_open:
            return
        if isinstance(frame, str):
            self._protocol.send_text(utf8(frame))
        else:
            self._protocol.send_binary(frame)
        self._speak()

    def ping(self) -> bool:
        """Send a ping, which the peer answers by itself."""
        if self._is_open:
            self._protocol.send_ping(b"")
            self._speak()
        return True

    def close(self, code: int | None = None, reason: str = "") -> None:
        """Send a close frame, without a status when `code` is `None`, as Primus 8 does."""
        if self._is_open:
            self._protocol.send_close(code, reason)
            self._speak()
            self.resume_reading()
            self._expect_close()

    def abort(self) -> None:
        """Drop the connection at once."""
        self._forget()
        if self._wire is not None:
            self._wire.abort()

    def limit(self, high_water: int) -> None:
        """Report congestion above `high_water` bytes."""
        self._high_water = high_water
        if self._wire is not None:
            self._wire.set_write_buffer_limits(high_water)

    def pause_reading(self) -> None:
        """Read nothing for now."""
        self._reading = False
        if self._wire is not None and not self._wire.is_closing():
            self._wire.pause_reading()

    def resume_reading(self) -> None:
        """Go on reading, first what has been held back."""
        self._reading = True
        held, self._held = self._held, b""
        if held:
            self.data_received(held)
        self._read_on()

    def start(self, early: bytes = b"") -> None:
        """Take what came along with the handshake, then read on, unless that was enough."""
        if early:
            self.data_received(early)
        self._read_on()

    def _read_on(self) -> None:
        if self._reading and self._wire is not None and not self._wire.is_closing():
            self._wire.resume_reading()

    # -- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the wire."""
        self._wire = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        if self._high_water is not None:
            self._wire.set_write_buffer_limits(self._high_water)

    def data_received(self, data: bytes) -> None:
        """Handle what arrived; all replies leave in one write.

        Compressed data may be a thousand times as long when it is inflated, so it is taken in
        slices, and no further ones once the connection has had enough.
        """
        size = INFLATE_BYTES if self._deflates else max(1, len(data))
        for start in range(0, len(data), size):
            if not self._reading:
                self._held += data[start:]
                return
            self._protocol.receive_data(data[start : start + size])
            self._handle(self._protocol.events_received())

    def _handle(self, frames: list[Any]) -> None:
        self.corked = True
        self._speak()
        for frame in frames:
            self._take(frame)
        self.corked = False
        self._flush()
        self._check_end()

    def _check_end(self) -> None:
        """Take the peer's word that this is the end."""
        if self._protocol.close_expected():
            self._expect_close()
        if self._protocol.close_rcvd is not None or self._protocol.parser_exc is not None:
            self._tell_lost()  # nothing can be sent any more, even if TCP takes its time

    def eof_received(self) -> None:
        """The peer sends no more: close."""
        self._protocol.receive_eof()
        self._speak()

    def pause_writing(self) -> None:
        """More than the limit waits to be sent."""
        self._write_paused = True
        if self.connection is not None:
            self.connection.congested(True)

    def resume_writing(self) -> None:
        """What waited has left."""
        self._write_paused = False
        if self.connection is not None:
            self.connection.congested(False)

    def connection_lost(self, exc: Exception | None) -> None:
        """The wire is gone."""
        self._wire = None
        self._held = b""
        self._forget()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._tell_lost()
        if self.on_gone is not None:
            self.on_gone(self)
            self.on_gone = None

    def _tell_lost(self) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.lost(self._violation())
            self.resume_reading()  # nobody else will any more, and the peer's end is to be seen

    def _violation(self) -> ProtocolError | None:
        """What the peer did wrong, when that is why the connection ended."""
        error = None if self._library is None else self._library.parser_exc
        if error is None or isinstance(error, EOFError):
            return None
        return ProtocolError(f"the peer broke the WebSocket protocol: {error}")

    # -- in

    def _take(self, frame: Frame) -> None:
        """Bring a frame, or the end of a fragmented message, to the connection."""
        connection, opcode = self.connection, frame.opcode
        if connection is None:
            return
        if opcode is PING or opcode is PONG:
            connection.seen()
        elif opcode is TEXT or opcode is BINARY:
            if frame.fin:
                self._deliver(frame.data, opcode is TEXT)
            else:
                self._message, self._text = bytearray(frame.data), opcode is TEXT
        elif opcode is CONT and self._message is not None:
            self._message += frame.data
            if frame.fin:
                whole, self._message = self._message, None
                self._deliver(whole, self._text)

    def _deliver(self, payload: Any, text: bool) -> None:
        assert self.connection is not None
        if not text:
            self.connection.feed(bytes(payload))
            return
        try:
            frame = str(payload, "utf-8")
        except UnicodeDecodeError as error:
            self._refuse(error)
            return
        self.connection.feed(frame)

    def _refuse(self, error: UnicodeDecodeError) -> None:
        self._protocol.parser_exc = error
        self._fail(CloseCode.INVALID_DATA, "invalid UTF-8")

    def _fail(self, code: CloseCode, reason: str) -> None:
        if self._is_open:
            self._protocol.fail(code, reason)
            self._speak()
        self._tell_lost()  # RFC 6455 section 7.1.7: nothing more is processed

    # -- out

    def _speak(self) -> None:
        """Send what the protocol has to say; no pongs to a peer that does not read them."""
        self._is_open = self._protocol.state is OPEN
        for data in self._protocol.data_to_send():
            if not data:
                self._flush()
                self._end()
            elif not (self._write_paused and data[:1] == PONG_HEAD):
                self._put(data)

    def _end(self) -> None:
        """Close the TCP connection as RFC 6455 section 7.1.1 has it.

        After a close in both directions that is at once. A peer that broke the protocol may
        still be sending, and a reset would cost it our close frame: it gets time to read that.
        """
        wire = self._wire
        if wire is None or wire.is_closing():
            return
        if self._protocol.close_rcvd is not None or not wire.can_write_eof():
            wire.close()
        else:
            wire.write_eof()
            self._expect_close()

    def _expect_close(self) -> None:
        """Drop the peer if it does not finish closing."""
        if self._timer is None and self._wire is not None:
            self._timer = expect(SYSTEM_CLOCK, self.close_timeout, self.abort)
