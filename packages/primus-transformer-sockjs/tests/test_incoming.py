"""What a server of SockJS sends, on its way to the connection of a client."""

import asyncio
from typing import Any

import pytest

from primus.errors import ProtocolError
from primus.limits import DEFAULT_LIMITS
from primus_testing import MemoryTransport
from primus_transformer_sockjs.client.websocket import WebSocketSession

TURN = DEFAULT_LIMITS.turn_messages


class Receiving:
    """Notes the messages; it may pause after each."""

    def __init__(self, session: WebSocketSession) -> None:
        self.session = session
        self.pauses = False
        self.story: list[Any] = []

    def feed(self, frame: str | bytes, last: bool = True) -> None:
        """A message."""
        self.story.append(frame)
        if self.pauses:
            self.session.pause_reading()

    def seen(self) -> None:
        """A sign of life."""

    def congested(self, congested: bool) -> None:
        """Nothing is sent."""

    def lost(self, error: Exception | None = None, ending: object = None) -> None:
        """The end."""
        self.story.append(error)


def opened() -> tuple[MemoryTransport, Receiving]:
    session, wire = WebSocketSession(1000), MemoryTransport()
    session.attach(wire)
    wire.receive("o")
    received = Receiving(session)
    session.connection = received  # type: ignore[assignment]
    session.resume_reading()
    return wire, received


def frame(count: int) -> str:
    return "a[" + ",".join(f'"{number}"' for number in range(count)) + "]"


async def test_many_messages_of_one_frame_are_brought_in_turns_and_no_more_is_read() -> None:
    wire, received = opened()
    wire.receive(frame(TURN + 10), 'a["behind"]')
    assert len(received.story) == TURN
    assert wire.paused
    await asyncio.sleep(0)
    assert received.story == [*map(str, range(TURN + 10)), "behind"]
    assert not wire.paused


async def test_a_connection_that_resumes_within_a_turn_reads_no_further_before_the_next() -> None:
    wire, received = opened()
    wire.receive(frame(TURN + 10))
    received.session.pause_reading()
    received.session.resume_reading()
    assert len(received.story) == TURN
    assert wire.paused
    await asyncio.sleep(0)
    assert len(received.story) == TURN + 10
    assert not wire.paused


async def test_a_connection_that_pauses_gets_no_more_of_a_frame() -> None:
    wire, received = opened()
    received.pauses = True
    wire.receive(frame(3), 'a["behind"]')
    await asyncio.sleep(0)
    assert received.story == ["0"]
    received.session.resume_reading()
    assert received.story == ["0", "1"]
    received.pauses = False
    received.session.resume_reading()
    assert received.story == ["0", "1", "2", "behind"]


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
    wire, received = opened()
    wire.receive(said)
    (error,) = received.story
    assert reason in str(error)


async def test_a_server_that_closes_in_order_is_no_error() -> None:
    wire, received = opened()
    wire.receive('c[1000,"Normal closure"]')
    assert received.story == [None]


async def test_a_sign_of_life_of_the_websocket_is_passed_on() -> None:
    wire, received = opened()
    seen: list[bool] = []
    received.seen = lambda: seen.append(True)  # type: ignore[method-assign]
    wire.seen()
    assert seen == [True]


@pytest.mark.parametrize("wrong", ["nonsense", 'a["' + "x" * 1001 + '"]'])
async def test_nothing_behind_a_frame_that_is_wrong_is_taken(wrong: str) -> None:
    wire, received = opened()
    wire.receive('a["before"]', wrong, 'a["behind"]')
    assert received.story[0] == "before"
    assert isinstance(received.story[1], ProtocolError)
    assert len(received.story) == 2


async def test_a_session_ends_once_and_why_is_what_was_said_first() -> None:
    wire, received = opened()
    first, second = ProtocolError("first"), ProtocolError("second")
    wire.receive(frame(TURN + 1))
    received.session.incoming.end(first)
    received.session.incoming.end(second)
    assert len(received.story) == TURN  # what is kept goes before
    await asyncio.sleep(0)
    assert received.story[TURN:] == [str(TURN), first]


async def test_a_session_that_ends_before_it_is_open_says_so_to_what_waits_for_it() -> None:
    for error in (ProtocolError("why"), None):
        session = WebSocketSession(1000)
        session.incoming.end(error)
        failed = session.incoming.opened.exception()
        assert failed is error or "the server has closed" in str(failed)


async def test_a_session_that_was_open_and_ends_keeps_that() -> None:
    _, received = opened()
    received.session.incoming.end(ProtocolError("why"))
    assert received.session.incoming.opened.result() is None


async def test_what_is_kept_is_dropped_with_the_connection() -> None:
    wire, received = opened()
    wire.receive(frame(TURN + 10))
    received.session.incoming.drop()
    assert received.session.incoming.size == 0
    await asyncio.sleep(0)
    assert len(received.story) == TURN
