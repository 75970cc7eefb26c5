"""A server that tracks the users that its clients name, on a bus of Redis."""

import asyncio
from typing import Any

import wire

from primus import Primus

servers: dict[str, Any] = {}
heard: dict[str, list[list[Any]]] = {}
ROOM = "lobby"


async def listen(on: str, port: int, redis: str, options: dict[str, Any]) -> int:
    """Start a server whose clients are users of a room."""
    chosen = {
        "transformer": "websockets",
        "plugin": "backplane, presence",
        "backplane": redis,
        "node": on,
        "iknowhttpsisbetter": True,
        **options,
    }
    primus: Any = await Primus.create_server(host="127.0.0.1", port=port, **chosen)
    servers[on], heard[on] = primus, []
    primus.on("connection", connected)
    for event in ("join", "leave"):
        primus.presence.on(
            event, lambda user, info, room, event=event: heard[on].append([event, user])
        )
    await primus.backplane.ready()
    return int(primus.port)


def connected(spark: Any) -> None:
    """Let the user that a client names be in the room."""
    spark.primus.presence.track(spark, ROOM, spark.query.text("user"), {"at": "home"})


async def track(on: str, first: int, count: int) -> None:
    """Let the first spark be so many users, each in a room of its own."""
    primus = servers[on]
    (spark, *_) = primus
    for number in range(first, first + count):
        primus.presence.track(spark, f"room {number}", f"user {number}")


async def members(on: str, room: str) -> list[str]:
    """The users in a room, in order."""
    return sorted(servers[on].presence.list(room))


async def rooms(on: str) -> int:
    """How many rooms have users."""
    return len(servers[on].presence.rooms)


async def events(on: str) -> list[list[Any]]:
    """The users that have joined and left, as this server saw it."""
    return heard[on]


async def write(on: str, message: Any) -> None:
    """Write to all sparks."""
    servers[on].write(message)


async def destroy(on: str) -> None:
    """End a server."""
    await servers.pop(on).destroy()


async def main() -> None:
    await wire.serve(
        {
            "listen": listen,
            "track": track,
            "members": members,
            "rooms": rooms,
            "events": events,
            "write": write,
            "destroy": destroy,
        }
    )


asyncio.run(main())
