"""A WebSocket that aiohttp speaks, as its server and its client have it in common."""

from __future__ import annotations

import asyncio
import struct
from abc import abstractmethod
from collections.abc import Coroutine
from typing import Any, Final

from aiohttp import ClientWebSocketResponse, WebSocketError, WSMsgType
from aiohttp.web import WebSocketResponse

from primus.closed import Ending
from primus.errors import LimitError, ProtocolError
from primus.http import HostWebSocket
from primus.limits import DEFAULT_LIMITS
from primus.websocket.aiohttp_intake import FrameGate
from primus.websocket.framing import is_close_code

__all__ = ["AiohttpWebSocket"]

TEXT, BINARY = WSMsgType.TEXT, WSMsgType.BINARY
PING, PONG, CLOSE = WSMsgType.PING, WSMsgType.PONG, WSMsgType.CLOSE
PROTOCOL_ERROR: Final = 1002
TOO_BIG: Final = 1009
TURN_MESSAGES: Final = DEFAULT_LIMITS.turn_messages


class AiohttpWebSocket(HostWebSocket):
    """By aiohttp's public interfaces alone.

    aiohttp's own ``close`` waits for the peer and takes the messages that still come, so close
    frames are sent as frames, and ``autoclose`` and ``autoping`` have to be off.
    """

    __slots__ = ("_closing", "_gate", "native")

    begins_bare = True

    def __init__(self) -> None:
        super().__init__()
        self.native: WebSocketResponse | ClientWebSocketResponse | None = None
        self._closing = False
        self._gate: FrameGate | None = None

    def watch(self, gate: FrameGate) -> None:
        """Let messages through `gate` one by one, as they are asked for."""
        self._gate = gate
        gate.on_end = self._ended

    def _ended(self) -> None:
        gate = self._gate
        if gate is not None and self.gone is not None and self.gone() and gate.is_long:
            gate.drop()

    async def receive(self) -> str | bytes | None:
        """The next message, or `None` once the WebSocket is closed.

        Raises:
            ProtocolError: the peer broke the protocol, or sent too large a message.
        """
        assert self.native is not None
        signs = 0
        while True:
            if self._gate is not None:
                self._gate.want()
            kind, data, extra = await self.native.receive()
            if kind is TEXT:
                return str(data)
            if kind is BINARY:
                return bytes(data)
            if kind is PING or kind is PONG:
                signs += 1
                if signs % TURN_MESSAGES == 0:
                    await asyncio.sleep(0)
                await self._sign_of_life(bytes(data) if kind is PING else None)
            elif kind is CLOSE:
                self.ending = Ending.of_peer(int(data) or None, extra or "")
                await self._answer(int(data))
                return None
            elif isinstance(data, WebSocketError):
                raise _violation(data)
            else:
                return None

    async def _sign_of_life(self, ping: bytes | None) -> None:
        if self.seen is not None:
            self.seen()
        if ping is not None and not self._closing:
            assert self.native is not None
            await self.native.pong(ping)

    async def _answer(self, code: int) -> None:
        """Answer the peer's close with its code, unless it answers ours."""
        try:
            if not self._closing:
                self._closing = True
                right = code == 0 or is_close_code(code)
                await self._send_close(code if right else PROTOCOL_ERROR)
        finally:
            self._finish()

    async def send(self, message: str | bytes) -> None:
        """Send a message; waits while aiohttp holds too much that is unsent.

        Raises:
            ConnectionError: the peer has gone.
        """
        assert self.native is not None
        if isinstance(message, str):
            await self.native.send_str(message)
        else:
            await self.native.send_bytes(message)

    def send_text(self, text: bytes) -> Coroutine[Any, Any, None]:
        """Send a text that is there as UTF-8, as `send` does."""
        assert self.native is not None
        return self.native.send_frame(text, TEXT)

    async def close(self, code: int, reason: str) -> None:
        """Send a close frame; `receive` goes on until the peer has answered it."""
        if not self._closing:
            self._closing = True
            await self._send_close(code, reason)

    async def _send_close(self, code: int, reason: str = "") -> None:
        assert self.native is not None
        payload = struct.pack("!H", code) + reason.encode() if code else b""
        await self.native.send_frame(payload, CLOSE)

    @abstractmethod
    def _finish(self) -> None:
        """Close the connection after both close frames, once what waits has been sent."""


def _violation(error: WebSocketError) -> ProtocolError:
    text = f"the peer broke the WebSocket protocol: {error}"
    if error.code != TOO_BIG:
        return ProtocolError(text)
    return LimitError(text, "" if "fragments" in text else "max_length")
