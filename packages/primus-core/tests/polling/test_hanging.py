"""Requests whose answer is not ready yet."""

import asyncio
from collections.abc import Callable

import aiohttp
import pytest

from primus import Request, Response
from primus.polling import Hanging
from primus_testing import DEADLINE, make_request, running


class Client:
    """A client that may go."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.leave: Callable[[], None] = lambda: None
        self.hanging = Hanging(make_request(watch=self._watch), self._left)

    def _watch(self, fn: Callable[[], None]) -> None:
        self.leave = fn

    def _left(self) -> None:
        self.told.append("left")


async def test_it_waits_until_it_is_woken() -> None:
    client = Client()
    waiting = asyncio.ensure_future(client.hanging.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    assert not client.hanging.woken
    client.hanging.wake()
    client.hanging.wake()
    assert await waiting is True
    assert client.told == []


async def test_it_can_wait_piece_by_piece() -> None:
    client = Client()
    client.hanging.wake()
    assert await client.hanging.wait()
    client.hanging.rest()
    waiting = asyncio.ensure_future(client.hanging.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    client.leave()
    assert await waiting is False
    client.hanging.rest()
    assert await client.hanging.wait() is False


async def test_a_client_that_goes_is_told_once_and_wakes_it() -> None:
    client = Client()
    waiting = asyncio.ensure_future(client.hanging.wait())
    await asyncio.sleep(0)
    client.leave()
    client.leave()
    assert client.told == ["left"]
    assert client.hanging.gone
    assert await waiting is False


async def test_a_client_that_goes_between_waking_and_answering_has_gone() -> None:
    client = Client()
    client.hanging.wake()
    client.leave()
    assert await client.hanging.wait() is False
    assert client.told == ["left"]


async def test_a_server_that_cancels_its_handler_tells_the_same() -> None:
    client = Client()
    waiting = asyncio.ensure_future(client.hanging.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert client.told == ["left"]


async def test_over_a_real_wire() -> None:
    asked = asyncio.Event()
    hanging: list[Hanging] = []
    gone = asyncio.Event()

    async def hang(request: Request) -> Response:
        hanging.append(Hanging(request, gone.set))
        asked.set()
        await hanging[-1].wait()
        return Response(200, "here")

    async with running() as server, asyncio.timeout(DEADLINE):
        server.primus.before("hang", hang)
        asking = asyncio.create_task(_ask(server.http, server.url + "/primus/hang"))
        await asked.wait()
        hanging[0].wake()
        assert await asking == "here"
        assert not gone.is_set()
        asked.clear()
        asking = asyncio.create_task(_ask(server.http, server.url + "/primus/hang"))
        await asked.wait()
        asking.cancel()
        await gone.wait()


async def _ask(http: aiohttp.ClientSession, url: str) -> str:
    async with http.get(url) as response:
        return await response.text()
