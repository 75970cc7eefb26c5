"""A request in a form that no HTTP server owns."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from multidict import CIMultiDict, CIMultiDictProxy

from primus.cookies import parse_cookies
from primus.errors import PrimusError
from primus.http.address import Address
from primus.http.passage import Passage
from primus.http.upgrade import HandOver, HostWebSocket, OnDemand
from primus.suggestions import NODE, NodeState

__all__ = [
    "BodyTooLarge",
    "ClientGone",
    "Headers",
    "Query",
    "Request",
    "parse_query",
    "shown",
    "without_authority",
]

Headers = CIMultiDictProxy[str]

FIELD: Final = re.compile(r"(?!&|\Z)([^&=]*)=?([^&]*)")
"""A field as name and value."""

ABSOLUTE: Final = re.compile(r"(?:https?|wss?)://([^/?#@]+)(.*)", re.IGNORECASE | re.DOTALL)
"""A target in absolute form, as proxies are sent it (RFC 9112 section 3.2.2)."""

LONGEST_NAME: Final = 16
"""Characters; what stands at the end of a path and is longer may be the key of a session."""


class Query(dict[str, "str | list[str]"]):
    """The parameters of a URL; one that is repeated has a list of values."""

    def text(self, name: str, default: str = "") -> str:
        """One parameter as a text: the first of its values when it is repeated.

        Args:
            name: what it is called.
            default: what it is when the URL does not have it.
        """
        value = self.get(name, default)
        return value if isinstance(value, str) else value[0]


class BodyTooLarge(PrimusError):
    """The body of a request is longer than its reader allows."""


class ClientGone(PrimusError, ConnectionError):
    """The client has gone before its request was complete."""


class Request:
    """An HTTP request below ``primus.pathname``.

    ``path`` is as it was sent, not decoded, and ``query_string`` what followed the ``?``.
    ``headers`` are case-insensitive; ``address`` is that of the client, as far as trusted
    proxies tell it; ``secure`` says whether the client uses TLS; ``upgrade`` whether it asks
    for a WebSocket, and ``detachable`` whether `detach` can give its raw transport.
    ``response_headers`` are added to whatever is answered. ``native`` is the request object of
    the HTTP server (on a server of our own an upgrade may have its transport there), or `None`
    once aiohttp has handed an upgrade over, or answered a plain request.
    """

    __slots__ = (
        "_body",
        "_detach",
        "_drop",
        "_native",
        "_query",
        "_state",
        "_watch",
        "_websocket",
        "address",
        "headers",
        "is_checked",
        "method",
        "passage",
        "path",
        "query_string",
        "response_headers",
        "secure",
        "upgrade",
    )

    def __init__(
        self,
        method: str,
        target: str,
        headers: Headers,
        *,
        address: Address,
        secure: bool = False,
        body: bytes | Callable[[], AsyncIterator[bytes]] | None = None,
        detach: Callable[[], HandOver] | None = None,
        websocket: Callable[[], HostWebSocket] | None = None,
        watch: Callable[[Callable[[], None]], None] | None = None,
        drop: Callable[[], None] | None = None,
        native: Any = None,
        is_checked: bool = False,
        passage: Passage | None = None,
    ) -> None:
        if target[:1] != "/":
            headers = _with_host_of(target, headers)
            target = without_authority(target)
        if "#" in target:
            target = target.partition("#")[0]
        path, _, query_string = target.partition("?")
        self.method = method
        self.path = path
        self.query_string = query_string
        self.headers = headers
        self.address = address
        self.secure = secure
        self.upgrade = detach is not None or websocket is not None
        self.response_headers: CIMultiDict[str] = CIMultiDict()
        self._native = native
        self.is_checked = is_checked
        """Whether the host has bounded the head, and looked for headers that are there twice."""
        self.passage = passage
        """What became of earlier requests of the connection that have the same headers."""
        self._body = body
        self._detach = detach
        self._websocket = websocket
        self._watch = watch
        self._drop = drop
        self._query: Query | None = None
        self._state: dict[str, Any] | None = None

    def __repr__(self) -> str:
        return f"<Request {self.method} {shown(self.path)}>"

    @property
    def native(self) -> Any:
        """The request object of the HTTP server; hosts may make it when it is first asked for."""
        native = self._native
        if isinstance(native, OnDemand):
            native = self._native = native.make()
        return native

    @native.setter
    def native(self, native: Any) -> None:
        self._native = native

    @property
    def query(self) -> Query:
        """The parameters of the query string; one that is repeated has a list of values."""
        if self._query is None:
            self._query = parse_query(self.query_string)
        return self._query

    @property
    def state(self) -> dict[str, Any]:
        """Room for what middleware finds out, such as the user: ``spark.request.state``."""
        if self._state is None:
            self._state = {}
        return self._state

    @property
    def cookies(self) -> Mapping[str, str]:
        """The cookies of the request by name; what is no cookie among them is passed over."""
        return parse_cookies(self.headers.getall("Cookie", ()))

    async def read(self, limit: int | None = None) -> bytes:
        """The body.

        Args:
            limit: the longest body that is taken, in bytes; `None` for any.

        Raises:
            BodyTooLarge: the body is longer than `limit`; the rest of it is not read.
            ProtocolError: it is malformed.
            ClientGone: the client has gone before all of it had come.
        """
        body = self.taken(limit)
        if body is not None:
            return body
        received = bytearray()
        async for chunk in self.parts():
            received += chunk
            if limit is not None and len(received) > limit:
                raise BodyTooLarge(f"the body is longer than {limit} bytes")
        return bytes(received)

    def taken(self, limit: int | None = None) -> bytes | None:
        """The body, if all of it is there; `None` when `read` has to wait for it.

        Args:
            limit: the longest body that is taken, in bytes; `None` for any.

        Raises:
            BodyTooLarge: the body is longer than `limit`.
        """
        body = self._body
        if body is None:
            return b""
        if not isinstance(body, bytes):
            return None
        if limit is not None and len(body) > limit:
            raise BodyTooLarge(f"the body is longer than {limit} bytes")
        return body

    async def parts(self) -> AsyncIterator[bytes]:
        """The body as it arrives.

        Raises:
            ProtocolError: it is malformed.
            ClientGone: the client has gone before all of it had come.
        """
        body = self._body
        if isinstance(body, bytes):
            yield body
        elif body is not None:
            async for chunk in body():
                yield chunk

    @property
    def is_whole(self) -> bool:
        """Whether `read` has nothing to wait for."""
        return self._body is None or isinstance(self._body, bytes)

    def on_gone(self, fn: Callable[[], None]) -> None:
        """Call `fn` once, should the client go before all of the answer has been sent.

        For answers that are not ready yet. Read the body first: from here on, what is left of
        it counts as read.
        """
        if self._watch is not None:
            self._watch(fn)

    def drop(self) -> None:
        """Drop the connection that the request came on, as far as the HTTP server lets us.

        For a client that does not read its answer: whatever waits to be sent is dropped too.
        """
        if self._drop is not None:
            self._drop()

    @property
    def detachable(self) -> bool:
        """Whether this is an upgrade whose raw transport can be had."""
        return self._detach is not None

    def websocket(self) -> HostWebSocket:
        """The HTTP server's own WebSocket for this upgrade, which is still to be accepted.

        Raises:
            RuntimeError: the request is no upgrade, or its server speaks no WebSocket.
        """
        if self._websocket is None:
            raise RuntimeError("the HTTP server has no WebSocket for this request")
        return self._websocket()

    def detach(self) -> HandOver:
        """Take the transport of an upgrade away from the HTTP server, which forgets it.

        Raises:
            ConnectionResetError: the client has gone.
            RuntimeError: the request is no upgrade, or was handed over before.
        """
        if self._detach is None:
            raise RuntimeError("only an upgrade can be handed over, and only once")
        detach, self._detach = self._detach, None
        handed = detach()
        self.release()
        self._native = handed.native
        return handed

    def release(self) -> None:
        """Keep nothing of the HTTP server's: the request is over, and a spark may keep it long."""
        self._native = self.passage = self._body = self._detach = None
        self._websocket = self._watch = self._drop = None


