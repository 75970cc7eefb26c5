"""The server half: every endpoint and transport of sockjs-protocol 0.3.3."""

from __future__ import annotations

import asyncio
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from primus import Request, Response, Transformer, Transport
from primus.browser import Browser
from primus.errors import ProtocolError
from primus.origins import Origins
from primus.polling import BodyRefused, Opener, Sessions, is_foreign, read_body
from primus.websocket import EngineOptions
from primus_transformer_sockjs import pages
from primus_transformer_sockjs.answers import (
    messages_of,
    not_found,
    received,
    refused,
    sent,
    unknown,
)
from primus_transformer_sockjs.frames import check_length
from primus_transformer_sockjs.options import SockJSOptions
from primus_transformer_sockjs.routes import METHODS, OPENED, Route, route
from primus_transformer_sockjs.session import Session
from primus_transformer_sockjs.styles import STYLES
from primus_transformer_sockjs.websocket import WebSocketSession
from primus_transformer_ws.server import WebSocketsEngine

if TYPE_CHECKING:
    from primus.contracts import Server
    from primus.transformer import Connector

__all__ = ["SockJS"]

COOKIE: Final = re.compile(r"[\w!#$%&'()*+./:<=>?@\[\]^`{|}~-]+", re.ASCII)


class SockJS(Transformer):
    """The server half of the ``sockjs`` transformer."""

    name = "sockjs"
    needs = frozenset({"http", "websocket"})
    takes_transports = WebSocketsEngine.takes_transports
    begins_bare = True
    upgrades_bare = True
    binary = False
    names_by_client = True

    def __init__(self, primus: Server) -> None:
        super().__init__(primus)
        self.options = options = SockJSOptions.of(primus, primus.options.transport)
        waits = (options.heartbeat_delay, options.pong_timeout, options.disconnect_delay)
        shortest = min(wait for wait in waits if wait is not None)
        self._origins = Origins(primus.options.origins)
        self.sessions: Sessions[Session] = Sessions(primus.options.clock, shortest)
        self._framed = self._engine(options.max_payload)
        self._raw = self._engine(primus.options.max_length)

    def _engine(self, max_length: int) -> WebSocketsEngine:
        options = EngineOptions(
            max_length,
            compression=self.primus.options.compression,
            close_timeout=self.options.close_timeout,
            more={"deflate": self.options.deflate},
        )
        return WebSocketsEngine(self.primus, options)

    # -- requests

    def opens(self, request: Request) -> bool:
        """Whether a request is a WebSocket, or the first of its session."""
        found = self._route(request)
        if found is None or request.method == "OPTIONS":
            return False
        if found.name in STYLES:
            return self.sessions.get(found.session) is None and not _was_opened(request)
        return found.name in ("websocket", "raw") and request.upgrade

    def session_of(self, request: Request) -> str | None:
        """The session that a request names, unless it is a WebSocket, which is all of one."""
        found = self._route(request)
        return found.session or None if found is not None and found.name != "websocket" else None

    def has_session(self, id: str) -> bool:
        """Whether a session lives here."""
        return self.sessions.get(id) is not None

    async def request(self, request: Request) -> Response:
        """The answer to a plain request: a page, or part of a session."""
        found = self._route(request)
        if found is None:
            return not_found()
        methods = METHODS[found.name]
        if request.method not in methods:
            return Response(405, headers={"Allow": ", ".join(methods)})
        if found.session or request.method == "OPTIONS":
            self._set_cookie(request)
        if request.method == "OPTIONS":
            return pages.preflight(request, methods)
        if found.session and is_foreign(request, self._origins, script=found.name == "jsonp"):
            return Response.error(403, "a page that may not connect has made this request")
        if found.name in STYLES:
            return await self._receive(request, found)
        if found.name in ("xhr_send", "jsonp_send"):
            return await self._send(request, found)
        return self._page(request, found.name)

    def _route(self, request: Request) -> Route | None:
        """The endpoint that a request is for, if it is offered here."""
        found = route(request.path, self.primus.pathname, self.primus.limits.session_name)
        return found if found is not None and self._offers(found.name) else None

    def _offers(self, name: str) -> bool:
        if name in ("websocket", "raw"):
            return self.options.websocket
        return self.options.jsonp or not name.startswith("jsonp")

    def _page(self, request: Request, name: str) -> Response:
        match name:
            case "greeting":
                return pages.greeting()
            case "info":
                return pages.info(self.options)
            case "iframe":
                script = self.options.sockjs_url or f"{self.primus.pathname}/sockjs.js"
                return pages.iframe(request, script, self.primus.options.origins)
            case "sockjs.js":
                script = self.browser().library
                answer = Response(200, script, content_type="text/javascript; charset=utf-8")
                return pages.cacheable(request, answer)
            case _:
                return refused(ProtocolError("Not a valid websocket request"), 400)

    def _set_cookie(self, request: Request) -> None:
        """Give a load balancer that goes by this cookie the opportunity to add its own to it."""
        if self.options.jsessionid:
            value = request.cookies.get("JSESSIONID", "")
            value = value if COOKIE.fullmatch(value) else "dummy"
            request.response_headers["Set-Cookie"] = f"JSESSIONID={value}; path=/"

    # -- sessions

    async def _receive(self, request: Request, found: Route) -> Response:
        try:
            style = STYLES[found.name](request)
        except ProtocolError as error:
            return refused(error)
        session = self.sessions.get(found.session)
        if session is not None and not session.opener.made(request):
            return not_found()
        if session is None:
            if _was_opened(request):
                return unknown(style)  # it has ended, or lives elsewhere
            if self.primus.draining or len(self.sessions) >= self.options.max_sessions:
                return Response.error(503)
            opener = Opener(request)
            session = Session(found.session, opener, self.sessions, self.options)
            self.opened(session, request)
        return await received(session, request, style, self.options)

    def opened(self, transport: Transport, request: Request) -> None:
        """Make a spark for a session that has begun."""
        self.primus.accept(transport, request)

    async def _send(self, request: Request, found: Route) -> Response:
        session = self.sessions.get(found.session)
        if session is None or not session.opener.made(request):
            return not_found()
        async with session.posting:
            await session.readable()
            if self.sessions.get(found.session) is not session:
                return not_found()  # it has ended, and the body is not needed
            return await self._post(session, request, by_form=found.name == "jsonp_send")

    async def _post(self, session: Session, request: Request, *, by_form: bool) -> Response:
        options = self.options
        try:
            body = await read_body(
                request,
                limit=options.max_payload,
                within=options.body_timeout,
                clock=self.sessions.clock,
            )
            content_type = request.headers.get("Content-Type", "") if by_form else ""
            messages = messages_of(body, content_type, options.max_messages)
        except BodyRefused as error:
            return error.response
        except ConnectionError:
            return Response.error(400)  # the client has gone
        except ProtocolError as error:
            return refused(error)
        try:
            check_length(messages, self.primus.options.max_length)
        except ProtocolError as error:
            session.close(1009, "message too big")
            session.lost(error)
            return refused(error, 413)
        await session.bring(messages)
        return sent(by_form=by_form)

    # -- WebSockets

    async def upgrade(self, request: Request) -> Response | None:
        """Take over an upgrade of one of the endpoints that are WebSockets."""
        found = self._route(request)
        if found is None:
            return not_found()
        if found.name == "websocket":
            return await self._framed.upgrade(request, lambda wire: self._open(wire, request))
        if found.name == "raw":
            return await self._raw.upgrade(request, lambda wire: self.opened(wire, request))
        return await self.request(request)

    def _open(self, wire: Transport, request: Request) -> None:
        max_length = self.primus.options.max_length
        self.opened(WebSocketSession(wire, self.sessions, self.options, max_length), request)

    # -- the end

    async def close(self) -> None:
        """Wait until every client has been told; drop those whose time is over."""
        for session in self.sessions:
            session.shorten()
        await asyncio.gather(
            self.sessions.close(self.options.close_timeout), self._framed.close(), self._raw.close()
        )

    @classmethod
    def connector(cls) -> Connector:
        """The client half, imported when a client needs it."""
        from primus_transformer_sockjs.client import SockJSConnector

        return SockJSConnector()

    @classmethod
    @cache
    def browser(cls) -> Browser:
        """The browser half: sockjs-client, and our adapter."""
        library = files("primus_transformer_sockjs").joinpath("_assets", "sockjs.js")
        return Browser.read("primus_transformer_sockjs", library=library.read_text("utf-8"))


def _was_opened(request: Request) -> bool:
    """Whether a client says that it has opened the session before."""
    return bool(request.query.text(OPENED))
