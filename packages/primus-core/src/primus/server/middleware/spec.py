"""``spec``: tells a client how to talk to this server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from primus.http import Request, Response
from primus.server.layers import Layer

if TYPE_CHECKING:
    from primus.server.primus import Primus

__all__ = ["layer"]


def layer(primus: Primus) -> Layer:
    """The layer for ``spec`` below the pathname."""
    path = f"{primus.pathname}/spec"

    def spec(request: Request) -> Response | None:
        return Response.json(primus.spec) if request.path == path else None

    return Layer("spec", spec, upgrade=False)
