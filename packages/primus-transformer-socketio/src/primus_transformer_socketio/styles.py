"""How answers to requests that receive look, and what posts hold, one style for each transport."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

from primus import Request, Response
from primus.errors import ProtocolError
from primus.http import CommonHeaders
from primus.websocket import utf8
from primus_transformer_socketio.routes import HTMLFILE, JSONP, XHR

__all__ = ["Style", "callback", "called_back", "posted", "style"]

CALLBACK: Final = re.compile(r"[0-9]{1,10}", re.ASCII)

TEXT: Final = "text/plain; charset=UTF-8"
SCRIPT: Final = "text/javascript; charset=UTF-8"
NOSNIFF: Final = {"X-Content-Type-Options": "nosniff"}

PAGE: Final = (
    "<html><body><script>var _ = function (msg) { parent.s._(msg, document); };</script>"
    + " " * 173
)
"""The page of htmlfile; Internet Explorer shows nothing before it has 256 bytes."""


@dataclass(frozen=True, slots=True)
class Style:
    """How payloads are dressed. A style that does not stream has one payload in an answer."""

    content_type: str
    wrap: Callable[[str], str]
    streams: bool = False
    prelude: str = ""
    added: Mapping[str, str] = field(default_factory=dict)
    headers: CommonHeaders = field(init=False)

    def __post_init__(self) -> None:
        headers = CommonHeaders({"Content-Type": self.content_type, **self.added})
        object.__setattr__(self, "headers", headers)

    def answer(self, payload: str) -> Response:
        """The answer to a request that receives."""
        return Response(200, utf8(self.prelude + self.wrap(payload)), self.headers)


def _plain(payload: str) -> str:
    return payload


def _script_element(payload: str) -> str:
    """A payload as htmlfile wants it: a script that hands it to the page around the frame."""
    return f"<script>_({_literal(payload)});</script>"


def _literal(text: str) -> str:
    """`text` as a string of JavaScript that ends neither itself nor the script around it."""
    return json.dumps(text).replace("/", "\\/").replace("<", "\\u003c")


def callback(request: Request, name: str) -> str | None:
    """The number of the callback that a request names, or `None` when it names none.

    Raises:
        ProtocolError: what it names is no number.
    """
    number = request.query.get(name)
    if number is None:
        return None
    if not isinstance(number, str) or not CALLBACK.fullmatch(number):
        raise ProtocolError(f"no number of a callback: {number!r:.40}")
    return number


def called_back(number: str, text: str) -> str:
    """A script that calls a callback of the client library with `text`."""
    return f"io.j[{number}]({_literal(text)});"


def style(transport: str, request: Request) -> Style:
    """The style of a transport that is polled.

    Raises:
        ProtocolError: the request names a callback that cannot be called.
    """
    if transport == XHR:
        return _XHR
    if transport == HTMLFILE:
        return _HTMLFILE
    number = callback(request, "i") or "0"
    return Style(SCRIPT, lambda payload: called_back(number, payload), added=NOSNIFF)


def posted(transport: str, body: bytes) -> str:
    """The payload in what a client has posted: the body itself, or JSON in a form.

    Raises:
        ProtocolError: there is none, or it cannot be read.
    """
    try:
        text = body.decode()
        return text if transport != JSONP else _form_payload(text)
    except UnicodeDecodeError as error:
        raise ProtocolError(f"a post is no UTF-8: {error}") from None


def _form_payload(text: str) -> str:
    try:
        fields = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=8))
        payload: Any = json.loads(fields["d"])
    except (ValueError, KeyError, RecursionError) as error:
        raise ProtocolError(f"a form has no payload: {error!r:.80}") from None
    if not isinstance(payload, str):
        raise ProtocolError("the payload in a form is no text")
    return payload


_XHR: Final = Style(TEXT, _plain)

_HTMLFILE: Final = Style(
    "text/html; charset=UTF-8",
    _script_element,
    streams=True,
    prelude=PAGE,
    added={"X-Accel-Buffering": "no", **NOSNIFF},
)
