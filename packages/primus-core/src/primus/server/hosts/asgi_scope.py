"""What an ASGI scope tells of a request.

The types follow https://asgi.readthedocs.io; no server or framework is imported for them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from multidict import CIMultiDict, CIMultiDictProxy

from primus.http import Address, Headers

__all__ = [
    "Application",
    "Event",
    "Place",
    "Receive",
    "Scope",
    "Send",
    "address",
    "encoded",
    "headers",
    "place",
    "query_string",
]

Scope = MutableMapping[str, Any]
Event = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

SAFE = "/~!$&'()*+,;=:@"
"""What paths need not quote (RFC 3986 section 3.3)."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request has found the Primus: ``pathname``, and the ``rest`` as it was sent."""

    pathname: str
    rest: str


def place(scope: Scope, pathname: str, *, alone: bool) -> Place | None:
    """Where a request finds the Primus, or `None` when it is for somebody else.

    Args:
        scope: of the request. Its path may or may not begin with its ``root_path``: servers
            and frameworks disagree about that.
        pathname: that of the options.
        alone: there is no other application around; then the Primus may have been mounted at
            its pathname, and everything below is its own.
    """
    root = str(scope.get("root_path") or "").rstrip("/")
    path = str(scope["path"])
    rest = _below(path, root) if root else path
    inside = path if rest is None else rest
    if alone and root.endswith(pathname):
        return Place(root, _as_sent(scope, inside))
    rest = _below(inside, pathname)
    return None if rest is None else Place(root + pathname, _as_sent(scope, rest))


def _below(path: str, prefix: str) -> str | None:
    """What follows `prefix`, when the path is that or below."""
    rest = path.removeprefix(prefix)
    if not path.startswith(prefix) or (rest and rest[0] != "/"):
        return None
    return rest


def _as_sent(scope: Scope, rest: str) -> str:
    """The end of the path before it was decoded; servers need not tell the raw path."""
    path = str(scope["path"])
    raw = bytes(scope.get("raw_path") or b"").partition(b"?")[0].decode("latin-1")
    before = quote(path[: len(path) - len(rest)], safe=SAFE)
    return raw[len(before) :] if raw.startswith(before) else quote(rest, safe=SAFE)


def query_string(scope: Scope) -> str:
    """What followed the ``?``."""
    return bytes(scope.get("query_string") or b"").decode("utf-8", "replace")


def headers(scope: Scope) -> Headers:
    """The headers of the request, case-insensitive."""
    pairs = (
        (name.decode("latin-1"), value.decode("utf-8", "surrogateescape"))
        for name, value in scope["headers"]
    )
    return CIMultiDictProxy(CIMultiDict(pairs))


def address(scope: Scope) -> Address:
    """Where the peer is; nowhere in particular for a unix socket."""
    client = scope.get("client")
    return Address(str(client[0]), int(client[1] or 0)) if client else Address("")


def encoded(items: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Headers as ASGI has them: bytes, with lower-case names."""
    return [(name.lower().encode("ascii"), value.encode()) for name, value in items]
