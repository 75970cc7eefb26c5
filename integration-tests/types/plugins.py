"""What a type checker says of plugins: the members that they give to sparks and to the Primus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from primus import Primus, Spark
from primus_emit import EmitSpark, EmitterOptions, EmitterPrimus, EmitterSpark
from primus_rooms import RoomsOptions, RoomsPrimus, RoomsSpark

one = RoomsPrimus[RoomsSpark](plugin="rooms", rooms={"wildcard": True})
RoomsPrimus[RoomsSpark](plugin="rooms", rooms={"wildcart": True})  # E: "wildcart" | "wildcart"
RoomsPrimus[RoomsSpark](emitter_timeout=5.0)  # E: "emitter_timeout" | "emitter_timeout"


class Visitor(RoomsSpark, EmitterSpark):
    """A spark with the members of two plugins, and an attribute of the application."""

    name: str = "guest"


class ChatOptions(RoomsOptions, EmitterOptions):
    """The options of both."""


class Chat(RoomsPrimus[Visitor], EmitterPrimus[Visitor]):
    """A server with the members of two plugins."""

    if TYPE_CHECKING:

        def __init__(self, server: object = None, **options: Unpack[ChatOptions]) -> None: ...


chat = Chat(plugin="rooms, emitter", rooms={}, emitter_timeout=5.0)
Chat(plugin="rooms, emitter", emiter_timeout=5.0)  # E: "emiter_timeout" | "emiter_timeout"


@chat.on("connection")
async def connection(spark: Visitor) -> None:
    """All members have types."""
    spark.join("lobby news")
    spark.join(["lobby", 5], wildcard=True)
    spark.join(5.5)  # E: Argument 1 to "join" | "float"
    spark.jion("lobby")  # E: "Visitor" has no attribute "jion" | "jion"
    chat.room("lobby").except_(spark).write({"name": spark.name})
    chat.room("lobby").wirte(1)  # E: "Selection" has no attribute "wirte" | "wirte"
    answer = await spark.ask("the name?", timeout=5.0)
    spark.send("news", answer)
    spark.send(5)  # E: Argument 1 | "Literal[5]"
    chat.send("news", answer, to=[spark])


@one.on("connection")  # E: "Callable[[Visitor], Coroutine[Any, Any, None]]" | Visitor
async def stranger(spark: Visitor) -> None:
    """The sparks of another server have no emitter."""


def notify(spark: RoomsSpark) -> None:
    """A module that knows of rooms alone."""
    spark.room("news").write("hello")


def announce(spark: EmitSpark) -> bool:
    """One that knows of events alone."""
    return spark.emit("news", "hello")


def both(visitor: Visitor, plain: Spark) -> None:
    """A spark of a server without the plugin is none with it."""
    notify(visitor)
    notify(plain)  # E: Argument 1 to "notify" | "Spark[Any]"


def served() -> Primus[RoomsSpark]:
    """A server is one of its sparks' plugins."""
    return one
