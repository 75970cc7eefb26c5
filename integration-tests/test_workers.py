"""Several processes on one port, and behind proxies that read the name of the process."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from harness.inbox import DEADLINE
from harness.network import free_port
from harness.proxies import balancer
from harness.redis import RedisServer
from harness.served import engineio_session, serving, sockjs_session, together
from harness.tools import PEERS
from primus import Primus, connect
from primus_testing import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")

SESSIONS = {"engine.io": engineio_session, "sockjs": sockjs_session}


@pytest.mark.parametrize("transformer", SESSIONS)
async def test_sixty_sessions_of_sixty_survive_whichever_worker_a_request_comes_to(
    transformer: str, tmp_path: Path
) -> None:
    session = SESSIONS[transformer]
    async with serving(tmp_path, "--transformer", transformer, "--workers", "4") as served:
        apart = await together(session, served.url, kept=False)
        shared = await together(session, served.url, kept=True)

    for nodes in (apart, shared):
        assert len(nodes) == 60
        assert set(nodes) <= {"w0", "w1", "w2", "w3"}
    assert len(set(apart)) > 1


async def test_websockets_are_shared_out_and_stay_where_they_are(tmp_path: Path) -> None:
    async with serving(tmp_path, "--workers", "4") as served:
        sockets = [client_at(served.url, "websockets") for _ in range(60)]
        first = await asyncio.gather(*(asked(socket, "first") for socket in sockets))
        again = await asyncio.gather(*(asked(socket, "again") for socket in sockets))
        for socket in sockets:
            socket.destroy()

    assert first == again
    assert len(set(first)) > 1


EVERYWHERE = """
import asyncio

def setup(primus):
    @primus.on("connection")
    async def connection(spark):
        spark.on("data", lambda message: primus.write([primus.node, message], everywhere=True))
        while not primus.backplane.healthy:  # what others write before does not come here
            await asyncio.sleep(0.01)
        spark.write([primus.node, "hello"])
