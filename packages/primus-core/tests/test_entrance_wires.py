"""Requests on a server of our own, on connections that do nothing by themselves."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from primus import Primus, Request, Response
from primus.http import ClientGone
from primus.server.entrance import Entrance
from primus.server.pending import IDLE, NEVER, PendingConnections
from primus_testing import MemoryTransformer, Tracebacks, eventually
from primus_testing.noting import NotingTransport

MakePrimus = Callable[..., Primus]

GET = b"GET /primus/%b HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /primus HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"
CHUNKED = b"POST /primus HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
UPGRADE = (
    b"GET /primus HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Client:
    """A client of a server of our own, and its connection."""

    def __init__(self, primus: Primus) -> None:
        self.pending = PendingConnections(primus, None, False)
        self.wire = NotingTransport(("10.0.0.7", 4711))
        self.entrance = self.wire.protocol = Entrance(self.pending)
        self.entrance.connection_made(self.wire)

    def send(self, data: bytes) -> None:
        """Let bytes arrive."""
        self.entrance.data_received(data)

    def go(self) -> None:
        """Let the connection be lost."""
        self.wire.closing = True
        self.entrance.connection_lost(None)

    @property
    def due(self) -> float | None:
        """When the connection is dropped."""
        return self.pending.deadlines.due.get(self.wire)

    async def answers(self, count: int = 1) -> list[bytes]:
        """The answers so far, once there are so many."""
        await eventually(lambda: self.wire.written.count(b"HTTP/1.1 ") >= count)
        return [b"HTTP/1.1 " + each for each in self.wire.written.split(b"HTTP/1.1 ")[1:]]


class Answering(MemoryTransformer):
    """Answers requests by their path, once they may be answered."""

    def __init__(self, primus: Any) -> None:
        super().__init__(primus)
        self.story: list[str] = []
        self.gates: dict[str, asyncio.Event] = {}

    async def request(self, request: Request) -> Response:
        self.story.append(request.path)
        if request.path in self.gates:
            await self.gates[request.path].wait()
        return Response(200, request.path)

    async def upgrade(self, request: Request) -> Response | None:
        self.story.append("upgrade")
        if "upgrade" in self.gates:
            await self.gates["upgrade"].wait()
        return Response.error(400)


@pytest.fixture
def primus(make_primus: MakePrimus) -> Primus:
    """A server whose requests are answered by their path."""
    return make_primus(transformer=Answering, handshake_timeout=1000.0)


@pytest.fixture
def story(primus: Primus) -> list[str]:
    """What reaches the transformer."""
    found: list[str] = primus.transformer.story  # type: ignore[attr-defined]
    return found


def hold(primus: Primus, path: str) -> asyncio.Event:
    """Let requests for a path wait."""
    gate = asyncio.Event()
    primus.transformer.gates[path] = gate  # type: ignore[attr-defined]
    return gate


async def turns() -> None:
    """Let everything run that waits for nothing."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_requests_of_one_connection_are_answered_one_after_the_other(
    primus: Primus, story: list[str]
) -> None:
    client = Client(primus)
    gate = hold(primus, "/primus/1")
    client.send(GET % b"1" + GET % b"2")
    await turns()
    assert (story, client.wire.written) == (["/primus/1"], b"")
    assert client.due == NEVER
    gate.set()
    answers = await client.answers(2)
    assert [each.split(b"\r\n\r\n")[1] for each in answers] == [b"/primus/1", b"/primus/2"]
    assert client.due == IDLE
    assert client.wire.story == []


async def test_a_client_that_sends_ahead_without_end_is_dropped(primus: Primus) -> None:
    client = Client(primus)
    hold(primus, "/primus/1")
    client.send(GET % b"1")
    await turns()
    client.send(b"x" * client.pending.most_ahead)
    assert client.wire.story == []
    client.send(b"x")
    assert client.wire.story == ["aborted"]
    client.go()


