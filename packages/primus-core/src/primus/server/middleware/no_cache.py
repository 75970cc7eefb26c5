"""``no-cache``: what a transport answers is never to be cached."""

from __future__ import annotations

from typing import TYPE_CHECKING

from primus.http import Request
from primus.server.layers import Layer

if TYPE_CHECKING:
    from primus.server.primus import Primus

__all__ = ["layer"]


def layer(primus: Primus) -> Layer:
    """The layer that forbids caching."""

    def no_cache(request: Request) -> None:
        headers = request.response_headers
        headers["Cache-Control"] = "no-store, no-cache, must-revalidate, max-age=0"
        headers["Pragma"] = "no-cache"

    return Layer("no-cache", no_cache, upgrade=False)
