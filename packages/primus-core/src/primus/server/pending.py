"""The connections of a server of our own that wait for a request, and the answers under way."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Protocol, cast

from primus.clock import SYSTEM_CLOCK, Timer, expect
from primus.contracts import Elsewhere, Server
from primus.server.answer_heads import AnswerHeads
from primus.tasks import EAGER

__all__ = ["Overdue", "PendingConnections"]

log = logging.getLogger("primus.server")


class Overdue:
    """Connections that wait for the same thing, on one timer: each is dropped when it is late.

    Args:
        timeout: seconds that each of them has; `None` for any time.
        reason: what the log says of those that are dropped.
    """

    def __init__(self, timeout: float | None, reason: str) -> None:
        self.timeout = timeout
        self._reason = reason
        self._loop = asyncio.get_running_loop()
        self._since: dict[asyncio.Transport, float] = {}
        self._timer: Timer | None = None

    def __len__(self) -> int:
        return len(self._since)

    def __iter__(self) -> Iterator[asyncio.Transport]:
        """Iterate over the connections there are now; they may come and go meanwhile."""
        return iter(tuple(self._since))

    def enter(self, transport: asyncio.Transport) -> None:
        """Drop a connection, unless it leaves in time."""
        self._since.setdefault(transport, self._loop.time())
        if self._timer is None and self.timeout is not None:
            self._timer = expect(SYSTEM_CLOCK, self.timeout, self._sweep, self.timeout)

    def leave(self, transport: asyncio.Transport) -> None:
        """Forget a connection: what it waited for has come, or the client has gone."""
        self._since.pop(transport, None)

    def _sweep(self, timeout: float) -> None:
        """Drop the oldest ones, up to the first whose time is not over."""
        self._timer = None
        now = self._loop.time()
        for transport, since in tuple(self._since.items()):
            if since + timeout > now:
                self._timer = expect(SYSTEM_CLOCK, since + timeout - now, self._sweep, timeout)
                return
            del self._since[transport]
            if not transport.is_closing():
                log.debug("dropped a connection that %s", self._reason)
                transport.abort()

    def close(self) -> None:
        """Close them all, and wait for none any more."""
        if self._timer is not None:
            self._timer.cancel()
        for transport in self._since:
            transport.close()
        self._since.clear()


class Leaving(Protocol):
    """A protocol that can give its connection away."""

    def leave(self, elsewhere: Elsewhere) -> None:
        """Give the connection, which waits for a request, to another process."""


class Adopting(Protocol):
    """A protocol that can take over a connection in the middle."""

    def adopt(self, transport: asyncio.Transport, data: bytes) -> None:
        """Take over a connection, whose next request `data` begins with."""


class PendingConnections:
    """The connections of one server: those that have a request to make, and those that are idle.

    Args:
        primus: what answers the requests.
        application: makes the protocol of a connection that is not ours to answer; `None` when all
            of them are.
        secure: whether clients connect by TLS.
    """

    def __init__(
        self,
        primus: Server,
        application: Callable[[PendingConnections], Adopting] | None,
        secure: bool,
    ) -> None:
        limits = primus.limits
        self.primus = primus
        self.application = application
        self.secure = secure
        self.loop = asyncio.get_running_loop()
        self.max_head = limits.max_head
        self.most_ahead = max(limits.max_head, limits.read_ahead_bytes)
        self.heads = AnswerHeads()
        self.requests = Overdue(limits.handshake_timeout, "sent no request")
        """Those of which a head has not come whole yet."""
        self.idle = Overdue(limits.keepalive_timeout, "was idle")
        """Those that are kept open for another request."""
        self.is_closed = False
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, answering: Coroutine[Any, Any, None]) -> None:
        """Answer a request."""
        task = asyncio.Task(answering, loop=self.loop, **EAGER)
        if not task.done():
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def hand_over(self) -> None:
        """Let another process have the connections that wait for a request."""
        elsewhere = self.primus.elsewhere
        if elsewhere is not None and not self.secure:
            for transport in (*self.requests, *self.idle):
                if not transport.is_closing():
                    cast("Leaving", transport.get_protocol()).leave(elsewhere)

    async def close(self, timeout: float) -> None:
        """Close the connections that wait; answers under way get `timeout` seconds to end."""
        self.is_closed = True
        self.requests.close()
        self.idle.close()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=timeout)
            for task in late:
                task.cancel()
