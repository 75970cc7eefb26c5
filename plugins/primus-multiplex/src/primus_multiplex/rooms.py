"""Rooms within a channel: what the plugin ``rooms`` gives a Primus and its sparks.

Each channel has rooms of its own, in memory; those of the Primus are others.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol, TypeAlias, TypeVar

from primus import PluginError
from primus_multiplex.members import HasId

__all__ = ["ChannelRooms", "Maybe", "Names", "Rooms", "Selection", "SparkRooms"]

Result = TypeVar("Result")
Maybe: TypeAlias = Result | Awaitable[Result]
Names: TypeAlias = str | int | Iterable[str | int]


class Selection(Protocol):
    """Some rooms of a channel; see `primus_rooms.Selection`."""

    def room(self, rooms: Names) -> Selection:
        """These rooms too."""

    def in_(self, rooms: Names) -> Selection:
        """These rooms too."""

    def except_(self, sparks: Any) -> Selection:
        """Without these sparks, given as such or by their ids."""

    def transform(self, fn: Callable[..., Any]) -> Selection:
        """Call ``fn(packet, spark)`` for what is written, for each spark."""

    def write(self, data: Any) -> Maybe[int]:
        """Send `data` to all chosen sparks, once each; how many they are."""

    def send(self, event: str, /, *args: Any) -> Maybe[int]:
        """Send an event to all chosen sparks; how many they are."""

    def clients(self) -> Maybe[Any]:
        """The ids in the rooms."""

    def is_room_empty(self) -> Maybe[bool]:
        """Whether all of the rooms are empty."""

    def empty(self) -> Maybe[None]:
        """Empty the rooms."""

    def join(self) -> Maybe[bool]:
        """Join the rooms, as the spark that chose them."""

    def leave(self) -> Maybe[bool]:
        """Leave the rooms, as the spark that chose them."""


class Rooms(Protocol):
    """The rooms of a channel; see `primus_rooms.Rooms`."""

    def __call__(self, spark: Any = None) -> Maybe[list[str]]:
        """The rooms that a spark is in, or all there are."""

    def above(self, owner: Any) -> Rooms:
        """Rooms of their own, for what has sparks of its own."""

    def join(self, sparks: Any, rooms: Names, *, wildcard: bool | None = None) -> Maybe[bool]:
        """Add sparks to rooms."""

    def leave(self, sparks: Any, rooms: Names, *, wildcard: bool | None = None) -> Maybe[bool]:
        """Take sparks out of rooms."""

    def leave_all(self, spark: Any) -> Maybe[bool]:
        """Take a spark out of all its rooms."""

    def room(self, rooms: Names) -> Selection:
        """A selection of these rooms."""

    def except_(self, sparks: Any) -> Selection:
        """A selection of the members of all rooms, without these sparks."""

    def selection(self, spark: Any) -> Selection:
        """A selection that a spark makes; it has no rooms yet."""

    def clients(self, rooms: Names = ()) -> Maybe[Any]:
        """The ids of those in a room."""

    def is_room_empty(self, room: Names) -> Maybe[bool]:
        """Whether the room is empty."""

    def empty(self, rooms: Names | None = None) -> Maybe[None]:
        """Empty rooms, or, without any, all there are."""


class ChannelRooms:
    """The part of a channel that the plugin ``rooms`` gives."""

    _channels: Any
    _rooms: Rooms | None = None
    _rooms_above: Rooms | None = None
    """The rooms of the Primus for which `_rooms` were made: the plugin may have been replaced."""

    @property
    def rooms(self) -> Rooms:
        """The rooms of the channel. Called, it tells which there are, or those of a spark.

        Raises:
            PluginError: the plugin ``rooms`` is not in use.
        """
        above: Rooms | None = getattr(self._channels.primus, "rooms", None)
        if above is None:
            raise PluginError('rooms within a channel need the plugin "rooms"')
        if self._rooms is None or above is not self._rooms_above:
            self._rooms, self._rooms_above = above.above(self), above
        return self._rooms

    def left_rooms(self, spark: HasId) -> None:
        """Take a spark that has ended out of all its rooms."""
        if self._rooms is not None:
            self._rooms.leave_all(spark)

    def join(self, sparks: HasId | str | Iterable[HasId | str], rooms: Names) -> Maybe[bool]:
        """Add sparks of the channel to rooms of the channel."""
        return self.rooms.join(sparks, rooms)

    def leave(self, sparks: HasId | str | Iterable[HasId | str], rooms: Names) -> Maybe[bool]:
        """Take sparks of the channel out of rooms of the channel."""
        return self.rooms.leave(sparks, rooms)

    def room(self, rooms: Names) -> Selection:
        """A selection of these rooms."""
        return self.rooms.room(rooms)

    in_ = room

    def except_(self, sparks: Any) -> Selection:
        """A selection of the members of all rooms, without these sparks."""
        return self.rooms.except_(sparks)

    def clients(self, rooms: Names = ()) -> Maybe[Any]:
        """The ids of those in a room."""
        return self.rooms.clients(rooms)

    def is_room_empty(self, room: Names) -> Maybe[bool]:
        """Whether the room is empty; of several, all of them."""
        return self.rooms.is_room_empty(room)

    def empty(self, rooms: Names | None = None) -> Maybe[None]:
        """Empty rooms, or, without any, all there are."""
        return self.rooms.empty(rooms)


class SparkRooms:
    """The part of a spark of a channel that the plugin ``rooms`` gives."""

    channel: Any

    def join(self, rooms: Names) -> Maybe[bool]:
        """Be in rooms of the channel."""
        mine: Rooms = self.channel.rooms
        return mine.join(self, rooms)

    def leave(self, rooms: Names) -> Maybe[bool]:
        """Be in rooms of the channel no longer."""
        mine: Rooms = self.channel.rooms
        return mine.leave(self, rooms)

    def leave_all(self) -> Maybe[bool]:
        """Be in no room of the channel."""
        mine: Rooms = self.channel.rooms
        return mine.leave_all(self)

    def rooms(self) -> Maybe[list[str]]:
        """The names of the rooms that the spark is in."""
        mine: Rooms = self.channel.rooms
        return mine(self)

    def room(self, rooms: Names) -> Selection:
        """A selection of these rooms, that writes only while the spark is open."""
        mine: Rooms = self.channel.rooms
        return mine.selection(self).room(rooms)

    in_ = room

    def except_(self, sparks: Any) -> Selection:
        """A selection of the members of all rooms, without these sparks."""
        mine: Rooms = self.channel.rooms
        return mine.selection(self).except_(sparks)
