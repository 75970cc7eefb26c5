"""Memory: what is allocated is freed, and no peer makes a server keep more than its limits."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from harness.casts import OURS_IN_PYTHON
from harness.network import RawWebSocket
from harness.parties import Server
from harness.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

CLIENTS = 300
MEGABYTE = 2**20


@pytest.mark.parametrize(("transformer", "rounds"), [("websockets", 8), ("lws", 3), ("faye", 3)])
async def test_thousands_of_connections_leave_nothing_behind(
    stage: Stage, transformer: str, rounds: int
) -> None:
    server = Server(await stage.process(OURS_IN_PYTHON))
    await server.listen(options={"transformer": transformer}, echo=True, quiet=True)
    for _ in range(2):  # the allocator keeps what the busiest moment so far has needed
        await visit(server)
    await server.ask("census")  # the first one leaves something behind itself
    before = await server.ask("census")

    for _ in range(rounds):
        await visit(server)
    after = await server.ask("census")

    more = Counter(after["objects"]) - Counter(before["objects"])
    assert sum(more.values()) < 50, more.most_common(10)
    assert after["tasks"] == before["tasks"]
    assert after["rss"] - before["rss"] < 5 * MEGABYTE


async def visit(server: Server) -> None:
    """Hundreds of clients connect, are all there at once, talk, and leave in three ways."""
    clients: list[RawWebSocket] = []
    for _ in range(0, CLIENTS, 50):
        clients += await asyncio.gather(*(RawWebSocket.connect(server.port) for _ in range(50)))
    assert len(await server.connected()) == CLIENTS
    for client in clients:
        client.send(b'{"hello":"world"}')
        client.send(b'"primus::id::"')
    for client in clients:
        assert await client.receive() == (1, b'{"hello":"world"}')
        assert (await client.receive())[1].startswith(b'"primus::id::')
    for index, client in enumerate(clients):
        if index % 3 == 0:
            client.send(b"\x03\xe8", opcode=8)
        elif index % 3 == 1:
            client.writer.transport.abort()
    await asyncio.gather(*(client.close() for client in clients))
    while await server.connected():
        pass


@pytest.mark.parametrize(
    ("transformer", "manner", "policy"),
    [
        ("websockets", "one by one", "disconnect"),
        ("websockets", "one by one", "drop"),
        ("websockets", "as a broadcast", "disconnect"),
        ("websockets", "as a broadcast", "drop"),
        ("websockets", "as echo", "disconnect"),
        ("websockets", "as echo", "drop"),
        ("lws", "as a broadcast", "drop"),
        ("lws", "as echo", "drop"),
        ("faye", "as echo", "drop"),
    ],
)
async def test_a_client_that_does_not_read_cannot_fill_the_memory(
    stage: Stage, transformer: str, manner: str, policy: str
) -> None:
    high_water = MEGABYTE
    server = Server(await stage.process(OURS_IN_PYTHON))
    options = {"transformer": transformer, "high_water": high_water, "slow_consumer": policy}
    await server.listen(options=options, echo=True, quiet=True)
    deaf = [await RawWebSocket.connect(server.port, receive_buffer=4096) for _ in range(5)]
    async with await RawWebSocket.connect(server.port) as healthy:
        reading = asyncio.create_task(until(healthy, b'"still there"'))
        before = await server.ask("census")

        await FLOODS[manner](server, deaf)

        after = await server.ask("census")
        grown = after["rss"] - before["rss"]
        # What a socket holds in the kernel is not counted here: only what the server keeps.
        assert grown < len(deaf) * high_water + 12 * MEGABYTE, f"{grown / MEGABYTE:.1f} MiB more"
        healthy.send(b'"still there"')
        await reading
    for client in deaf:
        client.writer.transport.abort()


async def test_clients_that_send_faster_than_is_listened_are_held_back(stage: Stage) -> None:
    server = Server(await stage.process(OURS_IN_PYTHON))
    await server.listen(stuck=True, quiet=True)
    clients = [await RawWebSocket.connect(server.port) for _ in range(5)]
    before = await server.ask("census")

    await have_it_echo(server, clients)

    after = await server.ask("census")
    assert after["rss"] - before["rss"] < 12 * MEGABYTE
    assert len(await server.connected()) == len(clients)
    for client in clients:
        client.writer.transport.abort()


async def until(client: RawWebSocket, payload: bytes) -> None:
    """Read all that comes, until it is that."""
    while (await client.receive())[1] != payload:
        pass


async def write_one_by_one(server: Server, deaf: list[RawWebSocket]) -> None:
    """200 MB for each spark that does not read, 10 kB at a time."""
    ids = await server.connected()
    for spark in ids[: len(deaf)]:
        await server.ask("flood", spark=spark, data="x" * 10_000, times=20_000)


async def write_broadcasts(server: Server, deaf: list[RawWebSocket]) -> None:
    """Ten times what a spark may hold, to every spark."""
    for _ in range(100):
        await server.broadcast("x" * 100_000)


async def have_it_echo(server: Server, deaf: list[RawWebSocket]) -> None:
    """Clients that send 20 MB each for the server to echo, and read none of it."""

    async def talk(client: RawWebSocket) -> None:
        try:
            for _ in range(200):
                client.send(b'"' + b"x" * 100_000 + b'"')
                async with asyncio.timeout(2):
                    await client.writer.drain()
        except (ConnectionError, TimeoutError):
            return

    await asyncio.gather(*(talk(client) for client in deaf))


FLOODS: dict[str, Any] = {
    "one by one": write_one_by_one,
    "as a broadcast": write_broadcasts,
    "as echo": have_it_echo,
}
