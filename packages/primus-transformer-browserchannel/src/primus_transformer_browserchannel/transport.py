"""One session on the server: arrays that back channels fetch, and maps that posts bring."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from primus.closed import EndCode, Ending
from primus.errors import LimitError
from primus.http import Request
from primus.limits import DEFAULT_LIMITS
from primus.polling import (
    FrameDelivery,
    LongPoll,
    MovingDeadline,
    QueuedTransport,
    Sessions,
    read_body,
    taken_body,
)
from primus.tasks import in_task
from primus.websocket import utf8
from primus_transformer_browserchannel.chunks import NOOP, STOP, array_chunk, chunk, opening, quote
from primus_transformer_browserchannel.maps import Maps
from primus_transformer_browserchannel.options import BrowserChannelOptions
from primus_transformer_browserchannel.session import Incoming, Numbering

__all__ = ["Replaced", "Session"]

READ_AHEAD: Final = DEFAULT_LIMITS.read_ahead_bytes

CHUNK_BYTES: Final = 1 << 18
"""How long a chunk is at most, unless a single message is longer: so much is kept until the client
says that it has it."""


LEAVING: Final = 2.0
"""Seconds that a client which leaves is waited for, should a post of it be missing."""


class Replaced(Exception):
    """A post has been given up by its client, which has sent it again."""


class Session(QueuedTransport):
    """A transport whose frames are fetched by back channels, and kept until the client has them.

    It outlives each request: a back channel that is cut and a post whose answer is lost are made
    again by the client. It ends when the client leaves, when there has been no back channel for
    ``session_timeout``, or when the client breaks the rules.

    Args:
        key: what requests know it by: a peer that shows it is the client.
        rid: the RID of the post that opens it.
        sessions: where it is found; it leaves by itself.
        options: those of the server.
        max_length: the longest message taken, in bytes.
    """

    __slots__ = (
        "_back",
        "_delivery",
        "_ends_with_server",
        "_expiry",
        "_incoming",
        "_is_stopped",
        "_keepalive",
        "_max_length",
        "_numbering",
        "_options",
        "_post",
        "_posting",
        "_request",
        "_room",
        "_sessions",
        "_spoke_at",
        "closing",
        "is_over",
        "key",
    )

    def __init__(
        self,
        key: str,
        rid: int,
        sessions: Sessions[Session],
        options: BrowserChannelOptions,
        max_length: int,
    ) -> None:
        super().__init__()
        self.key = key
        self.closing = False
        """Whether nothing is sent any more but what is queued."""
        self.is_over = False
        """Whether the session has ended."""
        self._sessions = sessions
        self._options = options
        self._max_length = max_length
        self._expiry = MovingDeadline(sessions.timers, sessions.clock, self._expire)
        self._keepalive = MovingDeadline(sessions.timers, sessions.clock, self._keep_alive)
        self._numbering = Numbering()
        self._incoming = Incoming(rid, max_ahead=options.max_ahead, max_bytes=options.max_payload)
        self._delivery = FrameDelivery(self, self._taken_in)
        self._room: asyncio.Event | None = None
        """What posts wait for, while messages of earlier ones wait for the connection."""
        self._posting = asyncio.Lock()
        """Held while a post is read: others wait for their turn."""
        self._post: tuple[int, asyncio.Timeout] | None = None
        """The RID of the post that is read, and what gives it up."""
        self._back: LongPoll | None = None
        self._request: Request | None = None
        """What the back channel answers."""
        self._is_stopped = False
        """Whether the client has been told the end, as far as we know."""
        self._ends_with_server = False
        self._spoke_at = sessions.clock.time()
        self.put(opening(key))

    def __repr__(self) -> str:
        return f"<Session with {self.queued} arrays to send>"

    def begin(self) -> str:
        """Be open; the chunk that says so, with all that has been sent by now."""
        if not self.is_over:
            self._sessions.add(self.key, self)
            if not self.paused:
                self._delivery.resume()
            if not self.closing:
                self._expiry.set(self._options.session_timeout)
        return self._next_chunk()

    # -- the back channel

    def wake(self) -> None:
        """Wake the back channel."""
        if self._back is not None:
            self._back.wake()

    def open_back_channel(self, request: Request) -> LongPoll:
        """Answer `request` with what the client does not have yet, in place of any other."""
        if self._back is not None:
            self._close_back_channel()
        poll = LongPoll(request, self._back_channel_lost)
        if poll.gone:
            return poll
        self._back, self._request = poll, request
        self._numbering.restore()
        self.restore()
        self._spoke_at = self._sessions.clock.time()
        if not self.closing:
            self._expiry.stop()
            self._keepalive.set(self._options.keepalive_interval)
        return poll

    async def chunks(self, poll: LongPoll) -> AsyncIterator[bytes]:
        """The answer of a back channel that streams: chunks, until there were enough of them."""
        sent = 0
        try:
            while (text := await self._awaited_chunk(poll)) is not None:
                sent += len(text)
                yield text.encode()
                if sent > self._options.response_limit or self._is_at_end:
                    break
        finally:
            self._answered(poll)

    async def one_chunk(self, poll: LongPoll) -> str:
        """The answer of a back channel that is to be whole; empty when another takes its place."""
        try:
            return await self._awaited_chunk(poll) or ""
        finally:
            self._answered(poll)

    async def _awaited_chunk(self, poll: LongPoll) -> str | None:
        """The next chunk; `None` when the client has gone, or has another back channel."""
        while self._back is poll:
            if self.queued:
                self._spoke_at = self._sessions.clock.time()
                return self._next_chunk()
            poll.rest()
            await poll.wait()
        return None

    def _answered(self, poll: LongPoll) -> None:
        if self._back is poll:
            self._is_stopped = self._is_at_end and not poll.gone
            self._close_back_channel()

    def _next_chunk(self) -> str:
        arrays = self.take(CHUNK_BYTES, keep=True)
        return array_chunk(self._numbering.number(len(arrays)), map(str, arrays))

    @property
    def _is_at_end(self) -> bool:
        """Whether all has been sent, and the end behind it."""
        return self.closing and not self.queued

    def _back_channel_lost(self) -> None:
        """Handle that the client has left a back channel: it opens another one, or none."""
        if self._back is not None and self._back.gone:
            self._close_back_channel()

    def _close_back_channel(self) -> None:
        poll, self._back, self._request = self._back, None, None
        self._keepalive.stop()
        if poll is not None:
            poll.wake()
        if self.is_over:
            return
        if self._is_stopped and self._ends_with_server:
            self.over()
        elif not self.closing:
            self._expiry.set(self._options.session_timeout)

    def acknowledge(self, last: int) -> None:
        """Forget what the client has: all arrays up to the one with the number `last`."""
        confirmed = self._numbering.confirm(last)
        if confirmed:
            self.confirm(confirmed)

    @property
    def is_told(self) -> bool:
        """Whether the client has been told the end, as far as we know."""
        return self._is_stopped

    @property
    def status(self) -> str:
        """What a post is answered with.

        Whether there is a back channel, the last array that was sent, and how many bytes of those
        sent the client may not have. The last answer of all is on its way: a client that took it
        for lost would drop it, and ask for another.
        """
        back = int(self._back is not None or self.is_over)
        return chunk(f"[{back},{self._numbering.last_sent},{self.outstanding}]")

    # -- posts

    def taken_body(self, request: Request) -> bytes | None:
        """The body of a post, if it is there, and there is room for what is in it.

        Raises:
            BodyRefused: it is too long.
        """
        if not self._has_room or self._posting.locked():
            return None
        return taken_body(request, self._options.max_payload)

    async def read(self, request: Request, rid: int) -> bytes:
        """The body of a post, once there is room for what is in it.

        Raises:
            Replaced: the client has given it up.
            BodyRefused: it is too long, or comes too slowly.
        """
        if self._post is not None and self._post[0] == rid and not self._post[1].expired():
            self._post[1].reschedule(asyncio.get_running_loop().time())
        await in_task()
        async with self._posting:
            try:
                async with asyncio.timeout(None) as given_up:
                    self._post = rid, given_up
                    await self._await_room()
                    return await read_body(
                        request,
                        limit=self._options.max_payload,
                        within=self._options.body_timeout,
                        clock=self._sessions.clock,
                    )
            except TimeoutError as error:
                raise Replaced from error
            finally:
                self._post = None

    @property
    def _has_room(self) -> bool:
        """Whether the messages of one more post may wait, or none of them matters any more."""
        return self._delivery.size <= READ_AHEAD or self.is_over

    async def _await_room(self) -> None:
        while not self._has_room:
            if self._room is None:
                self._room = asyncio.Event()
            await self._room.wait()

    def bring(self, rid: int, maps: Maps) -> None:
        """Bring the messages of a post to the connection, as it takes them.

        Raises:
            ProtocolError: the client has broken the rules.
        """
        for message in maps.messages:
            if message is not None and self._is_too_long(message):
                raise LimitError(f"a message of more than {self._max_length} bytes", "max_length")
        self._delivery.add(self._incoming.take(rid, maps))
        self._leave_in_order()

    def _is_too_long(self, message: str) -> bool:
        return 4 * len(message) > self._max_length and len(utf8(message)) > self._max_length

    def leave(self, rid: int) -> None:
        """Handle that the client leaves, behind what it has posted before.

        Clients give up a post that is under way before they leave, so it may never come.
        """
        self._incoming.leave(rid)
        self._leave_in_order()
        if self.closing:
            self.over(ending=Ending.of_peer())
        else:
            due = self._sessions.clock.time() + LEAVING
            self._sessions.timers.put(self._leave_without_the_rest, due)

    def _leave_without_the_rest(self) -> None:
        self._incoming.leave_now()
        self._leave_in_order()

    def _leave_in_order(self) -> None:
        if self._incoming.is_over and not len(self._delivery):
            self.over(ending=Ending.of_peer())

    def _taken_in(self) -> None:
        """Handle that the connection has taken all that was posted."""
        self._make_room()
        self._leave_in_order()

    def _make_room(self) -> None:
        room, self._room = self._room, None
        if room is not None:
            room.set()

    # -- time

    def _keep_alive(self) -> None:
        """Send something, unless something was sent meanwhile."""
        now = self._sessions.clock.time()
        due = self._spoke_at + self._options.keepalive_interval
        if now >= due:
            self._spoke_at = now
            due = now + self._options.keepalive_interval
            if not self.queued:
                self.put(NOOP)
        if self._back is not None and not self.closing:
            self._keepalive.set(due - now)

    def _expire(self) -> None:
        delay = self._options.session_timeout
        reason = f"the client had no back channel for {delay} s"
        option = 'transport["session_timeout"]'
        self.over(ending=Ending(EndCode.WIRE_LOST, reason=reason, option=option))

    # -- what the connection calls

    def send(self, frame: str | bytes) -> None:
        """Send one message; this wire has text only."""
        self.send_prepared(self.prepare(frame))

    @classmethod
    def prepare(cls, frame: str | bytes) -> str:
        """The message as it stands in an array."""
        return quote(frame)

    def send_prepared(self, prepared: str) -> None:
        """Send what `prepare` has made."""
        if not self.closing:
            self.put(prepared)

    def pause_reading(self) -> None:
        """Take nothing more for now."""
        super().pause_reading()
        self._delivery.pause()

    def resume_reading(self) -> None:
        """Resume, first with what has been posted."""
        super().resume_reading()
        self._delivery.resume()

    def close(self, code: int | None = None, reason: str = "") -> None:
        """Stop the client, once it has fetched all that was sent before."""
        if self.closing:
            return
        self.put(STOP)
        self.closing = True
        self._keepalive.stop()
        self._expiry.set(self._options.session_timeout)
        self.resume_reading()

    def shorten(self) -> None:
        """Wait no longer than for the client to be told, since the server ends."""
        self._ends_with_server = True
        if self._is_stopped and self._back is None:
            self.over()

    def abort(self) -> None:
        """Drop the back channel, and what waits."""
        self._delivery.clear()
        request = self._request
        self.over()
        if request is not None:
            request.drop()

    def over(self, error: Exception | None = None, ending: Ending | None = None) -> None:
        """End the session, by itself or since its client did what `error` or `ending` says."""
        if self.is_over:
            return
        self.is_over = self.closing = True
        self._expiry.discard()
        self._keepalive.discard()
        self._sessions.timers.discard(self._leave_without_the_rest)
        self._sessions.discard(self.key)
        self._close_back_channel()
        self.forget()
        if error is None and self._delivery.size <= READ_AHEAD:
            self._delivery.rush()
        self._delivery.clear()
        self._make_room()
        super().resume_reading()
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.lost(error, ending)
