"""The interface of registries: which servers there are, and which spark is at which."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence

__all__ = ["Registry"]


class Registry(ABC):
    """Knows the servers by their addresses, and where the sparks are by their ids.

    A server is known as long as it renews its lease; durations are in seconds. Whatever cannot be
    done raises an exception, and may have been done in part: then `register` makes it whole.
    """

    @property
    def is_watched(self) -> bool:
        """Whether `watch` tells of every change of the servers."""
        return False

    @abstractmethod
    async def register(
        self, address: str, owner: str, lease: float, sparks: Collection[str]
    ) -> None:
        """Set a server with exactly these sparks.

        Args:
            address: of the server.
            owner: its name, which no other server has, nor the same one when started again.
            lease: how long it is known without being renewed.
            sparks: their ids.

        Raises:
            AddressTaken: another server, which lives, has the address.
        """

    @abstractmethod
    async def unregister(self, address: str, owner: str | None = None) -> None:
        """Forget a server and its sparks; nothing happens when it is no longer that of `owner`."""

    @abstractmethod
    async def renew(self, address: str, owner: str, lease: float) -> int | None:
        """Renew the lease of a server.

        Returns:
            How many sparks the registry has of it; `None` when it does not know the server.

        Raises:
            AddressTaken: another server has taken the address.
        """

    async def watch(
        self, owner: str, changed: Callable[[], None], lost: Callable[[], None]
    ) -> None:
        """Tell from now on what changes, as long as that can be told; see `is_watched`.

        Args:
            owner: the server that asks, which lives as long as it is told.
            changed: called when the servers have changed.
            lost: called when the registry may have lost its data.
        """

    @abstractmethod
    async def update(
        self,
        address: str,
        owner: str,
        connected: Collection[str],
        disconnected: Collection[str],
    ) -> bool:
        """Note which sparks have come to a server, and which have left it.

        Returns:
            False when the registry does not know the server, or knows another one at its address.
        """

    @abstractmethod
    async def servers(self) -> list[str]:
        """The addresses of all servers."""

    @abstractmethod
    async def addresses(
        self, sparks: Sequence[str], trusted: Collection[str] = ()
    ) -> list[str | None]:
        """The address of the server of each spark, in their order; `None` for one unknown.

        Args:
            sparks: their ids.
            trusted: addresses of servers that count although their lease has ended.
        """

    @abstractmethod
    async def sweep(self, address: str) -> float | None:
        """Forget the servers, other than the one that asks, whose lease has ended.

        Returns:
            In how many seconds the next lease ends, unless it is renewed; `None` for none.
        """

    async def unwatch(self, owner: str) -> None:
        """Tell a server nothing any more."""

    async def close(self) -> None:
        """Let go of what was opened."""
