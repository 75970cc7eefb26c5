"""Heads of answers that refuse a WebSocket, for clients.

They may be of HTTP/1.0, without words behind the status, and promise any length: proxies answer so
for a server that is not there. What accepts is left to the library of each client.
"""

from __future__ import annotations

import asyncio
import re
from typing import Final

from primus.errors import ProtocolError
from primus.limits import DEFAULT_LIMITS
from primus.websocket.refused import RefusedAnswer

__all__ = ["HEAD_END", "LONGEST_HEAD", "REFUSAL", "refused_answer"]

HEAD_END: Final = b"\r\n\r\n"
LONGEST_HEAD: Final = 16 * 1024
"""Bytes of the longest head of a refusal."""
SHOWN: Final = 200
"""Characters of what is said of a head that is malformed."""
REFUSAL: Final = re.compile(rb"HTTP/1\.[01] (?!101)[0-9]{3}[ \r]")
"""How an answer begins that does not accept."""


def refused_answer(head: bytes) -> RefusedAnswer:
    """The answer with this head, whose body is still to be read.

    Raises:
        ProtocolError: the head is malformed.
    """
    # Nothing else of a client that is refused needs aiohttp.
    from aiohttp.base_protocol import BaseProtocol
    from aiohttp.http import HttpProcessingError, HttpResponseParser

    loop = asyncio.get_running_loop()
    parser = HttpResponseParser(BaseProtocol(loop), loop, 1 << 16, auto_decompress=False)
    try:
        ((message, _),), _, _ = parser.feed_data(head)
    except HttpProcessingError as error:
        why = " ".join(error.message.split())  # it shows the head, which may be long
        raise ProtocolError(f"{why:.{SHOWN}}") from error
    return RefusedAnswer(message.code, message.headers, DEFAULT_LIMITS.refusal_bytes)
