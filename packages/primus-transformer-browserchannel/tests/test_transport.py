"""A session on the server by itself: its requests are made by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import pytest

from primus import Primus, Request
from primus.errors import LimitError
from primus.limits import DEFAULT_LIMITS
from primus.polling import LongPoll, Sessions
from primus_testing import ManualClock, NotingConnection, eventually, make_request
from primus_transformer_browserchannel.maps import Maps
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
        is_whole = False

        def taken(self, limit: int) -> None: ...

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


class Open:
    """A session, its clock, and its connection."""

    def __init__(self, **options: Any) -> None:
        chosen = BrowserChannelOptions.of(Primus(transformer="browserchannel"))
        self.options = replace(chosen, **options)
        self.clock = ManualClock()
        self.sessions: Sessions[Session] = Sessions(self.clock)
        self.session = Session("key", 0, self.sessions, self.options, 1000)
        self.session.connection = self.connection = NotingConnection()
        self.session.begin()
        self.session.resume_reading()
        self.session.acknowledge(0)
        self.rid = 0
        self.map = 0

    def post(self, *messages: str | None, ahead: int = 0) -> None:
        self.session.bring(self.rid + ahead, Maps(self.map, list(messages)))
        self.rid += 1
        self.map += len(messages)

    async def chunk(self, poll: LongPoll | None = None) -> str:
        """What a back channel of its own is answered with."""
        return await self.session.one_chunk(poll or self.session.open_back_channel(make_request()))

    @property
    def is_known(self) -> bool:
        return self.sessions.get("key") is self.session


async def test_what_is_not_confirmed_is_sent_again_over_the_next_back_channel() -> None:
    opened = Open()
    opened.session.send("one")
    opened.session.send("two")
    assert await opened.chunk() == '22\n[[1,"one"],[2,"two"]]\n'
    assert opened.session.status == "8\n[0,2,10]"
    opened.session.acknowledge(1)
    opened.session.send("three")

    assert await opened.chunk() == '24\n[[2,"two"],[3,"three"]]\n'


async def test_a_session_without_a_back_channel_ends_after_its_time_and_not_before() -> None:
    opened = Open()
    opened.clock.advance(opened.options.session_timeout - 2)
    assert opened.connection.story == []
    poll = opened.session.open_back_channel(make_request())
    opened.clock.advance(10 * opened.options.session_timeout)
    assert opened.connection.story == []
    opened.session.send("x")
    await opened.chunk(poll)
    opened.clock.advance(opened.options.session_timeout - 2)
    assert opened.connection.story == []
    opened.clock.advance(4)

    assert opened.connection.story == ["lost"]
    assert opened.connection.error is None
    assert not opened.is_known
    assert opened.session.is_over


async def test_a_back_channel_is_kept_alive_and_only_while_nothing_else_is_sent() -> None:
    opened = Open()
    interval = opened.options.keepalive_interval
    poll = opened.session.open_back_channel(make_request())
    chunks = opened.session.chunks(poll)
    waiting = asyncio.ensure_future(anext(chunks))
    await asyncio.sleep(0)
    opened.clock.advance(interval - 2)
    opened.session.send("x")
    assert b'"x"' in await waiting
    waiting = asyncio.ensure_future(anext(chunks))
    await asyncio.sleep(0)
    opened.clock.advance(interval - 2)
    for _ in range(3):
        await asyncio.sleep(0)
    assert not waiting.done()
    opened.clock.advance(4)
    assert b'["noop"]' in await waiting
    waiting = asyncio.ensure_future(anext(chunks))
    await asyncio.sleep(0)
    opened.clock.advance(interval + 2)
    assert b'["noop"]' in await waiting
    await chunks.aclose()


async def test_a_stream_ends_at_its_limit_and_with_the_session() -> None:
    opened = Open(response_limit=20)
    chunks = opened.session.chunks(opened.session.open_back_channel(make_request()))
    opened.session.send("one")
    assert await anext(chunks)
    opened.session.send("two")
    assert await anext(chunks)
    assert await anext(chunks, None) is None
    assert opened.session.status.endswith("[0,2,10]")

    chunks = opened.session.chunks(opened.session.open_back_channel(make_request()))
    opened.session.acknowledge(2)
    opened.session.close()
    assert b'"stop"' in await anext(chunks)
    assert await anext(chunks, None) is None
    assert opened.session.is_told
    assert opened.connection.story == []


async def test_a_client_that_goes_has_no_back_channel_and_may_open_another() -> None:
    opened = Open()
    gone: list[Any] = []
    poll = opened.session.open_back_channel(make_request(watch=gone.append))
    answering = asyncio.ensure_future(opened.session.one_chunk(poll))
    await asyncio.sleep(0)
    assert opened.session.status.startswith("7\n[1,")

    gone[0]()

    assert await answering == ""
    assert opened.session.status.startswith("7\n[0,")
    opened.session.send("x")
    assert '"x"' in await opened.chunk()
    opened.session.open_back_channel(make_request())
    gone[0]()
    assert opened.session.status.startswith("7\n[1,")


async def test_posts_are_brought_in_order_and_wait_while_the_connection_is_paused() -> None:
    opened = Open()
    opened.post("one", "two")
    opened.connection.on_frame = opened.session.pause_reading
    opened.post("three", "four", None, "five")
    assert opened.connection.story == ["one", "two", "three"]
    opened.connection.on_frame = None
    opened.session.resume_reading()
    assert opened.connection.story == ["one", "two", "three", "four", "five"]


@pytest.mark.parametrize(("text", "fits"), [("x" * 1000, True), ("é" * 500, True),
                                            ("x" * 1001, False), ("é" * 501, False)])  # fmt: skip
async def test_a_message_may_be_as_long_as_the_limit_in_bytes(text: str, fits: bool) -> None:
    opened = Open()
    if fits:
        opened.post("x", text)
        assert opened.connection.story == ["x", text]
    else:
        with pytest.raises(LimitError) as refused:
            opened.post("x", text)
        assert refused.value.option == "max_length"
        assert opened.connection.story == []


async def test_a_client_that_leaves_is_over_once_its_posts_have_been_taken() -> None:
    opened = Open()
    opened.session.pause_reading()
    opened.post("one")
    opened.session.leave(1)
    assert opened.connection.story == []
    opened.session.resume_reading()
    assert opened.connection.story == ["one", "lost"]
    assert opened.connection.error is None
    assert not opened.is_known
    assert len(opened.sessions.timers) == 0


async def test_a_post_that_never_comes_is_waited_for_only_a_while() -> None:
    opened = Open()
    opened.session.leave(3)
    assert opened.connection.story == []
    opened.clock.advance(60)
    assert opened.connection.story == ["lost"]
    assert opened.connection.error is None


async def test_a_client_that_leaves_a_session_which_closes_is_over_at_once() -> None:
    opened = Open()
    opened.session.close()
    opened.session.leave(3)
    assert opened.connection.story == ["lost"]
    assert opened.connection.error is None


async def test_what_has_been_posted_is_delivered_with_the_end_unless_a_rule_was_broken() -> None:
    for error, story in ((None, ["one", "two", "lost"]), (LimitError("no"), ["one", "lost"])):
        opened = Open()
        opened.connection.on_frame = opened.session.pause_reading
        opened.post("one", "two")
        opened.session.over(error)
        opened.session.over()
        assert opened.connection.story == story
        assert opened.connection.error is error


@pytest.mark.parametrize(("more", "brought"), [(0, 3), (1, 1)])
async def test_more_than_may_always_wait_is_dropped_with_the_end(more: int, brought: int) -> None:
    opened = Open()
    opened.session._max_length = 1 << 20
    opened.connection.on_frame = opened.session.pause_reading
    overhead = DEFAULT_LIMITS.frame_overhead
    size = DEFAULT_LIMITS.read_ahead_bytes - 1 - 2 * overhead + more
    opened.post("x", "y", "z" * size)

    opened.session.over()

    assert len(opened.connection.story) == brought + 1


async def test_posts_wait_for_room_while_messages_wait_for_the_connection() -> None:
    opened = Open()
    opened.session._max_length = 1 << 20
    opened.session.pause_reading()
    opened.post("x" * DEFAULT_LIMITS.read_ahead_bytes)
    request = make_request(method="POST", body=[b"next"])
    reading = asyncio.ensure_future(opened.session.read(request, 1))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not reading.done()
    opened.session.resume_reading()
    assert await reading == b"next"

    opened.session.pause_reading()
    opened.post("x" * DEFAULT_LIMITS.read_ahead_bytes)
    again = make_request(method="POST", body=[b"last"])
    reading = asyncio.ensure_future(opened.session.read(again, 2))
    await asyncio.sleep(0)
    opened.session.over()
    assert await reading == b"last"


async def test_a_close_is_said_once_behind_what_was_sent_and_not_waited_for_long() -> None:
    opened = Open()
    opened.session.pause_reading()
    opened.session.send("one")
    opened.session.close()
    opened.session.close()
    opened.session.send("late")
    assert not opened.session.paused
    assert await opened.chunk() == '25\n[[1,"one"],[2,["stop"]]]\n'
    assert opened.session.is_told
    opened.clock.advance(opened.options.session_timeout - 2)
    assert opened.connection.story == []
    opened.clock.advance(4)
    assert opened.connection.story == ["lost"]
    assert opened.connection.error is None


async def test_a_server_that_ends_waits_until_the_client_was_told() -> None:
    opened = Open()
    opened.session.close()
    opened.session.shorten()
    assert opened.connection.story == []
    await opened.chunk()
    assert opened.connection.story == ["lost"]
    assert opened.connection.error is None

    told = Open()
    told.session.close()
    await told.chunk()
    assert told.connection.story == []
    told.session.shorten()
    assert told.connection.story == ["lost"]
    assert told.connection.error is None


async def test_an_abort_drops_what_waits_in_both_directions() -> None:
    opened = Open()
    dropped: list[bool] = []
    request = make_request()
    request._drop = lambda: dropped.append(True)
    poll = opened.session.open_back_channel(request)
    answering = asyncio.ensure_future(opened.session.one_chunk(poll))
    await asyncio.sleep(0)
    opened.connection.on_frame = opened.session.pause_reading
    opened.post("one", "two")

    opened.session.abort()

    assert opened.connection.story == ["one", "lost"]
    assert opened.connection.error is None
    assert dropped == [True]
    assert await answering == ""
    opened.session.abort()
    assert opened.connection.story == ["one", "lost"]
    assert opened.connection.error is None


async def test_a_session_that_ended_before_it_began_is_not_known() -> None:
    opened = Open()
    session = Session("other", 0, opened.sessions, opened.options, 1000)
    session.over()
    session.begin()
    assert opened.sessions.get("other") is None


async def test_a_post_is_not_read_before_there_is_room_for_what_is_in_it() -> None:
    opened = Open()
    opened.session.pause_reading()
    opened.post("x" * 900)
    while opened.session._has_room:
        opened.post("x" * 900)
    read: list[str] = []

    class Post:
        """A post, which is there as soon as it is asked for."""

        def taken(self, limit: int) -> bytes:
            read.append("read")
            return b"count=0"

    post = cast("Request", Post())
    assert opened.session.taken_body(post) is None
    reading = asyncio.ensure_future(opened.session.read(post, opened.rid))
    for _ in range(10):
        await asyncio.sleep(0)
    assert (read, reading.done()) == ([], False)

    opened.session.resume_reading()
    assert await reading == b"count=0"
    assert read == ["read"]
    assert opened.session.taken_body(post) == b"count=0"


async def test_a_post_of_a_session_that_is_over_does_not_wait_for_room() -> None:
    opened = Open()
    opened.session.pause_reading()
    while opened.session._has_room:
        opened.post("x" * 900)
    reading = asyncio.ensure_future(
        opened.session.read(make_request("/primus", body=[b"count=0"]), opened.rid)
    )
    await asyncio.sleep(0)
    opened.session.abort()
    assert await reading == b"count=0"


async def test_a_client_that_is_told_the_end_may_post_until_it_knows() -> None:
    primus = Primus(transformer="browserchannel")
    transformer: Any = primus.transformer
    session = opened()
    transformer._last = {"key": session}

    def request(method: str, sid: str) -> Request:
        target = f"/primus/bind?VER=8&SID={sid}&RID=1&AID=0"
        return make_request(target, method=method, body=[b"count=0&ofs=0"])

    assert (await transformer._bind(request("POST", "key"))).status == 200
    for method, sid in (("GET", "key"), ("POST", "another")):
        with pytest.raises(Exception, match="Unknown SID"):
            await transformer._bind(request(method, sid))
