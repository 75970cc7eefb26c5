"""What an ASGI scope tells of a request.

The types follow https://asgi.readthedocs.io; no server or framework is imported for them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from multidict import CIMultiDict, CIMultiDictProxy

from primus.http import Address, Headers, without_authority
from primus.write_watch import Wire

__all__ = [
    "Application",
    "Event",
    "Place",
    "Receive",
    "Scope",
    "Send",
    "address",
    "encoded",
    "has_endless_heads",
    "headers",
    "place",
    "query_string",
    "wire_of",
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
    """Where a request finds the Primus, or `None` when it is for another application.

    Args:
        scope: of the request. Its path may or may not begin with its ``root_path``: servers
            and frameworks disagree about that.
        pathname: that of the options.
        alone: there is no other application around; then the Primus may have been mounted at
            its pathname, and everything below is its own.

    A pathname that is spelled otherwise than clients of Primus do, with ``%70`` for a ``p``, is
    not found: what a proxy has compared is not what is served.
    """
    root = str(scope.get("root_path") or "").rstrip("/")
    path = _path(scope)
    rest = _below(path, root) if root else path
    inside = path if rest is None else rest
    if alone and root.endswith(pathname):
        return _found(root, _as_sent(scope, path, inside))
    rest = _below(inside, pathname)
    return None if rest is None else _found(root + pathname, _as_sent(scope, path, rest))


def _found(pathname: str, rest: str | None) -> Place | None:
    return None if rest is None else Place(pathname, rest)


def _path(scope: Scope) -> str:
    """The path; some servers leave a target in absolute form as it is (RFC 9112 section 3.2.2)."""
    path = str(scope["path"])
    return path if path.startswith("/") else without_authority(path)


def _below(path: str, prefix: str) -> str | None:
    """What follows `prefix`, when the path is that or below."""
    rest = path.removeprefix(prefix)
    if not path.startswith(prefix) or (rest and rest[0] != "/"):
        return None
    return rest


def _as_sent(scope: Scope, path: str, rest: str) -> str | None:
    """The end of the path before it was decoded, or `None` when its beginning was sent otherwise.

    Servers need not tell the raw path, nor all of it when they add a prefix.
    """
    raw = bytes(scope.get("raw_path") or b"").partition(b"?")[0].decode("latin-1")
    raw = raw if raw.startswith("/") else without_authority(raw)
    if raw == path and "%" not in raw:
        return rest
    before = quote(path[: len(path) - len(rest)], safe=SAFE)
    if not raw:
        return quote(rest, safe=SAFE)
    if raw[: len(before)].upper() == before.upper():  # %c3 is %C3; the letters are right already
        return raw[len(before) :]
    root = quote(str(scope.get("root_path") or "").rstrip("/"), safe=SAFE)
    inner = before.removeprefix(root)
    return raw[len(inner) :] if root and raw[: len(inner)].upper() == inner.upper() else None


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


def wire_of(send: Send) -> Wire | None:
    """The connection behind `send`, where the server shows it, as uvicorn does."""
    wire = getattr(getattr(send, "__self__", None), "transport", None)
    return wire if hasattr(wire, "get_write_buffer_size") and hasattr(wire, "abort") else None


def has_endless_heads(send: Send) -> bool:
    """Whether uvicorn parses requests by its own class for httptools, which bounds no heads."""
    told = getattr(getattr(send, "__self__", None), "on_response", None)
    return type(getattr(told, "__self__", None)).__qualname__ == "HttpToolsProtocol"


def encoded(items: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Headers as ASGI has them: bytes, with lower-case names."""
    return [(name.lower().encode("ascii"), value.encode()) for name, value in items]
