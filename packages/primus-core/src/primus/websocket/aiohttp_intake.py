"""What stands between aiohttp and its parser of WebSocket frames.

aiohttp parses all of a read at once, and takes frames of clients that are not masked (RFC 6455
section 5.1 wants them refused) and any number of fragments. A gate lets one message at a time
through, when it is asked for, and looks at the heads of frames. What is behind them waits as it
came, and the wire is not read meanwhile.
"""

from __future__ import annotations

from typing import Any, Final

import aiohttp
from aiohttp import WebSocketError
from aiohttp.client_proto import ResponseHandler
from aiohttp.web import WebSocketResponse
from aiohttp.web_protocol import RequestHandler

from primus.limits import Limits
from primus.websocket.framing import MASKED, bounds

__all__ = ["FrameGate", "GatedHandler"]

if not (hasattr(RequestHandler, "_payload_parser") and hasattr(WebSocketResponse(), "_reader")):
    raise ImportError(
        f"aiohttp {aiohttp.__version__} does not let its WebSockets be watched over; "
        "install aiohttp >= 3.14, < 4"
    )

FIN: Final = 0x80
WHOLE: Final = (0x81, 0x82)
"""How frames begin that are a text or a binary message whole, and are not compressed."""
LONG: Final = 0xFE
"""From here on the length of a masked frame does not fit into the second byte."""
MASKED_HEAD: Final = 6
"""Bytes before the payload of a masked frame whose length does fit there."""
CONTROL: Final = 0x08
PROTOCOL_ERROR: Final = 1002
TOO_BIG: Final = 1009


class FrameGate:
    """The parser of one connection, as aiohttp's protocol sees it.

    Args:
        parser: aiohttp's own.
        protocol: aiohttp's, which has the wire.
        limits: what the peer may cost.
        masked: whether the peer has to mask its frames, as clients do.
    """

    __slots__ = (
        "_at",
        "_dropped",
        "_ends_message",
        "_is_lost",
        "_limits",
        "_masked",
        "_opened",
        "_owed",
        "_parser",
        "_parts",
        "_paused",
        "_protocol",
        "_queue",
        "_rest",
        "_wanted",
        "on_end",
    )

    def __init__(self, parser: Any, protocol: Any, limits: Limits, *, masked: bool) -> None:
        self._parser = parser
        self._protocol = protocol
        self._limits = limits
        self._masked = masked
        self._queue: Any = None
        self._rest = b""
        self._at = 0
        self._owed = 0
        """How many bytes of a frame have not come yet."""
        self._ends_message = False
        """Whether the frame that is passed on makes something to be received whole."""
        self._parts = 0
        self._wanted = True
        self._paused = False
        self._dropped = False
        self._opened = False
        self._is_lost = False
        """Whether the wire is gone."""
        self.on_end: Any = None
        """Called when the wire is gone."""

    def attend(self, native: Any) -> None:
        """Tell `native`, aiohttp's WebSocket, what the peer does wrong."""
        self._queue = native._reader

    # -- what aiohttp calls

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Take a read; True when the peer has broken the protocol."""
        if self._dropped:
            return False, b""
        if self._is_one_message(data):
            failed, _ = self._parser.feed_data(bytes(data))
            self._wanted = self._opened
            return failed, b""
        self._rest = self._rest[self._at :] + bytes(data)
        self._at = 0
        return self._pass_on()

    def _is_one_message(self, data: bytes) -> bool:
        """Whether a read is one short message whole, as nearly all are, and can pass as it is."""
        return (
            self._wanted
            and self._masked
            and not (self._rest or self._owed)
            and len(data) > 1
            and data[0] in WHOLE
            and MASKED <= data[1] < LONG
            and len(data) == data[1] - MASKED + MASKED_HEAD
        )

    def feed_eof(self) -> None:
        """Handle the loss of the wire: what has come can be asked for, unless it is dropped."""
        self._is_lost = True
        on_end, self.on_end = self.on_end, None
        if on_end is not None:
            on_end()
        self._end_when_all_is_taken()

    # -- what the WebSocket calls

    @property
    def is_long(self) -> bool:
        """Whether more waits than may always wait for a connection."""
        return len(self._rest) - self._at > self._limits.read_ahead_bytes

    def want(self) -> None:
        """Let the next message through, once it is there."""
        self._wanted = True
        if self._rest:
            self._pass_on()

    def drop(self) -> None:
        """Forget what waits, and what comes: the connection takes no more."""
        self._dropped = True
        self._rest, self._at = b"", 0
        self._hold(wait=False)
        self._end_when_all_is_taken()

    def open(self) -> None:
        """Let everything through: aiohttp looks for the end of the connection by itself."""
        self._opened = True
        self.want()

    def _pass_on(self) -> tuple[bool, bytes]:
        data, at, size = self._rest, self._at, len(self._rest)
        failed = False
        while self._wanted and at < size and not failed:
            if not self._owed:
                found = bounds(data, at, size)
                if found is None:
                    break
                if not self._may_pass(data[at], data[at + 1], found[1] - found[0]):
                    self.drop()
                    return True, b""
                self._owed = found[1] - at
            end = min(size, at + self._owed)
            failed, _ = self._parser.feed_data(data[at:end])
            self._owed -= end - at
            at = end
            self._wanted = self._opened or bool(self._owed) or not self._ends_message
        self._rest, self._at = (b"", 0) if at == size or failed else (data, at)
        self._hold(wait=not self._wanted and at < size)
        self._end_when_all_is_taken()
        return failed, b""

    def _end_when_all_is_taken(self) -> None:
        """Tell aiohttp that the wire is gone, once nothing waits but half the head of a frame."""
        rest = self._rest
        if self._is_lost and (not rest or bounds(rest, self._at, len(rest)) is None):
            self._parser.feed_eof()

    def _may_pass(self, first: int, second: int, length: int) -> bool:
        """Look at the head of a frame; False, and the WebSocket is told, when it is wrong."""
        if (second >= MASKED) is not self._masked:
            self._refuse(PROTOCOL_ERROR, "a frame of a client has to be masked, no other may be")
            return False
        self._ends_message = bool(first & FIN or first & CONTROL)
        if first & CONTROL:
            return True
        if first & 0x0F:
            self._parts = 0
        self._parts += length < self._limits.short_fragment
        if self._parts > self._limits.fragments:
            self._refuse(TOO_BIG, f"more than {self._limits.fragments} short fragments")
            return False
        return True

    def _refuse(self, code: int, reason: str) -> None:
        if self._queue is not None:
            self._queue.set_exception(WebSocketError(code, reason))

    def _hold(self, *, wait: bool) -> None:
        """Read the wire no further while something waits; aiohttp does not know of this pause."""
        wire = self._protocol.transport
        if wait is self._paused or wire is None or wire.is_closing():
            return
        self._paused = wait
        if wait:
            wire.pause_reading()
        else:
            wire.resume_reading()


class GatedHandler(ResponseHandler):
    """aiohttp's protocol of a client, whose WebSockets have a gate.

    Args:
        loop: that of aiohttp.
        limits: what the server may cost.
    """

    def __init__(self, loop: Any, limits: Limits) -> None:
        super().__init__(loop)
        self._limits = limits
        self.gate: FrameGate | None = None
        """That of the WebSocket, once it is open."""

    def set_parser(self, parser: Any, payload: Any, data_received_cb: Any = None) -> None:
        """Take the parser that aiohttp has made, and what has come along with the handshake."""
        self.gate = gate = FrameGate(parser, self, self._limits, masked=False)
        gate._queue = payload
        super().set_parser(gate, payload, data_received_cb)
