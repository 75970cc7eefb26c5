"""A session of the server by itself: its requests are made by hand, and its clock is moved."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from primus.http import Address, Request
from primus.polling import Sessions
from primus_testing import ManualClock, MemoryTransport
from primus_transformer_socketio.options import SocketIOOptions
from primus_transformer_socketio.session import Session
from primus_transformer_socketio.styles import style

OPTIONS = SocketIOOptions(max_length=1000, max_payload=5000)


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


def request(watch: Callable[[Callable[[], None]], None] = lambda fn: None) -> Request:
    headers = CIMultiDictProxy(CIMultiDict[str]())
    return Request("GET", "/primus/1/xhr-polling/key", headers, address=Address("::1"), watch=watch)


class Open:
    """An open session."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.sessions: Sessions[Session] = Sessions(self.clock, OPTIONS.shortest)
        self.session = Session("key", OPTIONS, self.sessions)
        self.connection = Receiving()
        self.session.connection = self.connection
        self.session.begin()

    async def receive(self, asked: Request | None = None) -> str:
        asked = asked or request()
        answer = await self.session.receive(asked, style("xhr-polling", asked))
        return answer.body.decode() if answer.status == 200 else str(answer.status)

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
        self.connection = Receiving()
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
