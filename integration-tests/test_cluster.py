"""Servers of ours and of Node share one real Redis, and lose it, one another, and themselves."""

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from harness.casts import OURS_IN_PYTHON
from harness.cluster import SECRET, Cluster, Member, cluster_in
from harness.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

NODE8, NODE6 = "node8", "node6"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def standing(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[Cluster, list[Member]]]:
    """A cluster that stays whole: two servers of ours, one of each Node."""
    async with cluster_in(tmp_path_factory.mktemp("standing")) as cluster:
        yield (
            cluster,
            await cluster.members(*(OURS_IN_PYTHON, OURS_IN_PYTHON, NODE8, NODE6), lasts=True),
        )


@pytest_asyncio.fixture(loop_scope="session")
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    """A cluster of the test's own."""
    async with cluster_in(tmp_path) as cluster:
        yield cluster


async def test_a_spark_is_found_and_reached_from_any_server(
    stage: Stage, standing: tuple[Cluster, list[Member]]
) -> None:
    cluster, members = standing
    kinds = (NODE6, OURS_IN_PYTHON, NODE8, OURS_IN_PYTHON)
    pairs = [
        await cluster.client_of(stage, kind, member)
        for kind, member in zip(kinds, members, strict=True)
    ]
    clients, sparks = [client for client, _ in pairs], [spark for _, spark in pairs]
    addresses = [member.address for member in members]

    for number, member in enumerate(members):
        assert [await member.whereis(spark) for spark in sparks] == addresses
        assert await member.whereis("unknown") is None
        others = sorted(address for address in addresses if address != member.address)
        assert await member.ask("addresses") == others

        for spark, client in zip(sparks, clients, strict=True):
            reply = await member.forward("spark", spark, {"one": number})
            assert (reply["ok"], reply["send"]) == (True, 1)
            assert await client.data() == {"one": number}
        all_four = {"ok": True, "send": 4}
        assert await member.forward("sparks", [*sparks, "unknown"], {"some": number}) == all_four
        assert await member.forward("broadcast", {"all": number}) == all_four
        assert await member.forward("forward", others, {"named": number}) == all_four
        unknown = await member.forward("spark", "unknown", "x")
        assert unknown["error"] == "No servers provided"
        for client in clients:
            said = [await client.data() for _ in range(3)]
            assert said == [{"some": number}, {"all": number}, {"named": number}]


@pytest.mark.parametrize("victim", [OURS_IN_PYTHON, NODE8])
async def test_the_sparks_of_a_killed_server_are_gone_when_its_lease_ends(
    stage: Stage, cluster: Cluster, victim: str
) -> None:
    survivor, doomed = await cluster.members(OURS_IN_PYTHON, victim)
    _, kept = await cluster.client_of(stage, OURS_IN_PYTHON, survivor)
    _, lost = await cluster.client_of(stage, OURS_IN_PYTHON, doomed)

    await doomed.process.kill()

    async def gone() -> bool:
        return not (
            await cluster.knows(doomed)
            or await cluster.client.hexists("metroplex:sparks", lost)
            or await cluster.client.exists(f"metroplex:{doomed.address}:sparks")
        )

    await cluster.until(gone)
    assert await survivor.whereis(lost) is None
    await cluster.until(lambda: cluster.finds(kept, survivor))


async def test_a_server_of_ours_that_was_paused_comes_back_whole(
    stage: Stage, cluster: Cluster
) -> None:
    other, paused = await cluster.members(NODE8, OURS_IN_PYTHON)
    first, one = await cluster.client_of(stage, NODE8, paused)
    second, two = await cluster.client_of(stage, OURS_IN_PYTHON, paused)

    paused.process.freeze()

    async def given_up() -> bool:
        return not await cluster.knows(paused)

    await cluster.until(given_up)
    paused.process.thaw()

    async def whole() -> bool:
        sparks = [await cluster.finds(spark, paused) for spark in (one, two)]
        return all(sparks) and await cluster.knows(paused)

    await cluster.until(whole)
    for spark, client in ((one, first), (two, second)):
        assert (await other.forward("spark", spark, "welcome back"))["send"] == 1
        assert await client.data() == "welcome back"


