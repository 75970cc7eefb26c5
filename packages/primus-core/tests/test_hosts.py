"""What hosts share, and the parts of the aiohttp host, each by itself."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import HttpVersion10, HttpVersion11, StreamReader, web
from aiohttp.test_utils import make_mocked_request

from primus.errors import AttachError, ProtocolError
from primus.http import Address, ClientGone, HandOver, Request, Response
from primus.server.hosts import aiohttp as aiohttp_host
from primus.server.hosts.aiohttp import AiohttpHost, Detached, Watch
from primus.server.hosts.asgi_scope import address, has_endless_heads, wire_of
from primus.server.hosts.own import OwnHost
from primus.server.hosts.transports import address_of, taken
from primus_testing import NotingTransport, make_request


class Wire(NotingTransport):
    """A connection that notes, too, that another protocol is to receive."""

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Let another receive."""
        self.story.append("given")
        super().set_protocol(protocol)


def closing() -> Wire:
    """A connection whose end has begun."""
    wire = Wire()
    wire.closing = True
    return wire


class Releasing(asyncio.Protocol):
    """The protocol of a server of our own, which is told that it has lost its transport."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire

    def released(self) -> None:
        """The transport is another's."""
        self.wire.story.append("released")


# -- transports


@pytest.mark.parametrize(
    ("transport", "found"),
    [
        (Wire(("10.0.0.7", 4711)), Address("10.0.0.7", 4711)),
        (Wire(("::1", 80, 0, 0)), Address("::1", 80)),
        (Wire("/run/app.sock"), Address("")),
        (Wire(None), Address("")),
        (None, Address("")),
    ],
)
def test_the_address_of_a_peer_is_that_of_its_connection(
    transport: Wire | None, found: Address
) -> None:
    assert address_of(transport) == found


def test_what_comes_before_a_new_owner_takes_a_transport_is_kept_and_pauses_it() -> None:
    wire = Wire()
    handed = taken(wire, b"early")
    assert (handed.transport, wire.protocol, wire.story) == (wire, handed, ["given"])
    handed.data_received(b" bird")
    assert handed.early == b"early bird"
    assert wire.story == ["given", "paused"]


def test_the_protocol_of_a_server_of_our_own_learns_that_its_transport_is_taken() -> None:
    wire = Wire()
    wire.protocol = Releasing(wire)
    taken(wire, b"")
    assert wire.story == ["given", "released"]


def test_the_transport_of_a_client_that_has_gone_cannot_be_taken() -> None:
    wire = closing()
    with pytest.raises(ConnectionResetError, match="gone before its upgrade"):
        taken(wire, b"")
    assert wire.story == []


# -- what an ASGI scope tells


@pytest.mark.parametrize(
    ("client", "found"),
    [
        (("10.0.0.7", 4711), Address("10.0.0.7", 4711)),
        (["10.0.0.7", None], Address("10.0.0.7", 0)),
        (None, Address("")),
    ],
)
def test_the_address_in_a_scope_may_lack_a_port_or_be_missing(client: Any, found: Address) -> None:
    assert address({"client": client}) == found


class Sending:
    """What an ASGI server calls its application with; its transport may be in sight."""

    def __init__(self, transport: Any) -> None:
        self.transport = transport

    async def send(self, event: Any) -> None:
        """Take an event."""


def test_a_wire_is_seen_only_where_it_can_be_measured_and_dropped() -> None:
    whole = SimpleNamespace(get_write_buffer_size=len, abort=len)
    assert wire_of(Sending(whole).send) is whole
    assert wire_of(Sending(SimpleNamespace(get_write_buffer_size=len)).send) is None
    assert wire_of(Sending(SimpleNamespace(abort=len)).send) is None
    assert wire_of(Sending(None).send) is None


def test_only_the_class_of_uvicorn_for_httptools_has_heads_without_end() -> None:
    class HttpToolsProtocol:
        """As in uvicorn."""

        def on_response_complete(self) -> None:
            """Go on."""

    HttpToolsProtocol.__qualname__ = "HttpToolsProtocol"
    sending = Sending(None)
    assert not has_endless_heads(sending.send)
    sending.on_response = HttpToolsProtocol().on_response_complete  # type: ignore[attr-defined]
    assert has_endless_heads(sending.send)


# -- aiohttp


def native(
    method: str = "GET",
    headers: Any = (),
    *,
    version: Any = HttpVersion11,
    transport: Any = None,
    body: bytes = b"",
) -> web.Request:
    reading: Any = SimpleNamespace(resume_reading=lambda **_: None)
    payload = StreamReader(reading, 2**16, loop=asyncio.get_running_loop())
    payload.feed_data(body)
    payload.feed_eof()
    wire = transport or Wire()
    return make_mocked_request(
        method, "/primus", dict(headers), version=version, transport=wire, payload=payload
    )


