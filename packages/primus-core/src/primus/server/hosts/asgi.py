"""The ASGI host: a Primus beside an ASGI application, or as one.

    primus = Primus(app)                        # uvicorn main:primus.asgi
    app.mount(primus.pathname, primus.asgi)     # or so, with a Primus()

What is below the pathname is ours, everything else is handed to the application untouched. No
server and no framework is imported; any of them will do that runs on asyncio.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final
from weakref import WeakSet

from primus.contracts import Server
from primus.http import ClientGone, Request, Response
from primus.server.hosts import asgi_scope as scopes
from primus.server.hosts.asgi_http import Exchange
from primus.server.hosts.asgi_lifespan import Lifespan
from primus.server.hosts.asgi_scope import Application, Place, Receive, Scope, Send, place
from primus.server.hosts.asgi_transport import Offer, offered
from primus.server.hosts.asgi_websocket import AsgiWebSocket
from primus.server.hosts.base import Host
from primus.server.hosts.siblings import Siblings

__all__ = ["AsgiHost", "may_take_transport"]

ALONE: Final = (
    "this server runs in several processes on one port, where a session that is polled does not "
    "work: its requests come to all of them. Let clients connect by WebSocket alone, or give each "
    "process a port and a name (node), as docs/deployment.md says"
)
"""Why a session that is polled is refused."""

ENDLESS: Final = (
    "uvicorn parses requests by httptools here, and keeps whatever a client sends as the head of "
    "one, without end: run it with --http primus.uvicorn:Requests, or with --http h11"
)

OLD: Final = frozenset({"0.9", "1.0", "1"})
"""Versions of HTTP without upgrades (RFC 9110 section 7.8); granian calls 1.0 so."""


class AsgiHost(Host):
    """An ASGI application that answers below the pathname of a Primus.

    Args:
        primus: the server.
        app: answers everything else; without one that is not found.
    """

    offers = frozenset({"http", "websocket"})
    name = "ASGI"

    def __init__(self, primus: Server, app: Application | None) -> None:
        self.primus = primus
        self.app = app
        self._located = False
        self._has_told = False
        """Whether the log says why sessions that are polled are refused."""
        self._has_looked = False
        """Whether a request has shown what the server is."""
        self._siblings = Siblings(primus.options.clock)
        _hosts.add(self)

    @property
    def listening(self) -> tuple[str, int] | None:
        """`None`: the ASGI server listens, at an address of its own."""
        return None

    async def close(self, *, stop: bool) -> None:
        """Do nothing: the ASGI server goes on."""

    @asynccontextmanager
    async def lifespan(self, app: Any = None) -> AsyncIterator[None]:
        """Start and end of a Primus that is mounted: servers tell them the outermost alone.

        ``FastAPI(lifespan=primus.asgi.lifespan)``, or ``async with`` it in your own. At the end
        the Primus is destroyed, and its clients may come back.
        """
        self.primus.initialise()
        try:
            yield
        finally:
            await self.primus.destroy(reconnect=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, open a WebSocket, or go through the lifespan."""
        kind = scope["type"]
        if kind == "lifespan":
            await Lifespan(self.primus, self.app, receive, send).run(scope)
            return
        pathname = self.primus.options.pathname
        found = kind in ("http", "websocket") and place(scope, pathname, alone=self.app is None)
        if self.app is not None and not found:
            await self.app(scope, receive, send)
        elif kind == "http":
            await self._http(scope, found or None, receive, send)
        elif kind == "websocket":
            await self._websocket(scope, found or None, receive, send)

    async def _http(self, scope: Scope, found: Place | None, receive: Receive, send: Send) -> None:
        if not self._has_looked:
            self._look_at(send)
        exchange = Exchange(receive, send, self.primus.writes)
        request = self._request(scope, found, exchange=exchange)
        try:
            if found and self.primus.transformer.opens(request) and self._siblings.there():
                response: Response | None = self._alone()
            else:
                response = await self.primus.handle(request) if found else Response.error(404)
            assert response is not None, "only upgrades are taken over"
            await exchange.answer(request, response)
        except ClientGone:
            pass
        finally:
            request.release()
            request.native = scope  # holds what the middleware of the application has put there

    def _look_at(self, send: Send) -> None:
        """Tell, once, what the server leaves open to strangers."""
        self._has_looked = True
        if scopes.has_endless_heads(send):
            self.primus.log.warning(ENDLESS)

    def _alone(self) -> Response:
        """The refusal of a session whose requests would come to several processes."""
        if not self._has_told:
            self._has_told = True
            self.primus.log.error("%s: %s", self.primus.transformer_name, ALONE)
        return Response.error(501, ALONE)

    async def _websocket(
        self, scope: Scope, found: Place | None, receive: Receive, send: Send
    ) -> None:
        limits = self.primus.limits
        socket = AsgiWebSocket(scope, receive, send, limits.write_timeout)
        offer = offered(scope, receive, send) if self.primus.transformer.takes_transports else None
        if offer is None and not await socket.asked():
            return
        request = self._request(scope, found, socket=socket, offer=offer)
        response: Response | None
        if found is None:
            response = Response.error(404)
        elif scope.get("http_version") in OLD:
            response = Response.error(426)
        elif offer is not None and offer.head_size > limits.max_head:
            offer.reject(431)
            return
        else:
            response = await self.primus.handle(request)
        if response is not None:
            if await socket.asked():
                await socket.refuse(request, response)
        elif offer is not None and offer.is_taken:
            await offer.gone()  # what is around the call may hold something for the connection

    def _request(
        self,
        scope: Scope,
        found: Place | None,
        *,
        exchange: Exchange | None = None,
        socket: AsgiWebSocket | None = None,
        offer: Offer | None = None,
    ) -> Request:
        drop = None if exchange is None else exchange.drop
        path = str(scope["path"]) if found is None else self._locate(found.pathname, found.rest)
        request = Request(
            scope.get("method", "GET"),
            f"{path}?{scopes.query_string(scope)}",
            scopes.headers(scope),
            address=scopes.address(scope),
            secure=scope.get("scheme") in ("https", "wss"),
            body=None if exchange is None else exchange.body,
            watch=None if exchange is None else exchange.watch,
            drop=drop,
            detach=None if offer is None else partial(offer.detach, scope),
            websocket=None if socket is None else lambda: socket,
            native=scope,
        )
        if offer is not None:
            request.response_headers.extend(offer.headers)
        return request

    def located(self, target: str) -> str | None:
        """A target of an upgrade as the layers know it, or `None` when `place` has to look at more.

        Args:
            target: as it was sent, to a server where nothing is mounted above the application.
        """
        pathname = self.primus.options.pathname
        rest = target[len(pathname) :]
        if (
            not target.startswith(pathname)
            or (rest and rest[0] not in "/?")
            or "%" in target.partition("?")[0]
            or not self.primus.transformer.takes_transports
        ):
            return None
        return self._locate(pathname, rest)

    def _locate(self, pathname: str, rest: str) -> str:
        """The path as the layers know it: it begins with the pathname that clients are told.

        Only the first request decides about that, so that no peer can tell others where to go.
        """
        if not self._located:
            self._located = True
            self.primus.relocate(pathname)
        return self.primus.pathname + rest


_hosts: WeakSet[AsgiHost] = WeakSet()


def may_take_transport(path: str) -> bool:
    """Whether a Primus of this process might take over the raw transport of an upgrade.

    Only a hint for servers that offer them: the application decides where a path leads.
    """
    return any(
        host.primus.options.pathname in path and host.primus.transformer.takes_transports
        for host in _hosts
    )
