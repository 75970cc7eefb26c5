"""A client and a server that have met, with a plugin in use: Primus 6.1 and 8.0, and ours."""

from dataclasses import dataclass
from typing import Any

from .casts import PAIRS
from .parties import Client, Server, Speech
from .stage import Stage

WITH_PLUGINS = [pair for pair in PAIRS if "node5" not in pair]
"""Primus 6.1 and 8.0, to which the plugins belong."""

AWKWARD: list[Any] = [
    None,
    0,
    False,
    "",
    [],
    {},
    [None, [None]],
    {"emit": ["news"]},
    {"type": 0, "data": ["news"], "id": 1},
    {"__proto__x": {"nested": [1.5, -1, 2**53 - 1]}},
    "line\u2028separator \U0001f600 žluťoučký",
]


@dataclass
class Pair:
    """A kind of client and a kind of server, and whether they have met."""

    stage: Stage
    client_kind: str
    server_kind: str

    async def meet(
        self,
        plugin: str,
        hear: tuple[str, ...] = ("news",),
        overhear: tuple[str, ...] = (),
        **options: Any,
    ) -> tuple[Server, Client, str]:
        """A server and a client with the plugin, connected; both ``hear`` events and ``data``."""
        self.stage.speech = Speech(plugin=plugin)
        server = await self.server(hear=hear, overhear=overhear, **options)
        client = await self.stage.client(self.client_kind)
        await client.connect(server.url(), hear=hear)
        await client.event("open")
        return server, client, await server.connection()

    async def server(self, **arguments: Any) -> Server:
        """A server of the pair, with the plugin."""
        return await self.stage.server(self.server_kind, **arguments)
