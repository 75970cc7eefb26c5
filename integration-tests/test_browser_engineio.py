"""The browser client over Engine.IO in Chromium: with and without WebSockets, behind nginx."""

import json
from pathlib import Path

import pytest
import pytest_asyncio

from harness.casts import OURS_IN_CHROMIUM, OURS_IN_PYTHON
from harness.chromium import Chromium
from harness.parties import Speech
from harness.proxies import proxy
from harness.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

WAYS = {
    "upgrading": ({}, "websocket"),
    "without-websockets": ({"websockets": False}, "polling"),
    "websocket-at-once": ({"transport": {"transports": ["websocket"]}}, "websocket"),
}

PAGE = """
  window.got = [];
  window.socket = new Primus($options$);
  socket.on('data', (data) => got.push(data));
  const write = (from) => { for (let n = from; n < from + 500; n++) socket.write(n); };
  write(0);
  socket.on('open', () => write(500));
  null;
"""


@pytest_asyncio.fixture(loop_scope="session")
async def browser(stage: Stage) -> Chromium:
    client = await stage.cast.client(OURS_IN_CHROMIUM)
    assert isinstance(client.peer, Chromium)
    return client.peer


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("behind", ["nothing", "nginx"])
async def test_a_page_talks(
    browser: Chromium, stage: Stage, tmp_path: Path, way: str, behind: str
) -> None:
    stage.speech = Speech("engine.io")
    server = await stage.server(OURS_IN_PYTHON, echo=True)
    options, transport = WAYS[way]

    async with proxy("nginx", server.port, tmp_path) as port:
        tab = await browser.tab(
            f"{server.url()}/" if behind == "nothing" else f"http://127.0.0.1:{port}/"
        )
        await tab.run(PAGE.replace("$options$", json.dumps(options)))

        await tab.until("got.length >= 1000")
        assert await tab.run("got") == list(range(1000))
        await tab.until(f"socket.socket.transport.name === '{transport}'")
        large = "é" * 300_000
        await tab.run(f"socket.write({json.dumps(large)}); null")
        assert await tab.until("got.length > 1000 && got[1000]") == large
        spark = await server.connection()
        assert await tab.run("new Promise((resolve) => socket.id(resolve))") == spark
        await server.end(spark)
        await tab.until("socket.readyState === Primus.CLOSED")
        assert not tab.errors
        await tab.close()


@pytest.mark.parametrize("options", ["{}", "{ websockets: false }"])
async def test_a_client_that_ends_while_its_session_opens_leaves_no_spark(
    browser: Chromium, stage: Stage, options: str
) -> None:
    stage.speech = Speech("engine.io")
    server = await stage.server(OURS_IN_PYTHON)
    tab = await browser.tab(f"{server.url()}/")

    await tab.run(
        f"window.socket = new Primus({options});"
        "socket.on('outgoing::open', () => socket.end()); null"
    )

    spark = await server.connection()
    assert (await server.event("disconnection"))["spark"] == spark
    await tab.close()
