"""`Reconciler`: keeps what a registry knows about this server true, whatever happens to either."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from primus.clock import Clock
from primus.tasks import spawn
from primus_metroplex.errors import AddressTaken, MetroplexError
from primus_metroplex.options import Settings
from primus_metroplex.registry import Registry

__all__ = ["Reconciler"]

RENEWAL: Final = 10.0
"""Seconds between two renewals of the lease at most: so long does it take to notice that Redis has
forgotten everything while no spark came or went."""

RETRY: Final = 0.1
"""Seconds before a failed step is tried again; they double with each failure."""

SLOWEST_RETRY: Final = 1.0
"""Seconds between two attempts at most."""

SOON: Final = 0.05
"""Seconds between two sweeps at least."""


class Reconciler:
    """One task that tells the registry what changes here. Nothing waits for it.

    While the registry is away nothing is collected: once it is back, it is told everything.

    Args:
        settings: the options.
        clock: what leases and attempts are timed by.
        owner: the name of the server, which tells it from one that is started after it.
        registry: opens the registry.
        sparks: gives the ids of the sparks that are here now.
        told: called with the address whenever the registry has been told everything.
        failed: called with the error when the registry has gone away, or has another server at
            the address.
        changed: called when other servers have come or gone.
        found: called with the addresses of all servers, some time after they have changed.
        lost: called when the registry may have lost its data.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        owner: str,
        *,
        registry: Callable[[], Awaitable[Registry]],
        sparks: Callable[[], list[str]],
        told: Callable[[str], None],
        failed: Callable[[MetroplexError], None],
        changed: Callable[[], None],
        found: Callable[[list[str]], object],
        lost: Callable[[], None],
    ) -> None:
        self.address = ""
        self.owner = owner
        self.registry: Registry | None = None
        self._settings = settings
        self._clock = clock
        self._open = registry
        self._sparks = sparks
        self._told = told
        self._failed = failed
        self._changed = changed
        self._found = found
        self._lost = lost
        self._changes: dict[str, bool] = {}
        self._look = False  # whether there may be other servers than were found
        self._behind = True  # whether the registry has to be told everything
        self._failures = 0
        self._reported: type[MetroplexError] | None = None  # the failure that was told last
        self._renewal = self._sweep = 0.0
        self._wake = asyncio.Event()
        self._retry = asyncio.Event()
        self._waiting: list[asyncio.Future[str]] = []
        self._task: asyncio.Task[None] | None = None

    # -- what the plugin calls

    def start(self, address: str) -> asyncio.Future[str]:
        """Keep a server registered at `address` from now on.

        Returns:
            The address, once the registry knows it; it need not be awaited.
        """
        self.address = address
        self._behind = True
        told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        told.add_done_callback(lambda future: future.cancelled() or future.exception())
        self._waiting.append(told)
        self._wake.set()
        self._retry.set()
        if self._task is None:
            self._task = spawn(self._run())
        return told

    def changed(self, id: str, *, here: bool) -> None:
        """Note a spark that has come or gone."""
        if self._task is not None:
            if not self._behind:
                self._changes[id] = here
            self._wake.set()

    async def stop(self) -> None:
        """Do nothing any more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        for future in self._waiting:
            future.cancel()
        self._waiting.clear()

    async def opened(self) -> Registry:
        """The registry, which is opened at the first use."""
        if self.registry is None:
            self.registry = await self._open()
        return self.registry

    # -- the task

    async def _run(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        # A client may answer a cancellation with an error of its own: then it is noticed here.
        while not task.cancelling():
            self._wake.clear()
            self._retry.clear()
            try:
                await self._step(await self.opened())
            except Exception as error:
                if not task.cancelling():
                    self._fail(error)
            else:
                self._failures = 0
                self._reported = None
            if not task.cancelling():
                await self._pause()

    def _servers_changed(self) -> None:
        self._changed()
        self._look = True
        self._wake.set()
        self._retry.set()  # the one that had the address of this one may have gone

    def _data_lost(self) -> None:
        """See at once whether the registry still knows this server."""
        self._lost()
        self._renewal = 0.0
        self._wake.set()
        self._retry.set()

    async def _step(self, registry: Registry) -> None:
        """Do whatever is due."""
        await registry.watch(self.owner, self._servers_changed, self._data_lost)
        if self._behind:
            await self._tell_everything(registry)
        if self._changes:
            await self._tell_changes(registry)
        if self._clock.time() >= self._renewal:
            await self._renew(registry)
        if self._clock.time() >= self._sweep:
            ends = await registry.sweep(self.address)
            pause = self._period if ends is None else min(self._period, ends + SOON)
            self._sweep = self._clock.time() + max(SOON, pause)
            self._look = True
        if self._look:
            self._look = False
            self._found(await registry.servers())

    async def _tell_everything(self, registry: Registry) -> None:
        self._behind = False
        self._changes.clear()
        address = self.address
        await registry.register(address, self.owner, self._settings.interval, self._sparks())
        self._renewal = self._clock.time() + self._period
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(address)
        self._told(address)

    async def _tell_changes(self, registry: Registry) -> None:
        changes, self._changes = self._changes, {}
        here = [id for id, is_here in changes.items() if is_here]
        gone = [id for id, is_here in changes.items() if not is_here]
        if not await registry.update(self.address, self.owner, here, gone):
            self._behind = True

    async def _renew(self, registry: Registry) -> None:
        count = None if self._changes else len(self._sparks())
        known = await registry.renew(self.address, self.owner, self._settings.interval)
        self._renewal = self._clock.time() + self._period
        # Changes that the registry is told of next make the numbers differ.
        if known is None or (count is not None and known != count):
            self._behind = True

    def _fail(self, error: Exception) -> None:
        """What was under way may have been done in part: tell everything when it is back."""
        self._behind = True
        self._failures += 1
        failure: MetroplexError
        if isinstance(error, AddressTaken):
            failure = error
        else:
            failure = MetroplexError(f"the registry is away: {type(error).__name__}: {error}")
            failure.__cause__ = error
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_exception(failure)
        if type(failure) is not self._reported:
            self._reported = type(failure)
            self._failed(failure)

    async def _pause(self) -> None:
        """Wait until something is due; after a failure, for as long as that takes."""
        awaited = self._wake
        if self._failures:
            awaited = self._retry  # no spark that comes or goes brings the registry back
            pause = min(SLOWEST_RETRY, RETRY * 2 ** min(self._failures - 1, 10))
        else:
            pause = min(self._renewal, self._sweep) - self._clock.time()
            if self._behind or self._changes or self._look or pause <= 0:
                return
        timer = self._clock.call_later(pause, awaited.set)
        try:
            await awaited.wait()
        finally:
            timer.cancel()

    @property
    def _period(self) -> float:
        return min(self._settings.interval - self._settings.latency, RENEWAL)
