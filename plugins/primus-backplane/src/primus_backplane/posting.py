"""`Poster`: sends what waits in the outbox, until the broker has it, whichever that is."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod

from primus_backplane.errors import BusError
from primus_backplane.links import BrokerLink, Lane
from primus_backplane.outbox import Batch, Outbox

__all__ = ["Poster"]


class Poster(ABC):
    """Posts and tells, in order, each until it is acknowledged.

    What was sent and not acknowledged is sent again, so that it may arrive twice.

    Args:
        link: the connection.
    """

    def __init__(self, link: BrokerLink) -> None:
        self._state = link
        self._limits = link.settings.limits
        self._clock = link.settings.clock
        self._dropped = 0
        """How many were dropped, for `flush`."""
        self.outbox: Outbox[Lane] = Outbox(self._limits, link.settings.queue, self._drop)
        self._wake = asyncio.Event()
        self._is_empty = asyncio.Event()
        self._is_empty.set()

    @abstractmethod
    async def run(self) -> None:
        """Send what there is, for ever."""

    def post(self, shard: int, envelope: bytes) -> None:
        """Let an envelope go with those of this turn of the loop."""
        self.outbox.add(shard, envelope, self._clock.time())
        self._is_empty.clear()
        self._stir()

    async def tell(self, node: str, envelope: bytes) -> bool:
        """Bring an envelope to one server; whether there is one of that name.

        Raises:
            BusError: too much waits, or it was given up.
        """
        if self.outbox.told >= self._limits.told:
            raise BusError("too many messages to single servers wait for the bus")
        told: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def answer(found: bool | None) -> None:
            if told.done():
                return
            if found is None:
                told.set_exception(BusError("the bus was away for too long"))
            else:
                told.set_result(found)

        self.outbox.add(node, envelope, self._clock.time(), answer)
        self._is_empty.clear()
        self._stir()
        return await told

    async def flush(self, timeout: float) -> None:
        """Wait until the broker has everything.

        Raises:
            BusError: it has not within `timeout` seconds, or something was dropped.
        """
        before = self._dropped
        try:
            async with asyncio.timeout(timeout):
                await self._is_empty.wait()
        except TimeoutError:
            raise BusError(
                f"the bus has not taken all within {timeout} s ({self._state.failure})"
            ) from None
        if self._dropped != before:
            raise BusError("the bus was away for too long: messages were dropped")

    def _stir(self) -> None:
        """Something waits in the outbox."""
        self._wake.set()

    def _told(self, lane: Lane, batches: list[Batch], found: bool) -> None:
        """Take note of an answer: the broker has these batches, or knows no such server."""
        now = self._clock.time()
        is_recent = batches[0].at > now - self._state.settings.lease
        if not found and is_recent and any(node.name == lane for node in self._state.known):
            # The broker may have lost its data; servers say soon that they are there.
            self.outbox.failed(lane, until=now + self._limits.retry)
            self._state.wants_lease.set()
        else:
            self.outbox.done(lane, len(batches), found)

    def _drop(self, count: int) -> None:
        self._dropped += count
        self._state.dropped(count)
