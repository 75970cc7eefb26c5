"""Clients of every generation and kind on one server of ours, at the same time."""

import asyncio

import pytest

from harness.casts import NODE, OURS_IN_CHROMIUM, OURS_IN_NODE, OURS_IN_PYTHON
from harness.parties import Client, Server
from harness.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

ALL_CLIENTS = [*NODE, OURS_IN_NODE, OURS_IN_CHROMIUM, OURS_IN_PYTHON]


async def all_clients_on(stage: Stage, server: Server) -> list[Client]:
    clients = []
    for kind in ALL_CLIENTS:
        client = await stage.client(kind)
        await client.connect(server.url())
        await client.event("open")
        await server.connection()
        clients.append(client)
    return clients


async def test_a_broadcast_reaches_all_of_them(stage: Stage) -> None:
    server = await stage.server(OURS_IN_PYTHON)
    clients = await all_clients_on(stage, server)

    for number in range(100):
        await server.broadcast({"number": number, "text": "\u2028 Grüße \U0001f600"})

    for client in clients:
        got = [await client.data() for _ in range(100)]
        assert got == [{"number": n, "text": "\u2028 Grüße \U0001f600"} for n in range(100)]


async def test_they_talk_at_once_and_each_gets_only_its_own_messages(stage: Stage) -> None:
    server = await stage.server(OURS_IN_PYTHON, echo=True)
    clients = await all_clients_on(stage, server)

    async def talk(client: Client) -> None:
        await client.write(*({"from": client.on, "n": n} for n in range(200)))
        got = [await client.data() for _ in range(200)]
        assert got == [{"from": client.on, "n": n} for n in range(200)]

    async with asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(talk(client))


async def test_one_that_ends_disturbs_no_other(stage: Stage) -> None:
    server = await stage.server(OURS_IN_PYTHON, echo=True)
    clients = await all_clients_on(stage, server)

    await clients[0].end()
    await server.event("disconnection")

    for client in clients[1:]:
        await client.write("still here")
        assert await client.data() == "still here"
    assert len(await server.connected()) == len(clients) - 1


@pytest.mark.parametrize("kind", NODE)
async def test_control_text_that_primus_for_node_does_not_know_is_data_to_it(
    stage: Stage, kind: str
) -> None:
    """So plugins send none to a peer that has not shown that it has the plugin."""
    server = await stage.server(kind)
    client = await stage.client(kind)
    await client.connect(server.url())
    await client.event("open")
    await server.connection()

    await client.write("primus::word::up")
    await server.broadcast("primus::word::down")

    assert (await server.event("data"))["data"] == "primus::word::up"
    assert await client.data() == "primus::word::down"
