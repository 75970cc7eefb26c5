import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from primus import Primus
from primus_testing import ManualClock, MemoryTransformer, eventually

MakePrimus = Callable[..., Any]


@pytest.fixture
def make_primus() -> MakePrimus:
    """Makes servers in memory with the plugin; each has its own clock, and no heartbeats."""

    def make(server: Any = None, **options: Any) -> Any:
        settings = {
            "plugin": "omega-supreme",
            "password": "secret",
            "clock": ManualClock(),
            "timeout": False,
            "ping_interval": False,
            **options,
        }
        return Primus(server, transformer=MemoryTransformer, **settings)

    return make


@pytest.fixture
def primus(make_primus: MakePrimus) -> Any:
    """A server in memory with the plugin."""
    return make_primus()


class Peer:
    """A server that notes what it is sent, and can hold back its answers."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.under_way = 0
        self.most_under_way = 0
        self.takes_batches = False
        self.url = ""
        self._answering = asyncio.Event()
        self._answering.set()

    def freeze(self) -> None:
        """Answer nothing any more."""
        self._answering.clear()

    def thaw(self) -> None:
        """Answer what has been sent, and what is sent from now on."""
        self._answering.set()

    async def asked(self, count: int) -> None:
        """Wait for so many requests in all."""
        await eventually(lambda: len(self.requests) >= count)

    @property
    def messages(self) -> list[Any]:
        """The messages, in the order in which they came; without those to no spark."""
        bodies = [part for body in self.requests for part in body.get("batch", [body])]
        return [body["msg"] for body in bodies if body.get("sparks") != [] or "rooms" in body]

    async def handle(self, request: web.Request) -> web.Response:
        """Note a request, and answer it as a server on Node.js does, or as one of ours."""
        body = await request.json()
        self.requests.append(body)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        await self._answering.wait()
        self.under_way -= 1
        if "batch" in body:
            if not self.takes_batches:
                return web.json_response(
                    {"ok": False, "reason": "invalid data structure"}, status=500
                )
            each = [1 for _ in body["batch"]]
            answer = web.json_response({"ok": True, "send": len(each), "results": each})
        else:
            sparks = body.get("sparks")
            count = len(sparks) if isinstance(sparks, list) else 1
            answer = web.json_response({"ok": True, "send": count})
        if self.takes_batches:
            answer.headers["Primus-Batch"] = "1"
        return answer


@pytest.fixture
async def start_peer() -> AsyncIterator[Callable[[], Awaitable[Peer]]]:
    """Starts peers on free ports; all end together, whatever they hold back."""
    servers: list[tuple[Peer, TestServer]] = []

    async def start() -> Peer:
        peer, app = Peer(), web.Application()
        app.router.add_put("/primus/omega/supreme", peer.handle)
        server = TestServer(app)
        await server.start_server()
        peer.url = str(server.make_url(""))
        servers.append((peer, server))
        return peer

    yield start
    for peer, server in servers:
        peer.thaw()
        await server.close()


@pytest.fixture
async def peer(start_peer: Callable[[], Awaitable[Peer]]) -> Peer:
    """A peer as a server on Node.js is: it takes one message at a time."""
    return await start_peer()


@dataclass
class Started:
    """A server with the plugins, and where it is."""

    primus: Any
    url: str


@pytest.fixture
async def start(make_primus: MakePrimus) -> AsyncIterator[Callable[..., Awaitable[Started]]]:
    """Starts servers with the plugins on free ports of this machine; all end together."""
    async with AsyncExitStack() as stack:

        async def start(*plugins: str, **options: Any) -> Started:
            app = web.Application()
            primus = make_primus(server=app, plugin=["omega-supreme", *plugins], **options)
            server = await stack.enter_async_context(TestServer(app))
            stack.push_async_callback(primus.destroy)
            return Started(primus, str(server.make_url("")))

        yield start
