"""The server half: handshakes, and which session a request belongs to."""

from __future__ import annotations

import asyncio
from functools import cache, partial
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from primus import Request, Response, Transformer, Transport
from primus.browser import Browser
from primus.ids import new_key, new_spark_id
from primus.origins import Origins
from primus.parser import is_json
from primus.polling import LongPoll, Sessions, compressed, is_foreign
from primus.websocket import EngineOptions
from primus_transformer_engineio.answers import (
    BAD_HANDSHAKE_METHOD,
    BAD_REQUEST,
    TRANSPORT_UNKNOWN,
    UNKNOWN_SID,
    UNSUPPORTED_REVISION,
    Refused,
    answer,
    callback,
    cookie_header,
)
from primus_transformer_engineio.options import POLLING, WEBSOCKET, EngineIOOptions
from primus_transformer_engineio.revision3 import Revision3
from primus_transformer_engineio.revision4 import Revision4
from primus_transformer_engineio.revisions import Revision
from primus_transformer_engineio.session import Session
from primus_transformer_engineio.transport import longest_frame
from primus_transformer_engineio.upgrading import try_out
from primus_transformer_ws.server import WebSocketsEngine

if TYPE_CHECKING:
    from primus.contracts import Server
    from primus.transformer import Connector

__all__ = ["EngineIO"]

GRACE: Final = 1.0
"""Seconds that a poll waits for a post of its client, when the process may have been busy."""

LOOK: Final = 0.05
"""Seconds between two looks whether the post has come."""


