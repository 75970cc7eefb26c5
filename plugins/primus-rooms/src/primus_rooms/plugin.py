"""The hooks: what rooms add to a Primus and to its sparks."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from primus import Primus, hookimpl
from primus.server.hosts.siblings import tell_of_siblings
from primus_rooms.members import RoomsPrimus, RoomsSpark
from primus_rooms.options import settings
from primus_rooms.rooms import Rooms

__all__ = [
    "primus_disconnection",
    "primus_extend_primus",
    "primus_extend_spark",
    "primus_setup",
    "primus_teardown",
]

EVENTS: Final = frozenset({"joinroom", "leaveroom", "leaveallrooms", "roomserror"})


@hookimpl
def primus_extend_spark() -> type[RoomsSpark]:
    """The methods of sparks."""
    return RoomsSpark


@hookimpl
def primus_extend_primus() -> type[Primus]:
    """The methods of the Primus."""
    return RoomsPrimus


@hookimpl
def primus_setup(primus: Any) -> None:
    """``primus.rooms``, ``primus.adapter``, and the reserved events.

    Raises:
        OptionError: the option ``rooms`` cannot be used.
    """
    primus.rooms = rooms = Rooms(primus, settings(primus.options.extra.get("rooms", {})))
    primus.adapter = rooms.own_adapter
    primus.events.names |= EVENTS
    primus.Spark.events.names |= EVENTS
    primus.on("close", rooms.drain)
    if rooms.settings.adapter is None:
        tell_of_siblings(primus, partial(_tell_of_others, primus))


def _tell_of_others(primus: Any) -> None:
    """Log that messages to rooms stay in this process, unless something brings them to others."""
    if vars(primus).get("backplane") is None and not primus.rooms.carriers:
        primus.log.warning(
            "rooms: other processes take connections of this port as well, and what is written to "
            "a room reaches the sparks of this one. plugin='rooms, backplane' with a bus that they "
            "share, backplane='redis://…', reaches all; rooms={'adapter': MemoryAdapter()} says "
            "that this is meant"
        )


@hookimpl
def primus_disconnection(spark: Any) -> None:
    """Take a spark that has ended out of all its rooms."""
    spark.primus.rooms.leave_all(spark)


@hookimpl
def primus_teardown(primus: Any) -> None:
    """Empty all rooms of this server."""
    primus.rooms.abandon()
