"""Requests under ASGI by themselves: the body, the answer, and a client that goes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from primus import Primus, Request, Response
from primus.http import ClientGone
from primus.server.hosts import siblings
from primus.server.hosts.asgi_http import BUFFERED, Exchange
from primus_testing import (
    AsgiServer,
    MemoryTransformer,
    NotingTransport,
    Tracebacks,
    eventually,
    make_request,
)

MakePrimus = Callable[..., Primus]

DISCONNECT = {"type": "http.disconnect"}


class Server:
    """The server's side of one request."""

    def __init__(self, *events: dict[str, Any], wire: NotingTransport | None = None) -> None:
        self.events = list(events)
        self.sent: list[Any] = []
        self.pending = self.most_pending = 0
        """How many events the application waits for, and the most at once."""
        self.is_gone = False
        self.watched: list[Any] = []
        self.more = asyncio.Event()
        if wire is not None:
            self.transport = wire
        writes: Any = type("Writes", (), {"timeout": None, "add": lambda _, w: self.write(w)})()
        self.exchange = Exchange(self.receive, self.send, writes)

    def write(self, wire: Any) -> None:
        """Note the connection of something that is about to be written."""
        self.watched.append((wire, len(self.sent)))

    async def receive(self) -> Any:
        """The next event."""
        self.pending += 1
        self.most_pending = max(self.most_pending, self.pending)
        try:
            while not self.events:
                self.more.clear()
                await self.more.wait()
            return self.events.pop(0)
        finally:
            self.pending -= 1

    async def send(self, event: Any) -> None:
        """Take an event."""
        if self.is_gone:
            raise OSError("the client has gone")
        self.sent.append(event)

    def tell(self, event: dict[str, Any]) -> None:
        """Let something happen."""
        self.events.append(event)
        self.more.set()


async def read(exchange: Exchange) -> list[bytes]:
    """The whole body."""
    return [piece async for piece in exchange.body()]


async def test_a_body_is_read_to_its_end_and_no_further() -> None:
    server = Server({"type": "http.request", "body": b"one"}, DISCONNECT)
    assert await read(server.exchange) == [b"one"]
    assert await read(server.exchange) == []
    assert server.events == [DISCONNECT]


async def test_a_client_that_went_within_its_body_is_asked_for_nothing_more() -> None:
    told: list[str] = []
    server = Server({"type": "http.request", "body": b"one", "more_body": True}, DISCONNECT)
    with pytest.raises(ClientGone):
        await read(server.exchange)
    assert await read(server.exchange) == []
    server.exchange.watch(lambda: told.append("gone"))
    assert told == ["gone"]
    await asyncio.sleep(0)
    assert server.pending == 0


async def test_all_that_watch_for_a_client_are_told_once_by_one_task() -> None:
    told: list[str] = []
    server = Server()
    server.exchange.watch(lambda: told.append("first"))
    server.exchange.watch(lambda: told.append("second"))
    await eventually(lambda: server.pending)
    server.tell({"type": "http.request", "body": b"passed over"})
    await asyncio.sleep(0)
    assert told == []
    server.tell(DISCONNECT)
    await eventually(lambda: told)
    await server.exchange.answer(make_request(), Response(204))
    assert told == ["first", "second"]
    assert server.most_pending == 1


async def test_a_client_whose_loss_a_write_finds_out_is_told_of_once() -> None:
    told: list[str] = []
    server = Server()
    server.exchange.watch(lambda: told.append("gone"))
    server.is_gone = True
    await server.exchange.answer(make_request(), Response(200, b"x"))
    assert server.exchange.gone
    server.tell(DISCONNECT)
    for _ in range(3):
        await asyncio.sleep(0)
    assert (told, server.pending) == (["gone"], 0)


async def test_a_client_that_was_seen_to_go_is_not_told_of_again_by_a_write() -> None:
    told: list[str] = []
    server = Server()
    server.exchange.watch(lambda: told.append("gone"))
    server.tell(DISCONNECT)
    await eventually(lambda: told)
    server.is_gone = True
    await server.exchange.answer(make_request(), Response(200, b"x"))
    assert told == ["gone"]


async def test_nothing_is_waited_for_behind_an_answer() -> None:
    told: list[str] = []
    server = Server()
    server.exchange.watch(lambda: told.append("gone"))
    await eventually(lambda: server.pending)
    await server.exchange.answer(make_request(), Response(200, b"x"))
    await eventually(lambda: server.pending == 0)
    assert (told, [event["type"] for event in server.sent]) == (
        [],
        ["http.response.start", "http.response.body"],
    )


