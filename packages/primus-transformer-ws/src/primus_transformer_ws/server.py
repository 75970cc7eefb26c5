"""The server half: takes over upgrades and answers them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from websockets.datastructures import Headers
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.http11 import Request as WebSocketRequest
from websockets.protocol import SERVER, Protocol
from websockets.server import ServerProtocol as Handshake

from primus import OptionError, Request, Response, Transformer
from primus.browser import Browser
from primus_transformer_ws.framing import QuietLogger, ServerProtocol
from primus_transformer_ws.wire import CLOSE_TIMEOUT, WebSocketTransport

if TYPE_CHECKING:
    from primus import Primus
    from primus.transformer import Connector

__all__ = ["WebSockets"]

_CLIENT = files("primus_transformer_ws").joinpath("client.js")

HANDSHAKE_HEADERS = (
    "Connection",
    "Upgrade",
    "Sec-WebSocket-Extensions",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Protocol",
    "Sec-WebSocket-Version",
)
"""All that the handshake depends on; other headers may hold bytes that websockets refuses."""

OPTIONS = frozenset({"close_timeout", "subprotocols", "deflate"})


class WebSockets(Transformer):
    """The server half of the ``websockets`` transformer."""

    name = "websockets"
    needs = frozenset({"transport"})

    def __init__(self, primus: Primus) -> None:
        super().__init__(primus)
        options = primus.options
        transport: Mapping[str, Any] = options.transport
        if unknown := set(transport) - OPTIONS:
            raise OptionError(
                f"transport={dict(transport)!r}: unknown {', '.join(sorted(unknown))}; "
                f"the websockets transformer takes {', '.join(sorted(OPTIONS))}"
            )
        self._close_timeout = float(transport.get("close_timeout", CLOSE_TIMEOUT))
        self._subprotocols = transport.get("subprotocols")
        self._max_length = options.max_length
        self._extensions = None
        if options.compression:
            self._extensions = [ServerPerMessageDeflateFactory(**transport.get("deflate", {}))]
        self._logger = QuietLogger(primus.log)
        self._transports: set[WebSocketTransport] = set()
        self._all_gone: asyncio.Event | None = None

    async def request(self, request: Request) -> Response:
        """A plain request cannot be served."""
        return Response(426, "Upgrade Required", content_type="text/plain")

    async def upgrade(self, request: Request) -> Response | None:
        """Answer the handshake and make a spark."""
        handshake = Handshake(
            extensions=self._extensions,
            subprotocols=self._subprotocols,
            max_size=self._max_length,
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
        protocol = ServerProtocol(SERVER, max_size=self._max_length, logger=self._logger)
        protocol.extensions = handshake.extensions
        protocol.subprotocol = handshake.subprotocol
        self._open(protocol, handed.transport, request, answer.serialize(), handed.early)
        return None

    def _open(
        self,
        protocol: Protocol,
        wire: asyncio.Transport,
        request: Request,
        head: bytes,
        early: bytes,
    ) -> None:
        transport = WebSocketTransport(protocol, self._close_timeout)
        self._transports.add(transport)
        transport.on_gone = self._gone
        wire.write(head)
        wire.set_protocol(transport)
        transport.connection_made(wire)
        try:
            self.primus.accept(transport, request)
        except BaseException:
            transport.abort()
            raise
        transport.start(early)

    def _gone(self, transport: WebSocketTransport) -> None:
        self._transports.discard(transport)
        if not self._transports and self._all_gone is not None:
            self._all_gone.set()

    async def close(self) -> None:
        """Wait until every peer has finished closing; drop those whose time is over."""
        if not self._transports:
            return
        self._all_gone = asyncio.Event()
        try:
            async with asyncio.timeout(self._close_timeout + 1.0):
                await self._all_gone.wait()
        except TimeoutError:
            for transport in tuple(self._transports):
                transport.abort()
            await self._all_gone.wait()

    @classmethod
    def connector(cls) -> Connector:
        """The client half, imported when a client needs it."""
        from primus_transformer_ws.client import WebSocketsConnector

        return WebSocketsConnector()

    @classmethod
    @cache
    def browser(cls) -> Browser:
        """The browser half."""
        return Browser(client=_CLIENT.read_text("utf-8"))
