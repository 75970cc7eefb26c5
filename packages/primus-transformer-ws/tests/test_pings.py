"""Pings that the server sends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from primus import Primus, Request, Response, Transport
from primus.websocket import EngineOptions
from primus_testing import DEADLINE, NotingConnection, eventually
from primus_transformer_ws.server import WebSockets, WebSocketsEngine

Start = Callable[..., Awaitable[Any]]


class Pinging(WebSockets):
    """Leaves its wires to a test."""

    def __init__(self, primus: Primus) -> None:
        super().__init__(primus)
        self.engine_of_its_own = WebSocketsEngine(primus, EngineOptions(1000))
        self.wires: asyncio.Queue[Transport] = asyncio.Queue()

    async def upgrade(self, request: Request) -> Response | None:
        return await self.engine_of_its_own.upgrade(request, self.wires.put_nowait)

    async def close(self) -> None:
        await self.engine_of_its_own.close()


async def test_a_ping_is_answered_by_the_peer_and_is_no_frame(primus_server: Start) -> None:
    server = await primus_server(transformer=Pinging)
    peer = await server.peer()
    async with asyncio.timeout(DEADLINE):
        wire = await server.primus.transformer.wires.get()
        wire.connection = connection = NotingConnection()
        assert wire.ping()
        await eventually(lambda: connection.signs == 1)
        assert connection.story == []
        peer.close()
        assert await peer.gone() == []


async def test_a_wire_that_is_closing_is_not_pinged(primus_server: Start) -> None:
    server = await primus_server(transformer=Pinging)
    peer = await server.peer()
    async with asyncio.timeout(DEADLINE):
        wire = await server.primus.transformer.wires.get()
        wire.close()
        before = wire.buffered
        wire.ping()
        assert wire.buffered == before
        assert await peer.gone() == []
