"""BrowserChannel between us and every generation of Primus for Node, and through what breaks it."""

import asyncio
import re
from pathlib import Path

import aiohttp
import pytest

from harness.casts import (
    NODE,
    OURS_IN_CHROMIUM,
    OURS_IN_NODE,
    OURS_IN_PYTHON,
    OURS_ON_ITS_OWN,
)
from harness.chromium import Chromium
from harness.cutting import cutting
from harness.parties import Speech
from harness.proxies import proxy
from harness.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

SPEECH = Speech("browserchannel")
MEETINGS = [
    *[(kind, OURS_IN_PYTHON) for kind in (*NODE, OURS_IN_NODE, OURS_IN_CHROMIUM, OURS_IN_PYTHON)],
    *[(OURS_IN_PYTHON, kind) for kind in NODE],
]
MEGABYTE = "é" * 500_000


@pytest.mark.parametrize(
    ("client_kind", "server_kind"), MEETINGS, ids=["-to-".join(meeting) for meeting in MEETINGS]
)
async def test_volleys_both_ways_keep_their_order(
    stage: Stage, client_kind: str, server_kind: str
) -> None:
    """Two thousand messages are many more than one answer of a back channel has."""
    stage.speech = SPEECH
    server = await stage.server(server_kind, echo=True)
    client = await stage.client(client_kind)
    await client.connect(server.url(), writes=range(100))
    assert [await client.data() for _ in range(100)] == list(range(100))

    await client.write(MEGABYTE)
    assert await client.data() == MEGABYTE

    await client.write(*range(2000))
    assert [await client.data() for _ in range(2000)] == list(range(2000))
    received = [(await server.event("data"))["data"] for _ in range(2101)]
    assert received == [*range(100), MEGABYTE, *range(2000)]
    assert not client.seen("error", "close")


@pytest.mark.parametrize(
    ("client_kind", "server_kind"),
    [
        (OURS_IN_CHROMIUM, OURS_IN_PYTHON),
        (OURS_IN_PYTHON, OURS_ON_ITS_OWN),
        (OURS_IN_PYTHON, "node8"),
    ],
)
async def test_what_is_cut_on_the_way_is_neither_lost_nor_repeated(
    stage: Stage, client_kind: str, server_kind: str
) -> None:
    """Every other back channel ends in a chunk, and every other post remains without an answer.

    BCSocket survives that in browsers only: its requests in Node take a lost answer for a refusal,
    and do not notice that a stream breaks.
    """
    stage.speech = SPEECH
    server = await stage.server(server_kind, echo=True)
    client = await stage.client(client_kind)
    async with cutting(server.port) as proxy:
        await client.connect(f"http://127.0.0.1:{proxy.port}")
        numbers = iter(range(10_000))
        expected: list[int] = []
        while proxy.cut < 3 or proxy.lost < 3:
            batch = [next(numbers) for _ in range(20)]
            expected += batch
            await client.write(*batch)
            assert [await client.data() for _ in batch] == batch
        received = [(await server.event("data"))["data"] for _ in expected]
        assert received == expected
        assert not client.seen("error", "close")
        await client.destroy()


async def test_a_client_that_is_frozen_past_its_back_channel_misses_nothing(stage: Stage) -> None:
    """The session outlives the back channel, which a proxy cuts while its client is stopped."""
    stage.speech = SPEECH
    server = await stage.server(OURS_IN_PYTHON, echo=True)
    client = await stage.own_client(OURS_IN_PYTHON)
    async with cutting(server.port) as proxy:
        await client.connect(f"http://127.0.0.1:{proxy.port}", strategy="disconnect, online")
        spark = await server.connection()
        while proxy.cut < 1:
            await client.write("before")
            assert await client.data() == "before"

        client.process.freeze()
        for number in range(200):
            await server.write(spark, number, "x" * 1000)
        client.process.thaw()

        received = [await client.data() for _ in range(400)]
        assert received == [each for number in range(200) for each in (number, "x" * 1000)]
        await client.write("after")
        assert await client.data() == "after"
        assert await server.connected() == [spark]
        assert not client.seen("error", "close", "reconnect")


