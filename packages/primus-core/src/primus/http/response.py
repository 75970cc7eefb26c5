"""What is answered to a request."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, Final, Protocol

from multidict import CIMultiDict, CIMultiDictProxy, MultiMapping

__all__ = ["Answered", "CommonHeaders", "Response", "check_header", "closing", "phrase"]


LINE_END: Final = re.compile("[\r\n\0]")


class Answered(Protocol):
    """A request, as far as its answer depends on it."""

    @property
    def response_headers(self) -> CIMultiDict[str]:
        """Headers that are added to whatever is answered."""


class CommonHeaders:
    """Headers that many answers have in common, so that they are checked, and written, once.

    Args:
        headers: names and values; neither may hold a line end.

    Raises:
        ValueError: a header holds CR, LF or NUL.
    """

    __slots__ = ("fields",)

    def __init__(self, headers: Mapping[str, str]) -> None:
        self.fields = CIMultiDictProxy(CIMultiDict(headers))
        check_headers(self.fields)


class Response:
    """What is answered to a request.

    Args:
        status: the HTTP status.
        body: text (sent as UTF-8, and as plain text unless you say otherwise) or bytes; `None` is
            an empty one; or an async iterator of bytes, each of which is sent as soon as it comes.
            It is closed early when the client has gone; `Request.on_gone` tells so at once.
        headers: names and values; neither may hold a line end. `CommonHeaders` are all there are,
            until `headers` is changed.
        content_type: shorthand for that header, when it is not among `headers`.

    Raises:
        TypeError: `status` is no number, `body` is none of these, or a header is no text.
        ValueError: a header holds CR, LF or NUL, which would smuggle in a header.
    """

    __slots__ = ("_headers", "body", "chunks", "common", "status")

    def __init__(
        self,
        status: int = 200,
        body: str | bytes | AsyncIterator[bytes] | None = b"",
        headers: Mapping[str, str] | CommonHeaders | None = None,
        *,
        content_type: str | None = None,
    ) -> None:
        if not isinstance(status, int):
            raise TypeError(f"Response(status={status!r}): must be a number, and comes first")
        self.status = status
        self.chunks: AsyncIterator[bytes] | None = None
        if isinstance(body, bytes):
            self.body = body
        elif isinstance(body, str):
            self.body = body.encode(errors="replace")
        elif body is None:
            self.body = b""
        elif hasattr(type(body), "__aiter__"):
            self.body = b""
            self.chunks = body
        else:
            raise TypeError(
                f"Response(body={body!r}): must be text, bytes or an async iterator of bytes; "
                "Response.json(value) answers with JSON"
            )
        self.common: CommonHeaders | None = None
        """All headers, if they have not been changed."""
        self._headers: CIMultiDict[str] | None = None
        if isinstance(headers, CommonHeaders):
            if content_type is None:
                self.common = headers
                return
            headers = headers.fields
        self._headers = CIMultiDict(headers) if headers else CIMultiDict()
        if content_type is None and isinstance(body, str) and body:
            content_type = "text/plain; charset=utf-8"
        if content_type is not None:
            self._headers.setdefault("Content-Type", content_type)
        check_headers(self._headers)

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.reason}>"

    @property
    def headers(self) -> CIMultiDict[str]:
        """The headers, which may be changed."""
        if self._headers is None:
            assert self.common is not None
            self._headers, self.common = CIMultiDict(self.common.fields), None
        return self._headers

    @headers.setter
    def headers(self, headers: CIMultiDict[str]) -> None:
        self._headers, self.common = headers, None

    @classmethod
    def json(cls, value: Any, status: int = 200) -> Response:
        """A response with `value` as compact JSON."""
        import json

        body = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        return cls(status, body, content_type="application/json")

    @classmethod
    def error(cls, status: int, message: str | None = None) -> Response:
        """A refusal in the form that Primus clients know: ``{"error": message}``."""
        return cls.json({"error": message or phrase(status)}, status)

    def headers_for(self, request: Answered) -> CIMultiDict[str]:
        """All headers of the answer to `request`, with those that its layers have added.

        Raises:
            ValueError: a header holds CR, LF or NUL.
        """
        headers = request.response_headers.copy()
        headers.update(self.headers)
        if "Vary" in headers:
            headers["Vary"] = _merged("Vary", request.response_headers, self.headers)
        if self.chunks is None and self.status != 304:
            # That of a 304 would be the length of what the client has (RFC 9110 section 8.6).
            headers["Content-Length"] = str(len(self.body))
        check_headers(headers)
        return headers

    @property
    def reason(self) -> str:
        """The phrase that stands beside the status."""
        return phrase(self.status)


def _merged(name: str, *sources: CIMultiDict[str]) -> str:
    """The members of all headers of that name, each once, as one list."""
    lines = [line for source in sources for line in source.getall(name, ())]
    return ", ".join(dict.fromkeys(text.strip() for line in lines for text in line.split(",")))


@asynccontextmanager
async def closing(chunks: AsyncIterator[bytes]) -> AsyncIterator[AsyncIterator[bytes]]:
    """Close an iterator of chunks in the end, even when not all of them were wanted."""
    try:
        yield chunks
    finally:
        close = getattr(chunks, "aclose", None)
        if close is not None:
            await close()


def phrase(status: int) -> str:
    """The standard phrase of an HTTP status, or an empty text."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def check_headers(headers: MultiMapping[str]) -> None:
    """As `check_header`, for all of them.

    Raises:
        TypeError: one of them is no text.
        ValueError: one of them cannot be sent.
    """
    try:
        text = "".join(map("".join, headers.items()))
    except TypeError:
        given: dict[str, object] = dict(headers.items())
        name = next(name for name, value in given.items() if not isinstance(value, str))
        raise TypeError(
            f"the value of the header {name!r} must be text, not {given[name]!r}"
        ) from None
    if not text.isascii() or LINE_END.search(text) is not None:
        for name, value in headers.items():
            check_header(name, value)


def check_header(name: str, value: str) -> None:
    """Refuse a header that would smuggle in another, or cannot be sent.

    Raises:
        ValueError: there is a CR, LF, NUL or lone surrogate in it.
    """
    text = name + value
    if LINE_END.search(text) is not None:
        raise ValueError(f"header {name!r} has a line end or NUL in it")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError(f"header {name!r} has bytes in it that are no UTF-8")