"""


async def test_workers_write_to_one_another_by_a_bus_of_their_own(tmp_path: Path) -> None:
    options = ("--workers", "2", "--plugin", "backplane")
    async with serving(tmp_path, *options, code=EVERYWHERE) as served:
        sockets: list[Any] = []
        nodes: set[str] = set()
        async with asyncio.timeout(2 * DEADLINE):
            while len(nodes) < 2:  # the system chooses which worker takes which
                sockets.append(socket := client_at(served.url, "websockets"))
                nodes.add((await socket.heard.get())[0])
        told = await asked(sockets[0], "to all")
        others = [await heard(socket, "to all") for socket in sockets[1:]]
        for socket in sockets:
            socket.destroy()

    assert set(others) == {told}


async def test_sigterm_ends_workers_at_once_while_they_are_replaced(tmp_path: Path) -> None:
    """`serving` fails when the end takes long, or anything is said on standard error."""
    async with serving(tmp_path, "--workers", "2", "--over", "3600") as served:
        sockets = [client_at(served.url, "websockets") for _ in range(6)]
        back = asyncio.Event()
        for socket in sockets:
            await asked(socket, "before")
            socket.on("reconnected", lambda *_: back.set())
        os.kill(served.pid, signal.SIGHUP)
        async with asyncio.timeout(2 * DEADLINE):
            await back.wait()  # the first of an hour
        for socket in sockets[3:]:
            socket.destroy()  # the others see their server end
        served.process.terminate()
        await served.process.wait()
        for socket in sockets[:3]:
            socket.destroy()


def client_at(url: str, transformer: str, **options: Any) -> Any:
    """A client of ours, which keeps what its server has said."""
    plugin = options.pop("plugin", None)
    socket = Primus.create_socket(transformer=transformer, plugin=plugin)(url, **options)
    socket.heard = asyncio.Queue()
    socket.on("data", socket.heard.put_nowait)
    return socket


async def asked(socket: Any, message: str) -> str:
    """The name of the worker that a client talks to."""
    socket.write(message)
    return await heard(socket, message)


async def heard(socket: Any, message: str) -> str:
    """The name of the worker that has sent a message to a client."""
    async with asyncio.timeout(2 * DEADLINE):
        while True:
            node, echoed = await socket.heard.get()
            if echoed == message:
                return str(node)


# -- several servers behind a proxy


@pytest.mark.parametrize("transformer", ["engine.io", "sockjs", "socket.io", "browserchannel"])
async def test_proxies_find_the_server_of_a_session_without_cookies(
    transformer: str, tmp_path: Path
) -> None:
    async with (
        serving(tmp_path, "--transformer", transformer, "--node", "w0") as one,
        serving(tmp_path, "--transformer", transformer, "--node", "w1") as two,
    ):
        for kind in ("nginx", "haproxy"):
            ports = one.port, two.port
            by_path = transformer == "sockjs"
            async with balancer(kind, *ports, tmp_path, by_path=by_path) as port:
                nodes = await polled_sessions(f"http://127.0.0.1:{port}", transformer, kind)
            assert set(nodes) == {"w0", "w1"}, kind


@pytest.mark.parametrize("transformer", ["engine.io", "sockjs", "browserchannel"])
async def test_proxies_leave_sessions_at_a_server_that_drains_and_bring_newcomers_past_it(
    transformer: str, tmp_path: Path
) -> None:
    """Each client of that server comes back once, at its first attempt, when its time has come."""
    polling = {"engine.io": ["polling"], "sockjs": ["xhr-polling"]}.get(transformer)
    transport = {} if polling is None else {"transports": polling}
    options = ("--transformer", transformer, "--over", "2", "--node")
    sockets: list[Any] = []
    async with (
        serving(tmp_path, *options, "w0") as leaves,
        serving(tmp_path, *options, "w1") as stays,
        AsyncExitStack() as stack,
    ):
        for kind in ("nginx", "haproxy"):
            proxied = balancer(
                kind, leaves.port, stays.port, tmp_path, by_path=transformer == "sockjs"
            )
            url = f"http://127.0.0.1:{await stack.enter_async_context(proxied)}"
            sockets += [client_at(url, transformer, transport=transport) for _ in range(12)]
        for socket in sockets:
            stack.callback(socket.destroy)
        nodes = await asyncio.gather(*(asked(socket, "before") for socket in sockets))
        happened: list[list[str]] = [[] for _ in sockets]
        for socket, events in zip(sockets, happened, strict=True):
            for event in ("error", "reconnect", "reconnected"):
                socket.on(event, lambda *_, events=events, event=event: events.append(event))

        leaves.process.terminate()
        await leaves.process.wait()
        moved = [events for node, events in zip(nodes, happened, strict=True) if node == "w0"]
        await eventually(lambda: all("reconnected" in events for events in moved))

        after = await asyncio.gather(*(asked(socket, "after") for socket in sockets))
        assert set(after) == {"w1"}
        assert moved == [["reconnect", "reconnected"]] * len(moved) != []
        assert sum(map(len, happened)) == sum(map(len, moved))


@pytest.mark.parametrize("leaving", ["gone", "draining"])
async def test_nginx_brings_websockets_to_a_server_that_is_back_and_past_one_that_leaves(
    leaving: str, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        ports = free_port(), free_port()
        stays = await server_at(ports[1])
        stack.push_async_callback(stays.destroy)
        port = await stack.enter_async_context(balancer("nginx", *ports, tmp_path))
        url = f"http://127.0.0.1:{port}"
        for _ in range(2):  # one of them is for the server that is not there
            await stack.enter_async_context(plain_client(url))
        back = await server_at(ports[0])
        stack.push_async_callback(back.destroy)
        ending = asyncio.create_task(stays.destroy(over=0 if leaving == "gone" else 60))
        await eventually(lambda: ending.done() if leaving == "gone" else stays.draining)

        for _ in range(6):
            await stack.enter_async_context(plain_client(url))

        assert len(back) == 6
        await stays.destroy()
        await ending


async def server_at(port: int) -> Primus[Any]:
    """A server of its own at that port."""
    return await Primus.create_server(host="127.0.0.1", port=port, iknowhttpsisbetter=True)


def plain_client(url: str) -> Any:
    """A client that asks for nothing before it connects."""
    return connect(url, transformer="websockets", parser="json", strategy=False)


async def polled_sessions(url: str, transformer: str, name: str) -> list[str]:
    """The servers of several sessions, which have been there for each of their requests."""
    if transformer in SESSIONS:
        return await together(SESSIONS[transformer], url, kept=False, count=20, name=name)
    polling = {"socket.io": {"transports": ["xhr-polling"]}}.get(transformer, {})
    sockets = [client_at(url, transformer, transport=polling) for _ in range(20)]
    first = await asyncio.gather(*(asked(socket, "first") for socket in sockets))
    again = await asyncio.gather(*(asked(socket, "again") for socket in sockets))
    for socket in sockets:
        socket.destroy()
    assert first == again
    return first


# -- several processes of an ASGI server

ASGI = {
    "uvicorn": "uvicorn --host 127.0.0.1 --port {port} --no-proxy-headers",
    "gunicorn": "gunicorn -k uvicorn_worker.UvicornWorker --bind 127.0.0.1:{port}",
    "hypercorn": "hypercorn --graceful-timeout 1 --bind 127.0.0.1:{port}",
    "granian": "granian --interface asgi --host 127.0.0.1 --port {port}",
}


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def redis(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RedisServer]:
    """A Redis for the bus."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    await server.start()
    yield server
    await server.stop()


