"""Heads of upgrades that are read without a parser: as the parser reads them, or not at all."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from primus.server.heads import Head, MalformedRequest, read_head
from primus.server.upgrade_heads import HINT, read_upgrade

UPGRADE = (
    b"GET /primus/?a=b HTTP/1.1",
    b"Host: a",
    b"Upgrade: websocket",
    b"Connection: Upgrade",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    b"Sec-WebSocket-Version: 13",
)


def head(*lines: bytes) -> bytes:
    return b"\r\n".join((*lines, b"", b""))


def instead(line: bytes, by: bytes) -> bytes:
    """The upgrade with another line in the place of one."""
    assert line in UPGRADE
    return head(*(by if each == line else each for each in UPGRADE))


def more(line: bytes) -> bytes:
    """The upgrade with another header."""
    return head(*UPGRADE, line)


def shown(read: tuple[str, str, Head] | None) -> tuple[Any, ...] | None:
    if read is None:
        return None
    method, target, found = read
    return (
        method,
        target,
        list(found.headers.items()),
        found.is_old,
        found.keep_alive,
        found.upgrade,
        found.length,
        found.chunked,
        found.expectation,
    )


def parsed(data: bytes) -> tuple[Any, ...] | None:
    try:
        return shown(read_head(data, most_headers=128, longest=16384))
    except MalformedRequest:
        return None


READ = {
    "as most clients write it": head(*UPGRADE),
    "names in small letters": head(UPGRADE[0], *(line.lower() for line in UPGRADE[1:])),
    "as Firefox writes it": instead(b"Connection: Upgrade", b"Connection: keep-alive, Upgrade"),
    "an origin": more(b"Origin: https://a.example"),
    "cookies": more(b"Cookie: a=b; c=d"),
    "a long path": instead(UPGRADE[0], b"GET /primus/%C3%A4/websocket?x=%20&y=z HTTP/1.1"),
}

LEFT = {
    "no upgrade": head(UPGRADE[0], b"Host: a"),
    "another protocol": instead(b"Upgrade: websocket", b"Upgrade: h2c"),
    "no host": head(*(line for line in UPGRADE if line != b"Host: a")),
    "two hosts": more(b"Host: b"),
    "two keys": more(b"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA=="),
    "a key of a draft": more(b"Sec-WebSocket-Key1: 1 2"),
    "a body": more(b"Content-Length: 3"),
    "no body, told": more(b"Content-Length: 0"),
    "chunks": more(b"Transfer-Encoding: chunked"),
    "an expectation": more(b"Expect: 100-continue"),
    "another connection": instead(b"Connection: Upgrade", b"Connection: close"),
    "an old version": instead(UPGRADE[0], b"GET /primus/ HTTP/1.0"),
    "a post": instead(UPGRADE[0], b"POST /primus/ HTTP/1.1"),
    "an absolute target": instead(UPGRADE[0], b"GET http://a/primus/ HTTP/1.1"),
    "a fragment": instead(UPGRADE[0], b"GET /primus/#a HTTP/1.1"),
    "white space before a colon": more(b"X : a"),
    "white space before a value": more(b"X:  a"),
    "white space behind a value": more(b"X: a "),
    "no white space": more(b"X:a"),
    "an empty value": more(b"X: "),
    "a folded header": more(b"X: a\r\n b"),
    "a line feed": more(b"X: a\nY: b"),
    "a carriage return": more(b"X: a\rb"),
    "a control character": more(b"X: a\x00b"),
    "bytes beyond ASCII": more(b"X: \xc3\xa4"),
    "no name": more(b": a"),
    "a name that is none": more(b"X(: a"),
    "lines behind the end": head(*UPGRADE) + b"X: a\r\n\r\n",
}


@pytest.mark.parametrize("name", READ)
def test_an_upgrade_is_read_as_the_parser_reads_it(name: str) -> None:
    data = READ[name]
    read = read_upgrade(data, 128)
    assert read is not None
    assert shown(read) == parsed(data)
    assert HINT in data


@pytest.mark.parametrize("name", LEFT)
def test_what_is_written_in_another_way_is_left_to_the_parser(name: str) -> None:
    assert read_upgrade(LEFT[name], 128) is None


def test_more_headers_than_there_may_be_are_left_to_the_parser() -> None:
    assert read_upgrade(head(*UPGRADE), 5) is not None
    assert read_upgrade(head(*UPGRADE), 4) is None


def test_more_headers_than_any_client_has_are_left_to_the_parser() -> None:
    others = [b"X-%d: a" % number for number in range(60)]
    assert read_upgrade(head(*UPGRADE, *others[:59]), 128) is not None
    assert read_upgrade(head(*UPGRADE, *others), 128) is None


def test_connections_share_the_names_and_values_that_are_common() -> None:
    data = instead(b"Host: a", b"X-Own: something")[:-2] + b"Host: a.example\r\n\r\n"
    one, other = read_upgrade(data, 128), read_upgrade(data, 128)
    assert one is not None
    assert other is not None
    fields = zip(one[2].headers.items(), other[2].headers.items(), strict=True)
    shared = [(a is c, b is d) for (a, b), (c, d) in fields]
    own, name_alone, both = (False, False), (True, False), (True, True)
    assert shared == [own, both, both, name_alone, both, name_alone]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([*UPGRADE[1:], b"X: a", b"x: b", b"Expect: 1", b"Content-Length: 1"]),
            st.integers(-1, 30),
            st.sampled_from(
                [b"", b" ", b":", b"\r", b"\n", b"\t", b"\0", b"a", b"\xff", b",", b"("]
            ),
        ),
        min_size=3,
        max_size=9,
    )
)
def test_nothing_is_read_that_the_parser_reads_otherwise(
    written: list[tuple[bytes, int, bytes]],
) -> None:
    lines = [line if at < 0 else line[:at] + byte + line[at:] for line, at, byte in written]
    data = head(UPGRADE[0], *lines)
    read = shown(read_upgrade(data, 128))
    assert read is None or read == parsed(data)
