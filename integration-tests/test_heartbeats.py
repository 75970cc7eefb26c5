"""Heartbeats of both generations: they keep a connection that is alive, and end one that is not.

Primus 5 and 6 have the client ping, Primus 7 and 8 the server. Ours does what its peer expects.
"""

import asyncio

import pytest

from harness.casts import NODE, OURS_IN_CHROMIUM, OURS_IN_PYTHON, PAIRS, REFERENCE
from harness.idlers import DEFAULT, FAST, Tempo, idle
from harness.parties import Client, Server
from harness.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

RECONNECT = {"min": 50, "max": 500, "timeout": 5000}


async def test_idle_connections_stay_and_no_heartbeat_becomes_data(stage: Stage) -> None:
    await stay_idle(stage, PAIRS, FAST, within=15)


@pytest.mark.slow
async def test_idle_connections_stay_with_the_default_intervals(stage: Stage) -> None:
    ours = [pair for pair in PAIRS if pair not in REFERENCE]
    await stay_idle(stage, ours, DEFAULT, within=100)


@pytest.mark.parametrize("server_kind", [*NODE, OURS_IN_PYTHON])
async def test_clients_notice_a_silent_server_and_come_back(stage: Stage, server_kind: str) -> None:
    stage.drops = True
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

    server.process.freeze()
    try:
        await every(clients, "offline")
        await every(clients, "reconnect scheduled")
    finally:
        server.process.thaw()

    await every(clients, "reconnected")
    assert not [event for client in clients for event in client.seen("end", "data")]


@pytest.mark.parametrize("server_kind", [*NODE, OURS_IN_PYTHON])
async def test_a_server_lets_go_of_silent_clients_that_come_back(
    stage: Stage, server_kind: str
) -> None:
    stage.drops = True
    server = await stage.server(server_kind, options=FAST.server(server_kind))
    clients = []
    for client_kind, with_server in PAIRS:
        if with_server == server_kind and client_kind != OURS_IN_CHROMIUM:
            client = await stage.own_client(client_kind)
            tempo = FAST.client(client_kind, server_kind)
            await client.connect(server.url(), reconnect=RECONNECT, **tempo)
            await server.connection()
            clients.append(client)
    before = set(await server.connected())

    for client in clients:
        client.process.freeze()
    try:
        gone = {(await server.event("disconnection"))["spark"] for _ in clients}
    finally:
        for client in clients:
            client.process.thaw()

    assert gone == before
    await every(clients, "reconnected")
    for _ in clients:
        await server.connection()


async def stay_idle(
    stage: Stage, pairs: list[tuple[str, str]], tempo: Tempo, within: float
) -> None:
    """Connect each pair, and wait for three heartbeats of each, on which nothing else happens."""
    idlers = [await idle(stage.cast, *pair, tempo) for pair in pairs]
    for idler in idlers:
        stage.parties.extend([idler.server, idler.client])

    async with asyncio.TaskGroup() as group:
        for idler in idlers:
            group.create_task(idler.beats(3, within))


async def every(parties: list[Client], kind: str) -> None:
    """Wait until it happened to each of them."""
    await asyncio.gather(*(party.event(kind) for party in parties))
