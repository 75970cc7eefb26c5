"""The handshake of a WebSocket server (RFC 6455 section 4.2), made by hand."""

from __future__ import annotations

from binascii import Error, a2b_base64, b2a_base64
from collections.abc import Iterable, Sequence
from hashlib import sha1
from typing import Final

from primus.http import Headers, Response, check_header

__all__ = ["accept_key", "chosen_subprotocol", "refusal", "switching"]

VERSION: Final = "13"
ANSWER: Final = (
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: "
)
GUID: Final = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def refusal(headers: Headers) -> Response | None:
    """What refuses an upgrade whose handshake is wrong; `None` when it is right."""
    version = headers.get("Sec-WebSocket-Version", "")
    if version != VERSION and version.strip() != VERSION:
        response = Response.error(426, f"this server speaks version {VERSION} of WebSocket")
        response.headers["Sec-WebSocket-Version"] = VERSION
        return response
    keys = headers.getall("Sec-WebSocket-Key", ())
    try:
        size = len(a2b_base64(keys[0].strip(), strict_mode=True)) if len(keys) == 1 else 0
    except (Error, ValueError):
        size = 0
    return None if size == 16 else Response.error(400, "the Sec-WebSocket-Key is missing or wrong")


def accept_key(key: str) -> str:
    """The ``Sec-WebSocket-Accept`` for a ``Sec-WebSocket-Key``."""
    digest = sha1((key + GUID).encode(), usedforsecurity=False).digest()
    return b2a_base64(digest, newline=False).decode()


def switching(key: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """The answer that accepts the handshake with this key, with further headers.

    Raises:
        ValueError: a header holds CR, LF or NUL.
    """
    answer = ANSWER + accept_key(key.strip())
    for name, value in headers:
        check_header(name, value)
        answer += f"\r\n{name}: {value}"
    return f"{answer}\r\n\r\n".encode()


def chosen_subprotocol(headers: Headers, ours: Sequence[str]) -> str | None:
    """The first of our subprotocols, which are sorted by preference, that the client offers."""
    offered = ",".join(headers.getall("Sec-WebSocket-Protocol", ()))
    names = {name.strip() for name in offered.split(",")}
    return next((name for name in ours if name in names), None)
