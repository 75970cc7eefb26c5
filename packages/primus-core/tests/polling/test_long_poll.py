"""Requests whose answer is not ready yet."""

import asyncio
from collections.abc import Callable

import aiohttp
import pytest

from primus import Request, Response
from primus.polling import LongPoll
from primus_testing import DEADLINE, make_request, running


class Client:
    """A client that may go."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.leave: Callable[[], None] = lambda: None
        self.poll = LongPoll(make_request(watch=self._watch), self._left)

    def _watch(self, fn: Callable[[], None]) -> None:
        self.leave = fn

    def _left(self) -> None:
        self.told.append("left")


async def test_it_waits_until_it_is_woken() -> None:
    client = Client()
    waiting = asyncio.ensure_future(client.poll.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    assert not client.poll.woken
    client.poll.wake()
    client.poll.wake()
    assert await waiting is True
    assert client.told == []


async def test_it_can_wait_piece_by_piece() -> None:
    client = Client()
    client.poll.wake()
    assert await client.poll.wait()
    client.poll.rest()
    waiting = asyncio.ensure_future(client.poll.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    client.leave()
    assert await waiting is False
    client.poll.rest()
    assert await client.poll.wait() is False


async def test_a_client_that_goes_is_told_once_and_wakes_it() -> None:
    client = Client()
    waiting = asyncio.ensure_future(client.poll.wait())
    await asyncio.sleep(0)
    client.leave()
    client.leave()
    assert client.told == ["left"]
    assert client.poll.gone
    assert await waiting is False


async def test_a_client_that_goes_between_waking_and_answering_has_gone() -> None:
    client = Client()
    client.poll.wake()
    client.leave()
    assert await client.poll.wait() is False
    assert client.told == ["left"]


async def test_a_server_that_cancels_its_handler_tells_the_same() -> None:
    client = Client()
    waiting = asyncio.ensure_future(client.poll.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert client.told == ["left"]


async def test_over_a_real_wire() -> None:
    asked = asyncio.Event()
    poll: list[LongPoll] = []
    gone = asyncio.Event()

    async def hang(request: Request) -> Response:
        poll.append(LongPoll(request, gone.set))
        asked.set()
        await poll[-1].wait()
        return Response(200, "here")

    async with running() as server, asyncio.timeout(DEADLINE):
        server.primus.before("hang", hang)
        asking = asyncio.create_task(_ask(server.http, server.url + "/primus/hang"))
        await asked.wait()
        poll[0].wake()
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


async def test_a_poll_whose_place_another_has_taken_is_woken_and_its_client_may_go() -> None:
    client = Client()
    client.poll.replace()
    assert client.poll.woken
    client.leave()

    assert client.told == []
    assert client.poll.gone


async def test_a_poll_whose_client_has_gone_rests_no_more() -> None:
    client = Client()
    client.poll.wake()
    assert await client.poll.wait()
    client.poll.rest()
    assert not client.poll.woken

    client.leave()
    client.poll.rest()

    assert client.poll.woken
    assert await client.poll.wait() is False
