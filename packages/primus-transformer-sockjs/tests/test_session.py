"""A session over HTTP by itself: its requests are made by hand."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from primus import Primus
from primus.errors import ProtocolError
from primus.limits import DEFAULT_LIMITS
from primus.polling import LongPoll, Opener, Sessions
from primus_testing import ManualClock, MemoryTransport, NotingConnection, make_request
from primus_transformer_sockjs.answers import messages_of, received
from primus_transformer_sockjs.options import SockJSOptions
from primus_transformer_sockjs.routes import route
from primus_transformer_sockjs.session import Session
from primus_transformer_sockjs.styles import XHR_STREAMING
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


@pytest.fixture
def wire() -> MemoryTransport:
    return MemoryTransport()


@pytest.fixture
def connection() -> NotingConnection:
    return NotingConnection()


@pytest.fixture
def session(
    sessions: Sessions[Session],
    options: SockJSOptions,
    wire: MemoryTransport,
    connection: NotingConnection,
) -> WebSocketSession:
    """A session over a WebSocket."""
    session = WebSocketSession(wire, sessions, options, 1000)
    session.connection = connection
    return session


async def test_many_messages_of_one_frame_are_brought_in_turns_and_no_more_is_read(
    session: WebSocketSession, wire: MemoryTransport, connection: NotingConnection
) -> None:
    wire.receive(MANY, '["behind"]')
    assert len(connection.story) == TURN
    assert wire.paused
    await asyncio.sleep(0)
    assert connection.story == [*map(str, range(TURN + 10)), "behind"]
    assert not wire.paused


async def test_a_turn_brings_nothing_to_a_connection_that_pauses(
    session: WebSocketSession, wire: MemoryTransport, connection: NotingConnection
) -> None:
    wire.receive(MANY)
    session.pause_reading()
    await asyncio.sleep(0)
    assert len(connection.story) == TURN
    session.resume_reading()
    assert len(connection.story) == TURN + 10


async def test_a_connection_that_resumes_within_a_turn_waits_for_the_next(
    session: WebSocketSession, wire: MemoryTransport, connection: NotingConnection
) -> None:
    wire.receive(MANY)
    session.pause_reading()
    session.resume_reading()
    assert len(connection.story) == TURN
    assert wire.paused
    await asyncio.sleep(0)
    assert len(connection.story) == TURN + 10
    assert not wire.paused


def test_a_connection_that_pauses_at_the_last_message_that_waits_is_not_read(
    session: WebSocketSession, wire: MemoryTransport, connection: NotingConnection
) -> None:
    session.pause_reading()
    session.feed('["last"]')
    connection.on_frame = session.pause_reading
    session.resume_reading()
    assert wire.paused


def test_a_frame_of_one_message_does_not_overtake_messages_that_wait(
    session: WebSocketSession, wire: MemoryTransport, connection: NotingConnection
) -> None:
    session.pause_reading()
    session.feed('["first"]')
    assert connection.story == []
    session._paused = False  # as while the rest of a frame waits for its turn
    session.feed('["second"]')
    assert connection.story == ["first", "second"]


@pytest.mark.parametrize("text", ["é" * 501, "a" * 1001])
def test_a_frame_of_one_message_has_the_same_limit(
    session: WebSocketSession, wire: MemoryTransport, connection: NotingConnection, text: str
) -> None:
    wire.receive(json.dumps(["a" * 1000]), json.dumps(["é" * 500]), json.dumps([text]))
    assert connection.story == ["a" * 1000, "é" * 500, "lost"]


def test_text_that_is_there_as_utf8_is_framed_as_any_text(
    session: WebSocketSession, wire: MemoryTransport
) -> None:
    texts = ['{"a":"\\n"}', '"\u2028"', "tab\t"]
    for text in texts:
        session.send_text(text.encode())
        session.send(text)
    assert wire.sent[1::2] == wire.sent[2::2]
    assert wire.sent[1] == 'a["{\\"a\\":\\"\\\\n\\"}"]'


async def test_a_session_that_is_aborted_within_a_turn_brings_nothing_more(
    session: WebSocketSession, wire: MemoryTransport, connection: NotingConnection
) -> None:
    wire.receive(MANY)
    session.abort()
    await asyncio.sleep(0)
    assert connection.story[TURN:] == ["lost"]
    assert wire.paused  # it is not asked for more


def test_a_wire_without_pings_has_heartbeats(
    sessions: Sessions[Session], options: SockJSOptions, wire: MemoryTransport
) -> None:
    session = WebSocketSession(wire, sessions, options, 1000)
    clock: Any = sessions.clock
    clock.advance(options.heartbeat_delay + 1)
    assert wire.sent == ["o", "h"]
    session.close()


def test_the_names_of_a_path_are_printable_and_not_too_long() -> None:
    assert route("/p/000/abc/xhr", "/p", 4) is not None
    for name in ("é", "a\n", "a b", "abcde"):
        assert route(f"/p/000/{name}/xhr", "/p", 4) is None
        assert route(f"/p/{name}/abc/xhr", "/p", 4) is None


def test_a_form_of_many_fields_is_not_read() -> None:
    form = "application/x-www-form-urlencoded"
    assert messages_of(b"a=1&" * 9 + b"d=[]", form, 10) == []
    with pytest.raises(ProtocolError, match="Broken JSON encoding"):
        messages_of(b"a=1&" * 10 + b"d=[]", form, 10)


async def test_a_post_that_waits_for_another_ends_with_the_session() -> None:
    primus = Primus(transformer="sockjs")
    transformer: Any = primus.transformer
    assert (await transformer.request(make_request("/primus/0/a/xhr", method="POST"))).status == 200
    session = transformer.sessions.get("a")
    session.pause_reading()
    posting = [
        asyncio.ensure_future(
            transformer.request(make_request("/primus/0/a/xhr_send", method="POST", body=[b"[]"]))
        )
        for _ in range(2)
    ]
    for _ in range(5):
        await asyncio.sleep(0)
    session.lost()
    assert [(await each).status for each in posting] == [404, 404]


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


# -- requests that receive


class Polled:
    """A session that is polled, its clock, and what its connection is told."""

    def __init__(self, sessions: Sessions[Session], options: SockJSOptions) -> None:
        self.clock: Any = sessions.clock
        self.sessions = sessions
        self.session = opened(sessions, options)
        self.received = NotingConnection()
        self.session.connection = self.received
        self.gone: list[Any] = []

    def poll(self) -> LongPoll:
        """A request that receives."""
        poll = self.session.receive(make_request(watch=self.gone.append))
        assert poll is not None
        return poll

    async def frame(self, poll: LongPoll | None = None) -> str | None:
        """The next frame, of a poll of its own without one."""
        own = poll or self.poll()
        frame = await self.session.next(own)
        if poll is None:
            self.session.release(own)
        return frame


@pytest.fixture
def polled(sessions: Sessions[Session], options: SockJSOptions) -> Polled:
    return Polled(sessions, options)


async def test_the_first_frame_opens_the_session_and_what_waits_goes_together(
    polled: Polled,
) -> None:
    polled.session.send("one")
    polled.session.send(b"two")

    assert [await polled.frame(), await polled.frame()] == ["o", 'a["one","two"]']


async def test_a_poll_waits_for_what_is_sent_and_a_close_is_told_again_and_again(
    polled: Polled,
) -> None:
    await polled.frame()
    waiting = asyncio.ensure_future(polled.frame())
    for _ in range(3):
        await asyncio.sleep(0)
    assert not waiting.done()
    polled.session.send("late")
    assert await waiting == 'a["late"]'

    polled.session.send("last")
    polled.session.close(3000, "Go away!")
    polled.session.close(1000, "again")
    polled.session.send("never")

    assert not polled.session.is_over
    told = [await polled.frame() for _ in range(3)]
    assert told == ['a["last"]', 'c[3000,"Go away!"]', 'c[3000,"Go away!"]']
    assert polled.session.is_over


async def test_no_more_is_answered_at_once_than_the_limit_of_a_response(
    sessions: Sessions[Session], options: SockJSOptions
) -> None:
    polled = Polled(sessions, replace(options, response_limit=12))
    await polled.frame()
    for text in ("123456", "12", "1"):
        polled.session.send(text)

    assert [await polled.frame(), await polled.frame()] == ['a["123456","12"]', 'a["1"]']


async def test_a_heartbeat_is_sent_when_nothing_else_was_said_for_so_long(polled: Polled) -> None:
    poll = polled.poll()
    assert await polled.frame(poll) == "o"
    polled.clock.advance(20)
    polled.session.send("x")
    assert await polled.frame(poll) == 'a["x"]'
    waiting = asyncio.ensure_future(polled.frame(poll))
    polled.clock.advance(24)
    for _ in range(3):
        await asyncio.sleep(0)
    assert not waiting.done()

    polled.clock.advance(2)
    assert await waiting == "h"
    again = asyncio.ensure_future(polled.frame(poll))
    for _ in range(3):
        await asyncio.sleep(0)
    assert not again.done()  # it is due once
    polled.clock.advance(26)
    assert await again == "h"


async def test_no_heartbeat_is_kept_for_a_client_that_was_not_there(options: SockJSOptions) -> None:
    clock = ManualClock()
    patient = replace(options, heartbeat_delay=25.0, disconnect_delay=100.0)
    session = opened(Sessions(clock), patient)
    first = session.receive(make_request())
    assert first is not None
    assert await session.next(first) == "o"
    session.release(first)
    clock.advance(60)
    second = session.receive(make_request())
    assert second is not None
    session.send("said")
    assert await session.next(second) == 'a["said"]'
    waiting = asyncio.ensure_future(session.next(second))
    clock.advance(24)
    await asyncio.sleep(0)
    assert not waiting.done()
    clock.advance(1)
    assert await waiting == "h"
    session.lost()


def test_nothing_is_kept_for_a_client_whose_session_has_ended(
    sessions: Sessions[Session], options: SockJSOptions
) -> None:
    session = opened(sessions, options)
    session.send("never fetched")
    assert session.buffered > 0
    session.lost()
    assert session.buffered == 0


async def test_without_heartbeats_nothing_is_sent(
    sessions: Sessions[Session], options: SockJSOptions
) -> None:
    polled = Polled(sessions, replace(options, heartbeat_delay=None))
    poll = polled.poll()
    await polled.frame(poll)

    assert polled.clock.pending == 0


async def test_a_session_that_is_not_received_ends_after_its_delay_and_not_before(
    polled: Polled,
) -> None:
    await polled.frame()
    polled.clock.advance(4)
    await_release = polled.poll()
    polled.clock.advance(30)
    assert polled.received.story == []
    polled.session.release(await_release)
    polled.clock.advance(4.5)
    assert polled.received.story == []
    polled.clock.advance(2)

    assert polled.received.story == ["lost"]
    assert polled.sessions.get("name") is None
    polled.session.lost()
    assert polled.received.story == ["lost"]


async def test_a_client_that_goes_while_it_receives_ends_its_session(polled: Polled) -> None:
    await polled.frame()
    waiting = asyncio.ensure_future(polled.frame())
    await asyncio.sleep(0)

    polled.gone[-1]()

    assert await waiting is None
    assert polled.received.story == ["lost"]
    assert polled.clock.pending == 0 or len(polled.sessions.timers) == 0


async def test_an_answer_that_is_broken_off_ends_the_session(polled: Polled) -> None:
    poll = polled.poll()
    polled.session.abandon(poll)
    assert polled.received.story == ["lost"]


async def streamed(polled: Polled, limit: int) -> AsyncIterator[bytes]:
    """The answer to a request that streams, of which the opening has been read."""
    few = replace(polled.session._options, response_limit=limit)
    answer = await received(polled.session, make_request(), XHR_STREAMING, few)
    stream: Any = answer.chunks
    await anext(stream)
    assert await anext(stream) == b"o\n"
    return stream  # type: ignore[no-any-return]


async def test_a_stream_that_is_broken_off_ends_the_session(polled: Polled) -> None:
    stream: Any = await streamed(polled, 1000)
    assert polled.received.story == []
    await stream.aclose()
    assert polled.received.story == ["lost"]


async def test_a_client_that_has_read_all_of_a_stream_may_poll_again_at_once(
    polled: Polled,
) -> None:
    stream: Any = await streamed(polled, 3)
    polled.session.send("last")
    assert await anext(stream) == b'a["last"]\n'
    assert not polled.session.is_received
    await stream.aclose()
    assert polled.received.story == []
    polled.session.lost()


async def test_a_session_that_need_not_linger_is_gone_with_its_close_frame(
    polled: Polled,
) -> None:
    await polled.frame()
    polled.session.close()
    polled.session.shorten()
    assert polled.sessions.get("name") is not None  # the client has not been told yet

    assert await polled.frame() == 'c[1000,"Normal closure"]'

    assert polled.sessions.get("name") is None
    assert polled.received.story == ["lost"]


async def test_a_session_that_has_told_its_end_is_gone_when_the_server_ends(
    polled: Polled,
) -> None:
    await polled.frame()
    polled.session.close()
    poll = polled.poll()
    await polled.frame(poll)
    polled.session.shorten()
    assert polled.received.story == []
    polled.session.release(poll)
    assert polled.received.story == ["lost"]

    other = Polled(polled.sessions, polled.session._options)
    await other.frame()
    other.session.close()
    await other.frame()
    other.session.shorten()
    assert other.received.story == ["lost"]


async def test_messages_wait_while_the_connection_is_paused_and_end_with_the_session(
    polled: Polled,
) -> None:
    await polled.session.bring(["one", "two"])
    polled.session.pause_reading()
    bringing = asyncio.ensure_future(polled.session.bring(["three", "four"]))
    for _ in range(3):
        await asyncio.sleep(0)
    assert polled.received.story == ["one", "two"]

    polled.session.lost()
    await bringing

    assert polled.received.story == ["one", "two", "three", "four", "lost"]


@pytest.mark.parametrize(("more", "brought"), [(0, 2), (1, 0)])
async def test_a_rest_that_is_longer_than_may_always_wait_is_dropped_with_the_session(
    polled: Polled, more: int, brought: int
) -> None:
    polled.session.pause_reading()
    rest = ["x", "y" * (DEFAULT_LIMITS.read_ahead_bytes - 1 + more)]
    bringing = asyncio.ensure_future(polled.session.bring(rest))
    await asyncio.sleep(0)

    polled.session.lost()
    await bringing

    assert len(polled.received.story) == brought + 1


async def test_an_abort_drops_what_waits_and_the_request_that_receives(polled: Polled) -> None:
    dropped: list[bool] = []
    request = make_request()
    request._drop = lambda: dropped.append(True)
    poll = polled.session.receive(request)
    assert poll is not None
    await polled.frame(poll)
    polled.session.pause_reading()
    bringing = asyncio.ensure_future(polled.session.bring(["late"]))
    await asyncio.sleep(0)

    polled.session.abort()
    await bringing

    assert polled.received.story == ["lost"]
    assert dropped == [True]
    assert await polled.frame(poll) == 'c[1006,"Connection dropped"]'


async def test_a_session_that_closes_reads_to_its_end(polled: Polled) -> None:
    polled.session.pause_reading()
    polled.session.close()
    assert not polled.session.paused


# -- over a WebSocket


class Pinged(MemoryTransport):
    """A wire that can ping."""

    __slots__ = ()

    def ping(self) -> bool:
        return True


@pytest.mark.parametrize("wire", [Pinged()])
def test_a_websocket_that_answers_no_ping_is_closed_once_its_time_is_over(
    sessions: Sessions[Session],
    session: WebSocketSession,
    wire: MemoryTransport,
    connection: NotingConnection,
) -> None:
    clock: Any = sessions.clock
    clock.advance(26)
    wire.seen()
    clock.advance(12)
    assert wire.closed is None
    clock.advance(14)
    assert wire.closed is None
    clock.advance(11)

    assert wire.closed == (3000, "No response from heartbeat")
    assert connection.story == ["lost"]
    assert len(sessions.timers) == 0


def test_a_message_that_is_sent_puts_the_next_ping_off(
    sessions: Sessions[Session], session: WebSocketSession, wire: MemoryTransport
) -> None:
    clock: Any = sessions.clock
    clock.advance(20)
    session.send("x")
    clock.advance(10)
    session.send_prepared(session.prepare("y"))
    clock.advance(20)
    session.send_text(b"z")
    clock.advance(24)
    assert wire.sent == ["o", 'a["x"]', 'a["y"]', 'a["z"]']
    clock.advance(2)
    assert wire.sent[-1] == "h"


@pytest.mark.parametrize("wire", [Pinged()])
def test_a_message_is_as_good_as_the_answer_to_a_ping(
    sessions: Sessions[Session], session: WebSocketSession, wire: MemoryTransport
) -> None:
    clock: Any = sessions.clock
    clock.advance(26)
    wire.receive('["here"]')
    clock.advance(12)
    assert wire.closed is None
    session.close()


@pytest.mark.parametrize("wire", [Pinged()])
def test_a_websocket_that_was_given_up_brings_nothing_more(
    sessions: Sessions[Session], session: WebSocketSession, wire: MemoryTransport
) -> None:
    wire.clog()  # it is not closed before what waits has left
    sessions.clock.advance(40)  # type: ignore[attr-defined]
    assert wire.closed == (3000, "No response from heartbeat")
    assert wire.connection is None


@pytest.mark.parametrize("wire", [Pinged()])
def test_a_websocket_that_we_do_not_read_may_be_silent(
    sessions: Sessions[Session], session: WebSocketSession, wire: MemoryTransport
) -> None:
    session.pause_reading()
    sessions.clock.advance(200)  # type: ignore[attr-defined]
    assert wire.closed is None
    session.resume_reading()
    sessions.clock.advance(40)  # type: ignore[attr-defined]
    assert wire.closed == (3000, "No response from heartbeat")


def test_an_empty_frame_is_a_sign_of_life_and_holds_nothing(
    session: WebSocketSession, wire: MemoryTransport, connection: NotingConnection
) -> None:
    wire.receive("", '["x"]', "[]")
    assert connection.story == ["x"]


def test_what_has_arrived_before_the_wire_went_is_delivered_if_it_is_taken(
    session: WebSocketSession, wire: MemoryTransport, connection: NotingConnection
) -> None:
    connection.on_frame = session.pause_reading
    wire.receive('["one","two"]')
    assert connection.story == ["one"]
    session.lost()
    assert connection.story == ["one", "lost"]
    session.lost()
    assert connection.story == ["one", "lost"]


async def test_what_is_left_of_a_turn_is_delivered_before_the_loss(
    session: WebSocketSession, wire: MemoryTransport, connection: NotingConnection
) -> None:
    wire.receive(MANY)
    assert len(connection.story) == TURN
    session.lost()
    assert connection.story[TURN:] == [*map(str, range(TURN, TURN + 10)), "lost"]
    await asyncio.sleep(0)
    assert connection.story[-1] == "lost"


class Refused:
    """A session to which nothing is brought."""

    def __init__(self) -> None:
        self.story: list[Any] = []

    async def bring(self, messages: list[str]) -> None:
        """Messages."""
        self.story.append(messages)

    def close(self, code: int, reason: str) -> None:
        """The end."""
        self.story.append(code)

    def lost(self, error: Exception) -> None:
        """Why."""
        self.story.append(type(error).__name__)


@pytest.mark.parametrize(
    ("body", "status", "story"),
    [
        ([b'["1"]'], 204, [["1"]]),
        ([b"["], 500, []),
        ([b'["' + b"x" * 11 + b'"]'], 413, [1009, "LimitError"]),
        (ConnectionResetError(), 400, []),
    ],
)
async def test_a_post_that_is_not_taken_says_why_and_brings_nothing(
    body: Any, status: int, story: list[Any]
) -> None:
    class Gone:
        """A request whose client goes before its body is there."""

        headers: ClassVar[dict[str, str]] = {}
        is_whole = False

        def taken(self, limit: int) -> bytes | None:
            return None

        async def read(self, limit: int) -> bytes:
            raise body

    primus = Primus(transformer="sockjs", max_length=10)
    transformer: Any = primus.transformer
    is_error = isinstance(body, Exception)
    request = Gone() if is_error else make_request("/primus", method="POST", body=body)
    session = Refused()
    answer = await transformer._post(session, request, by_form=False)
    assert (answer.status, session.story) == (status, story)
