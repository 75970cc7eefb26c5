"""Heads of requests on a server of our own: one at a time, by the parser of httptools.

What llhttp takes is looked at once more, so that no request is taken here which aiohttp refuses: a
proxy before us has to see the same request (tests/test_strictness.py compares the two).
"""

from __future__ import annotations

import re
from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from multidict import CIMultiDict, CIMultiDictProxy, istr

from primus.errors import PrimusError
from primus.http import (
    Headers,
    Passage,
    expectation,
    is_upgrade,
    repeated,
    without_authority,
)

__all__ = ["ChunkedBody", "Head", "MalformedRequest", "read_head"]

END: Final = re.compile(rb"(?<=\r\n\r)\n")
"""After such a line feed a chunked body may end."""

NAMES: Final = {
    spelling.encode(): istr(spelling)
    for name in (
        "Host Connection Upgrade Origin User-Agent Accept Accept-Encoding Accept-Language Cookie"
        " Cache-Control Pragma Referer Authorization Content-Type Content-Length X-Forwarded-For"
        " X-Forwarded-Proto X-Forwarded-Host X-Real-IP Sec-WebSocket-Key Sec-WebSocket-Version"
        " Sec-WebSocket-Extensions Sec-WebSocket-Protocol Sec-Fetch-Dest Sec-Fetch-Mode"
        " Sec-Fetch-Site sec-ch-ua sec-ch-ua-mobile sec-ch-ua-platform DNT Priority"
    ).split()
    for spelling in {name, name.lower()}
}
"""Names of headers that all connections share: each would keep two copies of its own."""

KNOWN: Final = {
    text.encode(): text
    for text in ("Upgrade", "upgrade", "websocket", "13", "keep-alive", "no-cache", "*/*", "0")
}
"""Values that all connections share."""

UPGRADE: Final = re.compile(rb"\r\nupgrade:[^\r]*", re.IGNORECASE)


class MalformedRequest(PrimusError):
    """A head, or a chunked body, is not as HTTP wants it; ``status`` is answered."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Head:
    """The head of a request, but for method and target: requests of a client may share it."""

    __slots__ = (
        "chunked",
        "expectation",
        "headers",
        "is_old",
        "keep_alive",
        "length",
        "passage",
        "upgrade",
    )

    def __init__(self, headers: Headers, *, keep_alive: bool, length: int = 0) -> None:
        self.headers = headers
        self.is_old = False
        """Whether it is HTTP/1.0, which knows neither chunks nor upgrades."""
        self.keep_alive = keep_alive
        """Whether the client wants to use the connection again."""
        self.upgrade = False
        """Whether it asks for a WebSocket."""
        self.length = length
        """Bytes of the body; 0 when there is none, or it is chunked."""
        self.chunked: ChunkedBody | None = None
        """What reads the body, when it comes in chunks."""
        self.expectation: int | None = None
        """The status that the client waits for before it sends a body, see `primus.http`."""
        self.passage: Passage | None = None
        """What became of requests with the same headers, if that is remembered."""


class Parsed:
    """What httptools tells of a request."""

    target = ""
    keep_alive = False
    upgrade = False
    """Whether it asks for any other protocol."""
    is_complete = False
    """Whether the request has ended."""
    parser: HttpRequestParser

    def __init__(self) -> None:
        self.fields: list[tuple[str, str]] = []
        self.body: list[bytes] = []

    def on_url(self, target: bytes) -> None:
        """Take a part of the target."""
        self.target += target.decode("utf-8", "surrogateescape")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, or a trailer."""
        # llhttp takes the white space away that stands before a value, and leaves what is behind.
        text = KNOWN.get(value) or value.rstrip(b" \t").decode("utf-8", "surrogateescape")
        self.fields.append((NAMES.get(name) or name.decode("ascii"), text))

    def on_headers_complete(self) -> None:
        """Ask what llhttp forgets with the end of the request."""
        self.keep_alive = self.parser.should_keep_alive()
        self.upgrade = self.parser.should_upgrade()

    def on_body(self, part: bytes) -> None:
        """Take a part of the body."""
        self.body.append(part)

    def on_message_complete(self) -> None:
        """Note the end."""
        self.is_complete = True


def read_head(data: bytes, *, most_headers: int, longest: int) -> tuple[str, str, Head]:
    """The head of a request.

    Args:
        data: all of it, with the empty line that ends it.
        most_headers: how many headers it may have.
        longest: how many bytes of a chunked body may hold nothing of it, such as its trailers.

    Returns:
        The method, the target, and the rest.

    Raises:
        MalformedRequest: it breaks the rules.
    """
    parsed, parser = _parse(data)
    target = parsed.target
    version = parser.get_http_version()
    if version not in ("1.0", "1.1"):
        raise MalformedRequest(f"HTTP/{version} is not spoken here", 505)
    if len(parsed.fields) > most_headers:
        raise MalformedRequest(f"more than {most_headers} headers", 431)
    headers = CIMultiDictProxy(CIMultiDict(parsed.fields))
    method = parser.get_method().decode()
    head = Head(headers, keep_alive=parsed.keep_alive)
    head.is_old = version == "1.0"
    head.expectation = None if head.is_old else expectation(headers)
    _check(method, target, head)
    if parsed.upgrade:
        head.upgrade = not head.is_old and is_upgrade(method, headers)
        head.keep_alive = head.keep_alive and not head.upgrade
        if method == "CONNECT":
            raise MalformedRequest("this is no proxy")
        if not head.upgrade:
            # RFC 9110 section 7.8: it is ignored. llhttp would take its body for something else.
            parsed, parser = _parse(UPGRADE.sub(b"", data))
    if not parsed.is_complete:
        if "Transfer-Encoding" in headers:
            # RFC 9112 section 6.1: a proxy of HTTP/1.0 may have seen another end of the body.
            head.keep_alive = head.keep_alive and not head.is_old
            parsed.fields = []
            head.chunked = ChunkedBody(parsed, parser, longest)
        else:
            # Python reads no number of thousands of digits, whatever zeros it begins with.
            head.length = int(headers["Content-Length"].lstrip("0"))
    return method, target, head


def _parse(data: bytes) -> tuple[Parsed, HttpRequestParser]:
    parsed = Parsed()
    parser = parsed.parser = HttpRequestParser(parsed)
    try:
        parser.feed_data(data)
    except HttpParserUpgrade:
        pass
    except HttpParserError as error:
        raise MalformedRequest(f"a malformed request: {error}") from error
    finally:
        del parsed.parser  # they know each other
    return parsed, parser


def _check(method: str, target: str, head: Head) -> None:
    """Refuse what llhttp takes and aiohttp does not."""
    headers = head.headers
    if not head.is_old and "Host" not in headers:
        raise MalformedRequest("a request without Host")
    twice = repeated(headers)
    if twice is not None:
        raise MalformedRequest(f"the header {twice} is there more than once")
    if "Sec-WebSocket-Key1" in headers:
        raise MalformedRequest("a WebSocket of a draft, which sends a body without saying so")
    path = without_authority(target)
    if path[:1] != "/" and (method, path) != ("OPTIONS", "*"):
        raise MalformedRequest("a target that is neither a path nor a URL")


class ChunkedBody:
    """Reads a body that comes in chunks, up to its end and no further."""

    __slots__ = ("_longest", "_parser", "_reader", "_silent", "is_complete")

    def __init__(self, reader: Parsed, parser: HttpRequestParser, longest: int) -> None:
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
