"""The way into a server of our own.

Whoever connects stands in the `Lobby` until the head of a request has come. An upgrade that a
transformer of ours takes over needs nothing of aiohttp but its parser, and costs half as much
without the rest. Everything else is aiohttp's: it gets the connection with what has been read.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Final, cast

from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpProcessingError, HttpRequestParser, HttpVersion11, RawRequestMessage

from primus.http import HandOver, Request, Response, closing
from primus.server.hosts.aiohttp import CHUNK, NOBODY, address_of, is_upgrade

if TYPE_CHECKING:
    from primus.server.primus import Primus

__all__ = ["Entrance", "Lobby"]

log = logging.getLogger("primus.server")

EAGER: Final[dict[str, Any]] = {"eager_start": True} if sys.version_info >= (3, 12) else {}
"""How a task begins at once, where it can: most are over when they would have begun."""

WITH_BODY: Final = ("Content-Length", "Transfer-Encoding", "Expect")
"""Headers of somebody who means to send a body, as hardly any upgrade does."""


class Lobby:
    """The connections that have made no request yet; each is dropped when its time is over.

    Args:
        primus: what answers the upgrades.
        aiohttp: makes a protocol of aiohttp, for a connection that is to be its own.
        secure: whether clients connect by TLS.
        timeout: seconds that a client gets to send the head of its first request.
    """

    def __init__(
        self,
        primus: Primus,
        aiohttp: Callable[[], asyncio.Protocol],
        secure: bool,
        timeout: float | None,
    ) -> None:
        self.primus = primus
        self._aiohttp = aiohttp
        self.secure = secure
        self.loop = asyncio.get_running_loop()
        self._timeout = timeout
        self._waiting: dict[asyncio.Transport, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def enter(self, transport: asyncio.Transport) -> None:
        """Somebody has connected."""
        if self._closed:
            transport.abort()
            return
        now = self.loop.time()
        self._waiting[transport] = now
        if self._timer is None and self._timeout is not None:
            self._timer = self.loop.call_at(now + self._timeout, self._sweep, self._timeout)

    def pass_on(self, transport: asyncio.Transport) -> asyncio.Protocol:
        """A protocol of aiohttp for somebody, who is waited for until a request has come."""
        if self._timeout is None:
            self.leave(transport)
        return self._aiohttp()

    def leave(self, transport: asyncio.Transport) -> None:
        """The head of its first request has come, or it has gone."""
        self._waiting.pop(transport, None)

    def _sweep(self, timeout: float) -> None:
        """Drop those who came first, up to the first whose time is not over."""
        self._timer = None
        now = self.loop.time()
        for transport, since in tuple(self._waiting.items()):
            if since + timeout > now:
                self._timer = self.loop.call_at(since + timeout, self._sweep, timeout)
                return
            del self._waiting[transport]
            if not transport.is_closing():
                log.debug("dropped a connection that sent no request")
                transport.abort()

    def start(self, answering: Coroutine[Any, Any, None]) -> None:
        """Answer somebody, who is no longer in the lobby."""
        task = asyncio.Task(answering, loop=self.loop, **EAGER)
        if not task.done():
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self, timeout: float) -> None:
        """Let nobody wait any more; answers under way get `timeout` seconds to end."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for transport in self._waiting:
            transport.close()
        self._waiting.clear()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=timeout)
            for task in late:
                task.cancel()


class Entrance(asyncio.Protocol):
    """A connection until it is known whose it is."""

    __slots__ = ("_early", "_is_answered", "_lobby", "_transport")

    _transport: asyncio.Transport

    def __init__(self, lobby: Lobby) -> None:
        self._lobby = lobby
        self._is_answered = False
        self._early = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody has connected."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self._lobby.enter(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """It has gone again."""
        self._lobby.leave(self._transport)

    def data_received(self, data: bytes) -> None:
        """See what it wants; what follows an upgrade waits until that has been answered."""
        if self._is_answered:
            self._early += data
            self._transport.pause_reading()
            return
        request = self._upgrade(data)
        if request is None:
            self._pass_on(data)
        else:
            self._is_answered = True
            self._lobby.leave(self._transport)
            self._lobby.start(self._answer(request))

    def _pass_on(self, data: bytes) -> None:
        """Give the connection to aiohttp, which tells the lobby when a request has come."""
        protocol = self._lobby.pass_on(self._transport)
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        protocol.data_received(data)

    def _upgrade(self, data: bytes) -> Request | None:
        """The upgrade that `data` begins with, or `None` when it is anything else."""
        lobby, transport = self._lobby, self._transport
        primus = lobby.primus
        if not primus.transformer.takes_transports or b"pgrade" not in data:
            return None
        parser = HttpRequestParser(BaseProtocol(lobby.loop), lobby.loop, CHUNK)
        try:
            messages, upgraded, early = parser.feed_data(data)
        except HttpProcessingError:
            return None  # aiohttp is to answer that
        if not upgraded:
            return None
        head: RawRequestMessage = messages[0][0]
        headers = head.headers
        if (
            len(messages) > 1
            or not is_upgrade(head.method, headers)
            or head.version != HttpVersion11
            or not head.path.startswith(primus.pathname)
            or any(name in headers for name in WITH_BODY)
        ):
            return None
        self._early = early
        return Request(
            head.method,
            head.path,
            headers,
            address=address_of(transport),
            secure=lobby.secure,
            detach=self._detach,
            drop=transport.abort,
            native=transport,
        )

    def _detach(self) -> HandOver:
        transport = self._transport
        if transport.is_closing():
            raise ConnectionResetError("the client has gone before its upgrade was answered")
        transport.pause_reading()
        transport.set_protocol(NOBODY)
        return HandOver(transport, self._early)

    async def _answer(self, request: Request) -> None:
        try:
            response = await self._lobby.primus.handle(request)
            if response is None:
                if request.detachable:  # nobody has taken it after all
                    self._transport.abort()
                return
            head = _head(request, response)
        except asyncio.CancelledError:
            self._transport.abort()
            raise
        except Exception:
            log.exception("failed to answer %r", request)
            request.response_headers.clear()
            response = Response.error(500)
            head = _head(request, response)
        if request.detachable and not self._transport.is_closing():
            with suppress(ConnectionError):
                await _send(self._transport, head, response)


def _head(request: Request, response: Response) -> bytes:
    headers = response.headers_for(request)
    headers["Date"] = formatdate(usegmt=True)
    headers["Connection"] = "close"
    lines = [f"HTTP/1.1 {response.status} {response.reason}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join((*lines, "", "")).encode()


async def _send(transport: asyncio.Transport, head: bytes, response: Response) -> None:
    """Refuse an upgrade.

    Raises:
        ConnectionError: the client has gone.
    """
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    transport.set_protocol(protocol)
    protocol.connection_made(transport)
    writer = asyncio.StreamWriter(transport, protocol, reader, asyncio.get_running_loop())
    try:
        writer.write(head + response.body)
        if response.chunks is not None:
            async with closing(response.chunks) as chunks:
                async for chunk in chunks:
                    writer.write(chunk)
                    await writer.drain()
    finally:
        writer.close()
