"""`Link`: the connection to NATS, which is made anew after each failure."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, ClassVar, Final, TypeVar
from uuid import uuid4

from nats.aio.client import Client
from nats.errors import Error

from primus_backplane.bus import Listener, Node, Settings
from primus_backplane.errors import BusError
from primus_backplane.links import BrokerLink
from primus_backplane.nats.broker import Broker
from primus_backplane.nats.entries import Extent, position
from primus_backplane.nats.names import INBOX, Names

__all__ = ["FAILURES", "Link"]

T = TypeVar("T")

FAILURES: Final = (Error, OSError, asyncio.TimeoutError)
"""What a client raises when the broker does not answer as it should."""
REFUSALS: Final = ("nats: '", "nats: permissions violation")
"""What begins the text of an error that the broker has sent, for which nats-py has no class."""
PART: Final = "listening"
QUESTIONS: Final = 8
"""How many questions are under way at a time."""


class RefusedError(Error):
    """The broker answers, and refuses a connection, or what is done with it."""


class Link(BrokerLink):
    """One server's connection to the broker, with what is known of it.

    Args:
        url: of one server of NATS, or of several, with commas between.
        node: the server.
        listener: what is told; `None` for a publisher.
        settings: the namespace, and so on.
    """

    failures: ClassVar[tuple[type[BaseException], ...]] = FAILURES

    def __init__(self, url: str, node: Node, listener: Listener | None, settings: Settings) -> None:
        super().__init__(node, listener, settings)
        self._servers = url.split(",")
        self.names = Names(settings.namespace, node.name)
        self.places: dict[int, int] = dict.fromkeys(range(settings.shards), 0)
        """The newest sequence of each shard, and of the inbox, that was given to this server."""
        if listener is not None:
            self.places[INBOX] = 0
        self.bases: dict[int, int] = {}
        """The first sequence of the life of each stream."""
        self.changed_in: str | None = None
        """The epoch that has to end, since a stream of it was lost."""
        self._broker: Broker | None = None
        self._is_there = asyncio.Event()
        """Set while there is a connection."""
        self._is_lost = asyncio.Event()
        """Set when the connection is of no use any more."""
        self._reason: BaseException | None = None
        self._uses: set[asyncio.Future[Any]] = set()
        """What waits for an answer by the connection."""
        self._questions = asyncio.Semaphore(QUESTIONS)

    async def run(self, begin: Callable[[Broker], Coroutine[Any, Any, None]] | None) -> None:
        """Stay connected, for ever.

        Args:
            begin: is called with each connection, before anything is sent.
        """
        limits = self.settings.limits
        pause = limits.retry
        while True:
            client = Client()
            self._is_lost, self._reason = asyncio.Event(), None
            try:
                broker = await self._connected(client)
                if begin is not None:
                    await self._used(begin(broker))
                self._broker, pause = broker, limits.retry
                self._is_there.set()
                self.working(PART)
                await self._is_lost.wait()
                raise ConnectionResetError("the connection was closed")
            except Exception as error:
                self.failing(PART, self._why(error))
            finally:
                self._is_there.clear()
                self._broker = None
                with suppress(Exception):
                    async with asyncio.timeout(limits.answer_timeout):
                        await client.close()
            await asyncio.sleep(pause)
            pause = min(2 * pause, limits.retry_most)

    async def use(self, what: Callable[[Broker], Coroutine[Any, Any, T]]) -> T:
        """What is asked of the broker, once there is a connection.

        Raises:
            TimeoutError: there is none in time.
            Error, OSError: the broker did not answer, or the connection was lost meanwhile.
        """
        if self._broker is None:
            async with asyncio.timeout(self.settings.limits.answer_timeout):
                await self._is_there.wait()
        broker = self._broker
        if broker is None or self._is_lost.is_set():
            raise ConnectionResetError("the connection was lost")
        try:
            return await self._used(what(broker))
        except Exception as error:
            if self._broker is broker:
                self.lose(error)
            raise

    def lose(self, error: BaseException) -> None:
        """Give up the connection: something got no answer by it."""
        self._reason = self._why(error)
        self._is_lost.set()
        for each in self._uses:
            each.cancel()

    async def again(self, pause: float) -> None:
        """Wait for so many seconds before the next attempt."""
        await asyncio.sleep(pause)

    # -- what is known

    def learn(self, shard: int, extent: Extent, taken: int) -> None:
        """Know where the life of a stream begins. Another one shows that the broker lost data.

        A cluster makes the stream of a server that was lost again with its former beginning: then a
        stream that ends before what it has given shows that.

        Args:
            shard: the shard.
            extent: what the stream has held.
            taken: the newest sequence that was given to this server before that was asked.
        """
        before = self.bases.get(shard)
        self.bases[shard] = extent.base
        if before is None or (before == extent.base and extent.last >= taken):
            return
        self.places[shard] = extent.base - 1
        if shard != INBOX:
            self.changed_in = self.epoch
            self.wants_lease.set()

    def position(self, shard: int) -> int:
        """The newest position of a shard that was given to this server."""
        place = self.places[shard]
        return 0 if place < self.bases.get(shard, 1) else position(place)

    # -- asking

    async def ask(self, question: Callable[[Broker], Coroutine[Any, Any, T]]) -> T:
        """What a question to the broker gives.

        Raises:
            BusError: it did not answer in time.
        """
        try:
            async with self._questions:
                return await self.use(question)
        except FAILURES as error:
            raise BusError(f"the bus did not answer: {error!r}") from error

    async def end_epoch(self, broker: Broker, epoch: str) -> None:
        """End an epoch, unless another server has ended it; begin the first."""
        for _ in range(2):
            record = await broker.last(self.names.epoch)
            if record is not None and record.data.decode(errors="replace") != epoch:
                self.begin_epoch(record.data.decode(errors="replace"))
                return
            another, over = uuid4().hex, 0 if record is None else record.sequence
            if await broker.keep(self.names.epoch, another.encode(), over=over):
                self.begin_epoch(another)
                await broker.wake()
                return

    # -- inside

    def _why(self, error: BaseException) -> BaseException:
        """What was the first to fail on this connection."""
        return self._reason or error

    async def _used(self, answer: Coroutine[Any, Any, T]) -> T:
        """An answer, unless the connection is lost before."""
        use = asyncio.ensure_future(answer)
        self._uses.add(use)
        use.add_done_callback(self._over)
        try:
            await asyncio.wait([use])
        finally:
            use.cancel()
        if use.cancelled():
            raise ConnectionResetError("the connection was lost")
        return use.result()

    def _over(self, use: asyncio.Future[Any]) -> None:
        self._uses.discard(use)
        if not use.cancelled():
            use.exception()  # what waits for it may have been cancelled

    async def _connected(self, client: Client) -> Broker:
        limits = self.settings.limits
        errors: list[Exception] = []

        async def failed(error: Exception) -> None:
            errors[:] = [error]
            if str(error).startswith(REFUSALS):
                self._reason = RefusedError(str(error))  # what is not allowed gets no answer

        async def closed() -> None:
            self.lose(errors[-1] if errors else ConnectionResetError("the broker is gone"))

        try:
            async with asyncio.timeout(limits.answer_timeout):
                await client.connect(
                    list(self._servers),
                    name=f"primus {self.node.name}",
                    allow_reconnect=False,
                    max_reconnect_attempts=1,
                    reconnect_time_wait=0,
                    connect_timeout=max(1, int(limits.answer_timeout)),
                    error_cb=failed,
                    closed_cb=closed,
                )
        except Exception as error:
            raise (errors[-1] if errors else error) from None
        broker = Broker(client, self.names, self.settings)
        await self._used(broker.prepare())
        return broker
