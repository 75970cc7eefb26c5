"""A session of the server by itself: its wire is a list, and its clock is moved by hand."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from primus import Request
from primus.errors import LimitError
from primus.http import Address
from primus.polling import Sessions
from primus_testing import (
    ManualClock,
    MemoryTransport,
    NotingConnection,
    eventually,
    make_request,
)
from primus_transformer_engineio.answers import Refused
from primus_transformer_engineio.options import EngineIOOptions
from primus_transformer_engineio.revision3 import Revision3
from primus_transformer_engineio.revision4 import Revision4
from primus_transformer_engineio.revisions import Revision
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
    max_sessions=100,
    cookie=None,
    jsonp=False,
)


class Open:
    """An open session, polled."""

    def __init__(self, revision: Revision | None = None) -> None:
        self.clock = ManualClock()
        self.sessions: Sessions[Session] = Sessions(self.clock)
        speaking = revision or Revision4()
        self.session = Session("key", OPTIONS, self.sessions, speaking, binary=True)
        self.received = NotingConnection()
        self.session.connection = self.received
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


@pytest.mark.parametrize("revision", [Revision4(), Revision3(json=False)])
def test_a_session_that_has_ended_leaves_no_timer_and_nothing_to_send(revision: Revision) -> None:
    opened = Open(revision)
    opened.session.send("never fetched")
    try_out(opened.session, True, MemoryTransport())
    opened.session.close()
    opened.session.over()
    assert opened.session.buffered == 0
    assert len(opened.sessions.timers) == 0


def test_a_session_that_was_congested_is_relieved_by_a_websocket(opened: Open) -> None:
    opened.session.limit(100)
    opened.session.send("x" * 200)
    assert opened.received.story == ["congested"]
    opened.upgraded()
    assert opened.received.story == ["congested", "relieved"]


async def test_what_waits_of_a_post_is_dropped_when_its_client_breaks_a_rule(opened: Open) -> None:
    opened.received.on_frame = opened.session.pause_reading
    post = asyncio.ensure_future(opened.session.post(posted("4one\x1e4two"), form=False))
    for _ in range(5):
        await asyncio.sleep(0)
    with pytest.raises(Refused):
        await opened.session.post(posted("4three"), form=False)
    await post
    assert opened.received.story == ["one", "lost"]


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


async def test_a_poll_is_answered_at_once_when_something_waits_and_else_when_it_is_sent(
    opened: Open,
) -> None:
    opened.session.send("one")
    first = await opened.session.poll(make_request(), None)
    assert first.body == b"4one"

    polling = asyncio.ensure_future(opened.session.poll(make_request(), None))
    for _ in range(3):
        await asyncio.sleep(0)
    assert not polling.done()
    opened.session.send("two")
    opened.session.send("three")
    assert (await polling).body == b"4two\x1e4three"


async def test_two_polls_at_once_cost_a_session_its_life_and_the_first_says_so(
    opened: Open,
) -> None:
    polling = asyncio.ensure_future(opened.session.poll(make_request(), None))
    await asyncio.sleep(0)

    with pytest.raises(Refused):
        await opened.session.poll(make_request(), None)

    assert (await polling).body == b"1"
    assert opened.received.story == ["lost"]
    assert opened.session.is_over


async def test_a_client_that_goes_while_it_polls_ends_its_session(opened: Open) -> None:
    gone: list[Any] = []
    polling = asyncio.ensure_future(opened.session.poll(make_request(watch=gone.append), None))
    await asyncio.sleep(0)

    gone[0]()

    assert (await polling).status == 400
    assert opened.received.story == ["lost"]
    assert len(opened.sessions) == 0


def posted(*packets: str) -> Request:
    return make_request(method="POST", body=["\x1e".join(packets).encode()])


async def test_posts_come_one_after_the_other_and_two_at_once_end_the_session(
    opened: Open,
) -> None:
    assert (await opened.session.post(posted("4one"), form=False)).status == 200
    assert (await opened.session.post(posted("4two", "4three"), form=False)).body == b"ok"
    opened.session.pause_reading()
    waiting = asyncio.ensure_future(opened.session.post(posted("4four"), form=False))
    await asyncio.sleep(0)

    with pytest.raises(Refused):
        await opened.session.post(posted("4five"), form=False)
    await waiting

    assert opened.received.story == ["one", "two", "three", "lost"]


async def test_a_post_waits_while_the_connection_is_paused(opened: Open) -> None:
    opened.session.pause_reading()
    posting = asyncio.ensure_future(opened.session.post(posted("4one"), form=False))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not posting.done()
    opened.session.resume_reading()

    assert (await posting).status == 200
    assert opened.received.story == ["one"]


async def test_a_post_is_not_even_read_while_the_connection_is_paused(opened: Open) -> None:
    begun: list[bool] = []

    async def body() -> AsyncIterator[bytes]:
        begun.append(True)
        yield b"4one"

    headers = CIMultiDictProxy(CIMultiDict[str]())
    post = Request("POST", "/primus", headers, address=Address("::1"), body=body)
    opened.session.pause_reading()
    posting = asyncio.ensure_future(opened.session.post(post, form=False))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not begun
    opened.session.resume_reading()
    assert (await posting).status == 200
    assert opened.received.story == ["one"]


@pytest.mark.parametrize(
    ("body", "status"), [("x" * 5001, 413), ("4" + "x" * 1001, 413), ("9", None), ("2", None)]
)
async def test_a_post_that_breaks_a_rule_ends_the_session(
    opened: Open, body: str, status: int | None
) -> None:
    if status is None:
        with pytest.raises(Refused):
            await opened.session.post(posted("4ok", body, "4late"), form=False)
        assert opened.received.story == ["ok", "lost"]
    else:
        assert (await opened.session.post(posted(body), form=False)).status == status
        assert opened.received.story == ["lost"]


async def test_as_many_packets_as_are_allowed_may_be_posted(opened: Open) -> None:
    assert (await opened.session.post(posted(*["4x"] * 100), form=False)).status == 200
    with pytest.raises(Refused):
        await opened.session.post(posted(*["4x"] * 101), form=False)
    assert opened.received.story == ["x"] * 200 + ["lost"]


async def test_a_close_that_is_posted_ends_the_session_and_its_poll_says_nothing(
    opened: Open,
) -> None:
    polling = asyncio.ensure_future(opened.session.poll(make_request(), None))
    await asyncio.sleep(0)

    assert (await opened.session.post(posted("4one", "1", "4late"), form=False)).status == 200

    assert (await polling).body == b"6"
    assert opened.received.story[:1] == ["one"]
    assert "lost" in opened.received.story


async def test_a_websocket_that_is_probed_wakes_the_poll_and_takes_what_is_sent_after(
    opened: Open,
) -> None:
    polling = asyncio.ensure_future(opened.session.poll(make_request(), None))
    await asyncio.sleep(0)
    wire = MemoryTransport()
    try_out(opened.session, True, wire)
    wire.receive("2probe")
    assert wire.sent == ["3probe"]
    assert (await polling).body == b"6"
    assert (await opened.session.poll(make_request(), None)).body == b"6"  # while it switches
    opened.session.send("kept")

    wire.receive("5")
    opened.session.send("more")

    assert wire.sent == ["3probe", "4kept", "4more"]
    assert opened.session.upgraded


async def test_a_probe_that_does_not_switch_in_time_is_dropped_and_polling_goes_on(
    opened: Open,
) -> None:
    wire = MemoryTransport()
    try_out(opened.session, True, wire)
    opened.clock.advance(9)
    assert wire.closed is None
    opened.clock.advance(2)
    assert wire.closed is not None
    assert opened.received.story == []

    second = MemoryTransport()
    try_out(opened.session, True, second)
    second.receive("2probe", "5")
    assert opened.session.upgraded
    opened.clock.advance(12)
    assert second.closed is None  # it is not tried out any more


@pytest.mark.parametrize("drop", ["nonsense", "time", "end"])
def test_a_websocket_that_was_dropped_while_it_was_tried_out_does_not_switch(
    opened: Open, drop: str
) -> None:
    wire = MemoryTransport()
    wire.clog()  # it is not closed before what waits has left
    try_out(opened.session, True, wire)
    if drop == "nonsense":
        wire.receive("2probe", "4too early")
    elif drop == "time":
        opened.clock.advance(11)
    else:
        opened.session.over()
    wire.receive("5")
    assert wire.closed == (None, "")
    assert not opened.session.upgraded


@pytest.mark.parametrize("end", ["nonsense", "loss"])
def test_a_session_whose_websocket_has_failed_may_try_out_another(opened: Open, end: str) -> None:
    wire = MemoryTransport()
    try_out(opened.session, True, wire)
    if end == "loss":
        wire.lose()
    else:
        wire.receive("nonsense")
    opened.upgraded()
    assert opened.session.upgraded


def test_a_session_that_ends_drops_the_websocket_that_is_tried_out(opened: Open) -> None:
    wire = MemoryTransport()
    try_out(opened.session, True, wire)
    opened.session.over()
    opened.session.over()

    assert wire.closed is not None
    assert opened.received.story == ["lost"]
    try_out(opened.session, True, late := MemoryTransport())
    assert late.closed is not None


def test_a_session_with_a_websocket_tries_out_no_other(opened: Open) -> None:
    wire = opened.upgraded()
    try_out(opened.session, True, other := MemoryTransport())
    assert (wire.closed, other.closed) == (None, (None, ""))


def test_a_session_that_was_closed_while_it_switches_closes_its_websocket(opened: Open) -> None:
    opened.session.send("last")
    opened.session.close()
    wire = opened.upgraded()
    assert wire.sent[1:] == ["4last"]
    assert wire.closed == (None, "")


def test_an_abort_drops_the_websocket_and_the_session(opened: Open) -> None:
    wire = opened.upgraded()
    opened.session.abort()
    assert wire.closed is not None
    assert opened.session.is_over
    assert opened.received.story == ["lost"]
    opened.session.abort()
    assert opened.received.story == ["lost"]


def test_pongs_to_a_websocket_that_is_not_read_leave_one() -> None:
    opened = Open(Revision3(json=True))
    opened.session.limit(10)
    wire = opened.upgraded()
    wire.clog()
    opened.session.send("x" * 20)
    for stamp in ("1", "2", "3"):
        wire.receive(f"2{stamp}")
    assert wire.sent[-1] == "4" + "x" * 20

    wire.unclog()

    assert wire.sent[-1] == "33"
    wire.receive("24")
    assert wire.sent[-2:] == ["33", "34"]


def test_a_pong_waits_on_while_the_websocket_is_filled_up_again() -> None:
    opened = Open(Revision3(json=True))
    opened.session.limit(10)
    wire = opened.upgraded()

    class Eager(NotingConnection):
        """Writes as soon as there is room."""

        def congested(self, congested: bool) -> None:
            if not congested and not wire.sent[-1].endswith("y"):
                wire.clog()
                opened.session.send("y" * 20)

    opened.session.connection = Eager()
    wire.clog()
    opened.session.send("x" * 20)
    wire.receive("21")

    wire.unclog()
    assert wire.sent[-1] == "4" + "y" * 20

    wire.unclog()
    assert wire.sent[-1] == "31"


def test_what_waits_counts_polled_and_over_a_websocket(opened: Open) -> None:
    opened.session.send("four")
    assert opened.session.buffered > 4
    opened.session.fetched()
    assert opened.session.buffered == 0
    wire = opened.upgraded()
    wire.clog()
    opened.session.send("four")
    assert opened.session.buffered == 5


def test_a_pause_and_its_end_reach_the_websocket(opened: Open) -> None:
    wire = opened.upgraded()
    opened.session.pause_reading()
    assert wire.paused
    opened.session.resume_reading()
    assert not wire.paused


def test_a_session_without_a_connection_takes_frames_and_drops_them(opened: Open) -> None:
    opened.session.connection = None
    wire = opened.upgraded()
    wire.receive("4unheard")
    wire.seen()
    wire.clog()
    opened.session.wire_congested(True)
    assert opened.received.story == []


@pytest.mark.parametrize("revision", [Revision3(json=True), Revision4()])
def test_text_that_is_there_as_utf8_is_sent_as_any_text(revision: Revision) -> None:
    opened = Open(revision)
    opened.session.send_text(b'"polled"')
    assert opened.session.queued
    wire = opened.upgraded()
    opened.session.send_text('"é"'.encode())
    assert wire.sent[-2:] == ['4"polled"', '4"é"']
    opened.session.close()
    opened.session.send_text(b'"late"')
    assert wire.sent[-1] == '4"é"'


@pytest.mark.parametrize("text", ["é" * 501, "a" * 1001])
def test_a_message_over_a_websocket_has_its_limit_in_bytes(text: str) -> None:
    opened = Open()
    wire = opened.upgraded()
    wire.receive("4" + "é" * 500, "4" + "a" * 250, "4" + text)
    assert opened.received.story == ["é" * 500, "a" * 250, "lost"]


def test_a_message_over_a_websocket_is_a_sign_of_life() -> None:
    opened = Open()
    wire = opened.upgraded()
    opened.clock.advance(25.0)
    assert wire.sent[-1] == "2"
    wire.receive("4alive")
    opened.clock.advance(20.0)
    assert opened.received.story == ["alive"]


def test_a_message_that_comes_after_the_end_of_its_connection_is_dropped() -> None:
    opened = Open()
    wire = opened.upgraded()
    opened.session.connection = None
    wire.receive("4late")
    assert opened.received.story == []
