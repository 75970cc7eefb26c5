"""One conversation over HTTP requests."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from primus.closed import EndCode, Ending
from primus.http import Request
from primus.limits import DEFAULT_LIMITS
from primus.polling import LongPoll, Opener, QueuedTransport, Sessions
from primus_transformer_sockjs.frames import (
    HEARTBEAT,
    OPEN,
    Payload,
    as_text,
    close_frame,
    message_frame,
    quote,
)

if TYPE_CHECKING:
    from primus_transformer_sockjs.options import SockJSOptions

__all__ = ["Session"]

READ_AHEAD: Final = DEFAULT_LIMITS.read_ahead_bytes


class Session(QueuedTransport):
    """Frames wait here until the one request that receives fetches them.

    It is gone when its client leaves in the middle of an answer, or has had no request that
    receives for ``disconnect_delay``. After a close it goes on answering with the close frame
    for so long, since a client may have missed it.

    Args:
        id: what the URL calls it.
        opener: the user that it belongs to; others neither receive nor send.
        sessions: where it is found; it leaves by itself.
        options: those of the server.
    """

    __slots__ = (
        "_beat_is_due",
        "_close_frame",
        "_is_open",
        "_options",
        "_receiver",
        "_request",
        "_rest",
        "_sessions",
        "_spoke_at",
        "id",
        "is_over",
        "lingers",
        "opener",
        "posting",
    )

    def __init__(
        self, id: str, opener: Opener, sessions: Sessions[Session], options: SockJSOptions
    ) -> None:
        super().__init__()
        self.id = id
        self.opener = opener
        self.is_over = False
        """Whether the client has been given the close frame."""
        self.lingers = True
        """Whether the close frame is kept for a client that asks again."""
        self.posting = asyncio.Lock()
        """Held while messages of the client are read: the next ones wait for their turn."""
        self._sessions = sessions
        self._options = options
        self._receiver: LongPoll | None = None
        self._request: Request | None = None
        self._rest: deque[str] = deque()
        """What is left of the request that sends."""
        self._is_open = False
        self._close_frame: str | None = None
        self._beat_is_due = False
        self._spoke_at = sessions.clock.time()
        sessions.add(id, self)

    # -- the request that receives

    @property
    def is_received(self) -> bool:
        """Whether there is a request that receives."""
        return self._receiver is not None

    def receive(self, request: Request) -> LongPoll | None:
        """Let `request` receive from now on; `None` when another one does."""
        if self._receiver is not None:
            return None
        self._sessions.timers.discard(self._expire)
        poll = LongPoll(request, self.lost)
        if poll.gone:
            return poll
        self._request = request
        self._receiver = poll
        self._spoke_at = self._sessions.clock.time()
        self._await_beat()
        return poll

    async def next(self, poll: LongPoll) -> str | None:
        """The next frame, waited for; `None` when the client has gone."""
        while not poll.gone:
            frame = self._frame()
            if frame is not None:
                self._spoke_at = self._sessions.clock.time()
                self._beat_is_due = False
                return frame
            await poll.wait()
            poll.rest()
        return None

    def _frame(self) -> str | None:
        if not self._is_open:
            self._is_open = True
            return OPEN
        if self.queued:
            return message_frame(map(str, self.take(self._options.response_limit)))
        if self._close_frame is not None:
            self.is_over = True
            return self._close_frame
        return HEARTBEAT if self._beat_is_due else None

    def release(self, poll: LongPoll) -> None:
        """`poll` receives no longer."""
        if self._receiver is not poll:
            return
        self._receiver = self._request = None
        self._sessions.timers.discard(self._beat)
        if self.is_over and not self.lingers:
            self.lost()
        elif self._sessions.get(self.id) is self:
            self._set(self._expire, self._options.disconnect_delay)

    def shorten(self) -> None:
        """Shorten the wait for the client, since the server ends."""
        self.lingers = False
        if self.is_over and self._receiver is None:
            self.lost()

    def abandon(self, poll: LongPoll) -> None:
        """Handle that the answer to `poll` was broken off; what was sent last may be lost."""
        if self._receiver is poll:
            self.lost()

    # -- what the client sends

    async def bring(self, messages: Payload) -> None:
        """Bring messages to the connection, as it takes them; none once the session is gone."""
        self._rest = rest = deque(messages)
        while rest:
            await self.its_turn(rest[0])
            if self.connection is None:
                return
            self.connection.feed(rest.popleft())

    def _bring_rest(self) -> None:
        """Bring what is left of a request at the end, if that is as little as may always wait."""
        rest = self._rest
        if sum(map(len, rest)) <= READ_AHEAD:
            while rest and self.connection is not None:
                self.connection.feed(rest.popleft())
        rest.clear()

    # -- time

    def _set(self, due: Any, delay: float) -> None:
        timers, clock = self._sessions.timers, self._sessions.clock
        timers.put(due, clock.time() + delay)

    def _await_beat(self) -> None:
        delay = self._options.heartbeat_delay
        if delay is not None and self._receiver is not None:
            self._sessions.timers.put(self._beat, self._spoke_at + delay)

    def _beat(self) -> None:
        """Send a heartbeat, unless something was sent meanwhile."""
        delay = self._options.heartbeat_delay
        if delay is not None and self._sessions.clock.time() >= self._spoke_at + delay:
            self._beat_is_due = True
            self._spoke_at = self._sessions.clock.time()
            self.wake()
        self._await_beat()

    def _expire(self) -> None:
        delay = self._options.disconnect_delay
        reason = f"the client asked for nothing within {delay} s"
        option = 'transport["disconnect_delay"]'
        self.lost(None, Ending(EndCode.WIRE_LOST, reason=reason, option=option))

    # -- what the connection calls

    def send(self, frame: str | bytes) -> None:
        """Put a message into the queue; this wire has text only."""
        self.send_prepared(self.prepare(frame))

    @classmethod
    def prepare(cls, frame: str | bytes) -> str:
        """The message as it stands in a frame."""
        return quote(as_text(frame))

    def send_prepared(self, prepared: str) -> None:
        """Put what `prepare` has made into the queue."""
        if self._close_frame is None:
            self.put(prepared)

    def close(self, code: int | None = None, reason: str = "") -> None:
        """Queue a close frame behind what waits; 1000, "Normal closure" when `code` is `None`."""
        if self._close_frame is None:
            code, reason = (1000, "Normal closure") if code is None else (code, reason)
            self._close_frame = close_frame(code, reason)
            self.resume_reading()
            self.wake()

    def abort(self) -> None:
        """Drop the request that receives, and what waits."""
        self._rest.clear()
        request = self._request
        self.lost()
        if request is not None:
            request.drop()

    def wake(self) -> None:
        """Wake the request that receives."""
        if self._receiver is not None:
            self._receiver.wake()

    def lost(self, error: Exception | None = None, ending: Ending | None = None) -> None:
        """End the session; `error` says what the client did wrong, or `ending` why else."""
        timers = self._sessions.timers
        timers.discard(self._expire)
        timers.discard(self._beat)
        if self._sessions.get(self.id) is self:
            self._sessions.discard(self.id)
        self.forget()
        self._close_frame = self._close_frame or close_frame(1006, "Connection dropped")
        self.wake()
        self._bring_rest()
        self.resume_reading()
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.lost(error, ending)
