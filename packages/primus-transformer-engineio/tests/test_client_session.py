"""The session of a client by itself: its requests are answered by the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio

from primus.errors import HandshakeError, ProtocolError, TransportError
from primus.limits import DEFAULT_LIMITS
from primus_testing import (
    LingeringTransport,
    ManualClock,
    MemoryTransport,
    NotingConnection,
    eventually,
)
from primus_transformer_engineio import client, client_session
from primus_transformer_engineio.client_session import ClientSession
from primus_transformer_engineio.revision4 import Revision4

HANDSHAKE = {"sid": "sid", "pingInterval": 25000, "pingTimeout": 20000, "upgrades": []}


class Requests:
    """What is asked over HTTP, and the answers that the test gives."""

    def __init__(self) -> None:
        self.polls: list[asyncio.Future[bytes]] = []
        self.posts: list[tuple[bytes, asyncio.Future[bytes]]] = []
        self.is_closed = False

    async def ask(self, method: str, url: str, body: bytes = b"", **_: Any) -> bytes:
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        if method == "GET":
            self.polls.append(answer)
        else:
            self.posts.append((body, answer))
        return await answer

    async def close(self) -> None:
        self.is_closed = True


class Addresses:
    def of(self, transport: str, revision: int, sid: str) -> str:
        return f"{transport} {revision} {sid}"


class Talk:
    """A session, its requests, and its connection."""

    def __init__(self, **options: Any) -> None:
        self.http = Requests()
        given: dict[str, Any] = {"open_websocket": None, "max_length": 100, "close_timeout": 100.0}
        self.session = ClientSession(
            Revision4(),
            HANDSHAKE,
            options.pop("early", []),
            address=Addresses(),  # type: ignore[arg-type]
            http=self.http,  # type: ignore[arg-type]
            **{**given, **options},
        )
        self.session.connection = self.connection = NotingConnection()

    async def begin(self) -> None:
        self.session.resume_reading()
        await turns()

    async def poll(self, body: bytes) -> None:
        """Answer the poll that is under way."""
        self.http.polls[-1].set_result(body)
        await turns()


async def turns(number: int = 12) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


@pytest_asyncio.fixture
async def make() -> AsyncIterator[Callable[..., Talk]]:
    made: list[Talk] = []

    def talk(**options: Any) -> Talk:
        made.append(Talk(**options))
        return made[-1]

    yield talk
    for each in made:
        each.session._lost = True
        each.session.over()
    await turns()


async def test_nothing_is_asked_before_the_connection_reads_and_then_one_poll_at_a_time(
    make: Any,
) -> None:
    talk = make(early=["4early"])
    await turns()
    assert talk.http.polls == []

    await talk.begin()
    talk.session.resume_reading()
    await turns()
    assert talk.connection.story == ["early"]
    assert len(talk.http.polls) == 1
    await talk.poll(b"4one\x1e4two")
    assert talk.connection.story == ["early", "one", "two"]
    assert len(talk.http.polls) == 2


async def test_one_post_is_under_way_at_a_time_and_takes_what_waits(make: Any) -> None:
    talk = make()
    await talk.begin()
    for text in ("one", "two", "three"):
        talk.session.send(text)
        await turns()
    ((body, answer),) = talk.http.posts
    assert body == b"4one"

    answer.set_result(b"ok")
    await turns()

    assert [body for body, _ in talk.http.posts] == [b"4one", b"4two\x1e4three"]


async def test_a_server_that_ends_is_not_told_of_the_end(make: Any) -> None:
    talk = make()
    await talk.begin()
    await talk.poll(b"4last\x1e1\x1e4late")

    assert talk.connection.story == ["last", "lost"]
    assert talk.connection.error is None
    assert talk.http.posts == []
    assert talk.http.is_closed
    assert len(talk.http.polls) == 1


async def test_a_server_that_breaks_a_rule_is_told_of_the_end(make: Any) -> None:
    talk = make()
    await talk.begin()
    await talk.poll(b"4" + b"x" * 101)

    assert talk.connection.story == ["lost"]
    assert isinstance(talk.connection.error, ProtocolError)
    assert [body for body, _ in talk.http.posts] == [b"1"]
    assert not talk.http.is_closed
    talk.http.posts[0][1].set_result(b"ok")
    await turns()
    assert talk.http.is_closed


@pytest.mark.parametrize(
    ("failure", "is_told"),
    [
        (HandshakeError("refused", status=400), False),
        (HandshakeError("refused", status=403), True),
        (TransportError("broken"), True),
    ],
)
@pytest.mark.parametrize("of_post", [False, True])
async def test_a_request_that_fails_ends_the_session_and_nothing_more_is_asked(
    make: Any, failure: Exception, is_told: bool, of_post: bool
) -> None:
    talk = make()
    await talk.begin()
    if of_post:
        talk.session.send("x")
        await turns()
        talk.http.posts[0][1].set_exception(failure)
    else:
        talk.http.polls[0].set_exception(failure)
    await turns()

    assert talk.connection.story == ["lost"]
    assert talk.connection.error is (failure if is_told else None)
    assert len(talk.http.polls) + len(talk.http.posts) == 1 + of_post
    assert talk.http.is_closed


async def test_a_close_goes_behind_what_was_sent_and_ends_the_session(make: Any) -> None:
    talk = make()
    await talk.begin()
    talk.session.send("last")
    talk.session.close()
    talk.session.close()
    talk.session.send("late")
    await turns()
    bodies = b"\x1e".join(body for body, _ in talk.http.posts)
    assert bodies in {b"4last\x1e1", b"4last"}
    while not talk.connection.story:
        talk.http.posts[-1][1].set_result(b"ok")
        await turns()

    assert b"".join(body for body, _ in talk.http.posts).count(b"1") == 1
    assert talk.connection.story == ["lost"]
    assert talk.connection.error is None
    assert talk.session._timer is not None


async def test_a_server_that_does_not_take_the_close_is_dropped(make: Any) -> None:
    talk = make(close_timeout=0.01)
    await talk.begin()

    talk.session.close()
    async with asyncio.timeout(30):
        while not talk.connection.story:
            await asyncio.sleep(0)

    assert talk.connection.story == ["lost"]
    assert talk.connection.error is None


async def test_a_paused_connection_holds_the_next_poll_back(make: Any) -> None:
    talk = make()
    await talk.begin()
    talk.connection.on_frame = talk.session.pause_reading
    await talk.poll(b"4one\x1e4two")
    assert talk.connection.story == ["one"]
    assert len(talk.http.polls) == 1
    talk.connection.on_frame = None
    talk.session.resume_reading()
    await turns()

    assert talk.connection.story == ["one", "two"]
    assert len(talk.http.polls) == 2


async def test_a_ping_of_the_server_is_answered_with_what_it_has_brought(make: Any) -> None:
    talk = make()
    await talk.begin()
    await talk.poll(b"2probe")
    assert [body for body, _ in talk.http.posts] == [b"3probe"]


class Probed:
    """The receiver of a WebSocket that is tried out; the test says what it brings."""

    def __init__(self) -> None:
        self.wire = MemoryTransport()
        self.answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.url = ""

    async def open(self, url: str) -> tuple[MemoryTransport, Probed]:
        self.url = url
        return self.wire, self

    async def next(self) -> str:
        return await self.answer

    async def meanwhile(self, waiting: Any) -> None:
        await waiting


async def test_a_websocket_takes_over_once_no_request_is_under_way(make: Any) -> None:
    probed = Probed()
    talk = make(open_websocket=probed.open)
    await talk.begin()
    assert probed.url == "websocket 4 sid"
    assert probed.wire.sent == ["2probe"]
    probed.answer.set_result("3probe")
    await turns()
    talk.session.send("meanwhile")
    await turns()
    assert talk.http.posts == []
    assert probed.wire.sent == ["2probe"]
    await talk.poll(b"6")

    assert probed.wire.sent == ["2probe", "5", "4meanwhile"]
    assert len(talk.http.polls) == 1
    probed.wire.receive("4hello")
    assert talk.connection.story == ["hello"]


@pytest.mark.parametrize("is_late", [False, True])
async def test_a_websocket_that_does_not_work_is_dropped_and_the_session_polled_on(
    make: Any, is_late: bool
) -> None:
    probed = Probed()
    talk = make(open_websocket=probed.open)
    await talk.begin()
    if is_late:
        probed.meanwhile = fails  # type: ignore[method-assign, assignment]
        probed.answer.set_result("3probe")
        await turns()
    else:
        probed.answer.set_result("nonsense")
        await turns()
    assert probed.wire.aborted
    assert talk.connection.story == []
    talk.session.send("x")
    await turns()
    assert [body for body, _ in talk.http.posts] == [b"4x"]
    await talk.poll(b"4one")
    assert talk.connection.story == ["one"]
    assert len(talk.http.polls) == 2


async def test_what_waits_behind_a_post_goes_over_the_websocket_that_takes_over(make: Any) -> None:
    probed = Probed()
    talk = make(open_websocket=probed.open)
    await talk.begin()
    talk.session.send("posted")
    await turns()
    talk.session.send("behind")
    probed.answer.set_result("3probe")
    await turns()
    await talk.poll(b"6")
    talk.http.posts[0][1].set_result(b"ok")
    await turns()
    assert [body for body, _ in talk.http.posts] == [b"4posted"]
    assert probed.wire.sent == ["2probe", "5", "4behind"]


async def test_a_websocket_that_takes_over_from_a_connection_that_pauses_is_not_read(
    make: Any,
) -> None:
    probed = Probed()
    talk = make(open_websocket=probed.open)
    await talk.begin()
    probed.answer.set_result("3probe")
    await turns()
    talk.connection.on_frame = talk.session.pause_reading
    await talk.poll(b"4one")
    assert probed.wire.sent == ["2probe", "5"]
    probed.wire.receive("4two")
    assert talk.connection.story == ["one"]


async def test_what_was_sent_while_a_switch_failed_is_posted(make: Any) -> None:
    probed, fate = Probed(), asyncio.get_running_loop().create_future()

    async def meanwhile(waiting: Any) -> None:
        waiting.close()
        await fate

    probed.meanwhile = meanwhile  # type: ignore[method-assign]
    talk = make(open_websocket=probed.open)
    await talk.begin()
    probed.answer.set_result("3probe")
    await turns()
    talk.session.send("meanwhile")
    await turns()
    assert talk.http.posts == []
    fate.set_exception(TransportError("gone"))
    await turns()
    assert [body for body, _ in talk.http.posts] == [b"4meanwhile"]


async def test_the_times_of_a_handshake_are_milliseconds(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pingInterval", "pingTimeout"):
        monkeypatch.setitem(HANDSHAKE, name, 20)
    talk = make()
    await talk.begin()
    async with asyncio.timeout(10):
        while not talk.connection.story:
            await asyncio.sleep(0)
    assert talk.connection.story == ["lost"]
    assert talk.connection.error is None


@pytest.mark.parametrize(("told", "seconds"), [(1e-9, 0.1), (100, 0.1), (101, 0.101)])
async def test_a_server_cannot_have_a_client_ping_without_a_pause(
    make: Any, monkeypatch: pytest.MonkeyPatch, told: float, seconds: float
) -> None:
    monkeypatch.setitem(HANDSHAKE, "pingInterval", told)
    assert make().session._heartbeat._interval == seconds


async def test_what_follows_the_end_in_an_answer_is_not_even_decoded(make: Any) -> None:
    decoded: list[str] = []

    def early() -> Iterator[str]:
        for text in ("4one", "4two", "4three", "4four"):
            decoded.append(text)
            yield text

    talk = make(early=early())
    talk.connection.on_frame = talk.session.over
    await talk.begin()
    assert talk.connection.story == ["one", "lost"]
    assert talk.connection.error is None
    assert len(decoded) <= 2


async def fails(waiting: Any) -> None:
    waiting.close()
    raise TransportError("gone")


async def test_the_end_gives_up_polls_and_the_websocket_that_is_tried_out(make: Any) -> None:
    probed = Probed()
    talk = make(open_websocket=probed.open)
    await talk.begin()

    talk.session.over()
    talk.session.over()
    await turns()

    assert probed.wire.aborted
    assert all(poll.cancelled() for poll in talk.http.polls)
    assert [body for body, _ in talk.http.posts] == [b"1"]
    assert talk.connection.story == ["lost"]
    assert talk.connection.error is None
    talk.http.posts[0][1].set_exception(TransportError("nothing there"))
    await turns()
    assert talk.http.is_closed


async def test_the_server_is_told_of_the_end_behind_the_post_that_is_under_way(make: Any) -> None:
    talk = make()
    await talk.begin()
    talk.session.send("under way")
    await turns()
    talk.session.send("late")

    talk.session.abort()
    await turns()
    assert [body for body, _ in talk.http.posts] == [b"4under way"]
    talk.http.posts[0][1].set_result(b"ok")
    await turns()

    assert [body for body, _ in talk.http.posts] == [b"4under way", b"1"]
    talk.http.posts[1][1].set_result(b"ok")
    await turns()
    assert talk.http.is_closed


@pytest.mark.parametrize("ending", [HandshakeError("no", status=400), TransportError("gone"), None])
async def test_a_server_that_has_got_the_end_by_the_post_under_way_is_not_told_twice(
    make: Any, ending: Exception | None
) -> None:
    talk = make()
    await talk.begin()
    talk.session.send("last")
    if ending is None:
        talk.session.close()
    await turns()
    talk.session.abort()
    await turns()
    (_, answer) = talk.http.posts[0]
    if ending is None:
        answer.set_result(b"ok")
    else:
        answer.set_exception(ending)
    await turns()

    assert len(talk.http.posts) == 1
    assert talk.http.is_closed


async def test_a_post_that_is_not_answered_breaks_off_in_the_end(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_session, "CLOSE_POST_TIMEOUT", 0.0)
    talk = make()
    await talk.begin()
    talk.session.send("under way")
    await turns()

    talk.session.abort()
    await eventually(lambda: talk.http.is_closed)

    ((body, answer),) = talk.http.posts
    assert body == b"4under way"
    assert answer.cancelled()


async def test_a_session_over_a_websocket_asks_nothing(make: Any) -> None:
    talk, wire = make(early=["4early"]), MemoryTransport()
    talk.session.begin_over(wire)
    assert wire.paused
    talk.session.send(b"bytes")
    assert wire.sent == [b"bytes"]
    await talk.begin()
    assert not wire.paused
    wire.receive("4one")
    assert talk.connection.story == ["early", "one"]
    assert talk.http.polls == []

    talk.session.close(1000)
    assert wire.closed == (1000, "")
    await turns()
    assert talk.http.posts == []


async def test_a_websocket_that_is_lost_as_it_is_closed_leaves_no_timer(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ManualClock()
    monkeypatch.setattr(client_session, "SYSTEM_CLOCK", clock)

    class Lost(MemoryTransport):
        def close(self, code: int | None = None, reason: str = "") -> None:
            connection, self.connection = self.connection, None
            if connection is not None:
                connection.lost()

    talk = make()
    talk.session.begin_over(Lost())
    talk.session.close(1000)
    assert talk.connection.story == ["lost"]
    assert talk.connection.error is None
    assert clock.pending == 0


async def test_a_websocket_is_not_read_when_the_first_message_pauses(make: Any) -> None:
    talk, wire = make(early=["4early"]), MemoryTransport()
    talk.session.begin_over(wire)
    talk.connection.on_frame = talk.session.pause_reading
    await talk.begin()
    assert wire.paused
    assert talk.connection.story == ["early"]


@pytest.mark.parametrize(
    ("changes", "is_taken"),
    [
        ('"sid":"s"', True),
        (f'"sid":"{"s" * DEFAULT_LIMITS.session_id}"', True),
        (f'"sid":"{"s" * (DEFAULT_LIMITS.session_id + 1)}"', False),
        ('"sid":5', False),
        ('"sid":"\\ud800"', False),
        ('"sid":"s","pingTimeout":0', False),
        (f'"sid":"s","pingTimeout":{client.LONGEST_TIME}', True),
        (f'"sid":"s","pingTimeout":{client.LONGEST_TIME + 1}', False),
        ('"sid":"s","upgrades":"websocket"', False),
    ],
)
def test_the_bounds_of_what_a_server_tells_of_a_session(changes: str, is_taken: bool) -> None:
    packet = f'0{{"pingInterval":1,"pingTimeout":1,{changes}}}'
    if is_taken:
        assert client._handshake(packet)["upgrades"] == []
    else:
        with pytest.raises(TransportError, match="does not speak Engine"):
            client._handshake(packet)
    for wrong in (packet.encode(), packet[1:], "1" + packet[1:]):
        with pytest.raises(TransportError):
            client._handshake(wrong)


async def test_a_session_is_gone_when_its_websocket_is(make: Any) -> None:
    session, wire = make().session, LingeringTransport()
    assert not session.when_gone(session.abort)
    session.begin_over(wire)
    assert session.when_gone(session.abort)
    assert wire.on_gone == session.abort
