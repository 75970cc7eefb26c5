"""Heads of requests on a server of our own: one at a time, by the parser of httptools.

What llhttp takes is looked at once more, so that no request is taken here which aiohttp refuses: a
proxy before us has to see the same request (tests/test_strictness.py compares the two).
"""

from __future__ import annotations

import re
from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from multidict import CIMultiDict, CIMultiDictProxy

from primus.errors import PrimusError
from primus.http import Headers, is_upgrade, repeated, without_authority

__all__ = ["ChunkedBody", "Head", "MalformedRequest", "read_head"]

END: Final = re.compile(rb"(?<=\r\n\r)\n")
"""After such a line feed a chunked body may end."""

UPGRADE: Final = re.compile(rb"\r\nupgrade:[^\r]*", re.IGNORECASE)

VERSIONS: Final = ("1.0", "1.1")


class MalformedRequest(PrimusError):
    """A head, or a chunked body, is not as HTTP wants it; ``status`` is answered."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class _Reader:
    """What httptools tells."""

    __slots__ = ("body", "fields", "is_complete", "is_upgrade", "keep_alive", "parser", "target")

    parser: HttpRequestParser

    def __init__(self) -> None:
        self.target = b""
        self.fields: list[tuple[bytes, bytes]] = []
        self.body: list[bytes] = []
        self.keep_alive = False
        self.is_upgrade = False
        self.is_complete = False

    def on_url(self, target: bytes) -> None:
        self.target += target

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name, value))

    def on_headers_complete(self) -> None:
        # Only now: llhttp forgets it with the end of the request.
        self.keep_alive = self.parser.should_keep_alive()
        self.is_upgrade = self.parser.should_upgrade()

    def on_body(self, part: bytes) -> None:
        self.body.append(part)

    def on_message_complete(self) -> None:
        self.is_complete = True


class Head:
    """The head of one request."""

    __slots__ = (
        "chunked",
        "headers",
        "is_old",
        "keep_alive",
        "length",
        "method",
        "path",
        "target",
        "upgrade",
    )

    def __init__(self, method: str, target: str, headers: Headers, *, is_old: bool) -> None:
        self.method = method
        self.target = target
        self.path = target if target[:1] == "/" else without_authority(target)
        """The target, without the host that one in absolute form names."""
        self.headers = headers
        self.is_old = is_old
        """Whether it is HTTP/1.0, which knows neither chunks nor upgrades."""
        self.keep_alive = False
        """Whether the client wants to use the connection again."""
        self.upgrade = False
        """Whether it asks for a WebSocket."""
        self.length = 0
        """Bytes of the body; 0 when there is none, or it is chunked."""
        self.chunked: ChunkedBody | None = None
        """What reads the body, when it comes in chunks."""


def read_head(data: bytes, *, most_headers: int, longest: int) -> Head:
    """The head of a request.

    Args:
        data: all of it, with the empty line that ends it.
        most_headers: how many headers it may have.
        longest: how many bytes of a chunked body may hold nothing of it, such as its trailers.

    Raises:
        MalformedRequest: it breaks the rules.
    """
    reader, parser = _read(data)
    version, method = parser.get_http_version(), parser.get_method().decode()
    if version not in VERSIONS:
        raise MalformedRequest(f"HTTP/{version} is not spoken here", 505)
    head = Head(
        method,
        reader.target.decode("utf-8", "surrogateescape"),
        _headers(reader.fields, most_headers),
        is_old=version == "1.0",
    )
    _check(head)
    head.keep_alive = reader.keep_alive
    if reader.is_upgrade:
        head.upgrade = not head.is_old and is_upgrade(method, head.headers)
        if head.upgrade:
            return head
        if method == "CONNECT":
            raise MalformedRequest("this is no proxy")
        # RFC 9110 section 7.8: any other is ignored. llhttp would take its body for something else.
        reader, parser = _read(UPGRADE.sub(b"", data))
    if not reader.is_complete:
        if "Transfer-Encoding" in head.headers:
            reader.fields = []
            head.chunked = ChunkedBody(reader, parser, longest)
        else:
            head.length = int(head.headers["Content-Length"])
    return head


def _read(data: bytes) -> tuple[_Reader, HttpRequestParser]:
    reader = _Reader()
    parser = reader.parser = HttpRequestParser(reader)
    try:
        parser.feed_data(data)
    except HttpParserUpgrade:
        pass
    except HttpParserError as error:
        raise MalformedRequest(f"a malformed request: {error}") from error
    finally:
        del reader.parser  # they know each other
    return reader, parser


def _headers(fields: list[tuple[bytes, bytes]], most: int) -> Headers:
    if len(fields) > most:
        raise MalformedRequest(f"more than {most} headers", 431)
    return CIMultiDictProxy(
        CIMultiDict(
            [
                # llhttp takes the white space away that stands before a value.
                (name.decode("ascii"), value.rstrip(b" \t").decode("utf-8", "surrogateescape"))
                for name, value in fields
            ]
        )
    )


def _check(head: Head) -> None:
    """Refuse what llhttp takes and aiohttp does not."""
    if not head.is_old and "Host" not in head.headers:
        raise MalformedRequest("a request without Host")
    twice = repeated(head.headers)
    if twice is not None:
        raise MalformedRequest(f"the header {twice} is there more than once")
    if "Sec-WebSocket-Key1" in head.headers:
        raise MalformedRequest(
            "a WebSocket of a draft, which sends a body that it does not tell of"
        )
    if head.path[:1] != "/" and (head.method, head.path) != ("OPTIONS", "*"):
        raise MalformedRequest("a target that is neither a path nor a URL")


class ChunkedBody:
    """Reads a body that comes in chunks, up to its end and no further."""

    __slots__ = ("_longest", "_parser", "_reader", "_silent", "is_complete")

    def __init__(self, reader: _Reader, parser: HttpRequestParser, longest: int) -> None:
        self._reader = reader
        self._parser = parser
        self._longest = longest
        self._silent = 0
        """Bytes that have come since the last ones of the body."""
        self.is_complete = False

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Read on.

        Returns:
            A part of the body, and what stands behind the end of the body.

        Raises:
            MalformedRequest: it breaks the rules, or holds too much that is no body.
        """
        reader, at = self._reader, 0
        # httptools cannot be stopped at the end of the body, so it gets no more than up to where
        # that may be. It may be in the middle of a line end of which the last read had a part.
        ends = (1, 2, 3, *(match.end() for match in END.finditer(data)), len(data))
        for end in ends:
            if at < end <= len(data) and not reader.is_complete:
                self._take(data[at:end])
                at = end
        part, reader.body = b"".join(reader.body), []
        self.is_complete = reader.is_complete
        return part, data[at:]

    def _take(self, piece: bytes) -> None:
        reader = self._reader
        before = len(reader.body)
        try:
            self._parser.feed_data(piece)
        except HttpParserError as error:
            raise MalformedRequest(f"a malformed body: {error}") from error
        reader.fields = []  # trailers
        self._silent = 0 if len(reader.body) > before else self._silent + len(piece)
        if self._silent > self._longest:
            raise MalformedRequest(f"{self._longest} bytes of a body that hold nothing of it", 431)
