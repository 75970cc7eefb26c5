"""The answer to the handshake of a client, as far as picows does not read it.

picows takes for the body of a refusal what has arrived along with its head, and drops the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final, cast

from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpProcessingError, HttpResponseParser

from primus.errors import HandshakeError, ProtocolError, TransportError
from primus.limits import DEFAULT_LIMITS
from primus_transformer_lws.native import PicowsProtocol

__all__ = ["ClientHandshake"]

LONGEST_HEAD: Final = 16 * 1024
"""Bytes; what picows takes."""


class ClientHandshake(BaseProtocol):
    """Reads the answer, and hands the wire over to picows when the server has accepted.

    ``made`` is done as soon as the head of that answer is there.
    """

    __slots__ = ("_body", "_head", "_parser", "_payload", "_protocol", "_refused", "made")

    def __init__(self, protocol: PicowsProtocol) -> None:
        super().__init__(asyncio.get_running_loop())
        self._protocol = protocol
        self._head = bytearray()
        self._body = bytearray()
        self._parser: Any = None
        self._payload: Any = None
        self._refused: tuple[int, Mapping[str, str]] = (0, {})
        self.made: asyncio.Future[None] = self._loop.create_future()
        """Fails with the error of a handshake that the server has refused or spoilt."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let picows send the handshake."""
        super().connection_made(transport)
        self._protocol.connection_made(cast("asyncio.Transport", transport))

    def data_received(self, data: bytes) -> None:
        """Look at the head first: an accepted WebSocket goes on with picows."""
        if self.made.done() or not data:  # aiohttp's streams ask for more by an empty read
            return
        if self._parser is not None:
            self._refusal(data)
            return
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        if (end if end >= 0 else len(self._head)) > LONGEST_HEAD:
            self._failed(ProtocolError(f"a head of more than {LONGEST_HEAD} bytes"))
        elif end >= 0:
            head = bytes(self._head)
            if head.split(b" ", 2)[1:2] == [b"101"] or not head.startswith(b"HTTP/"):
                self._hand_over(head)
            else:
                self._parser = HttpResponseParser(self, self._loop, 1 << 16, auto_decompress=False)
                self._refusal(head)

    def _hand_over(self, data: bytes) -> None:
        transport = self.transport
        assert transport is not None
        self.made.set_result(None)
        transport.set_protocol(self._protocol)
        rest = memoryview(data)
        while rest and not transport.is_closing():
            rest = self._protocol.take(rest)

    def _refusal(self, data: bytes) -> None:
        try:
            messages, _, _ = self._parser.feed_data(data)
        except HttpProcessingError as error:
            self._failed(ProtocolError(error.message))
            return
        if messages:
            message, self._payload = messages[0]
            self._refused = (message.code, message.headers)
        self._look()

    def _look(self) -> None:
        """Take what there is of the body, and conclude when it is all there."""
        payload, limit = self._payload, DEFAULT_LIMITS.refusal_bytes
        if payload is None:
            return
        self._body += payload.read_nowait(-1)
        if payload.is_eof() or len(self._body) >= limit:
            status, headers = self._refused
            self._failed(HandshakeError.answered(status, headers, bytes(self._body[:limit])))

    def eof_received(self) -> None:
        """Handle the end of what the server sends."""
        self._ended()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Handle the loss of the wire in the middle of the handshake."""
        super().connection_lost(exc)
        self._ended()

    def _ended(self) -> None:
        if self.made.done():
            return
        if self._parser is not None and self._payload is not None:
            status, headers = self._refused
            body = bytes(self._body[: DEFAULT_LIMITS.refusal_bytes])
            self._failed(HandshakeError.answered(status, headers, body))
        else:
            self._failed(ProtocolError("connection closed"))

    def _failed(self, error: TransportError) -> None:
        self.made.set_exception(error)
        self.made.exception()  # retrieved: the caller may have given up
        if self.transport is not None:
            self.transport.abort()
