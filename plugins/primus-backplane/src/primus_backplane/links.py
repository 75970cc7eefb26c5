"""`BrokerLink`: what a server knows of its broker, whichever that is."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import ClassVar, Final

from primus_backplane.bus import RENEWALS, Listener, Node, Settings

__all__ = ["PARTS", "BrokerLink", "Lane"]

log = logging.getLogger("primus.server")

Lane = int | str
"""A shard, or the name of a server that is told something."""
LEASE: Final = "lease"
PARTS: Final = (LEASE, "listening")
"""What has to work before the broker counts as there."""


class BrokerLink(ABC):
    """The epoch, the servers, and whether the broker answers.

    Args:
        node: the server.
        listener: what is told; `None` for a publisher.
        settings: the namespace, and so on.
    """

    failures: ClassVar[tuple[type[BaseException], ...]]
    """What a client raises when the broker does not answer as it should."""

    def __init__(self, node: Node, listener: Listener | None, settings: Settings) -> None:
        self.node = node
        self.listener = listener
        self.settings = settings
        self.epoch = ""
        self.known: list[Node] = []
        """The servers there are, as of the last lease."""
        self._former: dict[str, tuple[Node, float]] = {}
        """Those of before the broker lost data, by name, and until when they count."""
        self.wants_lease = asyncio.Event()
        """Set when the lease is to be renewed at once."""
        self.failure = "it does not answer"
        """Why a part got no answer, as of the last time."""
        self._failing = set() if listener is None else set(PARTS)

    @abstractmethod
    async def again(self, pause: float) -> None:
        """Wait for so many seconds before the next attempt."""

    async def keep_lease(self, renew: Callable[[], Awaitable[object]]) -> None:
        """Renew the lease of the server, for ever: three times as often as it ends."""
        limits = self.settings.limits
        pause = limits.retry
        while True:
            self.wants_lease.clear()
            try:
                await renew()
            except Exception as error:
                self.failing(LEASE, error)
                await self.again(pause)
                pause = min(2 * pause, limits.retry_most)
                continue
            self.working(LEASE)
            pause = limits.retry
            try:
                async with asyncio.timeout(self.settings.lease / RENEWALS):
                    await self.wants_lease.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(limits.retry)  # it may be wanted for each of many messages

    def failing(self, part: str, error: BaseException) -> None:
        """A part of the engine got no answer; what a client does not raise is a fault of ours."""
        if not isinstance(error, self.failures) and part not in self._failing:
            log.error("backplane: the engine failed: %r", error, exc_info=error)
        self._failing.add(part)
        self.failure = f"{type(error).__name__}: {error}" if str(error) else repr(error)
        if self.listener is not None:
            self.listener.away(self.failure)

    def working(self, part: str) -> None:
        """A part of the engine got its answer."""
        if part in self._failing:
            self._failing.discard(part)
            if not self._failing and self.listener is not None:
                self.listener.back()

    @property
    def is_failing(self) -> bool:
        """Whether some part gets no answers."""
        return bool(self._failing)

    def dropped(self, count: int) -> None:
        """Envelopes were dropped."""
        if self.listener is not None:
            self.listener.dropped(count)

    def begin_epoch(self, epoch: str) -> None:
        """Know the epoch. With another one the broker may have lost the servers as well: those that
        were known count for a lease, within which they say that they are there.
        """
        if epoch != self.epoch:
            if self.epoch:
                until = self.settings.clock.time() + self.settings.lease
                self._former = {node.name: (node, until) for node in self.known}
            self.epoch = epoch
            self.tell_epoch()

    def tell_epoch(self) -> None:
        """Tell of the epoch."""
        if self.listener is not None:
            self.listener.epoch(self.epoch)

    def know(self, nodes: list[Node]) -> None:
        """Know which servers the broker has."""
        now = self.settings.clock.time()
        for node in nodes:
            self._former.pop(node.name, None)
        former = [node for node, until in self._former.values() if until > now]
        self.known = nodes + former