@asynccontextmanager
async def processes(kind: str, count: int, bus: str) -> AsyncIterator[tuple[str, list[str]]]:
    """The address of an ASGI server with so many processes, and what they print."""
    port = free_port()
    command = ASGI[kind].format(port=port).split()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *command, "--workers", str(count), "asgi_everywhere:asgi"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=PEERS,
        start_new_session=True,
        env={**os.environ, "BUS": bus, "PYTHONUNBUFFERED": "1"},
    )
    lines: list[str] = []

    async def read() -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            lines.append(line.decode().rstrip())

    reading = asyncio.create_task(read())
    try:
        await answering(f"http://127.0.0.1:{port}/primus/spec")
        yield f"http://127.0.0.1:{port}", lines
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        await reading


async def answering(url: str) -> None:
    """Wait until a server answers."""
    async with asyncio.timeout(2 * DEADLINE), aiohttp.ClientSession() as http:
        while True:
            try:
                async with http.get(url) as answer:
                    assert answer.status == 200
                    return
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("kind", ASGI)
async def test_processes_of_an_asgi_server_refuse_polling_and_write_everywhere_by_the_bus(
    kind: str, redis: RedisServer
) -> None:
    async with processes(kind, 2, redis.url) as (url, lines):
        sockets: list[Any] = []
        process_of: list[int] = []
        async with asyncio.timeout(2 * DEADLINE):
            while len(set(process_of)) < 2:  # the system chooses which process takes which
                socket = client_at(url, "engine.io", transport={"transports": ["websocket"]})
                sockets.append(socket)
                process_of.append((await socket.heard.get())["process"])
            sockets[0].write("to all")
            heard = await asyncio.gather(*(socket.heard.get() for socket in sockets))
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{url}/primus/?EIO=4&transport=polling") as refused,
        ):
            status, told = refused.status, await refused.json()
        for socket in sockets:
            socket.destroy()

    assert set(heard) == {"to all"}
    assert status == 501
    assert told["error"].startswith("this server runs in several processes on one port")
    assert sum("engine.io: this server runs in several" in line for line in lines) == 1


@pytest.mark.parametrize("kind", ["gunicorn", "hypercorn"])  # whose one process has a parent
async def test_one_process_of_an_asgi_server_may_be_polled(kind: str, redis: RedisServer) -> None:
    async with processes(kind, 1, redis.url) as (url, _):
        socket = client_at(url, "engine.io", transport={"transports": ["polling"]})
        async with asyncio.timeout(2 * DEADLINE):
            assert "process" in await socket.heard.get()
        socket.destroy()
