"""The heads of answers, as a server of our own writes them.

The headers of most answers are those of an earlier one: they are checked and written once, and kept
by what they are.
"""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import Any, Final, NamedTuple

from primus.http import Answered, Response, has_body

__all__ = ["AnswerHeads", "Framing"]

KEPT: Final = 256
"""How many heads are remembered, until all are forgotten."""


class Framing(NamedTuple):
    """How an answer is sent."""

    head: bytes
    """Status line and headers, with the empty line."""
    closes: bool
    """Whether the connection is closed behind it."""
    has_body: bool
    is_chunked: bool


class _Known(NamedTuple):
    """The part of a head that does not change."""

    text: bytes
    closes: bool
    has_body: bool
    is_sized: bool


class AnswerHeads:
    """Writes the heads of answers."""

    def __init__(self) -> None:
        self._known: dict[Any, _Known] = {}
        self._second = 0
        self._date = b""

    def framing(
        self, response: Response, request: Answered, *, is_old: bool, closes: bool
    ) -> Framing:
        """How `response` is sent.

        Args:
            response: the answer.
            request: what it answers.
            is_old: whether the client speaks HTTP/1.0.
            closes: whether the connection is to be closed behind it, whatever the answer says.

        Raises:
            ValueError: a header holds CR, LF or NUL.
        """
        added = request.response_headers
        streams = response.chunks is not None
        key = (response.status, streams, (*response.headers.items(),), (*added.items(),))
        known = self._known.get(key)
        if known is None:
            known = self._know(key, response, request)
        text, closing, body, is_sized = known
        is_chunked = streams and body and not is_sized and not is_old
        closes = closes or closing or (streams and body and not is_sized and is_old)
        if is_chunked:
            length = b"Transfer-Encoding: chunked\r\n"
        elif streams or not body:
            length = b""
        else:
            length = b"Content-Length: %d\r\n" % len(response.body)
        if closes:
            connection = b"Connection: close\r\n"
        else:
            connection = b"Connection: keep-alive\r\n" if is_old else b""
        head = b"HTTP/1.%d %b%b%b%b\r\n" % (
            not is_old,
            text,
            length,
            self._date_line(),
            connection,
        )
        return Framing(head, closes, body, is_chunked)

    def _know(self, key: Any, response: Response, request: Answered) -> _Known:
        headers = response.headers_for(request)
        connection = headers.popall("Connection", ())
        headers.popall("Transfer-Encoding", None)  # it is ours to say
        streams, body = response.chunks is not None, has_body(response.status)
        if not (streams and body):
            headers.popall("Content-Length", None)
        lines = [f"{response.status} {response.reason}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        known = _Known(
            "\r\n".join((*lines, "")).encode(),
            "close" in ",".join(connection).lower(),
            body,
            "Content-Length" in headers,
        )
        if len(self._known) >= KEPT:
            self._known.clear()
        self._known[key] = known
        return known

    def _date_line(self) -> bytes:
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._date = b"Date: %b\r\n" % formatdate(second, usegmt=True).encode()
        return self._date
