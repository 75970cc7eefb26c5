"""`BusContract`: what every engine does.

class TestNats(BusContract):
    @pytest.fixture
    def url(self, nats_server): return nats_server.url

    def bus(self, url): return NatsBus(url)
"""

# ruff: noqa: D102 - the names of the tests are sentences

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from itertools import pairwise
from typing import Any, Final
from uuid import uuid4

import pytest
import pytest_asyncio

from primus_backplane.bus import Bus, Node, Settings

__all__ = ["BusContract", "Ear", "Opener", "settled", "until"]

GUARD: Final = 20.0
"""Seconds after which a test fails that waits for what never comes."""

Opener = Callable[..., Awaitable[tuple[Bus, "Ear"]]]


class Ear:
    """A `primus_backplane.bus.Listener` that remembers what it is told."""

    def __init__(self) -> None:
        self.taken: list[tuple[int, int, bytes]] = []
        self.heard: list[bytes] = []
        self.known: Sequence[Node] = ()
        self.rivals: list[Node] = []
        self.lost = 0
        self.gaps: list[int] = []
        self.epochs: list[str] = []
        self.begins: list[tuple[str, list[int]]] = []
        """Of each epoch, what the bus called it then, and the positions it gave."""
        self.bus: Bus | None = None
        """What it listens to."""
        self.is_away: bool | None = None

    @property
    def envelopes(self) -> list[bytes]:
        """What was posted, in the order in which it came."""
        return [envelope for _, _, envelope in self.taken]

    def take(self, shard: int, position: int, envelope: bytes) -> None:
        """An envelope that was posted."""
        self.taken.append((shard, position, envelope))

    def told(self, envelope: bytes) -> None:
        """An envelope for this server alone."""
        self.heard.append(envelope)

    def away(self, why: str) -> None:
        """The broker does not answer."""
        self.is_away = True

    def back(self) -> None:
        """It answers."""
        self.is_away = False

    def dropped(self, count: int) -> None:
        """Envelopes were dropped."""
        self.lost += count

    def gap(self, shard: int) -> None:
        """Envelopes are missing."""
        self.gaps.append(shard)

    def epoch(self, epoch: str) -> None:
        """Positions of before mean nothing any more."""
        self.epochs.append(epoch)
        if self.bus is not None:
            self.begins.append((self.bus.epoch, list(self.bus.positions)))

    def nodes(self, nodes: Sequence[Node]) -> None:
        """The servers there are."""
        self.known = nodes

    def rival(self, node: Node) -> None:
        """Another server has the name of this one."""
        self.rivals.append(node)


async def until(condition: Callable[[], object]) -> None:
    """Wait for a condition; fail when it never comes true."""
    async with asyncio.timeout(GUARD):
        while not condition():
            await asyncio.sleep(0.005)


async def settled(*servers: Any) -> None:
    """Wait until servers in memory, with the plugin, have what was posted so far.

    Args:
        servers: each a Primus.
    """
    for server in servers:
        await server.backplane.ready()
    for server in servers:
        await server.backplane.tell(server.node, "echo")
    for _ in range(4):
        await asyncio.sleep(0)


