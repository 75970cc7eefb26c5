"""`RedisPoster`: sends batches by scripts, on a connection of its own."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Final, NamedTuple

from redis.exceptions import ResponseError

from primus_backplane.links import Lane
from primus_backplane.outbox import Batch
from primus_backplane.posting import Poster
from primus_backplane.redis.link import Link, digest
from primus_backplane.redis.scripts import POST, TELL
from primus_backplane.redis.wire import Wire

__all__ = ["RedisPoster"]

PART: Final = "posting"
SOON: Final = 0.02
"""Seconds within which an answer is waited for, so that more goes together. With a slow broker the
next request goes behind those that are under way: a message waits for one slow answer, not two."""


class _Request(NamedTuple):
    """Batches that the broker has not answered for."""

    lane: Lane
    batches: list[Batch]
    at: float
    """When they were sent, by the clock of the loop."""


class RedisPoster(Poster):
    """Posts and tells, in order, each until Redis has it.

    Args:
        link: the connection.
    """

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._link = link
        self._wire: Wire | None = None
        """Set while requests can be sent."""
        self._loop: asyncio.AbstractEventLoop
        """The running loop; set before `_wire`."""
        self._asked: deque[_Request] = deque()
        """What is under way, in order."""
        self._numbers: dict[int, int] = {}
        """The number of the last request for each shard."""
        self._beginnings: dict[int, tuple[str | int, ...]] = {}
        """What each request for a shard begins with."""
        self._known = int(self._limits.patience * 1000)
        """For how many milliseconds the broker remembers a request."""
        self._broken: dict[Lane, Exception] = {}
        """The lanes of which a request has failed, until all is answered."""
        self._pause = self._limits.retry
        self._failure: asyncio.Future[Exception] | None = None
        """Why nothing more can be sent by the connection."""
        self._turn: asyncio.Handle | None = None
        """Sends what waits: in the next turn of the loop, or when an answer is late."""
        self._deadline: asyncio.Handle | None = None
        """Looks for a request that has waited for too long."""
        self._retry: asyncio.Handle | None = None
        """Sends to servers that were not there."""
        link.lasting.append(self._begin_again)

    async def run(self) -> None:
        """Send what there is, for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            self.outbox.expire(self._clock.time() - self._limits.patience)
            if not self.outbox:
                self._is_empty.set()
                continue
            try:
                await self._send_by_wire()
            except Exception as error:
                failure = await self._unsolved(error) if self.outbox else None
                if failure is not None:
                    self._link.failing(PART, failure)
                    await self._link.again(self._pause)
                    self._pause = min(2 * self._pause, self._limits.retry_most)
            self._wake.set()

    async def _send_by_wire(self) -> None:
        """Send what there is by one connection, until a request fails.

        Raises:
            RedisError, OSError: it has failed, or the connection cannot be made.
        """
        self._loop = asyncio.get_running_loop()
        self._failure = self._loop.create_future()
        wire = await Wire.opened(self._link.wires, self._answered, self._fail)
        try:
            self._wire = wire
            self._send()
            error = await self._failure
            if self._asked or self._broken:
                raise error
            # Nothing was under way: it was closed because it was idle.
        finally:
            self._wire = None
            for handle in (self._turn, self._deadline, self._retry):
                if handle is not None:
                    handle.cancel()
            self._turn = self._deadline = self._retry = None
            for lane in (*self._broken, *(request.lane for request in self._asked)):
                self.outbox.failed(lane)
            self._broken.clear()
            self._asked.clear()
            await wire.close()

    async def _unsolved(self, error: Exception) -> Exception | None:
        """What failed; nothing if the broker only lacked the scripts, and has them now."""
        if not (isinstance(error, ResponseError) and str(error).startswith("NOSCRIPT")):
            return error
        await self._link.again(0)  # other connections may lead to the broker that had them
        try:
            for script in (POST, TELL):
                await self._link.asker.script_load(script)
        except Exception as failure:
            return failure
        return None

    # -- sending

    def _stir(self) -> None:
        """Send what waits with all that is posted in this turn of the loop."""
        if self._wire is None:
            self._wake.set()
        elif self._turn is None:
            self._turn = self._loop.call_soon(self._send)

    def _send(self) -> None:
        """Send what waits, unless an answer is expected soon."""
        self._turn = None
        wire = self._wire
        if wire is None or self._broken:
            return
        loop = self._loop
        now = loop.time()
        if self._asked and (left := self._asked[-1].at + SOON - now) > 0:
            self._turn = loop.call_later(left, self._send)
            return
        work = self.outbox.take(self._clock.time())
        if not work:
            if not self._asked and self._retry is None:
                self._retry = loop.call_later(self._limits.retry, self._send_again)
            return
        commands = []
        for lane, batches in work.items():
            commands.append(self._command(lane, [batch.packed() for batch in batches]))
            self._asked.append(_Request(lane, batches, now))
        wire.send(*commands)
        if self._deadline is None:
            self._deadline = loop.call_later(self._limits.answer_timeout, self._look)

    def _send_again(self) -> None:
        self._retry = None
        self._stir()

    def _command(self, lane: Lane, entries: list[bytes]) -> tuple[Any, ...]:
        link = self._link
        if not isinstance(lane, int):
            window = int(self._limits.inbox_window * 1000)
            return (*_call(TELL), *link.keys(lane).all, link.servers, window, lane, *entries)
        beginning = self._beginnings.get(lane)
        if beginning is None:
            window = int(link.settings.window * 1000)
            beginning = (*_call(POST), *link.keys(lane).all, link.taken(lane), window)
            self._beginnings[lane] = beginning
        number = self._numbers.get(lane, 0)
        self._numbers[lane] = number + 1
        asked = self._asked
        before = number if asked and any(request.lane == lane for request in asked) else b""
        return (*beginning, number + 1, before, self._known, *entries)

    # -- answers

    def _answered(self, reply: Any) -> bool:
        """Take an answer."""
        if self._wire is None or not self._asked:
            return True
        lane, batches, _ = self._asked.popleft()
        if lane not in self._broken:
            if isinstance(reply, ResponseError):
                self._broken[lane] = reply
            elif reply == 0 and isinstance(lane, int):
                self._broken[lane] = ResponseError("a request did not follow the one before it")
            else:
                self._pause = self._limits.retry
                self._told(lane, batches, reply != 0)
        if not self._asked:
            self._all_answered()
        return True

    def _all_answered(self) -> None:
        if self._broken:
            self._fail(next(iter(self._broken.values())))
            return
        self._link.working(PART)
        if self._turn is not None:
            self._turn.cancel()
        if self.outbox:
            self._send()
        else:
            self._turn = None
            self._is_empty.set()

    def _look(self) -> None:
        """Fail when the oldest request has waited for too long."""
        self._deadline = None
        if not self._asked:
            return
        loop = self._loop
        left = self._asked[0].at + self._limits.answer_timeout - loop.time()
        if left <= 0:
            self._fail(TimeoutError("Timeout reading from the broker"))
        else:
            self._deadline = loop.call_later(left, self._look)

    def _begin_again(self) -> None:
        """Send by another connection, also what is not answered for."""
        if self._wire is not None:
            self._fail(ConnectionError("another connection to the broker has failed"))

    def _fail(self, error: Exception) -> None:
        self._wire = None
        if self._failure is not None and not self._failure.done():
            self._failure.set_result(error)


def _call(script: str) -> tuple[str, str, int]:
    return "EVALSHA", digest(script), 4
