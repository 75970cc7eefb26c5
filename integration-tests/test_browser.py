"""Our primus.js in a real browser: what only a browser can do (else see test_conversations)."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from harness.casts import OURS_IN_CHROMIUM, OURS_IN_PYTHON
from harness.chromium import Chromium, Tab
from harness.parties import Server
from harness.stage import Stage
from harness.tools import missing
from primus import Primus

pytestmark = pytest.mark.asyncio(loop_scope="session")

SCRIPT = """
  window.got = []; window.story = [];
  window.socket = {make};
  socket.on('data', (data) => got.push(data));
  for (const event of ['open', 'close', 'end', 'offline', 'online', 'reconnected', 'error'])
    socket.on(event, () => story.push(event));
  null;
"""


@pytest_asyncio.fixture(loop_scope="session")
async def browser(stage: Stage) -> Chromium:
    client = await stage.cast.client(OURS_IN_CHROMIUM)
    assert isinstance(client.peer, Chromium)
    return client.peer


@pytest_asyncio.fixture(loop_scope="session", params=["minified", "readable"])
async def server(request: pytest.FixtureRequest, stage: Stage) -> Server:
    minify = request.param == "minified"
    if minify and Primus().library(minified=True) == Primus().library():
        missing("the minified client", "python tools/minifying.py")
    return await stage.server(OURS_IN_PYTHON, options={"minify": minify}, echo=True)


@pytest_asyncio.fixture(loop_scope="session")
async def tab(browser: Chromium, server: Server) -> AsyncIterator[Tab]:
    """A page of the server, which must not have thrown anything in the end."""
    tab = await browser.tab(f"{server.url()}/")
    yield tab
    assert not tab.errors
    await tab.close()


async def play(tab: Tab, make: str) -> None:
    """Make a socket in the page, and write down what happens to it."""
    await tab.run(SCRIPT.format(make=make))


async def test_a_script_tag_is_enough(tab: Tab) -> None:
    await play(tab, "new Primus()")
    await tab.run("socket.write({ hello: 'world' })")

    assert await tab.until("got.length && got") == [{"hello": "world"}]
    assert await tab.run("socket.url.href || String(socket.url)")


async def test_connect_is_another_way_to_say_it(tab: Tab, server: Server) -> None:
    await play(tab, f"Primus.connect('{server.url()}')")
    await tab.run("socket.write('hi')")

    assert await tab.until("got.length && got") == ["hi"]


async def test_a_module_is_imported(tab: Tab) -> None:
    await tab.run(
        "import('/primus/primus.mjs').then((module) => {"
        " window.Imported = module.default || module.Primus; })"
    )
    await play(tab, "new Imported()")
    await tab.run("socket.write('from a module')")

    assert await tab.until("got.length && got") == ["from a module"]


async def test_amd_loaders_get_it_by_define(tab: Tab) -> None:
    await tab.run(
        "(async () => { const text = await (await fetch('/primus/primus.js')).text();"
        " window.define = Object.assign((...all) => {"
        "   const factory = all.pop(); window.Defined = factory(); }, { amd: {} });"
        " (0, eval)(text); delete window.define; })()"
    )
    await play(tab, "new Defined()")
    await tab.run("socket.write('from amd')")

    assert await tab.until("got.length && got") == ["from amd"]


async def test_offline_and_online_are_noticed_and_the_connection_comes_back(tab: Tab) -> None:
    await play(tab, "new Primus({ reconnect: { min: 50, max: 200 } })")
    await tab.until("story.includes('open')")

    await tab.offline(offline=True)
    await tab.until("story.includes('offline')")
    assert await tab.run("socket.online") is False
    await tab.run("socket.write('written while offline')")
    await tab.offline(offline=False)

    await tab.until("story.includes('online')")
    assert await tab.until("got.length && got") == ["written while offline"]


async def test_a_page_of_another_origin_connects(
    browser: Chromium, server: Server, stage: Stage
) -> None:
    elsewhere = await stage.server(OURS_IN_PYTHON)
    tab = await browser.tab(f"http://localhost:{elsewhere.port}/")

    await play(tab, f"new Primus('{server.url(name='abroad')}')")
    await tab.run("socket.write('from abroad')")

    assert await tab.until("got.length && got") == ["from abroad"]
    assert (await server.event("connection"))["query"]["name"] == "abroad"
    await tab.close()


async def test_a_page_of_another_origin_loads_the_library_and_the_specification(
    browser: Chromium, server: Server, stage: Stage
) -> None:
    elsewhere = await stage.server(OURS_IN_PYTHON)
    tab = await browser.tab(f"http://localhost:{elsewhere.port}/")

    spec = await tab.run(
        f"fetch('{server.url()}/primus/spec', {{ credentials: 'include' }}).then((r) => r.json())"
    )
    await tab.run(
        f"import('{server.url()}/primus/primus.mjs')"
        ".then((module) => { window.Imported = module.default; })"
    )

    assert spec["transformer"] == "websockets"
    assert await tab.run("typeof Imported") == "function"
    await tab.close()


async def test_an_origin_that_is_not_listed_is_refused(
    browser: Chromium, server: Server, stage: Stage
) -> None:
    strict = await stage.server(OURS_IN_PYTHON, options={"origins": "http://example.org"})
    tab = await browser.tab(f"{server.url()}/")

    await play(tab, f"new Primus('{strict.url()}', {{ strategy: false }})")

    await tab.until("story.includes('end')")
    assert not await tab.run("story.includes('open')")
    assert not strict.seen("connection")
    await tab.close()


async def test_a_page_that_is_not_authorized_does_not_try_again(
    browser: Chromium, stage: Stage
) -> None:
    guarded = await stage.server(OURS_IN_PYTHON, token="sesame")
    tab = await browser.tab(f"{guarded.url()}/")

    await play(tab, "new Primus('?token=wrong')")
    await tab.until("story.includes('end')")
    refused = await tab.run("story")
    await play(tab, "new Primus('?token=sesame')")
    await tab.until("story.includes('open')")

    assert refused[0] == "error"
    assert refused[-1] == "end"
    await tab.close()


async def test_a_page_that_is_closed_is_gone(browser: Chromium, server: Server) -> None:
    tab = await browser.tab(f"{server.url()}/")
    await play(tab, "new Primus()")
    spark = await server.connection()

    await tab.close()

    assert (await server.event("disconnection"))["spark"] == spark


async def test_a_page_that_is_reloaded_connects_anew(tab: Tab, server: Server) -> None:
    await play(tab, "new Primus()")
    first = await server.connection()

    await tab.go(f"{server.url()}/")
    await play(tab, "new Primus()")

    assert (await server.event("disconnection"))["spark"] == first
    assert await server.connection() != first


async def test_every_awkward_character_survives_the_page(tab: Tab) -> None:
    await play(tab, "new Primus()")
    await tab.run(
        "window.sent = Array.from({ length: 0x110000 / 1024 }, (_, row) => String.fromCodePoint("
        "  ...Array.from({ length: 1024 }, (_, n) => row * 1024 + n)"
        "     .filter((code) => code < 0xd800 || code > 0xdfff)));"
        "sent.forEach((text) => socket.write(text))"
    )

    await tab.until("got.length === sent.length", within=300)
    assert await tab.run("got.every((text, index) => text === sent[index])")
