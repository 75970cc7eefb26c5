"""`Bus`: the interface of an engine, which carries envelopes between servers.

An engine knows nothing of messages, rooms or sparks: an envelope is `bytes`. It keeps the order in
which one server posts, brings an envelope to every server, its writer included, and may bring it
twice: the backplane drops what it has seen. A distribution offers an engine by an entry point of
the group ``primus.buses``, whose name is the scheme of its URLs, and whose object is called with
the URL::

    [project.entry-points."primus.buses"]
    nats = "primus_nats:NatsBus"

`primus_backplane.testing.BusContract` is the test suite that every engine has to pass.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol

from primus.clock import SYSTEM_CLOCK, Clock
from primus_backplane.errors import TooLargeError
from primus_backplane.limits import DEFAULT_BUS_LIMITS, BusLimits

__all__ = ["INDEX_BITS", "RENEWALS", "Bus", "Entry", "Listener", "Node", "Settings"]

INDEX_BITS: Final = 16
"""How many bits of a position count the envelopes within one entry of an engine."""
RENEWALS: Final = 3
"""How often a server says within one lease that it is alive."""


@dataclass(frozen=True, slots=True)
class Node:
    """A server on the bus."""

    name: str
    """The option ``node``, with which the ids of its sparks begin."""
    incarnation: str
    """One life of it."""
    about: dict[str, Any] = field(default_factory=dict)
    """``host`` and ``pid``, and ``address`` where other servers reach it by HTTP, if they do."""


class Entry(NamedTuple):
    """An envelope that the bus keeps."""

    position: int
    envelope: bytes


@dataclass(frozen=True, slots=True)
class Settings:
    """What all engines are told when they open. Durations are seconds, sizes bytes."""

    namespace: str = "primus"
    """Servers with another one share nothing with this."""
    shards: int = 1
    """How many independent orders of messages there are."""
    window: float = 120.0
    """How long the bus keeps messages."""
    queue: int = 8 << 20
    """How much may wait for a bus that is away; beyond it the oldest go."""
    lease: float = 10.0
    """How long a server counts as alive that does not say so."""
    limits: BusLimits = DEFAULT_BUS_LIMITS
    clock: Clock = SYSTEM_CLOCK


class Listener(Protocol):
    """What an engine tells the backplane; every method is called on the loop that opened it."""

    def take(self, shard: int, position: int, envelope: bytes) -> None:
        """Take an envelope that was posted, by any server."""

    def told(self, envelope: bytes) -> None:
        """Take an envelope that was told to this server alone."""

    def away(self, why: str) -> None:
        """Take note that the broker does not answer; called as often as that is noticed."""

    def back(self) -> None:
        """Take note that it answers; called as often as that is noticed."""

    def dropped(self, count: int) -> None:
        """Take note that so many envelopes were dropped that waited for the bus."""

    def gap(self, shard: int) -> None:
        """Take note that envelopes of a shard are missing, and will not come."""

    def epoch(self, epoch: str) -> None:
        """Take note that positions of before mean nothing any more; called with the first epoch,
        too.
        """

    def nodes(self, nodes: Sequence[Node]) -> None:
        """Take note of the servers there are, this one included; called with each lease."""

    def rival(self, node: Node) -> None:
        """Take note that another server that is alive has the name of this one."""


class Bus(ABC):
    """Carries envelopes between servers; one object serves one server, or one publisher."""

    longest: int | None = None
    """The longest envelope that it carries, in bytes; `None` for any."""

    def check(self, envelope: bytes) -> None:
        """Refuse an envelope that is too long, where it is written.

        Raises:
            TooLargeError: it is longer than `longest`.
        """
        if self.longest is not None and len(envelope) > self.longest:
            raise TooLargeError(
                f"a message of {len(envelope)} bytes is too long for {self!r}, which takes "
                f"{self.longest}: send it in parts, or send where it can be fetched"
            )

    @abstractmethod
    async def open(self, node: Node, listener: Listener | None, settings: Settings) -> None:
        """Open the bus for a server, without waiting for a broker that is away.

        Args:
            node: the server. One that is known under that name already is replaced.
            listener: what is told; `None` for a publisher, which posts and tells, and neither
                hears anything nor counts as a server.
            settings: the namespace, and so on.
        """

    @property
    @abstractmethod
    def epoch(self) -> str:
        """Names one life of what the bus keeps: another one when anything of that was lost."""

    @property
    @abstractmethod
    def positions(self) -> Sequence[int]:
        """The newest position of each shard that this server has been given; 0 for none."""

    @abstractmethod
    def post(self, shard: int, envelope: bytes) -> None:
        """Post an envelope to every server, this one included. Never waits.

        Those of one turn of the loop go together. What waits for a bus that is away goes later, in
        its order, up to ``queue`` bytes.
        """

    @abstractmethod
    async def tell(self, node: str, envelope: bytes) -> bool:
        """Bring an envelope to one server.

        Returns:
            Whether there is a server of that name.

        Raises:
            BusError: the bus did not answer in time.
        """

    @abstractmethod
    async def nodes(self) -> list[Node]:
        """The servers there are.

        Raises:
            BusError: the bus did not answer in time.
        """

    @abstractmethod
    async def since(self, shard: int, position: int, limit: int) -> list[Entry] | None:
        """The envelopes behind a position of the current epoch, in order.

        Args:
            shard: the shard.
            position: 0 is before all.
            limit: how many there are at the most.

        Returns:
            The envelopes; `None` when the bus does not keep all of them any more, or when there are
            more than `limit`.

        Raises:
            BusError: the bus did not answer in time.
        """

    @abstractmethod
    async def kept(self, shard: int, limit: int) -> tuple[int, list[Entry]]:
        """The newest envelopes that the bus keeps, in order.

        Args:
            shard: the shard.
            limit: how many there are at the most.

        Returns:
            The position behind which none is missing, and the envelopes behind it.

        Raises:
            BusError: the bus did not answer in time.
        """

    @abstractmethod
    async def end_epoch(self) -> None:
        """Give what the bus keeps another epoch: positions of before mean nothing any more.

        Raises:
            BusError: the bus did not answer in time.
        """

    @abstractmethod
    async def park(self, key: str, value: bytes, seconds: float) -> None:
        """Keep a value for any server to take.

        Raises:
            BusError: the bus did not answer in time.
        """

    @abstractmethod
    async def unpark(self, key: str) -> bytes | None:
        """Take what is kept by that key, once; `None` when there is nothing.

        Raises:
            BusError: the bus did not answer in time.
        """

    @abstractmethod
    async def flush(self) -> None:
        """Wait until the bus has all that was posted.

        Raises:
            BusError: it did not take all in time, or something was dropped.
        """

    @abstractmethod
    async def close(self) -> None:
        """Post what waits, if the bus is there, and leave. Later calls do nothing."""
