"""What the server sends, as far as the connection takes it."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from primus.closed import Ending
from primus.errors import TransportError
from primus.limits import DEFAULT_LIMITS
from primus.transformer import Transport
from primus_transformer_sockjs.frames import OPEN, Close, check_length, parse_frame

__all__ = ["MESSAGES", "Incoming"]

MESSAGES: Final = 100_000
"""How many messages may come at once."""

TURN_MESSAGES: Final = DEFAULT_LIMITS.turn_messages

NORMAL: Final = 1000


class Incoming:
    """Takes the frames of one session, and keeps its messages while they are not wanted.

    They are not wanted before the first `resume`, for until then there may be no connection.

    Args:
        transport: what has the connection.
        max_length: the longest message taken, in bytes.
    """

    __slots__ = (
        "_ending",
        "_error",
        "_is_started",
        "_max_length",
        "_messages",
        "_transport",
        "_turn",
        "is_over",
        "opened",
        "paused",
        "size",
    )

    def __init__(self, transport: Transport, max_length: int) -> None:
        self._transport = transport
        self._max_length = max_length
        self._messages: deque[str] = deque()
        self._is_started = False
        self._error: Exception | None = None
        self._ending: Ending | None = None
        self._turn: asyncio.Handle | None = None
        self.paused = False
        self.size = 0
        """How many characters are kept, and messages."""
        self.is_over = False
        """Whether nothing will come any more."""
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def take(self, frame: str) -> None:
        """Take a frame.

        Raises:
            ProtocolError: it is none, or a message in it is too long.
            TransportError: the server has closed for a reason that is no normal one, or
                begins a new session in the place of ours.
        """
        content = parse_frame(frame, MESSAGES)
        if isinstance(content, list):
            check_length(content, self._max_length)
            self._messages.extend(content)
            self.size += sum(map(len, content)) + len(content)
            self.deliver()
        elif isinstance(content, Close):
            self._ending = Ending.of_peer(content.code, content.reason)
            if content.code != NORMAL or not self.opened.done():
                raise TransportError(f"the server closed: {content.code} {content.reason}")
            self.end()
        elif content == OPEN:
            if self.opened.done():
                raise TransportError("the server has lost the session")
            self.opened.set_result(None)

    def pause(self) -> None:
        """Bring nothing for now."""
        self.paused = True

    def resume(self) -> None:
        """Deliver what has been kept, and resume."""
        self.paused = False
        self._is_started = True
        self.deliver()

    def deliver(self) -> None:
        """Bring to the connection what it takes, in turns; then the end, once there is one."""
        messages = self._messages
        if not self._is_started or self._turn is not None:
            return
        for _ in range(TURN_MESSAGES):
            if not messages or self.paused:
                break
            message = messages.popleft()
            self.size -= len(message) + 1
            if self._transport.connection is not None:
                self._transport.connection.feed(message)
        if messages:
            if not self.paused:
                self._turn = asyncio.get_running_loop().call_soon(self._begin_turn)
            return
        connection = self._transport.connection
        if self.is_over and connection is not None:
            self._transport.connection = None
            connection.lost(self._error, self._ending)

    def _begin_turn(self) -> None:
        self._turn = None
        if not self.paused:
            self._transport.resume_reading()

    def drop(self) -> None:
        """Forget what is kept: the connection has been dropped, and is only told of the end."""
        self._messages.clear()
        self.size = 0
        self._is_started = True

    def end(self, error: Exception | None = None, ending: Ending | None = None) -> None:
        """End the session; `error` says why, when it was not meant to be."""
        if self.is_over:
            return
        self.is_over = True
        self._error = error
        self._ending = self._ending or ending
        if not self.opened.done():
            self.opened.set_exception(error or TransportError("the server has closed"))
            self.opened.exception()  # retrieved, so that asyncio does not complain
        self.deliver()
