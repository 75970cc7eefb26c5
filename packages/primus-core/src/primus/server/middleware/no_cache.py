"""``no-cache``: what a transport answers is never to be cached."""

from __future__ import annotations

from primus.contracts import Server
from primus.http import Request
from primus.layer import Layer

__all__ = ["layer"]


def layer(primus: Server) -> Layer:
    """The layer that forbids caching."""

    def no_cache(request: Request) -> None:
        headers = request.response_headers
        headers["Cache-Control"] = "no-store, no-cache, must-revalidate, max-age=0"
        headers["Pragma"] = "no-cache"

    return Layer("no-cache", no_cache, upgrade=False, by_head=True)
