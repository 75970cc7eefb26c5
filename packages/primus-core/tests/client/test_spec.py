"""What a server says about itself, from servers that answer in every way."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from typing import Any

import pytest

from primus import HandshakeError, TransportError
from primus.client.spec import fetch_spec
from primus.limits import DEFAULT_LIMITS
from primus_testing import Asked, answer, scripted_server

SPEC = b'{"transformer":"websockets","parser":"JSON","version":"8.0.9"}'
KNOWN = {"transformer": "websockets", "parser": "JSON", "version": "8.0.9"}
LIMIT = DEFAULT_LIMITS.description_bytes


@pytest.mark.parametrize(
    "pieces",
    [
        [b"Content-Length: 62\r\n\r\n", SPEC[:20], SPEC[20:]],
        [b"Content-Length: 62\r\n\r\n", *(bytes([byte]) for byte in SPEC)],
        [
            b"Transfer-Encoding: chunked\r\n\r\n",
            b"a\r\n" + SPEC[:10] + b"\r\n",
            b"34\r\n" + SPEC[10:] + b"\r\n0\r\n\r\n",
        ],
        [b"Connection: close\r\n\r\n", SPEC[:20], SPEC[20:], b""],
    ],
    ids=["two", "bytes", "chunks", "until the end"],
)
async def test_a_description_in_pieces_is_read_whole(pieces: list[bytes]) -> None:
    async with scripted_server(lambda asked: [b"HTTP/1.1 200 OK\r\n", *pieces]) as server:
        assert await fetch_spec(server.url) == KNOWN


async def test_a_refusal_in_pieces_is_read_whole() -> None:
    pieces = [b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\n", b"sh", b"ort"]
    async with scripted_server(lambda asked: pieces) as server:
        with pytest.raises(HandshakeError, match="404") as refusal:
            await fetch_spec(server.url)
    assert refusal.value.body == b"short"


@pytest.mark.parametrize("count", [0, 1, 16])
async def test_interim_answers_are_passed_over(count: int) -> None:
    pieces = [b"HTTP/1.1 103 Early Hints\r\n\r\n" * count + answer(SPEC)]
    async with scripted_server(lambda asked: pieces) as server:
        assert await fetch_spec(server.url) == KNOWN


async def test_interim_answers_without_end_are_an_error() -> None:
    pieces = [b"HTTP/1.1 103 Early Hints\r\n\r\n" * 17 + answer(SPEC)]
    async with scripted_server(lambda asked: pieces) as server:
        with pytest.raises(TransportError, match="too many interim answers"):
            await fetch_spec(server.url)


async def test_an_answer_that_cannot_be_read_tells_no_secrets_of_the_question() -> None:
    async with scripted_server(lambda asked: [b"SSH-2.0-OpenSSH\r\n\r\n"]) as server:
        with pytest.raises(TransportError, match="cannot ask") as raised:
            await fetch_spec(f"{server.url}/?token=secret")
    assert "secret" not in str(raised.value)


async def test_the_question_is_asked_once_when_its_connection_breaks() -> None:
    async with scripted_server(lambda asked: None) as server:
        with pytest.raises(TransportError, match="disconnected"):
            await fetch_spec(server.url)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "whole",
    [
        answer(SPEC + b" " * LIMIT),
        answer(gzip.compress(b" " * (1 << 26)), "200 OK", "Content-Encoding: gzip"),
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b" " * (1 << 20),
    ],
    ids=["length", "bomb", "without an end"],
)
async def test_a_description_that_is_too_long_is_an_error(whole: bytes) -> None:
    async with scripted_server(lambda asked: [whole]) as server:
        with pytest.raises(TransportError, match=f"more than {LIMIT} bytes"):
            await fetch_spec(server.url)


@pytest.mark.parametrize(
    "headers",
    [
        b"".join(b"X-%d: 1\r\n" % number for number in range(5000)),
        b"X-Long: " + b"x" * 200_000 + b"\r\n",
        b"X-Long: " + b"x" * 200_000,
    ],
    ids=["many", "long", "without an end"],
)
async def test_a_head_without_bounds_is_an_error(headers: bytes) -> None:
    async with scripted_server(lambda asked: [b"HTTP/1.1 200 OK\r\n" + headers, b""]) as server:
        with pytest.raises(TransportError):
            await fetch_spec(server.url)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "nonsense"])
async def test_a_description_that_is_not_in_its_encoding_is_an_error(encoding: str) -> None:
    whole = answer(b"\xff" * 100, "200 OK", f"Content-Encoding: {encoding}")
    async with scripted_server(lambda asked: [whole]) as server:
        with pytest.raises(TransportError):
            await fetch_spec(server.url)


async def test_a_description_may_be_compressed() -> None:
    whole = answer(gzip.compress(SPEC), "200 OK", "Content-Encoding: gzip")
    async with scripted_server(lambda asked: [whole]) as server:
        assert await fetch_spec(server.url) == KNOWN


# -- redirects


def redirecting(location: str, *, times: int = 1) -> Any:
    """Redirects so many times, then tells."""
    left = iter([*[answer("", "302 Found", f"Location: {location}")] * times, answer(SPEC)])

    def script(asked: Asked) -> Sequence[bytes]:
        return [next(left)]

    return script


async def test_a_redirect_on_the_same_server_is_followed_with_the_headers() -> None:
    async with scripted_server(redirecting("/elsewhere/spec?a=1", times=5)) as server:
        told = await fetch_spec(server.url, transport={"headers": {"X-Token": "s3cret"}})
    assert told == KNOWN
    assert [asked.headers["x-token"] for asked in server.requests] == ["s3cret"] * 6
    assert server.requests[-1].target == "/elsewhere/spec?a=1"


async def test_redirects_without_an_end_are_an_error() -> None:
    async with scripted_server(redirecting("/again", times=50)) as server:
        with pytest.raises(HandshakeError, match="302; it points to '/again'"):
            await fetch_spec(server.url)
    assert len(server.requests) == 6


@pytest.mark.parametrize("as_name", ["127.0.0.1", "localhost"])
async def test_no_redirect_to_another_server_is_followed(as_name: str) -> None:
    async with scripted_server(lambda asked: [answer(SPEC)]) as other:
        where = other.url.replace("127.0.0.1", as_name)
        async with scripted_server(redirecting(f"{where}/primus/spec?token=1")) as server:
            with pytest.raises(HandshakeError, match=f"it points to '{where}/primus/spec', and"):
                await fetch_spec(server.url, transport={"headers": {"X-Token": "s3cret"}})
    assert other.requests == []


@pytest.mark.parametrize(
    "location",
    ["https://127.0.0.1/primus/spec", "ftp://127.0.0.1/", "http://[", "javascript:"],
)
async def test_a_redirect_to_no_place_of_this_server_is_an_error(location: str) -> None:
    async with scripted_server(redirecting(location)) as server:
        with pytest.raises(HandshakeError, match="redirects are not followed"):
            await fetch_spec(server.url)
    assert len(server.requests) == 1
