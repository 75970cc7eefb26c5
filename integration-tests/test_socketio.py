"""Socket.IO 0.9: its transports under load, over bad networks, and clients that vanish."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from harness.casts import OURS_IN_NODE, OURS_IN_PYTHON
from harness.parties import Client, Server, Speech
from harness.proxies import proxy
from harness.relays import relaying
from harness.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

WEBSOCKET = Speech("socket.io", transports=("websocket",))
POLLING = Speech("socket.io", transports=("xhr-polling",))
ANY = Speech("socket.io")
SPEECHES = (WEBSOCKET, POLLING)

TO_US = [(client, OURS_IN_PYTHON) for client in ("node5", OURS_IN_NODE, OURS_IN_PYTHON)]
FROM_US = [(OURS_IN_PYTHON, "node5")]
PAIRS = [
    *((speech, kinds) for speech in SPEECHES for kinds in (TO_US[0], TO_US[2], *FROM_US)),
    (POLLING, TO_US[1]),
]
names = "-to-".join

QUICK: dict[str, Any] = {"reconnect": {"min": 20, "max": 200, "timeout": 2000, "retries": 100}}


def label(each: object) -> str:
    return names(each) if isinstance(each, tuple) else str(each)


async def meet(stage: Stage, kinds: tuple[str, str], **options: Any) -> tuple[Client, Server, str]:
    """A client and a server of these kinds, connected, and the id of the spark."""
    client_kind, server_kind = kinds
    server = await stage.server(server_kind, **options)
    client = await stage.client(client_kind)
    await client.connect(server.url(), **QUICK)
    return client, server, await server.connection()


@pytest.mark.parametrize(("speech", "kinds"), PAIRS, ids=label)
async def test_two_thousand_messages_each_way(
    stage: Stage, speech: Speech, kinds: tuple[str, str]
) -> None:
    stage.speech = speech
    client, server, spark = await meet(stage, kinds)

    for start in range(0, 2000, 100):
        portion = range(start, start + 100)
        await client.write(*portion)
        await server.write(spark, *portion)

    assert [await client.data() for _ in range(2000)] == list(range(2000))
    assert [(await server.event("data"))["data"] for _ in range(2000)] == list(range(2000))
    assert not client.seen("error", "close")


@pytest.mark.parametrize(("speech", "kinds"), PAIRS, ids=label)
async def test_a_hundred_messages_in_one_tick_and_a_large_one(
    stage: Stage, kinds: tuple[str, str], speech: Speech
) -> None:
    stage.speech = speech
    sizes = {"max_length": 4 << 20} if kinds[1] == OURS_IN_PYTHON else {}
    client, _, _ = await meet(stage, kinds, options=sizes, echo=True)
    large = "é" * 500_000

    await client.write(*range(100), large)

    assert [await client.data() for _ in range(100)] == list(range(100))
    assert await client.data() == large
    assert not client.seen("error", "close")


@pytest.mark.parametrize("speech", [*SPEECHES, ANY], ids=str)
async def test_our_client_with_a_server_of_node(stage: Stage, speech: Speech) -> None:
    stage.speech = speech
    server = await stage.server("node5", token="sesame", echo=True)
    refused, client = await stage.client(OURS_IN_PYTHON), await stage.client(OURS_IN_PYTHON)

    await refused.connect(server.url(token="wrong"), strategy="disconnect, online", **QUICK)
    assert (await refused.event("error"))["status"] == 401
    await refused.event("end")
    await client.connect(
        server.url(token="sesame", name="Ädele"), writes=["é", "\U0001f600"], **QUICK
    )
    assert [await client.data(), await client.data()] == ["é", "\U0001f600"]
    about = await server.event("connection")
    assert about["query"]["name"] == "Ädele"
    assert await client.id() == about["spark"]
    await server.end(about["spark"], reconnect=True)
    await client.event("reconnected")
    await server.connection()
    await client.end(data="good night")
    assert [(await server.event("data"))["data"] for _ in range(3)][-1] == "good night"
    for _ in range(2):
        await server.event("disconnection")


@pytest.mark.parametrize("speech", [POLLING, ANY], ids=str)
async def test_through_nginx(stage: Stage, tmp_path: Path, speech: Speech) -> None:
    stage.speech = speech
    server = await stage.server(OURS_IN_PYTHON, echo=True)

    async with proxy("nginx", server.port, tmp_path) as port:
        for kind in ("node5", OURS_IN_PYTHON):
            client = await stage.client(kind)
            await client.connect(f"http://127.0.0.1:{port}", writes=["hello", "x" * 300_000])
            assert await client.data() == "hello"
            assert await client.data() == "x" * 300_000
            await client.end()
            await server.event("disconnection")


@pytest.mark.parametrize("kind", ["node5", OURS_IN_PYTHON])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_a_bad_proxy_cuts_is_not_sent_twice(
    stage: Stage, kind: str, method: str
) -> None:
    """The protocol knows no repetition: a request that breaks is the end of the session, for the
    client and for the server, and what was in a lost answer is lost."""
    stage.speech = POLLING
    stage.drops = True
    times = {"linger": 0.2, "poll_duration": 1.0, "poll_timeout": 3.0}
    server = await stage.server(OURS_IN_PYTHON, options={"transport": times})
    client = await stage.client(kind)

    async with relaying(server.port) as relay:
        await client.connect(f"http://127.0.0.1:{relay.port}", **QUICK)
        first = await server.connection()
        await client.write("before")
        assert (await server.event("data"))["data"] == "before"
        cut = relay.cut(method)
        await client.write("along")
        await server.write(first, "from the server")
        await cut.wait()
        assert (await server.event("disconnection"))["spark"] == first
        second = await server.connection()
        await client.write("after")
        await server.write(second, "from the server, again")
        while await client.data() != "from the server, again":
            pass
        while (await server.event("data"))["data"] != "after":
            pass

    told = [event["data"] for event in server.seen("data")]
    heard = [event["data"] for event in client.seen("data")]
    assert told == ["before", "along", "after"]
    assert heard in (["from the server, again"], ["from the server", "from the server, again"])


@pytest.mark.parametrize("kind", ["node5", OURS_IN_PYTHON])
@pytest.mark.parametrize("speech", SPEECHES, ids=str)
async def test_a_client_that_is_frozen_for_longer_than_a_poll_loses_nothing(
    stage: Stage, speech: Speech, kind: str
) -> None:
    stage.speech = speech
    quick = {"poll_duration": 0.5, "heartbeat_interval": 0.5}
    server = await stage.server(OURS_IN_PYTHON, options={"transport": quick}, echo=True)
    client = await stage.own_client(kind)
    await client.connect(server.url(), **QUICK)
    spark = await server.connection()
    await client.write("ready")
    assert await client.data() == "ready"

    client.process.freeze()
    for number in range(20):
        await server.write(spark, number)
        await asyncio.sleep(0.1)  # that is time for two polls
    client.process.thaw()

    assert [await client.data() for _ in range(20)] == list(range(20))
    await client.write("awake")
    assert await client.data() == "awake"
    assert not client.seen("close", "reconnect", "error")


async def test_five_hundred_clients_poll_and_half_of_them_vanish(stage: Stage) -> None:
    stage.speech = POLLING
    stage.drops = True
    times = {"poll_duration": 2.0, "poll_timeout": 6.0, "linger": 0.2}
    server = await stage.server(OURS_IN_PYTHON, options={"transport": times})
    before = await server.ask("census")
    url = f"{server.url()}/primus/1/"

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:

        async def ask(address: str) -> str:
            async with http.get(address) as answer:
                assert answer.status == 200
                return await answer.text()

        async def begin() -> str:
            address = f"{url}xhr-polling/{(await ask(url)).split(':')[0]}"
            assert await ask(address) == "1::"
            return address

        async def stay(address: str) -> None:
            while "0::" not in await ask(address):
                pass

        sessions = await asyncio.gather(*(begin() for _ in range(500)))
        staying = [asyncio.create_task(stay(address)) for address in sessions[::2]]
        polling = [asyncio.create_task(stay(address)) for address in sessions[1::4]]
        assert len(await server.connected()) == 500
        for task in polling:
            task.cancel()  # the others have no poll there
        for _ in range(250):
            await server.event("disconnection")
        assert len(await server.connected()) == 250
        assert not [task for task in staying if task.done()]
        for spark in await server.connected():
            await server.end(spark)
        await asyncio.gather(*staying)

    assert await server.connected() == []
    after = await server.ask("census")
    assert after["objects"].get("Session", 0) == 0
    assert after["tasks"] <= before["tasks"] + 2
