"""aiohttp's own WebSocket for an upgrade that is not handed over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from primus.http import Response
from primus.limits import Limits
from primus.websocket.aiohttp import AiohttpWebSocket
from primus.websocket.aiohttp_intake import FrameGate
from primus.websocket.handshake import chosen_subprotocol, refusal
from primus.write_watch import Wire

__all__ = ["ServedWebSocket"]

OFFERED = "Sec-WebSocket-Protocol"


class ServedWebSocket(AiohttpWebSocket):
    """The server's side of one upgrade."""

    __slots__ = ("_limits", "_request", "response")

    def __init__(self, request: web.Request, limits: Limits) -> None:
        super().__init__()
        self._request = request
        self._limits = limits
        self.response: web.WebSocketResponse | None = None
        """What the handler has to return, once the WebSocket has been accepted."""

    @property
    def wire(self) -> Wire | None:
        """The transport that aiohttp has."""
        return self._request.transport

    async def accept(
        self,
        headers: Mapping[str, str],
        *,
        subprotocols: Sequence[str],
        max_length: int,
        compression: bool,
    ) -> Response | None:
        """Answer the handshake.

        Raises:
            ConnectionError: the client has gone.
        """
        refused = refusal(self._request.headers)
        if refused is not None:
            return refused
        chosen = chosen_subprotocol(self._request.headers, subprotocols)
        native = web.WebSocketResponse(
            autoclose=False,
            autoping=False,
            protocols=() if chosen is None else (chosen,),
            compress=compression,
            max_msg_size=max_length + 1,  # aiohttp refuses what is as long as its limit
        )
        native.headers.update(headers)
        protocol: Any = self._request.protocol
        early, protocol._message_tail = bytes(protocol._message_tail), b""
        await native.prepare(self._request if chosen else _without_subprotocols(self._request))
        self.native = self.response = native
        gate = FrameGate(protocol._payload_parser, protocol, self._limits, masked=True)
        gate.attend(native)
        protocol._payload_parser = gate
        self.watch(gate)
        if early:
            gate.feed_data(early)
        return None

    def abort(self) -> None:
        """Drop the connection at once."""
        if self._gate is not None:
            self._gate.drop()
        transport = self._request.transport
        if transport is not None:
            transport.abort()

    def _finish(self) -> None:
        transport = self._request.transport
        if transport is not None:
            transport.close()


def _without_subprotocols(request: web.Request) -> web.Request:
    """aiohttp warns in the log of every client that offers subprotocols it does not get."""
    if OFFERED not in request.headers:
        return request
    headers = request.headers.copy()
    del headers[OFFERED]
    return request.clone(headers=headers)
