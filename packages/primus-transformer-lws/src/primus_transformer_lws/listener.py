"""The way in: from the frames of picows to the messages of a connection.

picows gives frames, each checked by itself. What is here makes messages of them: fragments and
their order, the size in all, UTF-8, reserved bits, compression, and the closing handshake.
"""

from __future__ import annotations

from struct import Struct
from typing import Any, Final, NoReturn, Protocol

from picows import WSFrame, WSListener, WSMsgType, WSProtocolError, WSTransport

from primus.errors import ProtocolError
from primus.limits import DEFAULT_LIMITS, Limits
from primus.transport import Receiver
from primus.websocket import is_close_code
from primus_transformer_lws.deflate import Deflate, TooLarge

__all__ = ["Listener"]

TEXT, BINARY, CONT = WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION
PING, PONG, CLOSE = WSMsgType.PING, WSMsgType.PONG, WSMsgType.CLOSE

HELD: Final = Struct("!B??I")
"""What stands before a frame that is kept: its kind, whether it is the last, or compressed."""

PROTOCOL_ERROR: Final = 1002
INVALID_TEXT: Final = 1007
TOO_BIG: Final = 1009


class ListenedTransport(Protocol):
    """What a listener uses of the transport that it listens for."""

    connection: Receiver | None
    corked: bool
    corks: bool
    is_spent: bool
    taken: int

    def opened(self, ws: WSTransport) -> None:
        """Begin, after the handshake."""

    def gone(self) -> None:
        """Handle the loss of the wire."""

    def congested(self, *, congested: bool) -> None:
        """The wire takes no more, or takes more again."""

    def seen(self, ping: bytes | None) -> None:
        """A ping has come, or a pong when that is `None`."""

    def peer_closed(self, payload: bytes) -> None:
        """A close frame has come."""

    def violated(self, code: int, reason: str) -> None:
        """The peer has broken the protocol."""

    def tell_lost(self) -> None:
        """Tell the connection that no message will come any more."""

    def uncork(self) -> None:
        """Send what was kept while frames of one read were handled."""

    def end_turn(self) -> None:
        """Keep the rest of a read for the next turn."""


