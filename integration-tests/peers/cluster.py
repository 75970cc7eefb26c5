"""Our server with rooms, metroplex and omega-supreme, under the commands of cluster.js."""

import asyncio
import dataclasses
import logging
from typing import Any

import server
import wire

from primus import Primus, PrimusError
from primus_rooms.redis import RedisAdapter

away: set[str] = set()
"""The servers whose bus does not answer."""


def primus_of(on: str) -> Any:
    """The server of that name."""
    primus: Primus = server.servers[on][0]
    return primus


async def listen(on: str, port: int, redis: int | None, options: dict[str, Any]) -> int:
    """Start a server; its clients say what they want of rooms.

    Args:
        on: its name.
        port: where.
        redis: the port of the Redis of its registry; `None` without one.
        options: the options, in Node's names and units.
    """
    plugins = options.pop("plugin", "rooms metroplex omega-supreme")
    if how := options.pop("redis_rooms", ""):
        url = f"redis://127.0.0.1:{redis}"
        latency = max(2.0, options["latency"])
        adapter = RedisAdapter(url, forward=how == "forward", latency=latency)
        options["rooms"] = {"adapter": adapter}
    registry = {} if redis is None else {"redis": f"redis://127.0.0.1:{redis}"}
    settings = {"plugin": plugins, **registry, **options}
    listening = await server.listen(on, port, settings)
    primus_of(on).on("connection", obey)
    if "backplane" in plugins:
        primus_of(on).backplane.on("away", lambda why: away.add(on))
        primus_of(on).backplane.on("back", lambda: away.discard(on))
    return listening


def obey(spark: Any) -> None:
    """Do what a client asks for, as cluster.js does."""

    @spark.on("data")
    async def data(message: Any) -> None:
        match message:
            case {"join": room}:
                await done(spark.join(room))
                spark.write({"joined": room})
            case {"leave": room}:
                await done(spark.leave(room))
                spark.write({"left": room})
            case {"say": [room, text]}:
                spark.room(room).except_(spark).write(text)
            case {"echo": value}:
                spark.write(value)


async def done(result: Any) -> Any:
    """A result that may have to be awaited."""
    return await result if hasattr(result, "__await__") else result


async def whereis(on: str, spark: str) -> str | None:
    """The address of the server that has a spark."""
    address: str | None = await primus_of(on).metroplex.spark(spark)
    return address


async def addresses(on: str) -> list[str]:
    """The addresses of the other servers."""
    return sorted(await primus_of(on).metroplex.servers())


async def forward(on: str, how: str, arguments: list[Any]) -> Any:
    """The reply of ``primus.forward``, or of one of its methods, or the text of its error."""
    forward = primus_of(on).forward
    try:
        return await (forward if how == "forward" else getattr(forward, how))(*arguments)
    except PrimusError as error:
        return {"error": str(error)}


async def rooms(on: str, room: str) -> list[str]:
    """The ids of those in a room."""
    return sorted(await done(primus_of(on).room(room).clients()))


async def room_write(on: str, room: str, data: Any) -> None:
    """Write to a room."""
    await done(primus_of(on).room(room).write(data))


WRITES: dict[str, Any] = {
    "room": lambda primus, number, room: primus.room(room).write(number),
    "ordered": lambda primus, number, room: primus.room(room).ordered.write(number),
    "everywhere": lambda primus, number: primus.write(number, everywhere=True),
    "remote": lambda primus, number, id: primus.backplane.spark(id).write(number),
}
"""Ways to write that are none of ``primus.forward``."""


async def flow(
    on: str, how: str, to: list[Any], first: int, count: int, pause: float | None
) -> dict[str, Any]:
    """Send numbers, wait for their replies, and tell which have failed, and why."""
    primus = primus_of(on)

    def send(number: int) -> Any:
        if how in WRITES:
            return WRITES[how](primus, number, *to)
        return (primus.forward if how == "forward" else getattr(primus.forward, how))(*to, number)

    replies = []
    for number in range(first, first + count):
        replies.append((number, send(number)))
        if pause is not None:
            await asyncio.sleep(pause)
    failed, errors = [], set()
    for number, reply in replies:
        try:
            await done(reply)
        except PrimusError as error:
            failed.append(number)
            errors.add(str(error))
    return {"failed": failed, "errors": sorted(errors)}


def forget(on: str, how: str, arguments: list[Any]) -> None:
    """Call a method of ``primus.forward``, and await nothing."""
    getattr(primus_of(on).forward, how)(*arguments)


async def address(on: str) -> str:
    """The address by which the others know the server; empty while it has none."""
    return str(primus_of(on).metroplex.address)


def bus(on: str) -> dict[str, Any]:
    """What a server knows of its bus."""
    backplane = primus_of(on).backplane
    return {
        "healthy": backplane.healthy,
        "away": on in away,
        "nodes": [node.name for node in backplane.nodes],
        "epoch": backplane.epoch,
        "counts": dataclasses.asdict(backplane.counts),
    }


OWN = (listen, bus, whereis, addresses, address, forward, flow, forget, rooms, room_write)

COMMANDS = {**server.COMMANDS, **{each.__name__: each for each in OWN}}

if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(wire.serve(COMMANDS))
