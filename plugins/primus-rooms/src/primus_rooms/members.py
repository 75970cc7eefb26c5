"""What rooms add to sparks and to the Primus."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Unpack, cast

from primus import MessageT_co, PluginError, Primus, Spark, SparkT_co
from primus_rooms.adapter import Adapter, Members, at_once
from primus_rooms.names import Names
from primus_rooms.options import RoomsOptions
from primus_rooms.rooms import Rooms
from primus_rooms.selection import Selection

__all__ = ["RoomsPrimus", "RoomsSpark"]


def rooms_of(spark: Spark) -> Rooms:
    """The rooms of the Primus of a spark.

    Raises:
        PluginError: the plugin is not in use.
    """
    rooms: Rooms | None = getattr(spark.primus, "rooms", None)
    if rooms is None:
        raise PluginError("the plugin 'rooms' is not in use: Primus(…, plugin=\"rooms\")")
    return rooms


class RoomsSpark(Spark[MessageT_co]):
    """A spark of a Primus with the plugin ``rooms``."""

    def join(self, rooms: Names, *, wildcard: bool | None = None) -> bool:
        """Be in rooms; see `Rooms.join`."""
        return at_once(rooms_of(self).join(self, rooms, wildcard=wildcard))

    def leave(self, rooms: Names, *, wildcard: bool | None = None) -> bool:
        """Be in rooms no longer; see `Rooms.leave`."""
        return at_once(rooms_of(self).leave(self, rooms, wildcard=wildcard))

    def leave_all(self) -> bool:
        """Be in no room; see `Rooms.leave_all`."""
        return at_once(rooms_of(self).leave_all(self))

    def rooms(self) -> list[str]:
        """The names of the rooms that the spark is in."""
        return rooms_of(self)(self)

    def room(self, rooms: Names) -> Selection:
        """A selection of these rooms, that writes only while the spark is open."""
        return Selection(rooms_of(self), self).room(rooms)

    in_ = room

    def except_(self, sparks: Names | Spark | Iterable[Spark | str]) -> Selection:
        """A selection of the members of all rooms, without these sparks."""
        return Selection(rooms_of(self), self).except_(sparks)

    def transform(self, fn: Callable[..., Any]) -> Selection:
        """A selection of the members of all rooms, each with its own message."""
        return Selection(rooms_of(self), self).transform(fn)

    def clients(self, rooms: Names) -> Members:
        """The ids of those in a room; see `Rooms.clients`."""
        return cast("Members", rooms_of(self).clients(rooms))

    def is_room_empty(self, room: Names) -> bool:
        """Whether the room is empty."""
        return at_once(rooms_of(self).is_room_empty(room))


class RoomsPrimus(Primus[SparkT_co]):
    """A Primus with the plugin ``rooms``."""

    rooms: Rooms
    """Called, it tells which rooms there are, or those of a spark."""
    adapter: Adapter
    """What keeps the members of the rooms."""

    if TYPE_CHECKING:

        def __init__(self, server: object = None, **options: Unpack[RoomsOptions]) -> None: ...

    def join(
        self,
        sparks: Spark | str | Iterable[Spark | str],
        rooms: Names,
        *,
        wildcard: bool | None = None,
    ) -> bool:
        """Add sparks to rooms; see `Rooms.join`."""
        return at_once(self.rooms.join(sparks, rooms, wildcard=wildcard))

    def leave(
        self,
        sparks: Spark | str | Iterable[Spark | str],
        rooms: Names,
        *,
        wildcard: bool | None = None,
    ) -> bool:
        """Take sparks out of rooms; see `Rooms.leave`."""
        return at_once(self.rooms.leave(sparks, rooms, wildcard=wildcard))

    def room(self, rooms: Names) -> Selection:
        """A selection of these rooms."""
        return self.rooms.room(rooms)

    in_ = room

    def except_(self, sparks: Names | Spark | Iterable[Spark | str]) -> Selection:
        """A selection of the members of all rooms, without these sparks."""
        return self.rooms.except_(sparks)

    def clients(self, rooms: Names = ()) -> Members:
        """The ids of those in a room; see `Rooms.clients`."""
        return cast("Members", self.rooms.clients(rooms))

    def is_room_empty(self, room: Names) -> bool:
        """Whether the room is empty; of several, all of them."""
        return at_once(self.rooms.is_room_empty(room))

    def empty(self, rooms: Names | None = None) -> None:
        """Empty rooms, or, without any, all there are; see `Rooms.empty`."""
        return at_once(self.rooms.empty(rooms))