async def test_an_outage_of_redis_in_the_middle_of_traffic_loses_no_local_message(
    stage: Stage, cluster: Cluster
) -> None:
    here, there = await cluster.members(OURS_IN_PYTHON, OURS_IN_PYTHON, lasts=True)
    old, spark = await cluster.client_of(stage, NODE8, here)
    told: list[Any] = []

    async def listen() -> None:
        while len(told) < 400:
            told.append(await old.data())

    listening = asyncio.create_task(listen())
    for number in range(400):
        if number == 100:
            await cluster.redis.stop()
        if number == 300:
            await cluster.redis.start()
        if number == 200:
            late = await stage.client(OURS_IN_PYTHON)
            await late.connect(here.url())
            late_spark = await here.connection()
            assert (await here.forward("spark", late_spark, "still here"))["send"] == 1
            assert await late.data() == "still here"
            assert "were not reached" in (await here.forward("spark", "elsewhere", "x"))["error"]
        await old.write({"echo": number})
    await listening

    assert told == list(range(400))

    async def whole() -> bool:
        sparks = [await cluster.finds(id, here) for id in (spark, late_spark)]
        return all(sparks) and await cluster.knows(here) and await cluster.knows(there)

    await cluster.until(whole)
    assert (await there.forward("spark", late_spark, "found again"))["send"] == 1
    assert await late.data() == "found again"


async def test_a_server_that_is_destroyed_unregisters(stage: Stage, cluster: Cluster) -> None:
    stays, leaves = await cluster.members(NODE8, OURS_IN_PYTHON, lasts=True)
    await cluster.client_of(stage, NODE8, leaves)

    await leaves.destroy()

    assert not await cluster.knows(leaves)
    assert await cluster.client.hlen("metroplex:sparks") == 0
    assert await stays.ask("addresses") == []


@pytest.mark.parametrize("kind", [NODE6, NODE8, OURS_IN_PYTHON])
async def test_rooms_are_what_clients_see_of_them(
    stage: Stage, standing: tuple[Cluster, list[Member]], kind: str
) -> None:
    cluster, (member, *_) = standing
    one, _ = await cluster.client_of(stage, kind, member)
    two, _ = await cluster.client_of(stage, NODE8, member)
    three, _ = await cluster.client_of(stage, NODE6, member)

    for client in (one, two):
        await client.write({"join": "news sport"})
        assert await client.data() == {"joined": "news sport"}
    await one.write({"say": ["news", {"hello": None}]})
    assert await two.data() == {"hello": None}
    await two.write({"leave": "news"})
    assert await two.data() == {"left": "news"}
    await member.ask("room_write", room="news", data="for one")
    await member.ask("room_write", room="news sport", data="for both")
    await member.forward("rooms", "sport", "for both again")

    assert [await one.data() for _ in range(3)] == ["for one", "for both", "for both again"]
    assert [await two.data() for _ in range(2)] == ["for both", "for both again"]
    await three.write({"echo": "nothing before"})
    assert await three.data() == "nothing before"


async def test_rooms_in_redis_are_those_of_the_node_adapter(stage: Stage, cluster: Cluster) -> None:
    ours, theirs = await cluster.members(OURS_IN_PYTHON, NODE8, lasts=True, redis_rooms="here")
    here, one = await cluster.client_of(stage, NODE6, ours)
    there, two = await cluster.client_of(stage, OURS_IN_PYTHON, theirs)

    for client in (here, there):
        await client.write({"join": "news"})
        assert await client.data() == {"joined": "news"}
    assert await ours.ask("rooms", room="news") == sorted([one, two])
    assert await theirs.ask("rooms", room="news") == sorted([one, two])
    await ours.ask("room_write", room="news", data="from ours")
    await theirs.ask("room_write", room="news", data="from theirs")

    assert (await here.data(), await there.data()) == ("from ours", "from theirs")
    await here.end()

    async def left() -> bool:
        return await theirs.ask("rooms", room="news") == [two]

    await cluster.until(left)


