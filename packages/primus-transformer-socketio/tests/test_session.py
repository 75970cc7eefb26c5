"""A session of the server by itself: its requests are made by hand, and its clock is moved."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from primus.errors import ProtocolError
from primus.http import Address, Request
from primus.limits import DEFAULT_LIMITS
from primus.polling import Sessions
from primus_testing import ManualClock, MemoryTransport, NotingConnection, make_request
from primus_transformer_socketio.options import SocketIOOptions
from primus_transformer_socketio.session import Session
from primus_transformer_socketio.styles import style

OPTIONS = SocketIOOptions(max_length=1000, max_payload=5000)


def request(watch: Callable[[Callable[[], None]], None] = lambda fn: None) -> Request:
    headers = CIMultiDictProxy(CIMultiDict[str]())
    return Request("GET", "/primus/1/xhr-polling/key", headers, address=Address("::1"), watch=watch)


class Open:
    """An open session."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.sessions: Sessions[Session] = Sessions(self.clock, OPTIONS.shortest)
        self.session = Session("key", OPTIONS, self.sessions)
        self.connection = NotingConnection()
        self.session.connection = self.connection
        self.session.begin()

    async def receive(self, asked: Request | None = None) -> str:
        asked = asked or request()
        answer = await self.session.receive(asked, style("xhr-polling", asked))
        return answer.body.decode() if answer.status == 200 else str(answer.status)

    async def hanging_after(self, text: str) -> asyncio.Task[str]:
        """A request that waited until a message was sent."""
        task = await self.hanging()
        self.session.send(text[4:])
        return task

    async def hanging(self, asked: Request | None = None) -> asyncio.Task[str]:
        """A request that waits."""
        task = asyncio.ensure_future(self.receive(asked))
        await asyncio.sleep(0)
        assert not task.done()
        return task


@pytest.fixture
async def opened() -> Open:
    opened = Open()
    assert await opened.receive() == "1::"
    return opened


async def test_a_poll_whose_client_has_gone_before_is_a_client_that_leaves(opened: Open) -> None:
    waiting = await opened.hanging()
    assert await opened.receive(request(watch=lambda fn: fn())) == "400"
    assert await waiting == "8::"
    opened.clock.advance(1.1)
    assert opened.connection.story == ["lost"]
    assert opened.clock.pending == 0


async def test_a_client_that_comes_back_in_time_stays(opened: Open) -> None:
    gone: list[Callable[[], None]] = []
    left = await opened.hanging(request(gone.append))
    gone[0]()
    waiting = await opened.hanging()
    opened.clock.advance(2)
    opened.session.send("1")
    assert await waiting == "3:::1"
    assert await left in ("8::", "3:::1")
    assert opened.connection.story == []


async def test_a_client_whose_place_another_poll_has_taken_may_go(opened: Open) -> None:
    gone: list[Callable[[], None]] = []
    first = await opened.hanging(request(gone.append))
    second = await opened.hanging()
    gone[0]()
    assert await first == "8::"
    opened.clock.advance(2)
    opened.session.send("1")
    assert await second == "3:::1"
    assert opened.connection.story == []


async def test_a_client_that_leaves_a_session_which_has_ended_is_not_waited_for(
    opened: Open,
) -> None:
    gone: list[Callable[[], None]] = []
    waiting = await opened.hanging(request(gone.append))
    gone[0]()
    opened.session.close()
    opened.clock.advance(1.1)
    assert opened.connection.story == ["lost"]
    await waiting
    assert opened.clock.pending == 0


async def test_a_poll_without_messages_and_the_wait_for_the_next_one(opened: Open) -> None:
    for _ in range(3):
        waiting = await opened.hanging()
        opened.clock.advance(19)
        await asyncio.sleep(0)
        assert not waiting.done()
        opened.clock.advance(2)
        assert await waiting == "8::"
    opened.clock.advance(59)
    assert opened.connection.story == []
    opened.clock.advance(2)
    assert opened.connection.story == ["lost"]
    assert opened.clock.pending == 0
    assert len(opened.sessions) == 0


async def test_a_session_that_is_dropped_answers_its_poll(opened: Open) -> None:
    waiting = await opened.hanging()
    opened.session.send("1")
    opened.session.abort()
    assert await waiting == "0::"
    assert opened.connection.story == ["lost"]
    opened.clock.advance(20)
    assert opened.clock.pending == 0


