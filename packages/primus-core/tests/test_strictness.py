"""Requests as attackers write them: a server of our own takes none that aiohttp refuses.

Each case is sent to both, with another request behind it. Both have to see the same requests, or a
proxy that believes one of them could be lied to.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from primus import Primus, Request, Response, Transformer
from primus.errors import ProtocolError
from primus_testing import DEADLINE, Tracebacks, running

LAST = b"GET /primus/last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")

Seen = list[tuple[str, str, bytes]]


class Reading(Transformer):
    """Reads every body."""

    takes_transports = True

    async def request(self, request: Request) -> Response:
        return Response(200)

    async def upgrade(self, request: Request) -> Response | None:
        return Response(426)


def get(*lines: bytes, target: bytes = b"/primus/", version: bytes = b"1.1") -> bytes:
    return b"\r\n".join((b"GET %b HTTP/%b" % (target, version), *lines, b"", b""))


def post(*lines: bytes, body: bytes = b"", version: bytes = b"1.1") -> bytes:
    head = (b"POST /primus/ HTTP/%b" % version, b"Host: a", *lines, b"", b"")
    return b"\r\n".join(head) + body


HOST = b"Host: a"
CHUNKED = b"Transfer-Encoding: chunked"
UPGRADE = b"Connection: Upgrade"
INNER = b"GET /primus/inner HTTP/1.1\r\nHost: a\r\n\r\n"

GET = ("GET", "/primus/", b"")
LAST_ONE = ("GET", "/primus/last", b"")


def posted(body: bytes) -> tuple[str, str, bytes]:
    return ("POST", "/primus/", body)


TAKEN: dict[str, tuple[bytes, Seen]] = {
    "plain": (get(HOST), [GET, LAST_ONE]),
    "a length of nothing": (post(b"Content-Length: 0"), [posted(b""), LAST_ONE]),
    "a body": (post(b"Content-Length: 3", body=b"abc"), [posted(b"abc"), LAST_ONE]),
    "a body of a GET": (get(HOST, b"Content-Length: 3") + b"abc", [(*GET[:2], b"abc"), LAST_ONE]),
    "a request as a body": (
        post(b"Content-Length: %d" % len(INNER), body=INNER),
        [posted(INNER), LAST_ONE],
    ),
    "white space around a length": (
        post(b"Content-Length:  3 ", body=b"abc"),
        [posted(b"abc"), LAST_ONE],
    ),
    "chunks": (post(CHUNKED, body=b"3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"), [posted(b"abcd"), LAST_ONE]),
    "chunks of line ends": (
        post(CHUNKED, body=b"8\r\n\r\n\r\n\r\n\r\n\r\n4\r\n\r\n\r\n\r\n0\r\n\r\n"),
        [posted(b"\r\n" * 6), LAST_ONE],
    ),
    "an extension of a chunk": (
        post(CHUNKED, body=b"3;a=b\r\nabc\r\n0\r\n\r\n"),
        [posted(b"abc"), LAST_ONE],
    ),
    "trailers": (
        post(CHUNKED, body=b"3\r\nabc\r\n0\r\nX-Trailer: c\r\n\r\n"),
        [posted(b"abc"), LAST_ONE],
    ),
    "chunks in capitals": (
        post(b"TRANSFER-ENCODING: Chunked", body=b"A\r\n0123456789\r\n0\r\n\r\n"),
        [posted(b"0123456789"), LAST_ONE],
    ),
    "a length of thousands of digits": (
        post(b"Content-Length: " + b"0" * 5000 + b"3", body=b"abc"),
        [posted(b"abc"), LAST_ONE],
    ),
    "an empty header": (get(HOST, b"X-Empty:"), [GET, LAST_ONE]),
    "a URL": (get(HOST, target=b"http://b/primus/"), [GET, LAST_ONE]),
    "line ends before it": (b"\r\n\r\n" + get(HOST), [GET, LAST_ONE]),
    "an old request that stays": (
        get(b"Connection: keep-alive", version=b"1.0"),
        [GET, LAST_ONE],
    ),
}

IGNORED: dict[str, tuple[bytes, Seen]] = {
    "another protocol": (get(HOST, UPGRADE, b"Upgrade: h2c"), [GET, LAST_ONE]),
    "another protocol, with a body": (
        post(UPGRADE, b"Upgrade: h2c", b"Content-Length: %d" % len(INNER), body=INNER),
        [posted(INNER), LAST_ONE],
    ),
    "another protocol, with chunks": (
        post(UPGRADE, b"upgrade: h2c", CHUNKED, body=b"3\r\nabc\r\n0\r\n\r\n"),
        [posted(b"abc"), LAST_ONE],
    ),
    "a WebSocket that is posted": (
        post(UPGRADE, b"Upgrade: websocket", b"Content-Length: %d" % len(INNER), body=INNER),
        [posted(INNER), LAST_ONE],
    ),
}
"""Upgrades that are ignored, as RFC 9110 section 7.8 wants it. aiohttp does so too, but loses what
stands behind them in the same read."""

ENDING: dict[str, tuple[bytes, Seen]] = {
    "an old request": (get(version=b"1.0"), [GET]),
    "an old body": (post(b"Content-Length: 3", body=b"abc", version=b"1.0"), [posted(b"abc")]),
    "an old upgrade": (get(UPGRADE, b"Upgrade: websocket", version=b"1.0"), [GET]),
    "a request that ends the connection": (get(HOST, b"Connection: close"), [GET]),
}

REFUSED: dict[str, bytes] = {
    "no host": get(),
    "two hosts": get(HOST, b"Host: b"),
    "the same host twice": get(HOST, HOST),
    "a folded header": get(HOST, b"X-Folded: a\r\n b"),
    "a folded host": get(b"Host:\r\n a"),
    "line feeds": get(HOST).replace(b"\r\n", b"\n"),
    "one line feed": get(HOST).replace(b"Host: a\r\n", b"Host: a\n"),
    "a lone carriage return": get(HOST, b"X-Return: a\rb"),
    "a carriage return at the end": get(HOST, b"X-Return: a\r"),
    "NUL": get(HOST, b"X-Nul: a\0b"),
    "NUL in a name": get(HOST, b"X-\0Nul: a"),
    "a space before the colon": get(HOST, b"X-Space : a"),
    "a space before the colon of a length": post(b"Content-Length : 3", body=b"abc"),
    "a space before a name": get(b" Host: a"),
    "a tab before the colon of chunks": post(b"Transfer-Encoding\t: chunked", body=b"0\r\n\r\n"),
    "no name": get(HOST, b": nameless"),
    "no colon": get(HOST, b"no colon"),
    "a name that is no token": get(HOST, b"X(Y): a"),
    "a name that is not ASCII": get(HOST, "X-ü: a".encode()),
    "length and chunks": post(b"Content-Length: 3", CHUNKED, body=b"0\r\n\r\n" + INNER),
    "chunks and length": post(CHUNKED, b"Content-Length: 3", body=b"0\r\n\r\n" + INNER),
    "two lengths": post(b"Content-Length: 3", b"Content-Length: 4", body=b"abc"),
    "the same length twice": post(b"Content-Length: 3", b"Content-Length: 3", body=b"abc"),
    "a list of lengths": post(b"Content-Length: 3, 3", body=b"abc"),
    "a length with a sign": post(b"Content-Length: +3", body=b"abc"),
    "a negative length": post(b"Content-Length: -3", body=b"abc"),
    "a length in hexadecimal": post(b"Content-Length: 0x3", body=b"abc"),
    "a length with an underscore": post(b"Content-Length: 1_0", body=b"0123456789"),
    "a length that is not ASCII": post("Content-Length: ３".encode(), body=b"abc"),
    "an empty length": post(b"Content-Length: ", body=b"abc"),
    "a length that is too large": post(b"Content-Length: 18446744073709551619", body=b"abc"),
    "an encoding that is no chunks": post(b"Transfer-Encoding: gzip", body=b"abc"),
    "chunks that are not last": post(b"Transfer-Encoding: chunked, gzip", body=b"0\r\n\r\n"),
    "chunks twice": post(CHUNKED, CHUNKED, body=b"0\r\n\r\n"),
    "chunks in quotes": post(b'Transfer-Encoding: "chunked"', body=b"0\r\n\r\n"),
    "chunks with a form feed": post(b"Transfer-Encoding: \x0cchunked", body=b"0\r\n\r\n"),
    "a method that is no token": get(HOST).replace(b"GET", b"G@T"),
    "a method in small letters": get(HOST).replace(b"GET", b"get"),
    "an unknown method": get(HOST).replace(b"GET", b"BREW"),
    "a version that does not exist": get(HOST, version=b"9.9"),
    "a version in words": get(HOST, version=b"one"),
    "no version": b"GET /primus/\r\nHost: a\r\n\r\n",
    "another protocol": get(HOST).replace(b"HTTP/", b"ICAP/"),
    "a target that is not ASCII": get(HOST, target="/primus/ü".encode()),
    "a target with a space": get(HOST, target=b"/primus/ x"),
    "a target with NUL": get(HOST, target=b"/primus/\0"),
    "a target without a slash": get(HOST, target=b"primus/"),
    "a URL without a host": get(HOST, target=b"http:///primus/"),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "too many headers": get(HOST, *[b"X: y"] * 128),
    "keys of an old WebSocket": get(HOST, b"Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5"),
    "two types": post(b"Content-Type: a/b", b"Content-Type: c/d"),
}

BROKEN: dict[str, bytes] = {
    "a size that is no number": b"g\r\nabc\r\n0\r\n\r\n",
    "a size with a sign": b"+3\r\nabc\r\n0\r\n\r\n",
    "a size with 0x": b"0x3\r\nabc\r\n0\r\n\r\n",
    "an empty size": b"\r\nabc\r\n0\r\n\r\n",
    "a size that is too large": b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n",
    "a space before a size": b" 3\r\nabc\r\n0\r\n\r\n",
    "a space behind a size": b"3 \r\nabc\r\n0\r\n\r\n",
    "a chunk that is longer": b"3\r\nabcdef\r\n0\r\n\r\n",
    "a chunk that is shorter": b"5\r\nabc\r\n0\r\n\r\n",
    "a line feed behind a size": b"3\nabc\r\n0\r\n\r\n",
    "a line feed behind a chunk": b"3\r\nabc\n0\r\n\r\n",
    "a line feed in an extension": b"3;a\nb\r\nabc\r\n0\r\n\r\n",
    "a line feed at the end": b"3\r\nabc\r\n0\r\n\n",
    "a trailer without a colon": b"3\r\nabc\r\n0\r\ntrailer\r\n\r\n",
    "a length in a trailer": b"3\r\nabc\r\n0\r\nContent-Length: 9\r\n\r\n",
    "NUL in a trailer": b"3\r\nabc\r\n0\r\nX: a\0b\r\n\r\n",
}


@asynccontextmanager
async def listening(host: str) -> AsyncIterator[tuple[Primus, int]]:
    """A server and its port: one of our own, which has no application behind it, or aiohttp's."""
    if host == "aiohttp":
        async with running(transformer=Reading) as server:
            yield server.primus, server.port
        return
    primus = await Primus.create_server(
        host="127.0.0.1", transformer=Reading, iknowhttpsisbetter=True
    )
    yield primus, primus.port
    await primus.destroy()


