"""Connections on which nothing is said, so that only heartbeats pass."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .casts import OURS_IN_CHROMIUM, OURS_IN_NODE, Cast
from .parties import Client, Server

LEGACY = ("node5", "node6")
MODERN = ("node8",)
JAVASCRIPT = (OURS_IN_NODE, OURS_IN_CHROMIUM)

Options = Mapping[str, Any]


@dataclass(frozen=True)
class Tempo:
    """Heartbeat options in milliseconds, for each generation of client and server."""

    legacy_client: Options
    modern_client: Options
    legacy_server: Options
    modern_server: Options

    def client(self, kind: str, server_kind: str) -> Options:
        """The options for a client of ``kind``.

        Our Python client suits every server by itself. Our primus.js fits the server that serves
        it, which pings; to a server that does not, it has to be told to ping.
        """
        if kind in LEGACY or (kind in JAVASCRIPT and server_kind in LEGACY):
            return self.legacy_client
        if kind in MODERN or kind in JAVASCRIPT:
            return self.modern_client
        return {**self.legacy_client, **self.modern_client}

    def server(self, kind: str) -> Options:
        """The options for a server of ``kind``; ours takes those of both generations."""
        if kind in LEGACY:
            return self.legacy_server
        if kind in MODERN:
            return self.modern_server
        return {**self.legacy_server, **self.modern_server}


DEFAULT = Tempo({"ping": 25_000, "pong": 10_000}, {"pingTimeout": 45_000}, {}, {})
"""The documented defaults. `createSocket` of Primus 8 needs to be told its own."""

FAST = Tempo(
    legacy_client={"ping": 500, "pong": 1500},
    modern_client={"pingTimeout": 5000},
    legacy_server={"timeout": 3000},
    modern_server={"pingInterval": 2000},
)
"""The same proportions in little time: our first ping comes after a legacy client has pinged."""


@dataclass
class Idle:
    """A client that sends nothing to its server."""

    client: Client
    server: Server

    async def beats(self, count: int, within: float) -> None:
        """Wait for so many heartbeats, and then find that nothing else has happened."""
        for _ in range(count):
            await self.server.event("heartbeat", within)
        stray = self.client.seen("data") + self.server.seen("data", "disconnection")
        assert not stray, f"{self.client.on} on {self.server.on}: {stray}"
        trouble = self.client.seen("offline", "close", "error", "reconnect scheduled", "end")
        assert not trouble, f"{self.client.on} on {self.server.on}: {trouble}"


async def idle(cast: Cast, client_kind: str, server_kind: str, tempo: Tempo) -> Idle:
    """A client that has just connected, to a server that it has for itself."""
    server = await cast.server(server_kind)
    await server.listen(options=tempo.server(server_kind))
    client = await cast.client(client_kind)
    await client.connect(server.url(), **tempo.client(client_kind, server_kind))
    await client.event("open")
    return Idle(client, server)
