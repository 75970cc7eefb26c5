"""Messages as a WebSocket server sends them."""

from __future__ import annotations

import struct
from typing import Final

__all__ = ["CLOSE_TIMEOUT", "framed", "is_close_code", "server_frame", "utf8"]

CLOSE_TIMEOUT: Final = 5.0
"""Seconds that a peer gets to finish closing, by default."""


TEXT_HEADS: Final = tuple(bytes((0x81, size)) for size in range(126))


def server_frame(message: str | bytes) -> bytes:
    """A message as one unmasked frame, text or binary (RFC 6455 section 5.2)."""
    if isinstance(message, bytes):
        return framed(0x82, message)
    try:
        payload = message.encode()
    except UnicodeEncodeError:
        payload = utf8(message)
    size = len(payload)
    return TEXT_HEADS[size] + payload if size < 126 else framed(0x81, payload)


def framed(first: int, payload: bytes) -> bytes:
    """An unmasked frame with this first byte."""
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 65536:
        return struct.pack("!BBH", first, 126, size) + payload
    return struct.pack("!BBQ", first, 127, size) + payload


def is_close_code(code: int) -> bool:
    """Whether a close frame may have this code (RFC 6455 section 7.4)."""
    return (1000 <= code <= 1014 and code not in (1004, 1005, 1006)) or 3000 <= code < 5000


def utf8(text: str) -> bytes:
    """`text` as UTF-8; a lone surrogate becomes U+FFFD, as a browser's WebSocket has it."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        utf16 = text.encode("utf-16-le", "surrogatepass")
        return utf16.decode("utf-16-le", "replace").encode()
