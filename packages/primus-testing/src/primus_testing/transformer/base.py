"""What all parts of the transformer contract stand on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import pytest
import pytest_asyncio

from primus.server.primus import Primus
from primus.server.spark import Spark
from primus_testing.peer import Peer
from primus_testing.recorder import Recorder
from primus_testing.server import Running
from primus_testing.sites import SITES, AsgiSite

__all__ = ["Contract", "Met", "Serve", "Sockets", "dial", "echo", "meet", "upgrade_status"]

Serve = Callable[..., Awaitable[Running]]
"""``await serve(**options)`` runs a Primus with the transformer of the contract."""

Sockets = Callable[..., Any]
"""``sockets(server, **options)`` makes a Socket, which is destroyed after the test."""

SPARK_EVENTS = ("data", "end", "error", "heartbeat", "readyStateChange")


@pytest.mark.asyncio
class Contract:
    """Attributes that a subclass may set."""

    transformer: ClassVar[Any]
    """The transformer: a name, or a class."""

    host: ClassVar[str] = "aiohttp"
    """The kind of host, one of `primus_testing.sites.SITES`; ``asgi`` and ``uvicorn`` need it."""

    options: ClassVar[Mapping[str, Any]] = {}
    """More options for every Primus, beside those that a test needs."""

    @property
    def is_asgi(self) -> bool:
        """Whether the host is an ASGI server."""
        return issubclass(SITES[self.host], AsgiSite)

    @pytest.fixture
    def serve(self, primus_server: Serve) -> Serve:
        """Runs servers with this transformer."""

        async def serve(**options: Any) -> Running:
            chosen = {"transformer": self.transformer, "on": self.host, **self.options, **options}
            return await primus_server(**chosen)

        return serve

    @pytest_asyncio.fixture
    async def sockets(self, primus_server: Serve) -> AsyncIterator[Sockets]:
        """Makes clients of servers."""
        made: list[Any] = []

        def make(server: Running, query: str = "", **options: Any) -> Any:
            socket = server.primus.Socket(server.url + query, **options)
            made.append(socket)
            return socket

        yield make
        for socket in made:
            socket.destroy()


@dataclass(frozen=True, slots=True)
class Met:
    """Both ends of a connection, and what has happened to the spark."""

    spark: Spark
    peer: Peer
    events: Recorder


async def meet(server: Running, query: str = "", **dial: Any) -> Met:
    """Connect a peer to `server`; arguments are those of `Running.peer`."""
    recorders: list[Recorder] = []
    sparks = Recorder(server.primus, "connection")
    server.primus.once("connection", lambda spark: recorders.append(Recorder(spark, *SPARK_EVENTS)))
    peer = await server.peer(query, **dial)
    spark = await sparks.one("connection")
    return Met(spark, peer, recorders[0])


async def dial(server: Running, url: str) -> Peer:
    """A peer of `server` at a URL of your own, pathname included."""
    peer = await Peer.open(type(server.primus.transformer), url)
    server.peers.append(peer)
    return peer


def echo(primus: Primus) -> None:
    """Echo every message."""

    @primus.on("connection")
    def connection(spark: Spark) -> None:
        spark.on("data", spark.write)


async def upgrade_status(server: Running, headers: Mapping[str, str] = MappingProxyType({})) -> int:
    """The status that a WebSocket upgrade, below the pathname, is answered with."""
    asked = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        **headers,
    }
    async with server.http.get(server.url + server.primus.pathname, headers=asked) as response:
        return response.status
