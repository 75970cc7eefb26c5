"""The cast of a conversation: each kind of client and of server, started once for all tests."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import aiohttp

from .chromium import Chromium
from .node import GENERATIONS, installed, node
from .parties import PLAIN, Client, Peer, Server, Speech
from .process import ProcessPeer
from .tools import PEERS

K = TypeVar("K")
V = TypeVar("V")
Make = Callable[..., Coroutine[Any, Any, V]]

NODE = [f"node{generation}" for generation in GENERATIONS]
OURS_IN_NODE = "primus.js-in-node"
OURS_IN_CHROMIUM = "primus.js-in-chromium"
OURS_IN_PYTHON = "python"
OURS_ON_ITS_OWN = "python-on-its-own"
OURS_UNDER_UVICORN = "python-under-uvicorn"
HOSTS = {OURS_IN_PYTHON: "aiohttp", OURS_ON_ITS_OWN: "own", OURS_UNDER_UVICORN: "uvicorn"}
"""What each kind of our server runs on, as peers/hosts.py calls it."""

REFERENCE = [(kind, kind) for kind in NODE]
CLIENTS = (*NODE, OURS_IN_NODE, OURS_IN_CHROMIUM, OURS_IN_PYTHON)
TO_OUR_SERVER = [(kind, OURS_IN_PYTHON) for kind in CLIENTS]
FROM_OUR_CLIENTS = [(kind, server) for kind in (OURS_IN_PYTHON, OURS_IN_NODE) for server in NODE]
PAIRS = REFERENCE + TO_OUR_SERVER + FROM_OUR_CLIENTS
"""The kinds of client and server that meet: ours with all, and each real Primus with itself."""

ENGINE_PAIRS = [pair for pair in TO_OUR_SERVER if pair[0] != OURS_IN_NODE] + [
    (OURS_IN_PYTHON, server) for server in NODE
]
"""For what differs from `PLAIN` on our side alone, and not on the wire."""

OWN_PAIRS = [
    (client, OURS_ON_ITS_OWN if server == OURS_IN_PYTHON else server)
    for client, server in ENGINE_PAIRS
]
"""The same, with our server on a port of its own, where upgrades pass aiohttp by."""

UPGRADING_PAIRS = TO_OUR_SERVER
POLLING_PAIRS = [(client, OURS_IN_PYTHON) for client in (*NODE, OURS_IN_PYTHON)]
WEBSOCKET_PAIRS = [
    *((client, OURS_ON_ITS_OWN) for client in ("node6", "node8")),
    *((OURS_IN_PYTHON, server) for server in NODE),
]
"""Our browser client speaks a newer revision of Engine.IO than Primus 5 and 6 do. When a server of
Node is destroyed, and that has no poll there at that time, or is just upgrading, is not told:
test_engineio.py has the rest."""

SOCKJS_PAIRS = {
    "websocket": [(kind, OURS_ON_ITS_OWN) for kind in (*NODE, OURS_IN_NODE)],
    "xhr-streaming": [(OURS_IN_PYTHON, OURS_IN_PYTHON), (OURS_IN_PYTHON, "node8")],
    "xhr-polling": [("node5", OURS_IN_PYTHON), (OURS_IN_PYTHON, OURS_IN_PYTHON)],
}
"""The pairs that meet over each transport of SockJS. The others do in test_sockjs, in less time:
sockjs-client in Node does not notice that a stream breaks, and a Node server that is destroyed does
not wait for polls."""

SOCKETIO_PAIRS = {
    "websocket": [(kind, OURS_ON_ITS_OWN) for kind in ("node5", OURS_IN_CHROMIUM)]
    + [(OURS_IN_PYTHON, OURS_IN_PYTHON), (OURS_IN_PYTHON, "node5")],
    "xhr-polling": [(kind, OURS_IN_PYTHON) for kind in ("node5", OURS_IN_NODE, OURS_IN_CHROMIUM)]
    + [(OURS_IN_PYTHON, OURS_UNDER_UVICORN)],
}
"""The pairs that meet over each transport of Socket.IO 0.9, which Primus had up to version 5. A
server of Node drops what it has for a client that it ends while that has no poll there:
test_socketio.py has the rest."""
BROWSERCHANNEL_PAIRS = [
    *((kind, OURS_IN_PYTHON) for kind in NODE),
    *((kind, OURS_ON_ITS_OWN) for kind in (OURS_IN_CHROMIUM, OURS_IN_PYTHON)),
    *((OURS_IN_PYTHON, server) for server in NODE),
]

SILENT = " was dropped: heartbeat after "
"""Stands in what a server logs of a client that has gone without a word."""

UNDER_UVICORN = [(kind, OURS_UNDER_UVICORN) for kind in CLIENTS]
"""With our server under ASGI, for what the host has a part in."""

SPEECHES = {
    PLAIN: PAIRS + UNDER_UVICORN,
    Speech("lws"): OWN_PAIRS,
    Speech("faye"): ENGINE_PAIRS,
    Speech("engine.io"): UPGRADING_PAIRS,
    Speech("engine.io", transports=("polling",)): POLLING_PAIRS,
    Speech("engine.io", transports=("websocket",)): WEBSOCKET_PAIRS,
    Speech("browserchannel"): BROWSERCHANNEL_PAIRS,
    **{Speech("sockjs", transports=(name,)): pairs for name, pairs in SOCKJS_PAIRS.items()},
    **{Speech("socket.io", transports=(name,)): pairs for name, pairs in SOCKETIO_PAIRS.items()},
}
"""The transformers and parsers that they meet over, and the pairs that meet over each."""


def takes_key_for_id(speech: Speech, client: str, server: str) -> bool:
    """Whether the client's own ``id()`` is the key of its session, which is not ``spark.id``.

    Clients of npm ask no server once engine.io-client has a ``sid``. A session that begins as a
    WebSocket has no key, and with Engine.IO's own server the key is the id.
    """
    polls = speech.transformer == "engine.io" and "websocket" not in speech.transports
    return polls and client in NODE and server not in NODE


def meetings() -> list[tuple[Speech, str, str]]:
    """Every speech with each pair of client and server that meets over it."""
    return [(speech, *pair) for speech, pairs in SPEECHES.items() for pair in pairs]


class Cast:
    """The peers of a test run, each started when it is first needed, and only once."""

    def __init__(self) -> None:
        self._peers: dict[str, asyncio.Task[Peer]] = {}
        self._libraries: dict[Speech, asyncio.Task[Path]] = {}

    async def server_peer(self, kind: str) -> ProcessPeer:
        """A fresh process that hosts servers of ``kind``: ``python`` or ``node6``, say."""
        title = f"{kind} server"
        if kind in HOSTS:
            return await ProcessPeer.fork(PEERS / "server.py", HOSTS[kind], title=title)
        folder = installed(int(kind.removeprefix("node")))
        return await ProcessPeer.start(*node(), PEERS / "server.js", folder, title=title)

    async def client_peer(self, kind: str) -> Peer:
        """A fresh process, or browser, that hosts clients of ``kind``."""
        title = f"{kind} client"
        if kind == OURS_IN_CHROMIUM:
            return await Chromium.start()
        if kind == OURS_IN_PYTHON:
            return await ProcessPeer.fork(PEERS / "client.py", title=title)
        folder = installed(8 if kind == OURS_IN_NODE else int(kind.removeprefix("node")))
        return await ProcessPeer.start(*node(), PEERS / "client.js", folder, title=title)

    async def server(self, kind: str) -> Server:
        """A new server at the shared peer of ``kind``; ``listen`` starts it."""
        return Server(await once(self._peers, f"{kind} server", self.server_peer, kind))

    async def client(self, kind: str, speech: Speech = PLAIN) -> Client:
        """A new client at the shared peer of ``kind``; ``connect`` starts it."""
        peer = await once(self._peers, f"{kind} client", self.client_peer, kind)
        library = await self.library(speech) if kind == OURS_IN_NODE else None
        return Client(peer, speech=speech, library=library)

    async def library(self, speech: Speech = PLAIN) -> Path:
        """Our primus.js, as our server serves it, saved where it finds the Node packages."""
        return await once(self._libraries, speech, self._save_library, speech)

    def assert_quiet(self, *, drops: bool = False) -> None:
        """No process of ours has logged a warning, an error or a traceback since the last time.

        With `drops` it may have said that it has dropped clients which were silent.
        """
        for name, starting in self._peers.items():
            if name.startswith(OURS_IN_PYTHON) and starting.done():
                peer = starting.result()
                assert isinstance(peer, ProcessPeer)
                said = "".join(line for line in peer.stderr if not (drops and SILENT in line))
                peer.stderr[:] = []
                assert not said, f"{peer.title} logged:\n{said}"

    async def close(self) -> None:
        """End all parties."""
        for peer in await there(self._peers):
            await peer.close()
        for library in await there(self._libraries):
            library.unlink()

    async def _save_library(self, speech: Speech) -> Path:
        saved = installed(beside(speech)) / f"primus-{uuid4()}.js"
        server = await self.server(OURS_IN_PYTHON)
        await server.listen(options=speech.options)
        async with aiohttp.request("GET", f"{server.url()}/primus/primus.js") as response:
            assert response.status == 200, await response.text()
            saved.write_text(await response.text(), encoding="utf-8")
        await server.destroy()
        return saved


def beside(speech: Speech) -> int:
    """The generation of Primus beside which the Node packages are that our client needs there."""
    return 5 if speech.transformer == "socket.io" else 8


async def once(made: dict[K, asyncio.Task[V]], key: K, make: Make[V], *arguments: Any) -> V:
    """What ``make`` makes for ``key``; a call while it is being made waits for the same."""
    if key not in made:
        made[key] = asyncio.create_task(make(*arguments))
    return await made[key]


async def there(made: dict[K, asyncio.Task[V]]) -> list[V]:
    """All that could be made."""
    each = await asyncio.gather(*made.values(), return_exceptions=True)
    return [one for one in each if not isinstance(one, BaseException)]
