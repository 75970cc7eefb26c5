"""The answer of a server that refuses a WebSocket: its body up to a limit, for clients (pure).

websockets reads such a body up to 1 MiB, and copies all of it for each chunk: in chunks of one byte
that holds the event loop for many seconds. aiohttp's parser waits to be asked for what it has not
parsed. This is linear, and ends at the limit.
"""

from __future__ import annotations

import re
from typing import Final

from primus.errors import HandshakeError
from primus.http import Headers

__all__ = ["RefusedAnswer"]

SIZE: Final = re.compile(rb"[0-9A-Fa-f]{1,16}(?=[ \t;]|\Z)")
LINE: Final = 8192
"""Bytes of the longest line before a chunk."""
LINE_END: Final = b"\r\n"
BODILESS: Final = frozenset({204, 304})
"""These end with their head, whatever that says, as interim answers do (RFC 9112 section 6.3)."""


class RefusedAnswer:
    """An answer whose head has come, and is without a mistake.

    Args:
        status: its status.
        headers: its headers.
        limit: so many bytes of the body are read at most.
    """

    __slots__ = ("_body", "_headers", "_is_chunked", "_left", "_limit", "_rest", "_status")

    def __init__(self, status: int, headers: Headers, limit: int) -> None:
        self._status = status
        self._headers = headers
        self._is_chunked = "Transfer-Encoding" in headers
        length = None if self._is_chunked else headers.get("Content-Length")
        self._limit = limit if length is None else min(limit, int(length))
        if status < 200 or status in BODILESS:
            self._limit = 0
        self._body = bytearray()
        self._rest = b""
        """The beginning of a line before a chunk."""
        self._left = 0
        """Bytes that are to come of a chunk, with the line end behind it."""

    @property
    def error(self) -> HandshakeError:
        """What the handshake fails with."""
        return HandshakeError.answered(self._status, self._headers, bytes(self._body))

    def feed(self, data: bytes) -> bool:
        """Take what has come of the body; True once no more of it is wanted."""
        if self._is_chunked:
            return self._feed_chunks(data)
        self._keep(data)
        return len(self._body) >= self._limit

    def _keep(self, content: bytes) -> None:
        self._body += content[: self._limit - len(self._body)]

    def _feed_chunks(self, data: bytes) -> bool:
        """Take chunks (RFC 9112 section 7.1); a body that is malformed ends there."""
        data, at = self._rest + data, 0
        self._rest = b""
        while len(self._body) < self._limit and at < len(data):
            if self._left:
                part = data[at : at + self._left]
                self._keep(part[: max(0, self._left - len(LINE_END))])
                self._left -= len(part)
                at += len(part)
                continue
            end = data.find(LINE_END, at, at + LINE)
            if end < 0:
                self._rest = data[at:]
                return len(self._rest) >= LINE
            size = SIZE.match(data, at, end)
            if size is None or not int(size[0], 16):
                return True
            self._left = int(size[0], 16) + len(LINE_END)
            at = end + len(LINE_END)
        return len(self._body) >= self._limit
