"""Which endpoint of SockJS a path below ``primus.pathname`` is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit, urlunsplit

__all__ = ["METHODS", "OPENED", "Route", "as_opened", "route"]

OPENED: Final = "_primusopened"
"""The parameter by which a client of Primus says that a request that receives is not the first of
its session. Those of SockJS are all alike: a server that does not know the session opens it."""

METHODS: Final = {
    "greeting": ("GET",),
    "info": ("OPTIONS", "GET"),
    "iframe": ("GET",),
    "sockjs.js": ("GET",),
    "raw": ("GET",),
    "websocket": ("GET",),
    "xhr": ("POST", "OPTIONS"),
    "xhr_streaming": ("POST", "OPTIONS"),
    "xhr_send": ("POST", "OPTIONS"),
    "eventsource": ("GET",),
    "htmlfile": ("GET",),
    "jsonp": ("GET",),
    "jsonp_send": ("POST",),
}
"""The endpoints, and the methods that each of them takes."""

ENDPOINT: Final = re.compile(
    r"""
    (?P<greeting>)
    | [^/]*/(?:
        (?P<info>info)
        | (?P<iframe>iframe[0-9-.a-z_]*\.html)
        | (?P<script>sockjs\.js)
        | (?P<raw>websocket)
        | [^/.]+/(?P<session>[^/.]+)/(?P<transport>
            websocket | xhr | xhr_streaming | xhr_send | eventsource | htmlfile | jsonp | jsonp_send
          )
    )
    """,
    re.VERBOSE,
)
"""What may follow the pathname. As in Primus for Node, ``/primusX/info`` is ``/primus/info``."""

PRINTABLE: Final = re.compile(r"[!-~]*")

NAMES: Final = {"script": "sockjs.js"}

KNOWN: Final = 256
"""Characters of the longest path that is remembered."""


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint, and the session that its URL names."""

    name: str
    session: str = ""


def route(path: str, pathname: str, longest: int) -> Route | None:
    """The endpoint that `path` is, or `None`. Each of them may end with a slash.

    Args:
        path: the path of a request.
        pathname: that of the Primus.
        longest: characters that the names of a server and a session have at most; all of them are
            printable ASCII.
    """
    # Every request of a session has one of two paths.
    return (_known if len(path) <= KNOWN else _route)(path, pathname, longest)


def _route(path: str, pathname: str, longest: int) -> Route | None:
    if not path.startswith(pathname):
        return None
    rest = path[len(pathname) :]
    if PRINTABLE.fullmatch(rest) is None or max(map(len, rest.split("/"))) > longest:
        return None
    match = ENDPOINT.fullmatch(rest.removesuffix("/"))
    if match is None:
        return None
    transport = match["transport"]
    if transport is not None:
        return Route(transport, match["session"])
    name = match.lastgroup or ""
    return Route(NAMES.get(name, name))


_known = lru_cache(maxsize=1024)(_route)


def as_opened(url: str) -> str:
    """The URL of requests that receive, once the session is open."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=f"{parts.query}&{OPENED}=1".lstrip("&")))
