"""`NatsPoster`: publishes batches, one of each lane at a time."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from primus_backplane.batches import parted
from primus_backplane.links import Lane
from primus_backplane.nats.broker import Broker
from primus_backplane.nats.link import Link
from primus_backplane.outbox import Batch
from primus_backplane.posting import Poster

__all__ = ["NatsPoster"]

log = logging.getLogger("primus.server")

PART: Final = "posting"
MESSAGE_ID: Final = "Nats-Msg-Id"
HEADERS: Final = 1024
"""How many bytes of a message are kept free for its headers."""


class NatsPoster(Poster):
    """Posts and tells, in order, each until a stream has it.

    A batch is sent again under its number, and is dropped by the stream that has it.

    Args:
        link: the connection.
    """

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._link = link
        self._number = 0
        """How many messages were sent; another attempt is none."""
        self._attempts: dict[Lane, tuple[Batch, tuple[int, int], str]] = {}
        """The batch of each lane that may have arrived, how many envelopes it had, how many bytes
        its parts, and its id."""

    async def run(self) -> None:
        """Send what there is, for ever."""
        pause = self._limits.retry
        while True:
            await self._wake.wait()
            self._wake.clear()
            self.outbox.expire(self._clock.time() - self._limits.patience)
            if await self._send():
                pause = self._limits.retry
            else:
                await self._link.again(pause)
                pause = min(2 * pause, self._limits.retry_most)
                self._wake.set()
            if self.outbox:
                self._wake.set()
            else:
                self._is_empty.set()

    async def _send(self) -> bool:
        """Send what can go now; whether all of it was taken."""
        work = self.outbox.take(self._clock.time())
        if not work:
            await self._wait(self._limits.retry)  # lanes wait for servers to come back
            return True
        return await self._send_all(work)

    async def _send_all(self, work: dict[Lane, list[Batch]]) -> bool:
        """Send these batches, and settle each lane in the outbox; whether all of it was taken."""

        async def send(broker: Broker) -> None:
            sending = [self._send_lane(broker, *each) for each in work.items()]
            for failure in await asyncio.gather(*sending):
                if failure is not None:
                    raise failure

        try:
            await self._link.use(send)
        except Exception as error:
            for lane in work:
                self.outbox.failed(lane)
            self._link.failing(PART, error)
            return False
        self._link.working(PART)
        return True

    async def _send_lane(
        self, broker: Broker, lane: Lane, batches: list[Batch]
    ) -> Exception | None:
        """Send batches of a lane until one is not taken; what failed then."""
        try:
            if isinstance(lane, str) and await broker.last(self._link.names.node(lane)) is None:
                self._told(lane, batches, found=False)
                return None
            for batch in batches:
                await self._publish(broker, lane, batch)
        except Exception as error:
            return error
        return None

    async def _publish(self, broker: Broker, lane: Lane, batch: Batch) -> None:
        most = broker.client.max_payload - HEADERS
        shape = len(batch.envelopes), most  # the parts of another one would pass for these
        former, its_shape, id = self._attempts.get(lane, (None, (0, 0), ""))
        if former is not batch or its_shape != shape:
            self._number += 1
            id = f"{self._link.node.name}.{self._link.node.incarnation}-{self._number}"
            self._attempts[lane] = batch, shape, id
        too_long = []
        for number, entry in enumerate(parted(batch.envelopes, most)):
            if len(entry) > most:
                too_long.append(len(entry))
            else:
                headers = {MESSAGE_ID: f"{id}.{number}" if number else id}
                await broker.publish(self._link.names.subject(lane), entry, headers)
        del self._attempts[lane]
        self.outbox.done(lane, 1, None if too_long else True)
        for length in too_long:
            log.error(
                "backplane: a message of %d bytes is dropped: max_payload of NATS is %d; raise it "
                "to max_length and 8 KiB in the configuration of NATS, or send it in parts",
                *(length, broker.client.max_payload),
            )
        if too_long and batch.answer is None:
            self._drop(len(too_long))

    async def _wait(self, seconds: float) -> None:
        """Wait until something else is posted, or for so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass
