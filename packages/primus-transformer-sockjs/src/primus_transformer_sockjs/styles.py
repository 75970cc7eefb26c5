"""How the answers to requests that receive look, one style for each transport."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from primus.errors import ProtocolError
from primus.http import Request

__all__ = ["EVENTSOURCE", "STYLES", "XHR", "XHR_STREAMING", "Style", "htmlfile", "jsonp"]

CALLBACK: Final = re.compile(r"[a-zA-Z0-9_.-]{1,32}")

SCRIPT: Final = "application/javascript; charset=UTF-8"


@dataclass(frozen=True, slots=True)
class Style:
    """How frames are dressed. A style that does not stream has one frame for each answer."""

    content_type: str
    wrap: Callable[[str], str]
    streams: bool = False
    prelude: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def _line(frame: str) -> str:
    return f"{frame}\n"


def _event(frame: str) -> str:
    """An event, which the client runs through ``decodeURI``: a per cent sign must survive it.

    Line ends and NUL cannot occur, since JSON has them escaped.
    """
    return f"data: {frame.replace('%', '%25')}\r\n\r\n"


XHR: Final = Style(SCRIPT, _line)

XHR_STREAMING: Final = Style(SCRIPT, _line, streams=True, prelude="h" * 2048 + "\n")
"""Internet Explorer shows nothing before it has 2 KiB."""

EVENTSOURCE: Final = Style("text/event-stream", _event, streams=True, prelude="\r\n")
"""Opera needs a line end first."""

HTMLFILE: Final = """<!doctype html>
<html><head>
  <meta http-equiv="X-UA-Compatible" content="IE=edge" />
  <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
</head><body><h2>Don't panic!</h2>
  <script>
    var c = parent.%s;
    c.start();
    function p(d) {c.message(d);};
    window.onload = function() {c.stop();};
  </script>"""
"""As in sockjs-protocol, but for ``document.domain``: see `primus_transformer_sockjs.pages`."""


def htmlfile(request: Request) -> Style:
    """A page that never ends, whose scripts call the page around it.

    Raises:
        ProtocolError: the request names no callback that may be called.
    """
    page = HTMLFILE % _callback(request)
    # Safari shows nothing before it has 1 KiB.
    prelude = page.ljust(1024) + "\r\n\r\n"
    return Style("text/html; charset=UTF-8", _script, streams=True, prelude=prelude)


def _script(frame: str) -> str:
    return f"<script>\np({_literal(frame)});\n</script>\r\n"


def jsonp(request: Request) -> Style:
    """A script that calls back.

    Raises:
        ProtocolError: the request names no callback that may be called.
    """
    callback = _callback(request)

    def call(frame: str) -> str:
        # The comment keeps Flash from taking the callback's name for a film (Rosetta Flash).
        return f"/**/{callback}({_literal(frame)});\r\n"

    return Style(SCRIPT, call, headers={"X-Content-Type-Options": "nosniff"})


def _literal(frame: str) -> str:
    """`frame` as JavaScript that is harmless inside of a ``<script>`` element, too."""
    return json.dumps(frame, ensure_ascii=False).replace("<", "\\u003c")


def _callback(request: Request) -> str:
    callback = request.query.get("c", request.query.get("callback"))
    if callback is None:
        raise ProtocolError('"callback" parameter required')
    if not isinstance(callback, str) or CALLBACK.fullmatch(callback) is None:
        raise ProtocolError('invalid "callback" parameter')
    return callback


STYLES: Final[Mapping[str, Callable[[Request], Style]]] = {
    "xhr": lambda request: XHR,
    "xhr_streaming": lambda request: XHR_STREAMING,
    "eventsource": lambda request: EVENTSOURCE,
    "htmlfile": htmlfile,
    "jsonp": jsonp,
}
"""The style of each endpoint that receives."""
