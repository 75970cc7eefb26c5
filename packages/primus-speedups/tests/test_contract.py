"""The contracts of what reads WebSockets of clients by this distribution."""

from __future__ import annotations

from typing import Any, ClassVar

from primus_testing import (
    Running,
    TransformerContract,
    WebSocketContract,
    WebSocketLimitsContract,
)
from primus_testing.transformer.base import Serve, Sockets
from primus_testing.transformer.limits import LimitsContract
from primus_testing.transformer.messages import MessagesContract
from primus_testing.transformer.ordering import OrderingContract

STILL = {"close_timeout": 0.2, "ping_interval": 9e3}


class TestWebSockets(TransformerContract):
    transformer = "websockets"

    async def test_it_is_in_use(self, serve: Serve, sockets: Sockets) -> None:
        server: Running = await serve()
        kinds: list[str] = []
        server.primus.on("connection", lambda spark: kinds.append(type(spark._transport).__name__))
        socket = sockets(server)
        socket.open()
        await socket.id()

        assert kinds == ["AcceleratedTransport"]


class TestWebSocketsWire(WebSocketContract):
    transformer = "websockets"


class TestWebSocketsLimits(WebSocketLimitsContract):
    transformer = "websockets"


class TestEngineIO(MessagesContract, OrderingContract, LimitsContract):
    transformer = "engine.io"
    options: ClassVar[dict[str, Any]] = {"transport": STILL}


class TestSockJS(MessagesContract, OrderingContract, LimitsContract):
    transformer = "sockjs"
