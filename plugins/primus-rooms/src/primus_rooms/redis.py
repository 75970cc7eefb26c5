"""`RedisAdapter`: the members of rooms, in a Redis or Valkey that many servers share.

It needs the extra ``redis``: ``pip install primus-rooms[redis]``. The keys are those of
primus-rooms-redis-adapter for Node.js, so that servers of both kinds can share them: for the
namespace ``bumblebee``, the set ``bumblebee:sparks:<id>`` has the rooms of a spark, and the set
``bumblebee:rooms:<room>`` the ids of those in a room. Of our own is ``bumblebee:servers:<server>``,
which is missing when Redis has lost its data, and the channel ``bumblebee:changes``.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Collection, Iterable, Mapping, Sequence
from itertools import islice
from secrets import token_hex
from types import MappingProxyType
from typing import Any, Final, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ReadOnlyError, ResponseError

from primus.clock import Within
from primus.redis_watch import close_idle
from primus_rooms.adapter import Adapter
from primus_rooms.errors import AdapterAway
from primus_rooms.memory import MemoryAdapter
from primus_rooms.telling import Telling

__all__ = ["RedisAdapter"]

log = logging.getLogger("primus.server")

Result = TypeVar("Result")

CHUNK: Final = 1000
"""How many keys or members one command has at most."""

NEVER_AGAIN: Final[Mapping[str, Any]] = MappingProxyType({"retry": Retry(NoBackoff(), 0)})
"""For clients of our own: what cannot be done is told soon, rather than tried again for long."""

EMPTY: Final = """
for _, spark in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  redis.call('SREM', ARGV[1] .. spark, ARGV[2])
end
redis.call('DEL', KEYS[1])
"""
"""Empties a room at once, so that no spark joins in between."""


class RedisAdapter(Adapter):
    """Rooms in Redis; every answer is an awaitable. It knows no wildcards.

    The members of this server are in memory as well: writing to them does not wait for Redis. While
    Redis is away they join and leave there only, and Redis is told once it is back, or when it has
    lost its data.

    By itself it writes to the sparks of this server, as every server does to its own. With
    `forward`, members on other servers are reached through the plugins omega-supreme and metroplex.

    Args:
        redis: a client of ``redis.asyncio``, which stays yours to close, or a URL.
        namespace: what the keys begin with.
        forward: whether messages reach the members on other servers; `None` is no, and a line in
            the log says so.
        latency: seconds that a command may take.
    """

    def __init__(
        self,
        redis: Redis | str,
        *,
        namespace: str = "bumblebee",
        forward: bool | None = None,
        latency: float = 2.0,
    ) -> None:
        self._owned = isinstance(redis, str)
        self._redis: Any = Redis.from_url(redis, **NEVER_AGAIN) if isinstance(redis, str) else redis
        self._namespace = namespace
        self._latency = latency
        self._sparks = f"{namespace}:sparks:"
        self._rooms = f"{namespace}:rooms:"
        self._channel = f"{namespace}:changes"
        self._name = token_hex(8)
        self._is_odd = False  # whether something odd has been reported
        self._stays_here = forward is None  # whether that it does has to be told yet
        self.forwards = bool(forward)
        self._own = MemoryAdapter()
        self._left: dict[str, set[str]] = {}  # rooms that others have taken sparks out of
        self._telling = Telling(self)

    def __repr__(self) -> str:
        return f"<RedisAdapter {self._namespace}>"

    @property
    def own(self) -> MemoryAdapter:
        """The members of this server."""
        return self._own

    @property
    def is_behind(self) -> bool:
        """Whether Redis has not been told everything, since it is or was away."""
        return self._telling.is_behind

    # -- what changes

    def add(self, id: str, room: str, *, wildcard: bool = False) -> Awaitable[None]:
        """Add a spark to a room."""
        return self.join(id, [room])

    def remove(self, id: str, room: str, *, wildcard: bool = False) -> Awaitable[None]:
        """Take a spark out of a room."""
        return self.leave(id, [room])

    def join(self, id: str, rooms: Sequence[str], *, wildcard: bool = False) -> Awaitable[None]:
        """Add a spark to rooms."""
        for room in rooms:
            self.own.add(id, room)
        return self._telling.tell(id, lambda: self.tell_joined(id, rooms))

    def leave(self, id: str, rooms: Sequence[str], *, wildcard: bool = False) -> Awaitable[None]:
        """Take a spark out of rooms."""
        if not self.own.has(id):
            return self._leave_elsewhere(id, rooms)
        for room in rooms:
            self.own.remove(id, room)
        return self._telling.tell(id, lambda: self.tell_left(id, rooms))

    def remove_all(self, id: str) -> Awaitable[list[str]]:
        """Take a spark out of all its rooms, and tell which those were."""
        rooms = self.own.remove_all(id)
        return self._removed_all(id, rooms)

    async def _removed_all(self, id: str, rooms: list[str]) -> list[str]:
        if rooms:
            await self._telling.tell(id, lambda: self.tell_left(id, rooms))
        else:
            self._telling.ended(id)
        return rooms

    async def _leave_elsewhere(self, id: str, rooms: Sequence[str]) -> None:
        """Take a spark of another server out of rooms, and tell that server."""
        await self.asked(self.tell_left(id, rooms))
        await self._publish(leave=[id, list(rooms)])

    def empty(self, rooms: Sequence[str]) -> Awaitable[None]:
        """Empty these rooms, on every server."""
        had = self.own.members(rooms)
        self.own.empty(rooms)
        return self._empty(rooms, had)

    async def _empty(self, rooms: Sequence[str], had: Collection[str]) -> None:
        try:
            for room in rooms:
                emptying = self._redis.eval(EMPTY, 1, self._rooms + room, self._sparks, room)
                await self.asked(emptying)
            await self._publish(empty=list(rooms))
        except AdapterAway:
            self._telling.changed(had)
            raise

    def clear(self) -> Awaitable[None]:
        """Empty every room, on every server."""
        had = self.own.members(None)
        self.own.clear()
        return self._clear(had)

    async def _clear(self, had: Collection[str]) -> None:
        try:
            keys = iter([*await self._keys(self._sparks), *await self._keys(self._rooms)])
            while chunk := list(islice(keys, CHUNK)):
                await self.asked(self._redis.delete(*chunk))
            await self._publish(clear=True)
        except AdapterAway:
            self._telling.changed(had)
            raise

    # -- what is asked

    async def rooms(self, id: str | None = None) -> list[str]:
        """The rooms that a spark is in, or all there are."""
        if id is not None:
            return self.own.rooms(id) or self._texts(await self._members(self._sparks + id))
        found = [key.removeprefix(self._rooms) for key in await self._keys(self._rooms)]
        return self._with_own(found, self.own.rooms())

    async def clients(self, room: str) -> list[str]:
        """The ids of those in the room, on whatever server."""
        found = self._texts(await self._members(self._rooms + room))
        return self._with_own(found, self.own.clients(room))

    async def members(self, rooms: Sequence[str] | None) -> Collection[str]:
        """The ids that a message to these rooms is for, each once; `None` for any room."""
        if rooms is None:
            found = [key.removeprefix(self._sparks) for key in await self._keys(self._sparks)]
            return self._with_own(found, self.own.members(None))
        ids: dict[str, None] = {}
        for room in rooms:
            ids |= dict.fromkeys(await self.clients(room))
        return ids

    async def is_empty(self, room: str) -> bool:
        """Whether the room is empty, on every server."""
        if not self.own.is_empty(room):
            return False
        return not await self.asked(self._redis.scard(self._rooms + room))

    def stays_here(self) -> None:
        """Tell, once, that a message reaches no other server, unless that was asked for."""
        if self._stays_here:
            self._stays_here = False
            log.warning(
                "rooms: %r reaches the members on this server only. RedisAdapter(…, forward=True) "
                "reaches those on other servers, by the plugins omega-supreme and metroplex; "
                "forward=False says that this is meant",
                self,
            )

    async def close(self) -> None:
        """Listen no longer, and close a client that was made from a URL."""
        await self._telling.close()
        if self._owned:
            await self._redis.aclose()

    # -- what `Telling` uses

    @property
    def watching(self) -> dict[str, Any]:
        """What `primus.redis_watch.RedisWatch` is made of."""
        return {
            "redis": self._redis,
            "channels": [self._channel],
            "prefix": self._channel,  # which no key has: only a loss of all of them is of interest
            "limit": self._latency,
            "told": self._changed,
        }

    async def asked(self, command: Awaitable[Result]) -> Result:
        """What Redis answers.

        Raises:
            AdapterAway: it does not, or not in time.
        """
        if self._telling.is_away:
            if hasattr(command, "close"):
                command.close()
            raise AdapterAway("Redis is away")
        try:
            return await self._in_time(command)
        except Exception as error:
            if isinstance(error, ResponseError) and not isinstance(error, ReadOnlyError):
                raise  # it is there
            self._telling.failed(error)
            raise AdapterAway(f"{type(error).__name__}: {error}") from error

    async def tell_joined(self, id: str, rooms: Iterable[str]) -> None:
        """Tell Redis that a spark is in rooms."""
        await self.tell_all([(id, rooms)])

    async def tell_all(self, joined: Iterable[tuple[str, Iterable[str]]]) -> None:
        """Tell Redis which rooms sparks are in."""
        commands = (
            (key, member)
            for id, rooms in joined
            for room in rooms
            for key, member in ((self._sparks + id, room), (self._rooms + room, id))
        )
        while chunk := list(islice(commands, 2 * CHUNK)):
            async with self._redis.pipeline(transaction=True) as pipeline:
                for key, member in chunk:
                    pipeline.sadd(key, member)
                await self._in_time(pipeline.execute())

    async def tell_left(self, id: str, rooms: Sequence[str]) -> None:
        """Tell Redis that a spark is in rooms no longer."""
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.srem(self._sparks + id, *rooms)
            for room in rooms:
                pipeline.srem(self._rooms + room, id)
            await self._in_time(pipeline.execute())

    async def set_right(self, id: str) -> None:
        """Make the rooms of a spark in Redis those that it is in here."""
        left = self._left.pop(id, set())
        try:
            had = self._texts(await self._in_time(self._smembers(self._sparks + id)))
            now = self.own.rooms(id)
            if gone := list({*had, *left}.difference(now)):
                await self.tell_left(id, gone)
            await self.tell_joined(id, now)
        except BaseException:
            self._left.setdefault(id, set()).update(left)
            raise

    async def knows_this_server(self, lease: float) -> bool:
        """Whether Redis has what it was told before; from now on it has, for so long."""
        key = f"{self._namespace}:servers:{self._name}"
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.exists(key)
            pipeline.psetex(key, round(lease * 1000), "1")
            known, _ = await self._in_time(pipeline.execute())
        return bool(known)

    async def forget_this_server(self) -> None:
        """Remove what tells that Redis has its data."""
        await self._in_time(self._redis.delete(f"{self._namespace}:servers:{self._name}"))

    # -- inside

    async def _in_time(self, command: Awaitable[Result]) -> Result:
        try:
            async with Within(self._latency):
                return await command
        except TimeoutError as error:
            raise TimeoutError(str(error) or f"no answer within {self._latency} s") from error
        except ReadOnlyError:  # there is another primary by now, which only new connections reach
            await close_idle(self._redis, self._latency)
            raise

    async def _publish(self, **change: Any) -> None:
        """Tell the other servers of ours what has changed for their sparks."""
        text = json.dumps({"from": self._name, **change})
        await self.asked(self._redis.publish(self._channel, text))

    def _changed(self, channel: str, text: str) -> None:
        """Another server has changed something for sparks of this one."""
        own = self.own
        try:
            match json.loads(text):
                case {"from": self._name}:
                    return
                case {"empty": list(rooms)}:
                    names = _names(rooms)
                    left = dict.fromkeys(own.members(names), names)
                    own.empty(names)
                case {"leave": [str(id), list(rooms)]}:
                    if not own.has(id):
                        return  # it is a spark of some other server
                    left = {id: _names(rooms)}
                    for room in left[id]:
                        own.remove(id, room)
                case {"clear": True}:
                    left = {id: own.rooms(id) for id in own.members(None)}
                    own.clear()
                case _:
                    return
            for id, names in left.items():  # which may have joined since, as Redis has it
                self._left.setdefault(id, set()).update(names)
            self._telling.doubt(left)
        except (ValueError, TypeError, RecursionError):
            log.warning("rooms: %r was told what is no change: %.100r", self, text)

    def _with_own(self, found: list[str], own: Collection[str]) -> list[str]:
        """What Redis knows, and what it has not been told yet."""
        return list(dict.fromkeys((*found, *own))) if self._telling.is_behind else found

    async def _keys(self, prefix: str) -> list[str]:
        pattern = _literal(prefix) + "*"
        found: list[bytes | str] = []
        cursor = 0
        while True:
            cursor, keys = await self.asked(self._redis.scan(cursor, match=pattern, count=CHUNK))
            found += keys
            if not int(cursor):
                return list(dict.fromkeys(self._texts(found)))

    async def _members(self, key: str) -> Collection[bytes | str]:
        return await self.asked(self._smembers(key))

    async def _smembers(self, key: str) -> Collection[bytes | str]:
        """The members of a set, as bytes even from a client that decodes: one may be no text."""
        members: Collection[bytes | str] = await self._redis.execute_command(
            "SMEMBERS", key, NEVER_DECODE=True
        )
        return members

    def _texts(self, values: Iterable[bytes | str]) -> list[str]:
        """Those of `values` that are text; what is none is passed over, and reported once."""
        texts = []
        for value in values:
            try:
                texts.append(value.decode() if isinstance(value, bytes) else value)
            except UnicodeDecodeError:
                if not self._is_odd:
                    self._is_odd = True
                    log.warning("rooms: %r has entries that are no UTF-8: %.100r", self, value)
        return texts


def _literal(text: str) -> str:
    """`text` as a pattern of Redis that fits nothing else."""
    return "".join("\\" + mark if mark in "*?[]\\^" else mark for mark in text)


def _names(rooms: list[Any]) -> list[str]:
    """Those of `rooms` that are names."""
    return [room for room in rooms if isinstance(room, str)]
