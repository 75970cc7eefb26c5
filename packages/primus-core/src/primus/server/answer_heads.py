"""The heads of answers, as a server of our own writes them.

The headers of most answers are those of an earlier one: they are checked and written once, and kept
by what they are.
"""

from __future__ import annotations

from time import time
from typing import Any, Final, NamedTuple

from primus.http import Answered, Response, has_body, http_date

__all__ = ["AnswerHeads", "Framing"]

KEPT: Final = 256
"""How many heads are remembered, until all are forgotten."""
LONGEST: Final = 1024
"""Bytes of the longest head that is remembered."""


class Framing(NamedTuple):
    """How an answer is sent, and the part of its head that does not change."""

    text: bytes
    """Status line and headers, but for ``Content-Length`` and ``Date``."""
    closes: bool
    """Whether the connection is closed behind it."""
    has_body: bool
    is_chunked: bool
    is_measured: bool
    """Whether the head tells the length of its body, which is there."""


class AnswerHeads:
    """Writes the heads of answers."""

    def __init__(self) -> None:
        self._known: dict[Any, Framing] = {}
        self._second = 0
        self._date = b""

    def written(
        self, response: Response, request: Answered, *, is_old: bool, closes: bool
    ) -> tuple[bytes, Framing]:
        """The head of `response`, with the empty line, and how it is sent.

        Args:
            response: the answer.
            request: what it answers.
            is_old: whether the client speaks HTTP/1.0.
            closes: whether the connection is to be closed behind it, whatever the answer says.

        Raises:
            ValueError: a header holds CR, LF or NUL.
        """
        key = (
            response.status,
            response.chunks is None,
            is_old,
            closes,
            response.common or (*response.headers.items(),),
            (*request.response_headers.items(),),
        )
        known = self._known.get(key)
        if known is None:
            known = _framing(response, request, is_old=is_old, closes=closes)
            if len(known.text) <= LONGEST:  # others repeat what their request says, or are rare
                if len(self._known) >= KEPT:
                    self._known.clear()
                self._known[key] = known
        second = int(time())
        if second != self._second:
            self._second = second
            self._date = b"Date: %b\r\n\r\n" % http_date(second).encode()
        if not known.is_measured:
            return known.text + self._date, known
        length = len(response.body)
        return b"%bContent-Length: %d\r\n%b" % (known.text, length, self._date), known


def _framing(response: Response, request: Answered, *, is_old: bool, closes: bool) -> Framing:
    headers = response.headers_for(request)
    connection = headers.popall("Connection", ())
    headers.popall("Transfer-Encoding", None)  # it is ours to say
    streams, body = response.chunks is not None, has_body(response.status)
    if not (streams and body):
        headers.popall("Content-Length", None)
    is_endless = streams and body and "Content-Length" not in headers
    closes = closes or "close" in ",".join(connection).lower() or (is_endless and is_old)
    lines = [f"HTTP/1.{not is_old:d} {response.status} {response.reason}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if is_endless and not is_old:
        lines.append("Transfer-Encoding: chunked")
    if closes:
        lines.append("Connection: close")
    elif is_old:
        lines.append("Connection: keep-alive")
    return Framing(
        "\r\n".join((*lines, "")).encode(),
        closes,
        has_body=body,
        is_chunked=is_endless and not is_old,
        is_measured=body and not streams,
    )
