"""What a server of SockJS sends, on its way to the connection of a client."""

import asyncio

import pytest

from primus.errors import ProtocolError
from primus.limits import DEFAULT_LIMITS
from primus_testing import LingeringTransport, MemoryTransport, NotingConnection
from primus_transformer_sockjs.client.websocket import WebSocketSession

TURN = DEFAULT_LIMITS.turn_messages


def opened() -> tuple[MemoryTransport, WebSocketSession, NotingConnection]:
    session, wire, connection = WebSocketSession(1000), MemoryTransport(), NotingConnection()
    session.attach(wire)
    wire.receive("o")
    session.connection = connection
    session.resume_reading()
    return wire, session, connection


def frame(count: int) -> str:
    return "a[" + ",".join(f'"{number}"' for number in range(count)) + "]"


async def test_many_messages_of_one_frame_are_brought_in_turns_and_no_more_is_read() -> None:
    wire, _, connection = opened()
    wire.receive(frame(TURN + 10), 'a["behind"]')
    assert len(connection.story) == TURN
    assert wire.paused
    await asyncio.sleep(0)
    assert connection.story == [*map(str, range(TURN + 10)), "behind"]
    assert not wire.paused


async def test_a_connection_that_resumes_within_a_turn_reads_no_further_before_the_next() -> None:
    wire, session, connection = opened()
    wire.receive(frame(TURN + 10))
    session.pause_reading()
    session.resume_reading()
    assert len(connection.story) == TURN
    assert wire.paused
    await asyncio.sleep(0)
    assert len(connection.story) == TURN + 10
    assert not wire.paused


async def test_a_connection_that_pauses_gets_no_more_of_a_frame() -> None:
    wire, session, connection = opened()
    connection.on_frame = session.pause_reading
    wire.receive(frame(3), 'a["behind"]')
    await asyncio.sleep(0)
    assert connection.story == ["0"]
    session.resume_reading()
    assert connection.story == ["0", "1"]
    connection.on_frame = None
    session.resume_reading()
    assert connection.story == ["0", "1", "2", "behind"]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ('c[3000,"Go away!"]', "the server closed: 3000 Go away!"),
        ("o", "the server has lost the session"),
        ('c["3000","Go away!"]', "not a SockJS close frame"),
        ("c[3000,null]", "not a SockJS close frame"),
        ("c[3000]", "not a SockJS close frame"),
    ],
)
async def test_a_server_that_closes_oddly_or_begins_anew_is_told_of(said: str, reason: str) -> None:
    wire, _, connection = opened()
    wire.receive(said)
    assert connection.story == ["lost"]
    assert reason in str(connection.error)


async def test_a_server_that_closes_in_order_is_no_error() -> None:
    wire, _, connection = opened()
    wire.receive('c[1000,"Normal closure"]')
    assert connection.story == ["lost"]
    assert connection.error is None


async def test_a_sign_of_life_of_the_websocket_is_passed_on() -> None:
    wire, _, connection = opened()
    wire.seen()
    assert connection.signs == 1


@pytest.mark.parametrize("wrong", ["nonsense", 'a["' + "x" * 1001 + '"]'])
async def test_nothing_behind_a_frame_that_is_wrong_is_taken(wrong: str) -> None:
    wire, _, connection = opened()
    wire.receive('a["before"]', wrong, 'a["behind"]')
    assert connection.story == ["before", "lost"]
    assert isinstance(connection.error, ProtocolError)


async def test_a_session_ends_once_and_why_is_what_was_said_first() -> None:
    wire, session, connection = opened()
    first, second = ProtocolError("first"), ProtocolError("second")
    wire.receive(frame(TURN + 1))
    session.incoming.end(first)
    session.incoming.end(second)
    assert len(connection.story) == TURN  # what is kept goes before
    await asyncio.sleep(0)
    assert connection.story[TURN:] == [str(TURN), "lost"]
    assert connection.error is first


async def test_a_session_that_ends_before_it_is_open_says_so_to_what_waits_for_it() -> None:
    for error in (ProtocolError("why"), None):
        session = WebSocketSession(1000)
        session.incoming.end(error)
        failed = session.incoming.opened.exception()
        assert failed is error or "the server has closed" in str(failed)


async def test_a_session_that_was_open_and_ends_keeps_that() -> None:
    _, session, _ = opened()
    session.incoming.end(ProtocolError("why"))
    assert session.incoming.opened.result() is None


async def test_what_is_kept_is_dropped_with_the_connection() -> None:
    wire, session, connection = opened()
    wire.receive(frame(TURN + 10))
    session.incoming.drop()
    assert session.incoming.size == 0
    await asyncio.sleep(0)
    assert len(connection.story) == TURN


async def test_a_session_is_gone_when_its_websocket_is() -> None:
    session, wire = WebSocketSession(1000), LingeringTransport()
    assert not session.when_gone(session.abort)
    session.attach(wire)
    assert session.when_gone(session.abort)
    assert wire.on_gone == session.abort