async def test_what_comes_behind_an_upgrade_is_kept_and_no_more_is_read(primus: Primus) -> None:
    handed: list[Any] = []
    gate = asyncio.Event()

    @primus.before("takes")
    async def take(request: Request) -> None:
        await gate.wait()
        handed.append(request.detach())

    client = Client(primus)
    client.send(UPGRADE + b"be")
    assert client.wire.story == []
    client.send(b"hind")
    assert client.wire.story == ["paused"]
    gate.set()
    await eventually(lambda: handed)
    assert (handed[0].transport, handed[0].early) == (client.wire, b"behind")
    assert client.wire.protocol is not client.entrance
    assert client.due is None
    await turns()
    assert client.wire.written == b""


async def test_an_upgrade_that_is_refused_ends_its_connection(primus: Primus) -> None:
    client = Client(primus)
    client.send(UPGRADE)
    (answer,) = await client.answers()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"\r\nConnection: close\r\n" in answer
    await turns()
    assert client.wire.story == ["closed"]


async def test_an_upgrade_that_is_refused_with_more_behind_it_can_be_read(primus: Primus) -> None:
    client = Client(primus)
    client.send(UPGRADE + b"frames")
    await client.answers()
    await turns()
    assert client.wire.story == ["eof"]
    client.send(GET % b"never")
    await turns()
    assert len(await client.answers()) == 1


async def test_what_is_not_below_the_pathname_asks_no_layer(primus: Primus) -> None:
    seen: list[str] = []
    primus.before("watch", lambda request: seen.append(request.path))
    client = Client(primus)
    client.send(b"GET /other HTTP/1.1\r\nHost: x\r\n\r\n")
    (answer,) = await client.answers()
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert seen == []
    assert client.due == IDLE


async def test_an_answer_ends_the_connection_of_a_server_that_has_closed(primus: Primus) -> None:
    client = Client(primus)
    gate = hold(primus, "/primus/1")
    client.send(GET % b"1")
    await turns()
    client.pending.is_closed = True
    gate.set()
    (answer,) = await client.answers()
    assert b"\r\nConnection: close\r\n" in answer
    await turns()
    assert client.wire.story == ["closed"]


async def test_a_request_that_is_never_answered_drops_its_connection(
    make_primus: MakePrimus,
) -> None:
    class Silent(MemoryTransformer):
        async def request(self, request: Request) -> Response:
            return None  # type: ignore[return-value]

    client = Client(make_primus(transformer=Silent))
    client.send(GET % b"1")
    await eventually(lambda: client.wire.story)
    assert (client.wire.story, client.wire.written) == (["aborted"], b"")


async def test_answers_under_way_are_known_until_they_end_and_drop_the_cancelled(
    primus: Primus,
) -> None:
    client = Client(primus)
    hold(primus, "/primus/1")
    client.send(GET % b"1")
    await turns()
    (task,) = client.pending.tasks
    task.cancel()
    await asyncio.wait([task])
    assert client.wire.story == ["aborted"]
    await turns()
    assert client.pending.tasks == set()


