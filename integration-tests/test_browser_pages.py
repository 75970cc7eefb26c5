"""What happens to a page around its connection: busy threads, caches, workers and frames."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from harness.casts import OURS_IN_CHROMIUM, OURS_IN_PYTHON
from harness.chromium import Chromium, Tab
from harness.node import installed_peer
from harness.parties import Server, Speech
from harness.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

OpenTab = Callable[[Server, str], Awaitable[Tab]]

SCRIPT = """
  window.got = []; window.story = [];
  window.socket = $make$;
  socket.on('data', (data) => got.push(data));
  for (const event of ['open', 'close', 'end', 'offline', 'reconnected', 'error'])
    socket.on(event, () => story.push(event));
  null;
"""
NODE_LIBRARY = """
  const [Primus, transformer, file] = [require('primus'), ...process.argv.slice(1)];
  const primus = new Primus(require('http').createServer(), { transformer });
  require('fs').writeFileSync(file, primus.library());
  process.exit();
"""
BUSY = "for (const end = performance.now() + 1200; performance.now() < end;); null"
WORKER = """
  const text = `importScripts('${location.origin}/primus/primus.js');
    const socket = new Primus('?from=worker');
    socket.on('data', (data) => postMessage(data));
    socket.write('hello');`;
  const worker = new Worker(URL.createObjectURL(new Blob([text], { type: 'text/javascript' })));
  worker.onmessage = ({ data }) => got.push(data);
"""
MODULE = """
  import('/primus/primus.mjs').then(({ default: Primus }) => {
    window.socket = new Primus({ reconnect: { min: 10 } });
    socket.on('data', (data) => got.push(data));
    socket.on('reconnected', () => socket.write('hello again'));
    socket.write('hello');
  });
"""
MODULE_WORKER = """
  const text = `import Primus from '${location.origin}/primus/primus.mjs';
    const socket = new Primus({ reconnect: { min: 10 } });
    socket.on('data', (data) => postMessage(data));
    socket.on('reconnected', () => socket.write('hello again'));
    socket.write('hello');`;
  const url = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
  const worker = new Worker(url, { type: 'module' });
  worker.onmessage = ({ data }) => got.push(data);
"""
FRAME = """
  const frame = document.createElement('iframe');
  $sandbox$
  frame.srcdoc = `<script src="${location.origin}/primus/primus.js"></script><script>
    const socket = new Primus('?from=frame');
    socket.on('data', (data) => parent.postMessage(data, '*'));
    socket.write('hello');</script>`;
  window.onmessage = ({ data }) => got.push(data);
  document.body.append(frame);
