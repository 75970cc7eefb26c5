"""One WebSocket on a server, with a short way for what nearly all frames are.

A message that has arrived whole, in one masked frame, needs none of what `websockets` keeps track
of: it is unmasked and delivered here. All else (control frames, fragments, frames that have arrived
in part, whatever is wrong) goes through the library as it comes, so that it still judges all that
could break a rule. Only when it lacks nothing of a frame can the next one take the short way.

Most connections never need the library, so its half is made when it is first asked; a client that
closes before it had to be made is answered here as well.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from primus.closed import Ending
from primus.limits import DEFAULT_LIMITS, Limits
from primus.websocket import (
    MASKED,
    ShortTexts,
    bounds,
    framed,
    is_close_code,
    server_frame,
    text_frame,
)
from primus_transformer_ws.masking import apply_mask
from primus_transformer_ws.transport import COMPRESS_FROM, INVALID_DATA, WebSocketTransport

if TYPE_CHECKING:
    from websockets.protocol import Protocol

__all__ = ["DeflatedTransport", "ServerTransport"]

TEXT_FRAME: Final = 0x81
BINARY_FRAME: Final = 0x82
CLOSE_FRAME: Final = 0x88
MESSAGES: Final = (TEXT_FRAME, BINARY_FRAME)
PING_FRAME: Final = b"\x89\x00"
LONG: Final = 0xFE
"""From here on the length of a masked frame does not fit into the second byte."""


class ServerTransport(ShortTexts, WebSocketTransport):
    """Carries the frames of a spark over one WebSocket.

    Args:
        make: makes the library's half of the connection.
        max_size: the largest message taken, in bytes.
        close_timeout: seconds that the peer gets to finish closing.
        protocol: the library's half, when that has been made already.
        limits: what the peer may cost.
    """

    __slots__ = ("_make", "_max_size", "_short")

    peer_masks = True

    def __init__(
        self,
        make: Callable[[], Protocol],
        max_size: int,
        close_timeout: float,
        protocol: Protocol | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        WebSocketTransport.__init__(self, protocol, close_timeout, limits)
        self._make = make
        self._max_size = max_size
        self._short = min(LONG, MASKED + max_size + 1)
        """Up to here the second byte of a masked frame tells a length that is taken."""

    @property
    def _protocol(self) -> Protocol:
        """The library's half of the connection, which sees it open when it is first asked."""
        if self._library is None:
            self._library = self._make()
        return self._library

    def _is_over(self) -> bool:
        """Whether the peer has closed, and been answered, without the library."""
        return self._library is None and not self._is_open

    # -- out

    def ping(self) -> bool:
        """Send a ping, which the peer answers by itself."""
        if self._is_open:
            self._put(PING_FRAME)
        return True

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
        wire = self._wire
        if self.corked or self._is_full or wire is None or wire.is_closing():
            if self._is_open:
                self._put(prepared)
        elif self._is_open:  # as `_put` does, without a call for each of many peers
            self.given += len(prepared)
            wire.write(prepared)

    # -- in

    def _advance(self, data: bytes, at: int, size: int) -> int:
        """Handle the frame that begins at `at`; where the next one begins."""
        if self._owed or not self._is_open:
            return super()._advance(data, at, size)
        second = data[at + 1] if size - at > 1 else 0
        if MASKED <= second < self._short:
            body = at + 6
            end = body + second - MASKED
        elif (found := bounds(data, at, size)) is not None:
            body, end = found
            is_wrong = second < MASKED or end - body > self._max_size
            if is_wrong and data[at] != CLOSE_FRAME:
                self._owed = end - at
                return self._pass_on(data, at)
        else:
            return self._wait(data, at, size)
        first, library = data[at], self._library
        if (
            first not in MESSAGES
            or end > size
            or (library is not None and library.current_size is not None)  # within a message
        ):
            return self._take_other(data, at, body, end)
        connection = self.connection
        if connection is not None:
            payload = apply_mask(data[body:end], data[body - 4 : body])
            if first == BINARY_FRAME:
                connection.feed(payload)
                return end
            try:
                text = str(payload, "utf-8")
            except UnicodeDecodeError as error:
                self._refuse(error, INVALID_DATA, "invalid UTF-8")
                return end
            connection.feed(text)
        return end

    def _take_other(self, data: bytes, at: int, body: int, end: int) -> int:
        """Leave a frame to the library, unless it is the first that would and a close."""
        size = len(data)
        is_close = data[at] == CLOSE_FRAME and MASKED <= data[at + 1] < LONG
        if is_close and self._library is None and end <= size:
            payload = apply_mask(data[body:end], data[body - 4 : body])
            word = _word_of(payload)
            if word is not None:
                self._answer_close(payload, word)
                return size
        self._owed = end - at
        return self._pass_on(data, at)

    def _answer_close(self, payload: bytes, word: Ending) -> None:
        """Answer with the same close frame; nothing that follows it matters."""
        self._put(framed(CLOSE_FRAME, payload))
        self._let_out()
        self._is_open = False
        self._expect_close()
        if self._wire is not None:
            self._wire.close()
        self._tell_lost(word)


class DeflatedTransport(ServerTransport):
    """One whose messages may be compressed: all of them go through the library."""

    __slots__ = ()

    _advance = WebSocketTransport._advance


@lru_cache(64)
def _word_of(payload: bytes) -> Ending | None:
    """What a close frame says, or `None` if it may not say that (RFC 6455 section 5.5.1).

    Most peers say the same, so the last words are kept.
    """
    if not payload:
        return Ending.of_peer()
    status = int.from_bytes(payload[:2])
    if len(payload) < 2 or not is_close_code(status):
        return None
    try:
        return Ending.of_peer(status, payload[2:].decode())
    except UnicodeDecodeError:
        return None
