"""Recovery over real servers on a real Redis: what clients of a server that is killed get."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from harness.casts import NODE, OURS_IN_CHROMIUM, OURS_IN_NODE, OURS_IN_PYTHON
from harness.inbox import DEADLINE
from harness.parties import Speech
from harness.process import ProcessPeer
from harness.redis import RedisServer
from harness.relays import relaying
from harness.stage import Stage
from primus import Primus
from primus_testing.server import running

pytestmark = pytest.mark.asyncio(loop_scope="session")

PEER = Path(__file__).parent / "peers" / "recovery.py"
CLIENTS = int(os.environ.get("PRIMUS_RECOVERY_CLIENTS", "40"))
"""How many clients there are; the figures of docs/recovery.md are of 300."""
COUNT = 60
"""How many messages are written to the room."""


@dataclass
class Node:
    """A server in a process of its own."""

    name: str
    process: ProcessPeer
    port: int

    async def ask(self, do: str, **arguments: Any) -> Any:
        return await self.process.ask(do, self.name, **arguments)


@dataclass
class Cluster:
    """The servers that clients may find, and the clients."""

    redis: RedisServer
    stack: AsyncExitStack
    nodes: list[Node] = field(default_factory=list)
    """Those that are there."""
    clients: list["Client"] = field(default_factory=list)

    async def node(self, name: str, **options: Any) -> Node:
        process = await ProcessPeer.fork(PEER, title=f"the server {name}")
        self.stack.push_async_callback(process.kill)
        port = await process.ask("listen", name, port=0, redis=self.redis.url, options=options)
        node = Node(name, process, port)
        self.nodes.append(node)
        return node

    def client(self, **options: Any) -> "Client":
        client = Client(self, len(self.clients), options)
        self.clients.append(client)
        return client


class Client:
    """A client that takes turns among the servers that are there."""

    def __init__(self, cluster: Cluster, number: int, options: dict[str, Any]) -> None:
        self.cluster = cluster
        self.turn = number
        self.numbers: list[int] = []
        """What it got of the room."""
        self.others: list[Any] = []
        self.told: list[Any] = []
        kind = Primus.create_socket(transformer="websockets", plugin="recovery", **options)
        recovering = {"min": 0.02, "max": 0.5, "retries": 1000}
        self.socket: Any = kind("http://127.0.0.1", reconnect=recovering)
        self.socket.on("outgoing::url", self._choose)
        self.socket.on("data", self._take)
        self.socket.on("recovered", self.told.append)
        self.socket.on("gap", lambda: self.told.append("gap"))
        self.socket.on("error", lambda error: None)

    def _choose(self, address: Any) -> None:
        self.turn += 1
        nodes = self.cluster.nodes
        address.host = f"127.0.0.1:{nodes[self.turn % len(nodes)].port}"

    def _take(self, message: Any) -> None:
        (self.numbers if isinstance(message, int) else self.others).append(message)


async def until(condition: Any) -> None:
    async with asyncio.timeout(DEADLINE):
        while not condition():
            await asyncio.sleep(0.01)


@pytest_asyncio.fixture(loop_scope="session")
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    redis = RedisServer(tmp_path)
    await redis.start()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(redis.stop)
        made = Cluster(redis, stack)
        yield made
        for client in made.clients:
            client.socket.destroy()


async def test_no_client_of_a_killed_server_loses_a_message(cluster: Cluster) -> None:
    one, two = await cluster.node("one"), await cluster.node("two")
    clients = [cluster.client() for _ in range(CLIENTS)]
    await until(lambda: all(client.others for client in clients))
    publishing = asyncio.create_task(two.ask("publish", first=0, count=COUNT, pause=0.02))
    await until(lambda: clients[0].numbers)

    cluster.nodes.remove(one)
    await one.process.kill()
    await publishing
    await until(lambda: all(client.numbers[-1:] == [COUNT - 1] for client in clients))
    await until(lambda: sum(bool(client.told) for client in clients) == CLIENTS // 2)

    moved = [client for client in clients if client.told]
    wrong = [client.numbers for client in clients if client.numbers != list(range(COUNT))]
    assert wrong == []
    assert len(moved) == CLIENTS // 2
    assert all(told["rooms"] is True for client in moved for told in client.told)
    print(f"{CLIENTS} clients, {len(moved)} moved, {sum(c.told[0]['missed'] for c in moved)} late")


async def test_no_client_of_a_restarted_server_loses_a_message_either_way(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However slow the machine is, sessions are waited for.
    monkeypatch.setattr("primus_recovery.sockets.PATIENCE", DEADLINE)
    one = await cluster.node("one")
    two = await cluster.node("two", recovery_takeover=20.0)
    clients = [cluster.client() for _ in range(20)]
    await until(lambda: all(client.others for client in clients))
    publishing = asyncio.create_task(two.ask("publish", first=0, count=COUNT, pause=0.02))
    await until(lambda: clients[0].numbers)

    cluster.nodes.remove(one)
    ending = asyncio.create_task(one.ask("destroy", options={"reconnect": True}))
    for number in range(10):
        for client in clients:
            client.socket.write(number)
        await asyncio.sleep(0)
    await ending
    await publishing
    await until(lambda: all(client.numbers[-1:] == [COUNT - 1] for client in clients))
    await until(lambda: all({"echo": 9} in client.others for client in clients))

    for client in clients:
        assert client.numbers == list(range(COUNT))
        echoes = [each["echo"] for each in client.others if "echo" in each]
        assert echoes == list(range(10))
        assert all(told["rooms"] and told["session"] for told in client.told)
    assert sum(bool(client.told) for client in clients) == 10


async def test_a_bus_that_comes_back_empty_is_told(cluster: Cluster) -> None:
    await cluster.node("one")
    client = cluster.client()
    await until(lambda: client.others)

    await cluster.redis.stop()
    await cluster.redis.start()

    await until(lambda: "gap" in client.told)
    (one,) = cluster.nodes
    await one.ask("publish", first=0, count=3, pause=0)
    await until(lambda: client.numbers == [0, 1, 2])


@pytest.mark.parametrize("kind", [OURS_IN_PYTHON, OURS_IN_NODE, OURS_IN_CHROMIUM])
async def test_clients_of_each_kind_go_on_with_their_session(stage: Stage, kind: str) -> None:
    stage.speech = Speech(plugin="recovery")
    server = await stage.server(OURS_IN_PYTHON)
    client = await stage.client(kind)
    await client.connect(server.url(), hear=("recovered",), reconnect={"min": 20, "max": 50})
    await client.event("open")
    first = await server.connection()
    await server.write(first, 1)
    assert await client.data() == 1

    await server.end(first, reconnect=True)
    await server.event("disconnection")
    await client.write("written while it was away")
    second = await server.connection()
    await server.write(second, 2)

    assert (await client.event("heard"))["args"] == [{"rooms": True, "session": True, "missed": 0}]
    assert await client.data() == 2
    assert (await server.event("data"))["data"] == "written while it was away"
    assert first != second


async def test_what_is_sent_while_a_proxy_moves_a_session_of_sockjs_is_handled_once() -> None:
    handled: list[Any] = []
    heard: list[Any] = []
    told: list[Any] = []
    is_received, is_sent = asyncio.Event(), asyncio.Event()

    async def gate(head: bytes) -> None:
        """Hold the answer of a request that receives, until one that sends has been answered."""
        if b"/xhr?" in head:
            is_received.set()
            await is_sent.wait()
        else:
            is_sent.set()

    options: dict[str, Any] = {
        "transformer": "sockjs",
        "plugin": "backplane, recovery",
        "recovery_secret": "a secret of both servers",
    }
    async with (
        running(node="one", **options) as one,
        running(node="two", **options) as two,
        relaying(one.port) as relay,
    ):
        for server in (one, two):
            server.primus.on("connection", lambda spark: spark.on("data", handled.append))
            server.primus.on("connection", lambda spark: spark.write("welcome"))
        kind = Primus.create_socket(transformer="sockjs", plugin="recovery")
        socket: Any = kind(
            f"http://127.0.0.1:{relay.port}",
            transport={"transports": ["xhr-polling"]},
            reconnect={"min": 0.02, "max": 0.05, "retries": 100},
        )
        socket.on("data", heard.append)
        socket.on("recovered", told.append)
        try:
            await until(lambda: heard)
            relay.upstream, relay.gate = two.port, gate
            (spark,) = one.primus
            spark.write("receive again")
            await is_received.wait()
            socket.write("first")
            await until(lambda: told)
            socket.write("second")
            await until(lambda: "second" in handled)
        finally:
            socket.destroy()

    assert handled == ["first", "second"]
    assert told[0]["session"] is True


@pytest.mark.parametrize("kind", NODE)
async def test_clients_of_node_get_messages_and_no_other_text(stage: Stage, kind: str) -> None:
    server = await stage.server(OURS_IN_PYTHON, options={"plugin": "recovery"})
    client = await stage.client(kind)
    await client.connect(server.url(), reconnect={"min": 20, "max": 50})
    await client.event("open")
    for number in range(2):
        spark = await server.connection()
        await server.write(spark, number)
        assert await client.data() == number
        await server.end(spark, reconnect=True)
        await server.event("disconnection")

    assert [event["data"] for event in client.seen("data")] == [0, 1]
