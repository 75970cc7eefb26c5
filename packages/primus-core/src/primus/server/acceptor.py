"""Accepting connections for a server of our own.

For want of descriptors, asyncio's own loop tries thousands of times in one turn and logs an error
for each. So on such a loop the accepting is ours: connections wait in the kernel's queue, and the
others are served meanwhile. uvloop accepts in C, three times as fast, and closes what it has no
descriptor for. On both the log says once what to raise.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import math
import os
import socket
import ssl
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from primus.limits import Limits

if sys.platform != "win32":
    import resource  # at once: it is needed when no file can be opened any more, its own included

__all__ = ["BACKLOG", "Acceptor"]

log = logging.getLogger("primus.server")

EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
BACKLOG: Final = 4096
"""Connections that may wait in the kernel's queue."""
RETRY: Final = 0.25
"""Seconds until it is tried again when there was no descriptor."""
QUIET: Final = 60.0
"""Seconds in which the log tells of that once."""
SAMPLE: Final = 16
"""Where the loop accepts by itself, every so many connections it is seen how many may come yet."""


class Acceptor:
    """Accepts the connections of one listening socket.

    Args:
        listener: listens already; it is closed in the end.
        factory: makes the protocol of a connection.
        tls: of the server, or `None`.
        limits: how many are accepted in a turn, and how long a TLS handshake may take.
    """

    def __init__(
        self,
        listener: socket.socket,
        factory: Callable[[], asyncio.Protocol],
        tls: ssl.SSLContext | None,
        limits: Limits,
    ) -> None:
        self._listener = listener
        self._factory = factory
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._tls: dict[str, Any] = {}
        if tls is not None:
            self._tls = {"ssl": tls, "ssl_handshake_timeout": limits.handshake_timeout}
        self._server: asyncio.Server | None = None
        self._retry: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._told = -QUIET
        self._count = 0

    async def start(self) -> None:
        """Begin to accept."""
        self._listener.setblocking(False)
        if isinstance(self._loop, asyncio.SelectorEventLoop):
            self._loop.add_reader(self._listener, self._accept)
        else:
            self._server = await self._loop.create_server(
                self._watched, sock=self._listener, backlog=BACKLOG, **self._tls
            )

    def stop(self) -> None:
        """Accept no more; calling it again does nothing."""
        if self._server is not None:
            self._server.close()
        elif self._listener.fileno() >= 0:
            if self._retry is not None:
                self._retry.cancel()
            self._loop.remove_reader(self._listener)
            self._listener.close()

    async def close(self) -> None:
        """Wait for what has been accepted; TLS handshakes under way are given up."""
        if self._tls:
            for task in self._tasks:
                task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _accept(self) -> None:
        for _ in range(self._limits.accepted_per_turn):
            try:
                connection, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno in EXHAUSTED:
                    self._pause(error)
                else:
                    log.warning("a connection was not accepted: %s", error)
                return
            connection.setblocking(False)
            task = self._loop.create_task(self._connect(connection))
            self._tasks.add(task)
            task.add_done_callback(partial(self._connected, connection))

    def _connected(self, connection: socket.socket, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled():  # it never began, so nothing has the socket yet
            connection.close()

    async def _connect(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._factory, connection, **self._tls)
        except (OSError, asyncio.CancelledError) as error:  # a failed TLS handshake, for one
            log.debug("a connection was not established: %r", error)

    def _watched(self) -> asyncio.Protocol:
        """A protocol for a connection that the loop has accepted."""
        self._count += 1
        if self._count % SAMPLE == 0:
            try:
                free = os.dup(self._listener.fileno())
            except OSError as error:
                self._tell(error)
            else:
                os.close(free)  # the lowest number there is
                if free + 2 * SAMPLE > _limit():
                    self._tell(OSError(errno.EMFILE, os.strerror(errno.EMFILE)))
        return self._factory()

    def _pause(self, error: OSError) -> None:
        """Let connections wait until there are descriptors again."""
        self._loop.remove_reader(self._listener)
        self._retry = self._loop.call_later(RETRY, self._resume)
        self._tell(error)

    def _tell(self, error: OSError) -> None:
        """Log it, unless that was done a moment ago."""
        now = self._loop.time()
        if now - self._told >= QUIET:
            self._told = now
            log.error("%s", _advice(error))

    def _resume(self) -> None:
        self._retry = None
        self._loop.add_reader(self._listener, self._accept)


def _advice(error: OSError) -> str:
    text = f"no more connections can be accepted for now: {error}."
    if error.errno != errno.EMFILE:
        return text
    return (
        f"{text} This process may open {_limit():.0f} files, and each connection is one: raise "
        "that by `ulimit -n 65536`, or by LimitNOFILE in its systemd unit."
    )


def _limit() -> float:
    """How many files this process may open."""
    if sys.platform == "win32":
        return math.inf
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return math.inf if soft == resource.RLIM_INFINITY else soft
