"""`Subscriber`: takes what comes, and reads from the streams what it has missed."""

from __future__ import annotations

import asyncio
from functools import partial

from nats.aio.msg import Msg

from primus_backplane.bus import Listener
from primus_backplane.errors import InvalidEnvelope
from primus_backplane.nats.broker import SEQUENCE, Broker
from primus_backplane.nats.entries import Stored, envelopes
from primus_backplane.nats.link import Link
from primus_backplane.nats.names import INBOX

__all__ = ["Subscriber"]

STREAM = "Nats-Stream"
FORMER = "Nats-Last-Sequence"


class Subscriber:
    """Gives a listener every message of each shard and of the inbox, in the order of the streams.

    Args:
        link: the connection.
        listener: what is told.
    """

    def __init__(self, link: Link, listener: Listener) -> None:
        self._link = link
        self._listener = listener
        self._limits = link.settings.limits
        self._is_new = True
        """Whether nothing has been read yet: then only what comes from now on counts."""
        self._taken = 0
        """How many messages were handled in this turn of the loop."""
        self._late: dict[int, int] = {}
        """What was taken of the lanes that had newer messages when the lease was last renewed."""

    async def begin(self, broker: Broker) -> None:
        """Subscribe on a new connection, and read what came while nothing was heard."""
        link, is_ready = self._link, asyncio.Event()
        for shard in link.places:
            arrived = partial(self._arrived, broker, is_ready, shard)
            await broker.client.subscribe(link.names.live(shard), cb=arrived)
        await broker.client.subscribe(link.names.wake, cb=self._woken)
        async with asyncio.timeout(self._limits.answer_timeout):
            await broker.client.flush()
        for shard in link.places:
            await self._catch_up(broker, shard)
        self._is_new, self._late = False, {}
        is_ready.set()

    def compare(self, newest: dict[int, int]) -> None:
        """Compare what was taken with the newest sequences there were before.

        What is newer, at two leases in a row, has not come by itself: the connection is made again.
        """
        places = self._link.places
        late = {shard: places[shard] for shard, last in newest.items() if last > places[shard]}
        if any(self._late.get(shard) == place for shard, place in late.items()):
            late = {}
            self._link.lose(TimeoutError("messages are on the bus that do not come"))
        self._late = late

    async def _woken(self, message: Msg) -> None:
        self._link.wants_lease.set()

    async def _catch_up(self, broker: Broker, shard: int) -> None:
        link = self._link
        extent = await broker.extent(shard)
        link.learn(shard, extent, link.places[shard])
        if self._is_new:
            link.places[shard] = extent.last
        elif extent.last > link.places[shard]:
            await self._fill(broker, shard, None)
            if extent.last > link.places[shard] and shard != INBOX:
                self._listener.gap(shard)
                link.places[shard] = extent.last

    async def _arrived(
        self, broker: Broker, is_ready: asyncio.Event, shard: int, message: Msg
    ) -> None:
        await is_ready.wait()
        try:
            await self._take(broker, shard, message)
        except Exception as error:
            self._link.lose(error)
            is_ready.clear()  # the rest is read from the stream
            return
        self._taken += 1
        if self._taken >= self._limits.turn_entries:
            self._taken = 0
            await asyncio.sleep(0)

    async def _take(self, broker: Broker, shard: int, message: Msg) -> None:
        headers = message.headers or {}
        sequence, former = headers.get(SEQUENCE, ""), headers.get(FORMER, "")
        is_ours = headers.get(STREAM) == self._link.names.stream(shard)
        if not (is_ours and sequence.isdigit() and former.isdigit()):
            self._unusable(shard, message.data)
            return
        stored, place = Stored(int(sequence), message.data), self._link.places[shard]
        before = int(former) if shard == INBOX else stored.sequence - 1
        if before > place:
            await self._fill(broker, shard, stored.sequence)
        self._deliver(shard, stored)

    async def _fill(self, broker: Broker, shard: int, before: int | None) -> None:
        """Read from the stream what is behind the newest that was taken.

        Args:
            broker: the broker.
            shard: the shard.
            before: the message that came behind it; `None` to read all.
        """
        link, page = self._link, self._limits.page
        link.learn(shard, await broker.extent(shard), link.places[shard])
        start = link.places[shard] + 1
        while before is None or start < before:
            items = await broker.read(shard, start, page)
            for item in items:
                if before is None or item.sequence < before:
                    self._deliver(shard, item)
            if len(items) < page:
                return
            start = items[-1].sequence + 1

    def _deliver(self, shard: int, stored: Stored) -> None:
        link, sequence = self._link, stored.sequence
        place = link.places[shard]
        if sequence <= place:
            return  # it was read from the stream
        if shard != INBOX and sequence > place + 1:
            self._listener.gap(shard)
        link.places[shard] = sequence
        try:
            found = envelopes(stored, self._limits.batch_envelopes)
        except InvalidEnvelope:
            self._unusable(shard, stored.data)
            return
        for position, envelope in found:
            if shard == INBOX:
                self._listener.told(envelope)
            else:
                self._listener.take(shard, position, envelope)

    def _unusable(self, shard: int, data: bytes) -> None:
        """Give the listener something that is no envelope, for it to say so."""
        if shard == INBOX:
            self._listener.told(data[:100])
        else:
            self._listener.take(shard, 0, data[:100])