async def talk(host: str, said: bytes, last: bytes = LAST) -> tuple[list[int], Seen]:
    """The statuses of what is answered to `said` and to `last` behind it, and what was seen."""
    seen: Seen = []

    async def reads(request: Request) -> Response | None:
        try:
            seen.append((request.method, request.path, await request.read()))
        except ProtocolError:
            return Response(400)
        return None

    async with listening(host) as (primus, port):
        primus.before("reads", reads)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        answers = b""
        async with asyncio.timeout(DEADLINE):
            with suppress(ConnectionError):
                writer.write(said + last)
                while part := await reader.read(65536):
                    answers += part
        writer.close()
    return [int(status) for status in STATUS.findall(answers)], seen


@pytest.mark.parametrize("host", ["own", "aiohttp"])
@pytest.mark.parametrize("name", TAKEN)
async def test_what_is_taken_is_read_in_one_way(name: str, host: str) -> None:
    said, expected = TAKEN[name]
    statuses, seen = await talk(host, said)
    assert seen == expected
    assert statuses == [200] * len(expected)


@pytest.mark.parametrize("name", IGNORED)
async def test_what_stands_behind_an_upgrade_that_is_ignored_is_read(name: str) -> None:
    said, expected = IGNORED[name]
    assert await talk("own", said) == ([200, 200], expected)


