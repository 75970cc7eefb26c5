"""`Primus.create_server`: a Primus with an HTTP server of its own."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from typing import Any, TypeVar

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from primus.callables import is_awaitable
from primus.contracts import Server
from primus.server.acceptor import BACKLOG, Acceptor
from primus.server.entrance import Entrance, PendingConnections
from primus.server.hosts.aiohttp import AiohttpHost
from primus.server.tls import tls_context

__all__ = ["create_server"]

Made = TypeVar("Made", bound=Server)

log = logging.getLogger("primus.server")

KEEPALIVE = 75.0
"""Seconds that an idle HTTP connection is kept; aiohttp's own default is an hour."""

LAST_CHANCE = 0.1
"""Seconds that requests under way get at least: what is ready is sent."""

TLS_OPTIONS = ("ssl_context", "root", "cert", "key", "ca", "pfx", "passphrase")


async def create_server(
    make: Callable[..., Made],
    on_connection: Callable[..., Any] | None,
    *,
    host: str | None,
    port: int,
    setup: Callable[[Made], Any] | None,
    options: dict[str, Any],
) -> Made:
    """Make and start an HTTP server with a Primus.

    Args:
        make: the class of the Primus.
        on_connection: listens to ``connection``.
        host: the address to listen on; `None` for every interface.
        port: the port; 0 picks a free one.
        setup: called, or awaited, with the Primus before it listens.
        options: those of `Primus`, and for TLS either ``ssl_context`` or ``root``, ``cert``,
            ``key``, ``ca``, ``pfx`` and ``passphrase``.

    Raises:
        OptionError: an option cannot be used.
        OSError: the port is taken, or the address is not one of this machine.
        Exception: whatever `setup` raises.
    """
    tls = tls_context(**{name: options.pop(name) for name in TLS_OPTIONS if name in options})
    app = web.Application()
    primus = make(app, **options)
    if tls is None and not primus.options.iknowhttpsisbetter:
        log.warning(
            "serving plain HTTP: connections over TLS are blocked less often by firewalls and "
            "virus scanners. Behind a proxy that ends TLS, say iknowhttpsisbetter=True."
        )
    if on_connection is not None:
        primus.on("connection", on_connection)
    result: Any = None if setup is None else setup(primus)
    if is_awaitable(result):
        await result
    assert isinstance(primus.host, AiohttpHost)
    server = OwnServer(app, primus)
    primus.host.own(server)
    await server.start(host, port, tls)
    primus.initialise()
    return primus


class ServerLogger(logging.LoggerAdapter[logging.Logger]):
    """Logs at DEBUG, without a traceback, what only a peer's malformed request has caused."""

    def exception(self, msg: object, *args: Any, **kwargs: Any) -> None:
        """Log an error; a malformed request is none of ours."""
        error = kwargs.get("exc_info")
        if isinstance(error, HttpProcessingError):
            self.debug("refused a malformed request: %s", error.message)
        else:
            super().exception(msg, *args, **kwargs)


class OwnServer:
    """An aiohttp server with an `Entrance` before it.

    Args:
        app: the application to serve.
        primus: what is attached to it.
    """

    def __init__(self, app: web.Application, primus: Server) -> None:
        longest = primus.limits.max_head
        self.runner = web.AppRunner(
            app,
            access_log=None,
            keepalive_timeout=KEEPALIVE,
            shutdown_timeout=LAST_CHANCE,
            logger=ServerLogger(log),
            auto_decompress=False,  # no client compresses, and a bomb blocks the loop unread
            max_line_size=longest,
            max_field_size=longest,
        )
        self._primus = primus
        self._pending: PendingConnections | None = None
        self._acceptor: Acceptor | None = None
        self.url = ""
        self.port = 0

    async def start(self, host: str | None, port: int, tls: ssl.SSLContext | None) -> None:
        """Begin to listen.

        Raises:
            OSError: the port is taken, or the address is not one of this machine.
        """
        listener = _listener(host, port)
        try:
            await self.runner.setup()
            assert self.runner.server is not None
            pending = PendingConnections(self._primus, self.runner.server, tls is not None)
            acceptor = Acceptor(listener, lambda: Entrance(pending), tls, self._primus.limits)
            await acceptor.start()
        except BaseException:
            listener.close()
            raise
        self._pending, self._acceptor = pending, acceptor
        self.port = listener.getsockname()[1]
        self.url = f"{'http' if tls is None else 'https'}://{_named(host)}:{self.port}"

    async def stop(self, since: float) -> None:
        """Listen no longer, and finish the requests under way.

        Args:
            since: when they were told to end, on the loop's clock: the time that connections took
                to close is theirs, too, so that a server ends within its limits whatever peers do.
        """
        if self._acceptor is not None:
            self._acceptor.close()
        elapsed = asyncio.get_running_loop().time() - since
        left = max(self._primus.limits.shutdown_timeout - elapsed, LAST_CHANCE)
        endings = [] if self._pending is None else [self._pending.close(left)]
        if self.runner.server is not None:
            self.runner.server.pre_shutdown()  # idle connections, which browsers keep, end at once
            endings.append(self.runner.server.shutdown(left))
        await asyncio.gather(*endings)
        await self.runner.cleanup()


def _listener(host: str | None, port: int) -> socket.socket:
    """A listening socket, whose connections wait for nothing before they send.

    asyncio sets ``TCP_NODELAY`` on sockets that say by their protocol that they are TCP.
    """
    made = _bound(host, port)
    return socket.socket(made.family, made.type, socket.IPPROTO_TCP, fileno=made.detach())


def _bound(host: str | None, port: int) -> socket.socket:
    """A listening socket; one for IPv4 and IPv6 together when `host` names no address."""
    if not host and socket.has_dualstack_ipv6():
        return socket.create_server(
            ("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=BACKLOG
        )
    family, _, _, _, address = socket.getaddrinfo(
        host or "0.0.0.0", port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    return socket.create_server(address, family=family, backlog=BACKLOG)


def _named(host: str | None) -> str:
    """The host of a URL that reaches an address from this machine."""
    if host in (None, "", "0.0.0.0"):
        return "localhost"
    if host == "::":
        return "[::1]"  # IPv6 alone, and localhost may be IPv4
    return f"[{host}]" if ":" in str(host) else str(host)
