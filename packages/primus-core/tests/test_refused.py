"""The body of an answer that refuses a WebSocket."""

from typing import Any

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from primus.errors import ProtocolError
from primus.websocket.refused import RefusedAnswer
from primus.websocket.refused_heads import refused_answer


def refused(limit: int, **headers: str) -> Any:
    """An answer whose head has come."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return RefusedAnswer(403, CIMultiDictProxy(CIMultiDict(named)), limit)


def chunked(limit: int) -> Any:
    """One with a body in chunks."""
    return refused(limit, x_one="1", transfer_encoding="chunked")


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_chunks_are_joined_however_they_come(size: int) -> None:
    answer = chunked(100)
    body = b"3\r\nabc\r\nA;name=value\r\n0123456789\r\n0\r\nX-Trailer: 1\r\n\r\n"
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    while not answer.feed(parts.pop(0)):
        pass
    assert answer.error.body == b"abc0123456789"
    assert (answer.error.status, answer.error.headers["x-one"]) == (403, "1")


@pytest.mark.parametrize(
    "body", [b"3\r\nabcdef", b"FFFFFF\r\nabcdef", b"1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n"]
)
def test_no_more_of_a_body_is_read_than_the_limit(body: bytes) -> None:
    answer = chunked(3)
    assert answer.feed(body)
    assert answer.error.body == b"abc"


@pytest.mark.parametrize("line", [b"x\r\n", b"-1\r\n", b"\r\n", b"1" * 17 + b"\r\n", b"1;" * 4096])
def test_a_body_ends_where_its_chunks_are_malformed(line: bytes) -> None:
    answer = chunked(100)
    assert not answer.feed(b"3\r\nabc\r\n")
    assert answer.feed(line)
    assert answer.error.body == b"abc"


def test_what_stands_behind_the_length_is_no_body() -> None:
    answer = refused(100, content_length="5")
    assert not answer.feed(b"sh")
    assert answer.feed(b"ort, and more")
    assert answer.error.body == b"short"


def test_a_body_without_a_length_is_read_until_the_limit() -> None:
    answer = refused(5)
    assert not answer.feed(b"four")
    assert answer.feed(b"five")
    assert answer.error.body == b"fourf"


@pytest.mark.parametrize("make", [chunked, refused])
def test_an_answer_without_a_body_is_whole_at_once(make: Any) -> None:
    answer = make(0)
    assert answer.feed(b"")
    assert answer.error.body == b""


@pytest.mark.parametrize("status", [103, 204, 304])
@pytest.mark.parametrize("headers", [{}, {"Content-Length": "9"}, {"Transfer-Encoding": "chunked"}])
def test_an_answer_that_has_no_body_ends_with_its_head(
    status: int, headers: dict[str, str]
) -> None:
    answer = RefusedAnswer(status, CIMultiDictProxy(CIMultiDict(headers)), 100)

    assert answer.feed(b"")
    assert (answer.error.status, answer.error.body) == (status, b"")


async def test_what_is_said_of_a_malformed_head_is_one_short_line() -> None:
    with pytest.raises(ProtocolError, match="Invalid header") as raised:
        refused_answer(b"HTTP/1.1 404 x\r\n" + b"A" * 15_000 + b"\r\n\r\n")

    text = str(raised.value)
    assert len(text) <= 200
    assert "\n" not in text