class BusContract:
    """What every engine does; inherit it, and say how one is made."""

    settings: Settings = Settings()
    """What the engines open with; each test has a namespace of its own."""

    def bus(self, url: Any) -> Bus:
        """A new engine, which shares its broker with the others of a test.

        Args:
            url: what the fixture `url` gives.
        """
        raise NotImplementedError

    @pytest.fixture
    def url(self) -> Any:
        """Where the broker is; override it where there is one."""
        return None

    @pytest_asyncio.fixture
    async def opened(self, url: Any) -> AsyncIterator[Opener]:
        """Opens engines in a namespace of the test, and closes them afterwards."""
        namespace, made = f"test-{uuid4().hex}", []

        async def opened(
            name: str, *, listens: bool = True, shards: int = 1, namespace: str = namespace
        ) -> tuple[Bus, Ear]:
            bus, ear = self.bus(url), Ear()
            ear.bus = bus
            given = self.settings
            settings = Settings(
                namespace=namespace,
                shards=shards,
                window=given.window,
                queue=given.queue,
                lease=given.lease,
                limits=given.limits,
                clock=given.clock,
            )
            made.append(bus)
            await bus.open(Node(name, uuid4().hex), ear if listens else None, settings)
            if listens:
                await until(lambda: ear.known and ear.is_away is False)
            return bus, ear

        yield opened
        for bus in made:
            await bus.close()

    async def test_what_is_posted_reaches_every_server_the_writer_included(
        self, opened: Opener
    ) -> None:
        (one, ear), (_, other) = await opened("one"), await opened("two")

        one.post(0, b"hello")

        await until(lambda: ear.envelopes and other.envelopes)
        assert ear.envelopes == other.envelopes == [b"hello"]

    async def test_any_bytes_arrive_as_they_are(self, opened: Opener) -> None:
        bus, ear = await opened("one")
        envelopes = [b"", b"\0\n\r\n 1 2", bytes(range(256)), b"x" * 300_000]

        for envelope in envelopes:
            bus.post(0, envelope)

        await until(lambda: len(ear.taken) == len(envelopes))
        assert ear.envelopes == envelopes

    async def test_what_a_server_posts_arrives_in_its_order(self, opened: Opener) -> None:
        (one, _), (two, ear) = await opened("one"), await opened("two")

        for turn in range(20):
            for index in range(50):
                one.post(0, b"one %d" % (turn * 50 + index))
                two.post(0, b"two %d" % (turn * 50 + index))
            await asyncio.sleep(0)

        await until(lambda: len(ear.taken) == 2000)
        for name in (b"one", b"two"):
            seen = [each for each in ear.envelopes if each.startswith(name)]
            assert seen == [b"%b %d" % (name, index) for index in range(1000)]

    async def test_all_servers_see_one_order(self, opened: Opener) -> None:
        (one, ear), (two, other) = await opened("one"), await opened("two")

        for index in range(100):
            one.post(0, b"one %d" % index)
            two.post(0, b"two %d" % index)
            await asyncio.sleep(0)

        await until(lambda: len(ear.taken) == len(other.taken) == 200)
        assert ear.envelopes == other.envelopes

    async def test_positions_grow_and_are_the_same_for_all(self, opened: Opener) -> None:
        (one, ear), (two, other) = await opened("one"), await opened("two")

        for index in range(100):
            one.post(0, b"%d" % index)

        await until(lambda: len(ear.taken) == len(other.taken) == 100)
        positions = [position for _, position, _ in ear.taken]
        assert positions == [position for _, position, _ in other.taken]
        assert all(before < after for before, after in pairwise(positions))
        assert list(one.positions) == list(two.positions) == [positions[-1]]
        assert one.epoch == two.epoch != ""

    async def test_shards_are_told_apart(self, opened: Opener) -> None:
        bus, ear = await opened("one", shards=3)

        bus.post(2, b"two")
        bus.post(0, b"zero")

        await until(lambda: len(ear.taken) == 2)
        assert {(shard, envelope) for shard, _, envelope in ear.taken} == {
            (2, b"two"),
            (0, b"zero"),
        }

    async def test_a_namespace_shares_nothing_with_another(self, opened: Opener) -> None:
        bus, ear = await opened("one")
        other, apart = await opened("one", namespace=f"test-{uuid4().hex}")

        bus.post(0, b"here")
        other.post(0, b"there")

        await until(lambda: ear.envelopes and apart.envelopes)
        assert (ear.envelopes, apart.envelopes) == ([b"here"], [b"there"])
        assert not ear.rivals

    async def test_one_server_is_told_alone_and_in_order(self, opened: Opener) -> None:
        (one, ear), (_, other) = await opened("one"), await opened("two")

        told = await asyncio.gather(*(one.tell("two", b"%d" % index) for index in range(100)))

        await until(lambda: len(other.heard) == 100)
        assert all(told)
        assert other.heard == [b"%d" % index for index in range(100)]
        assert (ear.heard, ear.taken, other.taken) == ([], [], [])

    async def test_a_server_tells_itself(self, opened: Opener) -> None:
        bus, ear = await opened("one")

        assert await bus.tell("one", b"me")

        await until(lambda: ear.heard)
        assert ear.heard == [b"me"]

    async def test_a_server_that_is_not_there_cannot_be_told(self, opened: Opener) -> None:
        bus, _ = await opened("one")

        assert not await bus.tell("nowhere", b"hello")

    async def test_servers_come_and_go(self, opened: Opener) -> None:
        (one, _), (two, _) = await opened("one"), await opened("two")

        names = {node.name for node in await one.nodes()}
        await two.close()

        assert names == {"one", "two"}
        assert [node.name for node in await one.nodes()] == ["one"]
        assert not await one.tell("two", b"hello")

    async def test_a_name_that_is_taken_belongs_to_the_newer_server(self, opened: Opener) -> None:
        (_, old), (newer, ear) = await opened("one"), await opened("one")

        assert await newer.tell("one", b"hello")

        await until(lambda: ear.heard and old.rivals)
        assert ear.heard == [b"hello"]
        assert len(await newer.nodes()) == 1

    async def test_a_publisher_posts_and_tells_and_is_no_server(self, opened: Opener) -> None:
        (bus, ear), (publisher, _) = await opened("one"), await opened("pen", listens=False)

        publisher.post(0, b"posted")
        assert await publisher.tell("one", b"told")
        await publisher.flush()

        await until(lambda: ear.envelopes and ear.heard)
        assert (ear.envelopes, ear.heard) == ([b"posted"], [b"told"])
        assert [node.name for node in await bus.nodes()] == ["one"]

    async def test_what_was_posted_is_kept(self, opened: Opener) -> None:
        bus, ear = await opened("one")
        for index in range(10):
            bus.post(0, b"%d" % index)
        await until(lambda: len(ear.taken) == 10)
        position = ear.taken[3][1]

        kept = await bus.since(0, position, 100)

        assert kept == [(at, envelope) for _, at, envelope in ear.taken[4:]]
        assert await bus.since(0, ear.taken[-1][1], 100) == []

    async def test_a_server_that_comes_later_finds_what_is_kept(self, opened: Opener) -> None:
        one, ear = await opened("one")
        one.post(0, b"early")
        await until(lambda: ear.taken)

        two, other = await opened("two")

        assert other.taken == []
        assert list(two.positions) == [ear.taken[0][1]]
        assert await two.since(0, 0, 10) == [(ear.taken[0][1], b"early")]

    async def test_more_than_was_asked_for_is_nothing(self, opened: Opener) -> None:
        bus, ear = await opened("one")
        for index in range(10):
            bus.post(0, b"%d" % index)
        await until(lambda: len(ear.taken) == 10)

        assert await bus.since(0, ear.taken[0][1], 8) is None
        assert len(await bus.since(0, ear.taken[0][1], 9) or ()) == 9

    async def test_the_newest_that_are_kept_are_read(self, opened: Opener) -> None:
        bus, ear = await opened("one")
        nothing = await bus.kept(0, 5)
        for index in range(10):
            bus.post(0, b"%d" % index)
        await until(lambda: len(ear.taken) == 10)
        entries = [(at, envelope) for _, at, envelope in ear.taken]

        assert nothing == (0, [])
        assert await bus.kept(0, 10) == (0, entries)
        behind, newest = await bus.kept(0, 4)
        assert newest == entries[-4:]
        assert entries[5][0] <= behind < entries[6][0]
        assert await bus.since(0, behind, 10) == newest

    async def test_a_position_that_was_never_there_is_nothing(self, opened: Opener) -> None:
        bus, ear = await opened("one")
        bus.post(0, b"hello")
        await until(lambda: ear.taken)

        assert await bus.since(0, ear.taken[0][1] + (1 << 60), 10) is None

    async def test_the_first_epoch_is_told_once_it_is_known_where_a_server_begins(
        self, opened: Opener
    ) -> None:
        one, ear = await opened("one")
        for _ in range(3):
            one.post(0, b"before")
        await until(lambda: len(ear.taken) == 3)

        _, other = await opened("two")

        await until(lambda: other.begins)
        assert other.begins == [(one.epoch, [ear.taken[-1][1]])]

    async def test_an_epoch_ends_for_all(self, opened: Opener) -> None:
        (one, ear), (two, other) = await opened("one"), await opened("two")
        before = one.epoch

        await one.end_epoch()

        await until(lambda: two.epoch == one.epoch != before)
        await until(lambda: ear.epochs == other.epochs == [before, one.epoch])

    async def test_a_value_is_parked_and_taken_once_by_any_server(self, opened: Opener) -> None:
        (one, _), (two, _) = await opened("one"), await opened("two")

        await one.park("session", b"\0value", 60.0)

        assert await two.unpark("session") == b"\0value"
        assert await one.unpark("session") is None
        assert await one.unpark("never") is None

    async def test_a_bus_that_is_closed_does_nothing(self, opened: Opener) -> None:
        (one, ear), (two, other) = await opened("one"), await opened("two")
        await one.close()

        one.post(0, b"late")
        await one.close()
        two.post(0, b"hello")

        await until(lambda: other.taken)
        assert (ear.envelopes, other.envelopes) == ([], [b"hello"])

    async def test_before_it_is_open_it_does_nothing(self, url: Any) -> None:
        bus = self.bus(url)

        bus.post(0, b"lost")
        await bus.flush()
        await bus.close()

        assert (bus.epoch, list(bus.positions)) == ("", [])
        assert not await bus.tell("one", b"hello")

    async def test_the_former_server_of_a_name_does_not_take_it_back(self, opened: Opener) -> None:
        (old, ear), (newer, other) = await opened("one"), await opened("one")
        await until(lambda: ear.rivals)

        await old.close()

        assert [node.incarnation for node in await newer.nodes()] == [ear.rivals[0].incarnation]
        assert other.rivals == []
