"""`RedisAdapter`: the members of rooms, in a Redis or Valkey that many servers share.

It needs the extra ``redis``: ``pip install primus-rooms[redis]``. The keys are those of
primus-rooms-redis-adapter for Node.js, so that servers of both kinds can share them: for the
namespace ``bumblebee``, the set ``bumblebee:sparks:<id>`` has the rooms of a spark, and the set
``bumblebee:rooms:<room>`` the ids of those in a room.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from primus_rooms.adapter import Adapter

__all__ = ["RedisAdapter"]

log = logging.getLogger("primus.server")

CHUNK: Final = 1000
"""How many keys or members one command has at most."""

LIMITS: Final[Mapping[str, Any]] = MappingProxyType(
    {"socket_timeout": 5.0, "socket_connect_timeout": 5.0, "retry": Retry(NoBackoff(), 0)}
)
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

    By itself it writes to the sparks of this server, as every server does to its own. With
    `forward`, members on other servers are reached through the plugins omega-supreme and metroplex.

    Args:
        redis: a client of ``redis.asyncio``, which stays yours to close, or a URL.
        namespace: what the keys begin with.
        forward: whether messages reach the members on other servers.
    """

    def __init__(
        self, redis: Redis | str, *, namespace: str = "bumblebee", forward: bool = False
    ) -> None:
        self._owned = isinstance(redis, str)
        self._redis: Any = Redis.from_url(redis, **LIMITS) if isinstance(redis, str) else redis
        self._namespace = namespace
        self._sparks = f"{namespace}:sparks:"
        self._rooms = f"{namespace}:rooms:"
        self._gone: set[str] = set()  # sparks that ended while Redis was away
        self._is_odd = False  # whether something odd has been reported
        self.forwards = forward

    def __repr__(self) -> str:
        return f"<RedisAdapter {self._namespace}>"

    async def add(self, id: str, room: str, *, wildcard: bool = False) -> None:
        """Add a spark to a room."""
        await self._catch_up()
        async with self._redis.pipeline(transaction=True) as commands:
            commands.sadd(self._sparks + id, room)
            commands.sadd(self._rooms + room, id)
            await commands.execute()

    async def remove(self, id: str, room: str, *, wildcard: bool = False) -> None:
        """Take a spark out of a room."""
        await self._catch_up()
        await self._part(id, [room])

    async def remove_all(self, id: str) -> list[str]:
        """Take a spark out of all its rooms, and tell which those were.

        If Redis is away, the spark leaves them when Redis is back.
        """
        try:
            await self._catch_up()
            return await self._part_from_all(id)
        except BaseException:
            self._gone.add(id)
            raise

    async def rooms(self, id: str | None = None) -> list[str]:
        """The rooms that a spark is in, or all there are."""
        if id is not None:
            return self._texts(await self._members(self._sparks + id))
        return [key.removeprefix(self._rooms) for key in await self._keys(self._rooms)]

    async def clients(self, room: str) -> list[str]:
        """The ids of those in the room, on whatever server."""
        return self._texts(await self._members(self._rooms + room))

    async def members(self, rooms: Sequence[str] | None) -> Collection[str]:
        """The ids that a message to these rooms is for, each once; `None` for any room."""
        if rooms is None:
            return [key.removeprefix(self._sparks) for key in await self._keys(self._sparks)]
        found: dict[str, None] = {}
        for room in rooms:
            found |= dict.fromkeys(await self.clients(room))
        return found

    async def is_empty(self, room: str) -> bool:
        """Whether the room is empty, on every server."""
        return not await self._redis.scard(self._rooms + room)

    async def empty(self, rooms: Sequence[str]) -> None:
        """Empty these rooms, on every server."""
        for room in rooms:
            await self._redis.eval(EMPTY, 1, self._rooms + room, self._sparks, room)

    async def clear(self) -> None:
        """Empty every room, on every server."""
        keys = iter([*await self._keys(self._sparks), *await self._keys(self._rooms)])
        while chunk := list(islice(keys, CHUNK)):
            await self._redis.delete(*chunk)

    async def close(self) -> None:
        """Close a client that was made from a URL."""
        if self._owned:
            await self._redis.aclose()

    async def _catch_up(self) -> None:
        """Take out the sparks that have gone while Redis was away."""
        for id in tuple(self._gone):
            await self._part_from_all(id)
            self._gone.discard(id)

    async def _part_from_all(self, id: str) -> list[str]:
        rooms = await self.rooms(id)
        await self._part(id, rooms)
        return rooms

    async def _part(self, id: str, rooms: Sequence[str]) -> None:
        if not rooms:
            return
        async with self._redis.pipeline(transaction=True) as commands:
            commands.srem(self._sparks + id, *rooms)
            for room in rooms:
                commands.srem(self._rooms + room, id)
            await commands.execute()

    async def _keys(self, prefix: str) -> list[str]:
        pattern = _literal(prefix) + "*"
        found = [key async for key in self._redis.scan_iter(match=pattern, count=CHUNK)]
        return list(dict.fromkeys(self._texts(found)))

    async def _members(self, key: str) -> Collection[bytes | str]:
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
