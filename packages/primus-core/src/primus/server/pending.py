"""The connections of a server of our own that wait for a request, and the answers under way."""

from __future__ import annotations

import asyncio
import logging
import math
import sys
from collections.abc import Callable
from contextvars import copy_context
from typing import Final, Protocol, cast

from primus.clock import SYSTEM_CLOCK, Timer, expect
from primus.contracts import Elsewhere, Server
from primus.server.answer_heads import AnswerHeads
from primus.websocket import speedups

__all__ = ["NEVER", "PendingConnections"]

log = logging.getLogger("primus.server")


NEVER: Final = math.inf
IDLE: Final = -math.inf
"""Counts from when the timer sees it: idle connections are many, and their time is long."""
ANY_TIME: Final = sys.float_info.max

PRECISION: Final = 10
"""Parts of the shortest time that a connection may have: so late may it be dropped."""


class Deadlines:
    """Drops connections whose time is over, on one timer.

    Args:
        handshake: seconds for the head of a first request, or for the rest of one; `None` for any
            time.
        keepalive: seconds that a connection may be idle; `None` for any time.
    """

    def __init__(self, handshake: float | None, keepalive: float | None) -> None:
        self.due: dict[asyncio.Transport, float] = {}
        """When each connection is dropped, in seconds of the loop: `NEVER` while it is answered,
        `IDLE` when it has just been.
        """
        self._keepalive = keepalive
        self._period = min(filter(None, (handshake, keepalive)), default=None)
        self._loop = asyncio.get_running_loop()
        self._timer: Timer | None = None

    def set(self, transport: asyncio.Transport, timeout: float | None) -> None:
        """Drop a connection after `timeout` seconds, unless that is changed before."""
        self.due[transport] = ANY_TIME if timeout is None else self._loop.time() + timeout
        if self._timer is None:
            self._start()

    def _start(self) -> None:
        if self._period is not None:
            self._timer = expect(SYSTEM_CLOCK, self._period / PRECISION, self._sweep)

    def _sweep(self) -> None:
        self._timer = None
        now, keepalive = self._loop.time(), self._keepalive
        idle = ANY_TIME if keepalive is None else now + keepalive
        for transport, due in self.due.items():
            if due == IDLE:
                self.due[transport] = idle
        late = [transport for transport, due in self.due.items() if due <= now]
        for transport in late:
            del self.due[transport]
            if not transport.is_closing():
                log.debug("dropped a connection that sent no request in time")
                transport.abort()
        if self.due:
            self._start()

    def close(self) -> None:
        """Close the connections that wait for something, and drop none any more."""
        if self._timer is not None:
            self._timer.cancel()
        for transport, due in self.due.items():
            if due != NEVER:
                transport.close()
        self._period = None


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
        self.context = copy_context()
        """What each request begins in, whatever an earlier one has set."""
        self.max_head = limits.max_head
        self.max_headers = limits.max_headers
        self.upgrade_fields = speedups.upgrade_fields()
        """What reads the heads of upgrades, where something compiled does."""
        self.begins_bare = primus.transformer.begins_bare
        self.upgrades_bare = primus.transformer.upgrades_bare
        self.takes_transports = primus.transformer.takes_transports
        self.most_ahead = max(limits.max_head, limits.read_ahead_bytes)
        self.heads = AnswerHeads()
        self.handshake_timeout = limits.handshake_timeout
        self.keepalive_timeout = limits.keepalive_timeout
        self.deadlines = Deadlines(self.handshake_timeout, self.keepalive_timeout)
        self.is_closed = False
        self.tasks: set[asyncio.Task[None]] = set()
        """Those that answer a request which waits for something."""

    def hand_over(self) -> None:
        """Let another process have the connections that wait for a request."""
        elsewhere = self.primus.elsewhere
        if elsewhere is None or self.secure:
            return
        for transport, due in tuple(self.deadlines.due.items()):
            if due != NEVER and not transport.is_closing():
                cast("Leaving", transport.get_protocol()).leave(elsewhere)

    async def close(self, timeout: float) -> None:
        """Close the connections that wait; answers under way get `timeout` seconds to end."""
        self.is_closed = True
        self.deadlines.close()
        if self.tasks:
            _, late = await asyncio.wait(self.tasks, timeout=timeout)
            for task in late:
                task.cancel()
