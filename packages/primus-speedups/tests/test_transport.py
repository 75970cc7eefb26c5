"""A WebSocket that reads by this distribution brings what the plain one brings."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.protocol import SERVER, Protocol

from primus.websocket.speedups import read_texts
from primus_testing import NotingTransport, Peer
from primus_testing.noise import sent
from primus_testing.raw_websocket import TEXT, frame
from primus_transformer_ws.accelerated import AcceleratedTransport
from primus_transformer_ws.server_transport import ServerTransport


def accelerated(*args: Any, **kwargs: Any) -> ServerTransport:
    read = read_texts()
    assert read is not None
    return AcceleratedTransport(read, *args, **kwargs)


async def heard(make: Any, reads: list[bytes]) -> Any:
    """What is brought, what was wrong, what is answered and what is left of a frame."""
    transport, wire, peer = make(), NotingTransport(), Peer()
    transport.connection_made(wire)
    peer.attach(transport)
    peer._become(3)
    for read in reads:
        if not wire.ends:
            transport.data_received(read)
    rest = transport._head, transport._owed
    transport.connection_lost(None)
    return await peer.gone(), repr(peer.error), wire.written, rest


@settings(max_examples=50, deadline=None)
@given(
    texts=st.lists(st.text(max_size=20), max_size=6),
    noise=sent(),
    more=st.lists(st.binary(max_size=20), max_size=3),
)
async def test_it_brings_the_same_at_every_cut(
    texts: list[str], noise: bytes, more: list[bytes]
) -> None:
    data = b"".join(frame(TEXT, text.encode()) for text in texts) + noise
    data += b"".join(frame(TEXT, each) for each in more)
    settled = (lambda: Protocol(SERVER, max_size=100), 100, 1.0)
    for cut in range(0, len(data), max(1, len(data) // 40)):
        reads = [data[a:b] for a, b in pairwise([0, cut, len(data)])]

        plain = await heard(partial(ServerTransport, *settled), reads)
        assert await heard(partial(accelerated, *settled), reads) == plain
