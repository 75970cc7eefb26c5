"""`RedisRegistry`: the servers that share one Redis or Valkey, those on Node.js included.

For the namespace ``metroplex``: the set ``metroplex:servers`` has the addresses of all servers; the
hash ``metroplex:sparks`` has the address for the id of each spark; the set
``metroplex:<address>:sparks`` has the ids of the sparks of a server; and ``metroplex:<address>``,
which expires, has the time in milliseconds when the server last renewed its lease. Of our own is
``metroplex:<address>:owner``, which expires as well: the server that has the address. That server
listens to the channel ``metroplex:owner:<server>``, by which others see whether it lives.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, Final, TypeVar

from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import ReadOnlyError, ResponseError

from primus import OptionError
from primus.clock import Within
from primus.redis_watch import RedisWatch, close_idle
from primus_metroplex.errors import AddressTaken
from primus_metroplex.options import address_of
from primus_metroplex.registry import Registry
from primus_metroplex.scripts import BURY, CLAIM, COME, LEAVE, RENEW

__all__ = ["RedisRegistry"]

log = logging.getLogger("primus.server")

Item = TypeVar("Item")
Result = TypeVar("Result")

CHUNK: Final = 1000
"""How many sparks one command has at most: more would keep Redis, and all its clients, waiting."""


OWNERSHIP: Final = 30.0
"""Seconds that an address stays that of a server which says nothing, at most: a lease may be long,
and a server that has been killed is started again soon."""

LONGEST: Final = 1024
"""Characters of an address at most."""


class RedisRegistry(Registry):
    """A registry in Redis or Valkey.

    Args:
        redis: a client of ``redis.asyncio``, or one that is used alike.
        namespace: what the keys begin with.
        limit: seconds that a command may take.
        owned: whether `close` closes the client.
    """

    def __init__(self, redis: Any, namespace: str, limit: float, *, owned: bool = False) -> None:
        self.redis = redis
        self._owned = owned
        self._limit = limit
        self._prefix = f"{namespace}:"
        self._servers = f"{namespace}:servers"
        self._sparks = f"{namespace}:sparks"
        self._odd: set[str] = set()  # the keys of which something odd has been reported
        self._come = redis.register_script(COME)
        self._leave = redis.register_script(LEAVE)
        self._bury = redis.register_script(BURY)
        self._claim = redis.register_script(CLAIM)
        self._renew = redis.register_script(RENEW)
        self._watch: RedisWatch | None = None
        self._is_deaf = False  # whether Redis refuses to tell of changes

    def __repr__(self) -> str:
        return f"<RedisRegistry {self._prefix[:-1]}>"

    # -- the server itself

    async def register(
        self, address: str, owner: str, lease: float, sparks: Collection[str]
    ) -> None:
        """Set a server with exactly these sparks.

        What stays is never missing meanwhile, so that the sparks of a server that comes back are
        found all the time.
        """
        keys, args = [self._owner(address)], [owner, _ownership(lease), self._channel("")]
        if not await self._done(self._claim(keys=keys, args=args)):
            raise AddressTaken(f"another living server is registered at {address}")
        async with self.redis.pipeline(transaction=True) as commands:
            commands.sadd(self._servers, address)
            commands.psetex(self._alive(address), _milliseconds(lease), _now())
            await self._done(commands.execute())
        had = await self._members(self._own(address))
        stale = {each if (id := _text(each)) is None else id for each in had}.difference(sparks)
        await self._update(address, owner, sparks, stale)

    async def unregister(self, address: str, owner: str | None = None) -> None:
        """Forget a server and its sparks."""
        await self._remove(address, "alive too", owner or "")

    async def renew(self, address: str, owner: str, lease: float) -> int | None:
        """Renew the lease of a server; how many sparks it has here, or `None`."""
        keys = [self._owner(address), self._alive(address), self._servers, self._own(address)]
        args = [owner, _ownership(lease), _milliseconds(lease), _now(), address]
        known, count = await self._done(self._renew(keys=keys, args=args))
        if known < 0:
            raise AddressTaken(f"another server has been registered at {address}")
        return int(count) if known else None

    async def update(
        self,
        address: str,
        owner: str,
        connected: Collection[str],
        disconnected: Collection[str],
    ) -> bool:
        """Note which sparks have come to a server, and which have left it."""
        async with self.redis.pipeline(transaction=False) as commands:
            commands.sismember(self._servers, address)
            commands.get(self._owner(address))
            known, has = await self._done(commands.execute())
        if not known or (has is not None and _text(has) != owner):
            return False
        await self._update(address, owner, connected, disconnected)
        return True

    # -- changes

    @property
    def is_watched(self) -> bool:
        """Whether Redis tells of every change of the servers."""
        return self._watch is not None and self._watch.is_open and self._watch.sees_keys

    async def watch(
        self, owner: str, changed: Callable[[], None], lost: Callable[[], None]
    ) -> None:
        """Tell from now on what changes; without the right to it, what must be asked is asked."""
        if self._watch is not None and (self._watch.is_open or self._is_deaf):
            return
        self._watch = RedisWatch(
            self.redis,
            channels=[self._channel(owner)],
            prefix=self._servers,
            limit=self._limit,
            changed=changed,
            lost=lost,
        )
        try:
            await self._watch.open()
        except ResponseError as error:
            self._is_deaf = True
            log.info("metroplex: Redis tells of no changes, and is asked each second: %s", error)

    async def unwatch(self, owner: str) -> None:
        """Tell a server nothing any more."""
        if self._watch is not None:
            await self._watch.close()

    async def _update(
        self,
        address: str,
        owner: str,
        connected: Collection[str],
        disconnected: Collection[str | bytes],
    ) -> None:
        keys = [self._sparks, self._own(address), self._owner(address)]
        for ids in _chunks(connected):
            await self._done(self._come(keys=keys, args=[address, owner, *ids]))
        for gone in _chunks(disconnected):
            await self._done(self._leave(keys=keys, args=[address, owner, *gone]))

    # -- all servers

    async def servers(self) -> list[str]:
        """The addresses of all servers whose lease has not ended."""
        return await _again(self._find_servers)

    async def _find_servers(self) -> list[str]:
        found = await self._members(self._servers)
        members = sorted(filter(None, [self._address(each, self._servers) for each in found]))
        alive = await self._living(members)
        return [address for address in members if address in alive]

    async def addresses(
        self, sparks: Sequence[str], trusted: Collection[str] = ()
    ) -> list[str | None]:
        """The address of the server of each spark, in their order, if it lives or is `trusted`."""
        return await _again(partial(self._find_addresses, sparks, trusted))

    async def _find_addresses(
        self, sparks: Sequence[str], trusted: Collection[str]
    ) -> list[str | None]:
        found: list[str | None] = []
        for ids in _chunks(sparks):
            values = await self._raw("HMGET", self._sparks, *ids)
            found += [self._address(value, self._sparks) for value in values]
        named = {address for address in found if address is not None}
        alive = await self._living(named.difference(trusted)) | named.intersection(trusted)
        return [address if address in alive else None for address in found]

    async def _living(self, addresses: Collection[str]) -> set[str]:
        if not addresses:
            return set()
        async with self.redis.pipeline(transaction=False) as commands:
            for address in addresses:
                commands.exists(self._alive(address))
            answers = await self._done(commands.execute())
        return {address for address, alive in zip(addresses, answers, strict=True) if alive}

    async def sweep(self, address: str) -> float | None:
        """Forget the other servers whose lease has ended; in how many seconds the next one ends.

        Redis itself ends leases, so the clocks of the servers need not agree.
        """
        members = [_text(each) for each in await self._members(self._servers)]
        others = [each for each in members if each is not None and each != address]
        if not others:
            return None
        async with self.redis.pipeline(transaction=False) as commands:
            for other in others:
                commands.pttl(self._alive(other))
            leases = await self._done(commands.execute())
        for other, lease in zip(others, leases, strict=True):
            if lease == -2:  # there is no such key
                await self._remove(other, "", "")
        return min((lease / 1000 for lease in leases if lease >= 0), default=None)

    async def _remove(self, address: str, which: str, owner: str) -> None:
        keys = [self._sparks, self._own(address), self._alive(address), self._servers]
        keys.append(self._owner(address))
        while await self._done(self._bury(keys=keys, args=[address, CHUNK, which, owner])) > 0:
            pass

    async def close(self) -> None:
        """Close the client, unless it was passed in."""
        if self._owned:
            await self.redis.aclose()

    # -- inside

    async def _members(self, key: str) -> Collection[bytes | str]:
        members: Collection[bytes | str] = await self._raw("SMEMBERS", key)
        return members

    async def _raw(self, *command: str) -> Any:
        """What Redis answers, as bytes even from a client that decodes: an entry may be no text."""
        return await self._done(self.redis.execute_command(*command, NEVER_DECODE=True))

    def _address(self, entry: bytes | str | None, key: str) -> str | None:
        """The address in an entry of `key`, or `None`: what is none is reported once for a key.

        Requests go to these addresses, so nothing else gets through.
        """
        if entry is None:
            return None
        text = _text(entry)
        try:
            if text is not None and len(text) <= LONGEST:
                address_of(text)
                return text
        except OptionError:
            pass
        if key not in self._odd:
            self._odd.add(key)
            log.warning("metroplex: %s has entries that are no addresses: %.100r", key, entry)
        return None

    def _alive(self, address: str) -> str:
        return f"{self._prefix}{address}"

    def _own(self, address: str) -> str:
        return f"{self._prefix}{address}:sparks"

    def _owner(self, address: str) -> str:
        return f"{self._prefix}{address}:owner"

    def _channel(self, owner: str) -> str:
        return f"{self._prefix}owner:{owner}"

    async def _done(self, command: Awaitable[Result]) -> Result:
        try:
            async with Within(self._limit):
                return await command
        except TimeoutError as error:
            raise TimeoutError(str(error) or f"no answer within {self._limit} s") from error
        except ReadOnlyError:  # there is another primary by now, which only new connections reach
            await self.unwatch("")
            await close_idle(self.redis, self._limit)
            raise


async def _again(question: Callable[[], Awaitable[Result]]) -> Result:
    """Ask once more, on another connection, when Redis closes the one that it is asked on."""
    try:
        return await question()
    except Disconnected:
        return await question()


def _chunks(items: Iterable[Item]) -> Iterator[list[Item]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def _ownership(lease: float) -> int:
    return _milliseconds(min(lease, OWNERSHIP))


def _now() -> int:
    return time.time_ns() // 1_000_000


def _text(value: bytes | str) -> str | None:
    """An entry as text; `None` for bytes that are none."""
    try:
        return value.decode() if isinstance(value, bytes) else value
    except UnicodeDecodeError:
        return None
