"""A transport that is polled until a WebSocket is in charge of it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Final

from primus.closed import Ending
from primus.errors import LimitError
from primus.polling.transport import QueuedTransport
from primus.transformer import Transport

__all__ = ["MAX_LENGTH", "UpgradableTransport", "WebSocketReceiver", "is_too_large"]

TOO_BIG: Final = 1009
"""What a WebSocket is closed with, by RFC 6455 section 7.4.1."""

MAX_LENGTH: Final = "max_length"
"""The option that a message which is too long breaks."""


def is_too_large(error: Exception | None) -> bool:
    """Whether an error says that a message is longer than ``max_length``."""
    return isinstance(error, LimitError) and error.option == MAX_LENGTH


class UpgradableTransport(QueuedTransport):
    """A queue that requests fetch from, until there is a WebSocket, which frames leave over.

    A subclass sets `_wire`, sends over it where there is one, and ends by `finish`.
    """

    __slots__ = ("_wire", "_wire_congested")

    def __init__(self) -> None:
        super().__init__()
        self._wire: Transport | None = None
        """The WebSocket that is in charge."""
        self._wire_congested = False

    # -- out

    @property
    def traffic(self) -> tuple[int, int]:
        """Bytes that have arrived, and bytes that have been sent, polled and over a WebSocket."""
        taken, given = (0, 0) if self._wire is None else self._wire.traffic
        return self.taken + taken, self.given + given

    @property
    def buffered(self) -> int:
        """How many bytes wait to be sent."""
        return super().buffered + (0 if self._wire is None else self._wire.buffered)

    def limit(self, high_water: int) -> None:
        """Report congestion above `high_water` bytes."""
        super().limit(high_water)
        if self._wire is not None:
            self._wire.limit(high_water)

    def wire_congested(self, congested: bool) -> None:
        """Report that the WebSocket holds too much that is unsent, or no longer does."""
        self._wire_congested = congested
        if self.connection is not None:
            self.connection.congested(congested)

    # -- in

    def pause_reading(self) -> None:
        """Take nothing more for now."""
        super().pause_reading()
        if self._wire is not None:
            self._wire.pause_reading()

    def resume_reading(self) -> None:
        """Resume."""
        super().resume_reading()
        if self._wire is not None:
            self._wire.resume_reading()

    # -- the end

    def abort(self) -> None:
        """Drop the session at once."""
        wire = self._wire
        self.over()
        if wire is not None:
            wire.abort()

    @abstractmethod
    def over(self, error: Exception | None = None, ending: Ending | None = None) -> None:
        """End the session, by itself or since the peer did what `error` or `ending` says."""

    def finish(self, error: Exception | None, ending: Ending | None = None) -> None:
        """Close the WebSocket, if there is one, and tell the connection, once."""
        if self._wire is not None:
            self._wire.connection = None
            self._wire.close(TOO_BIG if is_too_large(error) else None)
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.lost(error, ending)

    def when_gone(self, fn: Callable[[], None]) -> bool:
        """Call `fn` once the WebSocket is closed, if there is one."""
        return self._wire is not None and self._wire.when_gone(fn)


class WebSocketReceiver:
    """Receives for a session what its WebSocket brings; a subclass implements `feed`."""

    __slots__ = ("_session",)

    def __init__(self, session: UpgradableTransport) -> None:
        self._session = session

    def feed(self, frame: str | bytes, last: bool = True) -> None:
        """Take one WebSocket message."""
        raise NotImplementedError

    def seen(self) -> None:
        """Note the answer to a ping of the WebSocket."""
        if self._session.connection is not None:
            self._session.connection.seen()

    def congested(self, congested: bool) -> None:
        """Report that the WebSocket holds too much that is unsent, or no longer does."""
        self._session.wire_congested(congested)

    def lost(self, error: Exception | None = None, ending: Ending | None = None) -> None:
        """Handle the loss of the WebSocket, and with it of the session."""
        self._session.over(error, ending)