class Handling:
    """A Primus that notes each request and answers with `response`."""

    pathname = "/primus"

    def __init__(self, response: Response | None = None) -> None:
        self.upgrades: list[bool] = []
        self.response = response
        self.limits = None
        self.awaited: list[Any] = []
        self.writes = SimpleNamespace(add=self.awaited.append)
        self.story: list[Any] = []
        self.ending_since = 7.0

    async def handle(self, request: Request) -> Response | None:
        """Answer it; note whether its transport could be had."""
        self.upgrades.append(request.detachable)
        return self.response

    async def destroy(self, *, reconnect: bool) -> None:
        """The end."""
        self.story.append(("destroyed", reconnect))

    def initialise(self) -> None:
        """The beginning."""
        self.story.append("initialised")

    def relocate(self, pathname: str) -> None:
        """Where it is."""
        self.story.append(pathname)


UPGRADE = {"Connection": "upgrade", "Upgrade": "websocket"}


@pytest.mark.parametrize(
    ("method", "headers", "version", "is_one"),
    [
        ("GET", UPGRADE, HttpVersion11, True),
        ("GET", UPGRADE, HttpVersion10, False),  # RFC 9110 section 7.8
        ("POST", UPGRADE, HttpVersion11, False),
        ("GET", {}, HttpVersion11, False),
    ],
)
async def test_only_an_upgrade_gives_its_transport_away(
    method: str, headers: Any, version: Any, is_one: bool
) -> None:
    primus = Handling()
    host = AiohttpHost(primus, web.Application())  # type: ignore[arg-type]
    answer = await host._handle(native(method, headers, version=version, transport=Wire()))
    assert isinstance(answer, Detached)
    assert primus.upgrades == [is_one]


def test_only_a_server_of_our_own_that_listens_tells_where() -> None:
    host = AiohttpHost(Handling(), web.Application())  # type: ignore[arg-type]
    assert host.listening is None
    server = SimpleNamespace(url="", port=0)
    host.own(server)  # type: ignore[arg-type]
    assert host.listening is None
    server.url, server.port = "http://127.0.0.1:80", 80
    assert host.listening == ("http://127.0.0.1:80", 80)


class Stopping:
    """A server of our own that notes how it is stopped."""

    url = ""
    port = 0
    answers_requests = True

    def __init__(self) -> None:
        self.story: list[Any] = []

    def serve(self, primus: Any, app: Any = None) -> None:
        """Begin."""
        self.app = app
        self.story.append("served" if app is None else "served by aiohttp")

    async def stop(self, since: float | None) -> None:
        """End."""
        self.story.append(("stopped", since))


async def test_an_application_is_not_stopped_and_a_server_of_our_own_only_when_asked() -> None:
    primus, server, app = Handling(), Stopping(), web.Application()
    host = AiohttpHost(primus, app)  # type: ignore[arg-type]
    await host.close(stop=True)
    host.own(server)  # type: ignore[arg-type]
    await host.close(stop=False)
    assert server.story == []
    await host._shutdown(app)
    assert primus.story == [("destroyed", True)]  # by another hand: the clients may come back
    await host.close(stop=True)
    await host._shutdown(app)
    assert server.story == [("stopped", 7.0)]
    assert primus.story == [("destroyed", True)]  # once


async def test_a_server_of_our_own_stops_only_when_asked_and_tells_where_it_listens() -> None:
    server = Stopping()
    primus: Any = Handling()
    primus.transformer = SimpleNamespace(takes_transports=True, needs=frozenset())
    host = OwnHost(primus, server)  # type: ignore[arg-type]
    assert host.listening is None
    server.url, server.port = "http://127.0.0.1:80", 80
    assert host.listening == ("http://127.0.0.1:80", 80)
    await host.close(stop=False)
    assert server.story == ["served"]
    await host.close(stop=True)
    assert server.story == ["served", ("stopped", 7.0)]


@pytest.mark.parametrize(
    ("takes", "needs", "answers", "how"),
    [
        (True, (), True, "served"),
        (True, ("websocket",), True, "served"),
        (False, ("http",), True, "served"),
        (False, ("websocket", "http"), True, "served by aiohttp"),
        (False, (), True, "served by aiohttp"),
        (True, (), False, "served by aiohttp"),
    ],
)
async def test_aiohttp_serves_only_a_transformer_that_wants_its_websockets(
    takes: bool, needs: Any, answers: bool, how: str
) -> None:
    server = Stopping()
    server.answers_requests = answers
    primus: Any = Handling()
    primus.transformer_name = "some"
    primus.transformer = SimpleNamespace(takes_transports=takes, needs=frozenset(needs))
    host = OwnHost(primus, server)  # type: ignore[arg-type]
    assert server.story == [how]
    await host.close(stop=True)
    assert server.story == [how, ("stopped", 7.0)]  # whichever host has it
    if server.app is not None:
        server.app.freeze()
        await server.app.shutdown()
    assert primus.story == []  # its end is known: nothing tells the clients to come back


