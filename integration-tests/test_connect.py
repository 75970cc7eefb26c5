"""``connect(url)``: our client finds out by itself what a server speaks, in Python or Node."""

import asyncio

import pytest

from harness.casts import NODE, OURS_IN_PYTHON
from harness.inbox import DEADLINE
from harness.parties import Speech
from harness.stage import Stage
from primus import HandshakeError, connect

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.parametrize("kind", [*NODE, OURS_IN_PYTHON]),
]


async def test_nothing_but_the_url_is_needed(stage: Stage, kind: str) -> None:
    server = await stage.server(kind, echo=True)

    async with connect(server.url(name="python")) as socket:
        socket.write({"hello": "world"})
        socket.write("again")
        async with asyncio.timeout(DEADLINE):
            messages = aiter(socket)
            assert [await anext(messages), await anext(messages)] == [{"hello": "world"}, "again"]
        assert await socket.id() == (connection := await server.event("connection"))["spark"]

    assert connection["query"]["name"] == "python"
    assert (await server.event("disconnection"))["spark"] == connection["spark"]


@pytest.mark.parametrize("transformer", ["lws", "faye"])
async def test_the_engine_of_the_server_is_used(stage: Stage, kind: str, transformer: str) -> None:
    stage.speech = Speech(transformer)
    server = await stage.server(kind, echo=True)

    async with connect(server.url()) as socket:
        socket.write("hello")
        async with asyncio.timeout(DEADLINE):
            assert await anext(aiter(socket)) == "hello"


async def test_iteration_ends_when_the_server_ends_the_connection(stage: Stage, kind: str) -> None:
    server = await stage.server(kind)

    async with connect(server.url()) as socket:
        spark = await server.connection()
        for number in range(10):
            await server.write(spark, number)
        await server.end(spark, data="the last one")

        async with asyncio.timeout(DEADLINE):
            assert [message async for message in socket] == [*range(10), "the last one"]


async def test_iteration_goes_on_over_a_lost_connection(stage: Stage, kind: str) -> None:
    server = await stage.server(kind)

    async with connect(server.url(), reconnect={"min": 0.02, "max": 0.2}) as socket:
        messages = aiter(socket)
        first = await server.connection()
        await server.write(first, "before")
        assert await anext(messages) == "before"

        await server.end(first, reconnect=True)
        second = await server.connection()
        await server.write(second, "after")

        async with asyncio.timeout(DEADLINE):
            assert await anext(messages) == "after"


async def test_a_refusal_tells_status_headers_and_body(stage: Stage, kind: str) -> None:
    server = await stage.server(kind, token="sesame")

    with pytest.raises(HandshakeError, match="401") as refused:
        async with connect(
            server.url(token="wrong"), transformer="websockets", parser="json", strategy=False
        ):
            pass

    assert refused.value.status == 401
    assert refused.value.headers["WWW-Authenticate"] == 'Token realm="primus"'
    assert b"a token, please" in bytes(refused.value.body)
