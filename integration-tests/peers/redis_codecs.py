"""Our server with the plugins of primus-cluster, under the commands of redis_codecs.js."""

import asyncio
import logging
from typing import Any

import cluster
import server
import wire

PLUGINS = {
    "cluster": ("rooms emitter cluster", "cluster", "redis"),
    "redis-rooms": ("rooms redis-rooms", "redis_rooms", "url"),
    "redis": ("redis", "redis", "url"),
}
"""The plugins, the option, and the name of the URL in it."""


async def listen(on: str, port: int, redis: int, plugin: str, options: dict[str, Any]) -> int:
    """Start a server; its clients say what they want of rooms."""
    plugins, option, url = PLUGINS[plugin]
    settings = {"plugin": plugins, option: {url: f"redis://127.0.0.1:{redis}", **options}}
    listening = await server.listen(on, port, settings)
    cluster.primus_of(on).on("connection", cluster.obey)
    return listening


async def say(
    on: str, how: str, args: list[list[Any]], room: str = "", without: list[str] | None = None
) -> None:
    """Write, or send events, to all or to a room."""
    to = cluster.primus_of(on)
    if room:
        to = to.room(room)
    if without:
        to = to.except_(without)
    for each in args:
        await cluster.done(getattr(to, how)(*each))


OWN = (listen, say, cluster.rooms)

COMMANDS = {**server.COMMANDS, **{each.__name__: each for each in OWN}}

if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(wire.serve(COMMANDS))
