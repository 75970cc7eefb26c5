"""The WebSocket of an ASGI server by itself: events that are given and taken by hand."""

import asyncio
from typing import Any

import pytest

from primus import Response
from primus.closed import Ending
from primus.errors import LimitError, ProtocolError
from primus.server.hosts.asgi_websocket import AsgiWebSocket
from primus_testing import DEADLINE, NotingTransport, eventually, make_request

CONNECT = {"type": "websocket.connect"}
LIMITS: dict[str, Any] = {"subprotocols": (), "max_length": 100, "compression": False}


class Server:
    """The server's side of one WebSocket."""

    def __init__(self, *events: dict[str, Any], wire: NotingTransport | None = None) -> None:
        self.events = list(events)
        self.sent: list[Any] = []
        self.pending = 0
        """How many events the application waits for."""
        self.error: Exception | None = None
        """Raised when it is asked for an event."""
        self.refusal: Exception | None = None
        """Raised when it is sent one."""
        if wire is not None:
            self.transport = wire
        self.more = asyncio.Event()

    async def receive(self) -> Any:
        """The next event."""
        self.pending += 1
        try:
            while not self.events:
                if self.error is not None:
                    error, self.error = self.error, None
                    raise error
                self.more.clear()
                await self.more.wait()
            return self.events.pop(0)
        finally:
            self.pending -= 1

    async def send(self, event: Any) -> None:
        """Take an event."""
        if self.refusal is not None:
            raise self.refusal
        while event["type"] == "websocket.close" and self.pending:
            await asyncio.sleep(0)  # as granian does
        self.sent.append(event)

    def tell(self, kind: str, **fields: Any) -> None:
        """Let something happen."""
        self.events.append({"type": kind, **fields})
        self.more.set()


def opened(server: Server, **scope: Any) -> AsgiWebSocket:
    """A WebSocket of that server."""
    return AsgiWebSocket(scope, server.receive, server.send)


async def within(waiting: "asyncio.Future[Any]") -> Any:
    """What it comes to, soon."""
    async with asyncio.timeout(DEADLINE):
        return await waiting


async def test_the_first_event_is_asked_for_once() -> None:
    server = Server(CONNECT)
    socket = opened(server)
    assert await socket.asked()
    assert await socket.asked()
    assert await socket.accept({}, **LIMITS) is None
    assert (server.pending, len(server.sent)) == (0, 1)


async def test_a_client_that_has_gone_at_once_is_neither_accepted_nor_read() -> None:
    server = Server({"type": "websocket.disconnect", "code": 1006})
    socket = opened(server)
    assert not await socket.asked()
    assert not await socket.asked()
    with pytest.raises(ConnectionResetError):
        await socket.accept({}, **LIMITS)
    assert await socket.receive() is None
    assert server.sent == []


async def test_a_client_that_cannot_be_accepted_is_not_read() -> None:
    server = Server(CONNECT, {"type": "websocket.receive", "text": "late"})
    server.refusal = OSError("gone")
    socket = opened(server)
    with pytest.raises(ConnectionResetError):
        await socket.accept({}, **LIMITS)
    assert await socket.receive() is None


async def test_a_timeout_of_the_server_itself_is_not_taken_for_the_end() -> None:
    server = Server()
    server.error = TimeoutError("of the server")
    with pytest.raises(TimeoutError, match="of the server"):
        await within(asyncio.ensure_future(opened(server).receive()))


async def test_a_close_is_sent_while_no_event_is_waited_for() -> None:
    server = Server(CONNECT)
    socket = opened(server)
    await socket.accept({}, **LIMITS)
    reading = asyncio.ensure_future(socket.receive())
    await eventually(lambda: server.pending)
    await within(asyncio.ensure_future(socket.close(4001, "enough")))
    assert server.sent[1:] == [{"type": "websocket.close", "code": 4001, "reason": "enough"}]
    assert not reading.done()
    server.tell("websocket.disconnect", code=4001, reason="enough")
    assert await within(reading) is None
    assert socket.ending == Ending.of_peer(4001, "enough")


async def test_a_close_that_the_server_refuses_leaves_the_end_to_be_read() -> None:
    server = Server(CONNECT)
    socket = opened(server)
    await socket.accept({}, **LIMITS)
    reading = asyncio.ensure_future(socket.receive())
    await eventually(lambda: server.pending)
    server.refusal = RuntimeError("closed already")
    with pytest.raises(ConnectionResetError):
        await socket.close(1000, "")
    server.tell("websocket.disconnect", code=1000)
    assert await within(reading) is None


