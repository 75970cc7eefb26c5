"""Arbitrary bytes, fed to one WebSocket without a socket."""

from __future__ import annotations

import asyncio
import logging
from itertools import pairwise

from hypothesis import given, settings
from picows import WSUpgradeResponse, WSUpgradeResponseWithListener

from primus_testing import Peer
from primus_testing.noise import cuts, sent
from primus_testing.noting import SocketlessTransport
from primus_testing.raw_websocket import TEXT, frame
from primus_transformer_lws.native import PicowsProtocol, ViolationLogger
from primus_transformer_lws.transport import LwsTransport

HEAD = (
    b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
LIMIT = 100


def opened(wire: SocketlessTransport, limit: int = LIMIT) -> tuple[LwsTransport, PicowsProtocol]:
    """A WebSocket on a wire, as the server opens it."""
    transport = LwsTransport(wire, limit)
    violations = ViolationLogger(logging.getLogger("primus.server"))
    answer = WSUpgradeResponse.create_101_response()
    protocol = PicowsProtocol(
        lambda _: WSUpgradeResponseWithListener(answer, transport.listener), violations, limit
    )
    violations.owner = transport
    wire.protocol = protocol
    protocol.connection_made(wire)
    protocol.take(memoryview(HEAD))
    return transport, protocol


async def receive(wire: SocketlessTransport, data: bytes) -> None:
    """Hand bytes to the receiver of a wire, and run what was put off."""
    rest = memoryview(data)
    while rest and isinstance(wire.protocol, PicowsProtocol):
        rest = wire.protocol.take(rest)
    await asyncio.sleep(0)


@settings(max_examples=200, deadline=None)
@given(data=sent(), cuts=cuts())
async def test_no_bytes_make_a_websocket_raise(data: bytes, cuts: list[int]) -> None:
    wire, peer = SocketlessTransport(), Peer()
    transport, protocol = opened(wire)
    peer.attach(transport)
    peer._become(3)
    places = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    for start, end in pairwise(places):
        if not wire.ends:
            await receive(wire, data[start:end])
    protocol.connection_lost(None)
    for message in await peer.gone():
        assert len(message.encode() if isinstance(message, str) else message) <= LIMIT


async def test_a_read_is_bounded_whatever_a_peer_sends() -> None:
    wire = SocketlessTransport()
    _, protocol = opened(wire, 1 << 20)
    await receive(wire, frame(TEXT, b"x" * 1_000_000) + frame(TEXT, b"x" * 100) * 20_000)
    assert len(protocol.get_buffer(-1)) <= 64 * 1024
