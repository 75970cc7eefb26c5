"""What it costs to open a WebSocket on a server of our own and to close it again."""

import asyncio
import gc
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from types import FrameType
from typing import Any

import pytest

from primus import Primus, Spark
from primus.server.entrance import Entrance
from primus.server.pending import PendingConnections
from primus_testing.noting import NotingTransport

HEAD = (
    b"GET /primus HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
CLOSE = b"\x88\x80\x00\x00\x00\x00"

OURS = ("primus", "primus_transformer_ws")

MOST = 151
"""There are 150, each of some 25 bytecodes, and as much again for the call."""


class Wire(NotingTransport):
    """The transport of a client that opens a WebSocket and closes it."""

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Limit nothing."""


def connect_and_close(pending: PendingConnections) -> Wire:
    wire = Wire(("10.0.0.7", 4711))
    wire.protocol = Entrance(pending)
    wire.protocol.connection_made(wire)
    wire.protocol.data_received(HEAD)
    wire.protocol.data_received(CLOSE)
    wire.protocol.connection_lost(None)
    return wire


def calls(fn: Callable[[], object]) -> int:
    """How many functions of ours a call of `fn` calls."""
    count = 0

    def note(frame: FrameType, event: str, arg: Any) -> None:
        nonlocal count
        package = frame.f_globals["__name__"].partition(".")[0]
        count += event == "call" and package in OURS

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        fn()
    finally:
        sys.setprofile(before)
    return count


def objects_of_ours() -> Counter[type]:
    """How many objects there are of each class of ours."""
    kinds = map(type, gc.get_objects())
    return Counter(kind for kind in kinds if kind.__module__.partition(".")[0] in OURS)


@pytest.fixture
async def pending() -> AsyncIterator[PendingConnections]:
    """The connections of a server that has had some, so that what is made once is there."""

    def connection(spark: Spark) -> None:
        spark.on("data", spark.write)

    primus = Primus(transformer="websockets")
    primus.on("connection", connection)
    pending = PendingConnections(primus, None, False)
    for _ in range(3):
        connect_and_close(pending)
    await asyncio.sleep(0)
    yield pending
    pending.deadlines.close()
    await primus.destroy()


async def test_to_connect_and_to_close_calls_no_more_functions_than_it_did(
    pending: PendingConnections,
) -> None:
    wire = connect_and_close(pending)

    # Some make what others use as well, such as ids.
    cost = min(calls(lambda: connect_and_close(pending)) for _ in range(3))

    assert wire.written.startswith(b"HTTP/1.1 101 ")
    assert wire.written.endswith(b"\r\n\r\n\x88\x00")
    assert pending.primus.connected == 0
    assert 100 < cost <= MOST, cost


async def test_a_connection_leaves_nothing_to_the_garbage_collector(
    pending: PendingConnections,
) -> None:
    gc.collect()
    gc.disable()
    try:
        before = objects_of_ours()
        for _ in range(20):
            connect_and_close(pending)
        left = objects_of_ours() - before
    finally:
        gc.enable()
    assert left == Counter()
