"""What is ours of websockets' protocol objects."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final

from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    PerMessageDeflate,
)
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol
from websockets.typing import ExtensionParameter

__all__ = ["ClientDeflateFactory", "QuietLogger", "ServerProtocol"]

SMALLEST: Final = ("client_max_window_bits", "8")
"""What a server may answer with by RFC 7692 section 7.1.2.2, and zlib cannot compress for."""


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


class InflateOnly(PerMessageDeflate):
    """Compression in one direction: what we send stays as it is (RFC 7692 section 6)."""

    def encode(self, frame: Frame) -> Frame:
        """The frame itself."""
        return frame


class ClientDeflateFactory(ClientPerMessageDeflateFactory):
    """Offers compression; a server whose window is too small for zlib gets messages as they are."""

    def process_response_params(
        self,
        params: Sequence[ExtensionParameter],
        accepted_extensions: Sequence[Extension],
    ) -> PerMessageDeflate:
        """What a server has agreed to.

        Raises:
            NegotiationError: it wants what was not offered.
        """
        others = [each for each in params if each != SMALLEST]
        agreed = super().process_response_params(others, accepted_extensions)
        if len(others) == len(params):
            return agreed
        forgets, bits = agreed.remote_no_context_takeover, agreed.remote_max_window_bits
        return InflateOnly(forgets, True, bits, 15)
