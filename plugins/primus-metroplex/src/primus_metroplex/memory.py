"""`MemoryRegistry`: the servers of one process, which need no database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from weakref import WeakValueDictionary

from primus_metroplex.errors import AddressTaken
from primus_metroplex.registry import Registry

__all__ = ["MemoryRegistry"]


class MemoryRegistry(Registry):
    """Knows the servers of this process. They cannot die without it, so leases mean nothing."""

    def __init__(self) -> None:
        self._sparks: dict[str, set[str]] = {}
        self._addresses: dict[str, str] = {}
        self._owners: dict[str, str] = {}
        self._watching: dict[str, Callable[[], None]] = {}

    def __repr__(self) -> str:
        return "<MemoryRegistry>"

    async def register(
        self, address: str, owner: str, lease: float, sparks: Collection[str]
    ) -> None:
        """Set a server with exactly these sparks."""
        self._check(address, owner)
        await self.update(address, owner, (), tuple(self._sparks.get(address, ())))
        self._owners[address] = owner
        self._sparks[address] = set()
        await self.update(address, owner, sparks, ())
        self._tell()

    async def unregister(self, address: str, owner: str | None = None) -> None:
        """Forget a server and its sparks."""
        has = self._owners.get(address)
        if has is None or (owner is not None and owner != has):
            return
        await self.update(address, has, (), tuple(self._sparks[address]))
        del self._sparks[address], self._owners[address]
        self._tell()

    async def renew(self, address: str, owner: str, lease: float) -> int | None:
        """How many sparks the registry has of a server, or `None`."""
        self._check(address, owner)
        return len(self._sparks[address]) if address in self._sparks else None

    async def update(
        self,
        address: str,
        owner: str,
        connected: Collection[str],
        disconnected: Collection[str],
    ) -> bool:
        """Note which sparks have come to a server, and which have left it."""
        if self._owners.get(address) != owner:
            return False
        self._sparks[address].update(connected)
        self._sparks[address].difference_update(disconnected)
        self._addresses.update(dict.fromkeys(connected, address))
        for id in disconnected:
            if self._addresses.get(id) == address:
                del self._addresses[id]
        return True

    @property
    def is_watched(self) -> bool:
        """Whether `watch` tells of every change: it does."""
        return True

    async def watch(
        self, owner: str, changed: Callable[[], None], lost: Callable[[], None]
    ) -> None:
        """Tell when the servers change."""
        self._watching[owner] = changed

    async def unwatch(self, owner: str) -> None:
        """Tell a server nothing any more."""
        self._watching.pop(owner, None)

    def _check(self, address: str, owner: str) -> None:
        if self._owners.get(address, owner) != owner:
            raise AddressTaken(f"another server is registered at {address}")

    def _tell(self) -> None:
        for changed in list(self._watching.values()):
            changed()

    async def servers(self) -> list[str]:
        """The addresses of all servers."""
        return list(self._sparks)

    async def addresses(
        self, sparks: Sequence[str], trusted: Collection[str] = ()
    ) -> list[str | None]:
        """The address of the server of each spark, in their order."""
        return [self._addresses.get(id) for id in sparks]

    async def sweep(self, address: str) -> float | None:
        """Do nothing: no lease ends."""
        return None

    @classmethod
    def shared(cls, namespace: str) -> MemoryRegistry:
        """The one of this process for a namespace, as long as it is in use."""
        registry = _shared.get(namespace)
        if registry is None:
            registry = _shared[namespace] = cls()
        return registry


_shared: WeakValueDictionary[str, MemoryRegistry] = WeakValueDictionary()
