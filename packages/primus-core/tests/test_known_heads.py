"""Heads that repeat the headers of an earlier one: they are read as any other, without a parser."""

from typing import Any

import pytest

import primus.server.known_heads
from primus.server.heads import Head, MalformedRequest, read_head
from primus.server.known_heads import KnownHeads

AGENT = b"User-Agent: Mozilla/5.0\r\nCookie: a=b; c=d\r\n"


def poll(target: bytes = b"/primus/?sid=a", headers: bytes = AGENT) -> bytes:
    return b"GET %b HTTP/1.1\r\nHost: a\r\n%b\r\n" % (target, headers)


def post(length: bytes, before: bytes = AGENT, behind: bytes = b"Accept: */*\r\n") -> bytes:
    return b"POST /primus/?sid=a HTTP/1.1\r\nHost: a\r\n%bContent-Length: %b\r\n%b\r\n" % (
        before,
        length,
        behind,
    )


def shown(read: tuple[str, str, Head]) -> tuple[Any, ...]:
    method, target, head = read
    return (
        method,
        target,
        list(head.headers.items()),
        head.is_old,
        head.keep_alive,
        head.upgrade,
        head.length,
        head.chunked is not None,
    )


def parsed(data: bytes) -> tuple[str, str, Head]:
    return read_head(data, most_headers=128, longest=16384)


@pytest.fixture
def parses(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every head that is parsed byte for byte."""
    seen: list[bytes] = []

    def noted(data: bytes, **limits: int) -> tuple[str, str, Head]:
        seen.append(data)
        return read_head(data, **limits)

    monkeypatch.setattr(primus.server.known_heads, "read_head", noted)
    return seen


def heads() -> KnownHeads:
    return KnownHeads(128, 16384)


@pytest.mark.parametrize(
    "said",
    [
        [poll(), poll(b"/primus/?sid=a&t=b"), poll(b"/primus/")],
        [post(b"3"), post(b"12"), post(b"0"), post(b"3"), post(b"003")],
        [poll(), post(b"3", before=AGENT), poll(b"/primus/x"), post(b"4", before=AGENT)],
        [poll(headers=b"Connection: close\r\n"), poll(b"/primus/x", b"Connection: close\r\n")],
        [poll(headers=b"X: \xc3\xa4\xff\r\n"), poll(b"/primus/x", b"X: \xc3\xa4\xff\r\n")],
        [poll(headers=b"x-a: 1\r\nX-A: 2\r\n"), poll(b"/primus/x", b"x-a: 1\r\nX-A: 2\r\n")],
        [poll(headers=b"Content-Length: 3\r\n"), poll(b"/y", b"Content-Length: 3\r\n")],
    ],
    ids=["polls", "posts", "both", "the last", "bytes", "twice", "with a body"],
)
def test_a_head_that_is_known_is_read_as_if_it_were_not(said: list[bytes]) -> None:
    known = heads()
    for data in said:
        assert shown(known.read(data)) == shown(parsed(data))


def test_only_the_first_of_heads_that_differ_in_target_and_length_is_parsed(
    parses: list[bytes],
) -> None:
    known = heads()
    for number in range(10):
        known.read(poll(b"/primus/?t=%d" % number))
        known.read(post(b"%d" % number))
    assert parses == [poll(b"/primus/?t=0"), post(b"0")]


@pytest.mark.parametrize(
    "broken",
    [
        post(b""),
        post(b"+3"),
        post(b"3, 3"),
        post(b"3\r\nContent-Length: 3"),
        post(b"3").replace(b"Content-Length: 3", b"Content-Length : 3"),
        post(b"3").replace(b"HTTP/1.1", b"HTTP/3.1"),
        post(b"3").replace(b"/primus/", b"primus/"),
        post(b"3").replace(b"/primus/", b"/pri mus/"),
        post(b"3").replace(b"/primus/", b"/pri\0mus/"),
        post(b"3").replace(b"/primus/", b"/pri\xc3\xa4mus/"),
        post(b"3").replace(b"POST", b"post"),
        post(b"3").replace(b"Host: a\r\n", b""),
        post(b"3").replace(b"HTTP/1.1\r\n", b"HTTP/1.1\n"),
    ],
)
def test_what_is_malformed_is_refused_whatever_is_known(broken: bytes) -> None:
    known = heads()
    for data in (post(b"3"), poll(), post(b"3")):
        known.read(data)
    with pytest.raises(MalformedRequest):
        known.read(broken)


@pytest.mark.parametrize(
    "said",
    [
        poll(headers=b"Connection: Upgrade\r\nUpgrade: h2c\r\n"),
        poll(headers=b"Transfer-Encoding: chunked\r\n"),
        poll().replace(b"HTTP/1.1", b"HTTP/1.0"),
        poll(b"http://b/primus/"),
        poll().replace(b"GET", b"OPTIONS"),
        poll(headers=b"X: %b\r\n" % (b"y" * 2048)),
    ],
    ids=["another protocol", "chunks", "1.0", "a URL", "another method", "a long one"],
)
def test_what_is_out_of_the_ordinary_is_parsed_each_time(said: bytes, parses: list[bytes]) -> None:
    known = heads()
    for _ in range(2):
        assert shown(known.read(said)) == shown(parsed(said))
    assert parses == [said, said]


def test_a_connection_remembers_few_heads(parses: list[bytes]) -> None:
    known = heads()
    for number in [*range(5), 4, 0]:
        known.read(poll(headers=b"X: %d\r\n" % number))
    assert parses == [poll(headers=b"X: %d\r\n" % number) for number in [*range(5), 0]]
