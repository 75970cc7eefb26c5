"""Attached to an aiohttp application, Primus owns its path and leaves the rest alone."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from harness.casts import NODE, OURS_IN_NODE, OURS_IN_PYTHON
from harness.inbox import DEADLINE
from harness.network import CLOSE, RawWebSocket, free_port, listening
from harness.stage import Stage
from harness.tools import PEERS
from primus import Primus, Spark

pytestmark = pytest.mark.asyncio(loop_scope="session")


class Site:
    """An application with routes and WebSockets of its own, and Primus attached to it."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.uploading = asyncio.Event()
        self.app = web.Application(middlewares=[self.stamp])
        self.app.router.add_get("/", self.home)
        self.app.router.add_post("/upload", self.upload)
        self.app.router.add_get("/own-socket", self.own_socket)
        self.app.router.add_get("/primer", self.home)
        self.app.on_shutdown.append(self.shutdown)
        self.app.on_cleanup.append(self.cleanup)
        self.primus = Primus(self.app, transformer="websockets")
        self.primus.on("connection", lambda spark: spark.on("data", spark.write))
        self.runner = web.AppRunner(self.app, handle_signals=False, shutdown_timeout=2)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def port(self) -> int:
        return int(self.runner.addresses[0][1])

    async def start(self) -> None:
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()

    @web.middleware
    async def stamp(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.events.append(f"middleware {request.path}")
        response: web.StreamResponse = await handler(request)
        return response

    async def home(self, request: web.Request) -> web.Response:
        return web.Response(text="home")

    async def upload(self, request: web.Request) -> web.Response:
        self.uploading.set()
        return web.Response(text=str(len(await request.read())))

    async def own_socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(f"own {message.data}")
        self.events.append("own socket closed")
        return socket

    async def shutdown(self, app: web.Application) -> None:
        self.events.append("on_shutdown")

    async def cleanup(self, app: web.Application) -> None:
        self.events.append("on_cleanup")


@pytest_asyncio.fixture(loop_scope="session")
async def site() -> AsyncIterator[Site]:
    site = Site()
    await site.start()
    yield site
    await site.runner.cleanup()


@pytest_asyncio.fixture(loop_scope="session")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_the_other_routes_answer_as_before(site: Site, http: aiohttp.ClientSession) -> None:
    async with http.get(f"{site.url}/") as response:
        assert (response.status, await response.text()) == (200, "home")
    async with http.post(f"{site.url}/upload", data=b"x" * 500_000) as response:
        assert await response.text() == "500000"
    async with http.get(f"{site.url}/nowhere") as response:
        assert response.status == 404
    async with http.get(f"{site.url}/primer") as response:
        assert await response.text() == "home"


async def test_its_own_websockets_work_beside_ours(site: Site, http: aiohttp.ClientSession) -> None:
    async with (
        http.ws_connect(f"{site.url}/own-socket") as own,
        await RawWebSocket.connect(site.port) as ours,
    ):
        await own.send_str("hello")
        ours.send(b'"hello"')

        assert await own.receive_str(timeout=DEADLINE) == "own hello"
        assert await ours.receive() == (1, b'"hello"')
    assert "middleware /own-socket" in site.events


async def test_a_kept_alive_connection_serves_routes_and_then_becomes_ours(site: Site) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert await reader.readexactly(4) == b"home"

    writer.write(
        b"GET /primus/ HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        b"\x81\x82\x00\x00\x00\x0042"
    )

    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
    assert await reader.readexactly(4) == b"\x81\x0242"
    writer.close()
    await writer.wait_closed()


async def test_a_plain_get_of_the_websocket_endpoint_is_told_to_upgrade(
    site: Site, http: aiohttp.ClientSession
) -> None:
    async with http.get(f"{site.url}/primus/") as response:
        assert response.status == 426


async def test_the_specification_is_served(site: Site, http: aiohttp.ClientSession) -> None:
    async with http.get(f"{site.url}/primus/spec") as response:
        spec = json.loads(await response.text())

    assert spec["transformer"] == "websockets"
    assert spec["parser"] == "json"
    assert spec["pathname"] == "/primus"
    assert (spec["timeout"], spec["pingInterval"]) == (35_000, 30_000)


async def test_graceful_shutdown_runs_as_if_primus_were_not_there(
    site: Site, http: aiohttp.ClientSession
) -> None:
    ours = await RawWebSocket.connect(site.port)
    gone: list[Spark] = []
    site.primus.on("disconnection", gone.append)
    ours.send(b"1")
    await ours.receive()

    leaving = asyncio.create_task(leave_when_told(ours))
    started = asyncio.get_running_loop().time()
    await site.runner.cleanup()
    took = asyncio.get_running_loop().time() - started

    assert site.events[-2:] == ["on_shutdown", "on_cleanup"]
    assert len(gone) == 1
    assert len(site.primus) == 0
    assert took < 2
    assert await leaving == []  # no word that it is for good: clients may come back


async def leave_when_told(client: RawWebSocket) -> list[bytes]:
    """Close as clients do, and get what was said before."""
    said = []
    while (received := await client.receive())[0] != CLOSE:
        said.append(received[1])
    client.send(received[1], CLOSE)
    await client.close()
    return said


async def test_an_application_that_is_terminated_leaves_at_once_and_its_clients_may_come_back(
    stage: Stage,
) -> None:
    port = free_port()
    pipe = asyncio.subprocess.PIPE
    command: list[str | Path] = [sys.executable, PEERS / "application.py", str(port)]
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
    await listening(process, port)
    clients = [await stage.client(kind) for kind in (*NODE, OURS_IN_NODE, OURS_IN_PYTHON)]
    for client in clients:
        await client.connect(f"http://127.0.0.1:{port}", writes=["hello"], reconnect={"min": 100})
        assert await client.data() == "hello"

    process.terminate()
    async with asyncio.timeout(DEADLINE):
        said = await process.communicate()

    assert process.returncode == 0
    assert said == (b"", b"")
    for client in clients:
        await client.event("reconnect scheduled")
        assert not client.seen("end")


async def test_a_request_in_progress_is_finished_before_the_shutdown(site: Site) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", site.port)
    reader, slow = await asyncio.open_connection("127.0.0.1", site.port)
    slow.write(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345")
    async with asyncio.timeout(DEADLINE):
        await site.uploading.wait()

    stopping = asyncio.create_task(site.runner.cleanup())
    slow.write(b"67890")

    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    await stopping
    for each in (writer, slow):
        each.close()
