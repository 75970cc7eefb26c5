"""One WebSocket on an asyncio transport, for either side.

`websockets.protocol.Protocol` parses and checks what arrives, answers pings and closes. What
is here moves bytes: it gives the library one frame after the other, so that no more is parsed
than the connection takes, joins what one read produces into one write (corking), assembles
fragments, applies backpressure, and drops peers that never finish closing. ``_owed`` counts the
bytes that the library lacks of a frame that has arrived in part.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Final

from primus.clock import SYSTEM_CLOCK, Timer, expect
from primus.closed import Ending
from primus.errors import LimitError, ProtocolError
from primus.half_closing import half_close
from primus.limits import DEFAULT_LIMITS, Limits
from primus.timers import Patience
from primus.transport import Transport
from primus.websocket import CLOSE_TIMEOUT, MASKED, Intake, bounds, utf8

if TYPE_CHECKING:
    from websockets.frames import Frame
    from websockets.protocol import Protocol

__all__ = ["INVALID_DATA", "WebSocketTransport"]

COMPRESS_FROM: Final = 1024
"""Smaller messages are sent as they are: compressing them costs more than it saves."""

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
PONG_HEAD: Final = b"\x8a"
OPCODES: Final = frozenset((CONT, TEXT, BINARY, CLOSE, PING, PONG))
OPEN: Final = 1
"""The library's state of an open connection, which is imported when it is first needed."""
INVALID_DATA: Final = 1007
MESSAGE_TOO_BIG: Final = 1009
"""Codes of close frames (RFC 6455 section 7.4.1)."""


class TooManyFragments(Exception):
    """A message comes in more pieces than any peer needs."""


