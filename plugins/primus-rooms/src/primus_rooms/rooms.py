"""`Rooms`: the rooms of one Primus."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from primus import Primus, Spark
from primus.callables import is_awaitable
from primus.server.broadcast import Encoded
from primus_rooms.adapter import Adapter, Maybe, Members, at_once
from primus_rooms.adapter_calls import AdapterCalls
from primus_rooms.delivery import Delivery, deliver_everywhere, plain, refuse, sparks_among
from primus_rooms.errors import AdapterAway, RoomsError
from primus_rooms.memory import MemoryAdapter, local
from primus_rooms.names import Names, names
from primus_rooms.options import Settings
from primus_rooms.selection import Selection
from primus_rooms.waiting import all_true, done, each

__all__ = ["Carrier", "Rooms"]

SparkOrId = Spark | str

Result = TypeVar("Result")

Carrier = Callable[[Selection, list[Any], str], object]
"""Called with a selection, a message, or an event with its arguments, and ``write`` or ``send``.

What it raises is raised by the selection, and the message goes nowhere.
"""


class Rooms(AdapterCalls):
    """The rooms of one Primus. Called, it tells which rooms there are, or those of a spark.

    With an adapter that has its answers at once, so has every method. With one that must wait,
    each returns an awaitable; what was asked for happens whether it is awaited or not.

    From another thread, what changes rooms or writes is handed over to the event loop, and the
    result is whether that takes it; what asks is an error. ``primus.thread`` waits for results.
    """

    def __init__(self, primus: Primus, settings: Settings) -> None:
        super().__init__(primus)
        self.settings = settings
        self.own_adapter = MemoryAdapter() if settings.adapter is None else settings.adapter
        """What ``primus.adapter`` is until it is replaced."""
        self._joined: set[str] = set()
        self.emptied: tuple[Callable[[], object], ...] = ()
        """What plugins do when rooms have been emptied, of which no event tells."""
        self.carriers: tuple[Carrier, ...] = ()
        """What brings messages to the rooms of other servers, besides ``backplane``."""

    def __call__(self, spark: SparkOrId | None = None) -> list[str]:
        """The rooms that a spark is in, or all there are; a spark that is unknown is in none."""
        id = None if spark is None else _id(spark)
        rooms: Maybe[list[str]] = self._perform(lambda: self.adapter.rooms(id), list)
        return at_once(rooms)

    def above(self, owner: Any) -> Rooms:
        """Rooms of their own, in memory, for what has sparks of its own, as a channel has.

        Args:
            owner: has ``spark``, ``write``, ``pipeline``, ``dispatch`` and ``log`` as a Primus.
        """
        rooms = Rooms(owner, replace(self.settings, adapter=None))
        owner.adapter = rooms.own_adapter
        return rooms

    def selection(self, spark: Any) -> Selection:
        """A selection that a spark makes; it has no rooms yet."""
        return Selection(self, spark)

    # -- members

    def join(
        self,
        sparks: SparkOrId | Iterable[SparkOrId],
        rooms: Names,
        *,
        wildcard: bool | None = None,
    ) -> Maybe[bool]:
        """Add sparks, given as such or by their ids, to rooms. Emits ``joinroom`` for each.

        Args:
            sparks: one or several.
            rooms: a name, names with spaces between, or a list of names.
            wildcard: whether each ``*`` in a name stands for any text, so that whatever is
                written to a room that it fits arrives; `None` for what the options say.

        Returns:
            Whether all of the sparks have joined. One that has ended cannot: that is told by
            ``roomserror``.

        Raises:
            RoomsError: the names are none, the spark would be in more than ``max_rooms``, or the
                adapter failed.
        """
        later = partial(self.join, sparks, rooms, wildcard=wildcard)
        if (taken := self.primus.handed_over(later)) is not None:
            return bool(taken)
        wanted, wild = names(rooms), self._wild(wildcard, self.settings.wildcard)
        pairs = self._sparks(sparks)
        return all_true([self._join(id, spark, wanted, wild) for id, spark in pairs])

    def leave(
        self,
        sparks: SparkOrId | Iterable[SparkOrId],
        rooms: Names,
        *,
        wildcard: bool | None = None,
    ) -> Maybe[bool]:
        """Take sparks, given as such or by their ids, out of rooms. Emits ``leaveroom`` for each.

        Args:
            sparks: one or several.
            rooms: a name, names with spaces between, or a list of names.
            wildcard: whether each ``*`` in a name stands for any text, so that all rooms that it
                fits are left; `None` for what the options say.

        Returns:
            True.

        Raises:
            RoomsError: the names are none, or the adapter failed.
        """
        later = partial(self.leave, sparks, rooms, wildcard=wildcard)
        if (taken := self.primus.handed_over(later)) is not None:
            return bool(taken)
        wanted, wild = names(rooms), self._wild(wildcard, self.settings.wild_delete)
        return all_true(
            [self._leave(id, spark, wanted, wild) for id, spark in self._sparks(sparks)]
        )

    def leave_all(self, spark: Spark) -> Maybe[bool]:
        """Take a spark out of all its rooms. Emits ``leaveallrooms`` with their names."""
        if (taken := self.primus.handed_over(self.leave_all, spark)) is not None:
            return bool(taken)
        adapter, id = self.adapter, spark.id
        self._joined.discard(id)

        def left(rooms: list[str]) -> bool:
            self._tell("leaveallrooms", list(rooms), spark)
            return True

        return self._perform(lambda: adapter.remove_all(id), left, key=id, spark=spark)

    def _join(self, id: str, spark: Spark | None, rooms: tuple[str, ...], wild: bool) -> Any:
        if spark is None or spark.ready_state != Spark.OPEN:
            self._report(RoomsError("Spark is closed"), spark)
            return False
        adapter = self.adapter
        if self.settings.max_rooms is not None:
            self._check_limit(adapter, id, rooms, self.settings.max_rooms)
        self._joined.add(id)

        def joined(_: object) -> bool:
            for room in rooms:
                self._tell("joinroom", room, spark)
            return True

        return self._perform(
            lambda: adapter.join(id, rooms, wildcard=wild), joined, key=id, spark=spark
        )

    def _check_limit(self, adapter: Adapter, id: str, rooms: tuple[str, ...], most: int) -> None:
        """Make sure that a spark may join rooms.

        Raises:
            RoomsError: it would be in more than `most`.
        """
        own = local(adapter)
        known: list[str] = [] if own is None else at_once(own.rooms(id))
        wanted = len(dict.fromkeys((*known, *rooms)))
        if wanted > most:
            raise RoomsError(
                f"{id} would be in {wanted} rooms; at most {most} are allowed (max_rooms)"
            )

    def _leave(self, id: str, spark: Spark | None, rooms: tuple[str, ...], wild: bool) -> Any:
        adapter = self.adapter

        def left(_: object) -> bool:
            for room in rooms if spark is not None else ():
                self._tell("leaveroom", room, spark)
            return True

        own = adapter.own
        if own is not None and spark is not None and not own.has(id):
            return self._perform(lambda: done(None), left, key=id, spark=spark)
        return self._perform(
            lambda: adapter.leave(id, rooms, wildcard=wild), left, key=id, spark=spark
        )

    # -- choosing

    def room(self, rooms: Names) -> Selection:
        """A selection of these rooms."""
        return Selection(self, names=names(rooms))

    def except_(self, sparks: Names | Spark | Iterable[Spark | str]) -> Selection:
        """A selection of the members of all rooms, without these sparks."""
        return Selection(self).except_(sparks)

    def spark_of(self, selection: Selection) -> Spark:
        """The spark that a selection was made by.

        Raises:
            RoomsError: it was made by the Primus.
        """
        if selection.spark is None:
            raise RoomsError("only a spark joins and leaves; primus.join(spark, room) names it")
        return selection.spark

    # -- asking and emptying

    def clients(self, rooms: Names = ()) -> Maybe[Members]:
        """The ids of those in a room: a list, or for several rooms a list for each by its name."""
        adapter, wanted = self.adapter, names(rooms)
        if len(wanted) == 1:
            return self._perform(lambda: adapter.clients(wanted[0]), list)
        asking = [partial(adapter.clients, room) for room in wanted]
        return self._perform(
            lambda: each(asking), lambda found: dict(zip(wanted, found, strict=True))
        )

    def is_room_empty(self, room: Names) -> Maybe[bool]:
        """Whether the room is empty; of several, all of them."""
        adapter = self.adapter
        asking = [partial(adapter.is_empty, each) for each in names(room)]
        return self._perform(lambda: each(asking), all)

    def empty(self, rooms: Names | None = None) -> Maybe[None]:
        """Empty rooms, or, without any, all there are. Emits nothing."""
        if self.primus.handed_over(self.empty, rooms) is not None:
            return None
        adapter = self.adapter

        def emptied(_: object) -> None:
            for fn in self.emptied:
                fn()

        if rooms is None:
            return self._perform(adapter.clear, emptied)
        wanted = names(rooms)
        return self._perform(lambda: adapter.empty(wanted), emptied)

    # -- writing

    def deliver(self, selection: Selection, args: list[Any], method: str) -> Maybe[int]:
        """Deliver a message to a selection; see `Selection.write` and `Selection.send`."""
        primus = self.primus
        if primus.is_elsewhere:
            if method == "write" and not selection.transforms:
                args = [primus.encoded_here(args[0])]
            return int(bool(primus.handed_over(self.deliver, selection, args, method)))
        adapter = self.adapter
        spark, names = selection.spark, selection.names
        reaches_none = names == () or (spark is not None and spark.ready_state != Spark.OPEN)
        if self.carriers and not selection.only_here and not reaches_none:
            self._carry(selection, args, method)
        backplane = vars(primus).get("backplane")
        if backplane is not None and not selection.only_here and not reaches_none:
            here = partial(self._deliver_here, selection)
            return deliver_everywhere(primus, backplane, selection, args, method, here)  # type: ignore[no-any-return]
        delivery = Delivery(self.primus, adapter, selection, args, method)
        if reaches_none:
            return delivery.finish(())
        if adapter.own is None:
            if type(adapter) is not MemoryAdapter:
                delivery.finish(())  # what cannot be encoded raises here, where it is looked at
            return self._perform(lambda: adapter.members(names), delivery.finish, spark=spark)
        return self._deliver_to_own(delivery, selection, at_once(adapter.own.members(names)))

    def _deliver_to_own(
        self, delivery: Delivery, selection: Selection, own: Collection[str]
    ) -> Maybe[int]:
        """Deliver a message to the members that are here, at once, and then to the others."""
        adapter, count = self.adapter, delivery.here(own)
        if not delivery.forwards:
            if not selection.only_here:
                adapter.stays_here()
            return done(count)

        def rest(ids: Collection[str] | None) -> int:
            delivery.elsewhere(ids)
            return count

        asking = partial(_members, adapter, selection.names)
        return self._perform(asking, rest, spark=selection.spark)

    def _carry(self, selection: Selection, args: list[Any], method: str) -> None:
        """Give a message to what brings it to the rooms of other servers.

        Raises:
            RoomsError: it cannot be delivered in this way.
            Exception: what a carrier raises.
        """
        refuse(self.primus, args, method)
        if selection.transforms:
            raise RoomsError("a transform does not reach other servers: see Selection.local")
        for carry in self.carriers:
            carry(selection, plain(args), method)

    def deliver_relayed(
        self,
        rooms: Sequence[str] | None,
        without: Collection[str],
        send: Callable[[list[Spark]], object],
    ) -> None:
        """Deliver what another server has written to rooms, by the plugin ``backplane``.

        Args:
            rooms: their names; `None` for any room.
            without: the ids of sparks that do not get it.
            send: sends it to sparks.
        """
        primus = self.primus

        def finish(ids: Collection[str]) -> None:
            sparks = sparks_among(primus, ids, without)
            if sparks:
                send(sparks)

        self._with_members(rooms, finish)

    def _deliver_here(self, selection: Selection, message: Encoded | None) -> Maybe[int]:
        """Write to the sparks of this server in a selection; without a message, count them."""
        primus = self.primus

        def finish(ids: Collection[str]) -> int:
            sparks = sparks_among(primus, ids, selection.without)
            if message is not None:
                primus.write(message, to=sparks)
            return len(sparks)

        return self._with_members(selection.names, finish, selection.spark)

    def _with_members(
        self,
        names: Sequence[str] | None,
        finish: Callable[[Collection[str]], Result],
        spark: Spark | None = None,
    ) -> Maybe[Result]:
        """Do something with the members that are here, at once if they are known at once."""
        adapter = self.adapter
        if type(adapter) is MemoryAdapter:
            return finish(adapter.members(names))
        if adapter.own is not None:
            return done(finish(at_once(adapter.own.members(names))))
        return self._perform(lambda: adapter.members(names), finish, spark=spark)

    # -- the end

    def abandon(self) -> None:
        """Empty all rooms: the plugin is taken out."""
        adapter = self.adapter
        for id in self._joined:
            self._perform(partial(adapter.remove_all, id), _nothing, key=id)
        self._joined.clear()
        self.finish()
        self.primus.adapter = self.own_adapter

    # -- how it is done

    def _sparks(self, given: Any) -> list[tuple[str, Spark | None]]:
        """Ids with their sparks; one that is given as a spark need not be open any more."""
        if isinstance(given, str):
            return [(given, self.primus.spark(given))]
        if hasattr(given, "id"):
            return [(given.id, given)]
        return [pair for each in given for pair in self._sparks(each)]

    def _wild(self, asked: bool | None, default: bool) -> bool:
        wild = default if asked is None else asked
        if wild and not self.adapter.wildcards:
            raise RoomsError(f"{self.adapter!r} knows no wildcards")
        return wild


def _id(spark: SparkOrId) -> str:
    return spark if isinstance(spark, str) else spark.id


async def _members(adapter: Adapter, names: Sequence[str] | None) -> Collection[str] | None:
    """The members of rooms on all servers; `None` while what knows them is away."""
    try:
        members: Any = adapter.members(names)
        found: Collection[str] = await members if is_awaitable(members) else members
        return found
    except AdapterAway:
        if names is None:  # servers are told of rooms by their names
            raise
        return None


def _nothing(_: object) -> None:
    return None
