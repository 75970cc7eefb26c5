"""A session over HTTP by itself: its requests are made by hand."""

import asyncio
import json
from typing import Any

import pytest

from primus import Primus
from primus.limits import DEFAULT_LIMITS
from primus.polling import Opener, Sessions
from primus_testing import ManualClock, MemoryTransport, make_request
from primus_transformer_sockjs.options import SockJSOptions
from primus_transformer_sockjs.routes import route
from primus_transformer_sockjs.session import Session
from primus_transformer_sockjs.websocket import WebSocketSession


@pytest.fixture
def options() -> SockJSOptions:
    return SockJSOptions.of(Primus(transformer="sockjs"), {})


@pytest.fixture
def sessions() -> Sessions[Session]:
    return Sessions(ManualClock())


def opened(sessions: Sessions[Session], options: SockJSOptions) -> Session:
    return Session("name", Opener(make_request()), sessions, options)


def test_a_request_that_receives_no_longer_does_not_take_the_place_of_the_next(
    sessions: Sessions[Session], options: SockJSOptions
) -> None:
    session = opened(sessions, options)
    first = session.receive(make_request())
    assert first is not None
    assert session.receive(make_request()) is None
    session.release(first)
    second = session.receive(make_request())
    session.release(first)
    session.abandon(first)
    assert session.is_received
    assert second is not None
    session.release(second)
    assert not session.is_received


def test_the_end_of_a_session_leaves_another_of_its_name_alone(
    sessions: Sessions[Session], options: SockJSOptions
) -> None:
    first = opened(sessions, options)
    first.lost()
    second = opened(sessions, options)
    first.lost()
    assert sessions.get("name") is second


@pytest.mark.parametrize("wrong", ["[", '["too long"]'])
def test_a_websocket_brings_nothing_after_a_frame_that_is_wrong(
    sessions: Sessions[Session], options: SockJSOptions, wrong: str
) -> None:
    wire = MemoryTransport()
    session = WebSocketSession(wire, sessions, options, 4)
    wire.clog()  # it is not closed before what waits has left
    wire.receive(wrong)
    assert session.connection is None
    assert wire.connection is None


TURN = DEFAULT_LIMITS.turn_messages
MANY = json.dumps(list(map(str, range(TURN + 10))))


class Receiving:
    """Notes what a session tells its connection."""

    def __init__(self) -> None:
        self.story: list[Any] = []

    def feed(self, frame: str | bytes, last: bool = True) -> None:
        """A message."""
        self.story.append(frame)

    def congested(self, congested: bool) -> None:
        """Nothing is sent."""

    def lost(self, error: Exception | None = None, ending: Any = None) -> None:
        """The end."""
        self.story.append("lost")


@pytest.fixture
def wire() -> MemoryTransport:
    return MemoryTransport()


@pytest.fixture
def session(
    sessions: Sessions[Session], options: SockJSOptions, wire: MemoryTransport
) -> WebSocketSession:
    """A session over a WebSocket."""
    session = WebSocketSession(wire, sessions, options, 1000)
    session.connection = Receiving()  # type: ignore[assignment]
    return session


async def test_many_messages_of_one_frame_are_brought_in_turns_and_no_more_is_read(
    session: WebSocketSession, wire: MemoryTransport
) -> None:
    received: Any = session.connection
    wire.receive(MANY, '["behind"]')
    assert len(received.story) == TURN
    assert wire.paused
    await asyncio.sleep(0)
    assert received.story == [*map(str, range(TURN + 10)), "behind"]
    assert not wire.paused


async def test_a_turn_brings_nothing_to_a_connection_that_pauses(
    session: WebSocketSession, wire: MemoryTransport
) -> None:
    received: Any = session.connection
    wire.receive(MANY)
    session.pause_reading()
    await asyncio.sleep(0)
    assert len(received.story) == TURN
    session.resume_reading()
    assert len(received.story) == TURN + 10


async def test_a_session_that_is_aborted_within_a_turn_brings_nothing_more(
    session: WebSocketSession, wire: MemoryTransport
) -> None:
    received: Any = session.connection
    wire.receive(MANY)
    session.abort()
    await asyncio.sleep(0)
    assert received.story[TURN:] == ["lost"]


def test_a_wire_without_pings_has_heartbeats(
    sessions: Sessions[Session], options: SockJSOptions, wire: MemoryTransport
) -> None:
    session = WebSocketSession(wire, sessions, options, 1000)
    clock: Any = sessions.clock
    clock.advance(options.heartbeat_delay + 1)
    assert wire.sent == ["o", "h"]
    session.close()


def test_a_path_that_is_not_below_the_pathname_is_no_endpoint() -> None:
    assert route("/primus/info", "/primus", 100) is not None
    assert route("/another/info", "/primus", 100) is None


def test_a_websocket_that_is_gone_or_closed_leaves_no_timer(
    sessions: Sessions[Session], options: SockJSOptions
) -> None:
    lost, closed = MemoryTransport(), MemoryTransport()
    first = WebSocketSession(lost, sessions, options, 1000)
    second = WebSocketSession(closed, sessions, options, 1000)
    assert len(sessions.timers) == 2
    first.lost()
    closed.clog()  # what waits keeps it open for now
    second.close()
    assert len(sessions.timers) == 0