class Listener(WSListener):
    """What picows calls for one connection.

    Args:
        transport: what sends, and knows the connection.
        max_length: the largest message taken, in bytes.
        deflate: when messages may be compressed.
        limits: what the peer may cost.
    """

    __slots__ = (
        "_bursting",
        "_compressed",
        "_deflate",
        "_held",
        "_kind",
        "_left",
        "_limits",
        "_long",
        "_max_length",
        "_message",
        "_parts",
        "_plain",
        "_transport",
    )

    def __init__(
        self,
        transport: ListenedTransport,
        max_length: int,
        deflate: Deflate | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._transport = transport
        self._limits = limits
        self._long = limits.turn_bytes // 8
        """From how many bytes on a read is long; to count the messages of short ones costs more."""
        self._max_length = max_length
        self._deflate = deflate
        self._plain = deflate is None
        self._kind: WSMsgType | None = None
        self._message: bytes | bytearray = b""
        """The fragments that have come of a message; it grows in place."""
        self._compressed = False
        self._parts = 0
        self._held: bytearray | None = None
        """What is kept for later, see `hold`."""
        self._bursting = False
        """Whether frames are handled that are not the last one of their read."""
        self._left = 0
        """How many frames of a long read may be handled in this turn; 0 when they need no count."""

    # -- what picows calls

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Begin, after the handshake."""
        self._transport.opened(transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Handle a frame; what is sent before the last one of a read leaves with it."""
        ours = self._transport
        last = frame.last_in_buffer
        ours.taken += frame.payload_size
        if not last and not self._bursting:
            self._begin_burst(frame)
        if (
            frame.msg_type is TEXT
            and frame.fin
            and self._plain
            and not (frame.rsv1 or frame.rsv2 or frame.rsv3)
        ):
            connection = ours.connection
            if connection is not None:
                try:
                    text = frame.get_payload_as_utf8_text()
                except UnicodeDecodeError:
                    self._fail(INVALID_TEXT, "invalid UTF-8")
                connection.feed(text, last)
        else:
            self._take_other(frame)
        if last and self._bursting:
            self._end_burst()

    def _begin_burst(self, frame: WSFrame) -> None:
        """Another frame of the same read follows; many may, and then they are counted."""
        self._bursting = True
        ours = self._transport
        ours.corked = ours.corks
        if frame.tail_size > self._long:
            self._left = self._limits.turn_messages
            self._plain = False

    def _end_burst(self) -> None:
        """End the turn after the last frame of a read, when that is a long one."""
        self._bursting = False
        ours = self._transport
        if ours.corked:
            ours.uncork()
        if self._left:
            ours.end_turn()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Handle the loss of the wire, the last thing that picows tells."""
        self._transport.gone()
        del self._transport  # which refers to this listener

    def pause_writing(self) -> None:
        """More than the limit waits to be sent."""
        self._transport.congested(congested=True)

    def resume_writing(self) -> None:
        """What waited has left."""
        self._transport.congested(congested=False)

    # -- frames that are not plain

    def _take_other(self, frame: WSFrame) -> None:
        if self._left > 1:
            self._left -= 1
        elif self._left:
            self._transport.end_turn()
        kind, rsv1 = frame.msg_type, bool(frame.rsv1)
        compressible = self._deflate is not None and (kind is TEXT or kind is BINARY)
        if frame.rsv2 or frame.rsv3 or (rsv1 and not compressible):
            self._fail(PROTOCOL_ERROR, "a reserved bit is set")
        self._handle(kind, bool(frame.fin), rsv1, frame.get_payload_as_bytes())

    def _handle(self, kind: WSMsgType, fin: bool, compressed: bool, payload: bytes) -> None:
        if self._held is not None:
            self._held += HELD.pack(kind, fin, compressed, len(payload))
            self._held += payload
        else:
            self._process(kind, fin, compressed, payload)
            if self._transport.is_spent:
                self._transport.end_turn()

    def _process(self, kind: WSMsgType, fin: bool, compressed: bool, payload: bytes) -> None:
        if kind is PING or kind is PONG:
            self._transport.seen(payload if kind is PING else None)
        elif kind is CLOSE:
            if payload and not is_close_code(int.from_bytes(payload[:2], "big")):
                self._fail(PROTOCOL_ERROR, "a close frame with a code that has no meaning")
            self._transport.peer_closed(payload)
        elif self._transport.connection is not None:
            self._assemble(kind, fin, compressed, payload)

    def _assemble(self, kind: WSMsgType, fin: bool, compressed: bool, payload: bytes) -> None:
        if (kind is CONT) != (self._kind is not None):
            self._fail(PROTOCOL_ERROR, "the fragments of a message are out of order")
        if kind is not CONT:
            self._kind, self._compressed = kind, compressed
            self._parts = 0
        room = self._max_length - len(self._message)
        if self._compressed:
            payload = self._inflated(payload, room, last=fin)
        elif len(payload) > room:
            self._fail(TOO_BIG, "message too big")
        if not fin:
            self._parts += len(payload) < self._limits.short_fragment
            if self._parts > self._limits.fragments:
                self._fail(TOO_BIG, "too many fragments")
            self._plain = False
            self._message = self._message or bytearray()
            self._message += payload
            self._transport.seen(None)
            return
        if self._message:
            payload = bytes(self._message) + payload
            self._message = b""
        whole, self._kind = self._kind, None
        self._settle()
        self._deliver(whole, payload)

    def _settle(self) -> None:
        """See whether a text of one frame needs nothing but to be decoded."""
        self._plain = (
            self._deflate is None and self._kind is None and self._held is None and not self._left
        )

    def _inflated(self, payload: bytes, room: int, *, last: bool) -> bytes:
        assert self._deflate is not None
        try:
            return self._deflate.inflate(payload, room, last=last)
        except TooLarge as error:
            self._fail(TOO_BIG, str(error))
        except ProtocolError as error:
            self._fail(PROTOCOL_ERROR, str(error))

    def _deliver(self, kind: Any, payload: bytes) -> None:
        connection = self._transport.connection
        assert connection is not None
        if len(payload) > self._limits.turn_bytes:  # however few bytes it was inflated of
            self._transport.is_spent = True
        if kind is BINARY:
            connection.feed(payload)
            return
        try:
            text = payload.decode()
        except UnicodeDecodeError:
            self._fail(INVALID_TEXT, "invalid UTF-8")
        connection.feed(text)

    def _fail(self, code: int, reason: str) -> NoReturn:
        """Close with `code`. RFC 6455 section 7.1.7: nothing more is processed.

        Raises:
            WSProtocolError: always.
        """
        self._transport.violated(code, reason)
        self._transport.tell_lost()
        raise WSProtocolError(code, reason)

    # -- pausing

    def hold(self) -> None:
        """Keep what comes for later, as it came: picows brings all of a read.

        A frame is kept as a head of seven bytes and its payload, so the frames that are kept are
        about as long as the read that they came in.
        """
        self._left = 0
        if self._held is None:
            self._held = bytearray()
        self._plain = False

    @property
    def holds(self) -> bool:
        """Whether something is kept."""
        return bool(self._held)

    def release(self) -> bytes:
        """What was kept; what comes from now on is handled at once."""
        held, self._held = self._held, None
        self._settle()
        return bytes(held or b"")

    def process(self, data: bytes, at: int) -> int:
        """Handle the frame that was kept at `at`; where the next one begins.

        Raises:
            WSProtocolError: it breaks the protocol.
        """
        kind, fin, compressed, length = HELD.unpack_from(data, at)
        start = at + HELD.size
        end: int = start + length
        self._process(WSMsgType(kind), fin, compressed, data[start:end])
        return end
