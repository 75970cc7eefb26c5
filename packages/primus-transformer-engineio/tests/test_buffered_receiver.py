"""What comes over a WebSocket of a client before its session has it."""

import pytest

from primus.errors import TransportError
from primus_testing import MemoryTransport
from primus_transformer_engineio.buffered_receiver import BufferedReceiver


async def test_no_more_is_read_than_the_next_frame() -> None:
    receiver, wire = BufferedReceiver(), MemoryTransport()
    receiver.attach(wire)
    wire.receive("one", "two", "three")
    assert wire.paused
    assert receiver.rest == ["one"]
    assert await receiver.next() == "one"
    assert receiver.rest == ["two"]
    receiver.feed("of the same read")
    assert await receiver.next() == "two"
    assert wire.paused
    assert await receiver.next() == "of the same read"
    assert receiver.rest == ["three"]


async def test_what_has_come_before_the_end_is_given_first() -> None:
    receiver, wire = BufferedReceiver(), MemoryTransport()
    receiver.attach(wire)
    wire.receive("one")
    wire.lose()
    assert await receiver.next() == "one"
    with pytest.raises(TransportError, match="closed the WebSocket"):
        await receiver.next()
