"""The way in: from the frames of picows to the messages of a connection.

picows gives frames, each checked by itself. What is here makes messages of them: fragments and
their order, the size in all, UTF-8, reserved bits, compression, and the closing handshake.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from picows import WSFrame, WSListener, WSMsgType, WSProtocolError, WSTransport

from primus.errors import ProtocolError
from primus.websocket import is_close_code
from primus_transformer_lws.deflate import Deflate, TooLarge

if TYPE_CHECKING:
    from primus_transformer_lws.transport import LwsTransport

__all__ = ["Listener"]

TEXT, BINARY, CONT = WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION
PING, PONG, CLOSE = WSMsgType.PING, WSMsgType.PONG, WSMsgType.CLOSE

PROTOCOL_ERROR: Final = 1002
INVALID_TEXT: Final = 1007
TOO_BIG: Final = 1009


class Listener(WSListener):
    """What picows calls for one connection.

    Args:
        transport: what sends, and knows the connection.
        max_length: the largest message taken, in bytes.
        deflate: when messages may be compressed.
    """

    __slots__ = (
        "_compressed",
        "_deflate",
        "_held",
        "_kind",
        "_max_length",
        "_message",
        "_plain",
        "_transport",
    )

    def __init__(
        self, transport: LwsTransport, max_length: int, deflate: Deflate | None = None
    ) -> None:
        self._transport = transport
        self._max_length = max_length
        self._deflate = deflate
        self._plain = deflate is None
        self._kind: WSMsgType | None = None
        self._message = bytearray()
        self._compressed = False
        self._held: list[tuple[WSMsgType, bool, bool, bytes]] | None = None

    # -- what picows calls

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The handshake is over."""
        self._transport.opened(transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Handle a frame; what is sent before the last one of a read leaves with it."""
        ours = self._transport
        last = frame.last_in_buffer
        if not last:
            ours.corked = ours.corks
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
        if last and ours.corked:
            ours.uncork()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """The wire is gone."""
        self._transport.gone()

    def pause_writing(self) -> None:
        """More than the limit waits to be sent."""
        self._transport.congested(jammed=True)

    def resume_writing(self) -> None:
        """What waited has left."""
        self._transport.congested(jammed=False)

    # -- frames that are not plain

    def _take_other(self, frame: WSFrame) -> None:
        kind, rsv1 = frame.msg_type, bool(frame.rsv1)
        compressible = self._deflate is not None and (kind is TEXT or kind is BINARY)
        if frame.rsv2 or frame.rsv3 or (rsv1 and not compressible):
            self._fail(PROTOCOL_ERROR, "a reserved bit is set")
        self._handle(kind, bool(frame.fin), rsv1, frame.get_payload_as_bytes())

    def _handle(self, kind: WSMsgType, fin: bool, compressed: bool, payload: bytes) -> None:
        if self._held is not None and kind is not PING and kind is not PONG:
            self._held.append((kind, fin, compressed, payload))
        elif kind is PING or kind is PONG:
            self._transport.seen(payload if kind is PING else None)
        elif kind is CLOSE:
            if payload and not is_close_code(int.from_bytes(payload[:2], "big")):
                self._fail(PROTOCOL_ERROR, "a close frame with a code that has no meaning")
            self._transport.peer_closed(payload[:2])
        elif self._transport.connection is not None:
            self._assemble(kind, fin, compressed, payload)

    def _assemble(self, kind: WSMsgType, fin: bool, compressed: bool, payload: bytes) -> None:
        if (kind is CONT) != (self._kind is not None):
            self._fail(PROTOCOL_ERROR, "the fragments of a message are out of order")
        if kind is not CONT:
            self._kind, self._compressed = kind, compressed
        room = self._max_length - len(self._message)
        if self._compressed:
            payload = self._inflated(payload, room, last=fin)
        elif len(payload) > room:
            self._fail(TOO_BIG, "message too big")
        if not fin:
            self._plain = False
            self._message += payload
            self._transport.seen(None)
            return
        if self._message:
            payload = bytes(self._message) + payload
            self._message = bytearray()
        whole, self._kind = self._kind, None
        self._settle()
        self._deliver(whole, payload)

    def _settle(self) -> None:
        """See whether a text of one frame needs nothing but to be decoded."""
        self._plain = self._deflate is None and self._kind is None and self._held is None

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
        if kind is BINARY:
            connection.feed(payload)
            return
        try:
            text = payload.decode()
        except UnicodeDecodeError:
            self._fail(INVALID_TEXT, "invalid UTF-8")
        connection.feed(text)

    def _fail(self, code: int, reason: str) -> NoReturn:
        """Have picows close with `code`. RFC 6455 section 7.1.7: nothing more is processed.

        Raises:
            WSProtocolError: always.
        """
        self._transport.violated(code, reason)
        self._transport.tell_lost()
        raise WSProtocolError(code, reason)

    # -- pausing

    def hold(self) -> None:
        """Keep what comes for later.

        Frames that have been read are brought to the connection although it has paused, as it
        can keep so many. Not so before there is one, nor when they may be a thousand times as
        long inflated.
        """
        if self._held is None:
            self._held = []
            self._plain = False

    @property
    def inflates(self) -> bool:
        """Whether messages may be compressed."""
        return self._deflate is not None

    def release(self) -> None:
        """Bring what was kept to the connection, until it has had enough."""
        held, self._held = self._held, None
        self._settle()
        for place, entry in enumerate(held or ()):
            if self._held is not None:
                self._held = [*(held or ())[place:], *self._held]
                return
            try:
                self._handle(*entry)
            except WSProtocolError as error:
                self._transport.fail(error.code, error.args[1])
                return
