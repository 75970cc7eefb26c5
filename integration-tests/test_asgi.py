"""Beside a FastAPI application, under real ASGI servers, Primus owns its path and nothing else."""

import asyncio
import json
import os
import signal
import struct
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
import pytest_asyncio

from harness.casts import NODE, OURS_IN_NODE, OURS_IN_PYTHON
from harness.inbox import DEADLINE
from harness.network import CLOSE, RawWebSocket, Refused, free_port, listening
from harness.stage import Stage
from harness.tools import PEERS

pytestmark = pytest.mark.asyncio(loop_scope="session")

UVICORN = ["uvicorn", "--no-proxy-headers", "--host", "127.0.0.1", "--port", "{port}"]
SERVERS = {
    "uvicorn": [*UVICORN, "--ws", "websockets-sansio"],
    "uvicorn-primus": [*UVICORN, "--ws", "primus.uvicorn:WebSockets"],
    "uvicorn-wsproto": [*UVICORN, "--ws", "wsproto", "--loop", "asyncio", "--http", "h11"],
    "hypercorn": ["hypercorn", "--graceful-timeout", "1", "--bind", "127.0.0.1:{port}"],
    "granian": ["granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", "{port}"],
}


class Running:
    """A server with the application, and what they print."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.port = port
        self.lines: list[str] = []
        self._more = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            async with self._more:
                self.lines.append(line.decode().rstrip())
                self._more.notify_all()

    async def says(self, line: str) -> None:
        """Wait for a line."""
        async with asyncio.timeout(DEADLINE), self._more:
            await self._more.wait_for(lambda: line in self.lines)

    async def terminate(self) -> int:
        """Stop it in order; its exit code."""
        self.process.terminate()
        async with asyncio.timeout(DEADLINE):
            code = await self.process.wait()
            await self._reading
        return code

    async def kill(self) -> None:
        if self.process.returncode is None:
            os.killpg(self.process.pid, signal.SIGKILL)  # granian has workers
            await self.process.wait()
            await self._reading

    def trouble(self) -> list[str]:
        """The lines that report a fault."""
        signs = ("Traceback", "ERROR", "Error", "WARNING", "panicked", "handshake")
        return [line for line in self.lines if any(sign in line for sign in signs)]


@asynccontextmanager
async def running(name: str, application: str) -> AsyncIterator[Running]:
    port = free_port()
    command = [part.format(port=port) for part in SERVERS[name]]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *command, f"asgi_application:{application}"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=PEERS,
        start_new_session=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    server = Running(process, port)
    try:
        await listening(process, port)
        yield server
    finally:
        await server.kill()


@pytest_asyncio.fixture(
    loop_scope="session",
    scope="module",
    params=[
        ("uvicorn", "mounted"),
        ("uvicorn-primus", "mounted"),
        *((name, "wrapped") for name in SERVERS),
    ],
    ids="-".join,
)
async def server(request: pytest.FixtureRequest) -> AsyncIterator[Running]:
    """One server for all the tests that leave it as it was."""
    async with running(*request.param) as server:
        yield server
        assert server.trouble() == []


@pytest_asyncio.fixture(loop_scope="session")
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_the_routes_of_the_application_answer_as_before(
    server: Running, http: aiohttp.ClientSession
) -> None:
    async with http.get(f"{server.url}/") as response:
        assert (response.status, await response.json()) == (200, "home")
    async with http.get(f"{server.url}/nowhere") as response:
        assert response.status == 404


async def test_websockets_of_the_application_work_beside_ours(
    server: Running, http: aiohttp.ClientSession
) -> None:
    async with (
        http.ws_connect(f"{server.url}/own-socket") as own,
        await RawWebSocket.connect(server.port, "/primus") as ours,
    ):
        await own.send_str("hello")
        ours.send(b'"hello"')

        assert await own.receive_str(timeout=DEADLINE) == "own hello"
        assert await ours.receive() == (1, b'"hello"')
    await server.says("spark gone")


async def test_the_specification_and_the_client_are_served(
    server: Running, http: aiohttp.ClientSession
) -> None:
    async with http.get(f"{server.url}/primus/spec") as response:
        assert (await response.json())["pathname"] == "/primus"
    async with http.get(f"{server.url}/primus/primus.js") as response:
        assert 'pathname: "/primus",' in await response.text()
    async with http.head(f"{server.url}/primus/primus.js") as response:
        assert (response.status, await response.read()) == (200, b"")


async def test_a_handshake_is_refused_with_status_and_reason(server: Running) -> None:
    with pytest.raises(Refused, match=r"HTTP/1.1 402 "):
        await RawWebSocket.connect(server.port, "/primus?name=eve")
    with pytest.raises(Refused, match=r"HTTP/1.1 403 "):
        await RawWebSocket.connect(server.port, "/primus", headers="Origin: http://evil\r\n")


async def test_a_message_that_is_too_large_ends_its_connection_only(server: Running) -> None:
    async with (
        await RawWebSocket.connect(server.port, "/primus") as one,
        await RawWebSocket.connect(server.port, "/primus") as other,
    ):
        one.send(b'"' + b"x" * 100_000 + b'"')
        assert (await one.receive())[0] == CLOSE
        other.send(b'"fine"')
        assert await other.receive() == (1, b'"fine"')


async def test_a_client_that_leaves_a_pending_poll_is_noticed_at_once(server: Running) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET /primus/hang HTTP/1.1\r\nHost: x\r\n\r\n")
    await server.says("poll hangs")
    writer.close()

    await server.says("poll gone")


async def test_a_stream_comes_piece_by_piece_and_is_closed_when_its_client_leaves(
    server: Running,
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET /primus/stream HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(DEADLINE):
        await reader.readuntil(b"first")
    writer.close()

    await server.says("stream closed")


async def test_a_body_of_unknown_length_is_read(
    server: Running, http: aiohttp.ClientSession
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b"x" * 10_000

    async with http.post(f"{server.url}/primus/upload", data=pieces()) as response:
        assert await response.text() == "300000"


@pytest.mark.parametrize("name", [name for name in SERVERS if name != "hypercorn"])
async def test_a_server_that_is_terminated_leaves_in_order_and_its_clients_may_come_back(
    stage: Stage, name: str
) -> None:
    async with running(name, "wrapped") as server:
        clients = [await stage.client(kind) for kind in (*NODE, OURS_IN_NODE, OURS_IN_PYTHON)]
        for client in clients:
            await client.connect(server.url, writes=["hello"], reconnect={"min": 100})
            assert await client.data() == "hello"

        code = await server.terminate()

        assert code in (0, -15)  # uvicorn ends itself by the signal that it was ended with
        down = ["primus down, reconnect=True", "application down"]
        assert [line for line in server.lines if line in down] == down
        assert server.trouble() == []
        for client in clients:
            await client.event("reconnect scheduled")
            assert not client.seen("end")


async def test_hypercorn_leaves_in_order_once_its_clients_have_left() -> None:
    """Version 0.18 waits for open WebSockets on Python 3.12 and later, also those of ours."""
    async with running("hypercorn", "wrapped") as server:
        ours = await RawWebSocket.connect(server.port, "/primus")
        ours.send(struct.pack("!H", 1000), CLOSE)
        await ours.closed()
        await ours.close()

        assert await server.terminate() == 0
        assert server.lines[-2:] == ["primus down, reconnect=True", "application down"]


async def test_a_mounted_primus_ends_with_the_lifespan_of_the_application() -> None:
    async with running("uvicorn", "mounted") as server:
        ours = await RawWebSocket.connect(server.port, "/primus")
        await server.terminate()

        assert (await ours.receive())[0] == CLOSE
        await ours.close()
        steps = ["application up", "primus up", "primus down, reconnect=True", "application down"]
        assert [line for line in server.lines if line in steps] == steps


async def test_a_refusal_has_its_reason_in_the_body(
    server: Running, http: aiohttp.ClientSession
) -> None:
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    async with http.get(f"{server.url}/primus?name=eve", headers=upgrade) as response:
        assert response.status == 402
        assert json.loads(await response.text()) == {"error": "not you"}
