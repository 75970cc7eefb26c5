"""Presence over real servers on a real Redis: a server is killed, and Redis loses all."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from harness.casts import NODE
from harness.inbox import DEADLINE
from harness.process import ProcessPeer
from harness.redis import RedisServer
from harness.stage import Stage
from primus import Primus

pytestmark = pytest.mark.asyncio(loop_scope="session")

PEER = Path(__file__).parent / "peers" / "presence.py"
OPTIONS = {"backplane_lease": 2.0, "presence_grace": 1.0}


@dataclass
class Node:
    """A server in a process of its own."""

    name: str
    process: ProcessPeer
    port: int

    async def ask(self, do: str, **arguments: Any) -> Any:
        return await self.process.ask(do, self.name, **arguments)

    async def has(self, *users: str) -> bool:
        """Whether these are the users of the room, as it sees it."""
        found: list[str] = await self.ask("members", room="lobby")
        return found == sorted(users)


class Cluster:
    """Servers that share a Redis, and clients of theirs."""

    def __init__(self, redis: RedisServer, stack: AsyncExitStack) -> None:
        self.redis = redis
        self._stack = stack

    async def node(self, name: str) -> Node:
        process = await ProcessPeer.fork(PEER, title=f"the server {name}")
        self._stack.push_async_callback(process.kill)
        port = await process.ask("listen", name, port=0, redis=self.redis.url, options=OPTIONS)
        return Node(name, process, port)

    async def client(self, node: Node, user: str) -> Any:
        """A client that is this user, and stays with its server."""
        kind = Primus.create_socket(transformer="websockets", plugin="presence")
        socket: Any = kind(f"http://127.0.0.1:{node.port}/?user={user}", strategy=())
        socket.on("error", lambda error: None)
        self._stack.callback(socket.destroy)
        await socket.opened()
        return socket


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not await condition():
            await asyncio.sleep(0.05)


@pytest_asyncio.fixture(loop_scope="session")
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    redis = RedisServer(tmp_path)
    await redis.start()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(redis.stop)
        yield Cluster(redis, stack)


async def test_each_user_of_a_killed_server_leaves_once_and_one_that_came_back_does_not(
    cluster: Cluster,
) -> None:
    one, two = await cluster.node("one"), await cluster.node("two")
    for user in ("ann", "bob", "cid"):
        await cluster.client(one, user)
    watching = await cluster.client(two, "dan")
    await until(lambda: two.has("ann", "bob", "cid", "dan"))

    await one.process.kill()
    await cluster.client(two, "bob")
    await until(lambda: two.has("bob", "dan"))

    joined = [user for event, user in await two.ask("events") if event == "join"]
    left = [user for event, user in await two.ask("events") if event == "leave"]
    assert sorted(joined) == ["ann", "bob", "cid", "dan"]
    assert sorted(left) == ["ann", "cid"]
    async with asyncio.timeout(DEADLINE):
        while set(watching.presence.members("lobby") or ()) != {"bob", "dan"}:
            await asyncio.sleep(0.05)
    assert watching.presence.count("lobby") == 2


async def test_a_redis_that_has_lost_all_costs_no_user_its_place(cluster: Cluster) -> None:
    one, two = await cluster.node("one"), await cluster.node("two")
    await cluster.client(one, "ann")
    await cluster.client(two, "bob")
    await until(lambda: one.has("ann", "bob"))
    await until(lambda: two.has("ann", "bob"))

    await cluster.redis.stop()
    await cluster.client(one, "cid")
    await cluster.redis.start()

    await until(lambda: two.has("ann", "bob", "cid"))
    three = await cluster.node("three")
    await until(lambda: three.has("ann", "bob", "cid"))
    for node in (one, two, three):
        assert sorted(await node.ask("events")) == [
            ["join", each] for each in ("ann", "bob", "cid")
        ]


async def test_a_server_that_is_new_gets_all_users(cluster: Cluster) -> None:
    one = await cluster.node("one")
    await cluster.client(one, "ann")
    await one.ask("track", first=0, count=900)

    two = await cluster.node("two")

    async def has_all() -> bool:
        return bool(await two.ask("rooms") == 901)

    await until(has_all)
    await one.ask("destroy")

    async def has_none() -> bool:
        return not await two.ask("rooms")

    await until(has_none)


@pytest.mark.parametrize("kind", NODE)
async def test_clients_of_node_are_users_and_are_told_nothing(
    cluster: Cluster, stage: Stage, kind: str
) -> None:
    one = await cluster.node("one")
    client = await stage.client(kind)
    await client.connect(f"http://127.0.0.1:{one.port}/?user=ann")
    await client.event("open")
    watching = await cluster.client(one, "bob")
    async with asyncio.timeout(DEADLINE):
        while watching.presence.members("lobby") != {"ann": {"at": "home"}, "bob": {"at": "home"}}:
            await asyncio.sleep(0.05)

    await one.ask("write", message="hello")

    assert await client.data() == "hello"
    assert [event["data"] for event in client.seen("data")] == ["hello"]
