"""The way into a server of our own.

An `Entrance` keeps the head of a request until it is whole, within ``max_head``.
`PendingConnections` drops the connection when that takes too long: until then there is neither a
task nor a timer of its own. An upgrade that a transformer of ours takes over needs nothing of
aiohttp but its parser, and costs half as much without the rest. Everything else is aiohttp's, which
gets what has been read; whenever it waits for the next request, the entrance keeps the head of that
one too.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Coroutine
from contextlib import suppress
from email.utils import formatdate
from typing import Any, Final, cast

from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpProcessingError, HttpRequestParser, HttpVersion11, RawRequestMessage
from aiohttp.web_protocol import RequestHandler
from multidict import CIMultiDict

from primus.clock import SYSTEM_CLOCK, Timer, expect
from primus.contracts import Server
from primus.http import HandOver, Request, Response, closing
from primus.server.hosts.aiohttp import CHUNK, NO_PROTOCOL, Watch, address_of, is_upgrade
from primus.tasks import EAGER

__all__ = ["Entrance", "PendingConnections"]

log = logging.getLogger("primus.server")

END: Final = re.compile(rb"\n\r?\n")
"""The end of a head. aiohttp refuses bare line feeds, but it has to see them for that."""

METHOD: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
"""Every method that aiohttp knows begins so; it is to answer anything else at once."""


class PendingConnections:
    """The connections whose request has not come yet; each is dropped when its time is over.

    Args:
        primus: what answers the upgrades.
        aiohttp: makes a protocol of aiohttp, for a connection that is to be its own.
        secure: whether clients connect by TLS.
    """

    def __init__(
        self,
        primus: Server,
        aiohttp: Callable[[], RequestHandler],
        secure: bool,
    ) -> None:
        self.primus = primus
        self.aiohttp = aiohttp
        self.secure = secure
        self.loop = asyncio.get_running_loop()
        self.max_head = primus.limits.max_head
        self.most_ahead = max(self.max_head, primus.limits.read_ahead_bytes)
        self.timeout = primus.limits.handshake_timeout
        self._waiting: dict[asyncio.Transport, float] = {}
        self._timer: Timer | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def enter(self, transport: asyncio.Transport) -> None:
        """Wait for the head of a request."""
        if self._closed:
            transport.abort()
            return
        now = self.loop.time()
        self._waiting[transport] = now
        if self._timer is None and self.timeout is not None:
            self._timer = expect(SYSTEM_CLOCK, self.timeout, self._sweep, self.timeout)

    def leave(self, transport: asyncio.Transport) -> None:
        """Forget a connection: the head of its request has come, or the client has gone."""
        self._waiting.pop(transport, None)

    def _sweep(self, timeout: float) -> None:
        """Drop the oldest ones, up to the first whose time is not over."""
        self._timer = None
        now = self.loop.time()
        for transport, since in tuple(self._waiting.items()):
            if since + timeout > now:
                self._timer = expect(SYSTEM_CLOCK, since + timeout - now, self._sweep, timeout)
                return
            del self._waiting[transport]
            if not transport.is_closing():
                log.debug("dropped a connection that sent no request")
                transport.abort()

    def start(self, answering: Coroutine[Any, Any, None]) -> None:
        """Answer a connection that is no longer pending."""
        task = asyncio.Task(answering, loop=self.loop, **EAGER)
        if not task.done():
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self, timeout: float) -> None:
        """Drop the connections that wait; answers under way get `timeout` seconds to end."""
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
    """A connection until it is known whose it is, and before aiohttp afterwards."""

    __slots__ = (
        "_ahead",
        "_early",
        "_handler",
        "_head",
        "_is_answered",
        "_is_refused",
        "_pending",
        "_transport",
    )

    _transport: asyncio.Transport

    def __init__(self, pending: PendingConnections) -> None:
        self._pending = pending
        self._head: bytearray | None = None
        """The head of the next request as far as it has come."""
        self._handler: RequestHandler | None = None
        """That of aiohttp, once a request was for it."""
        self._ahead = 0
        """Bytes of further requests that have come while aiohttp answers one."""
        self._is_answered = False
        """An upgrade is being answered."""
        self._is_refused = False
        """What still comes is passed over."""
        self._early = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for a request."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self._pending.enter(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection, and let aiohttp do so."""
        self._pending.leave(self._transport)
        self._pending.primus.writes.discard(self._transport)
        if self._handler is not None:
            self._handler.connection_lost(exc)

    def pause_writing(self) -> None:
        """Tell aiohttp that the client reads too slowly, and see whether it reads at all."""
        self._pending.primus.writes.add(self._transport)
        if self._handler is not None:
            self._handler.pause_writing()

    def resume_writing(self) -> None:
        """Tell aiohttp that the client has caught up."""
        if self._handler is not None:
            self._handler.resume_writing()

    def data_received(self, data: bytes) -> None:
        """Keep a head until it is whole; what follows an upgrade waits until that is answered."""
        handler = self._handler
        if handler is not None and not (self._head or _is_idle(handler)):
            if handler._payload_parser is not None:  # a WebSocket: no head comes any more
                self._transport.set_protocol(handler)
            elif _has_all(handler):
                self._ahead += len(data)
                if self._ahead > self._pending.most_ahead:
                    log.debug("dropped a connection that sends on while it is to read")
                    self._transport.abort()
                    return
            handler.data_received(data)
        elif self._is_answered:
            self._early += data
            self._transport.pause_reading()
        elif not self._is_refused:
            self._collect(data)

    def _collect(self, data: bytes) -> None:
        """Take a part of a head, and go on once it is whole."""
        head = self._head
        if head is None:
            if self._handler is None:  # aiohttp may have the beginning of the next head already
                data = data.lstrip(b"\r\n")  # RFC 9112 section 2.2
                if not data:
                    return
            searched = 0
        else:
            searched = max(len(head) - 3, 0)
            head += data
        whole = data if head is None else head
        end = END.search(whole, searched)
        if (len(whole) if end is None else end.end()) > self._pending.max_head:
            self._refuse(Response.error(431))
        elif end is not None or whole[0] not in METHOD:
            self._head = None
            self._pending.leave(self._transport)
            self._decide(bytes(whole))
        elif head is None:
            self._head = bytearray(data)
            self._await_rest()

    def _await_rest(self) -> None:
        """Set the time by which the connection is dropped."""
        if self._handler is not None:  # else it is in there since it connected
            self._pending.enter(self._transport)

    def _decide(self, data: bytes) -> None:
        """Give a request to the Primus, or to aiohttp."""
        self._pending.primus.writes.add(self._transport)
        self._ahead = 0
        handler = self._handler
        if handler is not None:
            handler.data_received(data)
            return
        request = self._upgrade(data)
        if request is not None:
            self._is_answered = True
            self._pending.start(self._answer(request))
            return
        self._handler = handler = self._pending.aiohttp()
        handler.connection_made(self._transport)
        handler.data_received(data)

    def _refuse(self, response: Response) -> None:
        """Answer for good.

        The client gets the answer only while it can send the rest: closing at once would reset
        the connection. So it is dropped when its time is over.
        """
        self._head = None
        self._is_refused = True
        self._await_rest()
        transport = self._transport
        headers = response.headers.copy()
        headers["Content-Length"] = str(len(response.body))
        self._pending.primus.writes.add(transport)
        transport.write(_head(response, headers) + response.body)
        if transport.can_write_eof() and self._pending.timeout is not None:
            transport.write_eof()
        else:
            transport.close()

    def _upgrade(self, data: bytes) -> Request | None:
        """The upgrade that `data` begins with, or `None` when it is anything else."""
        pending, transport = self._pending, self._transport
        primus = pending.primus
        if not primus.transformer.takes_transports or b"pgrade" not in data:
            return None
        longest = pending.max_head
        parser = HttpRequestParser(
            BaseProtocol(pending.loop),
            pending.loop,
            CHUNK,
            max_line_size=longest,
            max_field_size=longest,
        )
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
            or "Expect" in headers
        ):
            return None
        self._early = early
        return Request(
            head.method,
            head.path,
            headers,
            address=address_of(transport),
            secure=pending.secure,
            detach=self._detach,
            drop=transport.abort,
            native=transport,
        )

    def _detach(self) -> HandOver:
        transport = self._transport
        if transport.is_closing():
            raise ConnectionResetError("the client has gone before its upgrade was answered")
        transport.pause_reading()
        transport.set_protocol(NO_PROTOCOL)
        return HandOver(transport, self._early)

    async def _answer(self, request: Request) -> None:
        try:
            response = await self._pending.primus.handle(request)
            if response is None:
                if request.detachable:  # no transformer has taken it
                    self._transport.abort()
                return
            head = _head(response, response.headers_for(request))
        except asyncio.CancelledError:
            self._transport.abort()
            raise
        except Exception:
            log.exception("failed to answer %r", request)
            request.response_headers.clear()
            response = Response.error(500)
            head = _head(response, response.headers_for(request))
        if request.detachable and not self._transport.is_closing():
            self._pending.primus.writes.add(self._transport)
            with suppress(ConnectionError):
                await _send(self._transport, head, response)


def _is_idle(handler: RequestHandler) -> bool:
    """Whether aiohttp waits for a request."""
    waiter = handler._waiter
    return waiter is not None and not waiter.done()


def _has_all(handler: RequestHandler) -> bool:
    """Whether a request is being answered whose body has come: what comes now is the next one."""
    request = handler._current_request
    payload: Any = None if request is None else request._payload
    return payload is not None and (isinstance(payload, Watch) or payload.is_eof())


def _head(response: Response, headers: CIMultiDict[str]) -> bytes:
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