for _name, _instead in NODE["Request"].items():
    setattr(Request, _name, NodeState(_name, _instead))


def without_authority(target: str) -> str:
    """A target in absolute form without scheme and host; any other as it is."""
    match = ABSOLUTE.fullmatch(target)
    if match is None:
        return target
    rest = match[2]
    return rest if rest.startswith("/") else f"/{rest}"


def _with_host_of(target: str, headers: Headers) -> Headers:
    """The headers with the host that a target in absolute form names in place of `Host`."""
    match = ABSOLUTE.fullmatch(target)
    if match is None:
        return headers
    changed = headers.copy()
    changed["Host"] = match[1]
    return CIMultiDictProxy(changed)


def shown(path: str) -> str:
    """`path` for logs: the middle and the end of a long one may hold the key of a session."""
    first, _, rest = path.strip("/").partition("/")
    if rest.count("/") >= 2:
        last = rest.rpartition("/")[2]
        path = f"/{first}/.../{last if len(last) <= LONGEST_NAME else '...'}"
    return ascii(path)[1:-1]


def parse_query(query_string: str) -> Query:
    """The parameters of `query_string` as Node's ``querystring`` gives them.

    A name that stands once has a text, one that is repeated a list of texts. At most 1,000
    parameters are read, as in Node.
    """
    if query_string.count("&") >= 1000:
        query_string = "&".join(query_string.split("&", 1000)[:1000])
    if "%" in query_string or "+" in query_string:
        pairs = parse_qsl(query_string, keep_blank_values=True, errors="replace")
    else:  # as those of polls, of which there are many
        pairs = FIELD.findall(query_string)
    query = Query(pairs)
    return query if len(query) == len(pairs) else _gathered(pairs)


def _gathered(pairs: list[tuple[str, str]]) -> Query:
    """Parameters of which some are repeated."""
    query = Query()
    for name, value in pairs:
        earlier = query.get(name)
        if earlier is None:
            query[name] = value
        elif isinstance(earlier, list):
            earlier.append(value)
        else:
            query[name] = [earlier, value]
    return query
