"""A session of the server by itself: its wire is a list, and its clock is moved by hand."""

from typing import Any

import pytest

from primus.errors import LimitError
from primus.polling import Sessions
from primus_testing import ManualClock, MemoryTransport, eventually
from primus_transformer_engineio.options import EngineIOOptions
from primus_transformer_engineio.revision4 import Revision4
from primus_transformer_engineio.session import Session
from primus_transformer_engineio.upgrading import try_out

OPTIONS = EngineIOOptions(
    transports=("polling", "websocket"),
    revisions=(3, 4),
    ping_interval=25.0,
    ping_timeout=20.0,
    upgrade_timeout=10.0,
    body_timeout=30.0,
    poll_timeout=30.0,
    close_timeout=5.0,
    max_length=1000,
    max_payload=5000,
    max_packets=100,
    cookie=None,
    jsonp=False,
)


class Receiving:
    """Notes what a session tells its connection."""

    def __init__(self) -> None:
        self.story: list[Any] = []

    def feed(self, frame: str | bytes, last: bool = True) -> None:
        """A message."""
        self.story.append(frame)

    def seen(self) -> None:
        """A sign of life."""

    def congested(self, congested: bool) -> None:
        """The peer reads too slowly, or no longer so."""
        self.story.append("congested" if congested else "relieved")

    def lost(self, error: Exception | None = None, ending: object = None) -> None:
        """The end."""
        self.story.append("lost")


class Open:
    """An open session, polled."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.sessions: Sessions[Session] = Sessions(self.clock)
        self.session = Session("key", OPTIONS, self.sessions, Revision4(), binary=True)
        self.received = Receiving()
        self.session.connection = self.received  # type: ignore[assignment]
        self.session.begin("sid")

    def upgraded(self) -> MemoryTransport:
        """A WebSocket that has taken over."""
        wire = MemoryTransport()
        try_out(self.session, True, wire)
        wire.receive("2probe", "5")
        return wire


@pytest.fixture
def opened() -> Open:
    return Open()


def test_a_websocket_that_takes_over_from_a_session_that_is_paused_is_not_read(
    opened: Open,
) -> None:
    opened.session.pause_reading()
    wire = opened.upgraded()
    assert wire.paused
    wire.receive("4hello")
    assert opened.received.story == []
    opened.session.resume_reading()
    assert opened.received.story == ["hello"]


@pytest.mark.parametrize("first", ["limit", "upgrade"])
def test_the_high_water_mark_holds_on_a_websocket_that_takes_over(opened: Open, first: str) -> None:
    if first == "limit":
        opened.session.limit(100)
        wire = opened.upgraded()
    else:
        wire = opened.upgraded()
        opened.session.limit(100)
    wire.clog()
    opened.session.send("x" * 200)
    assert opened.received.story == ["congested"]
    wire.unclog()
    assert opened.received.story == ["congested", "relieved"]


def test_a_session_that_is_closed_while_it_is_paused_reads_to_its_end(opened: Open) -> None:
    opened.session.pause_reading()
    opened.session.close()
    assert not opened.session.paused
    assert opened.session.fetched() == ["1"]
    assert opened.received.story == ["lost"]


def test_a_session_whose_close_is_not_fetched_ends_all_the_same(opened: Open) -> None:
    opened.session.close()
    opened.clock.advance(29)
    assert opened.received.story == []
    opened.clock.advance(3)
    assert opened.received.story == ["lost"]
    assert len(opened.sessions) == 0


def test_a_session_that_is_over_does_not_begin(opened: Open) -> None:
    session = Session("other", OPTIONS, opened.sessions, Revision4(), binary=True)
    session.over()
    session.begin("sid")
    assert opened.sessions.get("other") is None


def test_what_follows_a_close_in_one_websocket_frame_or_another_is_not_taken(
    opened: Open,
) -> None:
    wire = opened.upgraded()
    wire.receive("4one", "1", "4two")
    assert opened.received.story == ["one", "lost"]


def test_a_session_tries_out_one_websocket_at_a_time(opened: Open) -> None:
    first, second = MemoryTransport(), MemoryTransport()
    try_out(opened.session, True, first)
    try_out(opened.session, True, second)
    assert (first.closed, second.closed) == (None, (None, ""))


@pytest.mark.parametrize("paused", [False, True])
async def test_a_websocket_at_once_is_not_read_before_it_is_in_charge(
    opened: Open, paused: bool
) -> None:
    session, wire = opened.session, MemoryTransport()
    session.begin_over(wire, "sid")
    assert wire.paused
    if paused:
        session.pause_reading()
    await eventually(lambda: session.upgraded)
    assert wire.paused is paused


async def test_a_session_that_is_over_before_its_websocket_has_begun_says_nothing(
    opened: Open,
) -> None:
    session = Session("other", OPTIONS, opened.sessions, Revision4(), binary=True)
    wire = MemoryTransport()
    session.begin_over(wire, "sid")
    session.over()
    await eventually(lambda: wire.closed)
    assert wire.sent == []


@pytest.mark.parametrize("upgrades", [False, True])
def test_a_message_that_is_too_long_ends_the_session(opened: Open, upgrades: bool) -> None:
    if upgrades:
        wire = opened.upgraded()
        wire.receive("4" + "x" * 1000, "4" + "é" * 501)
        assert wire.closed == (1009, "")
    else:
        opened.session.received("4" + "x" * 1000)
        with pytest.raises(LimitError):
            opened.session.received("4" + "é" * 501)
    assert opened.received.story[0] == "x" * 1000
    assert len([each for each in opened.received.story if each != "lost"]) == 1


def test_a_websocket_brings_nothing_to_a_session_that_is_over(opened: Open) -> None:
    wire = opened.upgraded()
    wire.clog()  # it is not closed before what waits has left
    opened.session.over()
    assert wire.connection is None
    wire.receive("4late", "3")
    assert opened.received.story == ["lost"]


def test_a_session_is_closed_once_and_sends_nothing_behind_that(opened: Open) -> None:
    opened.session.close()
    opened.session.close()
    opened.session.send("late")
    opened.session.send_prepared(opened.session.prepare("late"))
    assert opened.session.fetched() == ["1"]


def test_a_sign_of_life_of_the_websocket_is_passed_on(opened: Open) -> None:
    seen: list[bool] = []
    opened.received.seen = lambda: seen.append(True)  # type: ignore[method-assign]
    opened.upgraded().seen()
    assert seen == [True]


def test_a_poll_that_is_left_ends_a_session_that_has_no_websocket_yet(opened: Open) -> None:
    other = Open()
    other.upgraded()
    for each in (opened, other):
        each.session._poll_lost()
    assert (opened.received.story, other.received.story) == (["lost"], [])
