"""The browser client over Socket.IO 0.9 in Chromium: with and without WebSockets, behind nginx."""

import asyncio
import json
from pathlib import Path

import pytest
import pytest_asyncio

from harness.casts import OURS_IN_CHROMIUM, OURS_IN_PYTHON
from harness.chromium import Chromium
from harness.node import installed, node
from harness.parties import Speech
from harness.proxies import proxy
from harness.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

WAYS = {
    "websocket": ({}, "websocket"),
    "without-websockets": ({"websockets": False}, "xhr-polling"),
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
async def test_two_tabs_talk(
    browser: Chromium, stage: Stage, tmp_path: Path, way: str, behind: str
) -> None:
    stage.speech = Speech("socket.io")
    server = await stage.server(OURS_IN_PYTHON, echo=True)
    options, transport = WAYS[way]

    async with proxy("nginx", server.port, tmp_path) as port:
        url = f"{server.url()}/" if behind == "nothing" else f"http://127.0.0.1:{port}/"
        tabs = [await browser.tab(url) for _ in range(2)]
        for tab in tabs:
            await tab.run(PAGE.replace("$options$", json.dumps(options)))
        for tab in tabs:
            await tab.until("got.length >= 1000")
            assert await tab.run("got") == list(range(1000))
            assert await tab.run("socket.socket.socket.transport.name") == transport
            assert await tab.run("typeof io") == "undefined"
            large = "é" * 300_000
            await tab.run(f"socket.write({json.dumps(large)}); null")
            assert await tab.until("got.length > 1000 && got[1000]") == large
        ids = [await tab.run("new Promise((resolve) => socket.id(resolve))") for tab in tabs]
        assert sorted(ids) == sorted(await server.connected())
        for spark, tab in zip(ids, tabs, strict=True):
            await server.end(spark)
            await tab.until("socket.readyState === Primus.CLOSED")
            assert not tab.errors
            await tab.close()


LIBRARY = """
  const Primus = require('primus');
  const options = { transformer: 'socket.io', parser: 'json' };
  process.stdout.write(new Primus(require('http').createServer(), options).library());
"""


@pytest.mark.parametrize("transport", ["websocket", "xhr-polling", "jsonp-polling"])
async def test_a_page_of_primus_5_talks(browser: Chromium, stage: Stage, transport: str) -> None:
    stage.speech = Speech("socket.io")
    offered = {"transport": {"transports": ["websocket", "xhr-polling", "jsonp-polling"]}}
    server = await stage.server(OURS_IN_PYTHON, echo=True, options=offered)
    command = [*node(), "-e", LIBRARY]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=installed(5), stdout=asyncio.subprocess.PIPE
    )
    library, _ = await process.communicate()

    tab = await browser.tab(f"{server.url()}/")
    await tab.run(f"{library.decode()}; window.Primus = Primus; null")
    await tab.run(f"io.transports = ['{transport}']; null")
    await tab.run(PAGE.replace("$options$", "{}"))
    await tab.until("got.length >= 1000")
    assert await tab.run("got") == list(range(1000))
    assert await tab.run("socket.socket.socket.transport.name") == transport
    awkward = 'quote " </script> \u2028 \U0001f600 \\ \n'
    await tab.run(f"socket.write({json.dumps(awkward)}); null")
    assert await tab.until("got.length > 1000 && got[1000]") == awkward
    await server.end(await server.connection())
    await tab.until("socket.readyState === Primus.CLOSED")
    assert not tab.errors
    await tab.close()
