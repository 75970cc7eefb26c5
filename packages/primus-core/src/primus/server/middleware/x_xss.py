"""``x-xss``: Internet Explorer's XSS filter breaks streaming transports, so it is told to stop."""

from __future__ import annotations

from primus.contracts import Server
from primus.http import Request
from primus.layer import Layer

__all__ = ["layer"]


def layer(primus: Server) -> Layer:
    """The layer that sets ``X-XSS-Protection: 0`` for Internet Explorer."""

    def x_xss(request: Request) -> None:
        agent = request.headers.get("User-Agent", "").lower()
        if ";msie" in agent or "trident/" in agent:
            request.response_headers["X-XSS-Protection"] = "0"

    return Layer("x-xss", x_xss, upgrade=False, by_head=True)