"""


@pytest_asyncio.fixture(loop_scope="session")
async def open_tab(stage: Stage) -> AsyncIterator[OpenTab]:
    """Opens pages of a server with a socket in each; in the end they have thrown nothing."""
    client = await stage.cast.client(OURS_IN_CHROMIUM)
    assert isinstance(client.peer, Chromium)
    browser, tabs = client.peer, list[Tab]()

    async def new(server: Server, make: str) -> Tab:
        tabs.append(await browser.tab(f"{server.url()}/"))
        await tabs[-1].run(SCRIPT.replace("$make$", make))
        return tabs[-1]

    yield new
    for tab in tabs:
        assert not tab.errors
        await tab.close()


@pytest.mark.parametrize("transformer", ["websockets", "engine.io", "sockjs"])
async def test_a_page_that_was_busy_keeps_its_connection_and_its_messages(
    stage: Stage, open_tab: OpenTab, transformer: str
) -> None:
    stage.speech = Speech(transformer)
    server = await stage.server(OURS_IN_PYTHON, options={"ping_interval": 100, "timeout": 60_000})
    tab = await open_tab(server, "new Primus({ pingTimeout: 400 })")
    await tab.until("story.includes('open')")
    spark = await server.connection()

    await tab.run(f"setTimeout(() => {{ {BUSY} }}, 0); null")
    await server.write(spark, *range(100))

    await tab.until("got.length >= 100")
    assert await tab.run("story") == ["open"]


@pytest.mark.parametrize("transformer", ["websockets", "engine.io", "sockjs"])
@pytest.mark.parametrize("generation", [5, 6, 8])
async def test_a_page_with_the_client_of_a_node_server_talks_to_ours(
    stage: Stage, open_tab: OpenTab, tmp_path: Path, generation: int, transformer: str
) -> None:
    file = tmp_path / "primus.js"
    made = await asyncio.create_subprocess_exec(
        *("node", "-e", NODE_LIBRARY, transformer, file), cwd=installed_peer(f"primus{generation}")
    )
    assert await made.wait() == 0
    stage.speech = Speech(transformer)
    server = await stage.server(OURS_IN_PYTHON, echo=True)
    tab = await open_tab(server, "new Primus({ manual: true })")
    await tab.run(file.read_text() + SCRIPT.replace("$make$", "new Primus(location.origin)"))

    await tab.run("socket.write('hello'); null")

    assert await tab.until("got.length && got") == ["hello"]
    assert await tab.run("Primus.prototype.version[0]") == str(generation)
    await tab.run("socket.end(); null")


async def test_a_page_is_told_on_the_console_of_a_value_that_cannot_be_encoded(
    stage: Stage, open_tab: OpenTab
) -> None:
    server = await stage.server(OURS_IN_PYTHON, echo=True)
    tab = await open_tab(server, "new Primus()")
    await tab.until("story.includes('open')")
    await tab.run("window.told = []; console.warn = (text) => told.push(text); null")

    await tab.run("socket.write({ id: 1n }); null")
    assert await tab.run("[story, told]") == [["open", "error"], []]

    await tab.run("socket.off('error'); socket.write({ id: 1n }); socket.write('after'); null")
    assert await tab.until("got.length && got") == ["after"]
    (told,) = await tab.run("told")
    assert told.startswith("Primus: Do not know how to serialize a BigInt")


async def test_a_page_in_the_cache_has_left_and_connects_anew_at_once_when_it_returns(
    stage: Stage, open_tab: OpenTab
) -> None:
    stage.speech = Speech("engine.io")  # sockjs-client's `unload` keeps its pages out of the cache
    # No heartbeat tells the server that the page is gone.
    silent = {"ping_interval": False, "timeout": False, "transport": {"ping_interval": 600.0}}
    server = await stage.server(OURS_IN_PYTHON, echo=True, options=silent)
    tab = await open_tab(server, "new Primus({ websockets: false, reconnect: { min: 10 } })")
    await tab.until("story.includes('open')")
    before = await server.connection()
    await tab.run("addEventListener('pageshow', (event) => { window.back = event.persisted; })")

    await tab.go("data:text/html,elsewhere")
    await server.event("disconnection")
    await tab.run("setTimeout(() => history.back()); null")
    await server.event("connection")
    await tab.until("window.back")
    await tab.until("story.includes('reconnected')")
    await tab.run("socket.write('back again'); null")

    assert await tab.until("got.length && got") == ["back again"]
    assert await tab.run("socket.id()") != before


async def test_a_page_that_was_frozen_for_longer_than_its_session_polls_no_new_one(
    stage: Stage, open_tab: OpenTab
) -> None:
    stage.speech = Speech("sockjs")
    options = {"ping_interval": 500, "timeout": 1000, "heartbeat": "modern"}
    server = await stage.server(OURS_IN_PYTHON, echo=True, options=options)
    tab = await open_tab(
        server, "new Primus({ transport: { transports: ['xhr-polling'] }, reconnect: { min: 10 } })"
    )
    await tab.run("socket.on('error', (error) => story.push(error.message)); null")
    await tab.run("socket.on('close', (closed) => story.push(closed.code)); null")
    await tab.until("story.includes('open')")

    await tab.call("Page.setWebLifecycleState", state="frozen")
    await server.event("disconnection")
    await tab.call("Page.setWebLifecycleState", state="active")

    story = ["open", "error", "permanent", "close", "wire lost", "reconnected", "open"]
    await tab.until("story.length >= 7")
    assert await tab.run("story") == story
    await tab.run("socket.end(); null")


@pytest.mark.parametrize(
    "make",
    [
        WORKER,
        FRAME.replace("$sandbox$", ""),
        FRAME.replace("$sandbox$", "frame.sandbox = 'allow-scripts';"),
    ],
    ids=["blob-worker", "srcdoc-frame", "sandboxed-srcdoc-frame"],
)
async def test_a_worker_or_frame_without_an_address_connects_to_the_server_of_its_page(
    stage: Stage, open_tab: OpenTab, make: str
) -> None:
    server = await stage.server(OURS_IN_PYTHON, echo=True)
    tab = await open_tab(server, "new Primus({ manual: true })")

    await tab.run(f"{{ {make} }} null")

    assert await tab.until("got.length && got") == ["hello"]
    assert (await server.event("connection"))["query"]["from"] in ("worker", "frame")


@pytest.mark.parametrize("make", [MODULE, MODULE_WORKER], ids=["page", "worker"])
@pytest.mark.parametrize(
    "transformer", ["websockets", "engine.io", "sockjs", "socket.io", "browserchannel"]
)
async def test_a_module_connects_and_comes_back_when_its_connection_is_ended(
    stage: Stage, open_tab: OpenTab, transformer: str, make: str
) -> None:
    stage.speech = Speech(transformer)
    server = await stage.server(OURS_IN_PYTHON, echo=True)
    tab = await open_tab(server, "new Primus({ manual: true })")

    await tab.run(f"{{ {make} }} null")
    assert await tab.until("got.length && got") == ["hello"]
    await server.end(await server.connection(), reconnect=True)

    assert await tab.until("got.length > 1 && got") == ["hello", "hello again"]


@pytest.mark.parametrize("transformer", ["websockets", "engine.io", "sockjs"])
async def test_a_listener_of_outgoing_url_sets_the_pathname(
    stage: Stage, open_tab: OpenTab, transformer: str
) -> None:
    stage.speech = Speech(transformer)
    server = await stage.server(OURS_IN_PYTHON, echo=True)
    tab = await open_tab(
        server,
        "(Primus.prototype.pathname = '/elsewhere', new Primus({ manual: true, strategy: false }))",
    )

    await tab.run(
        "socket.on('outgoing::url', (address) => { address.pathname = '/primus'; });"
        "socket.open(); socket.write('hello'); null"
    )

    assert await tab.until("got.length && got") == ["hello"]