async def test_an_aborted_websocket_is_neither_read_nor_written() -> None:
    wire = NotingTransport()
    server = Server(CONNECT, wire=wire)
    socket = opened(server)
    await socket.accept({}, **LIMITS)
    reading = asyncio.ensure_future(socket.receive())
    await eventually(lambda: server.pending)
    socket.abort()
    assert await within(reading) is None
    assert server.pending == 0
    with pytest.raises(ConnectionResetError, match="the client has gone"):
        await socket.send("late")
    assert await socket.receive() is None
    assert wire.story == ["aborted"]
    assert len(server.sent) == 1


async def test_a_reader_that_is_cancelled_is_not_taken_for_one_that_was_called_off() -> None:
    server = Server()
    socket = opened(server)
    reading = asyncio.ensure_future(socket.receive())
    await eventually(lambda: server.pending)
    reading.cancel()
    await asyncio.wait([reading])
    assert reading.cancelled()
    socket.abort()  # nothing waits any more


@pytest.mark.parametrize("extension", [True, False])
async def test_a_refused_client_that_was_seen_to_go_is_not_waited_for(extension: bool) -> None:
    server = Server({"type": "websocket.disconnect"})
    extensions = {"websocket.http.response": {}} if extension else None
    socket = opened(server, extensions=extensions)
    await socket.asked()
    refusing = asyncio.ensure_future(socket.refuse(make_request(), Response(403)))
    await eventually(refusing.done)
    assert (server.sent, server.pending) == ([], 0)


@pytest.mark.parametrize(
    ("event", "ending"),
    [
        ({}, None),
        ({"code": 1006, "reason": "lost"}, None),
        ({"code": 1000, "reason": None}, Ending.of_peer(1000, "")),
        ({"code": 1001, "reason": "away"}, Ending.of_peer(1001, "away")),
    ],
)
async def test_an_end_says_what_the_peer_has_said(event: Any, ending: Ending | None) -> None:
    server = Server({"type": "websocket.disconnect", **event})
    socket = opened(server)
    assert await socket.receive() is None
    assert socket.ending == ending
    assert await socket.receive() is None


@pytest.mark.parametrize("code", [1002, 1003, 1007, 1009])
async def test_an_end_for_what_a_peer_did_is_an_error_and_a_limit_if_it_was_one(code: int) -> None:
    server = Server({"type": "websocket.disconnect", "code": code})
    socket = opened(server)
    with pytest.raises(
        ProtocolError, match=f"closed with {code}: the peer broke the WebSocket protocol"
    ) as raised:
        await socket.receive()
    assert isinstance(raised.value, LimitError) == (code == 1009)
    assert await socket.receive() is None


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"text": ""}, ""),
        ({"text": None, "bytes": b"x"}, b"x"),
        ({"bytes": bytearray(b"x")}, b"x"),
    ],
)
async def test_a_message_is_text_or_bytes(event: Any, message: str | bytes) -> None:
    received = await opened(Server({"type": "websocket.receive", **event})).receive()
    assert received == message
    assert type(received) is type(message)


@pytest.mark.parametrize(
    ("scope", "chosen"),
    [
        ({}, None),
        ({"subprotocols": None}, None),
        ({"subprotocols": ["other"]}, None),
        ({"subprotocols": ["old", "other"]}, "old"),
    ],
)
async def test_a_subprotocol_is_chosen_of_those_that_the_client_knows(
    scope: dict[str, Any], chosen: str | None
) -> None:
    server = Server(CONNECT)
    limits = {**LIMITS, "subprotocols": ("new", "old")}
    await opened(server, **scope).accept({}, **limits)
    assert server.sent[0]["subprotocol"] == chosen


async def test_a_client_that_goes_while_it_is_refused_is_no_error() -> None:
    server = Server(CONNECT, {"type": "websocket.disconnect"}, {"type": "websocket.disconnect"})
    server.refusal = OSError("gone")
    socket = opened(server, extensions={"websocket.http.response": {}})
    await socket.asked()
    await within(asyncio.ensure_future(socket.refuse(make_request(), Response(403))))
    assert server.sent == []


@pytest.mark.parametrize(("wire", "is_dropped"), [(NotingTransport(), False), (None, True)])
async def test_a_message_that_is_not_taken_is_given_up_where_no_connection_is_watched(
    wire: NotingTransport | None, is_dropped: bool
) -> None:
    free = asyncio.Event()

    class Slow(Server):
        """Takes a message once it is free to."""

        async def send(self, event: Any) -> None:
            await free.wait()

    server = Slow(wire=wire)
    socket = AsgiWebSocket({}, server.receive, server.send, 0.01)
    written = asyncio.ensure_future(socket.send("x"))
    if not is_dropped:
        asyncio.get_running_loop().call_later(0.05, free.set)
    await asyncio.wait([written])
    assert isinstance(written.exception(), ConnectionResetError) == is_dropped
