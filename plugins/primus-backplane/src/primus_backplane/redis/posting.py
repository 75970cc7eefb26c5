"""`Poster`: sends what waits in the outbox, until the broker has it."""

from __future__ import annotations

import asyncio

from redis.exceptions import NoScriptError

from primus_backplane.errors import BusError
from primus_backplane.outbox import Batch, Outbox
from primus_backplane.redis.link import Lane, Link
from primus_backplane.redis.scripts import POST, TELL

__all__ = ["Poster"]

PART = "posting"


class Poster:
    """Posts and tells, in order, each until it is acknowledged.

    What was sent and not acknowledged is sent again, so that it may arrive twice.

    Args:
        link: the connection.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._limits = link.settings.limits
        self._clock = link.settings.clock
        self._dropped = 0
        """How many were dropped, for `flush`."""
        self.outbox: Outbox[Lane] = Outbox(self._limits, link.settings.queue, self._drop)
        self._wake = asyncio.Event()
        self._is_empty = asyncio.Event()
        self._is_empty.set()

    def post(self, shard: int, envelope: bytes) -> None:
        """Let an envelope go with those of this turn of the loop."""
        self.outbox.add(shard, envelope, self._clock.time())
        self._is_empty.clear()
        self._wake.set()

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
        self._wake.set()
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
                f"the bus has not taken all within {timeout} s ({self._link.failure})"
            ) from None
        if self._dropped != before:
            raise BusError("the bus was away for too long: messages were dropped")

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
        link = self._link
        try:
            async with link.poster.pipeline(transaction=False) as pipeline:
                for lane, batches in work.items():
                    self._add(pipeline, lane, batches)
                results = await pipeline.execute(raise_on_error=False)
        except Exception as error:
            for lane in work:
                self.outbox.failed(lane)
            link.failing(PART, error)
            return False
        failures = [
            result
            for (lane, batches), result in zip(work.items(), results, strict=True)
            if not self._settle(lane, batches, result)
        ]
        if not failures:
            link.working(PART)
            return True
        if all(isinstance(each, NoScriptError) for each in failures):
            return await self._load()
        link.failing(PART, failures[0])
        return False

    def _add(self, pipeline: object, lane: Lane, batches: list[Batch]) -> None:
        link, entries = self._link, [batch.packed() for batch in batches]
        keys = link.keys(lane).all
        if isinstance(lane, int):
            window = int(link.settings.window * 1000)
            link.add(pipeline, POST, keys, window, *entries)
        else:
            window = int(self._limits.inbox_window * 1000)
            link.add(pipeline, TELL, (*keys, link.servers), window, lane, *entries)

    def _settle(self, lane: Lane, batches: list[Batch], result: object) -> bool:
        """Take note of an answer; whether it is none of a broker that fails."""
        if isinstance(result, Exception):
            self.outbox.failed(lane)
            return False
        found = result != 0
        now = self._clock.time()
        is_recent = batches[0].at > now - self._link.settings.lease
        if not found and is_recent and any(node.name == lane for node in self._link.known):
            # The broker may have lost its data; servers say soon that they are there.
            self.outbox.failed(lane, until=now + self._limits.retry)
            self._link.wants_lease.set()
            return True
        self.outbox.done(lane, len(batches), found)
        return True

    async def _wait(self, seconds: float) -> None:
        """Wait until something else is posted, or for so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _load(self) -> bool:
        """Let the broker have the scripts."""
        try:
            for script in (POST, TELL):
                await self._link.poster.script_load(script)
        except Exception as error:
            self._link.failing(PART, error)
            return False
        self._wake.set()
        return True

    def _drop(self, count: int) -> None:
        self._dropped += count
        self._link.dropped(count)
