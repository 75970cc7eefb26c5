"""The server half: the test of a client's proxies, back channels and posts."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from primus import Request, Response, Transformer
from primus.browser import Browser
from primus.errors import LimitError, PrimusError, ProtocolError
from primus.http import CommonHeaders
from primus.ids import new_key
from primus.origins import Origins
from primus.polling import BodyRefused, LongPoll, Sessions, compressed, is_foreign, read_body
from primus_transformer_browserchannel.chunks import VERSION
from primus_transformer_browserchannel.maps import Maps, parse_form, parse_json
from primus_transformer_browserchannel.options import BrowserChannelOptions
from primus_transformer_browserchannel.transport import Replaced, Session

if TYPE_CHECKING:
    from primus.contracts import Server
    from primus.transformer import Connector

__all__ = ["BrowserChannel"]

FIELDS: Final[Mapping[str, str]] = {
    "Content-Type": "text/plain",
    "Expires": "Fri, 01 Jan 1990 00:00:00 GMT",
    "X-Content-Type-Options": "nosniff",
}
HEADERS: Final = CommonHeaders(FIELDS)
STREAMING: Final = CommonHeaders(
    {**FIELDS, "X-Accel-Buffering": "no"}  # nginx would keep the stream to itself
)
ACCEPT: Final = "application/json; application/x-www-form-urlencoded"

FORM: Final = "application/x-www-form-urlencoded"
"""What clients of Google post."""

TEST: Final = "/test"
BIND: Final = "/bind"
ENDPOINTS: Final = (BIND, TEST)
VER: Final = str(VERSION)

NUMBER: Final = re.compile(r"[0-9]{1,15}", re.ASCII)

PARSING: Final = ('eval("("+a+")")', "JSON.parse(a)")
"""How BCSocket reads JSON, and how it does in a page whose Content-Security-Policy forbids that."""

STRICT: Final = (("l=this;", "l=globalThis;"), ("arguments.callee.caller", "null"))
"""What BCSocket does that throws in an ES module, which is strict code, and what does the same.

The caller of a function is only for its log, which nothing here reads.
"""

TEST_DELAY: Final = 2.0
"""Seconds between the two pieces of an answer that shows whether a proxy keeps answers back."""


class Refused(PrimusError):
    """A request is refused, in words that clients know."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.response = Response(status, f"<html><body><h1>{message}</h1></body></html>", HEADERS)


