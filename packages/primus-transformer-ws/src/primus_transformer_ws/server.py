"""The server half: takes over upgrades and answers them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from websockets.datastructures import Headers
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.http11 import Request as WebSocketRequest
from websockets.protocol import SERVER, Protocol
from websockets.server import ServerProtocol as Handshake
from websockets.typing import Subprotocol

from primus import Request, Response
from primus.websocket import Engine, EngineOptions, Opened, WebSocketTransformer
from primus_transformer_ws.framing import QuietLogger, ServerProtocol
from primus_transformer_ws.served import ServedTransport

if TYPE_CHECKING:
    from primus import Primus
    from primus.transformer import Connector

__all__ = ["WebSockets", "WebSocketsEngine"]

HANDSHAKE_HEADERS = (
    "Connection",
    "Upgrade",
    "Sec-WebSocket-Extensions",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Version",
)
"""All that the handshake depends on; other headers may hold bytes that websockets refuses."""


class WebSocketsEngine(Engine):
    """Takes over raw transports and speaks by websockets' sans-I/O protocol."""

    options_of_its_own = frozenset({"deflate"})

    def __init__(self, primus: Primus, options: EngineOptions) -> None:
        super().__init__(primus, options)
        self._extensions = None
        if options.compression:
            deflate = options.more.get("deflate", {})
            self._extensions = [ServerPerMessageDeflateFactory(**deflate)]
        self._subprotocols = cast("list[Subprotocol]", list(options.subprotocols)) or None
        self._logger = QuietLogger(primus.log)

    async def upgrade(self, request: Request, opened: Opened) -> Response | None:
        """Answer the handshake on the transport itself, where it can be had."""
        if not request.detachable:
            return await super().upgrade(request, opened)
        handshake = Handshake(
            extensions=self._extensions,
            subprotocols=self._subprotocols,
            max_size=self.options.max_length,
            logger=self._logger,
        )
        headers = Headers()
        for name in HANDSHAKE_HEADERS:
            for value in request.headers.getall(name, ()):
                headers[name] = value.encode("ascii", "replace").decode()
        answer = handshake.accept(WebSocketRequest(request.path, headers))
        if answer.status_code != 101:
            return Response(
                answer.status_code, bytes(answer.body or b""), dict(answer.headers.raw_items())
            )
        for name, value in request.response_headers.items():
            answer.headers[name] = value
        try:
            handed = request.detach()
        except ConnectionResetError:
            return Response.error(400)
        protocol = ServerProtocol(SERVER, max_size=self.options.max_length, logger=self._logger)
        protocol.extensions = handshake.extensions
        protocol.subprotocol = handshake.subprotocol
        handed.transport.write(answer.serialize())
        self._open(protocol, handed.transport, handed.early, opened)
        return None

    def _open(
        self, protocol: Protocol, wire: asyncio.Transport, early: bytes, opened: Opened
    ) -> None:
        transport = ServedTransport(protocol, self.options.close_timeout)
        self.entered(transport)
        transport.on_gone = self.left
        wire.set_protocol(transport)
        transport.connection_made(wire)
        try:
            opened(transport)
        except BaseException:
            transport.abort()
            raise
        transport.start(early)


class WebSockets(WebSocketTransformer):
    """The server half of the ``websockets`` transformer."""

    name = "websockets"
    engine = WebSocketsEngine

    @classmethod
    def connector(cls) -> Connector:
        """The client half, imported when a client needs it."""
        from primus_transformer_ws.client import WebSocketsConnector

        return WebSocketsConnector()
