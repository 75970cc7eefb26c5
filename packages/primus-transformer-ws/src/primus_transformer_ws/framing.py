"""What is ours of websockets' protocol objects."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
)
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol
from websockets.typing import ExtensionParameter

__all__ = ["ClientDeflateFactory", "QuietLogger", "ServerDeflateFactory", "ServerProtocol"]

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


class LazyDeflate(PerMessageDeflate):
    """Compression whose contexts are made for the first message that needs them.

    Both take 90 KB of memory, which is much for a connection that has only offered compression.

    Args:
        agreed: what has been negotiated.
    """

    def __init__(self, agreed: PerMessageDeflate) -> None:
        bits = agreed.remote_max_window_bits, agreed.local_max_window_bits
        super().__init__(True, True, *bits, agreed.compress_settings)
        self.remote_no_context_takeover = agreed.remote_no_context_takeover
        self.local_no_context_takeover = agreed.local_no_context_takeover

    @cached_property
    def decoder(self) -> Any:  # type: ignore[override]  # it can be set, as it is there
        """The context of what the peer sends."""
        return zlib.decompressobj(wbits=-self.remote_max_window_bits)

    @cached_property
    def encoder(self) -> Any:  # type: ignore[override]
        """The context of what is sent to it."""
        return zlib.compressobj(wbits=-self.local_max_window_bits, **self.compress_settings)


class ServerDeflateFactory(ServerPerMessageDeflateFactory):
    """Agrees to compression; a connection that does not use it costs nothing more."""

    def process_request_params(
        self,
        params: Sequence[ExtensionParameter],
        accepted_extensions: Sequence[Extension],
    ) -> tuple[list[ExtensionParameter], PerMessageDeflate]:
        """What is answered to a client, and its compression.

        Raises:
            NegotiationError: what it offers cannot be agreed to.
        """
        answered, agreed = super().process_request_params(params, accepted_extensions)
        return answered, LazyDeflate(agreed)


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
