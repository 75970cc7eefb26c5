"""What a client does with messages while there is nobody to send them to."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from primus.connection import OPEN, Connection
from primus.tasks import spawn

if TYPE_CHECKING:
    from primus.options import ClientOptions
    from primus.parser import Parser
    from primus.pipeline import Pipeline
    from primus.transformer import Transport

__all__ = ["Farewell", "Queueing"]


class Farewell:
    """Listens to a transport that has been closed, until it is gone."""

    __slots__ = ("gone",)

    def __init__(self) -> None:
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def feed(self, frame: str | bytes, last: bool = True) -> None:
        """Nobody is interested any more."""

    def seen(self) -> None:
        """Nobody is interested any more."""

    def congested(self, jammed: bool) -> None:
        """Nobody is interested any more."""

    def lost(self, error: Exception | None = None) -> None:
        """It is gone."""
        if not self.gone.done():
            self.gone.set_result(None)


class Queueing(Connection):
    """A connection that keeps messages while it is not open, in order.

    They wait behind the transforms, which have seen each message when it was written.
    """

    def __init__(self, parser: Parser, pipeline: Pipeline, options: ClientOptions) -> None:
        super().__init__(parser, pipeline, options.clock)
        self.limits = options.limits()
        limited = options.queue_size < float("inf")
        self._queue: deque[Any] = deque(maxlen=int(options.queue_size) if limited else None)
        self._flushing = False
        self._finishing = False
        self._leaving: set[asyncio.Future[Any]] = set()
        self.sent_at = self.seen_at
        """When the last frame was sent, in seconds of the connection's clock."""

    def _encoded(self, data: Any) -> Awaitable[None] | None:
        if self._transport is None or self._queue or self._flushing:
            self._queue.append(data)
            return None
        return super()._encoded(data)

    def _send(self, frame: str | bytes) -> None:
        self.sent_at = self._now()
        super()._send(frame)

    def _tell(self, text: str, *, last: bool = False) -> None:
        """Send a control message at once, or not at all: it is about this connection only."""
        if self._state != OPEN:
            return
        pending = super()._encoded(text)
        if pending is not None:
            spawn(_done(pending))

    def _reply(self, kind: str, text: str) -> None:
        if self._jammed:
            self._owed[kind] = text
        else:
            self._tell(text)

    def _flush(self) -> None:
        """Send what has been kept."""
        queue = self._queue
        while queue and self._transport is not None:
            pending = super()._encoded(queue.popleft())
            if pending is not None:
                self._flushing = True
                spawn(self._flush_on(pending))
                return

    async def _flush_on(self, pending: Awaitable[None]) -> None:
        """As `_flush`, with a parser that is async."""
        try:
            await pending
        finally:
            self._flushing = False
        self._flush()
        if self._finishing and not self._flushing:
            self._finish()

    def _finish(self) -> None:
        self._finishing = self._flushing
        if not self._finishing:
            super()._finish()

    def _close_transport(self, transport: Transport | None) -> None:
        if transport is not None and self._let_go(transport):
            transport.close()

    def _abort_transport(self) -> None:
        """Drop the wire at once."""
        transport = self._transport
        if transport is not None and self._let_go(transport):
            transport.abort()

    def _let_go(self, transport: Transport) -> bool:
        """Have nothing to do with a transport any more; False when that is so already."""
        if transport.connection is not self:
            return False
        if transport is self._transport:
            self._detach()
        farewell = Farewell()
        transport.connection = farewell
        self._remember(farewell.gone)
        return True

    def _remember(self, future: asyncio.Future[Any]) -> None:
        self._leaving.add(future)
        future.add_done_callback(self._leaving.discard)

    async def wait_closed(self) -> None:
        """Wait until the wires of all connections that have ended are gone."""
        while self._leaving:
            await asyncio.wait(self._leaving)


async def _done(pending: Awaitable[None]) -> None:
    await pending
