"""Requests made by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any

from multidict import CIMultiDict, CIMultiDictProxy

from primus.http import Address, HandOver, HostWebSocket, Request

__all__ = ["make_request"]


def make_request(
    target: str = "/primus",
    *,
    method: str = "GET",
    headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    ip: str = "127.0.0.1",
    port: int = 50_000,
    secure: bool = False,
    body: Iterable[bytes] = (),
    detach: Callable[[], HandOver] | None = None,
    websocket: Callable[[], HostWebSocket] | None = None,
    watch: Callable[[Callable[[], None]], None] | None = None,
    native: Any = None,
) -> Request:
    """A `primus.http.Request`, as a host would have made it.

    Args:
        target: path and query string.
        method: the HTTP method.
        headers: names and values; pairs when a name is to be repeated.
        ip: of the peer.
        port: of the peer.
        secure: whether it came over TLS.
        body: the chunks of the body.
        detach: makes it an upgrade, and gives what is handed over.
        websocket: makes it an upgrade, and gives the WebSocket of the HTTP server.
        watch: takes what is to be called when the client has gone.
        native: the request object of the HTTP server.
    """
    chunks = tuple(body)

    async def read() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return Request(
        method,
        target,
        CIMultiDictProxy(CIMultiDict(headers)),
        address=Address(ip, port),
        secure=secure,
        body=read if chunks else None,
        detach=detach,
        websocket=websocket,
        watch=watch,
        native=native,
    )
