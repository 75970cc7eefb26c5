"""Clients that listen to a cluster, and what of a flow of numbers has reached them."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from .cluster import Cluster, Member
from .inbox import DEADLINE
from .parties import Client
from .stage import Stage


@dataclass(frozen=True)
class Reception:
    """What a client has heard of the numbers that were sent."""

    lost: list[int]
    twice: list[int]
    inverted: int
    """How often a number came after a larger one."""


WHOLE = Reception([], [], 0)
"""Everything, once, in order."""


@dataclass
class Audience:
    """Clients of the members of a cluster; all are in the room ``news``."""

    clients: dict[str, list[tuple[Client, str]]] = field(default_factory=dict)
    """By the address of the member, each with the id of its spark."""

    @classmethod
    async def at(
        cls, cluster: Cluster, stage: Stage, kind: str, *members: Member, each: int = 1
    ) -> "Audience":
        """So many clients of that kind at each of the members."""
        audience = cls()
        for member in members:
            pairs = [await cluster.client_of(stage, kind, member) for _ in range(each)]
            for client, _ in pairs:
                await client.write({"join": "news"})
                assert await client.data() == {"joined": "news"}
            audience.clients[member.address] = pairs
        return audience

    def sparks(self, *members: Member) -> list[str]:
        """The ids of the sparks at these members."""
        return [spark for member in members for _, spark in self.clients[member.address]]

    async def hears(self, number: int, *members: Member) -> None:
        """Wait until every client of these members has heard `number`.

        Raises:
            AssertionError: that took longer than a minute.
        """
        async with asyncio.timeout(DEADLINE):
            for member in members:
                for client, _ in self.clients[member.address]:
                    while number not in _numbers(client):
                        await asyncio.sleep(0.01)

    def receptions(self, sent: Iterable[int], *members: Member) -> list[Reception]:
        """How each client of these members has heard the numbers."""
        wanted = set(sent)
        return [
            _reception([number for number in _numbers(client) if number in wanted], wanted)
            for member in members
            for client, _ in self.clients[member.address]
        ]


def _numbers(client: Client) -> list[int]:
    events = client.peer.inbox.seen(client.on, "data")
    return [event["data"] for event in events if isinstance(event["data"], int)]


def _reception(heard: Sequence[int], wanted: set[int]) -> Reception:
    counts = Counter(heard)
    return Reception(
        lost=sorted(wanted - set(heard)),
        twice=sorted(number for number, count in counts.items() if count > 1),
        inverted=sum(later < earlier for earlier, later in pairwise(heard)),
    )
