"""`Telling`: keeps what Redis knows of the sparks of this server true, whatever happens to it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, Protocol

from redis.exceptions import ReadOnlyError, ResponseError

from primus.redis_watch import RedisWatch
from primus.tasks import is_cancelled, spawn
from primus_rooms.memory import MemoryAdapter

__all__ = ["Telling"]

log = logging.getLogger("primus.server")

RENEWAL: Final = 10.0
"""Seconds between two looks whether Redis still has its data; it tells of most losses itself."""

LEASE: Final = 60.0
"""Seconds that Redis keeps what is looked for."""

RETRY: Final = 0.1
"""Seconds before Redis is tried again; they double with each failure."""

SLOWEST_RETRY: Final = 1.0
"""Seconds between two attempts at most."""


class Told(Protocol):
    """What `Telling` uses of `RedisAdapter`, where each of these is explained."""

    @property
    def own(self) -> MemoryAdapter: ...
    @property
    def watching(self) -> dict[str, Any]: ...
    async def tell_all(self, joined: Iterable[tuple[str, Iterable[str]]]) -> None: ...
    async def set_right(self, id: str) -> None: ...
    async def knows_this_server(self, lease: float) -> bool: ...
    async def forget_this_server(self) -> None: ...


class Telling:
    """Tells Redis what changes; all of it when Redis was away, or has lost its data.

    While Redis is behind, only the ids of sparks are noted for which something has changed, of
    those that are here or that Redis knows.

    Args:
        adapter: knows the members of this server, and how Redis is told of them.
        renewal: seconds between two looks whether Redis still has its data.
    """

    def __init__(self, adapter: Told, renewal: float | None = None) -> None:
        self._adapter = adapter
        self._renewal = renewal
        self.is_away = False
        """Whether Redis does not answer."""
        self.is_behind = False
        """Whether Redis has not been told everything."""
        self._is_reported = False  # whether the log has told of the outage
        self._known: set[str] = set()  # the sparks that Redis has been told of
        self._changed: set[str] = set()  # since Redis is behind
        self._doubts = 0  # how often another server has changed something for sparks of this one
        self._has_asked = False  # whether Redis has what is looked for, unless it has lost it
        self._has_lost = False  # whether it has to be told everything, not only what has changed
        self._wake = asyncio.Event()
        self._watch: RedisWatch | None = None
        self._is_deaf = False  # whether Redis refuses to tell of changes
        self._has_moved = False  # whether the connections are to a replica, which was the primary
        self._task: asyncio.Task[None] | None = None

    async def tell(self, id: str, how: Callable[[], Awaitable[None]]) -> None:
        """Tell Redis what has changed for a spark; if it is behind, later."""
        self._begin()
        if self.is_behind:
            self._note(id)
            return
        doubts = self._doubts
        try:
            await how()
        except Exception as error:
            self._known.add(id)  # which may have been told in part
            self.failed(error)
            self._note(id)
        else:
            self._remember(id)
            if self._doubts != doubts:  # it may have come behind what another server has changed
                self._see_to([id])

    def failed(self, error: Exception) -> None:
        """Redis has not answered, or has refused; one line in the log tells for many times."""
        self._has_moved |= isinstance(error, ReadOnlyError)
        if self._has_moved or not isinstance(error, ResponseError):
            self.is_away = True
        self.is_behind = True
        if not self._is_reported:
            self._is_reported = True
            reason = str(error) or "no answer in time"
            log.warning(
                "rooms: %r: Redis is away, or refuses: %s: %s; the rooms of this server go on, and "
                "Redis is told once it is back",
                self._adapter,
                type(error).__name__,
                reason,
            )
        self._begin()
        self._wake.set()

    def changed(self, ids: Iterable[str]) -> None:
        """Redis could not be told of a change for these sparks."""
        for id in ids:
            self._note(id)

    def doubt(self, ids: Iterable[str]) -> None:
        """What Redis has of these sparks, which another server has changed, may be wrong."""
        self._doubts += 1
        self._see_to(ids)

    def _see_to(self, ids: Iterable[str]) -> None:
        self._changed.update(ids)
        if self._changed:
            self.is_behind = True  # so that nothing is told beside what sets it right
            self._wake.set()

    def ended(self, id: str) -> None:
        """A spark has ended that was in no room."""
        if not self.is_behind:
            self._known.discard(id)

    async def close(self) -> None:
        """Tell nothing any more."""
        task, self._task = self._task, None
        if task is None or task.done() or task.get_loop() is not asyncio.get_running_loop():
            return
        task.cancel()
        await asyncio.wait([task])
        if self._watch is not None:
            await self._watch.close()
        if not self.is_away:
            try:
                await self._adapter.forget_this_server()
            except Exception as error:
                log.debug("rooms: %r could not be forgotten: %s", self._adapter, error)

    # -- inside

    def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        if self._task is None or self._task.done() or self._task.get_loop() is not loop:
            self._wake = asyncio.Event()
            self._watch = None  # which went with the loop that the adapter was used on before
            self._task = spawn(self._run())

    def _note(self, id: str) -> None:
        if id in self._known or self._adapter.own.has(id):
            self._changed.add(id)
        else:
            self._changed.discard(id)

    def _remember(self, id: str) -> None:
        if self._adapter.own.has(id):
            self._known.add(id)
        else:
            self._known.discard(id)

    def _lost(self) -> None:
        """Redis has forgotten everything, or the connection on which it tells of that has ended."""
        self._has_lost = True
        self.is_behind = True
        self._wake.set()

    async def _run(self) -> None:
        failures = 0
        # A client may answer a cancellation with an error of its own: then it is noticed here.
        while not is_cancelled():
            self._wake.clear()
            try:
                await self._step()
                failures = 0
            except Exception as error:
                if is_cancelled():
                    return
                failures += 1
                self.failed(error)
                self._wake.clear()
            if is_cancelled():
                return
            pause = self._renewal or RENEWAL
            if failures:
                pause = min(SLOWEST_RETRY, RETRY * 2 ** min(failures - 1, 10))
            await self._pause(pause, may_wake=not failures)

    async def _pause(self, seconds: float, *, may_wake: bool) -> None:
        if not may_wake:  # nothing that happens here brings Redis back
            await asyncio.sleep(seconds)
            return
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _step(self) -> None:
        """Listen, look whether Redis has its data, and tell it what it does not know."""
        await self._listen()
        known = await self._adapter.knows_this_server(LEASE)
        if not known and self._has_asked:
            self._lost()
        self._has_asked = True
        was_away = self.is_away
        if was_away or self._has_lost:
            await self._tell_everything()
        while self._changed:
            await self._set_right(tuple(self._changed))
        self.is_behind = self.is_away = False
        if self._is_reported:
            self._is_reported = False
            log.info("rooms: %r: Redis knows all about the rooms of this server", self._adapter)

    async def _listen(self) -> None:
        if self._has_moved and self._watch is not None:
            await self._watch.close()
        self._has_moved = False
        if self._is_deaf or (self._watch is not None and self._watch.is_open):
            return
        self._watch = RedisWatch(lost=self._lost, **self._adapter.watching)
        try:
            await self._watch.open()
        except ResponseError as error:
            self._is_deaf = True
            log.info("rooms: %r: Redis tells of no changes: %s", self._adapter, error)

    async def _tell_everything(self) -> None:
        self.is_behind = True  # what changes meanwhile is set right afterwards
        self._has_lost = False
        own = self._adapter.own
        ids: Sequence[str] = list(own.members(None))
        self._known.update(ids)
        await self._adapter.tell_all([(id, own.rooms(id)) for id in ids])

    async def _set_right(self, ids: Sequence[str]) -> None:
        for id in ids:
            self._changed.discard(id)  # it may change again meanwhile
            try:
                await self._adapter.set_right(id)
            except BaseException:
                self._changed.add(id)
                raise
            self._remember(id)
