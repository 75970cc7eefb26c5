"""The host of a server of our own, whose entrance answers the requests without a web framework."""

from __future__ import annotations

from typing import TYPE_CHECKING

from primus.contracts import Server
from primus.requirements import needing
from primus.server.hosts.base import Host, Serving

if TYPE_CHECKING:
    from primus.transformer import Transformer

__all__ = ["OwnHost"]


class OwnHost(Host):
    """Serves a Primus from a server of our own.

    A transformer that wants the WebSockets of its server gets those of aiohttp, which is imported
    only then.
    """

    offers = frozenset({"http", "transport", "websocket"})
    name = "a server of its own"

    def __init__(self, primus: Server, server: Serving) -> None:
        self.primus = primus
        self.server: Serving = server
        self._upgrades: Host | None = None
        """What answers upgrades, and everything else where the entrance cannot."""
        if server.answers_requests and not _wants_websockets(primus.transformer):
            server.serve(primus)
            return
        with needing(f"a server of its own for the transformer {primus.transformer_name!r}"):
            from aiohttp import web

            from primus.server.hosts.aiohttp import AiohttpHost
        app = web.Application()
        self._upgrades = host = AiohttpHost(primus, app)
        host.own(server)
        server.serve(primus, app)

    @property
    def listening(self) -> tuple[str, int] | None:
        """Where the server listens, once it does."""
        return (self.server.url, self.server.port) if self.server.url else None

    async def close(self, *, stop: bool) -> None:
        """Stop the server."""
        if self._upgrades is not None:
            await self._upgrades.close(stop=stop)
        elif stop:
            await self.server.stop(self.primus.ending_since)


def _wants_websockets(transformer: Transformer) -> bool:
    """Whether it uses WebSockets of its server: unless it says that it has others, or none."""
    needs = transformer.needs
    return not transformer.takes_transports and ("websocket" in needs or not needs)
