"""Arbitrary bytes, fed to one WebSocket without a socket."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from websockets.protocol import SERVER, Protocol

from primus_testing import Peer
from primus_testing.noise import KeepingTransport, cuts, sent
from primus_transformer_ws.served import ServedTransport
from primus_transformer_ws.wire import WebSocketTransport


async def heard(
    kind: type[WebSocketTransport], data: bytes, cuts: list[int]
) -> tuple[list[Any], bool]:
    """The messages in `data`, and whether it broke a rule.

    When that is seen may differ: the short way waits for the whole head of a frame.
    """
    transport, wire, peer = kind(Protocol(SERVER, max_size=100)), KeepingTransport(), Peer()
    transport.connection_made(wire)
    peer.attach(transport)
    peer._become(3)
    places = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    for start, end in pairwise(places):
        if not wire.closed:
            transport.data_received(data[start:end])
    if not wire.closed:
        transport.eof_received()
    transport.connection_lost(None)
    return await peer.gone(), peer.error is not None


@pytest.mark.parametrize("kind", [WebSocketTransport, ServedTransport])
@settings(max_examples=100, deadline=None)
@given(data=sent(), cuts=cuts())
async def test_no_bytes_make_a_websocket_raise(
    kind: type[WebSocketTransport], data: bytes, cuts: list[int]
) -> None:
    messages, _ = await heard(kind, data, cuts)
    for message in messages:
        assert len(message.encode() if isinstance(message, str) else message) <= 100


@settings(max_examples=200, deadline=None)
@given(data=sent(), cuts=cuts())
@example(data=b"\x00\x7e", cuts=[])
@example(data=b"\x83\xfe", cuts=[])
@example(data=b"\x81\xfe\x00\x7e", cuts=[1, 2, 3])
async def test_the_short_way_brings_what_the_library_brings(data: bytes, cuts: list[int]) -> None:
    assert await heard(ServedTransport, data, cuts) == await heard(WebSocketTransport, data, cuts)