class WebSocketTransport(asyncio.Protocol, Intake):
    """Carries frames over one WebSocket that has been opened.

    Args:
        protocol: the library's half of the connection; `None` when that is made later.
        close_timeout: seconds that the peer gets to finish closing.
        limits: what the peer may cost.
    """

    __slots__ = (
        "_deflates",
        "_head",
        "_library",
        "_message",
        "_owed",
        "_parts",
        "_text",
        "_timer",
        "close_timeout",
        "on_gone",
        "patience",
    )

    peer_masks: ClassVar[bool] = False
    """Whether the frames of the peer are masked, as those of clients are."""

    def __init__(
        self,
        protocol: Protocol | None,
        close_timeout: float = CLOSE_TIMEOUT,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        Intake.__init__(self, None, limits)
        self._library = protocol
        self._deflates = False
        if protocol is not None:
            self._is_open = protocol.state == OPEN
            self._deflates = bool(protocol.extensions)
        self._head = b""
        self._owed = 0
        self._message: bytearray | None = None
        self._text = False
        self._parts = 0
        self._timer: Timer | None = None
        self.close_timeout = close_timeout
        self.on_gone: Any = None
        """Called with this transport when its wire is gone."""
        self.patience: Patience[Transport] | None = None
        """Drops the peers of a server that do not finish closing, until `on_gone` is called."""

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

    def send_text(self, text: bytes) -> None:
        """Send one text message that is there as UTF-8."""
        if self._is_open:
            self._protocol.send_text(text)
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
        self._stop()
        self._forget()
        if self._wire is not None:
            self._wire.abort()

    def start(self, early: bytes = b"") -> None:
        """Take what came along with the handshake, then read on, unless that was enough."""
        if early:
            self.data_received(early)
        self._read_on()

    # -- what asyncio calls

    def connection_made(self, transport: Any) -> None:
        """Take the wire."""
        self._wire = transport  # uvloop's is no `asyncio.Transport`
        self._limit_wire()

    def data_received(self, data: bytes, at: int = 0) -> None:
        """Handle what arrived, as far as it is taken; all replies leave in one write."""
        size = len(data)
        self.taken += size
        if not self._is_open and self._is_over():
            return
        if self._rest or not self._reading:
            self._add(data)
            return
        if self._head:
            data, self._head = self._head + data, b""
            size = len(data)
        self.corked = True
        at = self._advance(data, at, size)
        if at < size:
            self._go_on(data, at, size)
        self.corked = False
        self._flush()
        if not self._is_open and not self._is_over():
            self._check_end()

    def _take_up(self, data: bytes, at: int) -> None:
        self.taken -= len(data)  # it was counted when it arrived
        self.data_received(data, at)

    def _is_over(self) -> bool:
        """Whether the peer has closed, and been answered, without the library."""
        return False

    def _advance(self, data: bytes, at: int, size: int) -> int:
        """Give the library the frame that begins at `at`, or the next part of one."""
        if not self._owed:
            found = bounds(data, at, size)
            if found is None:
                return self._wait(data, at, size)
            self._owed = found[1] - at
        return self._pass_on(data, at)

    def _wait(self, data: bytes, at: int, size: int) -> int:
        """Keep the head of a frame until it is whole, unless it is wrong already."""
        if size - at > 1:
            is_masked = data[at + 1] >= MASKED
            if is_masked is not self.peer_masks or data[at] & 0x0F not in OPCODES:
                self._owed = size - at
                return self._pass_on(data, at)
        self._head = data[at:]
        return size

    def _pass_on(self, data: bytes, at: int) -> int:
        """Give the library what it lacks of a frame."""
        end = min(len(data), at + self._owed)
        self._owed -= end - at
        self._protocol.receive_data(data[at:end])
        self._speak()
        frames: list[Any] = self._protocol.events_received()
        for frame in frames:
            self._take(frame)
        return end

    def _check_end(self) -> None:
        """Take the peer's word that this is the end."""
        if self._protocol.close_expected():
            self._expect_close()
        if self._protocol.close_rcvd is not None or self._protocol.parser_exc is not None:
            self._tell_lost()  # nothing can be sent any more, even if TCP takes its time

    def eof_received(self) -> None:
        """Close, since the peer sends no more, perhaps in the middle of a frame."""
        self._drain()
        if self._is_over():
            return
        head, self._head = self._head, b""
        if head:
            self._protocol.receive_data(head)
        self._protocol.receive_eof()
        self._speak()

    def pause_writing(self) -> None:
        """Keep what follows: the wire takes no more."""
        self._full()

    def resume_writing(self) -> None:
        """Send what was kept."""
        self._free()

    def when_gone(self, fn: Callable[[], None]) -> bool:
        """Call `fn` once TCP is done, which the peer may delay by ``close_timeout``."""
        if self._wire is None:
            return False
        self.on_gone = lambda transport: fn()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Handle the loss of the wire; what arrived before is delivered first, if it is taken."""
        self._drain()
        self._wire = None
        self._forget()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._tell_lost()
        if self.on_gone is not None:
            self.on_gone(self)
            self.on_gone = None

    def _tell_lost(self, ending: Ending | None = None) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            error = self._violation()
            if error is None and ending is None:
                ending = self._word()
            connection.lost(error, ending)
            if self._rest or not self._reading:
                self.resume_reading()  # nothing else will, and the peer's end is to be seen

    def _violation(self) -> ProtocolError | None:
        """What the peer did wrong, when that is why the connection ended."""
        error = None if self._library is None else self._library.parser_exc
        if error is None or isinstance(error, EOFError):
            return None
        text = f"the peer broke the WebSocket protocol: {error}"
        from websockets.exceptions import PayloadTooBig

        if isinstance(error, PayloadTooBig):
            return LimitError(text, "max_length")
        return LimitError(text) if isinstance(error, TooManyFragments) else ProtocolError(text)

    def _word(self) -> Ending | None:
        """What the peer said when it closed; `None` when the wire went without a word."""
        close = None if self._library is None else self._library.close_rcvd
        return None if close is None else Ending.of_peer(close.code, close.reason)

    # -- in

    def _take(self, frame: Frame) -> None:
        """Bring a frame, or the end of a fragmented message, to the connection."""
        connection, opcode = self.connection, frame.opcode
        if connection is None:
            return
        if opcode in (PING, PONG):
            connection.seen()
        elif opcode in (TEXT, BINARY):
            if frame.fin:
                self._deliver(frame.data, opcode == TEXT)
            else:
                self._message, self._text = bytearray(frame.data), opcode == TEXT
                self._parts = 1
        elif opcode == CONT and self._message is not None:
            self._message += frame.data
            limits = self._limits
            self._parts += len(frame.data) < limits.short_fragment
            if self._parts > limits.fragments:
                too_many = TooManyFragments(f"more than {limits.fragments} short fragments")
                self._refuse(too_many, MESSAGE_TOO_BIG, "too many fragments")
            elif frame.fin:
                whole, self._message = self._message, None
                self._deliver(whole, self._text)

    def _deliver(self, payload: Any, text: bool) -> None:
        assert self.connection is not None
        if len(payload) > self._limits.turn_bytes:
            self.is_spent = True  # however few bytes it was inflated of
        if not text:
            self.connection.feed(bytes(payload))
            return
        try:
            frame = str(payload, "utf-8")
        except UnicodeDecodeError as error:
            self._refuse(error, INVALID_DATA, "invalid UTF-8")
            return
        self.connection.feed(frame)

    def _refuse(self, error: Exception, code: int, reason: str) -> None:
        """Close for a violation that the library does not know of."""
        self._protocol.parser_exc = error
        if self._is_open:
            self._protocol.fail(code, reason)
            self._speak()
        self._tell_lost()  # RFC 6455 section 7.1.7: nothing more is processed

    # -- out

    def _speak(self) -> None:
        """Send what the protocol has to say; no pongs to a peer that does not read them."""
        self._is_open = self._protocol.state == OPEN
        for data in self._protocol.data_to_send():
            if not data:
                self._flush()
                self._end()
            elif not (self._is_congested and data[:1] == PONG_HEAD):
                self._put(data)

    def _end(self) -> None:
        """Close the TCP connection as RFC 6455 section 7.1.1 has it.

        After a close in both directions that is at once. A peer that broke the protocol may
        still be sending, and a reset would cost it our close frame: it gets time to read that.
        """
        self._let_out()
        wire = self._wire
        if wire is None or wire.is_closing():
            return
        if self._protocol.close_rcvd is not None or not half_close(wire):
            wire.close()
        else:
            self._expect_close()

    def _expect_close(self) -> None:
        """Drop the peer if it does not finish closing."""
        if self._wire is None:
            return
        if self.patience is not None:
            self.patience.begin(self)
        elif self._timer is None:
            self._timer = expect(SYSTEM_CLOCK, self.close_timeout, self.abort)
