"""`Lease`: renews the lease of a server, and knows the others by it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any
from uuid import uuid4

from primus_backplane.bus import Listener, Node
from primus_backplane.redis.ids import Id, id_of
from primus_backplane.redis.link import RENEW, Link
from primus_backplane.redis.scripts import LEASE, LEAVE

__all__ = ["Lease", "is_alive", "nodes_of"]


class Lease:
    """Renews the lease, three times as often as it ends.

    Args:
        link: the connection.
        listener: is told of the servers.
        compare: is told of what was taken of each shard and of the inbox before the lease was
            renewed, and of what was there then.
    """

    def __init__(
        self,
        link: Link,
        listener: Listener,
        compare: Callable[[dict[int, Id], dict[int, Id]], object],
    ) -> None:
        self._link = link
        self._listener = listener
        self._compare = compare
        self._takes_name = True
        """Whether this is the first lease, which replaces another server of the name."""

    async def run(self) -> None:
        """Renew the lease, for ever."""
        await self._link.keep_lease(self._renew)

    async def leave(self) -> None:
        """Let the others know at once that this server is no more."""
        link = self._link
        node = link.node
        news = RENEW, link.keys(0).stream
        await link.run(link.asker, LEAVE, [link.servers], node.name, node.incarnation, *news)

    async def _renew(self) -> None:
        link = self._link
        node = link.node
        shards = list(link.places)
        keys = [link.servers, link.epochs, *(link.keys_of(shard).newest for shard in shards)]
        lease = int(link.settings.lease * 1000)
        if link.regressed_in is not None:
            await link.end_epoch(link.regressed_in)
            link.regressed_in = None
        before = dict(link.places)
        epoch, rival, servers, newest = await link.run(
            link.asker,
            LEASE,
            keys,
            *(node.name, node.incarnation, json.dumps(node.about)),
            *(lease, uuid4().hex, int(self._takes_name), RENEW, link.keys(0).stream),
        )
        self._takes_name = False
        link.begin_epoch(epoch.decode(errors="replace"))
        other = node_of_record(node.name.encode(), rival) if rival else None
        if other is not None:
            self._listener.rival(other)
        records = zip(servers[::2], servers[1::2], strict=True)
        link.know(nodes_of(records, link.settings.limits.nodes))
        self._listener.nodes(link.known)
        ids = {shard: id_of(text) for shard, text in zip(shards, newest, strict=True)}
        self._compare(before, ids)


def nodes_of(records: Iterable[tuple[bytes, bytes]], most: int) -> list[Node]:
    """The servers in their records; what is none is passed over."""
    found = [node_of_record(name, record) for name, record in records]
    return [node for node in found if node is not None][:most]


def is_alive(record: bytes, now: int) -> bool:
    """Whether a record counts at a time, in milliseconds."""
    till = record.partition(b" ")[0]
    return till.isdigit() and int(till) >= now


def node_of_record(name: bytes, record: bytes) -> Node | None:
    """The server in a record: until when it counts, its incarnation, and what is known of it."""
    try:
        _, incarnation, about = record.decode().split(" ", 2)
        known: Any = json.loads(about)
        return Node(name.decode(), incarnation, known if isinstance(known, dict) else {})
    except ValueError:
        return None
