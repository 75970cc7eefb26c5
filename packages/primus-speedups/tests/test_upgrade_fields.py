"""The compiled function that reads upgrades gives what its counterpart in Python gives."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from primus.server.upgrade_heads import COMMON_NAMES, COMMON_VALUES
from primus.server.upgrade_heads import upgrade_fields as counterpart
from primus.websocket.speedups import UpgradeFields, upgrade_fields

LINES = [
    b"Host: a",
    b"Upgrade: websocket",
    b"Connection: Upgrade",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    b"Sec-WebSocket-Version: 13",
    b"Origin: https://a.example:80/~[]",
]
OTHERS = [
    b"upgrade: WebSocket",
    b"connection: keep-alive, Upgrade",
    b"connection: upgrade",
    b"Connection: close",
    b"HOST: b",
    b"host: a",
    b"Content-Length: 0",
    b"transfer-encoding: chunked",
    b"Expect: 100-continue",
    b"Sec-WebSocket-Key1: 1",
    b"X-9: a b",
    b"x-9: c",
]
BYTES = [b"", b" ", b":", b": ", b"\r", b"\n", b"\r\n", b"\t", b"\0", b"-", b"@", b"\x7f", b"\xff"]

headers = st.tuples(st.permutations(LINES), st.lists(st.sampled_from(OTHERS), max_size=3))
targets = st.text("/azAZ09_!$%&'()*+,.:;=?@~-#\"[é ", max_size=8).map(str.encode)


def head(lines: list[bytes], target: bytes = b"/primus", line: bytes = b"GET %b HTTP/1.1") -> bytes:
    return b"\r\n".join([line % target, *lines, b"", b""])


def compiled() -> UpgradeFields:
    found = upgrade_fields()
    assert found is not None
    assert found is not counterpart
    return found


def both(data: bytes, most: int = 128) -> Any:
    """What the two make of a head, which has to be the same."""
    expected = counterpart(data, most, COMMON_NAMES, COMMON_VALUES)
    assert compiled()(data, most, COMMON_NAMES, COMMON_VALUES) == expected
    return expected


@settings(max_examples=500, deadline=None)
@given(
    said=headers,
    left=st.integers(0, 2),
    target=st.just(b"/primus/?a=b") | targets,
    at=st.integers(0, 250),
    byte=st.sampled_from(BYTES),
    skipped=st.integers(0, 2),
    most=st.sampled_from([-1, 0, 3, 5, 6, 128]),
)
def test_it_does_what_its_counterpart_does(
    said: tuple[list[bytes], list[bytes]],
    left: int,
    target: bytes,
    at: int,
    byte: bytes,
    skipped: int,
    most: int,
) -> None:
    lines, others = said
    data = head(lines[left:] + others, target)
    both(data, most)
    both(data[:at] + byte + data[at + skipped :], most)


@given(said=st.permutations(LINES))
def test_it_does_what_its_counterpart_does_at_every_cut(said: list[bytes]) -> None:
    data = head(said)
    for cut in range(len(data)):
        assert both(data[:cut]) is None
    assert both(data) is not None
    assert both(data + b"x") is None


def test_every_byte_is_judged_alike_wherever_it_stands() -> None:
    for byte in map(bytes, zip(range(256))):
        both(head(LINES, b"/" + byte))
        both(head([*LINES, b"X" + byte + b": a"]))
        both(head([*LINES, byte + b": a"]))
        both(head([*LINES, b"X: a" + byte + b"b"]))
        both(head([*LINES, b"X: " + byte]))
        both(head([b"Host: a", b"Connection: Upgrade", b"Upgrade: " + byte + b"ebsocket"]))
        both(head([b"Host: a", b"Connection: " + byte + b"pgrade", b"Upgrade: websocket"]))
        both(head([byte + b"ost: a", b"Connection: Upgrade", b"Upgrade: websocket"]))


@pytest.mark.parametrize("count", [58, 59])
def test_headers_are_counted_alike(count: int) -> None:
    more = [b"X-%d: a" % number for number in range(count)]
    assert (both(head([*LINES, *more])) is None) is (count == 59)
    assert both(head([*LINES, *more]), 20) is None


def test_names_and_values_are_those_that_are_given() -> None:
    read = compiled()(head(LINES), 128, {"Host": "another"}, {"websocket": "one more"})
    assert read is not None
    assert read[1][:2] == [("another", "a"), ("Upgrade", "one more")]


@pytest.mark.parametrize(
    "args",
    [
        (),
        (b"", 0, {}),
        (b"", 0, {}, {}, {}),
        ("", 0, {}, {}),
        (b"", "", {}, {}),
        (b"", 0, [], {}),
        (b"", 0, {}, None),
    ],
)
def test_anything_but_bytes_a_number_and_two_dicts_is_refused(args: Any) -> None:
    read: Any = compiled()
    with pytest.raises(TypeError):
        read(*args)