class BrowserChannel(Transformer):
    """The server half of the ``browserchannel`` transformer."""

    name = "browserchannel"
    needs = frozenset({"http"})
    begins_bare = True
    binary = False

    def __init__(self, primus: Server) -> None:
        super().__init__(primus)
        self.options = options = BrowserChannelOptions.of(primus)
        self._origins = Origins(primus.options.origins)
        shortest = min(options.keepalive_interval, options.session_timeout)
        self.sessions: Sessions[Session] = Sessions(primus.options.clock, shortest)
        self._last: dict[str, Session] = {}
        """The sessions there were when the server began to end."""

    def opens(self, request: Request) -> bool:
        """Whether a request is a test, with which clients begin, or a post of no session."""
        if request.query.get("SID"):
            return False
        endpoint = self._endpoint(request)
        return endpoint == TEST or (endpoint == BIND and request.method == "POST")

    def session_of(self, request: Request) -> str | None:
        """The session that a request names: its own, or the one in whose place it opens another."""
        sid = request.query.get("SID") or request.query.get("OSID")
        return sid if isinstance(sid, str) and sid else None

    def has_session(self, id: str) -> bool:
        """Whether a session lives here."""
        return self.sessions.get(id) is not None

    async def request(self, request: Request) -> Response:
        """Answer a test, a back channel or a post."""
        endpoint, query = self._endpoint(request), request.query
        if not endpoint:
            return Response(404, "Not found", HEADERS)
        leaves = query.get("TYPE") == "terminate"  # by an image, whose page shows no more
        if not leaves and is_foreign(request, self._origins):
            return Response.error(403, "a page that may not connect has made this request")
        try:
            if query.get("VER") != VER:
                raise Refused(f"Version {VERSION} required")
            answer = self._test(request) if endpoint == TEST else self._bind(request)
            response = answer if isinstance(answer, Response) else await answer
        except Refused as refused:
            return refused.response
        if self.primus.options.compression:
            return compressed(request, response)
        return response

    async def upgrade(self, request: Request) -> Response | None:
        """Answer an upgrade as any other request: there are no WebSockets."""
        return await self.request(request)

    async def close(self) -> None:
        """Wait until clients have fetched what they were sent; drop those that do not."""
        self._last = {session.key: session for session in self.sessions}
        for session in self.sessions:
            session.shorten()
        await self.sessions.close(self.options.close_timeout)

    def _endpoint(self, request: Request) -> str:
        """What a request is for; empty for anything else than test and bind."""
        rest = request.path[len(self.primus.pathname) :]
        return rest if rest in ENDPOINTS else ""

    # -- the test

    def _test(self, request: Request) -> Response:
        if request.method != "GET":
            return _not_allowed()
        if self.primus.draining:
            return Response.error(503)
        if request.query.get("MODE") == "init":
            # No other host for back channels, and no one that is blocked.
            return Response(200, "[null,null]", {**FIELDS, "X-Accept": ACCEPT})
        return Response(200, self._pieces(request), STREAMING)

    async def _pieces(self, request: Request) -> AsyncIterator[bytes]:
        """An answer in two pieces: a proxy that sends both at once lets nothing stream."""
        poll = LongPoll(request, lambda: None)
        timer = self.sessions.clock.call_later(TEST_DELAY, poll.wake)
        try:
            yield b"11111"
            if await poll.wait():
                yield b"2"
        finally:
            timer.cancel()

    # -- sessions

    def _bind(self, request: Request) -> Response | Awaitable[Response]:
        query = request.query
        sid = query.get("SID")
        if self._last and str(sid) in self._last and request.method == "POST":
            # The client is being told the end: to refuse what it posts would tell it first, and
            # that it is to come back.
            return self._post(self._last[str(sid)], request)
        session = self._session(sid)
        if session is not None and (last := _number(query.get("AID"))) is not None:
            session.acknowledge(last)
        if request.method == "POST":
            return self._open(request) if session is None else self._post(session, request)
        if request.method != "GET":
            return _not_allowed()
        kind = query.get("TYPE")
        if kind == "terminate":
            if session is not None:
                session.leave(_number(query.get("RID")) or 0)
            return Response(200, b"", HEADERS)
        if kind != "xmlhttp":
            raise Refused("Invalid TYPE")
        if session is None:
            raise Refused("Invalid SID")
        return self._back_channel(session, request)

    def _session(self, sid: str | list[str] | None) -> Session | None:
        """The session that a request names, or `None` when it names none.

        Raises:
            Refused: there is no such session.
        """
        if not sid:
            return None
        session = self.sessions.get(sid) if isinstance(sid, str) else None
        if session is None:
            raise Refused("Unknown SID")
        return session

    async def _back_channel(self, session: Session, request: Request) -> Response:
        query = request.query
        if query.get("RID") != "rpc":
            raise Refused("Expected RPC")
        poll = session.open_back_channel(request)
        if query.get("CI") == "0":
            return Response(200, session.chunks(poll), STREAMING)
        return Response(200, (await session.one_chunk(poll)).encode(), HEADERS)

    async def _open(self, request: Request) -> Response:
        """Open a session, with the messages that its client posts along."""
        if self.primus.draining or len(self.sessions) >= self.options.max_sessions:
            return Response.error(503)
        rid = self._rid(request)
        try:
            body = await read_body(
                request,
                limit=self.options.max_payload,
                within=self.options.body_timeout,
                clock=self.sessions.clock,
            )
            maps = self._maps(request, body)
        except BodyRefused as refused:
            return refused.response
        except ProtocolError as error:
            raise Refused("Bad data") from error
        if self.primus.draining:
            return Response.error(503)
        self._replace(request)
        max_length = self.primus.options.max_length
        session = Session(new_key(self.primus.node), rid, self.sessions, self.options, max_length)
        if LongPoll(request, session.over).gone:
            return Response(400)  # no client reads it
        self.primus.accept(session, request)
        if session.is_over:
            raise Refused("Forbidden", 403)
        refusal = self._bring(session, rid, maps)
        return refusal or Response(200, session.begin(), HEADERS)

    def _replace(self, request: Request) -> None:
        """End the session in whose place the client opens another one."""
        old = request.query.get("OSID")
        session = self.sessions.get(old) if isinstance(old, str) else None
        if session is not None:
            last = _number(request.query.get("OAID"))
            session.acknowledge(-1 if last is None else last)
            session.over()

    async def _post(self, session: Session, request: Request) -> Response:
        rid = self._rid(request)
        try:
            body = session.taken_body(request)
            if body is None:
                body = await session.read(request, rid)
            maps = self._maps(request, body)
        except Replaced:
            return Response(400, headers={"Connection": "close"})  # no client reads it
        except BodyRefused as refused:
            if refused.status == 413:
                session.over(refused.error)
            return refused.response
        except ProtocolError as error:
            session.over(error)
            raise Refused("Bad data") from error
        if session.is_over and not session.is_told:
            raise Refused("Unknown SID")
        if session.is_over:
            return Response(200, session.status, HEADERS)
        return self._bring(session, rid, maps) or Response(200, session.status, HEADERS)

    def _bring(self, session: Session, rid: int, maps: Maps) -> Response | None:
        """Bring what was posted; the refusal of what breaks the rules."""
        try:
            session.bring(rid, maps)
        except ProtocolError as error:
            session.over(error)
            if isinstance(error, LimitError) and error.option == "max_length":
                return Response(413)
            raise Refused("Bad data") from error
        return None

    def _rid(self, request: Request) -> int:
        rid = _number(request.query.get("RID"))
        if rid is None:
            raise Refused("Bad data")
        return rid

    def _maps(self, request: Request, body: bytes) -> Maps:
        kind = request.headers.get("Content-Type", "")
        if kind != FORM and kind.partition(";")[0].strip().lower() == "application/json":
            return parse_json(body, self.options.max_maps)
        return parse_form(body, self.options.max_maps)

    # -- the other halves

    @classmethod
    def connector(cls) -> Connector:
        """The client half, imported when a client needs it."""
        from primus_transformer_browserchannel.client import BrowserChannelConnector

        return BrowserChannelConnector()

    @classmethod
    @cache
    def browser(cls) -> Browser:
        """The browser half: the client of the npm package, and our adapter."""
        assets = files("primus_transformer_browserchannel").joinpath("_assets")
        library = assets.joinpath("bcsocket.js").read_text("utf-8")
        for theirs, ours in (PARSING, *STRICT):
            library = library.replace(theirs, ours)
        return Browser.read("primus_transformer_browserchannel", library=library)


def _not_allowed() -> Response:
    return Response(405, "Method not allowed", {**FIELDS, "Allow": "GET, POST"})


def _number(value: str | list[str] | None) -> int | None:
    """A number of a query string, or `None` when it is none."""
    return int(value) if isinstance(value, str) and NUMBER.fullmatch(value) else None
