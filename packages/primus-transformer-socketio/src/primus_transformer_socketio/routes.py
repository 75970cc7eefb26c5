"""Which part of the protocol a path is for (pure)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

__all__ = [
    "HTMLFILE",
    "JSONP",
    "NOWHERE",
    "POLLED",
    "PROTOCOL",
    "WEBSOCKET",
    "XHR",
    "Route",
    "route",
]

WEBSOCKET: Final = "websocket"
XHR: Final = "xhr-polling"
JSONP: Final = "jsonp-polling"
HTMLFILE: Final = "htmlfile"

POLLED: Final = frozenset({XHR, JSONP, HTMLFILE})
"""The transports that are plain requests."""

PROTOCOL: Final = "1"

KNOWN: Final = 256
"""Characters of the longest path that is remembered."""

PATH: Final = re.compile(r"(?:/([^/]+)(?:/([^/]+)(?:/([^/]+))?)?)?/?")


class Route(NamedTuple):
    """A path below the pathname; a part that is missing is empty."""

    protocol: str = ""
    transport: str = ""
    key: str = ""


NOWHERE: Final = Route("?")


def route(path: str, pathname: str, longest: int) -> Route:
    """What `path` is for.

    Args:
        path: that of a request.
        pathname: that of the server.
        longest: how many characters a key may have; a longer one is as good as any other wrong one.
    """
    # Every request of a client has the same path.
    return (_known if len(path) <= KNOWN else _route)(path, pathname, longest)


def _route(path: str, pathname: str, longest: int) -> Route:
    match = PATH.fullmatch(path.removeprefix(pathname))
    if match is None:
        return NOWHERE
    protocol, transport, key = (part or "" for part in match.groups())
    return Route(protocol, transport, key[: longest + 1])


_known = lru_cache(maxsize=1024)(_route)
