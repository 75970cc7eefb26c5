"""A server with rooms that have history, on a bus of Redis."""

import asyncio
from typing import Any

import wire

from primus import Primus

servers: dict[str, Any] = {}
ROOM = "news"


async def listen(on: str, port: int, redis: str, options: dict[str, Any]) -> int:
    """Start a server whose sparks join a room."""
    chosen = {
        "transformer": "websockets",
        "plugin": "rooms, backplane, recovery",
        "backplane": redis,
        "node": on,
        "rooms": {"history": True},
        "recovery_secret": "a secret of all servers",
        "iknowhttpsisbetter": True,
        **options,
    }
    primus: Any = await Primus.create_server(host="127.0.0.1", port=port, **chosen)
    servers[on] = primus
    primus.on("connection", joined)
    await primus.backplane.ready()
    return int(primus.port)


def joined(spark: Any) -> None:
    """Let a client be in the room, and answer what it asks."""
    spark.join(ROOM)
    spark.write({"server": spark.primus.node})
    spark.on("data", lambda message: spark.write({"echo": message}))


async def publish(on: str, first: int, count: int, pause: float) -> None:
    """Write numbers to the room."""
    for number in range(first, first + count):
        servers[on].room(ROOM).write(number)
        await asyncio.sleep(pause)


async def connected(on: str) -> int:
    """How many sparks a server has."""
    return len(servers[on])


async def destroy(on: str, options: dict[str, Any]) -> None:
    """End a server."""
    await servers.pop(on).destroy(**options)


async def main() -> None:
    await wire.serve(
        {"listen": listen, "publish": publish, "connected": connected, "destroy": destroy}
    )


asyncio.run(main())
