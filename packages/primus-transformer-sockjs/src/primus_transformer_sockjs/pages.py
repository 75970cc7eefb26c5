"""The pages of SockJS that are no transports."""

from __future__ import annotations

import hashlib
import html
import json
import secrets
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Final

from primus.http import Request, Response

if TYPE_CHECKING:
    from primus_transformer_sockjs.options import SockJSOptions

__all__ = ["NO_CACHE", "cacheable", "greeting", "iframe", "info", "preflight"]

YEAR: Final = 365 * 24 * 60 * 60
NO_CACHE: Final = "no-store, no-cache, no-transform, must-revalidate, max-age=0"

IFRAME: Final = """<!DOCTYPE html>
<html>
<head>
  <meta http-equiv="X-UA-Compatible" content="IE=edge" />
  <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
  <script src="{sockjs_url}"></script>
  <script>
    SockJS.bootstrap_iframe();
  </script>
</head>
<body>
  <h2>Don't panic!</h2>
  <p>This is a SockJS hidden iframe. It's used for cross domain magic.</p>
</body>
</html>"""
"""The page that sockjs-protocol prescribes, letter by letter, but for ``document.domain``.

A page that sets its domain is open to scripts of every subdomain, which set theirs to the same.
"""


def greeting() -> Response:
    """The page at the pathname, for a browser that opens it."""
    return Response(200, "Welcome to SockJS!\n", content_type="text/plain; charset=UTF-8")


def info(options: SockJSOptions) -> Response:
    """What the server can do, and a random number for browsers that have none of their own."""
    about = {
        "websocket": options.websocket,
        "origins": ["*:*"],
        "cookie_needed": options.jsessionid,
        "entropy": secrets.randbits(32),
    }
    if options.base_url:
        about["base_url"] = options.base_url
    return Response(
        200,
        json.dumps(about, separators=(",", ":")),
        {"Content-Type": "application/json; charset=UTF-8", "Cache-Control": NO_CACHE},
    )


def preflight(request: Request, methods: tuple[str, ...]) -> Response:
    """The answer to OPTIONS that is no preflight of CORS; those are answered before."""
    response = Response(204)
    response.headers["Access-Control-Allow-Methods"] = ", ".join(methods)
    response.headers["Access-Control-Max-Age"] = str(YEAR)
    return cacheable(request, response)


def cacheable(request: Request, response: Response) -> Response:
    """`response`, to be kept for a year."""
    request.response_headers.pop("Pragma", None)
    response.headers["Cache-Control"] = f"public, max-age={YEAR}"
    response.headers["Expires"] = formatdate(time.time() + YEAR, usegmt=True)
    return response


def iframe(request: Request, sockjs_url: str, origins: tuple[str, ...]) -> Response:
    """The page that lets a page of another origin talk to this one.

    Its script acts for the page that embeds it, so when `origins` are listed, only those may.
    """
    body = IFRAME.format(sockjs_url=html.escape(sockjs_url)).encode()
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    if request.headers.get("If-None-Match") == etag:
        return Response(304, headers={"ETag": etag})
    response = Response(200, body, {"Content-Type": "text/html; charset=UTF-8", "ETag": etag})
    if "*" not in origins:
        allowed = " ".join(origin for origin in origins if "://" in origin) or "'none'"
        response.headers["Content-Security-Policy"] = f"frame-ancestors {allowed}"
    return cacheable(request, response)
