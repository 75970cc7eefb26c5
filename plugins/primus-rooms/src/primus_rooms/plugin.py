"""The hooks: what rooms add to a Primus and to its sparks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from primus import PluginError, Spark, hookimpl
from primus_rooms.adapter import Maybe
from primus_rooms.names import Names
from primus_rooms.options import settings
from primus_rooms.rooms import Rooms
from primus_rooms.selection import Selection

__all__ = [
    "primus_disconnection",
    "primus_extend_spark",
    "primus_setup",
    "primus_teardown",
]

EVENTS: Final = frozenset({"joinroom", "leaveroom", "leaveallrooms", "roomserror"})

MEMBERS: Final = ("join", "leave", "room", "except_", "clients", "is_room_empty", "empty")
"""The methods of `Rooms` that a Primus has as its own."""


def _rooms(spark: Any) -> Rooms:
    rooms: Rooms = spark.primus.rooms
    return rooms


def join(spark: Spark, rooms: Names, *, wildcard: bool | None = None) -> Maybe[bool]:
    """Be in rooms; see `Rooms.join`."""
    return _rooms(spark).join(spark, rooms, wildcard=wildcard)


def leave(spark: Spark, rooms: Names, *, wildcard: bool | None = None) -> Maybe[bool]:
    """Be in rooms no longer; see `Rooms.leave`."""
    return _rooms(spark).leave(spark, rooms, wildcard=wildcard)


def leave_all(spark: Spark) -> Maybe[bool]:
    """Be in no room; see `Rooms.leave_all`."""
    return _rooms(spark).leave_all(spark)


def rooms(spark: Spark) -> Maybe[list[str]]:
    """The names of the rooms that the spark is in."""
    return _rooms(spark)(spark)


def room(spark: Spark, rooms: Names) -> Selection:
    """A selection of these rooms, that writes only while the spark is open."""
    return Selection(_rooms(spark), spark).room(rooms)


def except_(spark: Spark, sparks: Any) -> Selection:
    """A selection of the members of all rooms, without these sparks."""
    return Selection(_rooms(spark), spark).except_(sparks)


def transform(spark: Spark, fn: Any) -> Selection:
    """A selection of the members of all rooms, each with its own message."""
    return Selection(_rooms(spark), spark).transform(fn)


def clients(spark: Spark, rooms: Names) -> Maybe[Any]:
    """The ids of those in a room; see `Rooms.clients`."""
    return _rooms(spark).clients(rooms)


def is_room_empty(spark: Spark, room: Names) -> Maybe[bool]:
    """Whether the room is empty."""
    return _rooms(spark).is_room_empty(room)


@hookimpl
def primus_extend_spark() -> Mapping[str, object]:
    """The methods of sparks."""
    methods = (join, leave, leave_all, rooms, room, except_, transform, clients, is_room_empty)
    return {"in_": room, **{method.__name__: method for method in methods}}


@hookimpl
def primus_setup(primus: Any) -> None:
    """The methods of the Primus, ``primus.adapter``, and the reserved events.

    Raises:
        OptionError: the option ``rooms`` cannot be used.
        PluginError: the Primus has something of the same name already.
    """
    mine = Rooms(primus, settings(primus.options.extra.get("rooms", {})))
    members = {name: getattr(mine, name) for name in MEMBERS}
    members |= {"in_": mine.room, "rooms": mine, "adapter": mine.own_adapter}
    for name, member in members.items():
        if hasattr(primus, name):
            raise PluginError(f"the plugin 'rooms': the Primus has an attribute {name!r} already")
        setattr(primus, name, member)
    primus.events.names |= EVENTS
    primus.Spark.events.names |= EVENTS
    primus.on("close", mine.drain)


@hookimpl
def primus_disconnection(spark: Any) -> None:
    """Take a spark that has ended out of all its rooms."""
    spark.primus.rooms.leave_all(spark)


@hookimpl
def primus_teardown(primus: Any) -> None:
    """Empty all rooms of this server."""
    primus.rooms.abandon()
