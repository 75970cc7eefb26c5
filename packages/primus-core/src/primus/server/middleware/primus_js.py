"""``primus.js``: serves the browser client."""

from __future__ import annotations

from collections.abc import Callable

from primus.contracts import Server
from primus.errors import PrimusError
from primus.http import Request, Response
from primus.layer import Layer

__all__ = ["layer"]


def layer(primus: Server) -> Layer:
    """The layer for ``primus.js``, ``primus.mjs`` and their declarations, below the pathname."""
    javascript, typescript = "text/javascript; charset=utf-8", "text/plain; charset=utf-8"
    served: dict[str, tuple[str, Callable[[], str]]] = {
        "/primus.js": (javascript, lambda: primus.library("umd")),
        "/primus.mjs": (javascript, lambda: primus.library("esm")),
        "/primus.d.ts": (typescript, primus.declarations),
        "/primus.d.mts": (typescript, lambda: primus.declarations("esm")),
    }

    def client(request: Request) -> Response | None:
        found = served.get(request.path.removeprefix(primus.pathname))
        if found is None:
            return None
        content_type, text = found
        try:
            return Response(200, text(), content_type=content_type)
        except PrimusError as error:  # a parser, transformer or plugin without a browser half
            primus.log.warning("there is no %s: %s", request.path, error)
            return Response(404, f"There is no browser client here: {error}")

    return Layer("primus.js", client, upgrade=False)
