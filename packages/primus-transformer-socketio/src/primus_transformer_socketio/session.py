"""One session on the server: polled, streamed to an htmlfile, or a WebSocket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

from primus import Request, Response
from primus.clock import Clock
from primus.closed import Ending, silent
from primus.errors import LimitError, ProtocolError
from primus.http import CommonHeaders
from primus.limits import DEFAULT_LIMITS
from primus.polling import (
    MAX_LENGTH,
    BodyRefused,
    LongPoll,
    MovingDeadline,
    Pings,
    PostIntake,
    PreparedText,
    Sessions,
    UpgradableTransport,
    WebSocketReceiver,
    is_too_large,
    read_body,
    taken_body,
)
from primus.transformer import Transport
from primus.websocket import utf8
from primus_transformer_socketio.options import SocketIOOptions
from primus_transformer_socketio.packets import (
    CONNECTED,
    DISCONNECT,
    DISCONNECTED,
    HEARTBEAT,
    NOOP,
    PING,
    acknowledgement,
    as_text,
    message,
    packet,
    packets,
    payload,
    text_of,
)
from primus_transformer_socketio.styles import Style, posted

__all__ = ["Session"]

TAKEN: Final = CommonHeaders({"Content-Type": "text/plain; charset=UTF-8"})

DOUBTED: Final = 15.0
"""Seconds within which a client may find that its WebSocket brings nothing: it waits for 10."""

DOUBTED_BYTES: Final = DEFAULT_LIMITS.read_ahead_bytes
"""How much is kept meanwhile of what was sent over the WebSocket."""


class Session(UpgradableTransport):
    """A transport whose packets are fetched by polls, or leave over a WebSocket.

    It begins with the first request that shows the key of a handshake. It ends when its client says
    so, drops its poll or stays away, when its WebSocket is gone or answers no ping, or when the
    client breaks the rules.

    Args:
        key: what requests know it by: a peer that shows it is the client.
        options: those of the server.
        sessions: where it is found; it leaves by itself.
    """

    __slots__ = (
        "_clock",
        "_closing",
        "_doubted",
        "_doubted_size",
        "_doubted_until",
        "_gone",
        "_has_left",
        "_intake",
        "_longest_poll",
        "_options",
        "_patience",
        "_pings",
        "_poll",
        "_posting",
        "_sessions",
        "key",
    )

    def __init__(self, key: str, options: SocketIOOptions, sessions: Sessions[Session]) -> None:
        super().__init__()
        self.key = key
        self._options = options
        self._sessions = sessions
        self._clock: Clock = sessions.clock
        self._pings = Pings(
            self,
            self._clock,
            sessions.timers,
            PING,
            options.heartbeat_interval,
            options.heartbeat_timeout,
            'transport["heartbeat_timeout"]',
        )
        self._patience = MovingDeadline(sessions.timers, self._clock, self._give_up)
        """How long the client may stay away."""
        self._longest_poll = MovingDeadline(sessions.timers, self._clock, self._idle)
        self._closing = False
        """Whether nothing is sent any more but what is queued."""
        self._gone = False
        self._has_left = False
        """Whether the client has dropped its poll, and has not come back."""
        self._poll: LongPoll | None = None
        self._posting = False
        self._intake: PostIntake[str] = PostIntake(self, options.max_packets)
        self._doubted: list[str] | None = None
        """What was sent over a WebSocket of which nothing has come yet; `None` afterwards."""
        self._doubted_size = 0
        self._doubted_until = 0.0

    def __repr__(self) -> str:
        return f"<Session over {'a WebSocket' if self._wire is not None else 'polls'}>"

    def begin(self) -> None:
        """Be open: that is what the client is told first."""
        self._sessions.add(self.key, self)
        self.put(CONNECTED)
        self._await_poll()

    def begin_over(self, wire: Transport) -> None:
        """Be open over a WebSocket."""
        self._sessions.add(self.key, self, polled=False)
        self._wire = wire
        self._doubted = []
        self._doubted_until = self._clock.time() + DOUBTED
        wire.connection = SessionReceiver(self)
        wire.send(CONNECTED)
        self._pings.start()

    @property
    def is_over(self) -> bool:
        """Whether the session has ended."""
        return self._gone

    # -- polls

    @property
    def is_polled(self) -> bool:
        """Whether requests fetch what is sent."""
        return self._wire is None

    @property
    def may_fall_back(self) -> bool:
        """Whether it has a WebSocket that has brought nothing yet, and may be polled instead."""
        doubted = self._wire is not None and self._doubted is not None
        return doubted and self._clock.time() < self._doubted_until

    def fall_back(self) -> bool:
        """Make sure that it is polled; False when it has a WebSocket that works.

        A client whose WebSocket has brought nothing for long polls instead. What was sent over the
        WebSocket until then is sent once more.
        """
        wire, sent = self._wire, self._doubted
        if wire is not None and sent is not None and self.may_fall_back:
            self._pings.stop()
            self._sessions.switch(self.key, polled=True)
            self._wire, self._doubted = None, None
            wire.connection = None
            wire.abort()
            self.put(CONNECTED, *sent)
            if self._closing:
                self.put(DISCONNECTED)
            if self._wire_congested:
                self.wire_congested(congested=False)
            self._await_poll()
        return self._wire is None

    async def receive(self, request: Request, style: Style) -> Response:
        """Answer a request that receives, once there is something.

        It takes the place of an earlier one that still waits: a proxy or the client has given that
        up.
        """
        poll = LongPoll(request, self._leave)
        if poll.gone:
            return Response(400)  # no client reads it
        previous, self._poll = self._poll, poll
        if previous is not None:
            previous.replace()
        self._patience.stop()
        self._has_left = False
        if style.streams:
            self._pings.start()
            return Response(200, self._stream(poll, style), style.headers)
        self._pings.stop()
        self._longest_poll.set(self._options.poll_duration)
        if not self.queued and not self._gone:
            await poll.wait()
        return style.answer(payload(self._fetched(poll)))

    def _fetched(self, poll: LongPoll) -> list[str]:
        """What a poll is answered with; the session may end with that."""
        if self._poll is not poll:
            return [NOOP]
        self._poll = None
        self._longest_poll.stop()
        if self._gone:
            self._longest_poll.discard()
            return [DISCONNECTED]
        self._await_poll()
        return self._taken_off() or [NOOP]

    def _taken_off(self) -> list[str]:
        fetched = [as_text(frame) for frame in self.take()]
        if fetched and fetched[-1] == DISCONNECTED:
            self.over()
        return fetched

    async def _stream(self, poll: LongPoll, style: Style) -> AsyncIterator[bytes]:
        """What is sent, piece by piece, for as long as the client reads it."""
        try:
            yield style.prelude.encode()
            while self._poll is poll and not poll.gone:
                if self._gone:
                    yield style.wrap(DISCONNECTED).encode()
                    return
                if self.queued:
                    yield style.wrap(payload(self._taken_off())).encode()
                    continue
                await poll.wait()
                poll.rest()
        finally:
            if self._poll is poll:
                self._leave()

    def _idle(self) -> None:
        """Answer a poll that has waited for long, so that no proxy takes it for dead."""
        if self._poll is not None:
            self._poll.wake()

    def wake(self) -> None:
        """Wake the request that receives, if there is one."""
        if self._poll is not None:
            self._poll.wake()

    # -- clients that go

    def _await_poll(self) -> None:
        """Expect the client to poll."""
        self._expect_within(self._options.poll_timeout)

    def _leave(self) -> None:
        """Give up a client that has dropped its poll, once what it posted last has come.

        Client libraries drop the poll when they end, while a post may be under way.
        """
        self.wake()  # an earlier request may still wait
        self._poll = None
        self._longest_poll.discard()
        self._pings.stop()
        if self._gone:
            return
        self._has_left = True
        if self._closing and not self._posting:
            self.over()
        else:
            self._expect_within(self._options.linger)

    def _expect_within(self, delay: float) -> None:
        if not self._gone:
            self._patience.set(delay)

    def _give_up(self) -> None:
        """End the session of a client that stays away."""
        if self._posting:
            self._expect_within(self._options.linger)
        elif self._has_left:
            self.over(ending=None if self._closing else Ending.of_peer())
        else:
            waited = self._options.poll_timeout
            self.over(ending=silent("client", waited, 'transport["poll_timeout"]'))

    # -- posts

    async def post(self, request: Request, transport: str) -> Response:
        """Take what a client posts, as fast as the connection does, and answer it then.

        A client that goes in the middle of its post has ended the session.
        """
        if self._posting:
            self.over(ProtocolError("a client posts twice at once"))
            return Response.error(400, "a post is under way")
        self._posting = True
        try:
            if self.paused:
                await self.readable()
            body = taken_body(request, self._options.max_payload)
            if body is None:
                body = await read_body(
                    request,
                    limit=self._options.max_payload,
                    within=self._options.body_timeout,
                    clock=self._clock,
                )
            text = posted(transport, body)
            await self._intake.bring(packets(text), len(text), request)
        except BodyRefused as refused:
            self.over(refused.error)
            return refused.response
        except ProtocolError as error:
            self.over(error)
            if is_too_large(error):
                return Response(413)
            return Response.error(400, "a post cannot be read")
        finally:
            self._posting = False
        return Response(200, b"1", TAKEN)

    def _bring_rest(self) -> None:
        """Bring the messages that are left of a post: they had arrived before the end."""
        with suppress(ProtocolError):
            for each in self._intake.rest():
                text = text_of(each)
                if text is not None:
                    self._deliver(text)

    # -- in

    def brought(self, frame: str | bytes) -> None:
        """Take what the WebSocket has brought: one packet."""
        self._doubted = None
        try:
            if isinstance(frame, bytes):
                raise ProtocolError("bytes, where only text can be")
            self.received(frame)
        except ProtocolError as error:
            self.over(error)

    def received(self, text: str) -> None:
        """Act on a packet.

        Raises:
            ProtocolError: it is none, or the client should not have sent it.
        """
        self._pings.seen()
        data = text_of(text)
        if data is not None:
            self._deliver(data)
            return
        kind, id, endpoint, data = packet(text)
        if endpoint:
            return  # Primus has no other endpoint than the one that is called ''
        if id:
            self._acknowledge(id)
        if kind == "3":
            self._deliver(data)
        elif kind == HEARTBEAT:
            self._pings.pong()
        elif kind == DISCONNECT:
            self.over(ending=Ending.of_peer())

    def _deliver(self, message: str) -> None:
        if 4 * len(message) > self._options.max_length:
            size = len(utf8(message))
            if size > self._options.max_length:
                text = f"a message has {size} bytes, more than {self._options.max_length}"
                raise LimitError(text, MAX_LENGTH)
        if self.connection is not None:
            self.connection.feed(message)

    def _acknowledge(self, id: str) -> None:
        """Say that a packet has arrived, as its sender has asked for.

        Raises:
            ProtocolError: it reads none of these answers.
        """
        if self._is_congested or self._wire_congested:
            raise ProtocolError("a client asks for acknowledgements that it does not read")
        self.dispatch(acknowledgement(id))

    # -- out

    def send(self, frame: str | bytes) -> None:
        """Send one message; this wire has text only."""
        if not self._closing:
            self.dispatch(message(frame))

    @classmethod
    def prepare(cls, frame: str | bytes) -> PreparedText:
        """The message as a packet, which each kind of WebSocket makes ready once."""
        return PreparedText(message(frame))

    def send_prepared(self, prepared: PreparedText) -> None:
        """Send what `prepare` has made."""
        if self._closing:
            return
        if self._wire is None:
            self.put(prepared.text)
        else:
            self._wire.send_prepared(prepared.on(type(self._wire)))
            if self._doubted is not None:
                self._doubt(self._doubted, prepared.text)

    def dispatch(self, packet: str) -> None:
        """Send one packet, behind all that was sent before."""
        if self._wire is None:
            self.put(packet)
        else:
            self._wire.send(packet)
            if self._doubted is not None:
                self._doubt(self._doubted, packet)

    def _doubt(self, doubted: list[str], packet: str) -> None:
        """Keep what was sent over a WebSocket that may bring nothing."""
        doubted.append(packet)
        self._doubted_size += len(packet)
        late = self._clock.time() >= self._doubted_until
        if late or self._doubted_size > DOUBTED_BYTES:
            self._doubted = None

    # -- the end

    def close(self, code: int | None = None, reason: str = "") -> None:
        """Close, once all has been fetched that was sent before."""
        if self._closing:
            return
        self._closing = True
        if self._wire is not None:
            self._wire.send(DISCONNECTED)
            self._wire.close(code, reason)
        else:
            self.put(DISCONNECTED)
            if self._poll is None and not self._has_left:
                self._await_poll()
        self.resume_reading()

    def over(self, error: Exception | None = None, ending: Ending | None = None) -> None:
        """End the session, by itself or since the client did what `error` or `ending` says."""
        if self._gone:
            return
        self._gone = self._closing = True
        self._pings.stop()
        self._patience.discard()
        self._longest_poll.discard()
        self._sessions.discard(self.key)
        self.forget()
        if error is None:
            self._bring_rest()
        self.wake()
        self.finish(error, ending)
        self.resume_reading()

    def finish(self, error: Exception | None, ending: Ending | None = None) -> None:
        """As for every session; a client with a WebSocket is told first."""
        if self._wire is not None:
            self._wire.connection = None
            self._wire.send(DISCONNECTED)
        super().finish(error, ending)


class SessionReceiver(WebSocketReceiver):
    """Receives for a session what its WebSocket brings."""

    __slots__ = ()

    _session: Session

    def feed(self, frame: str | bytes, last: bool = True) -> None:
        """Take one WebSocket message."""
        self._session.brought(frame)
