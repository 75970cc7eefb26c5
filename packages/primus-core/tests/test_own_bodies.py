"""The body of a request on a server of our own, as it is fed and read."""

from __future__ import annotations

import asyncio

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from primus.errors import ProtocolError
from primus.http import ClientGone
from primus.server.body import Body
from primus.server.heads import Head, read_head
from primus_testing import NotingTransport

CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def wire() -> NotingTransport:
    return NotingTransport()


def sized(wire: NotingTransport, length: int, most: int = 4) -> Body:
    head = Head(CIMultiDictProxy(CIMultiDict()), keep_alive=True, length=length)
    return Body(head, wire, most)


def chunked(wire: NotingTransport, most: int = 4) -> Body:
    _, _, head = read_head(CHUNKED, most_headers=10, longest=100)
    return Body(head, wire, most)


async def read(body: Body) -> list[bytes]:
    return [part async for part in body.chunks()]


async def test_a_body_ends_where_its_head_says_and_leaves_the_rest(wire: NotingTransport) -> None:
    body = sized(wire, 6)
    assert (body.feed(b"abc"), body.is_whole) == (b"", False)
    assert (body.feed(b"defGET"), body.is_whole) == (b"GET", True)
    assert await read(body) == [b"abcdef"]


async def test_a_wire_is_read_no_further_while_more_than_the_limit_waits(
    wire: NotingTransport,
) -> None:
    body = sized(wire, 100)
    body.feed(b"abcd")
    assert wire.story == []
    body.feed(b"e")
    body.feed(b"f")
    assert wire.story == ["paused"]
    assert body.taken() == b"abcdef"
    assert wire.story == ["paused", "read"]
    body.feed(b"ghij")
    assert body.taken() == b"ghij"
    assert wire.story == ["paused", "read"]
    body.feed(b"klmno")
    assert wire.story == ["paused", "read", "paused"]


async def test_a_wire_is_not_paused_for_a_body_that_is_whole(wire: NotingTransport) -> None:
    body = sized(wire, 10)
    body.feed(b"0123456789")
    assert (body.is_whole, wire.story) == (True, [])


async def test_a_wire_that_is_closing_is_not_read_on(wire: NotingTransport) -> None:
    body = sized(wire, 100)
    body.feed(b"abcde")
    wire.closing = True
    assert body.taken() == b"abcde"
    assert wire.story == ["paused"]


async def test_what_had_come_is_read_before_the_client_is_said_to_have_gone(
    wire: NotingTransport,
) -> None:
    body = sized(wire, 100)
    body.feed(b"abc")
    body.fail()
    body.fail(ZeroDivisionError("what failed first counts"))
    assert body.feed(b"behind the failure") == b""
    parts = body.chunks()
    assert await anext(parts) == b"abc"
    with pytest.raises(ClientGone):
        await anext(parts)


async def test_a_client_that_goes_after_its_body_was_whole_is_no_failure(
    wire: NotingTransport,
) -> None:
    body = sized(wire, 3)
    body.feed(b"abc")
    body.fail()
    assert await read(body) == [b"abc"]


@pytest.mark.parametrize("fails", [True, False])
async def test_a_reader_that_waits_is_woken_by_the_next_part_or_a_failure(
    wire: NotingTransport, fails: bool
) -> None:
    body = sized(wire, 3)
    reader = asyncio.ensure_future(read(body))
    await asyncio.sleep(0)
    if fails:
        body.fail()
        with pytest.raises(ClientGone):
            await reader
    else:
        body.feed(b"abc")
        assert await reader == [b"abc"]


async def test_a_reader_that_was_cancelled_does_not_disturb_what_comes(
    wire: NotingTransport,
) -> None:
    body = sized(wire, 6)
    reader = asyncio.ensure_future(read(body))
    await asyncio.sleep(0)
    reader.cancel()
    body.feed(b"abc")
    body.feed(b"def")
    assert await read(body) == [b"abcdef"]


async def test_chunks_that_are_malformed_fail_their_reader_and_nothing_follows(
    wire: NotingTransport,
) -> None:
    body = chunked(wire)
    assert body.feed(b"3\r\nabc\r\n") == b""
    assert body.feed(b"what is this?\r\n") == b""
    assert body.feed(b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n") == b""
    assert not body.is_whole
    parts = body.chunks()
    assert await anext(parts) == b"abc"
    with pytest.raises(ProtocolError, match="the body cannot be read"):
        await anext(parts)


async def test_chunks_end_at_their_last_one_and_leave_the_rest(wire: NotingTransport) -> None:
    body = chunked(wire, most=100)
    assert body.feed(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nGET") == b"GET"
    assert body.is_whole
    assert await read(body) == [b"abcde"]
