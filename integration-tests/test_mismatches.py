"""A client that does not fit its server is told what differs, opposite real servers and proxies."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from harness.casts import NODE, OURS_IN_PYTHON
from harness.inbox import DEADLINE
from harness.network import free_port
from harness.parties import Speech
from harness.proxies import proxy
from harness.stage import Stage
from primus import Primus, Socket

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def failure(url: str, **options: Any) -> str:
    """The text of the first error of a client."""
    socket = Socket(url, strategy="online", **options)
    told: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    socket.once("error", lambda error: told.set_result(str(error)))
    async with asyncio.timeout(DEADLINE):
        text = await told
    socket.destroy()
    await socket.wait_closed()
    return text


@pytest.mark.parametrize("kind", [NODE[-1], OURS_IN_PYTHON])
@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("engine.io", "websockets"),
        ("sockjs", "websockets"),
        ("websockets", "engine.io"),
        ("sockjs", "engine.io"),
        ("engine.io", "sockjs"),
    ],
)
async def test_another_transformer_is_named(
    stage: Stage, kind: str, theirs: str, ours: str
) -> None:
    stage.speech = Speech(theirs)
    server = await stage.server(kind)

    text = await failure(server.url(), transformer=ours)

    assert f"the server's transformer is {theirs!r}, that of this client is {ours!r}" in text


@pytest.mark.parametrize("kind", [NODE[-1], OURS_IN_PYTHON])
async def test_another_parser_is_named(stage: Stage, kind: str) -> None:
    stage.speech = Speech(parser="msgpack")
    server = await stage.server(kind)

    telling = asyncio.create_task(failure(server.url()))
    await server.write(await server.connection(), "hello")
    text = await telling

    assert "the server's parser is 'msgpack', that of this client is 'json'" in text


async def test_a_proxy_that_drops_upgrades_is_named(stage: Stage, tmp_path: Path) -> None:
    server = await stage.server(OURS_IN_PYTHON)

    async with proxy("nginx as it comes", server.port, tmp_path) as port:
        text = await failure(f"http://127.0.0.1:{port}")

    assert "without its header Upgrade: a proxy in between drops it" in text
    assert "a proxy in between drops the headers Upgrade and Connection" in text


async def test_an_asgi_application_without_a_websocket_route_is_named() -> None:
    primus = Primus()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})
        else:
            await primus.asgi(scope, receive, send)

    port = free_port()
    config = uvicorn.Config(application, port=port, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve())
    async with asyncio.timeout(DEADLINE):
        while not server.started:
            await asyncio.sleep(0)
    text = await failure(f"http://127.0.0.1:{port}")
    server.should_exit = True
    await serving
    await primus.destroy()

    assert "an ASGI application has no WebSocket route at '/primus'" in text
