"""One conversation over a WebSocket, in frames of SockJS."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from primus.closed import Ending, silent
from primus.errors import ProtocolError
from primus.limits import DEFAULT_LIMITS
from primus.polling import PreparedText, Sessions
from primus.transformer import Transport
from primus_transformer_sockjs.frames import (
    HEARTBEAT,
    OPEN,
    as_text,
    check_length,
    close_frame,
    message_frame,
    only_message,
    parse_payload,
    quote,
    quote_ascii,
)

if TYPE_CHECKING:
    from primus_transformer_sockjs.options import SockJSOptions

__all__ = ["WebSocketSession"]


ONE: Final = '["'
"""How a frame of one message begins, and others do."""

WIDEST: Final = 4
"""Bytes of a character, at most."""

TURN_MESSAGES: Final = DEFAULT_LIMITS.turn_messages


def _framed(frame: str | bytes) -> str:
    """A message as a frame; there is text only."""
    return message_frame((quote(as_text(frame)),))


class WebSocketSession(Transport):
    """Puts messages into frames of SockJS, and receives what a WebSocket brings.

    The WebSocket is its own session: the id in its URL means nothing.

    Args:
        wire: a WebSocket that is open.
        sessions: whose clock and timers it uses.
        options: those of the server.
        max_length: the longest message taken, in bytes.
    """

    __slots__ = (
        "_answered",
        "_max_length",
        "_options",
        "_paused",
        "_pending",
        "_sessions",
        "_spoke_at",
        "_turn",
        "_wire",
    )

    def __init__(
        self, wire: Transport, sessions: Sessions[Any], options: SockJSOptions, max_length: int
    ) -> None:
        super().__init__()
        self._wire = wire
        self._sessions = sessions
        self._options = options
        self._max_length = max_length
        self._answered = True
        self._paused = False
        self._pending: deque[str] = deque()
        self._turn: asyncio.Handle | None = None
        self._spoke_at = sessions.clock.time()
        wire.connection = self
        wire.send(OPEN)
        self._await_beat()

    # -- what the WebSocket brings

    def feed(self, frame: str | bytes, last: bool = True) -> None:
        """Take a frame, which may hold any number of messages."""
        self._answered = True
        if type(frame) is str and frame.startswith(ONE) and not (self._pending or self._paused):
            message = only_message(frame)
            if message is not None and len(message) * WIDEST <= self._max_length:
                if self.connection is not None:
                    self.connection.feed(message, last)
                return
        if not frame:
            return
        try:
            messages = parse_payload(as_text(frame), self._options.max_messages)
        except ProtocolError as error:
            self._fail(error, 3000, "Broken framing.")
            return
        try:
            check_length(messages, self._max_length)
        except ProtocolError as error:
            self._fail(error, 1009, "message too big")
            return
        self._pending.extend(messages)
        self._bring()

    def _bring(self) -> None:
        """Bring messages to the connection while it takes them and its turn lasts.

        The WebSocket is not read until all of a frame have been brought.
        """
        pending = self._pending
        for _ in range(TURN_MESSAGES):
            if not pending or self._paused or self.connection is None:
                return
            self.connection.feed(pending.popleft())
        if pending and self._turn is None:
            self._wire.pause_reading()
            self._turn = asyncio.get_running_loop().call_soon(self._begin_turn)

    def _begin_turn(self) -> None:
        self._turn = None
        if not self._paused:
            self.resume_reading()

    def _fail(self, error: ProtocolError, code: int, reason: str) -> None:
        """Close for what the client did; nothing that follows is listened to."""
        self._wire.connection = None
        self._wire.close(code, reason)
        self.lost(error)

    def seen(self) -> None:
        """Note a sign of life of the other end; what is behind it may have stopped."""
        self._answered = True

    def congested(self, congested: bool) -> None:
        """Pass it on."""
        if self.connection is not None:
            self.connection.congested(congested)

    def lost(self, error: Exception | None = None, ending: Ending | None = None) -> None:
        """Handle the loss of the wire; what arrived before is delivered first, if it is taken."""
        self._forget_time()
        while self._pending and not self._paused and self.connection is not None:
            self.connection.feed(self._pending.popleft())
        self._drop()
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.lost(error, ending)

    def _drop(self) -> None:
        """Drop what waits."""
        self._pending.clear()
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None

    # -- time

    def _forget_time(self) -> None:
        self._sessions.timers.discard(self._beat)
        self._sessions.timers.discard(self._give_up)

    def _await_beat(self) -> None:
        delay = self._options.heartbeat_delay
        if delay is not None:
            self._sessions.timers.put(self._beat, self._spoke_at + delay)

    def _beat(self) -> None:
        """Ping, unless something was sent meanwhile."""
        now, delay = self._sessions.clock.time(), self._options.heartbeat_delay
        if delay is not None and now >= self._spoke_at + delay:
            self._spoke_at = now
            if self._wire.ping():
                if self._answered:  # else the time for an answer runs already
                    self._answered = False
                    self._sessions.timers.put(self._give_up, now + self._options.pong_timeout)
            else:
                self._wire.send(HEARTBEAT)
        self._await_beat()

    def _give_up(self) -> None:
        if self._answered:
            return
        if self._paused:
            self._answered = True  # the next ping asks anew
        else:
            self._wire.connection = None
            self.close(3000, "No response from heartbeat")
            silence = self._options.pong_timeout
            self.lost(None, silent("client", silence, 'transport["pong_timeout"]'))

    # -- what the connection calls

    def send(self, frame: str | bytes) -> None:
        """Send one message; this wire has text only."""
        self._spoke_at = self._sessions.clock.time()
        self._wire.send(_framed(frame))

    def send_text(self, text: bytes) -> None:
        """Send one text message that is there as UTF-8."""
        if text.isascii():
            self._spoke_at = self._sessions.clock.time()
            self._wire.send_text(b"a[%b]" % quote_ascii(text))
        else:
            self.send(text.decode())

    @classmethod
    def prepare(cls, frame: str | bytes) -> PreparedText:
        """The message as a frame."""
        return PreparedText(_framed(frame))

    def send_prepared(self, prepared: PreparedText) -> None:
        """Send what `prepare` has made."""
        self._spoke_at = self._sessions.clock.time()
        self._wire.send_prepared(prepared.on(type(self._wire)))

    def close(self, code: int | None = None, reason: str = "") -> None:
        """Send a close frame, and close; 1000, "Normal closure" when `code` is `None`."""
        self._forget_time()
        code, reason = (1000, "Normal closure") if code is None else (code, reason)
        self._wire.send(close_frame(code, reason))
        self._wire.close(code, reason)

    def abort(self) -> None:
        """Drop the WebSocket at once."""
        self._drop()
        self._wire.abort()

    @property
    def traffic(self) -> tuple[int, int]:
        """Bytes that have arrived, and bytes that have been sent."""
        return self._wire.traffic

    @property
    def buffered(self) -> int:
        """How many bytes wait to be sent."""
        return self._wire.buffered

    def limit(self, high_water: int) -> None:
        """Report congestion above `high_water` bytes."""
        self._wire.limit(high_water)

    def pause_reading(self) -> None:
        """Take nothing more for now."""
        self._paused = True
        self._wire.pause_reading()

    def resume_reading(self) -> None:
        """Resume, first with what waits."""
        self._paused = False
        if self._turn is None:
            self._bring()
        if not self._paused and not self._pending:
            self._wire.resume_reading()
