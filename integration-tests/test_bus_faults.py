"""Servers on a bus, and what befalls them and their Redis: nothing is lost, repeated or reordered.

Judged by what clients hear, never by how fast they do; `measure_bus_faults.py` says how fast.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from harness.audience import WHOLE, Audience
from harness.casts import OURS_IN_PYTHON
from harness.cluster import Cluster, Member, cluster_in
from harness.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

NODE8 = "node8"
BURST = 5000
ALL = "rooms metroplex omega-supreme backplane"
"""The plugins of a server that is on the bus and in the registry of Node."""

Standing = tuple[Cluster, list[Member]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def started(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Standing]:
    """Three servers, which outlive what befalls them."""
    async with cluster_in(tmp_path_factory.mktemp("bus")) as cluster:
        yield cluster, await cluster.on_bus("a", "b", "c")


@pytest_asyncio.fixture(loop_scope="session")
async def standing(started: Standing) -> Standing:
    """The same, with all they have logged before out of sight."""
    cluster, members = started
    for member in members:
        await cluster.until(lambda member=member: member.is_on_bus("a", "b", "c"))
        member.mark()
    return started


class Traffic:
    """Numbers that all members write at once, each in another way, and all clients hear."""

    EACH = 1_000_000
    WAYS = (("room", "news"), ("everywhere",), ("ordered", "news"))

    def __init__(self, audience: Audience, *members: Member) -> None:
        self._audience = audience
        self._members = members
        self._count = 0

    def flow(self, count: int) -> asyncio.Task[Any]:
        """Let each member write so many more, with pauses between them."""
        flows = [
            member.flow(*how, first=self.EACH * index + self._count, count=count, pause=0.001)
            for index, (member, how) in enumerate(zip(self._members, self.WAYS, strict=True))
        ]
        self._count += count
        return asyncio.ensure_future(asyncio.gather(*flows))

    async def hears_own(self) -> None:
        """Wait until the clients of each writer have heard all that is not ordered."""
        for index, member in enumerate(self._members[:2]):
            await self._audience.hears(self.EACH * index + self._count - 1, member)

    async def hears(self) -> None:
        """Wait until all clients have heard all of it."""
        for index in range(len(self._members)):
            await self._audience.hears(self.EACH * index + self._count - 1, *self._members)

    def receptions(self) -> list[Any]:
        """How each client has heard the numbers of each writer."""
        return [
            reception
            for index in range(len(self._members))
            for reception in self._audience.receptions(
                range(self.EACH * index, self.EACH * index + self._count), *self._members
            )
        ]


async def is_away(member: Member) -> bool:
    """Whether a server has taken note that the bus does not answer."""
    return bool((await member.bus())["away"])


# -- what befalls Redis


async def freeze(cluster: Cluster) -> None:
    """Let Redis answer nothing."""
    cluster.redis.freeze()


async def thaw(cluster: Cluster) -> None:
    """Let it go on."""
    cluster.redis.thaw()


async def kill(cluster: Cluster) -> None:
    """Kill Redis."""
    await cluster.redis.kill()


async def save_and_kill(cluster: Cluster) -> None:
    """Kill Redis behind a snapshot."""
    await cluster.client.save()
    await cluster.redis.kill()


async def start(cluster: Cluster) -> None:
    """Start it, empty."""
    await cluster.redis.start()


async def start_saved(cluster: Cluster) -> None:
    """Start it with its snapshot."""
    await cluster.redis.start(saved=True)


async def fill(cluster: Cluster) -> None:
    """Let Redis refuse what takes memory."""
    await cluster.client.config_set("maxmemory", 1)


async def empty(cluster: Cluster) -> None:
    """Let it take memory again."""
    await cluster.client.config_set("maxmemory", 0)


Act = Callable[[Cluster], Awaitable[None]]

OUTAGES: dict[str, tuple[Act, Act]] = {
    "frozen": (freeze, thaw),
    "killed and back empty": (kill, start),
    "killed and back with its data": (save_and_kill, start_saved),
    "full": (fill, empty),
}


@pytest.mark.parametrize("outage", OUTAGES)
async def test_an_outage_of_redis_loses_nothing_and_is_two_lines(
    stage: Stage, standing: Standing, outage: str
) -> None:
    cluster, members = standing
    begin, end = OUTAGES[outage]
    audience = await Audience.at(cluster, stage, OURS_IN_PYTHON, *members)
    traffic = Traffic(audience, *members)
    await traffic.flow(50)
    await traffic.hears()

    await begin(cluster)
    await traffic.flow(150)
    await traffic.hears_own()  # local ones wait for nothing
    for member in members:
        await cluster.until(lambda member=member: is_away(member))
    await end(cluster)
    await traffic.flow(100)
    await traffic.hears()

    assert traffic.receptions() == [WHOLE] * 9
    for member in members:
        await cluster.until(lambda member=member: member.is_on_bus("a", "b", "c"))
    assert max(len(member.lines("backplane")) for member in members) <= 2


async def flush(cluster: Cluster) -> None:
    """Delete all data."""
    await cluster.client.flushall()


async def cut(cluster: Cluster) -> None:
    """Close all connections, again and again."""
    for _ in range(10):
        for kind in ("normal", "pubsub"):
            await cluster.client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")


BUSY = """
local function now() local t = redis.call('TIME') return t[1] * 1000000 + t[2] end
local till = now() + 300000
while now() < till do end
"""
"""Lets Redis answer nothing else for 0.3 s."""


async def slow(cluster: Cluster) -> None:
    """Let each answer take 0.3 s, for a while."""
    for _ in range(5):
        await cluster.client.eval(BUSY, 0)


SHOCKS: dict[str, Act] = {"flushed": flush, "cut": cut, "slow": slow}


@pytest.mark.parametrize("shock", SHOCKS)
async def test_a_shock_in_the_middle_of_traffic_loses_nothing(
    stage: Stage, standing: Standing, shock: str
) -> None:
    cluster, members = standing
    audience = await Audience.at(cluster, stage, OURS_IN_PYTHON, *members)
    traffic = Traffic(audience, *members)

    flows = traffic.flow(300)
    await SHOCKS[shock](cluster)
    await flows
    await traffic.hears_own()
    await traffic.flow(50)
    await traffic.hears()

    assert traffic.receptions() == [WHOLE] * 9


async def test_a_redis_that_is_started_again_at_once_is_two_lines(
    stage: Stage, standing: Standing
) -> None:
    cluster, members = standing
    audience = await Audience.at(cluster, stage, OURS_IN_PYTHON, *members)
    traffic = Traffic(audience, *members)
    await traffic.flow(20)
    await traffic.hears()

    await cluster.redis.kill()
    await cluster.redis.start()
    for member in members:
        await cluster.until(lambda member=member: is_logged(member, "is back after"))
    await traffic.flow(50)
    await traffic.hears()

    assert traffic.receptions() == [WHOLE] * 9
    assert [len(member.lines("is away", "is back")) for member in members] == [2] * 3


# -- what befalls servers


@pytest.mark.parametrize("how", ["room", "everywhere", "ordered", "remote"])
async def test_a_burst_of_thousands_loses_nothing_and_keeps_its_order(
    stage: Stage, standing: Standing, how: str
) -> None:
    cluster, (here, *others) = standing
    audience = await Audience.at(cluster, stage, OURS_IN_PYTHON, *others)
    to = {"everywhere": [], "remote": audience.sparks(others[0])}.get(how, ["news"])
    listening = others[:1] if how == "remote" else others
    count = 1000 if how == "remote" else BURST  # so many wait at the most

    result = await here.flow(how, *to, first=1, count=count)
    await audience.hears(count, *listening)

    assert audience.receptions(range(1, count + 1), *listening) == [WHOLE] * len(listening)
    assert result["failed"] == []


async def test_a_frozen_server_delays_no_other_and_gets_everything_although_its_lease_has_ended(
    stage: Stage, standing: Standing
) -> None:
    cluster, members = standing
    here, frozen, other = members
    audience = await Audience.at(cluster, stage, OURS_IN_PYTHON, *members)

    frozen.process.freeze()
    await here.flow("room", "news", first=1, count=200, pause=0.001)
    await audience.hears(200, here, other)  # while the frozen one takes nothing
    await cluster.until(lambda: is_forgotten(here, "b"))
    await here.flow("room", "news", first=201, count=100)
    frozen.process.thaw()
    await here.flow("room", "news", first=301, count=10)
    await audience.hears(310, *members)

    assert audience.receptions(range(1, 311), *members) == [WHOLE] * 3
    assert [(await member.bus())["counts"]["missing"] for member in members] == [0] * 3
    assert here.lines("backplane") == other.lines("backplane") == []
    assert len(frozen.lines("backplane")) <= 2


async def test_a_killed_server_harms_no_other_and_is_no_line_in_the_log(
    stage: Stage, standing: Standing
) -> None:
    cluster, members = standing
    here = members[0]
    (doomed,) = await cluster.on_bus("d")
    audience = await Audience.at(cluster, stage, OURS_IN_PYTHON, *members)
    traffic = Traffic(audience, *members)
    gone = await Audience.at(cluster, stage, OURS_IN_PYTHON, doomed)

    flows = traffic.flow(200)
    await doomed.process.kill()
    await flows
    await traffic.hears()
    await cluster.until(lambda: is_forgotten(here, "d"))
    reply = await here.flow("remote", *gone.sparks(doomed), first=1, count=1)

    assert traffic.receptions() == [WHOLE] * 9
    assert reply["failed"] == []
    assert [line for each in members for line in each.lines("backplane")] == []


async def is_forgotten(member: Member, name: str) -> bool:
    """Whether a server no longer counts another one among those there are."""
    return name not in (await member.bus())["nodes"]


# -- one name, or one address, and two servers


async def test_two_servers_of_one_name_are_an_error_and_get_each_message_once(
    stage: Stage, standing: Standing
) -> None:
    cluster, members = standing
    here, first, _ = members
    (second,) = await cluster.on_bus("b", within=[here.process])
    audience = await Audience.at(cluster, stage, OURS_IN_PYTHON, here, first, second)
    await cluster.until(lambda: is_logged(first, "another server is called node='b' as well"))
    traffic = Traffic(audience, here, first, second)

    await traffic.flow(100)
    await traffic.hears()
    to_first, to_second = audience.sparks(first, second)
    await here.flow("remote", to_first, first=-2, count=1)
    await here.flow("remote", to_second, first=-1, count=1)
    await audience.hears(-2, first)
    await audience.hears(-1, second)
    await second.destroy()

    assert traffic.receptions() == [WHOLE] * 9
    assert audience.receptions([-2, -1], first, second)[0].lost == [-1]
    assert len(first.lines("backplane")) == 1
    assert here.lines("backplane") == []


async def test_a_name_that_was_taken_over_stays_with_its_new_server_when_the_former_one_ends(
    stage: Stage, standing: Standing
) -> None:
    cluster, (here, there, _) = standing
    (former,) = await cluster.on_bus("e")
    former.process.freeze()
    await cluster.until(lambda: is_forgotten(here, "e"))
    (new,) = await cluster.on_bus("e", within=[there.process])
    audience = await Audience.at(cluster, stage, OURS_IN_PYTHON, new)
    (spark,) = audience.sparks(new)

    former.process.thaw()
    await cluster.until(lambda: is_logged(former, "another server is called node='e' as well"))
    await former.destroy()
    reply = await here.flow("remote", spark, first=1, count=100)
    await audience.hears(100, new)
    await new.destroy()

    assert audience.receptions(range(1, 101), new) == [WHOLE]
    assert reply["failed"] == []
    assert len(former.lines("backplane")) <= 3  # its outage, and the other server


async def test_servers_in_the_registry_and_on_the_bus_reach_those_of_node_and_keep_addresses_apart(
    stage: Stage, standing: Standing
) -> None:
    cluster, members = standing
    processes = [member.process for member in members]
    here, there = await cluster.on_bus("f", "g", within=processes[:2], plugin=ALL, interval=60.0)
    (node,) = await cluster.members(NODE8, interval=60_000)
    (second,) = await cluster.on_bus(
        "h", within=processes[2:], plugin=ALL, address=there.address, interval=60.0
    )
    audience = await Audience.at(cluster, stage, OURS_IN_PYTHON, here, there)
    beside = await Audience.at(cluster, stage, NODE8, node)
    await cluster.until(lambda: is_logged(members[2], "another living server is registered"))

    await here.flow("broadcast", first=1, count=300)
    await here.flow("sparks", audience.sparks(there), first=301, count=300)
    replies = [await node.forward("broadcast", number) for number in range(601, 621)]
    await audience.hears(620, here, there)
    await beside.hears(620, node)
    assert await second.ask("address") == ""
    for member in (second, node, there, here):
        await member.destroy()

    to_all = (*range(1, 301), *range(601, 621))
    assert audience.receptions(to_all, there) == beside.receptions(to_all, node) == [WHOLE]
    assert audience.receptions(range(301, 601), there) == [WHOLE]
    assert all(reply["ok"] for reply in replies)


async def is_logged(member: Member, *texts: str) -> bool:
    """Whether a member has logged one of these texts."""
    return bool(member.lines(*texts))
