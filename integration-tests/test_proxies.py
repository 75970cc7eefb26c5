"""Behind nginx and HAProxy: everything passes, and the server says whose word it takes."""

from pathlib import Path

import pytest

from harness.casts import NODE, OURS_IN_NODE, OURS_IN_PYTHON
from harness.network import RawWebSocket, Refused
from harness.proxies import proxy
from harness.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

CLIENT = "203.0.113.7"


@pytest.fixture(params=["nginx", "haproxy"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_conversations_pass_through(stage: Stage, kind: str, tmp_path: Path) -> None:
    server = await stage.server(OURS_IN_PYTHON, echo=True)

    async with proxy(kind, server.port, tmp_path) as port:
        for client_kind in (*NODE, OURS_IN_NODE, OURS_IN_PYTHON):
            client = await stage.client(client_kind)
            await client.connect(f"http://127.0.0.1:{port}", writes=["hello", "x" * 300_000])
            assert await client.data() == "hello"
            assert await client.data() == "x" * 300_000
            await client.end()
            await server.event("disconnection")


async def test_the_address_is_the_client_s_behind_a_trusted_proxy(
    stage: Stage, kind: str, tmp_path: Path
) -> None:
    server = await stage.server(OURS_IN_PYTHON)

    async with (
        proxy(kind, server.port, tmp_path) as port,
        await RawWebSocket.connect(port, headers=f"X-Forwarded-For: {CLIENT}\r\n"),
    ):
        # The proxy adds 127.0.0.1, which is trusted as well, behind what the client claims.
        assert (await server.event("connection"))["ip"] == CLIENT


async def test_the_address_is_the_proxy_s_when_no_proxy_is_trusted(
    stage: Stage, kind: str, tmp_path: Path
) -> None:
    server = await stage.server(OURS_IN_PYTHON, options={"trusted_proxies": []})

    async with (
        proxy(kind, server.port, tmp_path) as port,
        await RawWebSocket.connect(port, headers=f"X-Forwarded-For: {CLIENT}\r\n"),
    ):
        assert (await server.event("connection"))["ip"] == "127.0.0.1"


async def test_a_client_that_comes_straight_cannot_lie_about_its_address(stage: Stage) -> None:
    server = await stage.server(OURS_IN_PYTHON, options={"trusted_proxies": ["10.0.0.0/8"]})

    async with await RawWebSocket.connect(
        server.port, headers=f"X-Forwarded-For: {CLIENT}\r\nForwarded: for={CLIENT}\r\n"
    ):
        assert (await server.event("connection"))["ip"] == "127.0.0.1"


async def test_a_refusal_passes_through(stage: Stage, kind: str, tmp_path: Path) -> None:
    server = await stage.server(OURS_IN_PYTHON, token="sesame")

    async with proxy(kind, server.port, tmp_path) as port:
        with pytest.raises(Refused, match=r"HTTP/1\.1 401"):
            await RawWebSocket.connect(port)
