"""One WebSocket on a server, with a short way for what nearly all frames are.

A message that has arrived whole, in one masked frame, needs none of what `websockets` keeps track
of: it is unmasked and delivered here. All else (control frames, fragments, frames that have arrived
in part, whatever is wrong) goes through the library as it comes, so that it still judges all that
could break a rule. It gets whole frames, one after the other: ``_owed`` counts the bytes that it
lacks of the last one, and only when it lacks none can the next frame take the short way.
"""

from __future__ import annotations

from typing import Any, Final

from websockets.frames import Opcode
from websockets.protocol import Protocol

from primus.websocket import CLOSE_TIMEOUT, ShortTexts, server_frame, text_frame
from primus_transformer_ws.wire import COMPRESS_FROM, WebSocketTransport

try:
    from websockets.speedups import apply_mask
except ImportError:  # built without a compiler
    from websockets.utils import apply_mask

__all__ = ["ServedTransport"]

TEXT_FRAME: Final = 0x81
BINARY_FRAME: Final = 0x82
MESSAGES: Final = (TEXT_FRAME, BINARY_FRAME)
OPCODES: Final = frozenset(Opcode)
MASKED: Final = 0x80
LONG: Final = 0xFE
"""From here on the length of a masked frame does not fit into the second byte."""


class ServedTransport(ShortTexts, WebSocketTransport):
    """Carries the frames of a spark over one WebSocket."""

    __slots__ = ("_head", "_max_size", "_owed")

    def __init__(self, protocol: Protocol, close_timeout: float = CLOSE_TIMEOUT) -> None:
        super().__init__(protocol, close_timeout)
        self._max_size = protocol.max_message_size or 0
        self._head = b""
        self._owed = 0

    # -- out

    def send(self, frame: str | bytes) -> None:
        """Send one message, text for `str` and binary for `bytes`."""
        if self._deflates and len(frame) >= COMPRESS_FROM:
            super().send(frame)
        elif self._is_open:
            self._put(server_frame(frame))

    def _send_text(self, text: bytes) -> None:
        if self._deflates and len(text) >= COMPRESS_FROM:
            self.send(text.decode())
        elif self._is_open:
            self._put(text_frame(text))

    @classmethod
    def prepare(cls, frame: str | bytes) -> bytes:
        """The message as a server sends it: one unmasked frame, not compressed.

        RFC 7692 section 6 lets an endpoint send any message uncompressed.
        """
        return server_frame(frame)

    def send_prepared(self, prepared: bytes) -> None:
        """Send what `prepare` has made."""
        if self._is_open:
            self._put(prepared)

    # -- in

    def data_received(self, data: bytes) -> None:
        """Handle what arrived; all replies leave in one write."""
        if self._deflates or not self._reading:
            super().data_received(data)
            return
        if self._head:
            data, self._head = self._head + data, b""
        self.corked = True
        at, size = 0, len(data)
        while at < size:
            at = self._advance(data, at, size)
        self.corked = False
        self._flush()
        if not self._is_open:
            self._check_end()

    def _advance(self, data: bytes, at: int, size: int) -> int:
        """Handle the frame that begins at `at`; where the next one begins."""
        if self._owed or not self._is_open:
            return self._pass_on(data, at)
        second = data[at + 1] if size - at > 1 else 0
        if MASKED <= second < LONG:
            body = at + 6
            end = body + second - MASKED
        elif (bounds := _bounds(data, at, size)) is not None:
            body, end = bounds
        else:
            return self._wait(data, at, size)
        first = data[at]
        if (
            first not in MESSAGES
            or second < MASKED
            or end > size
            or end - body > self._max_size
            or self._protocol.current_size is not None  # a fragment was expected
        ):
            self._owed = end - at
            return self._pass_on(data, at)
        connection = self.connection
        if connection is not None:
            payload = apply_mask(data[body:end], data[body - 4 : body])
            if first == BINARY_FRAME:
                connection.feed(payload)
                return end
            try:
                text = str(payload, "utf-8")
            except UnicodeDecodeError as error:
                self._refuse(error)
                return end
            connection.feed(text)
        return end

    def _wait(self, data: bytes, at: int, size: int) -> int:
        """Keep the head of a frame until it is whole, unless it is wrong already."""
        if size - at > 1 and (data[at + 1] < MASKED or data[at] & 0x0F not in OPCODES):
            return self._pass_on(data, at)
        self._head = data[at:]
        return size

    def _pass_on(self, data: bytes, at: int) -> int:
        """Give the library what it lacks of a frame, or all that comes once it is closing."""
        end = min(len(data), at + self._owed) if self._owed else len(data)
        self._owed -= min(self._owed, end - at)
        self._protocol.receive_data(data[at:end])
        self._speak()
        frames: list[Any] = self._protocol.events_received()
        for frame in frames:
            self._take(frame)
        return end

    def eof_received(self) -> None:
        """The peer sends no more, perhaps in the middle of a frame."""
        head, self._head = self._head, b""
        if head:
            self._protocol.receive_data(head)
        super().eof_received()


def _bounds(data: bytes, at: int, size: int) -> tuple[int, int] | None:
    """Where the payload of a frame begins and ends; `None` when too little has arrived to tell."""
    if size < at + 2:
        return None
    second = data[at + 1]
    length, body = second & 0x7F, at + 2
    if length == 126:
        body = at + 4
        length = int.from_bytes(data[at + 2 : body])
    elif length == 127:
        body = at + 10
        length = int.from_bytes(data[at + 2 : body])
    if size < body:
        return None
    if second & MASKED:
        body += 4
    return body, body + length