async def test_an_answer_whose_headers_cannot_be_sent_is_one_that_says_so(
    primus: Primus, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("failed to answer")

    @primus.before("splits")
    def split(request: Request) -> None:
        request.response_headers["X-Split"] = "a\r\nX-More: b"

    client = Client(primus)
    client.send(GET % b"1")
    (answer,) = await client.answers()
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"X-More" not in answer
    await turns()
    assert client.wire.story == ["closed"]


# -- bodies


async def test_a_body_is_not_read_on_while_too_much_of_it_waits(
    make_primus: MakePrimus,
) -> None:
    primus = make_primus(transformer=Answering)
    most = primus.limits.read_ahead_bytes
    head = POST.replace(b": 10", b": %d" % (4 * most))
    taken: list[int] = []
    gate = asyncio.Event()

    @primus.before("reads")
    async def read(request: Request) -> Response:
        await gate.wait()
        taken.append(len(await request.read()))
        return Response(200)

    client = Client(primus)
    client.send(head + b"x" * most)
    assert client.wire.reading
    client.send(b"x")
    assert client.wire.story == ["paused"]
    gate.set()
    await turns()
    assert client.wire.story == ["paused", "read"]
    client.send(b"x" * (3 * most - 1))
    await client.answers()
    assert taken == [4 * most]
    assert client.due == IDLE


@pytest.mark.parametrize(("body", "read"), [(POST, b"0123456789"), (CHUNKED, b"abc")])
async def test_a_body_ends_where_its_head_says_and_the_next_request_begins(
    primus: Primus, story: list[str], body: bytes, read: bytes
) -> None:
    bodies: list[bytes] = []

    @primus.before("reads")
    async def reads(request: Request) -> None:
        bodies.append(await request.read())

    client = Client(primus)
    rest = read if body is POST else b"3\r\nabc\r\n0\r\n\r\n"
    client.send(body)
    client.send(rest[:4])
    client.send(rest[4:] + GET % b"next")
    await client.answers(2)
    assert bodies == [read, b""]
    assert story == ["/primus", "/primus/next"]


async def test_an_answer_before_the_end_of_a_body_is_the_last(primus: Primus) -> None:
    client = Client(primus)
    client.send(POST + b"01234")
    (answer,) = await client.answers()
    assert b"\r\nConnection: close\r\n" in answer
    await turns()
    assert client.wire.story == ["eof"]
    client.send(b"56789" + GET % b"never")
    await turns()
    assert len(await client.answers()) == 1
    assert client.due not in (None, NEVER, IDLE)


async def test_a_client_that_goes_within_its_body_is_told_of(primus: Primus) -> None:
    failures: list[str] = []

    @primus.before("reads")
    async def read(request: Request) -> None:
        try:
            await request.read()
        except ClientGone as error:
            failures.append(str(error))
            raise

    client = Client(primus)
    client.send(POST + b"01234")
    await turns()
    client.go()
    await eventually(lambda: failures)
    await turns()
    assert (client.wire.written, client.due) == (b"", None)


@pytest.mark.parametrize(
    ("head", "content", "said"),
    [
        (POST, b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (POST, b"01234", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (POST, b"0123456789", b""),
    ],
)
async def test_a_client_that_waits_to_send_its_body_is_told_to_go_on(
    primus: Primus, head: bytes, content: bytes, said: bytes
) -> None:
    gate = hold(primus, "/primus")
    client = Client(primus)
    client.send(head[:-2] + b"Expect: 100-continue\r\n\r\n" + content)
    await turns()
    assert client.wire.written == said
    gate.set()
    await client.answers(2 if said else 1)


async def test_an_expectation_that_no_server_here_has_is_refused(
    primus: Primus, story: list[str]
) -> None:
    client = Client(primus)
    client.send(POST[:-2] + b"Expect: wonders\r\n\r\n0123456789")
    (answer,) = await client.answers()
    assert answer.startswith(b"HTTP/1.1 417 ")
    assert story == []


# -- clients that read slowly or go


async def test_the_next_request_waits_until_the_client_has_read_the_answer(
    primus: Primus, story: list[str]
) -> None:
    client = Client(primus)
    gate = hold(primus, "/primus/1")
    client.send(GET % b"1" + GET % b"2")
    await turns()
    client.entrance.pause_writing()
    gate.set()
    await client.answers(1)
    await turns()
    assert story == ["/primus/1"]
    client.entrance.resume_writing()
    await client.answers(2)
    assert story == ["/primus/1", "/primus/2"]


@pytest.mark.parametrize("how", ["reads", "goes"])
async def test_a_stream_waits_for_its_client_and_not_for_one_that_has_gone(
    primus: Primus, how: str
) -> None:
    taken: list[int] = []
    closed: list[str] = []

    async def chunks() -> AsyncIterator[bytes]:
        try:
            for number in range(3):
                taken.append(number)
                yield b"%d" % number
        finally:
            closed.append("closed")

    primus.before("streams", lambda request: Response(200, chunks()))
    client = Client(primus)
    client.entrance.pause_writing()
    client.send(GET % b"1")
    await turns()
    assert (taken, closed) == ([0], [])
    if how == "reads":
        client.entrance.resume_writing()
    else:
        client.go()
    await eventually(lambda: closed)
    await turns()
    assert taken == ([0, 1, 2] if how == "reads" else [0, 1])
    body = client.wire.written.split(b"\r\n\r\n", 1)[1]
    whole = b"1\r\n0\r\n1\r\n1\r\n1\r\n2\r\n0\r\n\r\n"
    assert body == (whole if how == "reads" else b"1\r\n0\r\n")


async def test_an_empty_chunk_does_not_end_a_stream(primus: Primus) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for chunk in (b"a", b"", b"b"):
            yield chunk

    primus.before("streams", lambda request: Response(200, chunks()))
    client = Client(primus)
    client.send(GET % b"1")
    await eventually(lambda: client.wire.written.endswith(b"\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n"))


async def test_a_stream_that_fails_has_no_end_and_drops_its_connection(
    primus: Primus, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("failed in the middle of the answer")

    async def chunks() -> AsyncIterator[bytes]:
        yield b"a"
        raise ValueError("broken")

    primus.before("streams", lambda request: Response(200, chunks()))
    client = Client(primus)
    client.send(GET % b"1")
    await eventually(lambda: client.wire.story)
    assert client.wire.story == ["aborted"]
    assert client.wire.written.endswith(b"\r\n\r\n1\r\na\r\n")


@pytest.mark.parametrize("when", ["before", "while", "behind"])
async def test_what_watches_for_a_client_is_told_once_while_it_is_answered(
    primus: Primus, when: str
) -> None:
    told: list[str] = []
    asked, gate = asyncio.Event(), asyncio.Event()

    @primus.before("watch")
    async def watch(request: Request) -> Response:
        asked.set()
        if when == "before":
            await gate.wait()
        request.on_gone(lambda: told.append("gone"))
        if when == "while":
            await gate.wait()
        return Response(200)

    client = Client(primus)
    client.send(GET % b"1")
    await eventually(asked.is_set)
    if when == "behind":
        await client.answers()
        await turns()
    client.go()
    client.entrance.connection_lost(None)
    gate.set()
    await turns()
    assert told == ([] if when == "behind" else ["gone"])
    assert (client.wire.written != b"") == (when == "behind")


async def test_a_connection_that_ends_with_its_answer_reads_no_request_that_came_ahead(
    primus: Primus, story: list[str]
) -> None:
    client = Client(primus)
    gate = hold(primus, "/primus/1")
    client.send(GET % b"1" + GET % b"2")
    await turns()
    gate.set()
    await client.answers(1)
    client.go()
    await turns()
    assert story == ["/primus/1"]


async def test_line_ends_behind_a_request_are_none_and_the_connection_stays_idle(
    primus: Primus, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = Client(primus)
    client.send(GET % b"1" + b"\r\n\r\n")
    await client.answers()
    await turns()
    assert client.due not in (None, NEVER)
    assert client.wire.story == []
    client.send(b"\r\n" + GET % b"2")
    assert len(await client.answers(2)) == 2


async def test_the_address_of_a_client_is_that_of_its_connection(primus: Primus) -> None:
    seen: list[Any] = []
    primus.before("watch", lambda request: seen.append((request.address.ip, request.secure)))
    client = Client(primus)
    for number in (b"1", b"2"):
        client.send(GET % number)
    await client.answers(2)
    assert seen == [("10.0.0.7", False)] * 2
