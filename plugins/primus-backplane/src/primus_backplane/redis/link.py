"""`Link`: the keys, the clients and the state that the parts of the engine share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from hashlib import sha1
from typing import Any, ClassVar, Final, NamedTuple
from uuid import uuid4

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from primus_backplane.bus import Listener, Node, Settings
from primus_backplane.errors import BusError
from primus_backplane.links import PARTS, BrokerLink, Lane
from primus_backplane.redis.ids import NOTHING, Id
from primus_backplane.redis.scripts import EPOCH

__all__ = ["FAILURES", "INBOX", "RENEW", "Keys", "Link", "digest"]

FAILURES: Final = (RedisError, OSError, asyncio.TimeoutError)
"""What a client raises when the broker does not answer as it should."""

INBOX: Final = -1
"""The shard that stands for what is told to this server."""
RENEW: Final = b"lease"
"""What is published when servers come or go, or an epoch ends: all renew their leases, and see."""
QUERIES: Final = 8
"""How many questions are under way at a time."""


class Keys(NamedTuple):
    """The keys of one lane; the channel has the name of the stream."""

    stream: str
    newest: str

    @property
    def all(self) -> tuple[str, str, str]:
        """As scripts want them."""
        return self.stream, self.newest, self.stream


class Link(BrokerLink):
    """One server's connection to the broker, with what is known of it.

    Args:
        url: of Redis or Valkey.
        node: the server.
        listener: what is told; `None` for a publisher.
        settings: the namespace, and so on.
    """

    failures: ClassVar[tuple[type[BaseException], ...]] = FAILURES

    def __init__(self, url: str, node: Node, listener: Listener | None, settings: Settings) -> None:
        super().__init__(node, listener, settings)
        self.is_placed = False
        """Whether it is known where this server has begun to listen; until then it tells of no
        epoch, as positions mean nothing."""
        self.places: dict[int, Id] = dict.fromkeys(range(settings.shards), NOTHING)
        """The newest id of each shard, and of the inbox, that was given to this server."""
        if listener is not None:
            self.places[INBOX] = NOTHING
        timeout = settings.limits.answer_timeout
        options: dict[str, Any] = {
            "socket_timeout": timeout,
            "socket_connect_timeout": timeout,
            "retry": Retry(NoBackoff(), 0),
            "decode_responses": False,
        }
        self.asker: Any = Redis.from_url(url, **options)
        """For leases and questions."""
        self.wires: Any = Redis.from_url(url, protocol=2, **options)
        """What makes connections for what is posted, told and published."""
        self.regressed_in: str | None = None
        """The epoch that has to end, since the broker has lost data of it."""
        self.lasting: list[Callable[[], object]] = []
        """Each closes a connection that lasts, for another one to be made."""
        self._doubts = False
        """Whether an outage has begun, and the connections are those of before."""
        self._questions = asyncio.Semaphore(QUERIES)
        self._prefix = f"primus:{{{settings.namespace}}}"

    @property
    def servers(self) -> str:
        """The key of the servers."""
        return f"{self._prefix}:nodes"

    @property
    def epochs(self) -> str:
        """The key of the epoch."""
        return f"{self._prefix}:epoch"

    def keys(self, lane: Lane) -> Keys:
        """The keys of a lane."""
        name = f"bus:{lane}" if isinstance(lane, int) else f"to:{lane}"
        return Keys(f"{self._prefix}:{name}", f"{self._prefix}:last:{name}")

    def keys_of(self, shard: int) -> Keys:
        """The keys of a shard, or of what is told to this server."""
        return self.keys(self.node.name if shard == INBOX else shard)

    def taken(self, shard: int) -> str:
        """The key of the newest request of this server for a shard that the broker has taken."""
        return f"{self._prefix}:taken:{self.node.name}.{self.node.incarnation}:{shard}"

    def parked(self, key: str) -> str:
        """The key of a value that any server may take."""
        return f"{self._prefix}:parked:{key}"

    # -- what is told

    def tell_epoch(self) -> None:
        """Tell of the epoch, once it is known where this server has begun to listen."""
        if self.is_placed:
            super().tell_epoch()

    def begin_places(self) -> None:
        """Know where this server has begun to listen, and tell of the epoch if that is known."""
        self.is_placed = True
        if self.epoch:
            self.tell_epoch()

    # -- asking

    async def run(self, client: Any, script: str, keys: Sequence[str], *args: Any) -> Any:
        """Run a script, which is sent once only."""
        try:
            return await client.evalsha(digest(script), len(keys), *keys, *args)
        except NoScriptError:
            return await client.eval(script, len(keys), *keys, *args)

    async def ask(self, question: Any) -> Any:
        """What a coroutine of a client gives.

        Raises:
            BusError: the broker did not answer in time.
        """
        try:
            async with self._questions:
                return await question
        except FAILURES as error:
            raise BusError(f"the bus did not answer: {error!r}") from error

    async def end_epoch(self, epoch: str) -> None:
        """End an epoch, unless another server has ended it.

        Raises:
            RedisError, OSError, TimeoutError: the broker did not answer.
        """
        keys = [self.epochs, self.keys(0).stream]
        now = await self.run(self.asker, EPOCH, keys, epoch, uuid4().hex, RENEW)
        if now is not None:
            self.begin_epoch(now.decode(errors="replace"))

    def failing(self, part: str, error: BaseException) -> None:
        """A part got no answer. What has cut its connection may have cut all without a word, so
        that the broker is back once each has worked on another one.
        """
        begins = not self._failing
        super().failing(part, error)
        if begins and self.listener is not None:
            self._doubts = True
            self._failing.update(PARTS)

    async def again(self, pause: float) -> None:
        """Wait for so many seconds, and close what nothing uses, and what lasts when an outage has
        begun: each would fail by itself, when the broker is back.
        """
        await asyncio.sleep(pause)
        for client in self._clients:
            with suppress(*FAILURES):
                await client.connection_pool.disconnect(inuse_connections=False)
        if self._doubts:
            self._doubts = False
            self.wants_lease.set()
            for close in self.lasting:
                close()

    async def close(self) -> None:
        """Close the clients."""
        for client in self._clients:
            await client.aclose()

    @property
    def _clients(self) -> tuple[Any, ...]:
        return self.asker, self.wires


@lru_cache
def digest(script: str) -> str:
    """What names a script that the broker has."""
    return sha1(script.encode(), usedforsecurity=False).hexdigest()
