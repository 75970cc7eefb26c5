"""Servers of ours and of Node share one real Redis by primus-cluster, -redis-rooms and -redis."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from harness.casts import OURS_IN_PYTHON
from harness.inbox import DEADLINE
from harness.node import installed, node
from harness.parties import Client, Server
from harness.process import ProcessPeer
from harness.redis import RedisServer
from harness.stage import Stage
from harness.tools import PEERS

pytestmark = pytest.mark.asyncio(loop_scope="session")

NODE8, NODE6 = "node8", "node6"
START = 300.0
"""Seconds that a process gets to start on a busy machine, beside others that start."""
MANY = list(range(200))


class Shared:
    """A Redis, and the processes of servers that share it."""

    def __init__(self, redis: RedisServer, client: Any, ours: Any, theirs: Any) -> None:
        self.redis = redis
        self.client = client
        self._peers = {OURS_IN_PYTHON: ours, NODE8: theirs}

    async def server(self, kind: str, plugin: str, **options: Any) -> Server:
        """A server that listens to the channel; tests have channels of their own."""
        before = await self._listening()
        server = Server(self._peers[kind])
        where = {"port": 0, "redis": self.redis.port, "plugin": plugin, "options": options}
        server.port = await server.peer.ask("listen", server.on, within=START, **where)
        async with asyncio.timeout(DEADLINE):
            while await self._listening() <= before:
                await asyncio.sleep(0.01)
        return server

    async def _listening(self) -> int:
        """How many connections listen."""
        clients = await self.client.client_list(_type="pubsub")
        return len([each for each in clients if int(each["sub"]) + int(each["psub"])])


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shared]:
    """One Redis, a process of ours and one of Node."""
    redis = RedisServer(tmp_path_factory.mktemp("codecs"))
    await redis.start()
    ours = await ProcessPeer.fork(PEERS / "redis_codecs.py", title="ours")
    script = PEERS / "redis_codecs.js"
    theirs = await ProcessPeer.start(*node(), script, installed(8), title="node8")
    async with Redis.from_url(redis.url, decode_responses=True) as client:
        yield Shared(redis, client, ours, theirs)
    for peer in (ours, theirs):
        await peer.kill()
    await redis.stop()
    assert "Traceback" not in "".join(ours.stderr)


async def client_of(stage: Stage, kind: str, server: Server, room: str = "") -> tuple[Client, str]:
    """A client in a room, and the id of its spark."""
    client = await stage.client(kind)
    await client.connect(server.url())
    spark = await server.connection()
    if room:
        await client.write({"join": room})
        assert await client.data() == {"joined": room}
    return client, spark


async def hears(client: Client, *messages: Any) -> None:
    """The next messages of a client are these."""
    assert [await client.data() for _ in messages] == list(messages)


async def test_what_is_written_to_all_arrives_on_servers_of_both_kinds_in_order(
    stage: Stage, shared: Shared
) -> None:
    servers = [
        await shared.server(kind, "cluster", prefix="all:")
        for kind in (OURS_IN_PYTHON, NODE8, OURS_IN_PYTHON)
    ]
    clients = [
        (await client_of(stage, kind, server))[0]
        for kind, server in zip((NODE6, OURS_IN_PYTHON, NODE8), servers, strict=True)
    ]

    for server in servers:
        await server.ask("say", how="write", args=[[{"n": number}] for number in MANY])
        for client in clients:
            await hears(client, *({"n": number} for number in MANY))
    for server in servers:
        await server.ask("say", how="send", args=[["news", {"n": 1}]])
        for client in clients:
            await hears(client, {"type": 0, "data": ["news", {"n": 1}]})


async def test_rooms_have_members_on_servers_of_both_kinds(stage: Stage, shared: Shared) -> None:
    ours = await shared.server(OURS_IN_PYTHON, "cluster", prefix="rooms:")
    theirs = await shared.server(NODE8, "cluster", prefix="rooms:")
    here, one = await client_of(stage, NODE8, ours, "news")
    there, two = await client_of(stage, OURS_IN_PYTHON, theirs, "news")
    outside, _ = await client_of(stage, NODE6, theirs)

    for server in (ours, theirs):
        assert await server.ask("rooms", room="news") == sorted([one, two])
        await server.ask("say", how="write", room="news", args=[[n] for n in MANY])
        for client in (here, there):
            await hears(client, *MANY)
        await server.ask("say", how="write", room="news", without=[one], args=[["two"]])
        await server.ask("say", how="write", room="news", without=[two], args=[["one"]])
        await server.ask("say", how="send", room="news", args=[["news", 1]])
        for client, name in ((here, "one"), (there, "two")):
            await hears(client, name, {"type": 0, "data": ["news", 1]})
    await theirs.ask("say", how="write", args=[["after"]])
    await hears(outside, "after")

    await here.end()
    async with asyncio.timeout(DEADLINE):
        while await theirs.ask("rooms", room="news") != [two]:
            await asyncio.sleep(0.01)


async def test_the_keys_in_redis_are_the_same(stage: Stage, shared: Shared) -> None:
    ours = await shared.server(OURS_IN_PYTHON, "cluster", prefix="keys:", ttl=86_400)
    theirs = await shared.server(NODE8, "cluster", prefix="keys:", ttl=86_400)
    _, one = await client_of(stage, NODE8, ours, "news")
    _, two = await client_of(stage, NODE8, theirs, "news")

    found = [key for key in await shared.client.keys("keys:*") if not key.startswith("keys:server")]

    turns = {key.rpartition(":")[2] for key in found}
    stems = {key.rpartition(":")[0] for key in found}
    assert stems == {"keys:room:news", f"keys:socket:{one}", f"keys:socket:{two}"}
    assert len(turns) == 1 or len(found) > len(stems)  # a turn of 2.4 hours may end meanwhile
    for key in found:
        assert 86_000 < await shared.client.ttl(key) <= 86_400


async def test_messages_to_rooms_go_by_redis_rooms_both_ways(stage: Stage, shared: Shared) -> None:
    ours = await shared.server(OURS_IN_PYTHON, "redis-rooms", channel="talk")
    theirs = await shared.server(NODE8, "redis-rooms", channel="talk")
    here, _ = await client_of(stage, NODE8, ours, "news")
    there, _ = await client_of(stage, OURS_IN_PYTHON, theirs, "news")
    outside, _ = await client_of(stage, NODE6, theirs, "sport")

    for server in (ours, theirs):
        await server.ask("say", how="write", room="news", args=[[{"n": n}] for n in MANY])
        for client in (here, there):
            await hears(client, *({"n": n} for n in MANY))
    await ours.ask("say", how="write", room="news", args=[[None], ["after null"]])
    await ours.ask("say", how="write", room="sport", args=[["sport"]])

    for client in (here, there):
        await hears(client, None, "after null")
    await hears(outside, "sport")


async def test_texts_go_by_redis_to_servers_of_both_kinds(stage: Stage, shared: Shared) -> None:
    ours = await shared.server(OURS_IN_PYTHON, "redis", channel="texts")
    theirs = await shared.server(NODE8, "redis", channel="texts")
    here, _ = await client_of(stage, NODE8, ours)
    there, _ = await client_of(stage, OURS_IN_PYTHON, theirs)

    await ours.ask("say", how="write", args=[[f"text {n}"] for n in MANY])
    for client in (here, there):
        await hears(client, *(f"text {n}" for n in MANY))
    await shared.client.publish("texts", '{"not": "decoded"}')
    for client in (here, there):
        await hears(client, '{"not": "decoded"}')
