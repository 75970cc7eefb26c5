"""What a request has to be before a layer or a transformer looks at it, on every host.

Paths below the pathname have one form: RFC 3986 section 6.2.2, without empty segments and without
parameters. What a proxy or a layer compares is then what the transformer sees. Every other
spelling is not found; no client of Primus sends one.
"""

from __future__ import annotations

import re
from functools import cache
from string import ascii_letters, digits
from typing import Final

from primus.contracts import Server
from primus.http import Request, Response, repeated

__all__ = ["refusal"]

UNRESERVED: Final = f"{ascii_letters}{digits}-._~"
PLAIN: Final = f"{UNRESERVED}!$&'()*+,=:@"
ENCODED: Final = "|".join(
    f"{code:02X}" for code in range(0x20, 0x100) if chr(code) not in f"{UNRESERVED}/\\;%\x7f"
)
CHARACTERS: Final = f"[{re.escape(PLAIN)}]*(?:%(?:{ENCODED})[{re.escape(PLAIN)}]*)*"

ROOT: Final = ("", "/")

LINE: Final = len("  HTTP/1.1\r\n\r\n")
FIELD: Final = len(": \r\n")


def refusal(primus: Server, request: Request) -> Response | None:
    """The answer to a request that is not looked at, or `None` for all others."""
    headers = request.headers
    if not request.is_checked:
        if _head_size(request) > primus.limits.max_head:
            return Response.error(431)
        twice = repeated(headers)
        if twice is not None:
            return Response.error(400, f"the header {twice} is there more than once")
    path, pathname, passage = request.path, primus.pathname, request.passage
    if passage is not None and passage.layers is not None and passage.path == path:
        return None  # as before; no upgrade is remembered
    rest = path[len(pathname) :]
    if not path.startswith(pathname) or (rest not in ROOT and _normal().fullmatch(rest) is None):
        return Response.error(404)
    if request.upgrade and (
        headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in headers
    ):
        return Response.error(400, "an upgrade has no body")
    return None


def _head_size(request: Request) -> int:
    """Bytes of the head, as far as hosts tell; characters beyond ASCII count as one."""
    query = request.query_string
    headers = request.headers
    size = LINE + len(request.method) + len(request.path) + (len(query) + 1 if query else 0)
    return size + FIELD * len(headers) + sum(map(len, headers)) + sum(map(len, headers.values()))


@cache
def _normal() -> re.Pattern[str]:
    """What may follow the pathname, which may go on without a slash: ``/primusX/info``.

    It is compiled when it is first needed: that takes more than a millisecond. No quantifier is
    possessive: in Python 3.11.2, that of Debian 12, a group that fails halfway has consumed text.
    """
    return re.compile(rf"{CHARACTERS}(?:/(?!\.\.?(?:/|\Z))(?=[^/]){CHARACTERS})*/?")
