"""The classes for uvicorn, on connections that do nothing by themselves."""

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from uvicorn.config import Config
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.server import ServerState

from primus import Primus
from primus.server.hosts.asgi_transport import EXTENSION
from primus.uvicorn import Requests, WebSockets
from primus.uvicorn.requests import MAX_HEAD
from primus.uvicorn.sliced_reads import MOST, SLICE
from primus_testing import DEADLINE, MemoryTransformer, NotingTransport, eventually

Application = Callable[[Any, Any, Any], Awaitable[None]]

HEAD = b"GET /primus?a=1 HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\n\r\n"
ELSEWHERE = HEAD.replace(b"primus", b"other")
REFUSED = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


PEER = ("10.0.0.7", 4711)


class Own(asyncio.Protocol):
    """uvicorn's own class for WebSockets: notes what it is told, and calls no application."""

    made: "list[Own]"
    pauses = False
    """Whether it reads no more, once it has read."""

    def __init__(self, config: Config, server_state: ServerState, app_state: Any) -> None:
        self.app: Any = config.loaded_app
        self.story: list[Any] = []
        self.made.append(self)

    def connection_made(self, transport: Any) -> None:
        """Begin."""
        self.transport = transport
        self.story.append("made")

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self.story.append(("lost", exc))

    def data_received(self, data: bytes) -> None:
        """Read."""
        self.story.append(data)
        if self.pauses:
            self.transport.pause_reading()

    def eof_received(self) -> bool:
        """Stay open."""
        self.story.append("eof")
        return True

    def pause_writing(self) -> None:
        """Write no more."""
        self.story.append("paused")

    def resume_writing(self) -> None:
        """Write on."""
        self.story.append("resumed")

    def shutdown(self) -> None:
        """Stop."""
        self.story.append("shutdown")


class Taking(MemoryTransformer):
    """Takes raw transports, as those for WebSockets do."""

    takes_transports = True


