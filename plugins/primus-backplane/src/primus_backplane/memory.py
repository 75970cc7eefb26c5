"""`MemoryBus`: the bus of the servers of one process."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar
from uuid import uuid4

from primus.clock import Timer
from primus_backplane.bus import INDEX_BITS, RENEWALS, Bus, Entry, Listener, Node, Settings

__all__ = ["MemoryBus"]


class _Shard:
    """What one shard keeps."""

    def __init__(self) -> None:
        self.kept: deque[tuple[float, Entry]] = deque()
        self.bytes = 0
        self.newest = 0
        self.trimmed = 0
        """The position of the newest that is kept no more."""

    def add(self, envelope: bytes, now: float, settings: Settings) -> int:
        self.newest += 1 << INDEX_BITS
        self.kept.append((now, Entry(self.newest, envelope)))
        self.bytes += len(envelope)
        oldest = now - settings.window
        while self.kept and (self.kept[0][0] < oldest or self.bytes > settings.limits.memory_bytes):
            _, entry = self.kept.popleft()
            self.bytes -= len(entry.envelope)
            self.trimmed = entry.position
        return self.newest


class _Hub:
    """The servers of one namespace. It may be used by several threads."""

    all: ClassVar[dict[str, _Hub]] = {}
    lock: ClassVar[threading.RLock] = threading.RLock()

    def __init__(self) -> None:
        self.epoch = uuid4().hex
        self.members: dict[str, MemoryBus] = {}
        self.publishers: set[MemoryBus] = set()
        self.shards: dict[int, _Shard] = {}
        self.parked: dict[str, tuple[float, bytes]] = {}


class MemoryBus(Bus):
    """The bus of the servers of one process that have the same namespace.

    Args:
        url: ``memory:`` with anything behind it; it names nothing.
    """

    def __init__(self, url: str = "memory:") -> None:
        self._url = url
        self._hub: _Hub | None = None
        self._epoch = ""
        self._inbox: deque[Callable[[Listener], object]] = deque()
        self._is_scheduled = False
        """Whether the loop will hand over what is in the inbox."""
        self._positions: list[int] = []
        self._timer: Timer | None = None

    def __repr__(self) -> str:
        return "<MemoryBus>"

    async def open(self, node: Node, listener: Listener | None, settings: Settings) -> None:
        """Join the servers of this process."""
        self._loop = asyncio.get_running_loop()
        self._node, self._listener, self._settings = node, listener, settings
        self._positions = [0] * settings.shards
        with _Hub.lock:
            hub = self._hub = _Hub.all.setdefault(settings.namespace, _Hub())
            for shard in range(settings.shards):
                self._positions[shard] = hub.shards.setdefault(shard, _Shard()).newest
            if listener is None:
                self._epoch = hub.epoch
                hub.publishers.add(self)
                return
            self._begin_epoch(hub.epoch)
            former = hub.members.get(node.name)
            hub.members[node.name] = self
            if former is not None:
                former._arrive(lambda listener: listener.rival(node))
            self._arrive(lambda listener: listener.back())
            self._tell_nodes(hub)
        self._renew()

    @property
    def epoch(self) -> str:
        """Names one life of what is kept."""
        return self._epoch

    @property
    def positions(self) -> Sequence[int]:
        """The newest position of each shard that this server has been given."""
        return self._positions

    def post(self, shard: int, envelope: bytes) -> None:
        """Keep an envelope, and bring it to every server on the next turn of its loop."""
        with _Hub.lock:
            if (hub := self._hub) is None:
                return
            kept = hub.shards.setdefault(shard, _Shard())
            position = kept.add(envelope, self._now(), self._settings)
            for member in hub.members.values():
                if shard < len(member._positions):
                    member._arrive(partial(member._take, shard, position, envelope))

    async def tell(self, node: str, envelope: bytes) -> bool:
        """Bring an envelope to one server; whether there is one of that name."""
        with _Hub.lock:
            member = None if self._hub is None else self._hub.members.get(node)
            if member is None:
                return False
            member._arrive(lambda listener: listener.told(envelope))
            return True

    async def nodes(self) -> list[Node]:
        """The servers there are."""
        with _Hub.lock:
            return [] if self._hub is None else [m._node for m in self._hub.members.values()]

    async def since(self, shard: int, position: int, limit: int) -> list[Entry] | None:
        """The envelopes behind a position; `None` when not all of them are kept."""
        with _Hub.lock:
            kept = None if self._hub is None else self._hub.shards.get(shard)
            if self._hub is None or self._epoch != self._hub.epoch or kept is None:
                return None
            if position < kept.trimmed or position > kept.newest:
                return None
            found = [entry for _, entry in kept.kept if entry.position > position]
            return found if len(found) <= limit else None

    async def kept(self, shard: int, limit: int) -> tuple[int, list[Entry]]:
        """The newest envelopes, and the position behind which none of them is missing."""
        with _Hub.lock:
            kept = None if self._hub is None else self._hub.shards.get(shard)
            if kept is None:
                return 0, []
            entries = [entry for _, entry in kept.kept]
            older = entries[:-limit]
            return (older[-1].position if older else kept.trimmed), entries[-limit:]

    async def end_epoch(self) -> None:
        """Give what is kept another epoch."""
        with _Hub.lock:
            if (hub := self._hub) is not None:
                hub.epoch = uuid4().hex
                for each in (*hub.members.values(), *hub.publishers):
                    each._begin_epoch(hub.epoch)

    async def park(self, key: str, value: bytes, seconds: float) -> None:
        """Keep a value for any server to take."""
        with _Hub.lock:
            if (hub := self._hub) is not None:
                now = self._now()
                for each in [each for each, (until, _) in hub.parked.items() if until <= now]:
                    del hub.parked[each]
                while len(hub.parked) >= self._settings.limits.parked:
                    del hub.parked[next(iter(hub.parked))]
                hub.parked[key] = now + seconds, value

    async def unpark(self, key: str) -> bytes | None:
        """Take what is kept by that key, once."""
        with _Hub.lock:
            until, value = (
                (0.0, b"") if self._hub is None else self._hub.parked.pop(key, (0.0, b""))
            )
            return value if until > self._now() else None

    async def flush(self) -> None:
        """There is nothing to wait for."""

    async def close(self) -> None:
        """Leave."""
        with _Hub.lock:
            hub, self._hub = self._hub, None
            if hub is None:
                return
            hub.publishers.discard(self)
            if hub.members.get(self._node.name) is self:
                del hub.members[self._node.name]
                self._tell_nodes(hub)
            is_empty = not hub.members and not hub.publishers
            if is_empty and _Hub.all.get(self._settings.namespace) is hub:  # and no later one
                del _Hub.all[self._settings.namespace]
        self._inbox.clear()
        if self._timer is not None:
            self._timer.cancel()

    # -- inside

    def _renew(self) -> None:
        """Tell of the servers, as often as a lease is renewed elsewhere."""
        with _Hub.lock:
            if (hub := self._hub) is not None:
                nodes = [member._node for member in hub.members.values()]
                self._arrive(lambda listener: listener.nodes(nodes))
                delay = self._settings.lease / RENEWALS
                self._timer = self._settings.clock.call_later(delay, self._renew)

    def _begin_epoch(self, epoch: str) -> None:
        self._epoch = epoch
        self._arrive(lambda listener: listener.epoch(epoch))

    def _now(self) -> float:
        return self._settings.clock.time()

    def _tell_nodes(self, hub: _Hub) -> None:
        nodes = [member._node for member in hub.members.values()]
        for member in hub.members.values():
            member._arrive(lambda listener: listener.nodes(nodes))

    def _take(self, shard: int, position: int, envelope: bytes, listener: Listener) -> None:
        self._positions[shard] = position
        listener.take(shard, position, envelope)

    def _arrive(self, told: Callable[[Listener], Any]) -> None:
        """Let this server's loop call its listener, behind what waits for it; with the lock held.

        A loop that does not run loses the oldest: the backplane sees the gap in their numbers.
        """
        self._inbox.append(told)
        if self._is_scheduled:
            return
        try:
            self._loop.call_soon_threadsafe(self._hand_over)
        except RuntimeError:  # that loop is closed
            self._inbox.clear()
        else:
            self._is_scheduled = True

    def _hand_over(self) -> None:
        with _Hub.lock:
            told, self._inbox = self._inbox, deque(maxlen=self._settings.limits.memory_entries)
            self._is_scheduled = False
        for each in told:
            if self._hub is not None and self._listener is not None:
                each(self._listener)
