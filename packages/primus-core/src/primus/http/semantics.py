"""What HTTP says of a request or an answer, as every host has to read it (pure)."""

from __future__ import annotations

import time
from typing import Final

from primus.http.request import Headers

__all__ = ["CONTINUE", "expectation", "has_body", "http_date", "is_upgrade", "repeated"]

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

SINGLE: Final = (
    "Host",
    "Origin",
    "Authorization",
    "Content-Length",
    "Content-Type",
    "Content-Location",
    "Content-Range",
    "ETag",
    "Max-Forwards",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "Server",
    "Transfer-Encoding",
    "User-Agent",
)
"""Headers of which there is one: of two, two readers might believe a different one."""


DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)


def http_date(seconds: float) -> str:
    """A time in seconds since the epoch as HTTP writes it (RFC 9110 section 5.6.7)."""
    at = time.gmtime(seconds)
    day, month = DAYS[at.tm_wday], MONTHS[at.tm_mon - 1]
    clock = f"{at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02}"
    return f"{day}, {at.tm_mday:02} {month} {at.tm_year:04} {clock} GMT"


def repeated(headers: Headers) -> str | None:
    """The name of a header that is there twice, though it may be there only once."""
    if len({*map(str.lower, headers)}) == len(headers):
        return None
    return next((name for name in SINGLE if len(headers.getall(name, ())) > 1), None)


def is_upgrade(method: str, headers: Headers) -> bool:
    """Whether a request asks for a WebSocket.

    RFC 6455 section 4.1: it is a GET whose ``Connection`` names ``upgrade``, among others.
    """
    if method != "GET" or headers.get("Upgrade", "").lower() != "websocket":
        return False
    tokens = ",".join(headers.getall("Connection", ())).lower().split(",")
    return "upgrade" in (token.strip() for token in tokens)


def expectation(headers: Headers) -> int | None:
    """What a client waits for before it sends a body (RFC 9110 section 10.1.1).

    Returns:
        The status to answer with: 100 to go on, or 417 when the client expects what no server
        here can do; `None` when it waits for nothing.
    """
    expected = headers.get("Expect")
    if expected is None:
        return None
    return 100 if expected.lower() == "100-continue" else 417


def has_body(status: int) -> bool:
    """Whether an answer with this status may hold a body (RFC 9110 section 6.4.1)."""
    return status >= 200 and status not in (204, 304)
