"""A session on the server by itself: its requests are made by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import cast

from primus import Primus, Request
from primus.polling import Sessions
from primus_testing import ManualClock, eventually, make_request
from primus_transformer_browserchannel.options import BrowserChannelOptions
from primus_transformer_browserchannel.transport import Replaced, Session


def opened() -> Session:
    options = BrowserChannelOptions.of(Primus(transformer="browserchannel"))
    session = Session("key", 0, Sessions(ManualClock()), options, 1000)
    assert session.begin() == '25\n[[0,["c","key",null,8]]]\n'
    session.acknowledge(0)
    return session


async def test_a_back_channel_that_was_replaced_takes_nothing_even_when_it_wakes_first() -> None:
    session = opened()
    first = session.open_back_channel(make_request())
    answering = asyncio.ensure_future(anext(session.chunks(first), None))
    await asyncio.sleep(0)

    second = session.open_back_channel(make_request())
    session.send("one")

    assert await answering is None
    assert await anext(session.chunks(second)) == b'12\n[[1,"one"]]\n'


async def test_a_request_that_has_gone_already_takes_no_place() -> None:
    session = opened()
    gone = make_request(watch=lambda fn: fn())
    assert session.open_back_channel(gone).gone
    assert session.status == "7\n[0,0,0]"


async def test_a_post_may_be_sent_again_and_again_at_once() -> None:
    session = opened()
    never = asyncio.Event()

    class Trickling:
        """A post whose body does not come."""

        headers: Mapping[str, str] = {}

        async def read(self, limit: int) -> bytes:
            await never.wait()
            return b""

    posts = []
    for _ in range(8):
        posts.append(asyncio.ensure_future(session.read(cast("Request", Trickling()), 1)))
        await asyncio.sleep(0)
    await eventually(lambda: sum(post.done() for post in posts) >= 3)
    for post in posts:
        post.cancel()

    outcomes = await asyncio.gather(*posts, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {Replaced, asyncio.CancelledError}
