"""A transport on a WebSocket of an HTTP server, which does as the test says."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import pytest

from primus.errors import ProtocolError
from primus.http import HostWebSocket, Response
from primus.websocket.hosted import HostedTransport
from primus_testing import eventually


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
        await self.is_free.wait()
        self.story.append(message)

    async def close(self, code: int, reason: str) -> None:
        await self.is_free.wait()
        self.story.append((code, reason))

    def abort(self) -> None:
        self.story.append("aborted")
        self.arriving.put_nowait(None)


class Receiving:
    """Notes what the transport tells."""

    def __init__(self) -> None:
        self.story: list[Any] = []
        self.relieved: Callable[[], object] = lambda: None

    def feed(self, frame: str | bytes, last: bool = True) -> None:
        """A message."""
        self.story.append(frame)

    def seen(self) -> None:
        """A sign of life."""

    def congested(self, congested: bool) -> None:
        """The peer reads too slowly, or no longer so."""
        self.story.append("congested" if congested else "relieved")
        if not congested:
            self.relieved()

    def lost(self, error: Exception | None = None, ending: object = None) -> None:
        """The end."""
        self.story.append(error)


class Open:
    def __init__(self, close_timeout: float = 60.0) -> None:
        self.socket = ScriptedWebSocket()
        self.received = Receiving()
        self.transport = HostedTransport(self.socket, 10, close_timeout)
        self.transport.connection = self.received  # type: ignore[assignment]
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
    message, error = opened.received.story
    assert message == "x" * 10
    assert isinstance(error, ProtocolError)


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


async def test_a_peer_that_has_gone_is_found_by_the_first_message(opened: Open) -> None:
    async def broken(message: str | bytes) -> None:
        raise ConnectionResetError

    opened.socket.send = broken  # type: ignore[method-assign]
    opened.transport.send("first")
    opened.transport.send("second")
    assert opened.socket.story == ["aborted"]
    assert opened.transport.buffered == 0
