"""``cors``: cross-origin requests, and whose they may be.

Every answer to a plain request depends on the ``Origin``, also without one, and says so by
``Vary``: a cache would hand it to other pages otherwise. A request without ``Origin`` passes. A
preflight is answered here. A list in ``origins`` is enforced on upgrades too: browsers do not stop
a foreign page from opening a WebSocket, so the server has to (cross-site WebSocket hijacking).
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from primus.contracts import Server
from primus.http import Request, Response, http_date
from primus.layer import Layer
from primus.origins import Origins

if TYPE_CHECKING:
    from primus.options import ServerOptions

__all__ = ["layer"]

ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*:[!-$&-~]*", re.IGNORECASE)
HEADER_NAMES = re.compile(r"[\w!#$%&'*+.^`|~, -]*", re.ASCII)


def layer(primus: Server) -> Layer:
    """The layer for CORS, by the options of the server."""
    options = primus.options
    allowed = Origins(options.origins)

    def cors(request: Request) -> Response | None:
        origin = request.headers.get("Origin")
        if not request.upgrade:
            request.response_headers.add("Vary", "Origin")
        if origin is None:
            return None
        if not _valid(origin) or origin not in allowed:
            return _refusal(request, origin)
        if request.upgrade:
            return None
        if options.methods and request.method not in options.methods:
            return _refusal(request, origin)
        _grant(request, origin, options, listed=not allowed.any)
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            return _preflight(request, options)
        return None

    return Layer("cors", cors, by_head=True)


def _valid(origin: str) -> bool:
    origin = origin.strip()
    return origin.lower() == "null" or ORIGIN.fullmatch(origin) is not None


def _refusal(request: Request, origin: str) -> Response:
    body = (
        "Invalid HTTP Access Control (CORS) request:\n"
        f"  Origin: {origin}\n  Method: {request.method}"
    )
    return Response(403, body, {"Vary": "Origin"}, content_type="text/plain")


def _grant(request: Request, origin: str, options: ServerOptions, *, listed: bool) -> None:
    headers = request.response_headers
    if listed or options.credentials:
        headers["Access-Control-Allow-Origin"] = origin
    else:
        headers["Access-Control-Allow-Origin"] = "*"
    if options.credentials:
        headers["Access-Control-Allow-Credentials"] = "true"
    if options.exposed and request.method != "OPTIONS":
        headers["Access-Control-Expose-Headers"] = ", ".join(options.exposed)


def _preflight(request: Request, options: ServerOptions) -> Response:
    response = Response(200)
    if options.max_age:
        response.headers["Access-Control-Max-Age"] = str(int(options.max_age))
        response.headers["Cache-Control"] = f"public, max-age={int(options.max_age)}"
        response.headers["Expires"] = http_date(time.time() + options.max_age)
    if options.methods:
        response.headers["Access-Control-Allow-Methods"] = ", ".join(options.methods)
    wanted = request.headers.get("Access-Control-Request-Headers", "")
    if not options.headers:
        request.response_headers.add("Vary", "Access-Control-Request-Headers")
    names = ", ".join(options.headers) or wanted
    if names and HEADER_NAMES.fullmatch(names):
        response.headers["Access-Control-Allow-Headers"] = names
    return response
