"""Arbitrary bytes, fed to one WebSocket without a socket."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.protocol import SERVER, Protocol

from primus_testing import Peer
from primus_testing.websocket import frame
from primus_transformer_ws.served import ServedTransport
from primus_transformer_ws.wire import WebSocketTransport


class Wire(asyncio.Transport):
    """An asyncio transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.closed = False

    def write(self, data: Any) -> None:
        self.written += data

    def write_eof(self) -> None:
        self.closed = True

    def can_write_eof(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing is buffered."""

    def pause_reading(self) -> None:
        """Nothing is read."""

    def resume_reading(self) -> None:
        """Nothing is read."""


def sent() -> st.SearchStrategy[bytes]:
    """Frames right and wrong, and noise."""
    opcodes = st.sampled_from([0, 1, 2, 8, 9, 10, 3, 15])
    right = st.builds(frame, opcodes, st.binary(max_size=130), fin=st.booleans())
    wrong = st.builds(
        frame, opcodes, st.binary(max_size=130), masked=st.booleans(), rsv=st.integers(0, 7)
    )
    return st.lists(right | wrong | st.binary(max_size=20), max_size=8).map(b"".join)


def cuts() -> st.SearchStrategy[list[int]]:
    """Where the bytes are cut into what arrives together."""
    return st.lists(st.integers(0, 500), max_size=4)


async def heard(
    kind: type[WebSocketTransport], data: bytes, cuts: list[int]
) -> tuple[list[Any], bool, bool]:
    """The messages in `data`, whether it broke a rule, and whether the wire was closed for it."""
    transport, wire, peer = kind(Protocol(SERVER, max_size=100)), Wire(), Peer()
    transport.connection_made(wire)
    peer.attach(transport)
    peer._become(3)
    places = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    for start, end in pairwise(places):
        if not wire.closed:
            transport.data_received(data[start:end])
    closed = wire.closed
    if not wire.closed:
        transport.eof_received()
    transport.connection_lost(None)
    return await peer.gone(), peer.error is not None, closed


@pytest.mark.parametrize("kind", [WebSocketTransport, ServedTransport])
@settings(max_examples=100, deadline=None)
@given(data=sent(), cuts=cuts())
async def test_no_bytes_make_a_websocket_raise(
    kind: type[WebSocketTransport], data: bytes, cuts: list[int]
) -> None:
    messages, _, _ = await heard(kind, data, cuts)
    for message in messages:
        assert len(message.encode() if isinstance(message, str) else message) <= 100


@settings(max_examples=200, deadline=None)
@given(data=sent(), cuts=cuts())
async def test_the_short_way_brings_what_the_library_brings(data: bytes, cuts: list[int]) -> None:
    assert await heard(ServedTransport, data, cuts) == await heard(WebSocketTransport, data, cuts)