async def test_nothing_is_sent_behind_the_end(opened: Open) -> None:
    opened.session.send("1")
    opened.session.close()
    opened.session.close()
    opened.session.send("2")
    opened.session.send_prepared(Session.prepare("3"))
    assert await opened.receive() == "\ufffd5\ufffd3:::1\ufffd3\ufffd0::"
    assert opened.connection.story == ["lost"]


class OverWebSocket:
    """An open session over a WebSocket."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        sessions: Sessions[Session] = Sessions(self.clock, OPTIONS.shortest)
        self.session = Session("key", OPTIONS, sessions)
        self.connection = NotingConnection()
        self.session.connection = self.connection
        self.wire = MemoryTransport()
        self.session.begin_over(self.wire)

    async def polled(self) -> str:
        assert self.session.fall_back()
        asked = request()
        answer = await self.session.receive(asked, style("xhr-polling", asked))
        return answer.body.decode()


@pytest.fixture
async def websocket() -> OverWebSocket:
    return OverWebSocket()


async def test_a_session_that_falls_back_has_room_again(websocket: OverWebSocket) -> None:
    websocket.session.wire_congested(congested=True)
    websocket.session.send("1")
    assert await websocket.polled() == "\ufffd3\ufffd1::\ufffd5\ufffd3:::1"
    assert websocket.connection.story == ["congested", "relieved"]
    assert websocket.wire.aborted


async def test_a_session_that_has_ended_may_fall_back(websocket: OverWebSocket) -> None:
    websocket.wire.clog()
    websocket.session.send("1")
    websocket.session.close()
    assert await websocket.polled() == "\ufffd3\ufffd1::\ufffd5\ufffd3:::1\ufffd3\ufffd0::"
    assert websocket.connection.story == ["lost"]


async def test_a_websocket_that_is_lost_is_the_end(websocket: OverWebSocket) -> None:
    receiver = websocket.wire.connection
    assert receiver is not None
    receiver.feed("3:::1")
    receiver.seen()
    receiver.congested(congested=True)
    receiver.lost()
    assert websocket.connection.story == ["1", "congested", "lost"]
    assert websocket.session.is_over


async def test_a_websocket_that_asks_for_acknowledgements_and_reads_none_is_closed(
    websocket: OverWebSocket,
) -> None:
    receiver = websocket.wire.connection
    assert receiver is not None
    receiver.feed("3:1::1")
    receiver.congested(congested=True)
    receiver.feed("3:2::2")
    assert websocket.wire.sent == ["1::", "6:::1", "0::"]
    assert websocket.connection.story == ["1", "congested", "lost"]


def posted(*packets: str) -> Request:
    body = packets[0] if len(packets) == 1 else "".join(f"\ufffd{len(p)}\ufffd{p}" for p in packets)
    return make_request(method="POST", body=[body.encode()])


async def test_what_waits_of_a_post_is_dropped_when_its_client_breaks_a_rule(opened: Open) -> None:
    opened.connection.on_frame = opened.session.pause_reading
    post = asyncio.ensure_future(opened.session.post(posted("3:::1", "3:::2"), "xhr-polling"))
    for _ in range(5):
        await asyncio.sleep(0)
    assert (await opened.session.post(posted("3:::3"), "xhr-polling")).status == 400
    await post
    assert opened.connection.story == ["1", "lost"]


async def test_a_session_that_has_ended_leaves_no_timer_and_nothing_to_send(opened: Open) -> None:
    waiting = await opened.hanging()
    opened.session.send("never fetched")
    opened.session.over()
    assert await waiting == "0::"
    assert opened.session.buffered == 0
    assert len(opened.sessions.timers) == 0


async def test_a_websocket_brings_nothing_to_a_session_that_has_ended(
    websocket: OverWebSocket,
) -> None:
    websocket.wire.clog()  # it is not closed before what waits has left
    websocket.wire.receive("nonsense", "3:::late")
    assert websocket.connection.story == ["lost"]
    assert websocket.wire.connection is None


async def test_a_poll_whose_place_another_takes_is_answered_without_messages(opened: Open) -> None:
    first = await opened.hanging()
    second = await opened.hanging()
    assert await first == "8::"
    opened.session.send("x")
    assert await second == "3:::x"


async def test_posts_are_taken_one_after_the_other_and_two_at_once_end_the_session(
    opened: Open,
) -> None:
    answer = await opened.session.post(posted("3:::one", "3:::two"), "xhr-polling")
    assert (answer.status, answer.body) == (200, b"1")
    assert (await opened.session.post(posted("3:::three"), "xhr-polling")).status == 200
    opened.session.pause_reading()
    waiting = asyncio.ensure_future(opened.session.post(posted("3:::four"), "xhr-polling"))
    await asyncio.sleep(0)

    assert (await opened.session.post(posted("3:::five"), "xhr-polling")).status == 400
    await waiting

    assert opened.connection.story == ["one", "two", "three", "lost"]


async def test_a_post_waits_while_the_connection_is_paused(opened: Open) -> None:
    opened.session.pause_reading()
    posting = asyncio.ensure_future(opened.session.post(posted("3:::one"), "xhr-polling"))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not posting.done()
    opened.session.resume_reading()
    assert (await posting).status == 200
    assert opened.connection.story == ["one"]


async def test_a_post_is_not_even_read_while_the_connection_is_paused(opened: Open) -> None:
    begun: list[bool] = []

    async def body() -> AsyncIterator[bytes]:
        begun.append(True)
        yield b"3:::one"

    headers = CIMultiDictProxy(CIMultiDict[str]())
    post = Request("POST", "/primus", headers, address=Address("::1"), body=body)
    opened.session.pause_reading()
    posting = asyncio.ensure_future(opened.session.post(post, "xhr-polling"))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not begun
    opened.session.resume_reading()
    assert (await posting).status == 200
    assert opened.connection.story == ["one"]


@pytest.mark.parametrize(
    ("body", "status"),
    [("3:::" + "x" * 1001, 413), ("3:::" + "é" * 501, 413), ("x" * 5001, 413), ("nonsense", 400)],
)
async def test_a_post_that_breaks_a_rule_ends_the_session(
    opened: Open, body: str, status: int
) -> None:
    assert (await opened.session.post(posted(body), "xhr-polling")).status == status
    assert opened.connection.story == ["lost"]
    assert len(opened.sessions) == 0


@pytest.mark.parametrize("text", ["x" * 1000, "é" * 500, "x" * 250, "😀" * 250])
async def test_a_message_as_long_as_the_limit_is_taken(opened: Open, text: str) -> None:
    opened.session.received(f"3:::{text}")
    assert opened.connection.story == [text]


async def test_a_client_that_says_it_ends_has_ended(opened: Open) -> None:
    waiting = await opened.hanging()
    assert (await opened.session.post(posted("3:::one", "0::"), "xhr-polling")).status == 200
    assert await waiting == "0::"
    assert opened.connection.story == ["one", "lost"]


async def test_packets_of_other_endpoints_and_without_a_meaning_are_left_alone(
    opened: Open,
) -> None:
    for packet in ("3:1:/other:x", "0::/other", "2::", "8::", "1::"):
        opened.session.received(packet)
    assert opened.connection.story == []
    assert await (await opened.hanging_after("3:::x")) == "3:::x"


async def test_a_message_that_asks_for_it_is_acknowledged(opened: Open) -> None:
    opened.session.received("3:7::x")
    assert opened.connection.story == ["x"]
    assert await opened.receive() == "6:::7"


async def test_acknowledgements_that_are_not_read_end_the_session(opened: Open) -> None:
    opened.session.limit(100)
    opened.session.send("x" * 200)
    with pytest.raises(ProtocolError, match="acknowledgements"):
        opened.session.received("3:7::x")


async def test_a_client_that_stays_away_is_waited_for_while_its_post_is_under_way(
    opened: Open,
) -> None:
    gone: list[Callable[[], None]] = []
    polling = await opened.hanging(request(gone.append))
    opened.session.pause_reading()
    posting = asyncio.ensure_future(opened.session.post(posted("3:::last"), "xhr-polling"))
    await asyncio.sleep(0)
    gone[0]()
    opened.clock.advance(5)
    assert opened.connection.story == []

    opened.session.resume_reading()
    await posting
    await polling
    opened.clock.advance(5)

    assert opened.connection.story == ["last", "lost"]


async def test_what_has_fallen_back_is_polled_in_time_or_given_up(
    websocket: OverWebSocket,
) -> None:
    websocket.session.send("1")
    assert websocket.session.fall_back()
    assert websocket.session.fall_back()
    websocket.clock.advance(59)
    assert websocket.connection.story == []
    websocket.clock.advance(2)
    assert websocket.connection.story == ["lost"]


@pytest.mark.parametrize("seconds", [14.9, 15.0])
async def test_a_websocket_is_doubted_only_for_a_while(
    websocket: OverWebSocket, seconds: float
) -> None:
    websocket.clock.advance(seconds)
    assert websocket.session.fall_back() is (seconds < 15.0)


async def test_a_websocket_that_has_brought_something_is_not_doubted(
    websocket: OverWebSocket,
) -> None:
    websocket.wire.receive("2::")
    assert not websocket.session.fall_back()
    assert not websocket.wire.aborted


@pytest.mark.parametrize(("more", "is_kept"), [(0, True), (1, False)])
async def test_so_much_is_kept_of_what_a_doubted_websocket_was_sent(
    websocket: OverWebSocket, more: int, is_kept: bool
) -> None:
    size = DEFAULT_LIMITS.read_ahead_bytes - len("3:::") - len("3:::x") + more
    websocket.session.send("x" * size)
    websocket.session.send_prepared(Session.prepare("x"))
    assert websocket.session.fall_back() is is_kept


async def test_bytes_and_nonsense_over_a_websocket_end_the_session(
    websocket: OverWebSocket,
) -> None:
    other = OverWebSocket()
    websocket.wire.receive(b"3:::x")
    other.wire.receive("nonsense")
    for each in (websocket, other):
        assert each.connection.story == ["lost"]
        assert each.wire.closed == (None, "")
        assert each.wire.sent[-1] == "0::"


async def test_a_message_over_a_websocket_that_is_too_long_closes_it_with_its_status(
    websocket: OverWebSocket,
) -> None:
    websocket.wire.receive("3:::" + "x" * 1001)
    assert websocket.wire.closed == (1009, "")


async def test_a_close_over_a_websocket_is_said_in_both_ways_once(
    websocket: OverWebSocket,
) -> None:
    websocket.wire.clog()
    websocket.session.pause_reading()
    websocket.session.close(4000, "bye")
    websocket.session.close()
    websocket.session.send("late")
    assert websocket.wire.sent == ["1::", "0::"]
    assert websocket.wire.closed == (4000, "bye")
    assert not websocket.session.paused


async def test_a_websocket_that_answers_no_ping_is_given_up(websocket: OverWebSocket) -> None:
    websocket.clock.advance(OPTIONS.heartbeat_interval + 1)
    assert websocket.wire.sent == ["1::", "2::"]
    websocket.wire.receive("2::")
    websocket.clock.advance(OPTIONS.heartbeat_interval + 1)
    assert websocket.wire.sent == ["1::", "2::", "2::"]
    websocket.clock.advance(OPTIONS.heartbeat_timeout + 2)
    assert websocket.connection.story == ["lost"]
    assert websocket.clock.pending == 0 or len(websocket.session._sessions.timers) == 0


async def test_pauses_and_limits_reach_the_websocket(websocket: OverWebSocket) -> None:
    websocket.session.pause_reading()
    assert websocket.wire.paused
    websocket.session.resume_reading()
    assert not websocket.wire.paused
    websocket.session.limit(10)
    websocket.wire.clog()
    websocket.session.send("x" * 20)
    assert websocket.connection.story == ["congested"]
    assert websocket.session.buffered == 24


async def test_a_stream_sends_what_there_is_until_another_request_receives(opened: Open) -> None:
    asked = request()
    answer = await opened.session.receive(asked, style("htmlfile", asked))
    assert answer.chunks is not None
    pieces: Any = answer.chunks
    prelude = await anext(pieces)
    assert prelude
    opened.session.send("one")
    assert b"3:::one" in await anext(pieces)
    waiting = asyncio.ensure_future(anext(pieces, None))
    await asyncio.sleep(0)
    assert not waiting.done()
    other = await opened.hanging()
    assert await waiting is None
    opened.session.send("two")
    assert await other == "3:::two"
    assert opened.connection.story == []


async def test_a_stream_that_is_broken_off_is_a_client_that_leaves(opened: Open) -> None:
    asked = request()
    answer = await opened.session.receive(asked, style("htmlfile", asked))
    assert answer.chunks is not None
    pieces: Any = answer.chunks
    await anext(pieces)

    await pieces.aclose()
    opened.clock.advance(2)

    assert opened.connection.story == ["lost"]


async def test_a_stream_ends_with_the_session(opened: Open) -> None:
    asked = request()
    answer = await opened.session.receive(asked, style("htmlfile", asked))
    assert answer.chunks is not None
    pieces: Any = answer.chunks
    await anext(pieces)
    opened.session.over()
    assert b"0::" in await anext(pieces)
    assert await anext(pieces, None) is None
    assert opened.connection.story == ["lost"]
