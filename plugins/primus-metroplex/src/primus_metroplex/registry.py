"""The interface of registries: which servers there are, and which spark is at which."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence

__all__ = ["Registry"]


class Registry(ABC):
    """Knows the servers by their addresses, and where the sparks are by their ids.

    A server is known as long as it renews its lease; durations are in seconds. Whatever cannot be
    done raises an exception, and may have been done in part: then `register` makes it whole.
    """

    @abstractmethod
    async def register(self, address: str, lease: float, sparks: Collection[str]) -> None:
        """Set a server with exactly these sparks."""

    @abstractmethod
    async def unregister(self, address: str) -> None:
        """Forget a server and its sparks."""

    @abstractmethod
    async def renew(self, address: str, lease: float) -> int | None:
        """Renew the lease of a server.

        Returns:
            How many sparks the registry has of it; `None` when it does not know the server.
        """

    @abstractmethod
    async def update(
        self, address: str, connected: Collection[str], disconnected: Collection[str]
    ) -> bool:
        """Note which sparks have come to a server, and which have left it.

        Returns:
            False when the registry does not know the server.
        """

    @abstractmethod
    async def servers(self) -> list[str]:
        """The addresses of all servers."""

    @abstractmethod
    async def addresses(self, sparks: Sequence[str]) -> list[str | None]:
        """The address of the server of each spark, in their order; `None` for one unknown."""

    @abstractmethod
    async def sweep(self, address: str) -> float | None:
        """Forget the servers, other than the one that asks, whose lease has ended.

        Returns:
            In how many seconds the next lease ends, unless it is renewed; `None` for none.
        """

    async def close(self) -> None:
        """Let go of what was opened."""