async def test_a_page_talks_through_nginx(stage: Stage, tmp_path: Path) -> None:
    """Answers stream through it, and two tabs are two sessions."""
    stage.speech = SPEECH
    server = await stage.server(OURS_IN_PYTHON, echo=True)
    client = await stage.client(OURS_IN_CHROMIUM)
    assert isinstance(client.peer, Chromium)

    async with proxy("nginx", server.port, tmp_path) as port:
        tabs = [await client.peer.tab(f"http://127.0.0.1:{port}/") for _ in range(2)]
        for number, tab in enumerate(tabs):
            await tab.run(
                f"window.got = []; window.socket = new Primus({{ websockets: false }});"
                "socket.on('data', (data) => got.push(data));"
                f"socket.write({number}); socket.write('x'.repeat(300000)); null"
            )
        for number, tab in enumerate(tabs):
            assert await tab.until("got.length === 2 && [got[0]]") == [number]
            assert await tab.run("got[1].length") == 300_000
        assert len(await server.connected()) == 2
        for tab in tabs:
            await tab.run("socket.end(); null")
            await server.event("disconnection")
            assert not tab.errors
            await tab.close()


@pytest.mark.parametrize("kind", ["nginx", "haproxy"])
async def test_clients_pass_a_proxy(stage: Stage, kind: str, tmp_path: Path) -> None:
    stage.speech = SPEECH
    server = await stage.server(OURS_IN_PYTHON, echo=True)
    async with proxy(kind, server.port, tmp_path) as port:
        for client_kind in ("node8", OURS_IN_PYTHON):
            client = await stage.client(client_kind)
            await client.connect(f"http://127.0.0.1:{port}", writes=["hello", "x" * 300_000])
            assert await client.data() == "hello"
            assert await client.data() == "x" * 300_000
            await client.end()
            await server.event("disconnection")


async def test_five_hundred_clients_poll_and_half_of_them_vanish(stage: Stage) -> None:
    """Some have no back channel when they do, some leave it without a word, and some are cut."""
    stage.speech = SPEECH
    transport = {"keepalive_interval": 1.0, "session_timeout": 4.0}
    server = await stage.server(OURS_IN_PYTHON, options={"transport": transport}, quiet=True)
    before = await server.ask("census")
    url = f"{server.url()}/primus/bind?VER=8"

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:

        async def opened() -> str:
            async with http.post(f"{url}&RID=1", data="count=0") as answer:
                assert answer.status == 200
                return f"{url}&SID={(await answer.text()).split(chr(34))[3]}"

        async def stay(address: str, stays: bool = True) -> None:
            last = 0
            while stays or last < 1:
                query = f"&RID=rpc&CI=1&AID={last}&TYPE=xmlhttp"
                async with http.get(address + query) as answer:
                    text = await answer.text()
                    last = int(re.findall(r"\[([0-9]+),", text)[-1])
                    if "stop" in text:
                        return

        sessions = await asyncio.gather(*(opened() for _ in range(500)))
        staying = [asyncio.create_task(stay(address)) for address in sessions[::2]]
        leaving = [asyncio.create_task(stay(address, stays=False)) for address in sessions[1:250:2]]
        assert len(await server.connected()) == 500
        await asyncio.sleep(0.5)
        for task in leaving[::2]:
            task.cancel()
        async with asyncio.timeout(25):
            while len(await server.connected()) > 250:
                await asyncio.sleep(0)
        assert not [task for task in staying if task.done()]
        for spark in await server.connected():
            await server.end(spark)
        await asyncio.gather(*staying)

    async with asyncio.timeout(25):
        while (after := await server.ask("census"))["objects"].get("Session", 0):
            await asyncio.sleep(0.1)
    assert await server.connected() == []
    assert after["tasks"] <= before["tasks"] + 2
