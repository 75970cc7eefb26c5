"""The server half: takes over upgrades and has picows answer them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from picows import WSUpgradeRequest, WSUpgradeResponseWithListener

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
from primus_transformer_lws.deflate import Deflate, Settings, agreed, largest_frame
from primus_transformer_lws.listener import Listener
from primus_transformer_lws.native import UPGRADE, PicowsProtocol, PreparedResponse, ViolationLogger
from primus_transformer_lws.transport import LwsTransport

if TYPE_CHECKING:
    from primus.contracts import Server
    from primus.transformer import Connector

__all__ = ["Lws", "LwsEngine"]


class LwsEngine(Engine):
    """Takes over raw transports and gives them to picows."""

    options_of_its_own = frozenset({"deflate"})
    takes_transports = True

    def __init__(self, primus: Server, options: EngineOptions) -> None:
        super().__init__(primus, options)
        self._settings = Settings.of(options.more.get("deflate", {}))
        self._listen, self._left = self._opened, self.left  # the same for all connections
        self._opening: tuple[PreparedResponse, Listener] | None = None
        """What the handshake is answered with that picows is being given."""

    async def upgrade(self, request: Request, opened: Opened) -> Response | None:
        """Answer the handshake on the transport itself, where it can be had."""
        if not request.detachable:
            return await super().upgrade(request, opened)
        refused = refusal(request.headers)
        if refused is not None:
            return refused
        answer, deflate = self._answer(request)
        try:
            handed = request.detach()
        except ConnectionResetError:
            return Response.error(400)
        self._open(answer, deflate, handed, opened)
        return None

    def _answer(self, request: Request) -> tuple[PreparedResponse, Deflate | None]:
        headers = self.answered(request)
        deflate = None
        if self.options.compression:
            offers = ",".join(request.headers.getall("Sec-WebSocket-Extensions", ()))
            if (found := agreed(offers, self._settings)) is not None:
                headers.append(("Sec-WebSocket-Extensions", found[1]))
                deflate = Deflate(found[0], self._settings, serves=True)
        return PreparedResponse(switching(request.headers["Sec-WebSocket-Key"], headers)), deflate

    def _opened(self, request: WSUpgradeRequest) -> WSUpgradeResponseWithListener:
        """What picows asks for within the call that gives it the handshake."""
        assert self._opening is not None
        answer: Any
        answer, listener = self._opening
        return WSUpgradeResponseWithListener(answer, listener)

    def _open(self, answer: Any, deflate: Deflate | None, handed: HandOver, opened: Opened) -> None:
        wire, options = handed.transport, self.options
        transport = LwsTransport(
            wire,
            options.max_length,
            options.close_timeout,
            deflate=deflate,
            limits=self.primus.limits,
        )
        violations = ViolationLogger(self.primus.log)
        violations.owner = transport
        largest = largest_frame(options.max_length, deflates=deflate is not None)
        protocol = PicowsProtocol(self._listen, violations, largest)
        self._opening = answer, transport.listener
        _take_over(wire, protocol)
        self._opening = None
        self.entered(transport, wire, handed.witness)
        transport.on_gone, transport.patience = self._left, self._closing
        try:
            opened(transport)
        except BaseException:
            transport.abort()
            raise
        transport.start(protocol, handed.early)


def _take_over(wire: asyncio.Transport, protocol: PicowsProtocol) -> None:
    wire.set_protocol(protocol)
    protocol.connection_made(wire)
    protocol.take(memoryview(UPGRADE))


class Lws(WebSocketTransformer):
    """The server half of the ``lws`` transformer."""

    name = "lws"
    engine = LwsEngine
    upgrades_bare = True

    @classmethod
    def connector(cls) -> Connector:
        """The client half, imported when a client needs it."""
        from primus_transformer_lws.client import LwsConnector

        return LwsConnector()
