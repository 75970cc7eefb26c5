"""One session on the server: polled until a WebSocket takes over, or a WebSocket at once."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final, Protocol

from primus import Request, Response
from primus.clock import Clock
from primus.closed import Ending
from primus.errors import ProtocolError
from primus.http import CommonHeaders
from primus.polling import (
    BodyRefused,
    LongPoll,
    PostIntake,
    Sessions,
    is_too_large,
    read_body,
    taken_body,
)
from primus.transformer import Transport
from primus_transformer_engineio.answers import BAD_REQUEST, Refused, answer, form_payload
from primus_transformer_engineio.heartbeats import ClientPings, Heartbeat, ServerPings
from primus_transformer_engineio.options import EngineIOOptions
from primus_transformer_engineio.packets import CLOSE, MESSAGE, NOOP, OPEN, PING, PONG, Packet
from primus_transformer_engineio.revisions import Revision
from primus_transformer_engineio.transport import EngineIOTransport, SessionReceiver

__all__ = ["Session"]

HTML: Final = CommonHeaders({"Content-Type": "text/html"})

OPENING_PAUSE: Final = 0.005
"""Seconds between the answer to the handshake of a WebSocket and its first message."""


class UpgradeProbe(Protocol):
    """A WebSocket that is being probed before the session is upgraded to it."""

    answered: bool
    """Whether the client knows that the WebSocket works."""

    def drop(self) -> None:
        """Close the WebSocket; the session is polled on."""


class Session(EngineIOTransport):
    """A transport whose frames are fetched by polls, or leave over a WebSocket.

    It is made for a handshake that has passed the middleware, and begins once it has a spark. It
    ends when its client says so or goes in the middle of a request, when
    its heartbeat stops, when its WebSocket is gone, or when the client breaks the rules.
    """

    __slots__ = (
        "_clock",
        "_gone",
        "_heartbeat",
        "_intake",
        "_last",
        "_options",
        "_poll",
        "_posting",
        "_probe",
        "_sessions",
        "key",
    )

    def __init__(
        self,
        key: str,
        options: EngineIOOptions,
        sessions: Sessions[Session],
        revision: Revision,
        *,
        binary: bool,
    ) -> None:
        super().__init__(revision, binary=binary, max_length=options.max_length)
        self.key = key
        """What requests know it by: a peer that shows it is the client."""
        self._options = options
        self._sessions = sessions
        self._clock: Clock = sessions.clock
        pings = ServerPings if revision.number == 4 else ClientPings
        self._heartbeat: Heartbeat = pings(
            self, self._clock, sessions.timers, options.ping_interval, options.ping_timeout
        )
        self._poll: LongPoll | None = None
        self._posting = False
        self._probe: UpgradeProbe | None = None
        self._intake: PostIntake[Packet] = PostIntake(self, options.max_packets)
        self._gone = False
        self._last = CLOSE

    def __repr__(self) -> str:
        return f"<Session revision {self.revision.number}>"

    def begin(self, sid: str, *, upgrades: bool = True) -> Packet:
        """Be open; the packet that says so, which is to go first.

        Args:
            sid: what the client is told as its id.
            upgrades: whether it is polled, and a WebSocket may take over.
        """
        if not self._gone:
            self._sessions.add(self.key, self, polled=upgrades)
            self._heartbeat.start()
        return OPEN + self._options.handshake(sid, self.revision.number, upgrades=upgrades)

    def begin_over(self, wire: Transport, sid: str) -> None:
        """Be open over a WebSocket, which knows no key: `sid` can be the public id of the spark.

        Some clients listen for messages only once they know that the WebSocket is open, so the
        first one does not go in the same packet as the answer to the handshake. The WebSocket is
        not read meanwhile: it could not be paused before it is in charge.
        """
        wire.pause_reading()
        wire.connection = SessionReceiver(self)
        opening = self.begin(sid, upgrades=False)
        loop = asyncio.get_running_loop()
        loop.call_later(OPENING_PAUSE, self._start_over, wire, opening)

    def _start_over(self, wire: Transport, opening: Packet) -> None:
        if self._gone:
            wire.connection = None
            wire.close()
        else:
            wire.send(self.revision.frame(opening, binary=self.binary))
            self.take_over(wire, binary=self.binary)
            if not self.paused:
                wire.resume_reading()

    @property
    def is_overdue(self) -> bool:
        """Whether the client has been silent for too long, unless what it has sent waits."""
        return self._heartbeat.expired

    @property
    def is_over(self) -> bool:
        """Whether the session has ended."""
        return self._gone

    @property
    def silence(self) -> Ending:
        """What the end of a client is called that is overdue."""
        return self._heartbeat.silence

    # -- polls

    def wake(self) -> None:
        """Wake the pending poll."""
        if self._poll is not None:
            self._poll.wake()

    async def poll(self, request: Request, callback: str | None) -> Response:
        """Answer a poll, as soon as there is something to send.

        Raises:
            Refused: there is one already, which costs the session its life.
        """
        if self._poll is not None:
            self.over(ProtocolError("a client polls twice at once"))
            raise Refused(BAD_REQUEST)
        poll = self._poll = LongPoll(request, self._poll_lost)
        if self.queued or self._is_pausing:
            poll.wake()
        if not await poll.wait():
            return Response(400)  # no client reads it
        self._poll = None
        return answer(self.fetched(), self.revision, binary=self.binary, callback=callback)

    def _poll_lost(self) -> None:
        """Handle that the client has left a poll, whose answer is lost."""
        if not self.upgraded:
            self.over()

    def fetched(self) -> list[Packet]:
        """What a client gets that has fetched all there is; a session may end with that."""
        if self._gone:
            return [self._last]
        packets = self.take()
        if packets and packets[-1] == CLOSE:
            self.over()
        return packets or [NOOP]

    @property
    def _is_pausing(self) -> bool:
        """Whether the client waits for its poll to end, so that a WebSocket can take over."""
        return self._probe is not None and self._probe.answered

    # -- posts

    async def post(self, request: Request, *, form: bool) -> Response:
        """Take what a client posts, as fast as the connection does, and answer it then.

        A client that goes in the middle of its post has ended the session.

        Raises:
            Refused: the client has broken the rules, which costs the session its life.
        """
        if self._posting:
            self.over(ProtocolError("a client posts twice at once"))
            raise Refused(BAD_REQUEST)
        self._posting = True
        try:
            if self.paused:
                await self.readable()
            options = self._options
            body = taken_body(request, options.max_payload)
            if body is None:
                body = await read_body(
                    request,
                    limit=options.max_payload,
                    within=options.body_timeout,
                    clock=self._clock,
                )
            if form:
                body = form_payload(body)
            size = len(body)
            packets = self.revision.decoded(body, request.headers.get("Content-Type", ""))
            del body  # it is in the packets
            await self._intake.bring(packets, size, request)
        except BodyRefused as refused:
            self.over(refused.error)
            return refused.response
        except ProtocolError as error:
            self.over(error)
            if is_too_large(error):
                return Response(413)
            raise Refused(BAD_REQUEST) from error
        finally:
            self._posting = False
        return Response(200, b"ok", HTML)

    def _bring_rest(self) -> None:
        """Bring the messages that are left of a post: they had arrived before the end."""
        with suppress(ProtocolError):
            for packet in self._intake.rest():
                if isinstance(packet, bytes) or packet[0] == MESSAGE:
                    super().received(packet)

    # -- in

    def live(self) -> None:
        """Note that the client lives."""
        self._heartbeat.seen()

    def received(self, packet: Packet) -> None:
        """Act on a packet, and note that the client lives."""
        self.live()
        super().received(packet)

    def control(self, kind: str, data: str) -> None:
        """Act on a packet that is no message; what has no meaning here is left alone."""
        if kind == PING:
            self._heartbeat.ping(data)
        elif kind == PONG:
            self._heartbeat.pong()
        elif kind == CLOSE:
            self._last = NOOP
            self.over(ending=Ending.of_peer())

    # -- upgrading

    def probe(self, probe: UpgradeProbe) -> bool:
        """Try out a WebSocket; False when there is one already."""
        if self._gone or self.upgraded or self._probe is not None:
            return False
        self._probe = probe
        due = self._clock.time() + self._options.upgrade_timeout
        self._sessions.timers.put(self._abandon_probe, due)
        return True

    def probed(self) -> None:
        """The WebSocket works. The client waits for its poll to end."""
        self.wake()

    def upgrade(self, wire: Transport, *, binary: bool) -> None:
        """Switch over to the WebSocket; `binary` says whether the client takes bytes."""
        self._forget_probe()
        self._sessions.switch(self.key, polled=False)
        self.take_over(wire, binary=binary)
        self.wake()  # a poll that hangs all the same

    def abandoned(self) -> None:
        """The WebSocket that was tried out is gone; the session goes on without."""
        self._forget_probe()

    def _abandon_probe(self) -> None:
        if self._probe is not None:
            self._probe.drop()
        self._forget_probe()

    def _forget_probe(self) -> None:
        self._probe = None
        self._sessions.timers.discard(self._abandon_probe)

    # -- the end

    def close(self, code: int | None = None, reason: str = "") -> None:
        """Close, once all has been fetched that was sent before."""
        if self.closing:
            return
        self.closing = True
        if self._wire is not None:
            self._wire.close(code, reason)
        else:
            self.put(CLOSE)
            due = self._clock.time() + self._options.poll_timeout
            self._sessions.timers.put(self.over, due)
        self.resume_reading()

    def over(self, error: Exception | None = None, ending: Ending | None = None) -> None:
        """End the session, by itself or since its client did what `error` or `ending` says."""
        if self._gone:
            return
        self._gone = self.closing = True
        self._heartbeat.stop()
        self._sessions.timers.discard(self.over)
        self._sessions.discard(self.key)
        self._abandon_probe()
        self.forget()
        if error is None:
            self._bring_rest()
        self.wake()
        self.finish(error, ending)
        self.resume_reading()
