"""A session of a client by polls and posts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Iterator
from typing import Any, Final

from primus.clock import Within
from primus.closed import Ending
from primus.errors import HandshakeError, ProtocolError, TransportError
from primus.limits import DEFAULT_LIMITS
from primus.polling import PollingClient, opened_session
from primus.tasks import spawn
from primus.transformer import DialOptions
from primus.websocket import CLOSE_TIMEOUT, utf8
from primus_transformer_socketio.client.address import Address, Handshake
from primus_transformer_socketio.client.session import ClientSession
from primus_transformer_socketio.packets import (
    CONNECTED,
    DISCONNECTED,
    as_text,
    packets,
    payload,
)

__all__ = ["PollingSession"]

log = logging.getLogger("primus.client")

POST_BYTES: Final = 128 * 1024
"""So much is posted at once, unless a single message is longer."""

LONGEST_ANSWER: Final = 1024
"""Bytes of what a post is answered with."""

PAYLOAD_FACTOR: Final = 16
"""So many messages of the largest size may come in one answer."""

CLOSE_POST_TIMEOUT: Final = 2.0

TEXT: Final = "text/plain;charset=UTF-8"


class PollingSession(ClientSession):
    """Two tasks poll and post; there is one poll and at most one post at any time."""

    __slots__ = (
        "_address",
        "_close_timeout",
        "_early",
        "_http",
        "_is_told",
        "_key",
        "_longest",
        "_poller",
        "_poster",
    )

    def __init__(
        self, dial: DialOptions, address: Address, handshake: Handshake, http: PollingClient
    ) -> None:
        super().__init__(dial.max_length, handshake.close_timeout)
        self._address = address
        self._key = handshake.key
        self._http = http
        self._close_timeout = float(dial.options.get("close_timeout", CLOSE_TIMEOUT))
        self._longest = max(PAYLOAD_FACTOR * dial.max_length, DEFAULT_LIMITS.poll_bytes)
        self._early: Iterable[str] = ()
        """What came along with the packet that opened the session."""
        self._is_told = False
        """Whether the server knows of the end."""
        self._poller: asyncio.Task[None] | None = None
        self._poster: asyncio.Task[None] | None = None

    @classmethod
    async def open(
        cls, dial: DialOptions, address: Address, handshake: Handshake, http: PollingClient
    ) -> PollingSession:
        """A session that is open and does not read yet.

        Raises:
            HandshakeError: the server refused.
            TransportError: it cannot be reached, or does not open the session.
        """
        session = cls(dial, address, handshake, http)
        arrived = await opened_session(session._ask(), session._decline)
        first = next(arrived, "")
        if first != CONNECTED:
            raise TransportError(f"the server does not open the session: {first[:20]!r}")
        session._early = arrived
        return session

    async def _decline(self, arrived: Iterator[str]) -> None:
        """End a session that the server has opened for a client that wants it no more."""
        if next(arrived, "") == CONNECTED:
            await self._send_off([DISCONNECTED])

    # -- in

    def resume_reading(self) -> None:
        """Start reading, first with what has come along with the opening."""
        super().resume_reading()
        if self._poller is None and not self._gone:
            self._silence.start()
            self._poller = spawn(self._guarded(self._poll))

    async def _poll(self) -> None:
        await self._take_in(self._early)
        while not self._gone:
            await self._take_in(await self._ask())

    async def _ask(self) -> Iterator[str]:
        body = await self._http.ask("GET", self._url(), limit=self._longest)
        try:
            return packets(body.decode())
        except UnicodeDecodeError as error:
            raise ProtocolError(f"an answer is no UTF-8: {error}") from None

    async def _take_in(self, arrived: Iterable[str]) -> None:
        for each in arrived:
            await self.its_turn(each)
            if self._gone:
                return
            self.received(each)

    # -- out

    def dispatch(self, packet: str) -> None:
        """Send one packet, behind all that was sent before."""
        self.put(packet)

    def wake(self) -> None:
        """Start a post, unless one is under way."""
        if self._poster is None and not self._gone:
            self._poster = spawn(self._guarded(self._post))

    async def _post(self) -> None:
        try:
            while self.queued:
                waiting = [as_text(frame) for frame in self.take(POST_BYTES)]
                await self._send_off(waiting)
                if waiting[-1] == DISCONNECTED:
                    self.left()
        finally:
            self._poster = None

    async def _send_off(self, waiting: list[str]) -> None:
        body = utf8(payload(waiting))
        await self._http.ask("POST", self._url(), body, content_type=TEXT, limit=LONGEST_ANSWER)

    async def _guarded(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do it; what goes wrong is the end of the session."""
        try:
            await work()
        except HandshakeError as error:
            self._is_told = True
            # Ours says by this status that it knows the session no longer.
            self.over(None if error.status == 404 else error)
        except ProtocolError as error:
            self.over(error)
        except TransportError as error:
            self._is_told = True  # as far as that can be: it cannot be reached
            self.over(error)

    def _url(self) -> str:
        return self._address.polling(self._key)

    # -- the end

    def close(self, code: int | None = None, reason: str = "") -> None:
        """Close, behind all that was sent."""
        if self._closing:
            return
        self._closing = True
        self.put(DISCONNECTED)
        if not self._gone:
            self.expect_end(self._close_timeout)
        super().resume_reading()

    def abort(self) -> None:
        """Drop the session at once."""
        self.over()

    def left(self) -> None:
        """End the session, of which the server knows."""
        self._is_told = True
        self.over(ending=Ending.of_peer())

    def over(self, error: Exception | None = None, ending: Ending | None = None) -> None:
        """End the session, by itself or since the server did what `error` or `ending` says."""
        if self._gone:
            return
        self._gone = self._closing = True
        current = asyncio.current_task()
        if self._poller is not None and self._poller is not current:
            self._poller.cancel()
        spawn(self._leave(self._poster if self._poster is not current else None))
        self.finish(error, ending)
        super().resume_reading()

    async def _leave(self, poster: asyncio.Task[None] | None) -> None:
        """Close all connections; a server that may not know is told first, if it can be.

        Args:
            poster: the post that is under way. Another beside it would break the rules; and when it
                breaks off, that tells the server as well.
        """
        try:
            if not self._is_told:
                async with Within(CLOSE_POST_TIMEOUT):
                    if poster is not None:
                        await asyncio.wait({poster})
                    if not self._is_told:
                        await self._send_off([DISCONNECTED])
        except (TransportError, TimeoutError) as error:
            log.debug("the server was not told of the end: %s", error)
        finally:
            if poster is not None:
                poster.cancel()
            await self._http.close()
