"""Arbitrary bytes, fed to one WebSocket without a socket."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from websockets.protocol import SERVER, Protocol

from primus_testing import NotingTransport, Peer
from primus_testing.noise import cuts, sent
from primus_testing.raw_websocket import frame
from primus_testing.texts import read_texts
from primus_transformer_ws.accelerated import AcceleratedTransport
from primus_transformer_ws.server_transport import ServerTransport
from primus_transformer_ws.transport import WebSocketTransport


def library() -> Protocol:
    return Protocol(SERVER, max_size=100)


def short_way() -> WebSocketTransport:
    return ServerTransport(library, max_size=100, close_timeout=1.0)


def accelerated() -> WebSocketTransport:
    return AcceleratedTransport(read_texts, library, max_size=100, close_timeout=1.0)


def long_way() -> WebSocketTransport:
    return WebSocketTransport(library())


async def heard(
    make: Callable[[], WebSocketTransport], data: bytes, cuts: list[int]
) -> tuple[list[Any], bool, bytes]:
    """The messages in `data`, whether it broke a rule, and what was answered if not.

    When that is seen may differ, and which of two rules: the short way waits for the whole head of
    a frame, and handles a frame before it looks at the next one.
    """
    transport, wire, peer = make(), NotingTransport(), Peer()
    transport.connection_made(wire)
    peer.attach(transport)
    peer._become(3)
    places = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    for start, end in pairwise(places):
        if not wire.ends:
            transport.data_received(data[start:end])
    if not wire.ends:
        transport.eof_received()
    transport.connection_lost(None)
    messages, is_wrong = await peer.gone(), peer.error is not None
    return messages, is_wrong, b"" if is_wrong else wire.written


@pytest.mark.parametrize("make", [long_way, short_way, accelerated])
@settings(max_examples=100, deadline=None)
@given(data=sent(), cuts=cuts())
async def test_no_bytes_make_a_websocket_raise(
    make: Callable[[], WebSocketTransport], data: bytes, cuts: list[int]
) -> None:
    messages, _, _ = await heard(make, data, cuts)
    for message in messages:
        assert len(message.encode() if isinstance(message, str) else message) <= 100


@settings(max_examples=200, deadline=None)
@given(data=sent(), cuts=cuts())
@example(data=b"\x00\x7e", cuts=[])
@example(data=b"\x83\xfe", cuts=[])
@example(data=b"\x81\xfe\x00\x7e", cuts=[1, 2, 3])
@example(data=frame(8), cuts=[])
@example(data=frame(8, b"\x03"), cuts=[])
@example(data=frame(8, b"\x03\xe8bye"), cuts=[4])
@example(data=frame(8, b"\x03\xe8\xff"), cuts=[])
@example(data=frame(8, b"\x03\xed"), cuts=[])
@example(data=frame(1, b"hi") + frame(8, b"\x03\xe8") + frame(1, b"late"), cuts=[])
@example(data=frame(1, b"h", fin=False) + frame(8, b"\x03\xe8"), cuts=[])
@example(data=frame(8, b"\x03\xe8", masked=False), cuts=[])
@example(data=frame(8, b"x" * 126), cuts=[])
async def test_the_short_way_brings_what_the_library_brings(data: bytes, cuts: list[int]) -> None:
    expected = await heard(long_way, data, cuts)
    assert await heard(short_way, data, cuts) == expected
    assert await heard(accelerated, data, cuts) == expected
