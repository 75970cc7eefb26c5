"""Heads as the parser of httptools gives them, by themselves."""

from __future__ import annotations

import pytest

from primus.server.heads import ChunkedBody, Head, MalformedRequest, read_head

CHUNKS = b"Transfer-Encoding: chunked\r\n"


def parsed(more: bytes = b"", first: bytes = b"POST /primus/ HTTP/1.1", most: int = 10) -> Head:
    data = first + b"\r\nHost: a\r\n" + more + b"\r\n"
    return read_head(data, most_headers=most, longest=100)[2]


def chunked(longest: int) -> ChunkedBody:
    data = b"POST / HTTP/1.1\r\nHost: a\r\n" + CHUNKS + b"\r\n"
    body = read_head(data, most_headers=10, longest=longest)[2].chunked
    assert body is not None
    return body


def test_a_request_may_have_as_many_headers_as_the_limit() -> None:
    assert parsed(b"X: 1\r\n", most=2).headers["X"] == "1"
    with pytest.raises(MalformedRequest, match="more than 2 headers") as refused:
        parsed(b"X: 1\r\nY: 2\r\n", most=2)
    assert refused.value.status == 431


@pytest.mark.parametrize("more", [b"", b"Upgrade: websocket\r\nConnection: Upgrade\r\n"])
def test_a_tunnel_is_refused_whatever_its_target(more: bytes) -> None:
    with pytest.raises(MalformedRequest, match="no proxy"):
        parsed(more, b"CONNECT /primus/ HTTP/1.1")


@pytest.mark.parametrize(
    ("more", "first", "keeps"),
    [
        (b"", b"POST / HTTP/1.1", True),
        (b"Connection: close\r\n", b"POST / HTTP/1.1", False),
        (b"Connection: keep-alive\r\n", b"POST / HTTP/1.0", False),
    ],
)
def test_a_body_in_chunks_keeps_the_connection_unless_an_end_was_asked_for_or_is_in_doubt(
    more: bytes, first: bytes, keeps: bool
) -> None:
    head = parsed(CHUNKS + more, first)
    assert head.chunked is not None
    assert head.keep_alive is keeps


def test_trailers_may_be_as_long_as_the_limit() -> None:
    trailers = b"0\r\nX: 1\r\n"
    assert chunked(len(trailers)).feed(trailers) == (b"", b"")
    with pytest.raises(MalformedRequest, match="that hold nothing of it") as refused:
        chunked(len(trailers) - 1).feed(trailers)
    assert refused.value.status == 431


@pytest.mark.parametrize("cut", range(1, 15))
def test_a_body_in_chunks_ends_where_it_ends_wherever_a_read_ends(cut: int) -> None:
    body, text = chunked(100), b"1\r\na\r\n0\r\n\r\n" + b"GET "
    one, early = body.feed(text[:cut])
    two, rest = body.feed(text[cut:]) if not body.is_complete else (b"", text[cut:])
    assert body.is_complete
    assert (one + two, early + rest) == (b"a", b"GET ")
