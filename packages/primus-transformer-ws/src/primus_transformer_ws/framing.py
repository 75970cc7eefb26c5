"""What is sent, as bytes, and what is ours of websockets' protocol objects."""

from __future__ import annotations

import logging
import struct
from typing import Any

from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol

__all__ = ["QuietLogger", "ServerProtocol", "server_frame", "utf8"]


class QuietLogger(logging.LoggerAdapter[logging.Logger]):
    """Logs at DEBUG what websockets logs at INFO: a line for every connection is too much."""

    def info(self, msg: object, *args: Any, **kwargs: Any) -> None:
        """Log at DEBUG."""
        self.debug(msg, *args, **kwargs)


class ServerProtocol(Protocol):
    """The server side of an open WebSocket; a close may come between two fragments.

    RFC 6455 section 5.4 lets control frames stand there, and a close is one: it is answered
    like any other (autobahn case 7.1.5).
    """

    def recv_frame(self, frame: Frame) -> None:
        """Handle one frame that has been checked."""
        if frame.opcode is Opcode.CLOSE:
            self.current_size = None
        super().recv_frame(frame)


def server_frame(message: str | bytes) -> bytes:
    """A message as one unmasked frame, text or binary (RFC 6455 section 5.2)."""
    payload = utf8(message) if isinstance(message, str) else message
    first = 0x81 if isinstance(message, str) else 0x82
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 65536:
        return struct.pack("!BBH", first, 126, size) + payload
    return struct.pack("!BBQ", first, 127, size) + payload


def utf8(text: str) -> bytes:
    """`text` as UTF-8; a lone surrogate becomes U+FFFD, as a browser's WebSocket has it."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        utf16 = text.encode("utf-16-le", "surrogatepass")
        return utf16.decode("utf-16-le", "replace").encode()
