"""`ClusterAdapter`: the members of rooms, with the keys of primus-cluster.

With the prefix ``primus-cluster:``, the sets ``primus-cluster:socket:<id>:<turn>`` have the rooms
of a spark, and ``primus-cluster:room:<room>:<turn>`` the ids of those in a room. A turn is a tenth
of the time to live, counted since 1970; a key expires that time after the last change, and the
newest ten turns together are what counts.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from itertools import islice
from typing import Any, Final

from primus_rooms.errors import AdapterAway
from primus_rooms.redis import RedisAdapter
from primus_rooms.telling import RENEWAL, Telling

__all__ = ["ClusterAdapter"]

TURNS: Final = 10
REFRESH: Final = 4
"""Turns after which Redis is told again; one more may fail before a membership is forgotten."""
CHUNK: Final = 250
"""How many memberships are told at a time."""
TURN: Final = re.compile(r":\d+\Z")


class ClusterAdapter(RedisAdapter):
    """Rooms in Redis as primus-cluster for Node.js keeps them; see `RedisAdapter`.

    Memberships are told again before they expire, which Node does not do.

    Args:
        url: of Redis.
        prefix: what the keys begin with.
        ttl: how many seconds Redis keeps what it is told.
        now: gives the seconds since 1970.
    """

    def __init__(
        self, url: str, *, prefix: str, ttl: int, now: Callable[[], float] = time.time
    ) -> None:
        super().__init__(url, namespace=prefix.removesuffix(":") or "primus", forward=False)
        self._sparks, self._rooms = f"{prefix}socket:", f"{prefix}room:"
        self._ttl = ttl
        self._turn_length = ttl / TURNS
        self._now = now
        self._told_in = self._turn
        self._telling = Telling(self, renewal=min(RENEWAL, self._turn_length))

    def __repr__(self) -> str:
        return f"<ClusterAdapter {self._rooms}>"

    @property
    def _turn(self) -> int:
        """The turn that it is now."""
        return int(self._now() / self._turn_length)

    def _keys_of(self, stem: str) -> list[str]:
        """The keys of all turns that count."""
        turn = self._turn
        return [f"{stem}:{turn - offset}" for offset in range(TURNS)]

    # -- what is asked

    async def rooms(self, id: str | None = None) -> list[str]:
        """The rooms that a spark is in, or all there are."""
        if id is not None:
            return self.own.rooms(id) or self._texts(await self._members(self._sparks + id))
        return self._with_own(await self._names(self._rooms), self.own.rooms())

    async def members(self, rooms: Sequence[str] | None) -> Collection[str]:
        """The ids that a message to these rooms is for, each once; `None` for any room."""
        if rooms is None:
            return self._with_own(await self._names(self._sparks), self.own.members(None))
        return await super().members(rooms)

    async def is_empty(self, room: str) -> bool:
        """Whether the room is empty, on every server."""
        return self.own.is_empty(room) and not await self._members(self._rooms + room)

    async def _names(self, prefix: str) -> list[str]:
        found = await self._keys(prefix)
        return list(dict.fromkeys(TURN.sub("", key.removeprefix(prefix)) for key in found))

    async def _smembers(self, key: str) -> Collection[bytes | str]:
        members: Collection[bytes | str] = await self._redis.execute_command(
            "SUNION", *self._keys_of(key), NEVER_DECODE=True
        )
        return members

    # -- what is told

    async def tell_all(self, joined: Iterable[tuple[str, Iterable[str]]]) -> None:
        """Tell Redis which rooms sparks are in."""
        pairs = ((id, room) for id, rooms in joined for room in rooms)
        while chunk := list(islice(pairs, CHUNK)):
            turn = self._turn
            async with self._redis.pipeline(transaction=True) as pipeline:
                for id, room in chunk:
                    spark, members = f"{self._sparks}{id}:{turn}", f"{self._rooms}{room}:{turn}"
                    pipeline.sadd(spark, room)
                    pipeline.sadd(members, id)
                    pipeline.expire(spark, self._ttl)
                    pipeline.expire(members, self._ttl)
                await self._in_time(pipeline.execute())

    async def tell_left(self, id: str, rooms: Sequence[str]) -> None:
        """Tell Redis that a spark is in rooms no longer."""
        async with self._redis.pipeline(transaction=True) as pipeline:
            for key in self._keys_of(self._sparks + id):
                pipeline.srem(key, *rooms)
            for room in rooms:
                for key in self._keys_of(self._rooms + room):
                    pipeline.srem(key, id)
            await self._in_time(pipeline.execute())

    async def knows_this_server(self, lease: float) -> bool:
        """Whether Redis has what it was told before, for long enough."""
        known = await super().knows_this_server(lease)
        turn = self._turn
        is_due = not 0 <= turn - self._told_in < REFRESH  # a clock that was set back makes it due
        if is_due:
            self._told_in = turn
        return known and not is_due

    async def _empty(self, rooms: Sequence[str], had: Collection[str]) -> None:
        try:
            for room in rooms:
                ids = self._texts(await self._members(self._rooms + room))
                await self.asked(self._redis.delete(*self._keys_of(self._rooms + room)))
                for id in ids:
                    await self.asked(self._forget(id, room))
            await self._publish(empty=list(rooms))
        except AdapterAway:
            self._telling.changed(had)
            raise

    def _forget(self, id: str, room: str) -> Awaitable[Any]:
        """A command that takes a room from those of a spark."""
        pipeline = self._redis.pipeline(transaction=True)
        for key in self._keys_of(self._sparks + id):
            pipeline.srem(key, room)
        done: Awaitable[Any] = pipeline.execute()
        return done
