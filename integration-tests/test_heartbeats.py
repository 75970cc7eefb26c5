"""Heartbeats of both generations: they keep a connection that is alive, and end one that is not.

Primus 5 and 6 have the client ping, Primus 7 and 8 the server. Ours does what its peer expects.
"""

import asyncio

import pytest

from harness.casts import NODE, OURS_IN_CHROMIUM, OURS_IN_NODE, OURS_IN_PYTHON, PAIRS
from harness.idlers import FAST, Idlers, idle
from harness.parties import Client, Server
from harness.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

RECONNECT = {"min": 50, "max": 500, "timeout": 5000}


async def test_idle_connections_stay_and_no_heartbeat_becomes_data(stage: Stage) -> None:
    async def play(client_kind: str, server_kind: str) -> None:
        idler = await idle(stage.cast, client_kind, server_kind, FAST)
        stage.parties.extend([idler.server, idler.client])
        await idler.beats(3, within=15)

    async with asyncio.TaskGroup() as group:
        for pair in PAIRS:
            group.create_task(play(*pair))


@pytest.mark.slow
async def test_idle_connections_stay_with_the_default_intervals(idlers: Idlers) -> None:
    async with asyncio.TaskGroup() as group:
        for idler in await idlers.all():
            group.create_task(idler.beats(3, within=100))


@pytest.mark.parametrize("server_kind", [*NODE, OURS_IN_PYTHON])
async def test_clients_notice_a_silent_server_and_come_back(stage: Stage, server_kind: str) -> None:
    server = Server(await stage.process(server_kind))
    await server.listen(options=FAST.server(server_kind))
    clients = []
    for client_kind, with_server in PAIRS:
        if with_server == server_kind:
            client = await stage.client(client_kind)
            tempo = FAST.client(client_kind, server_kind)
            await client.connect(server.url(), reconnect=RECONNECT, **tempo)
            await client.event("open")
            clients.append(client)

    server.peer.freeze()
    try:
        await everybody(clients, "offline")
        await everybody(clients, "reconnect scheduled")
    finally:
        server.peer.thaw()

    await everybody(clients, "reconnected")
    assert not [event for client in clients for event in client.seen("end", "data")]


@pytest.mark.parametrize("server_kind", [*NODE, OURS_IN_PYTHON])
async def test_a_server_lets_go_of_a_silent_client_that_comes_back(
    stage: Stage, server_kind: str
) -> None:
    async def play(client_kind: str) -> None:
        server = await stage.server(server_kind, options=FAST.server(server_kind))
        client = await stage.own_client(client_kind)
        tempo = FAST.client(client_kind, server_kind)
        await client.connect(server.url(), reconnect=RECONNECT, **tempo)
        spark = await server.connection()
        await server.event("heartbeat")

        client.peer.freeze()
        try:
            assert (await server.event("disconnection"))["spark"] == spark
        finally:
            client.peer.thaw()

        await client.event("reconnected")
        await server.connection()

    kinds = [client for client, server in PAIRS if server == server_kind]
    async with asyncio.TaskGroup() as group:
        for kind in kinds:
            if kind != OURS_IN_CHROMIUM:
                group.create_task(play(kind))


async def everybody(parties: list[Client], kind: str) -> None:
    """Wait until it happened to each of them."""
    await asyncio.gather(*(party.event(kind) for party in parties))