class Upgrade:
    """One upgrade, and what the application and uvicorn's own class make of it."""

    def __init__(self, app: Application, head: bytes = HEAD, **details: Any) -> None:
        self.app = app
        self.primus = Primus(app, transformer=Taking)
        self.made: list[Own] = []
        own = type("Own", (Own,), {"made": self.made})
        self.config = Config(self._called, ws=WebSockets, lifespan="off", log_config=None)
        self.config.load()
        self.config.loaded_app = self._called
        self.state = ServerState()
        self.wire = NotingTransport(PEER, **details)
        self.protocol: Any = type("WebSockets", (WebSockets,), {"others": own})(
            self.config, self.state, {}
        )
        self.protocol.connection_made(self.wire)
        self.protocol.data_received(head)
        self.wire.set_protocol(self.protocol)  # uvicorn does so behind the head

    async def _called(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope, self.offer = scope, scope["extensions"][EXTENSION]
        await self.app(scope, receive, send)

    @property
    def own(self) -> Own:
        """What has been made for it of uvicorn's own class."""
        (made,) = self.made
        return made

    async def until_called(self) -> Any:
        """Wait until the application has been called: what it is offered."""
        await eventually(lambda: hasattr(self, "offer"))
        return self.offer


async def hanging(scope: Any, receive: Any, send: Any) -> None:
    """An application that does not decide."""
    await asyncio.Event().wait()


async def asking(scope: Any, receive: Any, send: Any) -> None:
    """An application that reads events."""
    await receive()


# -- heads of requests


def requests(app: Application = hanging, **settings: Any) -> NotingTransport:
    """A connection for requests."""
    settings = {"ws": "none", "lifespan": "off", "log_config": None, "access_log": False} | settings
    config = Config(app, **settings)
    config.load()
    wire = NotingTransport(PEER)
    wire.set_protocol(Requests(config, ServerState(), {}))
    wire.protocol.connection_made(wire)
    return wire


async def answering(scope: Any, receive: Any, send: Any) -> None:
    """An application that answers."""
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


@pytest.mark.parametrize(("settings", "most"), [({}, MAX_HEAD), ({"size": 1000}, 1000)])
async def test_so_much_of_a_head_may_come_behind_its_first_read_and_no_more(
    settings: dict[str, int], most: int
) -> None:
    sizes = {f"h11_max_incomplete_event_{name}": value for name, value in settings.items()}
    wire = requests(**sizes)
    wire.protocol.data_received(b"GET / HTTP/1.1\r\n")
    wire.protocol.data_received(b"X: ")
    wire.protocol.data_received(b"x" * (most - 3))
    assert (wire.written, wire.ends) == (b"", [])
    wire.protocol.data_received(b"x")
    assert (wire.written, wire.ends) == (REFUSED, ["closed"])


async def test_a_head_without_an_end_behind_an_answered_request_is_refused() -> None:
    wire = requests(answering)
    wire.protocol.data_received(b"GET / HTTP/1.1\r\n\r\n")
    await eventually(lambda: wire.written)
    wire.writes.clear()
    wire.protocol.data_received(b"GET / HTTP/1.1\r\nX: ")
    wire.protocol.data_received(b"x" * (MAX_HEAD + 1))
    assert (wire.written, wire.ends) == (REFUSED, ["closed"])


async def test_a_refusal_is_not_taken_for_the_answer_to_a_request_that_came_before() -> None:
    wire = requests()
    wire.protocol.data_received(b"GET / HTTP/1.1\r\n\r\n")
    wire.protocol.data_received(b"GET / HTTP/1.1\r\nX: ")
    wire.protocol.data_received(b"x" * (MAX_HEAD + 1))
    assert (wire.written, wire.ends) == (b"", ["closed"])
    for task in tuple(wire.protocol.tasks):
        task.cancel()
        await asyncio.wait([task])


async def test_a_long_head_that_is_malformed_is_answered_once() -> None:
    wire = requests()
    wire.protocol.data_received(b"GET / HTTP/1.1\r\nX: ")
    wire.protocol.data_received(b"x" * MAX_HEAD)
    wire.protocol.data_received(b"\x00\r\n")
    assert wire.written.count(b"HTTP/1.1") == 1
    assert wire.written.startswith(b"HTTP/1.1 400 ")
    assert wire.ends == ["closed"]


async def test_heads_and_chunks_that_come_in_pieces_are_each_measured_alone() -> None:
    wire = requests(answering)
    for _ in range(3):
        for piece in (b"GET / HTTP/1.1\r\nX: ", b"x" * (MAX_HEAD - 100), b"\r\n\r\n"):
            wire.protocol.data_received(piece)
        await eventually(lambda: wire.written)
        wire.writes.clear()
    wire.protocol.data_received(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(3):
        for piece in (b"1", b"0000\r\n", b"x" * 65_536, b"\r\n"):
            wire.protocol.data_received(piece)
    assert wire.ends == []


# -- an upgrade that is read without the parser

UPGRADE = (
    b"GET /primus/%C3%A4?a=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
    b"Upgrade: websocket\r\nSec-WebSocket-Protocol: a, b\r\nX-Other: \xff\r\n\r\n"
)
PLAIN = UPGRADE.replace(b"\xff", b"d")
BODY = PLAIN.replace(b"X-Other: d", b"Content-Length: 3")
CHUNKED = PLAIN.replace(b"X-Other: d", b"Transfer-Encoding: chunked")
EMPTY = PLAIN.replace(b"X-Other: d", b"Content-Length: 0")
OLD = PLAIN.replace(b"HTTP/1.1", b"HTTP/1.0")
POST = PLAIN.replace(b"GET", b"POST")


async def scope_of(*pieces: bytes) -> tuple[dict[str, Any], bytes]:
    """What an application is told of an upgrade, and the head that this was read from."""
    scopes: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        await hanging(scope, receive, send)

    primus = Primus(app, transformer=Taking)
    wire = requests(app, ws=WebSockets)
    for piece in pieces:
        wire.protocol.data_received(piece)
    await eventually(lambda: scopes)
    for task in tuple(wire.protocol.state.tasks):
        task.cancel()
        await asyncio.wait([task])
    assert primus.pathname == "/primus"
    (scope,) = scopes
    assert scope.pop("extensions").keys() >= {EXTENSION}
    return scope, wire.protocol.head


async def test_a_plain_upgrade_is_told_as_the_parser_of_uvicorn_tells_it() -> None:
    by_parser, written = await scope_of(PLAIN[:9], PLAIN[9:])
    at_once, head = await scope_of(PLAIN)
    assert at_once == by_parser
    assert at_once["headers"][3] == (b"sec-websocket-protocol", b"a, b")
    assert (head, b"\r\nhost: x\r\n" in written) == (PLAIN, True)


@pytest.mark.parametrize("head", [UPGRADE, EMPTY])
async def test_an_upgrade_that_is_not_plain_is_left_to_the_parser(head: bytes) -> None:
    _, written = await scope_of(head)
    assert b"\r\nhost: x\r\n" in written


async def test_only_the_first_request_of_a_connection_is_read_without_the_parser() -> None:
    """An answer may still be under way."""
    wire = requests(answering, ws=WebSockets)
    wire.protocol.data_received(b"GET / HTTP/1.1\r\n\r\n")
    await eventually(lambda: wire.written)
    wire.protocol.data_received(PLAIN)
    assert b"\r\nhost: x\r\n" in wire.protocol.head


async def test_an_upgrade_is_for_another_class_where_that_is_asked_for() -> None:
    made: list[Own] = []
    wire = requests(hanging, ws=type("Own", (Own,), {"made": made}))
    wire.protocol.data_received(PLAIN)
    (other,) = made
    head = other.story[1]  # as uvicorn writes it
    assert head.startswith(b"GET /primus/%C3%A4?a=1 HTTP/1.1\r\nhost: x\r\n")
    assert wire.protocol is other


@pytest.mark.parametrize("head", [BODY, CHUNKED, OLD, POST], ids=["body", "chunked", "1.0", "POST"])
async def test_what_no_upgrade_can_be_is_answered_as_a_request(head: bytes) -> None:
    made: list[Own] = []
    wire = requests(answering, ws=type("Own", (Own,), {"made": made}))
    wire.protocol.data_received(head)
    await eventually(lambda: wire.written)
    assert wire.written.startswith(b"HTTP/1.1 204 ")
    assert made == []


async def test_an_upgrade_behind_a_request_without_an_answer_is_answered_as_a_request() -> None:
    made: list[Own] = []
    may_answer = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await may_answer.wait()
        await answering(scope, receive, send)

    wire = requests(app, ws=type("Own", (Own,), {"made": made}))
    wire.protocol.data_received(b"GET / HTTP/1.1\r\n\r\n")
    wire.protocol.data_received(PLAIN)
    may_answer.set()
    await eventually(lambda: wire.written.count(b"HTTP/1.1 204 ") == 2)
    assert made == []


# -- an upgrade that the application decides about


async def test_an_upgrade_counts_as_a_connection_until_it_has_gone() -> None:
    upgrade = Upgrade(hanging)
    assert upgrade.state.connections == {upgrade.protocol}
    await upgrade.until_called()
    assert len(upgrade.state.tasks) == 1
    upgrade.protocol.connection_lost(None)
    assert upgrade.state.connections == set()


async def test_no_more_is_read_once_a_client_has_sent_something_before_its_answer() -> None:
    upgrade = Upgrade(hanging)
    await upgrade.until_called()
    assert upgrade.wire.reading
    upgrade.protocol.data_received(b"early")
    assert not upgrade.wire.reading


async def test_a_transport_is_taken_paused_with_what_came_early_and_without_its_protocol() -> None:
    upgrade = Upgrade(hanging)
    offer = await upgrade.until_called()
    upgrade.protocol.data_received(b"ear")
    upgrade.protocol.data_received(b"ly")
    upgrade.wire.reading = True
    handed = offer.detach({"path": "/primus", "client": None, "query_string": b""})
    assert (handed.transport, handed.early) == (upgrade.wire, b"early")
    assert upgrade.wire.protocol is handed


@pytest.mark.parametrize(("details", "scheme"), [({}, "ws"), ({"sslcontext": True}, "wss")])
async def test_the_scope_tells_what_the_client_has_asked_for(
    details: dict[str, Any], scheme: str
) -> None:
    more = b"sec-websocket-protocol: a, b\r\nsec-websocket-protocol: c\r\nx-other: d\r\n\r\n"
    upgrade = Upgrade(hanging, HEAD[:-2] + more, **details)
    await upgrade.until_called()
    assert upgrade.scope["subprotocols"] == ["a", "b", "c"]
    assert upgrade.scope["scheme"] == scheme
    assert (upgrade.scope["path"], upgrade.scope["query_string"]) == ("/primus", b"a=1")
    assert upgrade.scope["client"] == ("10.0.0.7", 4711)


async def test_events_asked_for_behind_a_transport_that_was_taken_are_those_of_the_end() -> None:
    events: list[Any] = []

    async def taking(scope: Any, receive: Any, send: Any) -> None:
        scope["extensions"][EXTENSION].detach(scope)
        events.append(await receive())

    upgrade = Upgrade(taking)
    await eventually(lambda: events)
    assert events == [{"type": "websocket.disconnect", "code": 1006}]
    assert upgrade.made == []


@pytest.mark.parametrize("why", ["closing", "refused"])
async def test_a_transport_that_ends_or_was_refused_cannot_be_taken(why: str) -> None:
    upgrade = Upgrade(hanging)
    offer = await upgrade.until_called()
    if why == "closing":
        upgrade.wire.close()
    else:
        offer.reject(431)
        upgrade.wire.closing = False
    with pytest.raises(ConnectionResetError, match="gone before its upgrade"):
        offer.detach({})
    assert upgrade.wire.protocol is upgrade.protocol


async def test_an_upgrade_is_refused_once() -> None:
    upgrade = Upgrade(hanging)
    offer = await upgrade.until_called()
    offer.reject(431)
    offer.reject(431)
    assert (upgrade.wire.written, upgrade.wire.ends) == (REFUSED, ["closed"])


@pytest.mark.parametrize("why", ["closing", "taken", "passed on"])
async def test_an_upgrade_that_is_over_or_decided_is_not_refused(why: str) -> None:
    upgrade = Upgrade(asking if why == "passed on" else hanging)
    offer = await upgrade.until_called()
    if why == "closing":
        upgrade.wire.close()
    elif why == "taken":
        offer.detach({"path": "/primus", "client": None, "query_string": b""})
    else:
        await eventually(lambda: upgrade.made)
    offer.reject(431)
    assert upgrade.wire.written == b""


async def test_a_call_that_has_refused_the_upgrade_ends_without_dropping_the_answer() -> None:
    async def refusing(scope: Any, receive: Any, send: Any) -> None:
        scope["extensions"][EXTENSION].reject(431)

    upgrade = Upgrade(refusing)
    await upgrade.until_called()
    await eventually(lambda: not upgrade.state.tasks)
    assert upgrade.wire.ends == ["closed"]
    assert upgrade.made == []


async def test_an_application_that_fails_behind_its_refusal_is_reported(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def failing(scope: Any, receive: Any, send: Any) -> None:
        scope["extensions"][EXTENSION].reject(431)
        raise ValueError("too late")

    upgrade = Upgrade(failing)
    await upgrade.until_called()
    await eventually(lambda: not upgrade.state.tasks)
    assert [record.getMessage() for record in caplog.records] == ["Exception in ASGI application\n"]
    assert upgrade.wire.written == REFUSED


# -- an upgrade that uvicorn's own class goes on with


async def test_uvicorns_own_class_gets_the_head_and_then_what_came_behind_it() -> None:
    asked = asyncio.Event()

    async def late(scope: Any, receive: Any, send: Any) -> None:
        await asked.wait()
        await receive()

    upgrade = Upgrade(late)
    await upgrade.until_called()
    upgrade.protocol.data_received(b"early")
    asked.set()
    await eventually(lambda: upgrade.made)
    assert upgrade.own.story == ["made", HEAD, b"early"]
    assert upgrade.wire.reading
    upgrade.protocol.data_received(b"later")
    assert upgrade.own.story[3:] == [b"later"]


async def test_uvicorns_own_class_is_told_of_all_that_happens_to_the_connection() -> None:
    upgrade = Upgrade(asking)
    protocol, error = upgrade.protocol, OSError("gone")
    protocol.pause_writing()
    protocol.resume_writing()
    assert protocol.eof_received() is None
    await eventually(lambda: upgrade.made)
    protocol.pause_writing()
    protocol.resume_writing()
    assert protocol.eof_received() is True
    protocol.shutdown()
    protocol.connection_lost(error)
    told = ["paused", "resumed", "eof", "shutdown", ("lost", error)]
    assert upgrade.own.story[2:] == told
    assert upgrade.wire.written == b""


async def test_a_connection_and_a_call_that_are_passed_on_are_not_counted_twice() -> None:
    upgrade = Upgrade(asking)
    await eventually(lambda: upgrade.made)
    assert upgrade.state.connections == set()
    assert upgrade.state.tasks == set()


async def test_the_events_of_an_upgrade_that_is_passed_on_come_from_uvicorns_own_class() -> None:
    seen: list[Any] = []

    async def both(scope: Any, receive: Any, send: Any) -> str:
        seen.append(await receive())
        await send({"type": "websocket.accept"})
        return "done"

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(event: Any) -> None:
        seen.append(event)

    upgrade = Upgrade(both)  # type: ignore[arg-type]
    await eventually(lambda: upgrade.made)
    await upgrade.own.app({}, receive, send)
    assert seen == [{"type": "websocket.connect"}, {"type": "websocket.accept"}]


async def test_a_path_without_a_primus_is_left_to_uvicorns_own_class_at_once() -> None:
    upgrade = Upgrade(hanging, ELSEWHERE)
    assert upgrade.own.story == ["made", ELSEWHERE]
    assert upgrade.own.app == upgrade.config.loaded_app
    assert upgrade.state.connections == set()


# -- reads of uvicorn's own class


@pytest.fixture
async def others() -> Upgrade:
    """A connection that uvicorn's own class has, which has read its head."""
    upgrade = Upgrade(hanging, ELSEWHERE)
    upgrade.own.story.clear()
    return upgrade


LONG = b"a" * SLICE + b"b" * SLICE + b"c"
SLICES = [LONG[:SLICE], LONG[SLICE:-1], LONG[-1:]]


async def turn() -> None:
    """Let everything that is due run once."""
    await asyncio.sleep(0)


async def test_a_long_read_comes_in_slices_of_which_each_turn_has_one(others: Upgrade) -> None:
    told = others.own.story
    others.protocol.data_received(LONG)
    assert told == SLICES[:1]
    await turn()
    assert told == SLICES[:2]
    await turn()
    assert told == SLICES
    others.protocol.data_received(b"d" * SLICE)
    assert told[3:] == [b"d" * SLICE]


async def test_a_slice_waits_until_the_one_before_is_done_with(others: Upgrade) -> None:
    own, wire = others.own, others.wire
    own.pauses = True
    others.protocol.data_received(LONG)
    await turn()
    assert own.story == SLICES[:1]
    for told in (2, 3):
        own.transport.resume_reading()
        own.transport.resume_reading()
        await turn()
        await turn()
        assert (own.story, wire.reading) == (SLICES[:told], told < 3)
    own.transport.resume_reading()
    assert wire.reading


async def test_a_pause_between_two_turns_holds_the_slice(others: Upgrade) -> None:
    others.protocol.data_received(LONG)
    others.own.transport.pause_reading()
    await turn()
    assert others.own.story == SLICES[:1]


async def test_no_more_is_read_while_much_waits_for_its_turn(others: Upgrade) -> None:
    wire = others.wire
    others.protocol.data_received(bytes(SLICE + MOST))
    assert wire.story == []
    others.protocol.data_received(b"d")
    assert (wire.story, wire.reading) == (["paused"], False)
    await turn()
    assert (wire.story, wire.reading) == (["paused", "read"], True)
    while len(b"".join(others.own.story)) <= SLICE + MOST:
        await turn()
    assert wire.story == ["paused", "read"]


async def test_what_is_read_meanwhile_comes_behind_the_slices(others: Upgrade) -> None:
    others.protocol.data_received(LONG)
    others.protocol.data_received(b"d")
    await turn()
    await turn()
    assert others.own.story == [*SLICES[:2], b"cd"]


async def test_a_slice_that_uvicorns_own_class_fails_at_ends_the_connection(
    others: Upgrade, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(data: bytes) -> None:
        raise ValueError("no frame")

    others.protocol.data_received(LONG)
    others.own.data_received = failing  # type: ignore[method-assign]
    await turn()
    assert others.wire.story == ["aborted"]
    assert "no frame" in caplog.text


@pytest.mark.parametrize("end", ["close", "abort"])
async def test_no_slice_comes_once_uvicorns_own_class_has_ended_the_connection(
    others: Upgrade, end: str
) -> None:
    others.protocol.data_received(LONG)
    getattr(others.own.transport, end)()
    others.protocol.connection_lost(None)
    await turn()
    assert others.own.story == [*SLICES[:1], ("lost", None)]
    assert others.wire.closing


@pytest.mark.parametrize("end", ["eof", "lost"])
async def test_what_is_kept_comes_before_the_end_of_the_client(others: Upgrade, end: str) -> None:
    others.own.pauses = True
    others.protocol.data_received(LONG)
    others.wire.closing = True  # as TLS has it
    if end == "eof":
        assert others.protocol.eof_received() is True
    others.protocol.connection_lost(None)
    await turn()
    told = ["eof", ("lost", None)] if end == "eof" else [("lost", None)]
    assert others.own.story == [SLICES[0], LONG[SLICE:], *told]


async def test_what_came_while_the_application_decided_comes_in_slices() -> None:
    upgrade = Upgrade(asking)
    await upgrade.until_called()
    upgrade.protocol.data_received(LONG)
    await eventually(lambda: bool(upgrade.made))
    assert upgrade.own.story == ["made", HEAD, SLICES[0]]


# -- the end


async def test_requests_that_wait_behind_another_are_let_go_with_their_connection() -> None:
    wire = requests()
    wire.protocol.data_received(3 * b"GET / HTTP/1.1\r\n\r\n")
    assert len(wire.protocol.pipeline) == 2
    wire.protocol.connection_lost(None)
    assert len(wire.protocol.pipeline) == 0
    for task in tuple(wire.protocol.tasks):
        task.cancel()
        await asyncio.wait([task])


async def test_a_server_that_stops_before_a_head_has_come_refuses_the_connection() -> None:
    wire = NotingTransport(PEER)
    protocol: Any = WebSockets(Config(hanging, log_config=None), ServerState(), {})
    protocol.connection_made(wire)
    protocol.shutdown()
    assert wire.written.startswith(b"HTTP/1.1 503 ")
    assert wire.ends == ["closed"]


async def test_an_application_whose_client_has_gone_is_told_so() -> None:
    gone, told = asyncio.Event(), asyncio.Event()

    async def late(scope: Any, receive: Any, send: Any) -> None:
        await gone.wait()
        assert await receive() == {"type": "websocket.disconnect", "code": 1006}
        with pytest.raises(ClientDisconnected):
            await send({"type": "websocket.accept"})
        told.set()

    upgrade = Upgrade(late)
    await upgrade.until_called()
    upgrade.wire.close()
    upgrade.protocol.connection_lost(None)
    gone.set()
    async with asyncio.timeout(DEADLINE):
        await told.wait()
    assert upgrade.made == []


async def test_a_client_that_goes_before_uvicorns_own_class_calls_is_told_of_once() -> None:
    events: list[Any] = []

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        events.append(await receive())

    async def never() -> Any:
        raise AssertionError("the application was told already")

    upgrade = Upgrade(noting)
    await eventually(lambda: upgrade.made)
    upgrade.protocol.connection_lost(None)
    await upgrade.own.app({}, never, never)
    assert events == [{"type": "websocket.disconnect", "code": 1006}]


async def test_a_call_that_is_cancelled_before_it_decides_drops_the_connection() -> None:
    upgrade = Upgrade(hanging)
    await upgrade.until_called()
    (task,) = upgrade.state.tasks
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert (upgrade.wire.ends, upgrade.made) == (["aborted"], [])


@pytest.mark.parametrize("is_stubborn", [False, True])
async def test_a_call_of_uvicorns_own_class_that_is_cancelled_cancels_the_application(
    is_stubborn: bool,
) -> None:
    ended: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("ended")
            if not is_stubborn:
                raise

    async def connect() -> Any:
        return {"type": "websocket.connect"}

    upgrade = Upgrade(app)
    await eventually(lambda: upgrade.made)
    bridge = asyncio.ensure_future(upgrade.own.app({}, connect, connect))
    await asyncio.sleep(0)
    bridge.cancel()
    await asyncio.wait([bridge])
    await eventually(lambda: ended)
    await asyncio.sleep(0)
    assert ended == ["ended"]
    assert bridge.cancelled()


@pytest.mark.parametrize(("is_opened", "told"), [(True, [1012]), (False, [])])
async def test_a_server_that_stops_closes_what_a_primus_has_taken(
    is_opened: bool, told: list[int]
) -> None:
    codes: list[int] = []
    upgrade = Upgrade(hanging)
    offer = await upgrade.until_called()
    offer.detach({"path": "/primus", "client": None, "query_string": b""})
    if is_opened:
        offer.opened(SimpleNamespace(close=codes.append))
    upgrade.protocol.shutdown()
    assert codes == told
    assert upgrade.wire.ends == ([] if is_opened else ["aborted"])
    assert upgrade.wire.written == b""


async def test_a_server_that_stops_leaves_a_connection_alone_that_the_primus_has_ended() -> None:
    codes: list[int] = []
    upgrade = Upgrade(hanging)
    offer = await upgrade.until_called()
    offer.detach({"path": "/primus", "client": None, "query_string": b""})
    offer.opened(SimpleNamespace(close=codes.append))
    offer.left()
    assert upgrade.state.connections == set()
    async with asyncio.timeout(DEADLINE):
        await offer.gone()
    upgrade.protocol.shutdown()
    assert codes == []


async def test_a_call_that_returns_drops_the_connection_that_the_primus_has() -> None:
    async def taking(scope: Any, receive: Any, send: Any) -> None:
        scope["extensions"][EXTENSION].detach(scope)

    upgrade = Upgrade(taking)
    offer = await upgrade.until_called()
    await eventually(lambda: not upgrade.state.tasks)
    assert upgrade.wire.ends == ["aborted"]
    assert upgrade.state.connections == set()
    async with asyncio.timeout(DEADLINE):
        await offer.gone()


async def test_a_call_that_returns_behind_the_connection_drops_nothing() -> None:
    async def waiting(scope: Any, receive: Any, send: Any) -> None:
        offer = scope["extensions"][EXTENSION]
        offer.detach(scope)
        await offer.gone()

    upgrade = Upgrade(waiting)
    offer = await upgrade.until_called()
    offer.left()
    await eventually(lambda: not upgrade.state.tasks)
    assert upgrade.wire.ends == []
