"""What the sessions of a client do alike, over a WebSocket or by polling."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Final

from primus.clock import SYSTEM_CLOCK, Clock, Timer, expect
from primus.closed import Ending, silent
from primus.errors import LimitError, TransportError
from primus.polling import QueuedTransport
from primus.websocket import utf8
from primus_transformer_socketio.packets import (
    DISCONNECT,
    ERROR,
    HEARTBEAT,
    MESSAGE,
    PING,
    acknowledgement,
    message,
    packet,
    text_of,
)

__all__ = ["ClientSession", "Silence"]

GONE: Final = "1"
"""The reason of an error packet: the server does not know the session, or no longer."""


class Silence:
    """Ends a session whose server says nothing for long.

    Args:
        session: that session.
        timeout: seconds; `None` for ever.
        clock: what tells the time.
    """

    __slots__ = ("_clock", "_seen", "_session", "_timeout", "_timer")

    def __init__(
        self, session: ClientSession, timeout: float | None, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._session = session
        self._timeout = math.inf if timeout is None else timeout
        self._clock = clock
        self._seen = clock.time()
        self._timer: Timer | None = None

    def seen(self) -> None:
        """Note a sign of life."""
        self._seen = self._clock.time()

    def start(self) -> None:
        """Start, when the session begins to read."""
        if self._timer is None:
            self.seen()
            self._wait(self._timeout)

    def stop(self) -> None:
        """Stop: the session is over."""
        if self._timer is not None:
            self._timer.cancel()

    def _wait(self, delay: float) -> None:
        if delay < math.inf:
            self._timer = expect(self._clock, delay, self._look)

    def _look(self) -> None:
        if self._session.paused:
            self.seen()  # we do not listen
        rest = self._seen + self._timeout - self._clock.time()
        if rest > 0:
            self._wait(rest)
        else:
            silence = self._clock.time() - self._seen
            self._session.over(ending=silent("server", silence, ""))


class ClientSession(QueuedTransport):
    """The transport of a client whose session is open. It reads from `resume_reading` on.

    Args:
        max_length: the longest message taken, in bytes.
        timeout: seconds that the server may be silent; `None` for ever.
    """

    __slots__ = ("_closing", "_gone", "_max_length", "_silence", "_timer")

    def __init__(self, max_length: int, timeout: float | None) -> None:
        super().__init__()
        self._max_length = max_length
        self._silence = Silence(self, timeout)
        self._closing = self._gone = False
        self._timer: Timer | None = None

    # -- in

    def received(self, text: str) -> None:
        """Act on a packet.

        Raises:
            ProtocolError: it is none, or too long.
            TransportError: the server reports an error.
        """
        self._silence.seen()
        data = text_of(text)
        if data is not None:
            self._deliver(data)
            return
        kind, id, endpoint, data = packet(text)
        if endpoint:
            return
        if id and not self._is_congested:
            self.dispatch(acknowledgement(id))
        if kind == MESSAGE:
            self._deliver(data)
        elif kind == HEARTBEAT:
            self.answer(PING)
        elif kind == DISCONNECT:
            self.left()
        elif kind == ERROR:
            if not data.startswith(GONE):
                raise TransportError(f"the server reports the error {data[:20]!r}")
            self.left()

    def _deliver(self, text: str) -> None:
        limit = self._max_length
        if 4 * len(text) > limit and len(utf8(text)) > limit:
            raise LimitError(f"a message of more than {limit} bytes", "max_length")
        if self.connection is not None:
            self.connection.feed(text)

    # -- out

    def send(self, frame: str | bytes) -> None:
        """Send one message; this wire has text only."""
        if not self._closing:
            self.dispatch(message(frame))

    @abstractmethod
    def dispatch(self, packet: str) -> None:
        """Send one packet, behind all that was sent before."""

    # -- the end

    def expect_end(self, within: float) -> None:
        """Drop the session when its end takes longer than that, in seconds."""
        self._timer = expect(SYSTEM_CLOCK, within, self.abort)

    @abstractmethod
    def left(self) -> None:
        """End the session since the server has."""

    @abstractmethod
    def over(self, error: Exception | None = None, ending: Ending | None = None) -> None:
        """End the session, by itself or since the server did what `error` or `ending` says."""

    def finish(self, error: Exception | None, ending: Ending | None) -> None:
        """Stop all timers, and tell the connection, once."""
        self._silence.stop()
        if self._timer is not None:
            self._timer.cancel()
        self.forget()
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.lost(error, ending)