class EngineIO(Transformer):
    """Serves clients of revision 3 (Primus 4 to 7) and 4 (Primus 8) side by side."""

    name = "engine.io"
    needs = frozenset({"http", "websocket"})
    takes_transports = WebSocketsEngine.takes_transports
    begins_bare = True
    upgrades_bare = True

    def __init__(self, primus: Server) -> None:
        super().__init__(primus)
        self._options = options = EngineIOOptions.of(primus)
        if options.cookie is not None:
            cookie_header(options.cookie, "sid")  # raises what is wrong with it
        self._origins = Origins(primus.options.origins)
        self._json = is_json(primus.parser)
        self._revision4 = Revision4()
        self._sessions: Sessions[Session] = Sessions(primus.options.clock, options.shortest)
        self._engine = WebSocketsEngine(
            primus,
            EngineOptions(
                max_length=longest_frame(options.max_length),
                compression=primus.options.compression,
                close_timeout=options.close_timeout,
            ),
        )

    def opens(self, request: Request) -> bool:
        """Whether a request asks for a session, which is made by any that names none."""
        query = request.query
        if query.get("sid") is not None:
            return False
        return request.upgrade or query.get("transport") == POLLING

    def session_of(self, request: Request) -> str | None:
        """The session that a request names."""
        sid = request.query.get("sid")
        return sid if isinstance(sid, str) else None

    def has_session(self, id: str) -> bool:
        """Whether a session lives here."""
        return self._sessions.get(id) is not None

    async def request(self, request: Request) -> Response:
        """Answer a handshake, a poll or a post."""
        query = request.query
        if is_foreign(request, self._origins, script="j" in query):
            return Response.error(403, "a page that may not connect has made this request")
        try:
            session = self._session(request)
            if session is not None and session.is_overdue and request.method == "GET":
                await self._judge(session)
            number = callback(request, allowed=self._options.jsonp) if "j" in query else None
            if session is None:
                response = self._handshake(request, number)
            elif session.upgraded or query["transport"] != POLLING:
                raise Refused(BAD_REQUEST)
            elif request.method == "GET":
                response = await session.poll(request, number)
            elif request.method == "POST":
                response = await session.post(request, form=number is not None)
            else:
                raise Refused(BAD_REQUEST)
        except Refused as refused:
            return refused.response(request)
        if self.primus.options.compression:
            return compressed(request, response)
        return response

    async def upgrade(self, request: Request) -> Response | None:
        """Take over a WebSocket, for a session that there is or for a new one."""
        try:
            session = self._session(request)
            if session is not None and session.is_overdue:
                await self._judge(session)
            if request.query["transport"] != WEBSOCKET:
                raise Refused(BAD_REQUEST)
            opened = (
                partial(self._opened, request, self._revision(request))
                if session is None
                else partial(try_out, session, _takes_bytes(request))
            )
        except Refused as refused:
            return refused.response(request)
        return await self._engine.upgrade(request, opened)

    async def close(self) -> None:
        """Wait until clients have fetched what they were sent; drop those that do not."""
        within = self._options.close_timeout
        await asyncio.gather(self._sessions.close(within), self._engine.close())

    # -- which session

    async def _judge(self, session: Session) -> None:
        """End a session whose client is overdue, unless we have been busy.

        Then its pong waits in a post: that one is read first.

        Raises:
            Refused: it has ended.
        """
        loop = asyncio.get_running_loop()
        over = loop.time() + GRACE
        while session.is_overdue and not session.is_over and loop.time() < over:
            await asyncio.sleep(LOOK)
        if session.is_overdue:
            session.over(ending=session.silence)
        if session.is_over:
            raise Refused(UNKNOWN_SID)

    def _session(self, request: Request) -> Session | None:
        """The session that a request belongs to, or `None` for a handshake.

        Raises:
            Refused: there is no such session, or the request names a transport that we lack or
                another revision than its session speaks.
        """
        query = request.query
        if query.get("transport") not in self._options.transports:
            raise Refused(TRANSPORT_UNKNOWN)
        sid = query.get("sid")
        if sid is None:
            return None
        session = self._sessions.get(sid) if isinstance(sid, str) else None
        if session is None:
            raise Refused(UNKNOWN_SID)
        if query.get("EIO") != session.revision.name:
            raise Refused(BAD_REQUEST)
        return session

    def _revision(self, request: Request) -> Revision:
        """What a handshake asks for.

        Raises:
            Refused: a revision that we do not speak.
        """
        asked = request.query.get("EIO")
        if asked not in [str(number) for number in self._options.revisions]:
            raise Refused(UNSUPPORTED_REVISION)
        return self._revision4 if asked == "4" else Revision3(json=self._json)

    # -- handshakes

    def _handshake(self, request: Request, number: str | None) -> Response:
        if request.method != "GET":
            raise Refused(BAD_HANDSHAKE_METHOD)
        if request.query["transport"] != POLLING:
            raise Refused(BAD_REQUEST)
        revision = self._revision(request)
        if self.primus.draining or self._sessions.polled >= self._options.max_sessions:
            return Response.error(503)
        session = self._make(request, revision, base64=number is not None)
        if LongPoll(request, session.over).gone:
            return Response(400)  # no client reads it
        self.primus.accept(session, request, session.key)
        packets = [session.begin(session.key)]
        if session.queued or session.closing:
            packets += session.fetched()
        response = answer(packets, revision, binary=session.binary, callback=number)
        if self._options.cookie is not None:
            response.headers["Set-Cookie"] = cookie_header(self._options.cookie, new_spark_id())
        return response

    def _opened(self, request: Request, revision: Revision, wire: Transport) -> None:
        session = self._make(request, revision)
        spark = self.primus.accept(session, request)
        session.begin_over(wire, spark.id)

    def _make(self, request: Request, revision: Revision, *, base64: bool = False) -> Session:
        binary = not base64 and _takes_bytes(request)
        key = new_key(self.primus.node)
        return Session(key, self._options, self._sessions, revision, binary=binary)

    # -- the other halves

    @classmethod
    def connector(cls) -> Connector:
        """The client half, imported when a client needs it."""
        from primus_transformer_engineio.client import EngineIOConnector

        return EngineIOConnector()

    @classmethod
    @cache
    def browser(cls) -> Browser:
        """The browser half: engine.io-client, and what makes it one of ours."""
        library = files("primus_transformer_engineio").joinpath("_assets", "engine.io.js")
        return Browser.read("primus_transformer_engineio", library=library.read_text("utf-8"))


def _takes_bytes(request: Request) -> bool:
    """Whether the client has not asked for base64."""
    return not request.query.get("b64")
