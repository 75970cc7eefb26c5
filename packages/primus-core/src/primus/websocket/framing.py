"""Messages as a WebSocket server sends them."""

from __future__ import annotations

import struct
from typing import Final

__all__ = [
    "CLOSE_TIMEOUT",
    "MASKED",
    "SHORT",
    "TEXT_HEADS",
    "bounds",
    "framed",
    "head",
    "is_close_code",
    "server_frame",
    "text_frame",
    "utf8",
]

CLOSE_TIMEOUT: Final = 5.0
"""Seconds that a peer gets to finish closing, by default."""


SHORT: Final = 126
"""From here on the length of a payload does not fit into the second byte."""

MASKED: Final = 0x80
"""The bit of the second byte that says that a payload is masked."""

TEXT_HEADS: Final = tuple(bytes((0x81, size)) for size in range(SHORT))
"""What stands before an unmasked text of each length, where that is `SHORT`."""


def server_frame(message: str | bytes) -> bytes:
    """A message as one unmasked frame, text or binary (RFC 6455 section 5.2)."""
    if isinstance(message, bytes):
        return framed(0x82, message)
    return text_frame(utf8(message))


def text_frame(text: bytes) -> bytes:
    """A text, as UTF-8, as one unmasked frame."""
    size = len(text)
    return (TEXT_HEADS[size] if size < SHORT else head(0x81, size)) + text


def framed(first: int, payload: bytes) -> bytes:
    """An unmasked frame with this first byte."""
    size = len(payload)
    return (bytes((first, size)) if size < SHORT else head(first, size)) + payload


def head(first: int, size: int) -> bytes:
    """What stands before an unmasked payload of that many bytes."""
    if size < SHORT:
        return bytes((first, size))
    if size < 65536:
        return struct.pack("!BBH", first, 126, size)
    return struct.pack("!BBQ", first, 127, size)


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


def bounds(data: bytes, at: int, size: int) -> tuple[int, int] | None:
    """Where the payload of a frame begins and ends; `None` when too little has arrived to tell."""
    if size < at + 2:
        return None
    second = data[at + 1]
    length, body = second & 0x7F, at + 2
    if length == 126:
        body = at + 4
        length = int.from_bytes(data[at + 2 : body])
    elif length == 127:
        body = at + 10
        length = int.from_bytes(data[at + 2 : body])
    if size < body:
        return None
    if second & MASKED:
        body += 4
    return body, body + length
