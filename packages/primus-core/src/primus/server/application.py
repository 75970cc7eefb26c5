"""The aiohttp application behind a server of our own, which gets what is not ours to answer.

It bounds no head and drops no client that sends half of one, so heads are kept here before aiohttp
gets them, also the later ones of a connection. That needs private names of aiohttp, which
`primus.server.hosts.aiohttp` looks for at import.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler

from primus.limits import Limits
from primus.server.head_intake import HeadIntake
from primus.server.hosts.aiohttp import Watch
from primus.server.pending import PendingConnections

__all__ = ["Application", "ApplicationConnection"]

log = logging.getLogger("primus.server")


class ServerLogger(logging.LoggerAdapter[logging.Logger]):
    """Logs at DEBUG, without a traceback, what only a peer's malformed request has caused."""

    def exception(self, msg: object, *args: Any, **kwargs: Any) -> None:
        """Log an error; a malformed request is none of ours."""
        error = kwargs.get("exc_info")
        if isinstance(error, HttpProcessingError):
            self.debug("refused a malformed request: %s", error.message)
        else:
            super().exception(msg, *args, **kwargs)


class Application:
    """Runs an application of aiohttp, without a listening socket of its own.

    Args:
        app: what it runs.
        limits: what a client may cost.
        shutdown_timeout: seconds that requests under way get at least, when it stops.
    """

    def __init__(self, app: web.Application, limits: Limits, shutdown_timeout: float) -> None:
        self.runner = web.AppRunner(
            app,
            access_log=None,
            keepalive_timeout=limits.keepalive_timeout or 0.0,
            shutdown_timeout=shutdown_timeout,
            logger=ServerLogger(log),
            auto_decompress=False,  # no client compresses, and a bomb blocks the loop unread
            max_line_size=limits.max_head,
            max_field_size=limits.max_head,
            max_headers=limits.max_headers,
        )

    async def start(self) -> None:
        """Start up."""
        await self.runner.setup()

    def __call__(
        self, pending: PendingConnections, adopted: bytes | None = None
    ) -> ApplicationConnection:
        """Make the protocol of a connection."""
        assert self.runner.server is not None
        return ApplicationConnection(pending, self.runner.server, adopted)

    async def stop(self, timeout: float) -> None:
        """Finish the requests under way, within `timeout` seconds."""
        if self.runner.server is not None:
            self.runner.server.pre_shutdown()  # idle connections, which browsers keep, end at once
            await self.runner.server.shutdown(timeout)
        await self.runner.cleanup()


class ApplicationConnection(HeadIntake):
    """A connection that is aiohttp's, but for the heads of its requests.

    Args:
        pending: the connections of which a head has not come whole yet.
        server: makes the protocol of aiohttp.
        adopted: what another process has read, see `HeadIntake`.
    """

    __slots__ = ("_count", "_handler", "_server")

    def __init__(
        self,
        pending: PendingConnections,
        server: Callable[[], RequestHandler],
        adopted: bytes | None = None,
    ) -> None:
        super().__init__(pending, adopted)
        self._server = server
        self._handler: RequestHandler | None = None
        """That of aiohttp, once a request has come."""
        self._count = 0
        """Bytes of further requests that have come while aiohttp answers one."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection, and let aiohttp do so."""
        super().connection_lost(exc)
        if self._handler is not None:
            self._handler.connection_lost(exc)

    def pause_writing(self) -> None:
        """Tell aiohttp that the client reads too slowly, and see whether it reads at all."""
        super().pause_writing()
        if self._handler is not None:
            self._handler.pause_writing()

    def resume_writing(self) -> None:
        """Tell aiohttp that the client has caught up."""
        if self._handler is not None:
            self._handler.resume_writing()

    def data_received(self, data: bytes) -> None:
        """Keep a head until it is whole, and pass everything else on."""
        handler = self._handler
        if self._is_refused:
            return
        if handler is None and not self._head:
            data = data.lstrip(b"\r\n")  # aiohttp has what is between later heads
        if handler is None or self._head or _is_idle(handler):
            if data:
                self.collect(data)
            return
        if handler._payload_parser is not None:  # a WebSocket: no head comes any more
            self._transport.set_protocol(handler)
            self.released()
        elif _has_all(handler):
            self._count += len(data)
            if self._count > self._pending.most_ahead:
                log.debug("dropped a connection that sends on while it is to read")
                self._transport.abort()
                return
        handler.data_received(data)

    @property
    def is_between_heads(self) -> bool:
        """Whether aiohttp has nothing of the next head: it may have been behind the last one."""
        return self._handler is None

    def arrived(self, data: bytes, end: int) -> None:
        """Give a head to aiohttp, and what stands behind it."""
        self._pending.primus.writes.add(self._transport)
        self._count = 0
        if self._handler is None:
            self._handler = self._server()
            self._handler.connection_made(self._transport)
        self._handler.data_received(data)


def _is_idle(handler: RequestHandler) -> bool:
    """Whether aiohttp waits for a request."""
    waiter = handler._waiter
    return waiter is not None and not waiter.done()


def _has_all(handler: RequestHandler) -> bool:
    """Whether a request is being answered whose body has come: what comes now is the next one."""
    request = handler._current_request
    payload: Any = None if request is None else request._payload
    return payload is not None and (isinstance(payload, Watch) or payload.is_eof())
