"""`Lease`: renews the lease of a server, and knows the others by it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from primus_backplane.bus import Listener, Node
from primus_backplane.nats.broker import Broker
from primus_backplane.nats.link import Link
from primus_backplane.nats.names import INBOX

__all__ = ["Lease", "nodes_of"]


class Lease:
    """Renews the lease, three times as often as it ends.

    Args:
        link: the connection.
        listener: is told of the servers.
        compare: is told of the newest sequences there were when the lease was renewed.
    """

    def __init__(
        self, link: Link, listener: Listener, compare: Callable[[dict[int, int]], object]
    ) -> None:
        self._link = link
        self._listener = listener
        self._compare = compare
        self._takes_name = True
        """Whether this is the first lease, which replaces another server of the name."""

    async def run(self) -> None:
        """Renew the lease, for ever."""
        await self._link.keep_lease(partial(self._link.use, self._renew))

    async def leave(self) -> None:
        """Let the others know at once that this server is no more."""
        await self._link.use(self._leave)

    async def _leave(self, broker: Broker) -> None:
        link = self._link
        record = await broker.last(link.names.node(link.node.name))
        mine = node_of_record(record.data) if record is not None else None
        if record is None or mine is None or mine.incarnation != link.node.incarnation:
            return
        await broker.remove(record.sequence)
        await broker.wake()
        await broker.client.flush()

    async def _renew(self, broker: Broker) -> None:
        link = self._link
        newest: dict[int, int] = {}
        for shard, taken in tuple(link.places.items()):
            extent = await broker.extent(shard)
            link.learn(shard, extent, taken)
            newest[shard] = extent.last
        told = await broker.last(link.names.subject(INBOX))
        newest[INBOX] = 0 if told is None else told.sequence
        if link.changed_in is not None:
            ended = link.changed_in
            await link.end_epoch(broker, ended)
            if link.changed_in == ended:  # else another stream was lost meanwhile
                link.changed_in = None
        is_new = await self._say(broker)
        await link.end_epoch(broker, "")
        if is_new:
            await broker.wake()
        records = await broker.records(link.names.every_node, link.settings.limits.nodes)
        link.know(nodes_of(records))
        self._listener.nodes(link.known)
        self._compare(newest)

    async def _say(self, broker: Broker) -> bool:
        """Say that this server is there, unless another one has its name; whether that is news."""
        link = self._link
        node, subject = link.node, link.names.node(link.node.name)
        record = await broker.last(subject)
        other = node_of_record(record.data) if record is not None else None
        is_mine = other is not None and other.incarnation == node.incarnation
        if other is not None and not is_mine and not self._takes_name:
            self._listener.rival(other)
            return False
        text = json.dumps([node.name, node.incarnation, node.about])
        over = 0 if record is None else record.sequence
        if await broker.keep(subject, text.encode(), over=over, seconds=link.settings.lease):
            self._takes_name = False
            return not is_mine
        link.wants_lease.set()
        return False


def nodes_of(records: Iterable[bytes]) -> list[Node]:
    """The servers in their records, the newest of each; what is none is passed over."""
    found = [node_of_record(record) for record in records]
    return list({node.name: node for node in found if node is not None}.values())


def node_of_record(record: bytes) -> Node | None:
    """The server in a record: its name, its incarnation, and what is known of it."""
    try:
        name, incarnation, about = json.loads(record)
    except (TypeError, ValueError):
        return None
    known: Any = about if isinstance(about, dict) else {}
    return Node(str(name), str(incarnation), known)
