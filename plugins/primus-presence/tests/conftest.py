"""Servers on a bus in memory whose clock the tests move."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest_asyncio

from primus import Primus
from primus_testing import ManualClock, MemoryTransformer, Tracebacks, eventually

KINDS = ("state", "join", "update", "leave", "count", "end")


def told(emitter: Any, *events: str) -> list[Any]:
    """The events of an emitter from now on, each with its arguments."""
    seen: list[Any] = []
    for event in events:
        emitter.on(event, lambda *args, event=event: seen.append((event, *args)))
    return seen


class Cluster:
    """Servers in memory."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.namespace = uuid4().hex
        self.servers: list[Any] = []
        self.sockets: list[Any] = []

    async def turns(self, count: int = 20) -> None:
        """Let the loop turn."""
        for _ in range(count):
            await asyncio.sleep(0)

    async def wait(self, seconds: float) -> None:
        """Let time pass, in short steps."""
        for _ in range(int(seconds / 0.1 + 0.5)):
            self.clock.advance(0.1)
            await self.turns(6)

    async def server(self, plugin: str = "backplane, presence", **options: Any) -> Any:
        """A server that has joined the others."""
        name = f"n{len(self.servers)}"
        if "backplane" in plugin:
            options.setdefault("backplane_namespace", self.namespace)
        primus: Any = Primus(
            transformer=MemoryTransformer,
            transport={"host": name},
            clock=self.clock,
            node=name,
            plugin=plugin,
            timeout=False,
            ping_interval=False,
            **options,
        )
        self.servers.append(primus)
        primus.initialise()
        primus.presence.story = told(primus.presence, "join", "update", "leave")
        if "backplane" in plugin:
            await primus.backplane.ready()
            await eventually(lambda: primus.backplane.epoch)
        await self.turns()
        return primus

    async def socket(self, primus: Any, **options: Any) -> Any:
        """A client of a server, and its spark as ``socket.spark``."""
        options = {"clock": self.clock, "strategy": (), **options}
        name = primus.node
        before = set(primus)
        socket: Any = primus.Socket(f"http://{name}/", **options)
        socket.story = told(socket, *(f"presence {each}" for each in KINDS))
        self.sockets.append(socket)
        await socket.opened()
        await self.turns()
        (socket.spark,) = set(primus) - before
        return socket


@pytest_asyncio.fixture
async def cluster(manual_clock: ManualClock, tracebacks: Tracebacks) -> AsyncIterator[Cluster]:
    made = Cluster(manual_clock)
    yield made
    for socket in made.sockets:
        socket.destroy()
    for primus in made.servers:
        await primus.destroy()
