"""How requests are answered: payloads, JSONP, cookies, refusals."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from urllib.parse import parse_qsl

from primus import PrimusError, Request, Response
from primus.errors import OptionError, ProtocolError
from primus.http import CommonHeaders
from primus_transformer_engineio.packets import Packet
from primus_transformer_engineio.revisions import OCTETS, TEXT, Revision

__all__ = [
    "BAD_HANDSHAKE_METHOD",
    "BAD_REQUEST",
    "TRANSPORT_UNKNOWN",
    "UNKNOWN_SID",
    "UNSUPPORTED_REVISION",
    "Refused",
    "answer",
    "callback",
    "cookie_header",
    "form_payload",
]

TRANSPORT_UNKNOWN: Final = 0
UNKNOWN_SID: Final = 1
BAD_HANDSHAKE_METHOD: Final = 2
BAD_REQUEST: Final = 3
UNSUPPORTED_REVISION: Final = 5

MESSAGES: Final = {
    TRANSPORT_UNKNOWN: "Transport unknown",
    UNKNOWN_SID: "Session ID unknown",
    BAD_HANDSHAKE_METHOD: "Bad handshake method",
    BAD_REQUEST: "Bad request",
    UNSUPPORTED_REVISION: "Unsupported protocol version",
}

TYPES: Final = {kind: CommonHeaders({"Content-Type": kind}) for kind in (TEXT, OCTETS)}

CALLBACK: Final = re.compile(r"[0-9]{1,10}", re.ASCII)
ESCAPED_NEWLINE: Final = re.compile(r"(\\)?\\n")


class Refused(PrimusError):
    """A request is refused, with one of Engine.IO's own codes."""

    def __init__(self, code: int) -> None:
        super().__init__(MESSAGES[code])
        self.code = code

    def response(self, request: Request) -> Response:
        """How the client is told: as JSON, or as text when it has asked for an upgrade."""
        if request.upgrade:
            return Response(
                400, MESSAGES[self.code], {"Connection": "close"}, content_type="text/html"
            )
        return Response.json({"code": self.code, "message": MESSAGES[self.code]}, 400)


def callback(request: Request, *, allowed: bool) -> str | None:
    """The number of the JSONP callback that is to be called, or `None` for a plain answer.

    Raises:
        Refused: JSONP is not allowed here, or that is no number.
    """
    number = request.query.get("j")
    if number is None:
        return None
    if not allowed or not isinstance(number, str) or not CALLBACK.fullmatch(number):
        raise Refused(BAD_REQUEST)
    return number


def answer(
    packets: list[Packet], revision: Revision, *, binary: bool, callback: str | None
) -> Response:
    """Packets as the answer to a poll."""
    if callback is None:
        body, content_type = revision.payload(packets, binary=binary)
        return Response(200, body, TYPES[content_type])
    # All is escaped that could end the string, the script or, in old browsers, a line.
    payload = json.dumps(revision.text(packets)).replace("</", "<\\/")
    return Response(
        200,
        f"___eio[{callback}]({payload});",
        {"X-Content-Type-Options": "nosniff"},
        content_type="text/javascript; charset=UTF-8",
    )


def form_payload(body: bytes) -> bytes:
    """The payload in the form that a JSONP client posts; it keeps line ends from browsers.

    Raises:
        ProtocolError: it is no such form.
    """
    try:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=8))
    except ValueError as error:
        raise ProtocolError(f"a form cannot be read: {error}") from None
    if "d" not in fields:
        raise ProtocolError("a form has no payload")
    text = ESCAPED_NEWLINE.sub(lambda match: match[0] if match[1] else "\n", fields["d"])
    return text.replace("\\\\n", "\\n").encode()


def cookie_header(cookie: Mapping[str, Any], sid: str) -> str:
    """The ``Set-Cookie`` that tells a load balancer of the session.

    Raises:
        OptionError: the option ``cookie`` makes no cookie.
    """
    attributes = {"path": "/", "httponly": True, "samesite": "Lax", **cookie}
    name = str(attributes.pop("name"))
    jar = SimpleCookie()
    try:
        jar[name] = sid
        for attribute, value in attributes.items():
            jar[name][attribute.replace("_", "") if attribute != "max_age" else "max-age"] = value
    except CookieError as error:
        raise OptionError(f"transport: cookie={dict(cookie)!r}: {error}") from error
    return jar[name].OutputString()
