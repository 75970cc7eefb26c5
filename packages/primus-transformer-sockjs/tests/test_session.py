"""A session over HTTP by itself: its requests are made by hand."""

import pytest

from primus import Primus
from primus.polling import Opener, Sessions
from primus_testing import ManualClock, MemoryTransport, make_request
from primus_transformer_sockjs.options import SockJSOptions
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