@pytest.mark.parametrize("is_shown", [True, False])
async def test_a_long_answer_is_cut_where_the_server_does_not_show_its_connection(
    is_shown: bool,
) -> None:
    wire = NotingTransport() if is_shown else None
    server = Server(wire=wire)
    body = b"x" * (2 * BUFFERED + 1)
    await server.exchange.answer(make_request(), Response(200, body))
    parts = [event["body"] for event in server.sent[1:] if event["body"]]
    assert b"".join(parts) == body
    assert list(map(len, parts)) == ([len(body)] if is_shown else [BUFFERED, BUFFERED, 1])
    assert [event["more_body"] for event in server.sent[1:]][-1] is False
    assert server.watched == [(wire, number) for number in range(len(server.sent))]


async def test_an_answer_as_long_as_a_server_takes_at_once_is_not_cut() -> None:
    server = Server()
    await server.exchange.answer(make_request(), Response(200, b"x" * BUFFERED))
    assert len(server.sent) == 2


async def test_an_answer_that_is_dropped_is_incomplete_and_aborted() -> None:
    wire = NotingTransport()
    server = Server(wire=wire)
    closed: list[str] = []

    async def chunks() -> AsyncIterator[bytes]:
        try:
            yield b"first"
            server.exchange.drop()
            await asyncio.Event().wait()
        finally:
            closed.append("closed")

    await server.exchange.answer(make_request(), Response(200, chunks()))
    assert [event.get("more_body") for event in server.sent] == [None, True]
    assert (closed, wire.story) == (["closed"], ["aborted"])
    server.exchange.drop()
    assert wire.story == ["aborted", "aborted"]


async def test_an_answer_that_is_out_can_still_be_dropped() -> None:
    wire = NotingTransport()
    server = Server(wire=wire)
    await server.exchange.answer(make_request(), Response(204))
    server.exchange.drop()
    assert wire.story == ["aborted"]


async def test_an_answer_is_dropped_before_it_begins() -> None:
    server = Server()
    server.exchange.drop()
    await server.exchange.answer(make_request(), Response(204))
    assert server.sent[0]["status"] == 204


async def test_the_head_of_a_streamed_answer_takes_no_chunk() -> None:
    taken: list[str] = []
    server = Server()

    async def chunks() -> AsyncIterator[bytes]:
        taken.append("first")
        yield b"first"

    response = Response(200, chunks())
    await server.exchange.answer(make_request(method="HEAD"), response)
    assert taken == []
    assert [event.get("body") for event in server.sent] == [None, b""]
    await eventually(lambda: server.pending == 0)


# -- several processes on one port


class Polling(MemoryTransformer):
    """Opens a session by a plain request."""

    def opens(self, request: Request) -> bool:
        """Whether it does."""
        return request.path == "/primus/open"

    async def request(self, request: Request) -> Response:
        return Response(200, "opened")


async def test_a_session_that_is_polled_is_refused_where_other_processes_would_get_it(
    make_primus: MakePrimus,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tracebacks: Tracebacks,
) -> None:
    tracebacks.expect("several processes on one port")
    monkeypatch.setattr(siblings, "shares_a_port", lambda: True)
    monkeypatch.setattr(siblings, "declares_several", lambda: True)
    server = AsgiServer(make_primus(transformer=Polling).asgi)
    for _ in range(2):
        answer = await server.get("/primus/open")
        assert answer.status == 501
        assert "several processes on one port" in answer.json()["error"]
    assert (await server.get("/primus/other")).text == "opened"
    assert (await server.get("/elsewhere/open")).status == 404
    assert caplog.text.count("several processes on one port") == 1


async def test_a_session_that_is_polled_is_opened_by_a_process_that_is_alone(
    make_primus: MakePrimus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(siblings, "shares_a_port", lambda: False)
    monkeypatch.setattr(siblings, "declares_several", lambda: False)
    server = AsgiServer(make_primus(transformer=Polling).asgi)
    assert (await server.get("/primus/open")).text == "opened"


async def test_a_request_that_was_answered_holds_its_scope_and_nothing_to_be_told(
    make_primus: MakePrimus,
) -> None:
    primus = make_primus()
    requests: list[Request] = []

    @primus.before("watch")
    def watch(request: Request) -> None:
        requests.append(request)

    told: list[str] = []
    exchange = AsgiServer(primus.asgi).request("GET", "/primus", state={"user": "ada"})
    await exchange.end()
    assert requests[0].native["state"] == {"user": "ada"}
    exchange.waiting.clear()
    requests[0].on_gone(lambda: told.append("gone"))
    exchange.send("http.disconnect")
    for _ in range(3):
        await asyncio.sleep(0)
    assert (told, exchange.waiting.is_set()) == ([], False)