async def test_rooms_that_forward_reach_their_members_on_every_server_once(
    stage: Stage, cluster: Cluster
) -> None:
    kinds = (OURS_IN_PYTHON, OURS_IN_PYTHON, NODE8)
    members = await cluster.members(*kinds, lasts=True, redis_rooms="forward")
    clients = []
    for member in members:
        client, _ = await cluster.client_of(stage, NODE6, member)
        await client.write({"join": "news sport"})
        assert await client.data() == {"joined": "news sport"}
        clients.append(client)

    for number, member in enumerate(members):
        await member.ask("room_write", room="news sport", data={"from": number})
        for client in clients:
            assert await client.data() == {"from": number}

    for client in clients:
        await client.write({"echo": "nothing before"})
        assert await client.data() == "nothing before"


REQUESTS: list[tuple[str, str, str | None, str]] = [
    ("PUT", "/primus/omega/supreme", SECRET, '{"msg":"x"}'),
    ("PUT", "/primus/omega/supreme", SECRET, '{"msg":"x","sparks":""}'),
    ("PUT", "/primus/omega/supreme", SECRET, '{"msg":"x","sparks":["unknown"]}'),
    ("PUT", "/primus/omega/supreme", SECRET, '{"msg":"x","sparks":"unknown"}'),
    ("PUT", "/primus/omega/supreme", SECRET, '{"msg":"x","sparks":5}'),
    ("PUT", "/primus/omega/supreme", SECRET, '{"msg":[]}'),
    ("PUT", "/primus/omega/supreme", SECRET, '{"msg":0}'),
    ("PUT", "/primus/omega/supreme", SECRET, '{"msg":""}'),
    ("PUT", "/primus/omega/supreme", SECRET, '{"msg":null}'),
    ("PUT", "/primus/omega/supreme", SECRET, "[]"),
    ("PUT", "/primus/omega/supreme", SECRET, "5"),
    ("PUT", "/primus/omega/supreme", SECRET, "{"),
    ("PUT", "/primus/omega/supreme", SECRET, ""),
    ("PUT", "/primus/omega/supreme", None, '{"msg":"x"}'),
    ("PUT", "/primus/omega/supreme/", SECRET, '{"msg":"x"}'),
    ("PUT", "/primus/omega/supreme?a=b", SECRET, '{"msg":"x"}'),
    ("POST", "/primus/omega/supreme", SECRET, '{"msg":"x"}'),
]


async def test_the_endpoint_answers_every_request_as_that_of_node(
    stage: Stage, standing: tuple[Cluster, list[Member]]
) -> None:
    cluster, (_, *members) = standing
    for member in members:
        await cluster.client_of(stage, OURS_IN_PYTHON, member)

    async with aiohttp.ClientSession() as http:
        for method, path, secret, body in REQUESTS:
            shown = base64.b64encode(f"omega:{secret}".encode()).decode()
            headers = {} if secret is None else {"Authorization": f"Basic {shown}"}
            answers = []
            for member in members:
                url = member.address + path
                async with http.request(method, url, data=body, headers=headers) as response:
                    answers.append((response.status, await response.text()))
            ours, *theirs = answers
            for status, text in theirs:
                assert ours[0] == status, (method, path, body, answers)
                assert '"ok"' not in text or ours[1] == text, (method, path, body, answers)


async def test_a_server_without_the_secret_is_told_so_by_either(
    standing: tuple[Cluster, list[Member]], cluster: Cluster
) -> None:
    _, (_, *members) = standing
    (stranger,) = await cluster.members(OURS_IN_PYTHON, password="something else")

    for member in members:
        reply = await stranger.forward("forward", [member.address], "x")
        assert member.address in reply["error"]
        refused = await member.forward("forward", [stranger.address], "x")
        assert "wrong username or password" in refused["error"]
