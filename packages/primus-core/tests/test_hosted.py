"""A transport on a WebSocket of an HTTP server, which does as the test says."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, cast

import pytest

from primus.errors import LimitError, ProtocolError
from primus.http import HostWebSocket, Request, Response
from primus.limits import DEFAULT_LIMITS
from primus.transformer import Transport
from primus.websocket import Engine, EngineOptions, hosted
from primus.websocket.hosted import HostedTransport
from primus_testing import NotingConnection, eventually


class ScriptedWebSocket(HostWebSocket):
    """Receives what is put into `arriving`; sends while `is_free` is set."""

    begins_bare = True

    def __init__(self) -> None:
        super().__init__()
        self.arriving: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self.is_free = asyncio.Event()
        self.is_free.set()
        self.story: list[Any] = []

    async def accept(
        self,
        headers: Mapping[str, str],
        *,
        subprotocols: Sequence[str],
        max_length: int,
        compression: bool,
    ) -> Response | None:
        return None

    async def receive(self) -> str | bytes | None:
        return await self.arriving.get()

    async def send(self, message: str | bytes) -> None:
        assert isinstance(message, str | bytes)
        await self.is_free.wait()
        self.story.append(message)

    async def close(self, code: int, reason: str) -> None:
        await self.is_free.wait()
        self.story.append((code, reason))

    def abort(self) -> None:
        self.story.append("aborted")
        self.arriving.put_nowait(None)


class Receiving(NotingConnection):
    """A connection that acts once it is relieved."""

    def __init__(self) -> None:
        super().__init__()
        self.relieved: Callable[[], object] = lambda: None

    def congested(self, congested: bool) -> None:
        super().congested(congested)
        if not congested:
            self.relieved()


class Open:
    def __init__(self, close_timeout: float = 60.0) -> None:
        self.socket = ScriptedWebSocket()
        self.received = Receiving()
        self.transport = HostedTransport(self.socket, 10, close_timeout)
        self.transport.connection = self.received
        self.running = asyncio.create_task(self.transport.run())


@pytest.fixture
async def opened() -> AsyncIterator[Open]:
    opened = Open()
    yield opened
    opened.transport.abort()
    await opened.running


async def test_a_message_that_the_server_lets_through_is_measured_all_the_same(
    opened: Open,
) -> None:
    for message in ("x" * 10, "é" * 6, "never"):
        opened.socket.arriving.put_nowait(message)
    await eventually(lambda: opened.socket.story)
    assert opened.socket.story == [(1009, "message too big")]
    assert opened.received.story == ["x" * 10, "lost"]
    assert isinstance(opened.received.error, ProtocolError)


async def test_a_transport_that_is_paused_receives_nothing(opened: Open) -> None:
    await asyncio.sleep(0)
    opened.transport.pause_reading()
    for message in "abc":
        opened.socket.arriving.put_nowait(message)
    for _ in range(10):
        await asyncio.sleep(0)
    assert opened.received.story == ["a"]  # it had been asked for before
    opened.transport.resume_reading()
    await eventually(lambda: opened.received.story == ["a", "b", "c"])


async def test_what_the_server_does_not_send_is_congestion_and_is_dropped_by_an_abort(
    opened: Open,
) -> None:
    opened.transport.limit(100)
    opened.socket.is_free.clear()
    opened.transport.send("x" * 10)
    opened.transport.send("x" * 100)
    assert opened.received.story == ["congested"]
    await asyncio.sleep(0)
    opened.transport.abort()
    await opened.running
    opened.socket.is_free.set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert opened.socket.story == ["aborted"]


async def test_a_peer_that_does_not_finish_closing_is_dropped() -> None:
    opened = Open(close_timeout=0.01)
    opened.transport.close()
    opened.transport.send("too late")
    await eventually(opened.running.done)
    assert opened.socket.story == [(1000, ""), "aborted"]


async def test_what_need_not_wait_is_sent_and_closed_at_once(opened: Open) -> None:
    opened.transport.limit(10)
    opened.transport.send("x" * 100)
    opened.transport.close(1001, "away")
    assert opened.socket.story == ["x" * 100, (1001, "away")]
    assert opened.received.story == []  # it was never congested
    assert opened.transport.buffered == 0


async def test_what_waits_is_sent_in_order_with_what_is_written_meanwhile(opened: Open) -> None:
    opened.transport.limit(100)
    further = ["last"]
    opened.received.relieved = lambda: further and opened.transport.send(further.pop())
    opened.socket.is_free.clear()
    for message in ("a" * 60, "b" * 60, "c"):
        opened.transport.send(message)
    assert opened.socket.story == []
    assert opened.received.story[:1] == ["congested"]
    opened.socket.is_free.set()
    await eventually(lambda: opened.transport.buffered == 0)
    assert opened.socket.story == ["a" * 60, "b" * 60, "c", "last"]
    opened.transport.send("later")
    assert opened.socket.story[-1] == "later"


async def test_a_message_written_while_another_is_sent_goes_behind_it(opened: Open) -> None:
    send = opened.socket.send

    async def answered(message: str | bytes) -> None:
        if message == "first":
            opened.transport.send("second")
        await send(message)

    opened.socket.send = answered  # type: ignore[method-assign]
    opened.transport.send("first")
    assert opened.socket.story == ["first", "second"]


async def test_a_text_that_is_there_as_utf8_is_sent_in_its_turn(opened: Open) -> None:
    opened.transport.send_text("é".encode())
    assert opened.socket.story == ["é"]
    opened.socket.is_free.clear()
    opened.transport.send_text(b"first")
    opened.transport.send("second")
    opened.transport.send_text("third ß".encode())
    assert opened.transport.buffered == 5 + 6 + 8 + 3 * DEFAULT_LIMITS.frame_overhead
    opened.socket.is_free.set()
    await eventually(lambda: opened.transport.buffered == 0)
    assert opened.socket.story == ["é", "first", "second", "third ß"]
    assert opened.transport.given == 2 + 5 + 6 + 8


async def test_a_text_written_while_a_message_is_sent_goes_behind_it(opened: Open) -> None:
    send = opened.socket.send

    async def answered(message: str | bytes) -> None:
        if message == "first":
            opened.transport.send_text(b"second")
        await send(message)

    opened.socket.send = answered  # type: ignore[method-assign]
    opened.transport.send_text(b"first")
    assert opened.socket.story == ["first", "second"]


async def test_what_may_ask_for_its_task_is_sent_in_one(opened: Open) -> None:
    send, tasks = opened.socket.send, []

    async def noted(message: str | bytes) -> None:
        tasks.append(asyncio.current_task())
        await send(message)

    opened.socket.send = noted  # type: ignore[method-assign]
    opened.socket.begins_bare = False
    opened.transport.send("first")
    await eventually(lambda: opened.socket.story == ["first"])
    assert tasks[0] is not asyncio.current_task()


async def test_a_message_that_waits_is_sent_once_though_another_is_written_as_it_leaves(
    opened: Open,
) -> None:
    opened.transport.limit(100)
    opened.socket.is_free.clear()
    opened.transport.send("a" * 60)
    further = ["b", "c"]

    def write_two() -> None:
        if further:
            opened.socket.is_free.clear()
        while further:
            opened.transport.send(further.pop(0))

    opened.received.relieved = write_two
    assert opened.received.story == ["congested"]
    opened.socket.is_free.set()
    await eventually(lambda: opened.socket.story == ["a" * 60])
    await eventually(lambda: not further)
    opened.socket.is_free.set()
    await eventually(lambda: opened.transport.buffered == 0)
    assert opened.socket.story == ["a" * 60, "b", "c"]


async def test_a_message_that_waits_is_dropped_by_an_abort_in_the_same_turn(opened: Open) -> None:
    opened.socket.is_free.clear()
    opened.transport.send("first")
    opened.transport.abort()
    opened.socket.is_free.set()
    await opened.running
    assert opened.socket.story == ["aborted"]


@pytest.mark.parametrize("begins_bare", [True, False])
async def test_what_has_come_of_a_peer_that_has_gone_is_taken_and_nothing_more_is_sent(
    opened: Open, begins_bare: bool
) -> None:
    tried: list[str | bytes] = []

    async def broken(message: str | bytes) -> None:
        tried.append(message)
        raise ConnectionResetError

    opened.socket.send = broken  # type: ignore[method-assign]
    opened.socket.begins_bare = begins_bare
    opened.transport.send("first")
    await eventually(lambda: tried == ["first"])
    opened.transport.send("second")
    for message in ("good", "night", None):
        opened.socket.arriving.put_nowait(message)
    await opened.running
    assert tried == ["first"]
    assert opened.received.story == ["good", "night", "lost"]
    assert opened.received.error is None
    assert opened.socket.story == []
    assert opened.transport.buffered == 0


@pytest.mark.parametrize(
    ("message", "fits"),
    [("x" * 10, True), ("x" * 11, False), (b"x" * 10, True), ("é" * 5, True), ("é" * 6, False)],
)
async def test_a_message_may_be_as_long_as_the_limit_in_bytes(
    opened: Open, message: str | bytes, fits: bool
) -> None:
    opened.socket.arriving.put_nowait(message)
    opened.socket.arriving.put_nowait("next")
    opened.socket.arriving.put_nowait(None)
    await opened.running

    if fits:
        assert opened.received.story == [message, "next", "lost"]
        assert opened.received.error is None
        assert opened.socket.story == []
    else:
        assert opened.received.story == ["lost"]
        error = opened.received.error
        assert isinstance(error, LimitError)
        assert error.option == "max_length"
        assert opened.socket.story == [(1009, "message too big")]


@pytest.mark.parametrize(("message", "a_turn"), [("x", 3), ("x" * 8, 2), ("x" * 5, 3)])
async def test_others_get_their_turn_after_so_many_messages_or_bytes(
    message: str, a_turn: int
) -> None:
    socket, received = ScriptedWebSocket(), Receiving()
    limits = replace(DEFAULT_LIMITS, turn_messages=3, turn_bytes=16)
    transport = HostedTransport(socket, 10, 60.0, limits)
    transport.connection = received
    for _ in range(10):
        socket.arriving.put_nowait(message)
    running = asyncio.create_task(transport.run())

    await asyncio.sleep(0)
    assert len(received.story) == a_turn
    await asyncio.sleep(0)
    assert len(received.story) == 2 * a_turn + 1
    transport.abort()
    await running


@pytest.mark.parametrize(
    ("failure", "is_told"), [(ProtocolError("broken"), True), (ConnectionResetError(), False)]
)
async def test_how_a_websocket_was_lost_is_told_once(
    opened: Open, failure: Exception, is_told: bool
) -> None:
    async def receive() -> str | bytes | None:
        raise failure

    opened.socket.receive = receive  # type: ignore[method-assign]
    opened.socket.arriving.put_nowait("x")
    await opened.running

    assert opened.received.story == ["x", "lost"]
    assert opened.received.error is (failure if is_told else None)
    assert opened.transport.connection is None


async def test_a_websocket_that_is_gone_sends_nothing_and_is_neither_paused_nor_dropped(
    opened: Open,
) -> None:
    opened.socket.is_free.clear()
    opened.transport.send("kept")
    opened.transport.close()
    opened.socket.arriving.put_nowait(None)
    await opened.running
    assert opened.transport.buffered == 0
    assert opened.socket.seen is opened.socket.gone is None

    opened.transport.send("late")
    opened.transport.pause_reading()
    opened.transport.abort()

    assert opened.transport.buffered == 0
    assert opened.socket.story == []
    assert opened.transport._resumed is None


async def test_a_close_is_said_once_and_nothing_behind_it(opened: Open) -> None:
    opened.transport.send("last")
    opened.transport.close(4000, "bye")
    opened.transport.close(4001, "again")
    opened.transport.send("late")
    opened.transport.send_text(b"late")
    assert opened.socket.story == ["last", (4000, "bye")]


async def test_a_close_ends_a_pause(opened: Open) -> None:
    opened.transport.pause_reading()
    opened.transport.pause_reading()
    opened.socket.arriving.put_nowait("x")
    opened.transport.close()
    await eventually(lambda: opened.received.story == ["x"])
    assert opened.socket.story == [(1000, "")]


async def test_a_wire_that_is_lost_ends_a_pause_and_says_whether_there_was_one(
    opened: Open,
) -> None:
    assert opened.socket.gone is not None
    assert opened.socket.gone() is False
    opened.transport.pause_reading()
    assert opened.socket.gone() is True
    opened.socket.arriving.put_nowait("taken")
    opened.socket.arriving.put_nowait(None)
    await opened.running
    assert opened.received.story == ["taken", "lost"]
    assert opened.received.error is None


async def test_exactly_the_limit_is_no_congestion_and_relief_comes_at_the_limit() -> None:
    opened = Open()
    each = DEFAULT_LIMITS.frame_overhead + 1
    opened.transport.limit(2 * each)
    opened.socket.is_free.clear()
    opened.transport.send("1")
    opened.transport.send("2")
    assert opened.received.story == []
    opened.transport.send("3")
    opened.transport.send("4")
    assert opened.received.story == ["congested"]
    assert opened.transport.buffered == 4 * each

    opened.socket.is_free.set()
    await eventually(lambda: opened.received.story == ["congested", "relieved"])
    assert opened.socket.story == ["1", "2", "3", "4"]
    opened.transport.abort()
    await opened.running


async def test_a_server_that_breaks_off_while_it_sends_is_dropped() -> None:
    opened = Open(close_timeout=0.01)

    async def send(message: str | bytes) -> None:
        raise ConnectionResetError

    opened.socket.send = send  # type: ignore[method-assign]
    opened.transport.send("x")
    await opened.running
    assert opened.socket.story == ["aborted"]
    assert opened.transport.buffered == 0


async def test_signs_of_life_are_passed_on_while_there_is_a_connection(opened: Open) -> None:
    assert opened.socket.seen is not None
    opened.socket.seen()
    opened.transport.connection = None
    opened.socket.seen()
    assert opened.received.signs == 1


async def test_lone_surrogates_are_sent_as_what_stands_for_them(opened: Open) -> None:
    opened.transport.send("é\ud800")
    assert opened.socket.story == ["é\ufffd"]


async def paused(opened: Open) -> None:
    """Pause a transport that waits for a message."""
    await asyncio.sleep(0)
    opened.transport.pause_reading()
    opened.socket.arriving.put_nowait("before")
    await eventually(lambda: opened.received.story == ["before"])
    opened.socket.arriving.put_nowait("waits")
    for _ in range(5):
        await asyncio.sleep(0)
    assert opened.received.story == ["before"]


async def test_a_close_lets_what_waits_for_a_paused_transport_come(opened: Open) -> None:
    await paused(opened)
    opened.transport.close()
    await eventually(lambda: opened.received.story == ["before", "waits"])


async def test_an_abort_ends_a_transport_that_is_paused(opened: Open) -> None:
    await paused(opened)
    opened.transport.abort()
    await eventually(opened.running.done)


async def test_a_transport_that_was_paused_twice_resumes_once(opened: Open) -> None:
    await paused(opened)
    opened.transport.pause_reading()
    opened.transport.resume_reading()
    await eventually(lambda: opened.received.story == ["before", "waits"])


async def test_bytes_are_sent_as_they_are(opened: Open) -> None:
    opened.transport.send(b"\xff\x00")
    opened.transport.send("é")
    await eventually(lambda: opened.socket.story == [b"\xff\x00", "é"])
    assert opened.transport.given == 4


class OneByOne(ScriptedWebSocket):
    """Sends so many messages as there are permits."""

    def __init__(self) -> None:
        super().__init__()
        self.permits = asyncio.Semaphore(0)

    async def send(self, message: str | bytes) -> None:
        await self.permits.acquire()
        await super().send(message)


async def test_congestion_ends_with_the_message_that_brings_it_to_the_limit() -> None:
    socket, received = OneByOne(), Receiving()
    transport = HostedTransport(socket, 10, 60.0)
    transport.connection = received
    transport.limit(2 * (DEFAULT_LIMITS.frame_overhead + 1))
    for message in "abcd":
        transport.send(message)
    assert received.story == ["congested"]
    for sent, story in (("a", ["congested"]), ("b", ["congested", "relieved"])):
        socket.permits.release()
        await eventually(lambda sent=sent: socket.story[-1:] == [sent])
        for _ in range(3):
            await asyncio.sleep(0)
        assert received.story == story
    transport.abort()


async def test_a_peer_that_broke_a_rule_has_not_closed_in_order(opened: Open) -> None:
    broke = ProtocolError("broke a rule")

    async def receive() -> str | bytes | None:
        raise broke

    opened.socket.receive = receive  # type: ignore[method-assign]
    opened.socket.ending = "a close frame"  # type: ignore[assignment]
    opened.socket.arriving.put_nowait("x")
    await opened.running
    assert opened.received.story == ["x", "lost"]
    assert (opened.received.error, opened.received.ending) == (broke, None)


@pytest.mark.parametrize("waiting", [(), ("one", "two")], ids=str)
async def test_a_websocket_that_was_dropped_sends_nothing_and_keeps_nothing(
    opened: Open, waiting: tuple[str, ...]
) -> None:
    opened.socket.is_free.clear()
    for message in waiting:
        opened.transport.send(message)
    opened.transport.abort()
    assert opened.transport.buffered == 0
    opened.socket.is_free.set()
    opened.transport.send("late")
    opened.transport.send_text(b"late")
    opened.transport.close()
    await opened.running
    assert opened.socket.story == ["aborted"]


async def test_what_waits_for_a_peer_that_has_gone_is_kept_no_longer(opened: Open) -> None:
    async def broken(message: str | bytes) -> None:
        await opened.socket.is_free.wait()
        raise ConnectionResetError

    opened.socket.send = broken  # type: ignore[method-assign]
    opened.socket.is_free.clear()
    for message in ("one", "two", "three"):
        opened.transport.send(message)
    assert opened.transport.buffered > 0
    opened.socket.is_free.set()
    await eventually(lambda: opened.transport.buffered == 0)
    assert not opened.running.done()


async def test_exactly_the_limit_that_the_server_keeps_waiting_is_no_congestion(
    opened: Open,
) -> None:
    opened.transport.limit(10 + DEFAULT_LIMITS.frame_overhead)
    opened.socket.is_free.clear()
    opened.transport.send("x" * 10)
    assert opened.received.story == []


class Timers:
    """The timers that transports have set; none of them runs out."""

    def __init__(self) -> None:
        self.set = 0
        self.cancelled = 0

    def expect(self, *_: object) -> "Timers":
        self.set += 1
        return self

    def cancel(self) -> None:
        self.cancelled += 1


@pytest.fixture
def timers(monkeypatch: pytest.MonkeyPatch) -> Timers:
    timers = Timers()
    monkeypatch.setattr(hosted, "expect", timers.expect)
    return timers


async def test_a_close_that_cannot_be_sent_gives_the_peer_no_more_time(
    timers: Timers, opened: Open
) -> None:
    async def broken(code: int, reason: str) -> None:
        await asyncio.sleep(0)
        raise ConnectionResetError

    opened.socket.close = broken  # type: ignore[method-assign]
    opened.transport.close()
    for _ in range(5):
        await asyncio.sleep(0)
    assert (timers.set, timers.cancelled) == (1, 0)
    opened.socket.arriving.put_nowait(None)
    await opened.running
    assert (timers.set, timers.cancelled) == (1, 1)


async def test_a_websocket_that_is_gone_while_a_message_waits_sets_no_timer(
    timers: Timers, opened: Open
) -> None:
    async def broken(message: str | bytes) -> None:
        await opened.socket.is_free.wait()
        raise ConnectionResetError

    opened.socket.send = broken  # type: ignore[method-assign]
    opened.socket.is_free.clear()
    opened.transport.send("x")
    opened.socket.arriving.put_nowait(None)
    await opened.running
    opened.socket.is_free.set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert timers.set == 0


async def test_a_websocket_that_cannot_be_attached_is_dropped(
    make_primus: Callable[..., Any],
) -> None:
    socket = ScriptedWebSocket()

    class Asked:
        response_headers: ClassVar[dict[str, str]] = {}

        def websocket(self) -> ScriptedWebSocket:
            return socket

    def refuse(transport: Transport) -> None:
        raise RuntimeError("no")

    engine = Engine(make_primus(), EngineOptions(10))
    with pytest.raises(RuntimeError):
        await engine.upgrade(cast("Request", Asked()), refuse)
    assert socket.story == ["aborted"]
    assert not engine._transports
