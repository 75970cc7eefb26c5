"""`Presence`: which users are in which rooms, on all servers."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from reprlib import repr as shown
from typing import Any, Final

from primus import PrimusError, Spark
from primus.clock import Alarm
from primus.events import Emitter, ReservedEvents
from primus.tasks import spawn
from primus_presence.errors import PresenceError
from primus_presence.limits import DEFAULT_LIMITS
from primus_presence.options import Chosen
from primus_presence.picture import Change, Picture
from primus_presence.replica import Head, Replica
from primus_presence.views import View, ended

__all__ = ["CONTROL", "EVENTS", "FIELD", "Presence"]

FIELD: Final = "_presence"
"""The parameter of the query by which a client shows that it has the plugin."""
CONTROL: Final = "presence"
KIND: Final = "presence"
EVENTS: Final = frozenset({"join", "leave", "update"})


class Presence(Emitter):
    """The users in the rooms of all servers.

    Events, on every server: ``join(user, info, room)`` and ``leave(user, info, room)`` once for
    each user, and ``update(user, info, room)`` when another info counts.

    Args:
        primus: the server.
        options: the options of the plugin.
    """

    events = ReservedEvents(EVENTS)

    def __init__(self, primus: Any, options: Chosen) -> None:
        super().__init__()
        self.log = primus.log
        self._primus = primus
        self._limit = options.limit
        self._limits = DEFAULT_LIMITS
        self._clock = primus.options.clock
        self._picture = Picture(options.grace)
        self._begun: Replica | None = None
        self._backplane: Any = None
        self._tracked: dict[Spark, dict[str, str]] = {}
        """The sparks: the user that each is, by room."""
        self._sparks: dict[tuple[str, str], dict[Spark, str]] = {}
        """The sparks of each user in a room, and the info of each; the last one counts."""
        self._views: dict[str, View[Spark]] = {}
        self._watched: dict[Spark, dict[str, None]] = {}
        self._dirty: dict[str, None] = {}
        """Rooms of which clients are to be told."""
        self._batch_at = 0.0
        """When clients may be told again."""
        self._changes: deque[Change] = deque()
        self._is_telling = False
        self._alarms: dict[str, Alarm] = {}
        self._answers: dict[str, asyncio.Task[None]] = {}
        self._has_left = False

    def __repr__(self) -> str:
        return f"<Presence of {self._primus.node}: {len(self._picture.rooms)} rooms>"

    # -- what applications call

    def track(
        self,
        spark: Spark,
        room: str,
        user: str | None = None,
        info: Any = None,
        *,
        watch: bool = True,
    ) -> None:
        """Let a user be in a room for as long as the spark is open.

        Args:
            spark: a connection of the user to this server.
            room: any name.
            user: names the user on all servers; `None` for the id of the spark.
            info: what is told of the user, for JSON. What was said last counts.
            watch: whether the client, if it has the plugin, is told of the room.

        Raises:
            PresenceError: a name or the info cannot be used, or is too long, or the spark is in
                too many rooms.
        """
        user = spark.id if user is None else user
        self._check("room", room)
        self._check("user", user)
        text = self._info(info)
        if self._primus.spark(spark.id) is not spark or spark.ready_state == Spark.CLOSED:
            return
        rooms = self._tracked.setdefault(spark, {})
        if room not in rooms and len(rooms) >= self._limits.rooms_per_spark:
            raise PresenceError(f"a spark is in {len(rooms)} rooms already, as many as may be")
        before = rooms.get(room)
        if before is not None and before != user:
            self._drop(spark, room, before, at_once=True)
        rooms[room] = user
        sparks = self._sparks.setdefault((room, user), {})
        sparks.pop(spark, None)
        sparks[spark] = text
        self._put(room, user, text)
        if watch:
            self.watch(spark, room)
        self._settle()

    def untrack(self, spark: Spark, room: str | None = None) -> None:
        """Let the user of a spark leave a room, or all, at once, unless it is there otherwise."""
        for each in [room] if room is not None else list(self._tracked.get(spark, ())):
            user = self._tracked.get(spark, {}).pop(each, None)
            if user is not None:
                self._drop(spark, each, user, at_once=True)
                self.unwatch(spark, each)
        if not self._tracked.get(spark, True):
            del self._tracked[spark]
        self._settle()

    def watch(self, spark: Spark, room: str) -> bool:
        """Tell a client of a room from now on, whether it is in it or not.

        Returns:
            Whether the client has the plugin; it is told nothing otherwise.

        Raises:
            PresenceError: the room has no name that can be used, or there are too many.
        """
        self._check("room", room)
        if not spark.query.text(FIELD) or self._primus.spark(spark.id) is not spark:
            return False
        rooms = self._watched.setdefault(spark, {})
        if room not in rooms:
            if len(rooms) >= self._limits.rooms_per_spark:
                raise PresenceError(f"a spark watches {len(rooms)} rooms already")
            rooms[room] = None
            view = self._views.get(room)
            if view is None:
                view = self._views[room] = View(room, self._limit)
            view.clients[spark] = False
            self._dirty[room] = None
            self._settle()
        return True

    def unwatch(self, spark: Spark, room: str) -> None:
        """Tell a client of a room no longer."""
        rooms = self._watched.get(spark, {})
        if room in rooms:
            del rooms[room]
            self._forget_view(spark, room)
            spark.send_control(CONTROL, ended(room))

    def list(self, room: str) -> dict[str, Any]:
        """The users in a room on all servers, and the info of each."""
        return {user: json.loads(info) for user, info in self._picture.members(room).items()}

    def count(self, room: str) -> int:
        """How many users there are in a room on all servers."""
        return self._picture.count(room)

    def has(self, room: str, user: str) -> bool:
        """Whether a user is in a room, on any server."""
        return self._picture.has(room, user)

    @property
    def rooms(self) -> list[str]:  # type: ignore[valid-type]
        """The rooms that have users."""
        return self._picture.rooms

    # -- the beginning and the end

    def begin(self) -> None:
        """Join the other servers, if there is a bus."""
        self._replica  # noqa: B018

    @property
    def _replica(self) -> Replica:
        if self._begun is None:
            backplane = self._backplane = vars(self._primus).get("backplane")
            writer = f"{self._primus.node}.alone" if backplane is None else str(backplane.writer)
            size = min(self._limits.chunk_bytes, self._primus.options.max_length)
            self._begun = Replica(writer, self._picture, self, self._limits, size)
            if backplane is not None:
                backplane.carry(KIND, self._arrived)
                for event in ("gap", "epoch", "back"):
                    backplane.on(event, self._cut_off)
                backplane.on("nodes", self._judge)
                self._begun.beat(asks=True)
                self._later("beat", self._pause, self._beat)
        return self._begun

    @property
    def _pause(self) -> float:
        return float(self._backplane.settings.lease / self._limits.beats)

    def close(self) -> None:
        """Tell the others that this server ends."""
        if self._begun is None or self._backplane is None or self._has_left:
            return
        while self._begun.flush():
            pass
        self._begun.leave()
        self._has_left = True

    def stop(self) -> None:
        """Do nothing any more."""
        self.close()
        self._has_left = True
        for alarm in self._alarms.values():
            alarm.stop()
        for task in self._answers.values():
            task.cancel()
        self._answers.clear()
        if self._backplane is not None:
            self._backplane.drop(KIND)
            for event in ("gap", "epoch", "back"):
                self._backplane.off(event, self._cut_off)
            self._backplane.off("nodes", self._judge)

    def departed(self, spark: Spark) -> None:
        """A connection has ended: its users leave after the grace, unless they come back."""
        for room in self._watched.pop(spark, ()):
            self._forget_view(spark, room)
        for room, user in self._tracked.pop(spark, {}).items():
            self._drop(spark, room, user, at_once=False)
        self._settle()

    # -- what this server has

    def _put(self, room: str, user: str, info: str) -> None:
        if self._replica.put(room, user, info):
            self._later("tick", self._limits.tick, self._flush)

    def _drop(self, spark: Spark, room: str, user: str, *, at_once: bool) -> None:
        sparks = self._sparks[room, user]
        del sparks[spark]
        if sparks:
            info = next(reversed(sparks.values()))
            if self._replica.info(room, user) != info:  # else nothing new is said of the user
                self._put(room, user, info)
            return
        del self._sparks[room, user]
        self._replica.drop(room, user, self._clock.time(), at_once=at_once)
        self._later("tick", self._limits.tick, self._flush)

    def _flush(self) -> None:
        if self._replica.flush():
            self._later("tick", self._limits.tick, self._flush)

    def _check(self, what: str, name: object) -> None:
        most = self._limits.name_bytes
        if not name or not isinstance(name, str) or len(json.dumps(name)) > most:
            raise PresenceError(
                f"{what}={shown(name)}: must be a text of 1 to {most} bytes of JSON"
            )

    def _info(self, info: Any) -> str:
        try:
            text = json.dumps(info, separators=(",", ":"), allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise PresenceError(f"info: JSON has no form for it: {error}") from error
        if len(text) > self._limits.info_bytes:
            raise PresenceError(
                f"info: {len(text)} bytes of JSON; it may have {self._limits.info_bytes}"
            )
        return text

    # -- the other servers

    def post(self, head: Head, frame: bytes) -> None:
        """Post a message to all servers."""
        if self._backplane is not None:
            self._backplane.post(KIND, head, "-", frame, key=KIND)

    def ask(self, node: str, head: Head) -> None:
        """Tell a message to one server."""
        spawn(self._tell_all(node, iter([(head, b"")])))

    def answer(self, node: str, parts: Iterator[tuple[Head, bytes]]) -> None:
        """Tell messages to one server, one after the other, in place of an earlier answer."""
        if (earlier := self._answers.get(node)) is not None:
            earlier.cancel()
        task = self._answers[node] = spawn(self._tell_all(node, parts))
        task.add_done_callback(lambda done: self._answered(node, done))

    def changed(self, change: Change) -> None:
        """Take note of what has become of a user."""
        self._changes.append(change)
        if change.room in self._views:
            self._dirty[change.room] = None

    def _answered(self, node: str, task: asyncio.Task[None]) -> None:
        if self._answers.get(node) is task:
            del self._answers[node]

    async def _tell_all(self, node: str, parts: Iterator[tuple[Head, bytes]]) -> None:
        try:
            for head, frame in parts:
                if not await self._backplane.tell(node, KIND, head, "-", frame):
                    return
                await asyncio.sleep(0)  # others get their turn
        except PrimusError as error:  # it is asked for again
            self.log.debug("presence: %s was not told: %s", node, error)

    def _arrived(self, message: Any) -> None:
        if message.is_own or self._has_left:
            return
        now = self._clock.time()
        try:
            if self._replica.take(str(message.writer), message.head, message.frame, now):
                self._later("soon", self._limits.tick, self._replica.beat)
        finally:
            self._settle()

    def _beat(self) -> None:
        self._replica.beat()
        self._judge()
        self._later("beat", self._pause, self._beat)

    def _judge(self, *_: object) -> None:
        """Take back what servers have said that are gone."""
        backplane = self._backplane
        if backplane.healthy:
            alive = {f"{node.name}.{node.incarnation}" for node in backplane.nodes}
            self._replica.judge(alive, self._clock.time(), backplane.settings.lease)
            self._settle()

    def _cut_off(self, *_: object) -> None:
        """Something may be missing: let the others say where they are."""
        self._replica.pardon(self._clock.time())
        self._later("asks", self._limits.tick, self._ask_all)

    def _ask_all(self) -> None:
        self._replica.beat(asks=True)

    # -- in turns

    def _settle(self) -> None:
        """Tell of what has changed, and see to what is still to be done."""
        self._tell_listeners()
        if self._replica.is_busy:
            self._later("work", 0.0, self._work)
        now, leaves_at = self._clock.time(), self._picture.leaves_at
        if leaves_at is not None:
            self._later("grace", max(0.0, leaves_at - now), self._expire)
        if self._dirty:
            self._later("batch", max(self._limits.tick, self._batch_at - now), self._tell_clients)

    def _tell_listeners(self) -> None:
        if self._is_telling:
            return
        self._is_telling = True
        try:
            while self._changes:
                kind, room, user, info = self._changes.popleft()
                if self.listeners(kind):
                    self.dispatch(kind, user, json.loads(info), room)
        finally:
            self._is_telling = False

    def _work(self) -> None:
        self._replica.work(self._clock.time())
        self._settle()

    def _expire(self) -> None:
        for change in self._picture.expire(self._clock.time(), self._limits.slice):
            self.changed(change)
        self._settle()

    def _tell_clients(self) -> None:
        self._batch_at = self._clock.time() + self._limits.batch
        dirty, self._dirty = self._dirty, {}
        for room in dirty:
            view = self._views.get(room)
            if view is not None:
                members = partial(self._picture.members, room)
                for spark, text in view.batch(self._picture.count(room), members):
                    spark.send_control(CONTROL, text)

    def _forget_view(self, spark: Spark, room: str) -> None:
        view = self._views[room]
        del view.clients[spark]
        if not view.clients:
            del self._views[room]

    def _later(self, name: str, delay: float, fn: Callable[[], object]) -> None:
        """Call a function once, unless that is going to happen already."""
        if self._has_left:
            return
        alarm = self._alarms.get(name)
        if alarm is None:
            alarm = self._alarms[name] = Alarm(self._clock, fn)
        if not alarm.is_set():
            alarm.set(delay)
