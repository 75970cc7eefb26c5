"""The server half: handshakes, and which session a request belongs to."""

from __future__ import annotations

import asyncio
from functools import cache, partial
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from primus import Request, Response, Transformer, Transport
from primus.browser import Browser
from primus.errors import ProtocolError, ServerFullError
from primus.origins import Origins
from primus.polling import Sessions, compressed, is_foreign
from primus.websocket import EngineOptions
from primus_transformer_socketio.handshakes import Handshakes
from primus_transformer_socketio.options import SocketIOOptions
from primus_transformer_socketio.packets import NOT_HANDSHAKEN
from primus_transformer_socketio.routes import JSONP, NOWHERE, PROTOCOL, WEBSOCKET, Route, route
from primus_transformer_socketio.session import Session
from primus_transformer_socketio.styles import callback, called_back, style
from primus_transformer_ws.server import WebSocketsEngine

if TYPE_CHECKING:
    from primus.contracts import Server
    from primus.transformer import Connector

__all__ = ["SocketIO"]

ENVELOPE: Final = 64
"""Bytes of a WebSocket message beside those of the message that it carries."""

PLAIN: Final = "text/plain"

METHODS: Final = ("GET", "POST")


class SocketIO(Transformer):
    """Serves clients of Socket.IO 0.9, version 1 of the protocol."""

    name = "socket.io"
    needs = frozenset({"http", "websocket"})
    takes_transports = WebSocketsEngine.takes_transports
    begins_bare = True
    upgrades_bare = True
    binary = False

    def __init__(self, primus: Server) -> None:
        super().__init__(primus)
        self._options = options = SocketIOOptions.of(primus)
        self._origins = Origins(primus.options.origins)
        self._routed: tuple[str, Route] = ("", NOWHERE)
        """The path of the last request, and what it is for."""
        clock = primus.options.clock
        self._handshakes = Handshakes(
            clock, options.handshake_timeout, options.max_handshakes, primus.node
        )
        self._sessions: Sessions[Session] = Sessions(clock, options.shortest)
        self._engine = WebSocketsEngine(
            primus,
            EngineOptions(
                max_length=options.max_length + ENVELOPE,
                compression=primus.options.compression,
                close_timeout=options.close_timeout,
            ),
        )

    # -- requests

    def opens(self, request: Request) -> bool:
        """Whether a request is a handshake, or the first one that uses one."""
        found = self._route(request)
        if found.protocol != PROTOCOL:
            return False
        if not found.key:
            return not found.transport
        return found.key in self._handshakes and self._offers(found.transport)

    def session_of(self, request: Request) -> str | None:
        """The session that a request names."""
        return self._route(request).key or None

    def has_session(self, id: str) -> bool:
        """Whether a session lives here, or a handshake that may become one."""
        return self._sessions.get(id) is not None or id in self._handshakes

    async def request(self, request: Request) -> Response:
        """Answer a handshake, a poll, a post, or a request to disconnect."""
        found = self._route(request)
        refusal = self._refusal(request, found)
        if refusal is not None:
            return refusal
        try:
            if not found.key:
                response = self._handshake(request)
            elif "disconnect" in request.query:
                response = self._disconnect(found)
            elif found.transport == WEBSOCKET or not self._offers(found.transport):
                response = Response.error(400, "transport not supported")
            elif request.method == "POST":
                session = self._polled(found)
                # Of no session, Node says that all is well and drops what was posted.
                response = (
                    Response(404, NOT_HANDSHAKEN, content_type=PLAIN)
                    if session is None
                    else await session.post(request, found.transport)
                )
            else:
                dressed = style(found.transport, request)
                session = self._receiving(request, found)
                response = (
                    dressed.answer(NOT_HANDSHAKEN)
                    if session is None
                    else await session.receive(request, dressed)
                )
        except ProtocolError as error:
            return Response.error(400, str(error))
        if self.primus.options.compression:
            return compressed(request, response)
        return response

    def _refusal(self, request: Request, found: Route) -> Response | None:
        """The answer to what is none of the protocol, or made by a page that may not connect."""
        if found.protocol != PROTOCOL:
            return self._greeting(found)
        if request.method not in METHODS:
            return Response(405, headers={"Allow": "GET, POST"})
        by_script = found.transport == JSONP or "jsonp" in request.query
        if is_foreign(request, self._origins, script=by_script):
            return Response.error(403, "a page that may not connect has made this request")
        return None

    def _route(self, request: Request) -> Route:
        """Which part of the protocol a request is for, which it is asked several times."""
        path, found = self._routed
        if path is not request.path:
            found = route(request.path, self.primus.pathname, self.primus.limits.session_name)
            self._routed = (request.path, found)
        return found

    def _offers(self, transport: str) -> bool:
        return transport in self._options.transports

    def _greeting(self, found: Route) -> Response:
        """The answer to a request that belongs to no client."""
        if not found.protocol:
            return Response(200, "Welcome to socket.io.", content_type=PLAIN)
        if found.protocol.isdecimal():
            return Response(500, "Protocol version not supported.", content_type=PLAIN)
        return Response.error(404)

    def _handshake(self, request: Request) -> Response:
        """Give a client its key.

        Raises:
            ProtocolError: it names a callback that cannot be called.
        """
        if request.method != "GET":
            return Response(405, headers={"Allow": "GET"})
        if self.primus.draining:
            return Response.error(503)
        number = callback(request, "jsonp")
        if number is not None and not self._offers(JSONP):
            return Response.error(400, "transport not supported")
        told = self._options.told(self._handshakes.begin())
        if number is None:
            return Response(200, told, content_type=PLAIN)
        return Response(
            200,
            called_back(number, told),
            {"X-Content-Type-Options": "nosniff"},
            content_type="application/javascript",
        )

    def _disconnect(self, found: Route) -> Response:
        """End a session at the wish of its client; one that is not there has ended already."""
        self._handshakes.use(found.key)
        session = self._sessions.get(found.key)
        if session is not None:
            session.over()
        return Response(200)

    def _polled(self, found: Route) -> Session | None:
        """The session that is posted to, or `None` when there is none without a WebSocket."""
        session = self._sessions.get(found.key)
        return session if session is not None and session.is_polled else None

    def _receiving(self, request: Request, found: Route) -> Session | None:
        """The session that a request receives for, which the first one for a handshake begins.

        Raises:
            ServerFullError: the server is about to end, or too many sessions are polled.
        """
        session = self._sessions.get(found.key)
        begins = found.key in self._handshakes if session is None else session.may_fall_back
        if begins and self._sessions.polled >= self._options.max_sessions:
            # The handshake stays unused, or the WebSocket open: the client may still have that.
            raise ServerFullError(f"max_sessions={self._options.max_sessions} are polled")
        if session is None and self._handshakes.use(found.key):
            if self.primus.draining:
                raise ServerFullError("the server ends")
            session = Session(found.key, self._options, self._sessions)
            session.begin()
            self.primus.accept(session, request)
        return session if session is not None and session.fall_back() else None

    # -- WebSockets

    async def upgrade(self, request: Request) -> Response | None:
        """Take over a WebSocket for a handshake."""
        found = self._route(request)
        if found.protocol != PROTOCOL:
            return self._greeting(found)
        if found.transport != WEBSOCKET or not self._offers(WEBSOCKET):
            return Response.error(400, "transport not supported")
        if self.primus.draining:
            return Response.error(503)
        if found.key not in self._handshakes:
            return Response.error(400, "client not handshaken")
        return await self._engine.upgrade(request, partial(self._opened, request, found.key))

    def _opened(self, request: Request, key: str, wire: Transport) -> None:
        if not self._handshakes.use(key):
            wire.close()  # another request has been quicker
            return
        session = Session(key, self._options, self._sessions)
        session.begin_over(wire)
        self.primus.accept(session, request)

    # -- the end

    async def close(self) -> None:
        """Wait until clients have fetched what they were sent; drop those that do not."""
        within = self._options.close_timeout
        await asyncio.gather(self._sessions.close(within), self._engine.close())

    # -- the other halves

    @classmethod
    def connector(cls) -> Connector:
        """The client half, imported when a client needs it."""
        from primus_transformer_socketio.client import SocketIOConnector

        return SocketIOConnector()

    @classmethod
    @cache
    def browser(cls) -> Browser:
        """The browser half: primus-socket.io-client, and what makes it one of ours."""
        package = files("primus_transformer_socketio")
        frame = package.joinpath("library.js").read_text("utf-8")
        library = package.joinpath("_assets", "socket.io.js").read_text("utf-8")
        return Browser.read(
            "primus_transformer_socketio", library=frame.replace("$library$", library)
        )
