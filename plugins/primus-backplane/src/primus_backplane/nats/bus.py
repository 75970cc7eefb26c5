"""`NatsBus`: the bus of NATS."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import urlsplit

from primus import OptionError
from primus.tasks import spawn
from primus_backplane.bus import Bus, Entry, Listener, Node, Settings
from primus_backplane.errors import BusError
from primus_backplane.nats.broker import Broker
from primus_backplane.nats.entries import behind, first_to_read, newest
from primus_backplane.nats.leasing import Lease, nodes_of
from primus_backplane.nats.link import FAILURES, Link
from primus_backplane.nats.listening import Subscriber
from primus_backplane.nats.posting import NatsPoster

__all__ = ["NatsBus"]


class NatsBus(Bus):
    """Streams of JetStream that keep messages in memory, and bring them as they come.

    Args:
        url: ``nats://`` or ``tls://``, as nats-py takes it; several with commas between.
    """

    def __init__(self, url: str) -> None:
        if "://" not in url:
            raise OptionError(f"backplane={url!r}: must be a URL, such as 'nats://localhost'")
        try:
            self._shown = ",".join(_shown(each) for each in url.split(","))
        except ValueError:  # the text may be a part of the password
            raise OptionError(
                "backplane: the port of the URL is none; in a password write %2F for '/', %23 for "
                "'#', %3F for '?' and %2C for ','"
            ) from None
        self._url = url
        self._link: Link | None = None
        self._poster: NatsPoster | None = None
        self._lease: Lease | None = None
        self._tasks: list[asyncio.Task[None]] = []
        """The connection, and what uses it."""

    def __repr__(self) -> str:
        return f"<NatsBus {self._shown}>"

    @property
    def epoch(self) -> str:
        """Names one life of what the bus keeps."""
        return "" if self._link is None else self._link.epoch

    @property
    def positions(self) -> Sequence[int]:
        """The newest position of each shard that this server has been given."""
        link = self._link
        return [] if link is None else [link.position(n) for n in range(link.settings.shards)]

    async def open(self, node: Node, listener: Listener | None, settings: Settings) -> None:
        """Begin to listen, to post and to renew the lease."""
        link = self._link = Link(self._url, node, listener, settings)
        self._poster = NatsPoster(link)
        if listener is None:
            self._tasks = [spawn(link.run(None)), spawn(self._poster.run())]
            return
        subscriber = Subscriber(link, listener)
        self._lease = Lease(link, listener, subscriber.compare)
        self._tasks = [
            spawn(link.run(subscriber.begin)),
            spawn(self._poster.run()),
            spawn(self._lease.run()),
        ]

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
        most = link.settings.limits.nodes
        return nodes_of(await link.ask(lambda broker: broker.records(link.names.every_node, most)))

    async def since(self, shard: int, position: int, limit: int) -> list[Entry] | None:
        """The envelopes behind a position; `None` when not all are kept any more."""
        link = self._opened()

        async def ask(broker: Broker) -> list[Entry] | None:
            extent = await broker.extent(shard)
            start = first_to_read(position, extent)
            if start is None:
                return None
            items = await broker.read(shard, start, limit + 2)
            epoch = await broker.last(link.names.epoch)
            if epoch is None or epoch.data.decode(errors="replace") != link.epoch:
                return None
            most = link.settings.limits.batch_envelopes
            return behind(position, items, start, extent.last, most)

        found = await link.ask(ask)
        return None if found is None or len(found) > limit else found

    async def kept(self, shard: int, limit: int) -> tuple[int, list[Entry]]:
        """The newest envelopes, and the position behind which none of them is missing."""
        link = self._opened()

        async def ask(broker: Broker) -> tuple[int, list[Entry]]:
            extent = await broker.extent(shard)
            start = max(extent.base, extent.last - limit + 1)
            items = await broker.read(shard, start, limit) if extent.last >= start else []
            return newest(items, extent, link.settings.limits.batch_envelopes)

        at, found = await link.ask(ask)
        if len(found) > limit:
            at, found = found[-limit - 1].position, found[-limit:]
        return at, found

    async def end_epoch(self) -> None:
        """Give what is kept another epoch."""
        link = self._opened()
        await link.ask(lambda broker: link.end_epoch(broker, link.epoch))

    async def park(self, key: str, value: bytes, seconds: float) -> None:
        """Keep a value for any server to take."""
        link = self._opened()
        subject = link.names.parked(key)
        await link.ask(lambda broker: broker.keep(subject, value, seconds=seconds))

    async def unpark(self, key: str) -> bytes | None:
        """Take what is kept by that key, once; `None` when there is nothing."""
        link = self._opened()
        subject = link.names.parked(key)

        async def ask(broker: Broker) -> bytes | None:
            record = await broker.last(subject)
            if record is None or not await broker.remove(record.sequence):
                return None
            return record.data

        return await link.ask(ask)

    async def flush(self) -> None:
        """Wait until the broker has all that was posted."""
        if self._poster is not None:
            await self._poster.flush(self._opened().settings.limits.flush_timeout)

    async def close(self) -> None:
        """Post what waits, if the broker answers, and leave."""
        link, poster, lease = self._link, self._poster, self._lease
        if link is None or poster is None or not self._tasks:
            return
        (connection, *users), self._tasks, self._poster = self._tasks, [], None
        limits = link.settings.limits
        if not link.is_failing:
            with suppress(BusError):
                await poster.flush(limits.answer_timeout)
        await _cancelled(users, limits.retry)
        poster.outbox.clear()
        if lease is not None and not link.is_failing:
            with suppress(*FAILURES):
                async with asyncio.timeout(limits.answer_timeout):
                    await lease.leave()
        await _cancelled([connection], limits.retry)

    def _opened(self) -> Link:
        if self._link is None or not self._tasks:
            raise BusError(f"{self!r} is not open")
        return self._link


def _shown(url: str) -> str:
    """A URL without the password.

    Raises:
        ValueError: its port is none.
    """
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}"


async def _cancelled(tasks: Sequence[asyncio.Task[None]], pause: float) -> None:
    """Cancel tasks until they end: a client may swallow a cancellation while it connects."""
    remaining = set(tasks)
    while remaining:
        for task in remaining:
            task.cancel()
        _, remaining = await asyncio.wait(remaining, timeout=pause)
