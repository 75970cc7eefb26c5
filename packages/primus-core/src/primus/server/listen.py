"""`Primus.create_server`: a Primus with an HTTP server of its own."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote

from primus.callables import is_awaitable
from primus.contracts import Server
from primus.errors import OptionError
from primus.option_checks import ARGUMENTS, TLS
from primus.server.acceptor import BACKLOG, Acceptor
from primus.server.head_intake import HeadIntake
from primus.server.pending import PendingConnections

if TYPE_CHECKING:
    from aiohttp.web import Application as AiohttpApplication

    from primus.server.application import Application

try:
    from primus.server.entrance import Entrance
except ModuleNotFoundError:  # httptools is not there for PyPy: everything is aiohttp's then
    Entrance = None  # type: ignore[assignment, misc]

__all__ = ["Listening", "OwnServer", "create_server"]

HIGHEST_PORT: Final = 65_535

Made = TypeVar("Made", bound=Server)

log = logging.getLogger("primus.server")

LAST_CHANCE = 0.1
"""Seconds that requests under way get at least: what is ready is sent."""


class Listening:
    """Where a server listens.

    Args:
        host: the address; `None` for every interface.
        port: the port; 0 picks a free one.
        reuse_port: whether other processes may listen on that port, too.
        sock: a stream socket that is bound already, in place of the others.

    Raises:
        OptionError: they do not go together, or this system cannot share a port.
    """

    def __init__(
        self,
        host: str | None = None,
        port: int = 0,
        reuse_port: bool = False,
        sock: socket.socket | None = None,
    ) -> None:
        if sock is not None:
            if host is not None or port or reuse_port:
                raise OptionError("'sock' is bound already: no 'host', 'port' or 'reuse_port'")
            if sock.type != socket.SOCK_STREAM:
                raise OptionError(f"'sock' must be a stream socket, not {sock!r}")
        _check_port(port)
        if reuse_port and not hasattr(socket, "SO_REUSEPORT"):
            raise OptionError("'reuse_port': this system cannot share a port among processes")
        self.host = host
        self.port = port
        self.reuse_port = reuse_port
        self.sock = sock

    def open(self) -> socket.socket:
        """A listening socket, whose connections wait for nothing before they send.

        asyncio sets ``TCP_NODELAY`` on sockets that say by their protocol that they are TCP.

        Raises:
            OSError: the port is taken, or the address is not one of this machine.
        """
        made = self._bound() if self.sock is None else self.sock
        if self.sock is not None:
            made.listen(BACKLOG)
        if made.family not in (socket.AF_INET, socket.AF_INET6):
            return made
        return socket.socket(made.family, made.type, socket.IPPROTO_TCP, fileno=made.detach())

    def _bound(self) -> socket.socket:
        """A listening socket; one for IPv4 and IPv6 together when `host` names no address."""
        host, port = self.host, self.port
        if not host and socket.has_dualstack_ipv6():
            return socket.create_server(
                ("", port),
                family=socket.AF_INET6,
                dualstack_ipv6=True,
                backlog=BACKLOG,
                reuse_port=self.reuse_port,
            )
        family, _, _, _, address = socket.getaddrinfo(
            host or "0.0.0.0", port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(
            address, family=family, backlog=BACKLOG, reuse_port=self.reuse_port
        )


def _check_port(port: object) -> None:
    if type(port) is not int or not 0 <= port <= HIGHEST_PORT:
        cure = ": convert the text by int()" if isinstance(port, str) else ""
        raise OptionError(f"'port' must be a number from 0 to 65535, not {port!r}{cure}")


async def create_server(
    make: Callable[..., Made],
    on_connection: Callable[..., Any] | None,
    *,
    where: Listening,
    setup: Callable[[Made], Any] | None,
    options: dict[str, Any],
) -> Made:
    """Make and start an HTTP server with a Primus.

    Args:
        make: the class of the Primus.
        on_connection: listens to ``connection``.
        where: where it listens.
        setup: called, or awaited, with the Primus before it listens.
        options: those of `Primus`, and for TLS either ``ssl_context`` or ``root``, ``cert``,
            ``key``, ``ca``, ``pfx`` and ``passphrase``.

    Raises:
        OptionError: an option cannot be used.
        OSError: the port is taken, or the address is not one of this machine.
        Exception: whatever `setup` raises.
    """
    tls = _tls({name: options.pop(name) for name in TLS if name in options})
    server = OwnServer()
    primus = make(server, **options)
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
    await server.start(where, tls)
    primus.initialise()
    return primus


def _tls(options: dict[str, Any]) -> ssl.SSLContext | None:
    if not options:
        return None
    from primus.server.tls import tls_context

    return tls_context(**options)


class OwnServer:
    """An HTTP server of our own: an `Entrance`, and an application of aiohttp where that is needed.

    `create_server` makes it before the Primus, which is attached to it as to other servers.
    """

    answers_requests = Entrance is not None
    """Whether it answers requests without aiohttp."""
    arguments = ARGUMENTS
    """What its Primus may be given beside options, for the message about an unknown one."""

    def __init__(self) -> None:
        self.url = ""
        self.port = 0
        self._primus: Server | None = None
        self._application: Application | None = None
        self._pending: PendingConnections | None = None
        self._acceptor: Acceptor | None = None

    def serve(self, primus: Server, app: AiohttpApplication | None = None) -> None:
        """Serve a Primus.

        Args:
            primus: what answers below its pathname.
            app: what answers everything else, with a Primus attached to it; `None` for nothing.
        """
        self._primus = primus
        if app is not None:
            from primus.server.application import Application

            self._application = Application(app, primus.limits, LAST_CHANCE)

    async def start(self, where: Listening, tls: ssl.SSLContext | None) -> None:
        """Begin to listen.

        Raises:
            OSError: the port is taken, or the address is not one of this machine.
        """
        primus, application = self._primus, self._application
        assert primus is not None
        listener = where.open()
        try:
            if application is not None:
                await application.start()
            pending = PendingConnections(primus, application, tls is not None)
            acceptor = Acceptor(listener, self._maker(pending), tls, primus.limits)
            await acceptor.start()
        except BaseException:
            listener.close()
            raise
        self._pending, self._acceptor = pending, acceptor
        scheme = "http" if tls is None else "https"
        address = listener.getsockname()
        if not isinstance(address, tuple):  # a unix socket has no port
            self.url = f"{scheme}+unix://{quote(os.fsdecode(address), safe='')}"
            return
        self.port = address[1]
        host = where.host if where.sock is None else _host(listener)
        self.url = f"{scheme}://{_named(host)}:{self.port}"

    def stop_listening(self) -> None:
        """Accept no more connections; those there are go on."""
        if self._acceptor is not None:
            self._acceptor.stop()

    async def adopt(self, connection: socket.socket, early: bytes) -> None:
        """Serve a connection that another process has accepted.

        Args:
            connection: that of a client, without TLS.
            early: what has been read from it.

        Raises:
            OSError: it cannot be served.
        """
        if self._pending is None:
            raise ConnectionError("the server does not listen yet")
        await asyncio.get_running_loop().connect_accepted_socket(
            partial(self._maker(self._pending), early), connection
        )

    async def stop(self, since: float) -> None:
        """Listen no longer, and finish the requests under way.

        Args:
            since: when they were told to end, on the loop's clock: the time that connections took
                to close is theirs, too, so that a server ends within its limits whatever peers do.
        """
        if self._acceptor is None or self._pending is None or self._primus is None:
            return
        self._acceptor.stop()
        await self._acceptor.close()
        self._pending.hand_over()
        elapsed = asyncio.get_running_loop().time() - since
        left = max(self._primus.limits.shutdown_timeout - elapsed, LAST_CHANCE)
        endings = [self._pending.close(left)]
        if self._application is not None:
            endings.append(self._application.stop(left))
        await asyncio.gather(*endings)

    def _maker(self, pending: PendingConnections) -> Callable[..., HeadIntake]:
        """What makes the protocol of a connection, from which another process may have read."""
        if self.answers_requests:
            return partial(Entrance, pending)
        assert self._application is not None
        return partial(self._application, pending)


def _host(listener: socket.socket) -> str | None:
    """The address that a socket is bound to; `None` when that is every one of IPv4 and IPv6."""
    if listener.family == socket.AF_INET6:
        alone = listener.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
        if listener.getsockname()[0] == "::" and not alone:
            return None
    return str(listener.getsockname()[0])


def _named(host: str | None) -> str:
    """The host of a URL that reaches an address from this machine."""
    if host in (None, "", "0.0.0.0"):
        return "localhost"
    if host == "::":
        return "[::1]"  # IPv6 alone, and localhost may be IPv4
    return f"[{host}]" if ":" in str(host) else str(host)
