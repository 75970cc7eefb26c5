"""`MemoryRegistry`: the servers of one process, which need no database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from weakref import WeakValueDictionary

from primus_metroplex.registry import Registry

__all__ = ["MemoryRegistry"]


class MemoryRegistry(Registry):
    """Knows the servers of this process. They cannot die without it, so leases mean nothing."""

    def __init__(self) -> None:
        self._sparks: dict[str, set[str]] = {}
        self._addresses: dict[str, str] = {}

    def __repr__(self) -> str:
        return "<MemoryRegistry>"

    async def register(self, address: str, lease: float, sparks: Collection[str]) -> None:
        """Set a server with exactly these sparks."""
        await self.unregister(address)
        self._sparks[address] = set()
        await self.update(address, sparks, ())

    async def unregister(self, address: str) -> None:
        """Forget a server and its sparks."""
        await self.update(address, (), tuple(self._sparks.get(address, ())))
        self._sparks.pop(address, None)

    async def renew(self, address: str, lease: float) -> int | None:
        """How many sparks the registry has of a server, or `None`."""
        return len(self._sparks[address]) if address in self._sparks else None

    async def update(
        self, address: str, connected: Collection[str], disconnected: Collection[str]
    ) -> bool:
        """Note which sparks have come to a server, and which have left it."""
        if address not in self._sparks:
            return False
        self._sparks[address].update(connected)
        self._sparks[address].difference_update(disconnected)
        self._addresses.update(dict.fromkeys(connected, address))
        for id in disconnected:
            if self._addresses.get(id) == address:
                del self._addresses[id]
        return True

    async def servers(self) -> list[str]:
        """The addresses of all servers."""
        return list(self._sparks)

    async def addresses(self, sparks: Sequence[str]) -> list[str | None]:
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