def test_a_watch_tells_once_that_the_client_has_gone_and_not_once_it_is_forgotten() -> None:
    story: list[str] = []
    watch = Watch(lambda: story.append("gone"))
    watch.set_exception(ConnectionResetError())
    watch.set_exception(ConnectionResetError())
    assert story == ["gone"]
    watch = Watch(lambda: story.append("never"))
    watch.forget()
    watch.set_exception(ConnectionResetError())
    assert story == ["gone"]


async def test_a_client_that_has_gone_already_is_told_of_at_once() -> None:
    story: list[str] = []
    aiohttp_host._watch(native(transport=closing()), lambda: story.append("gone"))
    assert story == ["gone"]
    asked = native(transport=Wire())
    aiohttp_host._watch(asked, lambda: story.append("later"))
    assert story == ["gone"]
    assert isinstance(asked._payload, Watch)


async def test_a_request_that_has_been_answered_is_watched_no_longer() -> None:
    primus = Handling()
    host = AiohttpHost(primus, web.Application())  # type: ignore[arg-type]
    story: list[str] = []
    asked = native(transport=Wire())
    kept: list[Request] = []

    async def handle(request: Request) -> Response | None:
        request.on_gone(lambda: story.append("gone"))
        kept.append(request)
        return None

    primus.handle = handle  # type: ignore[method-assign]
    await host._handle(asked)
    watch = asked._payload
    assert isinstance(watch, Watch)
    watch.set_exception(ConnectionResetError())
    assert story == []
    assert kept[0].native is None  # nothing of aiohttp's stays with a spark


async def test_an_expectation_that_is_no_continue_is_refused() -> None:
    with pytest.raises(web.HTTPExpectationFailed):
        await aiohttp_host._expect(native("POST", {"Expect": "200-ok"}))


async def test_a_client_that_goes_before_it_is_told_to_go_on_is_no_error() -> None:
    asked = native("POST", {"Expect": "100-continue"})
    writer: Any = asked.writer

    async def write(data: bytes) -> None:
        raise ConnectionResetError("gone")

    writer.write = write
    writer.output_size = 25
    await aiohttp_host._expect(asked)
    assert writer.output_size == 0  # the answer itself has not begun


@pytest.mark.parametrize(("version", "is_kept"), [(HttpVersion11, True), (HttpVersion10, False)])
async def test_a_client_of_http_1_0_sees_the_end_of_a_stream_by_that_of_its_connection(
    version: Any, is_kept: bool
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"piece"

    asked = native(version=version)
    response = Response(200, chunks())
    answer = await aiohttp_host._streamed(
        asked,
        make_request("/primus"),
        response,
        response.chunks,  # type: ignore[arg-type]
    )
    assert answer.keep_alive is is_kept


async def test_a_request_is_dropped_with_its_connection_if_that_is_there() -> None:
    wire = Wire()
    aiohttp_host._drop(native(transport=wire))
    assert wire.story == ["aborted"]
    asked = native()
    asked._protocol.transport = None  # as aiohttp does
    aiohttp_host._drop(asked)  # nothing is left of it
    story: list[str] = []
    aiohttp_host._watch(asked, lambda: story.append("gone"))
    assert story == ["gone"]


async def test_an_application_that_runs_takes_no_further_primus() -> None:
    app = web.Application()
    app.freeze()
    with pytest.raises(AttachError, match="running already"):
        AiohttpHost(Handling(), app)  # type: ignore[arg-type]


async def test_a_primus_begins_with_its_application_but_waits_for_a_server_of_its_own() -> None:
    primus, app = Handling(), web.Application()
    AiohttpHost(primus, app)  # type: ignore[arg-type]
    app.freeze()
    await app.startup()
    await app.shutdown()
    assert primus.story == ["/primus", "initialised", ("destroyed", True)]
    primus, app = Handling(), web.Application()
    AiohttpHost(primus, app).own(Stopping())  # type: ignore[arg-type]
    app.freeze()
    await app.startup()
    assert primus.story == ["/primus"]


async def test_a_body_that_is_there_is_bytes_and_one_that_is_not_is_read_piece_by_piece() -> None:
    assert aiohttp_host._content(native("POST", body=b"whole")) == b"whole"
    reading: Any = SimpleNamespace(resume_reading=lambda **_: None)
    asked = native("POST")
    asked._payload = payload = StreamReader(reading, 2**16, loop=asyncio.get_running_loop())
    payload.feed_data(b"half")
    content: Any = aiohttp_host._content(asked)
    pieces = content()
    assert await anext(pieces) == b"half"
    payload.feed_data(b"rest")
    payload.feed_eof()
    assert await anext(pieces) == b"rest"
    with pytest.raises(StopAsyncIteration):
        await anext(pieces)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (web.RequestPayloadError("no chunk"), "the body cannot be read: no chunk"),
        (ConnectionResetError(), "the client has gone before its request was complete"),
    ],
)
async def test_a_body_that_ends_too_soon_says_why(error: Exception, told: str) -> None:
    asked = native("POST", body=b"half")
    asked._payload.set_exception(error)
    content: Any = aiohttp_host._content(asked)  # it looks as if it were whole
    kind = ClientGone if isinstance(error, ConnectionError) else ProtocolError
    with pytest.raises(kind, match=told):
        await anext(content())