@pytest.mark.parametrize("host", ["own", "aiohttp"])
@pytest.mark.parametrize("name", ENDING)
async def test_a_request_that_ends_its_connection_is_the_last(name: str, host: str) -> None:
    said, expected = ENDING[name]
    assert await talk(host, said, b"") == ([200], expected)


async def test_chunks_of_an_old_request_are_the_last_of_their_connection() -> None:
    said = post(b"Connection: keep-alive", CHUNKED, body=b"0\r\n\r\n" + INNER, version=b"1.0")
    assert await talk("own", said) == ([200], [posted(b"")])


async def test_what_stands_behind_the_last_request_is_passed_over() -> None:
    assert await talk("own", get(HOST, b"Connection: close")) == ([200], [GET])


@pytest.mark.parametrize("host", ["own", "aiohttp"])
@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_malformed_is_refused_with_all_that_follows(name: str, host: str) -> None:
    statuses, seen = await talk(host, REFUSED[name])
    assert seen == []
    assert len(statuses) == 1
    assert 400 <= statuses[0] < 500 or statuses == [505]


@pytest.mark.parametrize(
    ("limit", "body", "status"),
    [(None, b"g\r\nabc\r\n0\r\n\r\n", 400), (2, b"3\r\nabc\r\n0\r\n\r\n", 413)],
    ids=["broken", "too large"],
)
@pytest.mark.parametrize("reader", ["a layer", "a transformer"])
async def test_a_body_that_its_reader_cannot_take_is_no_failure_of_the_reader(
    reader: str, limit: int | None, body: bytes, status: int, tracebacks: Tracebacks
) -> None:
    async def reads(request: Request) -> Response:
        return Response(200, await request.read(limit))

    async with listening("own") as (primus, port):
        if reader == "a layer":
            primus.before("reads", reads)
        else:
            primus.transformer.request = reads  # type: ignore[method-assign]
        stream, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(post(CHUNKED, body=body))
        async with asyncio.timeout(DEADLINE):
            line = await stream.readline()
        writer.close()

    assert int(line.split()[1]) == status


@pytest.mark.parametrize("host", ["own", "aiohttp"])
@pytest.mark.parametrize("name", BROKEN)
async def test_a_body_of_broken_chunks_ends_its_connection(name: str, host: str) -> None:
    statuses, seen = await talk(host, post(CHUNKED, body=BROKEN[name]))
    assert seen == []
    assert statuses in ([400], [400, 400], [])
