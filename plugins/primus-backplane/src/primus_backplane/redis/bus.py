"""`RedisBus`: the bus of Redis and Valkey."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

from primus import OptionError
from primus.tasks import spawn
from primus_backplane.bus import Bus, Entry, Listener, Node, Settings
from primus_backplane.errors import BusError
from primus_backplane.redis.entries import behind, newest
from primus_backplane.redis.ids import Id, id_of, of_position, position, shown
from primus_backplane.redis.leasing import Lease, is_alive, nodes_of
from primus_backplane.redis.link import FAILURES, Link
from primus_backplane.redis.listening import Subscriber
from primus_backplane.redis.posting import RedisPoster

__all__ = ["RedisBus"]

LONGEST: Final = 16 << 20
"""Redis ends the connection of a reader that is behind by 32 MiB of what is published."""
SCHEMES = {"valkey": "redis", "valkeys": "rediss"}


class RedisBus(Bus):
    """Streams that keep messages, and pub/sub that brings them at once.

    Args:
        url: ``redis://``, ``rediss://``, ``unix://``, ``valkey://`` or ``valkeys://``, as redis-py
            takes it.
    """

    longest = LONGEST

    def __init__(self, url: str) -> None:
        scheme, separator, rest = url.partition("://")
        if not separator:
            raise OptionError(f"backplane={url!r}: must be a URL, such as 'redis://localhost'")
        try:
            urlsplit(url).port  # noqa: B018 - it raises
        except ValueError:  # the text may be a part of the password
            raise OptionError(
                "backplane: the port of the URL is none; in a password write %2F for '/', %23 for "
                "'#' and %3F for '?'"
            ) from None
        self._url = f"{SCHEMES.get(scheme, scheme)}://{rest}"
        self._link: Link | None = None
        self._poster: RedisPoster | None = None
        self._lease: Lease | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def __repr__(self) -> str:
        parts = urlsplit(self._url)
        port = f":{parts.port}" if parts.port else ""
        return f"<RedisBus {parts.scheme}://{parts.hostname or parts.path}{port}>"

    @property
    def epoch(self) -> str:
        """Names one life of what the bus keeps; empty until this server listens to it."""
        link = self._link
        return link.epoch if link is not None and link.is_placed else ""

    @property
    def positions(self) -> Sequence[int]:
        """The newest position of each shard that this server has been given."""
        link = self._link
        if link is None:
            return []
        return [position(link.places[shard]) for shard in range(link.settings.shards)]

    async def open(self, node: Node, listener: Listener | None, settings: Settings) -> None:
        """Begin to listen, to post and to renew the lease."""
        link = self._link = Link(self._url, node, listener, settings)
        self._poster = RedisPoster(link)
        self._tasks = [spawn(self._poster.run())]
        if listener is not None:
            subscriber = Subscriber(link, listener)
            self._lease = Lease(link, listener, subscriber.compare)
            self._tasks += [spawn(subscriber.run()), spawn(self._lease.run())]

    def post(self, shard: int, envelope: bytes) -> None:
        """Post an envelope with those of this turn of the loop."""
        if self._poster is not None:
            self._poster.post(shard, envelope)

    async def tell(self, node: str, envelope: bytes) -> bool:
        """Bring an envelope to one server; whether there is one of that name."""
        if self._poster is None:
            return False
        return await self._poster.tell(node, envelope)

    async def nodes(self) -> list[Node]:
        """The servers whose leases have not ended."""
        link = self._opened()

        async def ask() -> list[Node]:
            (now, _), records = await link.asker.time(), await link.asker.hgetall(link.servers)
            alive = [(name, each) for name, each in records.items() if is_alive(each, now * 1000)]
            return nodes_of(alive, link.settings.limits.nodes)

        found: list[Node] = await link.ask(ask())
        return found

    async def since(self, shard: int, position: int, limit: int) -> list[Entry] | None:
        """The envelopes behind a position; `None` when not all are kept any more."""
        link = self._opened()
        start = b"-" if position == 0 else shown(of_position(position))
        epoch, end, items = await self._read(shard, "xrange", start, b"+", limit + 2)
        if epoch != link.epoch:
            return None
        found = behind(position, items, end, link.settings.limits.batch_envelopes)
        return None if found is None or len(found) > limit else found

    async def kept(self, shard: int, limit: int) -> tuple[int, list[Entry]]:
        """The newest envelopes, and the position behind which none of them is missing."""
        link = self._opened()
        epoch, end, items = await self._read(shard, "xrevrange", b"+", b"-", limit)
        if link.epoch and epoch != link.epoch:
            raise BusError("what the bus keeps is of another epoch than is known here yet")
        at, found = newest(items, end, link.settings.limits.batch_envelopes)
        if len(found) > limit:
            at, found = found[-limit - 1].position, found[-limit:]
        return at, found

    async def end_epoch(self) -> None:
        """Give what is kept another epoch."""
        link = self._opened()
        await link.ask(link.end_epoch(link.epoch))

    async def park(self, key: str, value: bytes, seconds: float) -> None:
        """Keep a value for any server to take."""
        link = self._opened()
        await link.ask(link.asker.set(link.parked(key), value, px=max(1, int(seconds * 1000))))

    async def unpark(self, key: str) -> bytes | None:
        """Take what is kept by that key, once."""
        link = self._opened()
        value: bytes | None = await link.ask(link.asker.getdel(link.parked(key)))
        return value

    async def flush(self) -> None:
        """Wait until the broker has all that was posted."""
        if self._poster is not None:
            await self._poster.flush(self._opened().settings.limits.flush_timeout)

    async def close(self) -> None:
        """Post what waits, if the broker answers, and leave."""
        link, poster, lease = self._link, self._poster, self._lease
        if link is None or poster is None or not self._tasks:
            return
        tasks, self._tasks, self._poster = self._tasks, [], None
        timeout = link.settings.limits.answer_timeout
        if not link.is_failing:
            with suppress(BusError):
                await poster.flush(timeout)
        while tasks:  # a client may swallow a cancellation while it connects
            for task in tasks:
                task.cancel()
            tasks = list((await asyncio.wait(tasks, timeout=link.settings.limits.retry))[1])
        poster.outbox.clear()
        if lease is not None and not link.is_failing:
            with suppress(*FAILURES):
                async with asyncio.timeout(timeout):
                    await lease.leave()
        with suppress(*FAILURES):
            await link.close()

    def _opened(self) -> Link:
        if self._link is None or not self._tasks:
            raise BusError(f"{self!r} is not open")
        return self._link

    async def _read(self, shard: int, command: str, *args: Any) -> tuple[str, Id, list[Any]]:
        """The epoch, the newest id of a shard, and entries of its stream, all at one moment.

        Args:
            shard: the shard.
            command: ``xrange`` or ``xrevrange``.
            args: from where, to where, and how many.
        """
        link = self._opened()
        keys = link.keys(shard)
        *between, count = args

        async def ask() -> list[Any]:
            async with link.asker.pipeline(transaction=True) as pipeline:
                pipeline.get(link.epochs)
                pipeline.get(keys.newest)
                getattr(pipeline, command)(keys.stream, *between, count=count)
                answers: list[Any] = await pipeline.execute()
                return answers

        epoch, end, items = await link.ask(ask())
        return (epoch or b"").decode(errors="replace"), id_of(end), items