async def test_a_refused_upgrade_ends_its_connection() -> None:
    asked = make_request("/primus")
    assert aiohttp_host._native(asked, Response(200, "kept")).keep_alive is None
    refused = make_request("/primus", detach=lambda: HandOver(Wire(), b""))
    assert aiohttp_host._native(refused, Response(400, "refused")).keep_alive is False


async def test_a_client_that_goes_while_it_is_answered_is_told_of() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        try:
            yield b"piece"
        finally:
            story.append("closed")

    async def gone(*_: Any) -> None:
        raise ConnectionResetError

    story: list[str] = []
    asked = native()
    aiohttp_host._watch(asked, lambda: story.append("gone"))
    writer: Any = asked.writer
    writer.write = gone
    streamed: Any = Response(200, chunks())
    await aiohttp_host._streamed(asked, make_request("/primus"), streamed, streamed.chunks)
    assert story == ["closed", "gone"]
    asked = native()
    await aiohttp_host._streamed(asked, make_request("/primus"), streamed, chunks())  # unwatched
    asked = native()
    aiohttp_host._watch(asked, lambda: story.append("gone again"))
    writer = asked.writer
    writer.write_eof = gone
    answer = await aiohttp_host._sent(asked, web.Response(body=b"whole"))
    assert isinstance(answer, Detached)
    assert story[-1] == "gone again"


class Serving(asyncio.Protocol):
    """The protocol of aiohttp, as far as a transport is taken from it."""

    def __init__(self, wire: Wire) -> None:
        self.transport: Wire | None = wire
        self._message_tail = bytearray(b"early")
        self.lost: list[Any] = []

    def connection_lost(self, error: Exception | None) -> None:
        """It is over."""
        self.lost.append(self.transport)


async def test_aiohttp_forgets_a_connection_that_is_taken_from_it() -> None:
    wire = Wire()
    wire.protocol = protocol = Serving(wire)
    asked: Any = SimpleNamespace(protocol=protocol, transport=wire)
    handed = aiohttp_host._detach(asked)
    assert (handed.transport, handed.early) == (wire, b"early")
    assert protocol._message_tail == b""
    assert protocol.lost == [None]  # it cannot close what it does not have
    assert wire.story == ["paused", "given"]
    for gone in (None, closing()):
        with pytest.raises(ConnectionResetError, match="gone before its upgrade"):
            aiohttp_host._detach(SimpleNamespace(protocol=protocol, transport=gone))  # type: ignore[arg-type]


async def test_an_answer_that_was_sent_looks_to_middleware_as_it_was() -> None:
    sent = web.Response(status=404, body=b"nothing", headers={"X-Seen": "yes"})
    detached = Detached(sent)
    assert (detached.status, detached.headers["X-Seen"]) == (404, "yes")
    taken_over = Detached()
    assert (taken_over.status, taken_over._keep_alive) == (101, False)


async def test_the_answer_to_a_request_that_is_watched_is_sent_before_the_watch_ends() -> None:
    primus = Handling(Response(200, "whole"))
    host = AiohttpHost(primus, web.Application())  # type: ignore[arg-type]
    assert isinstance(await host._handle(native()), web.Response)
    handle = primus.handle

    async def watched(request: Request) -> Response | None:
        request.on_gone(lambda: None)
        return await handle(request)

    primus.handle = watched  # type: ignore[method-assign]
    assert isinstance(await host._handle(native()), Detached)


async def test_each_piece_of_an_answer_is_one_that_the_client_has_to_take() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    primus = Handling(Response(200, chunks()))
    host = AiohttpHost(primus, web.Application())  # type: ignore[arg-type]
    wire = Wire()
    answer = await host._handle(native(transport=wire))
    assert isinstance(answer, web.StreamResponse)
    assert primus.awaited == [wire, wire]
