"""What is ours of websockets' protocol objects."""

from __future__ import annotations

import logging
from typing import Any

from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol

__all__ = ["QuietLogger", "ServerProtocol"]


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
