"""One session of a client: it polls and posts until a WebSocket takes over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final

from primus.clock import SYSTEM_CLOCK, Timer, Within, expect
from primus.closed import Ending
from primus.errors import HandshakeError, ProtocolError, TransportError
from primus.limits import DEFAULT_LIMITS
from primus.polling import PollingClient
from primus.tasks import spawn
from primus.transformer import Transport
from primus_transformer_engineio.address import Address
from primus_transformer_engineio.buffered_receiver import BufferedReceiver
from primus_transformer_engineio.client_heartbeat import ClientHeartbeat
from primus_transformer_engineio.options import POLLING, WEBSOCKET
from primus_transformer_engineio.packets import CLOSE, PING, PONG, PROBE, UPGRADE, Packet
from primus_transformer_engineio.revisions import TEXT, Revision
from primus_transformer_engineio.transport import EngineIOTransport, SessionReceiver

__all__ = ["ClientSession", "OpenWebSocket"]

OpenWebSocket = Callable[[str], Coroutine[Any, Any, tuple[Transport, BufferedReceiver]]]
"""Opens a WebSocket to a URL."""

log = logging.getLogger("primus.client")

POST_BYTES: Final = 128 * 1024
"""So much is posted at once, unless a single message is longer."""

LONGEST_ANSWER: Final = 1024
"""Bytes of what a post is answered with."""

PAYLOAD_FACTOR: Final = 16
"""So many messages of the largest size may come in one answer."""

SHORTEST_INTERVAL: Final = 0.1
"""Seconds between two pings of revision 3 at least, whatever the server wants: each is a post."""

UPGRADE_TIMEOUT: Final = 10.0
CLOSE_POST_TIMEOUT: Final = 2.0


class ClientSession(EngineIOTransport):
    """The transport of a client whose handshake has been answered.

    It reads from the first `resume_reading` on. Two tasks poll and post, and a third one tries
    to upgrade; with a WebSocket in charge there is none.
    """

    __slots__ = (
        "_address",
        "_close_timeout",
        "_early",
        "_gone",
        "_heartbeat",
        "_http",
        "_longest",
        "_lost",
        "_open_websocket",
        "_poller",
        "_poster",
        "_sid",
        "_started",
        "_switching",
        "_timer",
        "_upgrader",
    )

    def __init__(
        self,
        revision: Revision,
        handshake: dict[str, Any],
        early: Iterable[Packet],
        *,
        address: Address,
        http: PollingClient,
        open_websocket: OpenWebSocket | None,
        max_length: int,
        close_timeout: float,
    ) -> None:
        super().__init__(revision, binary=False, max_length=max_length)
        self._address = address
        self._http = http
        self._open_websocket = open_websocket
        self._early = early
        self._close_timeout = close_timeout
        self._longest = max(PAYLOAD_FACTOR * max_length, DEFAULT_LIMITS.poll_bytes)
        self._sid = str(handshake["sid"])
        self._heartbeat = ClientHeartbeat(
            self,
            pings=revision.number == 3,
            interval=max(SHORTEST_INTERVAL, float(handshake["pingInterval"]) / 1000),
            timeout=float(handshake["pingTimeout"]) / 1000,
        )
        self._started = self._switching = self._gone = False
        self._lost = False
        self._poller: asyncio.Task[None] | None = None
        self._poster: asyncio.Task[None] | None = None
        self._upgrader: asyncio.Task[None] | None = None
        self._timer: Timer | None = None

    # -- in

    def resume_reading(self) -> None:
        """Start reading, first with what has come along with the handshake."""
        super().resume_reading()
        if self._started or self._gone:
            return
        self._started = True
        self._heartbeat.start()
        if self._wire is None:
            self._poller = spawn(self._guarded(self._poll))
            if self._open_websocket is not None:
                self._upgrader = spawn(self._upgrade(self._open_websocket))
        else:
            self._hand_over(self._wire)

    def begin_over(self, wire: Transport) -> None:
        """Use a WebSocket from the first."""
        wire.pause_reading()
        wire.connection = SessionReceiver(self)
        self.binary = True
        self._wire = wire

    def _hand_over(self, wire: Transport) -> None:
        early, self._early = self._early, ()
        try:
            for packet in early:
                self.received(packet)
        except ProtocolError as error:
            self.over(error)
        if not self.paused:
            wire.resume_reading()

    async def _poll(self) -> None:
        await self._take_in(self._early)
        while not (self._gone or self._switching):
            body = await self._http.ask("GET", self._url(POLLING), limit=self._longest)
            await self._take_in(self.revision.decoded(body, TEXT))

    async def _take_in(self, packets: Iterable[Packet]) -> None:
        for packet in packets:
            await self.its_turn(packet)
            if self._gone:
                return
            self.received(packet)

    def live(self) -> None:
        """Note that the server lives."""
        self._heartbeat.seen()

    def received(self, packet: Packet) -> None:
        """Act on a packet, and note that the server lives."""
        self.live()
        super().received(packet)

    def control(self, kind: str, data: str) -> None:
        """Act on a packet that is no message; what has no meaning here is left alone."""
        if kind == PING:
            self._heartbeat.pinged()
            self.answer(PONG + data)
        elif kind == CLOSE:
            self._lost = True
            self.over(ending=Ending.of_peer())

    # -- out

    def wake(self) -> None:
        """Start a post, unless one is under way."""
        if self._poster is None and not self._switching and not self._gone:
            self._poster = spawn(self._guarded(self._post))

    async def _post(self) -> None:
        try:
            while self.queued and not self._switching:
                packets = self.take(POST_BYTES)
                await self._send_off(packets)
                if packets[-1] == CLOSE:
                    self._lost = True
                    self.over()
        finally:
            self._poster = None

    async def _send_off(self, packets: list[Packet]) -> None:
        body, content_type = self.revision.payload(packets, binary=self.binary)
        url = self._url(POLLING)
        await self._http.ask("POST", url, body, content_type=content_type, limit=LONGEST_ANSWER)

    async def _guarded(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do it; what goes wrong is the end of the session."""
        try:
            await work()
        except HandshakeError as error:
            self._lost = True
            # A server that has ended the session says by this status that it knows it no longer.
            self.over(None if error.status == 400 else error)
        except ProtocolError as error:
            self.over(error)
        except TransportError as error:
            self._lost = True
            self.over(error)

    def _url(self, transport: str) -> str:
        return self._address.of(transport, self.revision.number, self._sid)

    # -- upgrading

    async def _upgrade(self, open_websocket: OpenWebSocket) -> None:
        """Switch to a WebSocket, if that can be."""
        wire: Transport | None = None
        try:
            async with Within(UPGRADE_TIMEOUT):
                wire, receiver = await open_websocket(self._url(WEBSOCKET))
                wire.send(PING + PROBE)
                if await receiver.next() != PONG + PROBE:
                    raise ProtocolError("a WebSocket does not answer its probe")
                self._switching = True
                await receiver.meanwhile(self._idle())
            wire.send(UPGRADE)
            self.take_over(wire, binary=True)
            self._switching = False
            if not self.paused:
                wire.resume_reading()
        except (TransportError, TimeoutError) as error:
            log.debug("no WebSocket, the connection is polled on: %s", error)
            _discard(wire)
            self._poll_on()
        except BaseException:
            _discard(wire)
            raise
        finally:
            self._upgrader = None

    async def _idle(self) -> None:
        """Wait until no request is under way."""
        for task in (self._poller, self._poster):
            if task is not None and not task.done():
                await asyncio.wait({task})

    def _poll_on(self) -> None:
        if self._switching and not self._gone:
            self._switching = False
            if self._poller is None or self._poller.done():
                self._early = []
                self._poller = spawn(self._guarded(self._poll))
            if self.queued:
                self.wake()

    # -- the end

    def close(self, code: int | None = None, reason: str = "") -> None:
        """Close, behind all that was sent."""
        if self.closing:
            return
        self.closing = True
        if self._wire is not None:
            self._wire.close(code, reason)
        else:
            self.put(CLOSE)
        if not self._gone:
            self._timer = expect(SYSTEM_CLOCK, self._close_timeout, self.abort)
        super().resume_reading()

    def over(self, error: Exception | None = None, ending: Ending | None = None) -> None:
        """End the session, by itself or since the server did what `error` or `ending` says."""
        if self._gone:
            return
        self._gone = self.closing = True
        self._heartbeat.stop()
        if self._timer is not None:
            self._timer.cancel()
        self.forget()
        for task in (self._poller, self._upgrader):
            if task is not None and task is not asyncio.current_task():
                task.cancel()
        poster = self._poster if self._poster is not asyncio.current_task() else None
        spawn(self._leave(poster))
        self.finish(error, ending)
        super().resume_reading()

    async def _leave(self, poster: asyncio.Task[None] | None) -> None:
        """Close all connections; a server that may not know is told first, if it can be.

        Args:
            poster: the post that is under way. Another beside it would break the rules; and when it
                breaks off, that tells the server as well.
        """
        try:
            if self._wire is None and not self._lost:
                async with asyncio.timeout(CLOSE_POST_TIMEOUT):
                    if poster is not None:
                        await asyncio.wait({poster})
                    if not self._lost:
                        await self._send_off([CLOSE])
        except (TransportError, TimeoutError) as error:
            log.debug("the server was not told of the end: %s", error)
        finally:
            if poster is not None:
                poster.cancel()
            await self._http.close()


def _discard(wire: Transport | None) -> None:
    """Drop a WebSocket that was tried out, if there is one."""
    if wire is not None:
        wire.connection = None
        wire.abort()
