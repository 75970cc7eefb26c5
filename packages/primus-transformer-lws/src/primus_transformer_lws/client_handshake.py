"""The answer to the handshake of a client, as far as picows does not read it.

picows takes for the body of a refusal what has arrived along with its head, and drops the rest.
"""

from __future__ import annotations

import asyncio
from typing import cast

from aiohttp.base_protocol import BaseProtocol

from primus.errors import ProtocolError, TransportError
from primus.websocket.refused import RefusedAnswer
from primus.websocket.refused_heads import HEAD_END, LONGEST_HEAD, refused_answer
from primus_transformer_lws.native import PicowsProtocol

__all__ = ["ClientHandshake"]


class ClientHandshake(BaseProtocol):
    """Reads the answer, and hands the wire over to picows when the server has accepted.

    ``made`` is done as soon as the head of that answer is there.
    """

    __slots__ = ("_head", "_protocol", "_refused", "made")

    def __init__(self, protocol: PicowsProtocol) -> None:
        super().__init__(asyncio.get_running_loop())
        self._protocol = protocol
        self._head = bytearray()
        self._refused: RefusedAnswer | None = None
        """The answer of a server that refuses, once its head is there."""
        self.made: asyncio.Future[None] = self._loop.create_future()
        """Fails with the error of a handshake that the server has refused or spoilt."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let picows send the handshake."""
        super().connection_made(transport)
        self._protocol.connection_made(cast("asyncio.Transport", transport))

    def data_received(self, data: bytes) -> None:
        """Look at the head first: an accepted WebSocket goes on with picows."""
        if self.made.done():
            return
        if self._refused is not None:
            self._read_refusal(self._refused, data)
            return
        self._head += data
        end = self._head.find(HEAD_END)
        if (end if end >= 0 else len(self._head)) > LONGEST_HEAD:
            self._failed(ProtocolError(f"a head of more than {LONGEST_HEAD} bytes"))
        elif end >= 0:
            head, size = bytes(self._head), end + len(HEAD_END)
            if head.split(b" ", 2)[1:2] == [b"101"] or not head.startswith(b"HTTP/"):
                self._hand_over(head)
            else:
                self._refuse(head[:size], head[size:])

    def _hand_over(self, data: bytes) -> None:
        transport = self.transport
        assert transport is not None
        self.made.set_result(None)
        transport.set_protocol(self._protocol)
        rest = memoryview(data)
        while rest and not transport.is_closing():
            rest = self._protocol.take(rest)

    def _refuse(self, head: bytes, rest: bytes) -> None:
        try:
            self._refused = refused_answer(head)
        except ProtocolError as error:
            self._failed(error)
            return
        self._read_refusal(self._refused, rest)

    def _read_refusal(self, answer: RefusedAnswer, data: bytes) -> None:
        if answer.feed(data):
            self._failed(answer.error)

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
        if self._refused is not None:
            self._failed(self._refused.error)
        else:
            self._failed(ProtocolError("connection closed"))

    def _failed(self, error: TransportError) -> None:
        self.made.set_exception(error)
        self.made.exception()  # retrieved: the caller may have given up
        if self.transport is not None:
            self.transport.abort()
