"""Each transport of SockJS on its own, between us and every generation of Primus for Node."""

from pathlib import Path

import pytest

from harness.casts import NODE, OURS_IN_CHROMIUM, OURS_IN_NODE, OURS_IN_PYTHON
from harness.chromium import Chromium
from harness.parties import Client, Speech
from harness.proxies import proxy
from harness.relays import relaying
from harness.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

NODE_TRANSPORTS = ["websocket", "xhr-streaming", "eventsource", "xhr-polling"]
PYTHON_TRANSPORTS = ["websocket", "xhr-streaming", "xhr-polling"]
MEETINGS = [
    *[(name, kind, OURS_IN_PYTHON) for name in NODE_TRANSPORTS for kind in (*NODE, OURS_IN_NODE)],
    *[(name, OURS_IN_PYTHON, kind) for name in PYTHON_TRANSPORTS for kind in NODE],
]
MEGABYTE = "é" * 500_000


@pytest.mark.parametrize(
    ("transport", "client_kind", "server_kind"),
    MEETINGS,
    ids=["-".join(meeting) for meeting in MEETINGS],
)
async def test_volleys_both_ways_keep_their_order(
    stage: Stage, transport: str, client_kind: str, server_kind: str
) -> None:
    stage.speech = Speech("sockjs", transports=(transport,))
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


async def talk(client: Client, url: str, **options: object) -> None:
    """Connect, have something echoed, and leave."""
    await client.connect(url, writes=["hello", "x" * 300_000], **options)
    assert await client.data() == "hello"
    assert await client.data() == "x" * 300_000
    await client.end()


@pytest.mark.parametrize("websockets", [True, False])
async def test_a_page_talks_through_nginx_with_and_without_websockets(
    stage: Stage, tmp_path: Path, websockets: bool
) -> None:
    stage.speech = Speech("sockjs")
    server = await stage.server(OURS_IN_PYTHON, echo=True)
    client = await stage.client(OURS_IN_CHROMIUM)
    assert isinstance(client.peer, Chromium)

    async with proxy("nginx", server.port, tmp_path) as port:
        for at in (server.port, port):
            tab = await client.peer.tab(f"http://127.0.0.1:{at}/")
            options = f"{{ websockets: {str(websockets).lower()} }}"
            await tab.run(
                f"window.got = []; window.socket = new Primus({options});"
                "socket.on('data', (data) => got.push(data));"
                "socket.write('hello'); socket.write('x'.repeat(300000)); null"
            )
            assert await tab.until("got.length === 2 && got[0]") == "hello"
            assert await tab.run("got[1].length") == 300_000
            used = await tab.run("socket.socket.transport")
            assert used == ("websocket" if websockets else "xhr-streaming")
            await tab.close()
            await server.event("disconnection")


@pytest.mark.parametrize("kind", ["nginx", "haproxy"])
async def test_every_transport_passes_a_proxy(stage: Stage, kind: str, tmp_path: Path) -> None:
    stage.speech = Speech("sockjs")
    options = {"transport": {"disconnect_delay": 1.0}}
    server = await stage.server(OURS_IN_PYTHON, echo=True, options=options)

    async with proxy(kind, server.port, tmp_path) as port:
        for client_kind, transports in (
            ("node8", NODE_TRANSPORTS),
            (OURS_IN_PYTHON, PYTHON_TRANSPORTS),
        ):
            for name in transports:
                stage.speech = Speech("sockjs", transports=(name,))
                client = await stage.client(client_kind)
                await talk(client, f"http://127.0.0.1:{port}")
                await server.event("disconnection")


async def test_primus_js_in_node_avoids_websockets(stage: Stage) -> None:
    stage.speech = Speech("sockjs")
    server = await stage.server(OURS_IN_PYTHON, echo=True)
    client = await stage.client(OURS_IN_NODE)
    await talk(client, server.url(), websockets=False)
    await server.event("disconnection")


@pytest.mark.parametrize(
    ("kind", "transport"),
    [(OURS_IN_PYTHON, name) for name in ("xhr-streaming", "xhr-polling")]
    + [(OURS_IN_NODE, name) for name in ("xhr-streaming", "eventsource", "xhr-polling")]
    + [(OURS_IN_CHROMIUM, name) for name in ("xhr-streaming", "eventsource", "xhr-polling")],
)
async def test_a_session_that_a_proxy_sends_to_another_server_is_not_opened_there_again(
    stage: Stage, kind: str, transport: str
) -> None:
    stage.speech = Speech("sockjs", transports=(transport,))
    short = {"transport": {"response_limit": 1}}  # so that a stream ends with the first message
    one, two = [await stage.server(OURS_IN_PYTHON, options=short, echo=True) for _ in range(2)]
    client = await stage.client(kind)

    async with relaying(one.port) as relay:
        url = f"http://127.0.0.1:{relay.port}"
        await client.connect(url, writes=["hello"], reconnect={"min": 20, "max": 50})
        opened = await one.event("connection")
        assert await client.data() == "hello"
        relay.upstream = two.port
        await one.write(opened["spark"], "receive again")
        opened_again = await two.event("connection")
        await client.write("echo")
        while await client.data() != "echo":
            pass

    assert opened_again["query"]["_primuscb"] != opened["query"]["_primuscb"]
    assert len(two.seen("connection")) == 1
