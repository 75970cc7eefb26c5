"""`Subscriber`: takes what is published, and reads from the streams what it has missed."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from primus.tasks import is_cancelled
from primus_backplane.batches import single
from primus_backplane.bus import Listener
from primus_backplane.redis.entries import Stored, envelopes, follows, published, stored
from primus_backplane.redis.ids import NOTHING, Id, id_of, position, shown
from primus_backplane.redis.link import INBOX, RENEW, Link
from primus_backplane.redis.wire import Wire

__all__ = ["Subscriber"]

PART = "listening"


class Subscriber:
    """Gives a listener every entry of each shard and of the inbox, in the order of the streams.

    Args:
        link: the connection.
        listener: what is told.
    """

    def __init__(self, link: Link, listener: Listener) -> None:
        self._link = link
        self._listener = listener
        self._limits = link.settings.limits
        self._lanes = {link.keys_of(shard).stream.encode(): shard for shard in link.places}
        self._is_new = True
        """Whether nothing has been read yet: then only what comes from now on counts."""
        self._has_heard = False
        """Whether the connection was made since the last failure."""
        self._taken = 0
        """How many entries were handled since the loop last got its turn."""
        self._page = self._limits.page
        """How many entries are read at a time: fewer when they take the broker too long."""
        self._is_idle = False
        """Whether nothing is done with what came before."""
        self._floors: dict[int, Id] = dict.fromkeys(link.places, NOTHING)
        """Where each lane was when this server began to listen."""
        self._epochs: dict[int, str] = {}
        """The epoch in which each lane was last given an entry."""
        self._late: dict[int, Id] = {}
        """What was taken of the lanes that had newer entries when the lease was last renewed."""
        self._reading: asyncio.Task[None] | None = None
        link.lasting.append(self._begin_again)

    async def run(self) -> None:
        """Listen, for ever."""
        pause = self._limits.retry
        while True:
            self._reading = asyncio.ensure_future(self._listen())
            try:
                await asyncio.shield(self._reading)
            except asyncio.CancelledError:
                if is_cancelled():  # rather than what it awaits
                    await self._end_reading()
                    raise
            except Exception as error:
                self._link.failing(PART, error)
                if self._has_heard:
                    self._has_heard, pause = False, self._limits.retry
                await self._link.again(pause)
                pause = min(2 * pause, self._limits.retry_most)

    async def _end_reading(self) -> None:
        """End what listens, also when it swallows a cancellation, and this is cancelled again."""
        reading = self._reading
        while reading is not None and not reading.done():
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.wait([reading], timeout=self._limits.retry)
        if reading is not None and not reading.cancelled():
            reading.exception()

    def compare(self, taken: dict[int, Id], newest: dict[int, Id]) -> None:
        """Compare what was taken before a lease was renewed with the newest ids there were then.

        What is newer, at two leases in a row, has not come by itself: the connection is made again.
        What is older shows that the broker has lost data.
        """
        if self._is_new or self._reading is None:
            return
        has_regressed = False
        for shard, id in newest.items():
            if id < taken[shard] == self._link.places[shard]:
                self._regressed(shard, id)
                has_regressed = True
        late = {shard: place for shard, place in self._link.places.items() if newest[shard] > place}
        is_deaf = any(self._late.get(shard) == at for shard, at in late.items())
        self._late = late
        if has_regressed or is_deaf:
            self._begin_again()

    def _begin_again(self) -> None:
        """Listen by another connection."""
        self._late = {}
        if self._reading is not None:
            self._reading.cancel()

    async def _listen(self) -> None:
        """Subscribe, read what was missed, and take what comes."""
        wire = await Wire.opened(self._link.wires, self._took)
        try:
            wire.send((b"SUBSCRIBE", *self._lanes))
            async with asyncio.timeout(self._limits.answer_timeout):
                for _ in self._lanes:
                    await wire.reply()
            for shard in self._link.places:
                await self._catch_up(shard)
            if self._is_new:
                self._link.begin_places()
            self._is_new, self._has_heard = False, True
            self._link.working(PART)
            while True:
                self._is_idle = True
                kind, channel, data = await wire.reply()
                self._is_idle = False
                if kind == b"message":
                    await self._arrived(channel, data)
        finally:
            self._is_idle = False
            await wire.close()

    def _took(self, reply: Any) -> bool:
        """Take what was published as it comes, if nothing is missing before it and no other work
        waits.
        """
        if not self._is_idle or self._taken >= self._limits.turn_entries:
            return False
        kind, channel, data = reply
        shard = self._lanes.get(channel)
        if kind != b"message" or shard is None:
            return False
        link = self._link
        found = follows(data, link.places[shard])
        if found is None:
            return False
        self._taken += 1
        id, entry = found
        link.places[shard] = id
        self._epochs[shard] = link.epoch
        self._hand_on(shard, id, entry)
        return True

    async def _catch_up(self, shard: int) -> None:
        """Read what came while nothing was heard; at first, only where the stream ends."""
        link = self._link
        newest = id_of(await link.asker.get(link.keys_of(shard).newest))
        if newest < link.places[shard]:
            self._regressed(shard, newest)
        if self._is_new:
            link.places[shard] = self._floors[shard] = newest
        elif newest > link.places[shard]:
            await self._fill(shard, None)

    async def _arrived(self, channel: bytes, data: bytes) -> None:
        shard = self._lanes.get(channel)
        if shard is None:
            return
        if data == RENEW:
            self._link.wants_lease.set()
            return
        try:
            entry = published(data)
        except ValueError:
            self._take(shard, data)
            return
        place = self._link.places[shard]
        if entry.before < place and (entry.before == NOTHING or entry.id > place):
            self._regressed(shard, entry.before)
            place = self._link.places[shard]
        if entry.id <= place:
            return  # it was read from the stream
        if entry.before != place:
            await self._fill(shard, entry.id)
        self._deliver(shard, entry)
        self._taken += 1
        if self._taken >= self._limits.turn_entries:
            self._taken = 0
            await asyncio.sleep(0)

    def _regressed(self, shard: int, known: Id) -> None:
        """The broker has lost data: it had only got to an id that is behind what it has given.

        What it has now is read again; what was taken before is dropped as repeated.
        """
        link = self._link
        link.places[shard] = min(known, self._floors[shard])
        if shard != INBOX and self._epochs.get(shard) == link.epoch:
            link.regressed_in = link.epoch  # else another one has begun for that
        link.wants_lease.set()

    async def _fill(self, shard: int, before: Id | None) -> None:
        """Read from the stream what is behind the newest that was taken.

        Args:
            shard: the shard.
            before: the entry that was published behind it; `None` to read all.
        """
        link = self._link
        stream = link.keys_of(shard).stream
        end = b"+" if before is None else b"(" + shown(before)
        read = link.places[shard]
        has_regressed = False
        while True:
            start = b"-" if read == NOTHING else b"(" + shown(read)
            page, self._page = self._page, max(1, self._page // 4)
            items = await link.asker.xrange(stream, start, end, count=page)
            self._page = min(4 * page, self._limits.page)
            for entry in map(stored, items):
                if entry.before < link.places[shard] and entry.is_ours and not has_regressed:
                    has_regressed = True
                    self._regressed(shard, entry.before)
                    read = link.places[shard]
                    break
                read = entry.id
                self._deliver(shard, entry)
            else:
                if len(items) < page:
                    return

    def _deliver(self, shard: int, entry: Stored) -> None:
        if entry.is_ours:
            if entry.before > self._link.places[shard] and shard != INBOX:
                self._listener.gap(shard)
            self._link.places[shard] = entry.id
            self._epochs[shard] = self._link.epoch
        self._hand_on(shard, entry.id, entry.envelopes)

    def _hand_on(self, shard: int, id: Id, entry: bytes) -> None:
        """Give the listener the envelopes of an entry."""
        envelope = single(entry)
        if envelope is not None and shard != INBOX:
            self._listener.take(shard, position(id), envelope)
            return
        try:
            for place, envelope in envelopes(id, entry, self._limits.batch_envelopes):
                if shard == INBOX:
                    self._listener.told(envelope)
                else:
                    self._listener.take(shard, place, envelope)
        except ValueError:
            self._take(shard, entry)

    def _take(self, shard: int, data: bytes) -> None:
        """Give the listener something that is no envelope, for it to say so."""
        if shard == INBOX:
            self._listener.told(data[:100])
        else:
            self._listener.take(shard, 0, data[:100])
