"""``spec``: tells a client how to talk to this server."""

from __future__ import annotations

from primus.contracts import Server
from primus.http import Request, Response
from primus.layer import Layer

__all__ = ["layer"]


def layer(primus: Server) -> Layer:
    """The layer for ``spec`` below the pathname."""

    def spec(request: Request) -> Response | None:
        if request.path != f"{primus.pathname}/spec":
            return None
        response = Response.json(primus.spec)
        if primus.draining:  # load balancers that ask for it send newcomers elsewhere
            response.status = 503
        return response

    return Layer("spec", spec, upgrade=False, by_head=True)
