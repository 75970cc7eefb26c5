"""HTTP compression of whole answers."""

from __future__ import annotations

import re
import zlib
from typing import Final

from primus.http import Request, Response

__all__ = ["COMPRESS_FROM", "compressed"]

COMPRESS_FROM: Final = 1024
"""Bytes from which on an answer is worth compressing."""

ACCEPTED: Final = re.compile(r"\b(gzip|deflate)\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))", re.IGNORECASE)
WINDOW_BITS: Final = {"gzip": 31, "deflate": 15}


def compressed(request: Request, response: Response) -> Response:
    """`response` in an encoding that the client accepts, when that is worth it.

    A streamed answer stays as it is. Caches need not be told: they may keep none of it. For
    servers with ``compression=True`` only, since an answer that holds a secret beside what an
    attacker chose tells of it by its length.
    """
    if response.chunks is not None or len(response.body) < COMPRESS_FROM:
        return response
    accepted = {name.lower() for name in ACCEPTED.findall(_accepted(request))}
    for name, bits in WINDOW_BITS.items():
        if name in accepted:
            deflate = zlib.compressobj(6, zlib.DEFLATED, bits)
            response.body = deflate.compress(response.body) + deflate.flush()
            response.headers["Content-Encoding"] = name
            break
    return response


def _accepted(request: Request) -> str:
    return ",".join(request.headers.getall("Accept-Encoding", ()))
