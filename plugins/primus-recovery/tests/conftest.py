"""Servers on a bus in memory, and clients that connect to one of them after the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from primus import Primus, Socket
from primus_testing import ManualClock, MemoryTransformer, Recorder, Tracebacks, eventually

SECRET = "a secret of all servers"


class Cluster:
    """Servers, of which one at a time is at ``http://cluster``."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.namespace = uuid4().hex
        self.servers: list[Primus] = []
        self.sockets: list[Socket] = []

    async def turns(self, count: int = 12) -> None:
        """Let the loop turn."""
        for _ in range(count):
            await asyncio.sleep(0)

    async def server(self, **options: Any) -> Primus:
        """A server that has joined the others."""
        name = f"n{len(self.servers)}"
        chosen = {
            "plugin": "rooms, backplane, recovery",
            "rooms": {"history": True},
            "recovery_secret": SECRET,
            "node": name,
            **options,
        }
        if "backplane" in chosen["plugin"]:
            chosen.setdefault("backplane_namespace", self.namespace)
        primus = Primus(
            transformer=MemoryTransformer,
            transport={"host": name},
            clock=self.clock,
            **chosen,
        )
        self.servers.append(primus)
        primus.initialise()
        if "backplane" in chosen["plugin"]:
            await primus.backplane.ready()
            await eventually(lambda: primus.backplane.epoch)
            await self.turns()
        return primus

    def alone(self) -> Primus:
        """A server without a bus."""
        primus = Primus(
            transformer=MemoryTransformer,
            transport={"host": "alone"},
            clock=self.clock,
            plugin="recovery",
        )
        self.servers.append(primus)
        return primus

    def at(self, primus: Primus) -> None:
        """Let clients find this server from now on."""
        MemoryTransformer.hosts["cluster"] = primus.transformer

    async def socket(self, primus: Primus, query: str = "", **options: Any) -> Any:
        """A client of a server."""
        self.at(primus)
        options = {"reconnect": {"min": 0.01, "max": 0.01}, "clock": self.clock, **options}
        socket: Any = primus.Socket(f"http://cluster/{query}", **options)
        socket.story = Recorder(socket, "data", "recovered", "gap", "open", "close")
        self.sockets.append(socket)
        await socket.opened()
        await self.turns()
        return socket

    async def move(self, socket: Any, primus: Primus) -> None:
        """Break the connection of a client, which comes back to this server."""
        self.cut(socket)
        await self.back(socket, primus)

    def cut(self, socket: Any) -> None:
        """Break the connection of a client; what is under way is lost."""
        socket._transport.lose()

    async def back(self, socket: Any, primus: Primus) -> None:
        """Let a client come back to this server."""
        self.at(primus)
        await self.turns()
        self.clock.advance(0.02)
        await eventually(lambda: socket.ready_state == socket.OPEN)
        await self.turns()


@pytest.fixture
def clock(manual_clock: ManualClock) -> ManualClock:
    return manual_clock


@pytest_asyncio.fixture
async def cluster(clock: ManualClock, tracebacks: Tracebacks) -> AsyncIterator[Cluster]:
    made = Cluster(clock)
    yield made
    for socket in made.sockets:
        socket.destroy()
    for primus in made.servers:
        await primus.destroy()
