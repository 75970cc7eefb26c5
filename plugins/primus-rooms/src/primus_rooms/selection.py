"""`Selection`: some rooms, and what can be done with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, cast

from primus.pipeline import Pipeline, Transforms
from primus_rooms.adapter import Maybe, Members, at_once
from primus_rooms.names import Names, ids, names

if TYPE_CHECKING:
    from primus import Spark

__all__ = ["Selection"]


class RoomOperations(Protocol):
    """What a selection uses of `Rooms`, where each of these is explained."""

    def deliver(self, selection: Selection, args: list[Any], method: str) -> Maybe[int]:
        """Send a message to the sparks of a selection."""

    def clients(self, rooms: Names = ()) -> Maybe[Members]:
        """The ids of the sparks in rooms."""

    def is_room_empty(self, room: Names) -> Maybe[bool]:
        """Whether no spark is in the rooms."""

    def empty(self, rooms: Names | None = None) -> Maybe[None]:
        """Remove all sparks from rooms."""

    def join(
        self,
        sparks: Spark | str | Iterable[Spark | str],
        rooms: Names,
        *,
        wildcard: bool | None = None,
    ) -> Maybe[bool]:
        """Add sparks to rooms."""

    def leave(
        self,
        sparks: Spark | str | Iterable[Spark | str],
        rooms: Names,
        *,
        wildcard: bool | None = None,
    ) -> Maybe[bool]:
        """Remove sparks from rooms."""

    def spark_of(self, selection: Selection) -> Spark:
        """The spark that made a selection."""


@dataclass(frozen=True)
class Selection:
    """Some rooms, with the sparks to leave out. It never changes: each method gives a new one.

    ``names`` is `None` while no room has been chosen: then it has the members of all rooms.
    """

    of: RoomOperations = field(repr=False)
    spark: Spark | None = None
    names: tuple[str, ...] | None = None
    without: frozenset[str] = frozenset()
    transforms: Transforms = ()
    only_here: bool = False
    is_ordered: bool | None = None
    """Whether all servers deliver in one order, this one too; `None` for what the options say."""

    # -- choosing

    def room(self, rooms: Names) -> Selection:
        """These rooms too.

        Raises:
            RoomsError: it is no name, nor names with spaces between, nor a list of them.
        """
        return replace(self, names=tuple(dict.fromkeys((*(self.names or ()), *names(rooms)))))

    in_ = room

    def except_(self, sparks: Names | Spark | Iterable[Spark | str]) -> Selection:
        """Without these sparks, given as sparks or by their ids.

        Raises:
            RoomsError: it is neither.
        """
        return replace(self, without=self.without | set(ids(sparks)))

    def transform(self, fn: Callable[..., Any]) -> Selection:
        """Call ``fn(packet, spark)`` for what is written, for each spark.

        ``packet.data`` is a list: the message, or the event and its arguments, a copy for each
        spark. `fn` may change it; returning `False` leaves the spark out; raising gives the spark
        an ``error``; it may be async, and then later messages do not wait for it.

        Raises:
            TypeError: `fn` is not callable.
        """
        pipeline = Pipeline()
        pipeline.add("outgoing", fn)
        return replace(self, transforms=pipeline.outgoing)

    @property
    def local(self) -> Selection:
        """The same, but only the sparks of this server are written to."""
        return replace(self, only_here=True)

    @property
    def ordered(self) -> Selection:
        """The same, but all servers deliver in one order with what others write, this one too.

        It takes effect with the plugin ``backplane`` only.
        """
        return replace(self, is_ordered=True)

    # -- writing

    def write(self, data: Any) -> int:
        """Send `data` to all chosen sparks, once each; the sender is not left out by itself.

        Returns:
            How many sparks of this server it was written to. From another thread: 1 when the event
            loop takes it, else 0.

        Raises:
            ControlTextError: `data` is text that begins with ``primus::``.
            ParserError: the parser has no form for `data`; no spark gets it.
        """
        return at_once(self.of.deliver(self, [data], "write"))

    def send(self, event: str, /, *args: Any) -> int:
        """Send an event to all chosen sparks; needs the plugin ``emitter``.

        Returns:
            How many sparks of this server it was sent to.

        Raises:
            RoomsError: the plugin is not in use, or the last argument is a function: there is
                no acknowledgement that stands for all.
        """
        return at_once(self.of.deliver(self, [event, *args], "send"))

    # -- asking and changing

    def clients(self) -> Members:
        """The ids in the room: a list, or for several rooms a list for each by its name."""
        return cast("Members", self.of.clients(self.names or ()))

    def is_room_empty(self) -> bool:
        """Whether all of the rooms are empty."""
        return at_once(self.of.is_room_empty(self.names or ()))

    def empty(self) -> None:
        """Empty the rooms; without any chosen, all there are."""
        return at_once(self.of.empty(self.names))

    def join(self, *, wildcard: bool | None = None) -> bool:
        """Join the rooms, as the spark that chose them; see `Rooms.join`.

        Raises:
            RoomsError: they were chosen by the Primus.
        """
        return at_once(self.of.join(self._own(), self.names or (), wildcard=wildcard))

    def leave(self, *, wildcard: bool | None = None) -> bool:
        """Leave the rooms, as the spark that chose them; see `Rooms.leave`.

        Raises:
            RoomsError: they were chosen by the Primus.
        """
        return at_once(self.of.leave(self._own(), self.names or (), wildcard=wildcard))

    def _own(self) -> Spark:
        return self.of.spark_of(self)
