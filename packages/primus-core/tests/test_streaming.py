"""Answers that take their time: streamed, or never sent since the client has gone."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from primus import Request, Response
from primus_testing import DEADLINE, Tracebacks, running

URL = "/primus/hanging"


async def test_a_streamed_answer_leaves_piece_by_piece() -> None:
    go_on = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"first"
        await go_on.wait()
        yield b"second"

    async with running() as server, asyncio.timeout(DEADLINE):
        server.primus.before("stream", lambda request: Response(200, pieces()))
        async with server.http.get(server.url + URL) as answer:
            assert await answer.content.readany() == b"first"
            go_on.set()
            assert await answer.content.read() == b"second"
            assert "Content-Length" not in answer.headers
            assert answer.headers["Cache-Control"].startswith("no-store")


async def test_a_streamed_answer_is_closed_when_its_client_goes() -> None:
    gone, closed = asyncio.Event(), asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        try:
            yield b"first"
            await gone.wait()
            yield b"into the void"
            yield b"and more"
        finally:
            closed.set()

    def stream(request: Request) -> Response:
        request.on_gone(gone.set)
        return Response(200, pieces())

    async with running() as server, asyncio.timeout(DEADLINE):
        server.primus.before("stream", stream)
        answer = await server.http.get(server.url + URL)
        assert await answer.content.readany() == b"first"
        answer.close()
        await gone.wait()
        await closed.wait()


async def test_a_client_that_goes_before_its_answer_is_noticed_at_once() -> None:
    asked, gone = asyncio.Event(), asyncio.Event()

    async def hang(request: Request) -> Response:
        await request.read()
        request.on_gone(gone.set)
        asked.set()
        await gone.wait()
        return Response(200, "never read")

    async with running() as server, asyncio.timeout(DEADLINE):
        server.primus.before("hang", hang)
        for method in ("GET", "POST"):
            asked.clear()
            gone.clear()
            data = b"body" if method == "POST" else None
            asking = asyncio.create_task(_ask(server.http, method, server.url + URL, data))
            await asked.wait()
            assert not gone.is_set()
            asking.cancel()
            await gone.wait()


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_client_that_goes_before_its_answer_begins_is_noticed(streamed: bool) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"never read"

    def answer(request: Request) -> Response:
        request.on_gone(lambda: told.put_nowait("gone"))
        request.drop()  # the next write finds out, before aiohttp does
        return Response(200, pieces() if streamed else b"never read")

    async with running() as server, asyncio.timeout(DEADLINE):
        server.primus.before("answer", answer)
        with pytest.raises(aiohttp.ClientError):
            await server.http.post(server.url + URL)
        assert await told.get() == "gone"
        assert told.empty()


async def test_a_client_that_has_gone_is_noticed_as_soon_as_a_callback_is_given() -> None:
    told: list[str] = []

    def answer(request: Request) -> Response:
        request.drop()
        request.on_gone(lambda: told.append("gone"))
        assert told == ["gone"]
        return Response(200, "never read")

    async with running() as server:
        server.primus.before("answer", answer)
        with pytest.raises(aiohttp.ClientError):
            await server.http.post(server.url + URL)
    assert told == ["gone"]


async def test_a_client_that_goes_in_the_middle_of_its_answer_is_noticed() -> None:
    gone = asyncio.Event()

    def answer(request: Request) -> Response:
        request.on_gone(gone.set)
        return Response(200, b"x" * 50_000_000)

    async with running() as server, asyncio.timeout(DEADLINE):
        server.primus.before("answer", answer)
        async with server.http.get(server.url + URL) as response:
            assert await response.content.readany()
            assert not gone.is_set()
            response.close()
        await gone.wait()


async def test_after_an_answer_in_time_no_callback_is_called() -> None:
    told: list[str] = []

    def answer(request: Request) -> Response:
        request.on_gone(lambda: told.append("gone"))
        return Response(200, "here")

    async with running() as server:
        server.primus.before("answer", answer)
        assert (await server.get(URL)).text == "here"
    assert told == []


async def test_a_streamed_answer_is_all_there_is_for_a_client_of_http_1_0() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"first "
        yield b"second"

    async with running() as server, asyncio.timeout(DEADLINE):
        server.primus.before("stream", lambda request: Response(200, pieces()))
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(b"GET /primus HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        answer = await reader.read()
        assert answer.endswith(b"\r\n\r\nfirst second")
        writer.close()


async def test_a_client_that_goes_before_the_end_of_a_stream_leaves_no_traceback(
    tracebacks: Tracebacks,
) -> None:
    gone = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"first"
        await gone.wait()

    def stream(request: Request) -> Response:
        request.on_gone(gone.set)
        return Response(200, pieces())

    async with running() as server, asyncio.timeout(DEADLINE):
        server.primus.before("stream", stream)
        answer = await server.http.get(server.url + URL)
        answer.close()
        await gone.wait()


async def test_the_connection_of_a_client_that_does_not_read_can_be_dropped() -> None:
    asked: list[Request] = []
    closed = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * 100_000
        finally:
            closed.set()

    def stream(request: Request) -> Response:
        asked.append(request)
        return Response(200, pieces())

    async with running() as server, asyncio.timeout(DEADLINE):
        server.primus.before("stream", stream)
        answer = await server.http.get(server.url + URL)
        asked[0].drop()
        await closed.wait()
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()
        asked[0].drop()  # once more does no harm


async def _ask(http: aiohttp.ClientSession, method: str, url: str, data: bytes | None) -> None:
    async with http.request(method, url, data=data):
        pass
