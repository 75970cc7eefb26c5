"""Heads that a client repeats: headers which are the same as before are not parsed again.

A client says the same in each of its requests on a connection, but for the first line and the
length of the body. So the headers are parsed by `read_head` when they come first, byte for byte,
and the rest is read here. What is taken here is always what `read_head` would take, and would be
read as the same (tests/test_known_heads.py compares the two).
"""

from __future__ import annotations

import re
from typing import Final

from multidict import CIMultiDict, CIMultiDictProxy

from primus.http import Passage
from primus.server.heads import Head, read_head

__all__ = ["KnownHeads"]

LINE: Final = re.compile(rb"(GET|POST) (/[\w!$%&'()*+,./:;=?@~-]*) HTTP/1\.1\r\n", re.ASCII)
"""The first line of most requests; `read_head` knows of others."""

LENGTH: Final = re.compile(rb"(?<=\r\n)(?:Content-Length|content-length): ([0-9]{1,9})(?=\r\n)")

KEPT: Final = 4
"""Of so many heads a connection remembers the headers, until all are forgotten: those of polls and
of posts."""
LONGEST: Final = 2048
"""Bytes of the longest head that is remembered."""


class KnownHeads:
    """Reads the heads of one connection.

    Args:
        most_headers: how many headers a head may have.
        longest: how many bytes of a chunked body may hold nothing of it, such as its trailers.
    """

    __slots__ = ("_known", "_longest", "_most_headers")

    def __init__(self, most_headers: int, longest: int) -> None:
        self._most_headers = most_headers
        self._longest = longest
        self._known: dict[bytes | tuple[bytes, bytes], Head] = {}
        """Heads by their headers; of posts, by those before and behind the number of bytes."""

    def read(self, data: bytes) -> tuple[str, str, Head]:
        """The head of a request.

        Args:
            data: all of it, with the empty line that ends it.

        Returns:
            The method, the target, and the rest.

        Raises:
            MalformedRequest: it breaks the rules.
        """
        line = LINE.match(data)
        if line is None:
            return self._parsed(data)
        method, target = line.groups()
        said: bytes | tuple[bytes, bytes] = data[line.end() :]
        length = LENGTH.search(data) if method == b"POST" else None
        if length is not None:
            said = data[line.end() : length.start(1)], data[length.end(1) :]
        known = self._known.get(said)
        if known is None:
            read = self._parsed(data)
            if len(data) <= LONGEST and _is_plain(read[2]):
                if len(self._known) >= KEPT:
                    self._known.clear()
                self._known[said] = read[2]
                read[2].passage = Passage()
            return read
        if length is not None and (digits := length[1].decode()) != known.headers["Content-Length"]:
            self._known[said] = known = _of_length(known, digits)  # the next may be as long
        return method.decode(), target.decode(), known

    def _parsed(self, data: bytes) -> tuple[str, str, Head]:
        return read_head(data, most_headers=self._most_headers, longest=self._longest)


def _of_length(head: Head, length: str) -> Head:
    """The head of a post whose body has another length."""
    headers = CIMultiDict(head.headers)
    headers["Content-Length"] = length
    other = Head(CIMultiDictProxy(headers), keep_alive=head.keep_alive, length=int(length))
    other.passage = head.passage
    return other


def _is_plain(head: Head) -> bool:
    """Whether a head with the same headers says the same as this one, and no more than others."""
    headers = head.headers
    return not ("Upgrade" in headers or "Transfer-Encoding" in headers or "Expect" in headers)
