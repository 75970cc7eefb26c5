"""`ServerQueue`: the messages for one server, which it gets in their order."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import aiohttp

from primus import ParserError
from primus.clock import Clock, Within
from primus.requesting import told
from primus.tasks import spawn
from primus_omega_supreme.errors import Dropped, ForwardError, Refused
from primus_omega_supreme.message import (
    BATCH_LIMIT,
    PARSER,
    PROBE,
    Sealed,
    batch,
    joined,
    results,
)

__all__ = ["Answer", "ServerQueue"]

log = logging.getLogger("primus.server")

PATIENCE: Final = 2.0
"""Seconds that a server gets for an answer. Then it is passed over until it answers again."""

RETRY: Final = 0.1
"""Seconds until a server that is passed over is asked again; they double with each failure."""

SLOWEST_RETRY: Final = 1.0
"""Seconds between two such attempts at most."""

OVERHEAD: Final = 512
"""What a message that waits counts beside its bytes: what its objects need."""

BATCH_BYTES: Final = 64 * 1024
"""Bytes of a batch at most; one message may be longer."""

FIRST_BATCH: Final = 16
"""How many messages the first batch has at most."""

QUICK: Final = 0.05
"""Seconds. After a request that took less, a batch may be twice as large; after one that took four
times as long it is half as large, so that a busy server still answers in time."""

UNREACHABLE: Final = (aiohttp.ClientError, OSError, ValueError)
"""What a request raises that was not answered; `TimeoutError` is an `OSError`."""


class Answer(NamedTuple):
    """The answer of a server; ``batches`` is whether it says that it takes batches."""

    status: int
    body: bytes
    batches: bool


@dataclass(slots=True, eq=False)
class Entry:
    """A message that waits, until when, and how many sparks it was written to."""

    message: Sealed
    deadline: float
    taken: asyncio.Future[int] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    @property
    def size(self) -> int:
        """What it counts of the room there is."""
        return len(self.message) + OVERHEAD

    def fail(self, error: ForwardError) -> None:
        """Tell that it was not taken."""
        if not self.taken.done():
            self.taken.set_exception(error)

    def take(self, count: int) -> None:
        """Tell how many sparks it was written to."""
        if not self.taken.done():
            self.taken.set_result(count)


class ServerQueue:
    """Brings messages to one server: one request at a time, so that their order stays.

    What waits has a limit in bytes and one in time. A server that does not answer is passed over:
    what waits for it goes on waiting, and a message to no spark finds out when it answers again.
    Each message is sent once: the server may have taken one whose answer was lost.

    Args:
        url: of the endpoint.
        ask: makes a request with a body.
        clock: what tells the time.
        room: bytes that may wait.
        timeout: seconds until a message must have been taken.
        told: called when messages were taken (True), or a request was not answered (False).
    """

    def __init__(
        self,
        url: str,
        ask: Callable[[bytes], Awaitable[Answer]],
        clock: Clock,
        *,
        room: int,
        timeout: float,
        told: Callable[[str, bool], None],
    ) -> None:
        self.url = url
        self.dropped = 0
        """How many messages found no room."""
        self._untold = 0  # of those, since there was some room again
        self._ask = ask
        self._clock = clock
        self._room = room
        self._timeout = timeout
        self._patience = min(PATIENCE, timeout)
        self._told = told
        self._waiting: deque[Entry] = deque()
        self._size = 0
        self._failures = 0  # attempts in a row that were not answered in time
        self._retry_at = 0.0
        self._batches = False  # whether the server takes them
        self._most = FIRST_BATCH
        self._single = 0  # how many of those that wait are sent by themselves
        self._worker: asyncio.Task[None] | None = None

    @property
    def is_idle(self) -> bool:
        """Whether nothing would be forgotten with the queue."""
        return self._worker is None and not self._failures

    def put(self, message: Sealed) -> asyncio.Future[int]:
        """Queue a message.

        Returns:
            How many sparks the server has written it to, or a `ForwardError`.
        """
        entry = Entry(message, self._clock.time() + self._timeout)
        entry.taken.add_done_callback(lambda taken: taken.cancelled() or taken.exception())
        if self._waiting and self._size + entry.size > self._room:
            entry.fail(self._full())
            return entry.taken
        self._waiting.append(entry)
        self._size += entry.size
        if self._worker is None:
            self._worker = spawn(self._work())
        return entry.taken

    async def close(self) -> None:
        """Send what waits, unless the server does not answer, and end."""
        if self._worker is not None and not self._failures:
            await asyncio.wait([self._worker])
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.wait([self._worker])
        self._fail(self._waiting, "this server is ending")
        self._waiting.clear()

    # -- the worker

    async def _work(self) -> None:
        try:
            while self._waiting:
                self._expire()
                if self._failures:
                    await self._wait_for_an_answer()
                elif self._waiting:
                    await self._deliver(self._next())
        finally:
            self._worker = None

    def _expire(self) -> None:
        """Give up what has waited for too long."""
        now = self._clock.time()
        while self._waiting and self._waiting[0].deadline <= now:
            self._fail([self._pop()], f"no answer within {self._timeout} s")

    def _next(self) -> list[Entry]:
        """What goes into the next request: a batch, or equal messages for different sparks."""
        first = self._pop()
        entries, size, ids = [first], first.size, set(first.message.ids or ())
        if self._single:
            self._single -= 1
            return entries
        while self._waiting and len(entries) < self._most:
            entry = self._waiting[0]
            size += entry.size
            if size > BATCH_BYTES:
                break
            if not self._batches:
                more = entry.message.ids
                if first.message.ids is None or more is None or not ids.isdisjoint(more):
                    break
                if entry.message.msg != first.message.msg:
                    break
                ids.update(more)
            entries.append(self._pop())
        return entries

    def _pop(self) -> Entry:
        entry = self._waiting.popleft()
        self._size -= entry.size
        if self._untold and self._size * 2 <= self._room:
            log.warning("omega-supreme: %s: %d messages were dropped", self.url, self._untold)
            self._untold = 0
        return entry

    async def _deliver(self, entries: list[Entry]) -> None:
        messages = [entry.message for entry in entries]
        is_batch = len(entries) > 1 and self._batches
        begun = self._clock.time()
        try:
            async with Within(self._patience, self._clock):
                answer = await self._ask(batch(messages) if is_batch else joined(messages).body)
        except UNREACHABLE as error:
            self._unanswered(entries, error)
            return
        self._batches = answer.batches
        self._pace(self._clock.time() - begun)
        if is_batch:
            self._settle_batch(entries, answer)
        else:
            self._settle(entries, answer)

    def _unanswered(self, entries: Sequence[Entry], error: Exception) -> None:
        is_timeout = isinstance(error, TimeoutError)
        reason = f"no answer within {self._patience} s" if is_timeout else told(error)
        self._told(self.url, False)
        if is_timeout:
            self._passed_over()
        self._fail(entries, f"cannot be reached: {reason}", error)

    def _settle(self, entries: Sequence[Entry], answer: Answer) -> None:
        """Tell how it went; how many each of several was written to, only their sum says."""
        try:
            left = _count(self.url, answer)
        except ForwardError as error:
            for entry in entries:
                entry.fail(error)
            return
        self._told(self.url, True)
        for entry in entries[:-1]:
            assert entry.message.ids is not None
            count = min(left, len(entry.message.ids))
            entry.take(count)
            left -= count
        entries[-1].take(left)

    def _settle_batch(self, entries: Sequence[Entry], answer: Answer) -> None:
        """Tell how it went. A batch that was refused has not been written: each goes by itself."""
        each = results(_decoded(answer.body), len(entries)) if answer.status == 200 else None
        if each is None:
            self._single = len(entries)
            self._waiting.extendleft(reversed(entries))
            self._size += sum(entry.size for entry in entries)
            return
        self._told(self.url, True)
        for entry, result in zip(entries, each, strict=True):
            if isinstance(result, dict):
                reason, status = result.get("reason"), result.get("status")
                entry.fail(_refused(self.url, status if isinstance(status, int) else 500, reason))
            else:
                entry.take(result if isinstance(result, int) else 0)

    def _pace(self, seconds: float) -> None:
        if seconds < QUICK:
            self._most = min(BATCH_LIMIT, self._most * 2)
        elif seconds > 4 * QUICK:
            self._most = max(1, self._most // 2)

    # -- a server that does not answer

    def _passed_over(self) -> None:
        pause = min(SLOWEST_RETRY, RETRY * 2 ** min(self._failures, 10))
        self._failures += 1
        self._retry_at = self._clock.time() + pause

    async def _wait_for_an_answer(self) -> None:
        """Ask the server once whether it is there, at the proper time."""
        if (pause := self._retry_at - self._clock.time()) > 0:
            due = asyncio.Event()
            timer = self._clock.call_later(pause, due.set)
            try:
                await due.wait()
            finally:
                timer.cancel()
        try:
            async with Within(self._patience, self._clock):
                await self._ask(PROBE.body)
        except TimeoutError:
            self._passed_over()
        except UNREACHABLE:
            self._failures = 0  # its requests fail at once: none has to wait for that
        else:
            self._failures = 0

    # -- failures

    def _full(self) -> ForwardError:
        self.dropped += 1
        self._untold += 1
        if self._untold == 1:
            log.warning(
                "omega-supreme: %s: more than %d bytes wait for it; what does not find room is "
                "dropped",
                self.url,
                self._room,
            )
        return Dropped(f"{self.url}: dropped, {self._room} bytes wait already", url=self.url)

    def _fail(
        self, entries: Sequence[Entry] | deque[Entry], reason: str, cause: Exception | None = None
    ) -> None:
        for entry in entries:
            error = ForwardError(f"{self.url} {reason}", url=self.url)
            error.__cause__ = cause
            entry.fail(error)


def _decoded(answer: bytes) -> Any:
    try:
        return PARSER.decode(answer)
    except ParserError:
        return None


def _count(url: str, answer: Answer) -> int:
    """How many sparks a server has written to, by its answer.

    Raises:
        ForwardError: it has not taken the message.
    """
    body = _decoded(answer.body)
    fields: dict[str, Any] = body if isinstance(body, dict) else {}
    if answer.status != 200:
        default = f"Invalid status code ({answer.status}) returned"
        raise _refused(url, answer.status, fields.get("reason"), body, default)
    if fields.get("ok") is not True:
        raise _refused(url, answer.status, fields.get("reason"), body)
    count = fields.get("send")
    return count if isinstance(count, int) else 0


def _refused(
    url: str,
    status: int,
    reason: Any,
    body: Any = None,
    default: str = "Unable to process the request",
) -> Refused:
    why = reason if isinstance(reason, str) and reason else default
    return Refused(f"{url}: {why}", url=url, status=status, body=body)
