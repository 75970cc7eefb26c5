"""A session of the client over a WebSocket, whose wire is a list."""

import pytest

from primus.closed import Ending
from primus.errors import TransportError
from primus_testing import LingeringTransport, MemoryTransport, NotingConnection
from primus_transformer_socketio.client.websocket import WebSocketSession


class Opened:
    """A session that is open and reads."""

    def __init__(self) -> None:
        self.wire = MemoryTransport()
        self.session = WebSocketSession(1000, None)
        self.session.attach(self.wire)
        self.session.feed("1::")
        assert self.wire.paused
        self.connection = NotingConnection()
        self.session.connection = self.connection
        self.session.resume_reading()
        assert not self.wire.paused


@pytest.fixture
async def opened() -> Opened:
    return Opened()


async def test_messages_and_heartbeats(opened: Opened) -> None:
    opened.session.feed("3:::1")
    opened.session.feed("2::")
    opened.session.feed("3:7::2")
    opened.session.feed("3::/chat:3")
    opened.session.feed("8::")
    opened.session.seen()
    opened.session.send("4")
    assert opened.connection.story == ["1", "2"]
    assert opened.connection.signs == 1
    assert opened.wire.sent == ["2::", "6:::7", "3:::4"]


async def test_of_the_answers_to_heartbeats_that_are_not_read_the_newest_waits(
    opened: Opened,
) -> None:
    opened.session.congested(congested=True)
    for _ in range(100):
        opened.session.feed("2::")
    assert opened.wire.sent == []
    assert opened.session.buffered < 1000
    opened.session.congested(congested=False)
    assert opened.wire.sent == ["2::"]
    assert opened.connection.story == ["congested", "relieved"]


@pytest.mark.parametrize("end", ["0::", "7:::1+0"])
async def test_the_server_ends_the_session(opened: Opened, end: str) -> None:
    opened.session.feed(end)
    opened.session.feed("3:::1")
    assert opened.connection.story == ["lost"]
    assert opened.connection.error is None
    assert opened.wire.closed is not None


@pytest.mark.parametrize("garbage", ["9::", "", b"3:::1", "7:::2", "3:::" + "x" * 1001])
async def test_garbage_ends_the_session(opened: Opened, garbage: str | bytes) -> None:
    opened.session.feed(garbage)
    assert opened.connection.story == ["lost"]
    assert opened.connection.error is not None


async def test_the_client_ends_the_session_behind_what_it_has_sent(opened: Opened) -> None:
    opened.session.send("1")
    opened.session.close()
    opened.session.close()
    opened.session.send("2")
    assert opened.wire.sent == ["3:::1", "0::"]
    assert opened.wire.closed is not None


@pytest.mark.parametrize("first", ["7:::1+0", "3:::1", "0::", b"1::"])
async def test_a_session_that_is_not_opened(first: str | bytes) -> None:
    wire, session = MemoryTransport(), WebSocketSession(1000, None)
    session.attach(wire)
    session.feed(first)
    assert wire.closed is not None
    with pytest.raises(TransportError):
        session.opened.result()


async def test_a_wire_that_is_lost_before_the_session_is_open() -> None:
    wire, session = MemoryTransport(), WebSocketSession(1000, None)
    session.attach(wire)
    session.lost(None, Ending.of_peer(1000))
    with pytest.raises(TransportError, match="has closed the WebSocket"):
        session.opened.result()


async def test_a_session_is_gone_when_its_websocket_is() -> None:
    session, wire = WebSocketSession(1000, None), LingeringTransport()
    assert not session.when_gone(session.abort)
    session.attach(wire)
    assert session.when_gone(session.abort)
    assert wire.on_gone == session.abort
