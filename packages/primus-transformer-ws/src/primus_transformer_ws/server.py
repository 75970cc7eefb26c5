"""The server half: takes over upgrades and answers them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Final

from primus import Request, Response
from primus.http import HandOver
from primus.websocket import (
    Engine,
    EngineOptions,
    Opened,
    WebSocketTransformer,
    refusal,
    switching,
)
from primus.websocket.speedups import read_texts
from primus_transformer_ws.server_transport import DeflatedTransport, ServerTransport

if TYPE_CHECKING:
    from websockets.extensions import Extension, ServerExtensionFactory

    from primus.contracts import Server
    from primus.transformer import Connector
    from primus_transformer_ws.framing import ServerProtocol

__all__ = ["WebSockets", "WebSocketsEngine"]

SHOWN: Final = 500
"""Characters of a wrong offer that are repeated in its refusal."""

EXTENSIONS: Final = "Sec-WebSocket-Extensions"


class WrongOffer(Exception):
    """The extensions that a client offers cannot be read."""


class WebSocketsEngine(Engine):
    """Takes over raw transports and speaks by websockets' sans-I/O protocol.

    The library is imported when a connection first needs it: for compression, control frames,
    fragments, and frames that arrive in part.
    """

    options_of_its_own = frozenset({"deflate"})
    takes_transports = True

    def __init__(self, primus: Server, options: EngineOptions) -> None:
        super().__init__(primus, options)
        self._extensions: list[ServerExtensionFactory] = []
        if options.compression:
            from primus_transformer_ws.framing import ServerDeflateFactory

            deflate = options.more.get("deflate", {})
            self._extensions = [ServerDeflateFactory(**deflate)]
        self._make, self._left = self._library, self.left  # the same for all connections
        self._plain = _plain_transport()

    async def upgrade(self, request: Request, opened: Opened) -> Response | None:
        """Answer the handshake on the transport itself, where it can be had."""
        if not request.detachable:
            return await super().upgrade(request, opened)
        refused = refusal(request.headers)
        if refused is not None:
            return refused
        headers = self.answered(request)
        extensions: list[Extension] = []
        if self._extensions and EXTENSIONS in request.headers:
            try:
                accepted, extensions = self._extended(request.headers.getall(EXTENSIONS))
            except WrongOffer as error:
                return Response.error(400, str(error)[:SHOWN])
            if accepted is not None:
                headers.append((EXTENSIONS, accepted))
        answer = switching(request.headers["Sec-WebSocket-Key"], headers)
        try:
            handed = request.detach()
        except ConnectionResetError:
            return Response.error(400)
        handed.transport.write(answer)
        self._open(handed, extensions, opened)
        return None

    def _extended(self, offers: Iterable[str]) -> tuple[str | None, list[Extension]]:
        """What is answered to the extensions that are offered, and those that are taken.

        Raises:
            WrongOffer: the offer cannot be read.
        """
        from websockets.datastructures import Headers as WebSocketHeaders
        from websockets.exceptions import InvalidHandshake
        from websockets.server import ServerProtocol as Handshake

        told = WebSocketHeaders()
        try:
            for offer in offers:
                told[EXTENSIONS] = offer.encode("ascii", "replace").decode()
            return Handshake(extensions=self._extensions).process_extensions(told)
        except InvalidHandshake as error:
            raise WrongOffer(str(error)) from error

    def _library(self) -> ServerProtocol:
        from websockets.protocol import SERVER

        from primus_transformer_ws.framing import QuietLogger, ServerProtocol

        logger = QuietLogger(self.primus.log)
        return ServerProtocol(SERVER, max_size=self.options.max_length, logger=logger)

    def _open(self, handed: HandOver, extensions: list[Extension], opened: Opened) -> None:
        wire, options, protocol = handed.transport, self.options, None
        if extensions:
            protocol = self._library()
            protocol.extensions = extensions
        make = DeflatedTransport if extensions else self._plain
        transport = make(
            self._make,
            options.max_length,
            options.close_timeout,
            protocol,
            self.primus.limits,
        )
        self.entered(transport, wire, handed.witness)
        transport.on_gone, transport.patience = self._left, self._closing
        wire.set_protocol(transport)
        transport.connection_made(wire)
        try:
            opened(transport)
        except BaseException:
            transport.abort()
            raise
        transport.start(handed.early)


def _plain_transport() -> Callable[..., ServerTransport]:
    """What makes the transport of a connection whose messages are not compressed."""
    read = read_texts()
    if read is None:
        return ServerTransport
    from primus_transformer_ws.accelerated import AcceleratedTransport

    return partial(AcceleratedTransport, read)


class WebSockets(WebSocketTransformer):
    """The server half of the ``websockets`` transformer."""

    name = "websockets"
    engine = WebSocketsEngine
    upgrades_bare = True

    @classmethod
    def connector(cls) -> Connector:
        """The client half, imported when a client needs it."""
        from primus_transformer_ws.client import WebSocketsConnector

        return WebSocketsConnector()
