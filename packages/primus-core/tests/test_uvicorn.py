"""WebSockets of uvicorn that a Primus takes over, and those that it leaves to uvicorn."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import aiohttp
import pytest
from uvicorn.protocols.websockets.auto import AutoWebSocketsProtocol

from primus.server.hosts.asgi_transport import EXTENSION
from primus.server.spark import Spark
from primus.uvicorn import WebSockets
from primus.websocket.hosted import HostedTransport
from primus_testing import eventually
from primus_testing.plugin import ServerFactory
from primus_testing.raw_websocket import HANDSHAKE, TEXT, RawWebSocket, frame
from primus_testing.recorder import DEADLINE
from primus_testing.server import Running
from primus_testing.sites import UvicornSite
from primus_testing.tracebacks import Tracebacks

Application = Callable[[Any, Any, Any], Awaitable[None]]
DISCONNECT = {"type": "websocket.disconnect", "code": 1006}


def around(middleware: Callable[[Application], Application], **settings: Any) -> type[UvicornSite]:
    """uvicorn, with middleware around the application."""

    class Around(UvicornSite):
        def __init__(self, primus: Any, app: Any) -> None:
            super().__init__(primus, app)
            self.served = middleware(self.served)

    Around.settings = settings
    return Around


def beside(own: Application, **settings: Any) -> type[UvicornSite]:
    """uvicorn, with an application that has WebSockets of its own."""

    class Beside(UvicornSite):
        @staticmethod
        def application() -> Application:
            async def app(scope: Any, receive: Any, send: Any) -> None:
                if scope["type"] == "lifespan":
                    raise NotImplementedError
                await own(scope, receive, send)

            return app

    Beside.settings = settings
    return Beside


@pytest.fixture
def start(primus_server: ServerFactory) -> Callable[..., Awaitable[Running]]:
    async def start(on: Any = "uvicorn", **options: Any) -> Running:
        return await primus_server(on=on, transformer="websockets", **options)

    return start


Start = Callable[..., Awaitable[Running]]
Opening = Callable[..., Awaitable[RawWebSocket]]


@pytest.fixture(params=["", "X-Parsed:yes\r\n"], ids=["plain", "parsed"])
async def dial(start: Start, request: pytest.FixtureRequest) -> AsyncIterator[Opening]:
    """Opens WebSockets by hand, or with `answered=False` no more than asks for them.

    With a plain head, which a Primus that nothing is around answers itself, and with one that
    uvicorn's parser has to read, for which the application is called.
    """
    made: list[RawWebSocket] = []

    async def dial(server: Running, *more: tuple[str, str], answered: bool = True) -> RawWebSocket:
        raw = await RawWebSocket.dial(server)
        made.append(raw)
        lines = "".join(f"{name}: {value}\r\n" for name, value in (*HANDSHAKE, *more))
        raw.writer.write(f"GET /primus HTTP/1.1\r\n{lines}{request.param}\r\n".encode())
        if answered:
            await read_answer(raw)
        return raw

    yield dial
    for raw in made:
        raw.drop()
    await asyncio.sleep(0)


async def read_answer(raw: RawWebSocket) -> None:
    """Read the head of the answer to an upgrade."""
    answer = await raw.within(raw.reader.readuntil(b"\r\n\r\n"))
    first, *rest = answer.decode().split("\r\n")[:-2]
    raw.status = int(first.split()[1])
    pairs = (line.partition(": ") for line in rest)
    raw.headers = tuple((name, value) for name, _, value in pairs)


def sparks_of(server: Running) -> list[Spark]:
    """The sparks that connect, in order; each answers what it is sent."""
    sparks: list[Spark] = []

    @server.primus.on("connection")
    def connection(spark: Spark) -> None:
        sparks.append(spark)
        spark.on("data", spark.write)

    return sparks


def is_handed_over(spark: Spark) -> bool:
    """Whether it has the raw transport, rather than a WebSocket of uvicorn's."""
    return not isinstance(spark._transport, HostedTransport)


async def echoed(raw: RawWebSocket, text: bytes = b'"hello"') -> bytes:
    """What a message is answered with."""
    raw.send(frame(TEXT, text))
    return (await raw.receive())[1]


# -- what is taken over


async def test_the_raw_transport_of_an_upgrade_is_taken_over(start: Start, dial: Opening) -> None:
    server = await start()
    sparks = sparks_of(server)
    raw = await dial(server)
    assert await echoed(raw) == b'"hello"'
    assert is_handed_over(sparks[0])
    assert sparks[0].request.native["path"] == "/primus"
    assert sparks[0].request.address.ip == "127.0.0.1"


@pytest.mark.parametrize("is_taken", [True, False], ids=["taken", "an event asked for"])
async def test_a_transport_is_taken_once_and_not_from_uvicorns_own_class(
    start: Start, dial: Opening, is_taken: bool
) -> None:
    refused: list[str] = []

    def middleware(app: Application) -> Application:
        async def served(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] != "websocket":
                await app(scope, receive, send)
                return
            offer = scope["extensions"][EXTENSION]
            if is_taken:
                offer.detach(scope)
            else:
                assert (await receive())["type"] == "websocket.connect"
            try:
                offer.detach(scope)
            except ConnectionResetError as error:
                refused.append(str(error))
            if not is_taken:
                await send({"type": "websocket.close"})

        return served

    server = await start(on=around(middleware))
    await dial(server, answered=False)
    await eventually(lambda: refused)
    assert refused == ["the client has gone before its upgrade was answered"]


async def test_without_the_class_uvicorn_carries_the_messages(start: Start, dial: Opening) -> None:
    server = await start(on="asgi")
    sparks = sparks_of(server)
    assert await echoed(await dial(server)) == b'"hello"'
    assert not is_handed_over(sparks[0])


async def test_a_transformer_on_hosted_websockets_gets_uvicorns(
    primus_server: ServerFactory, dial: Opening
) -> None:
    from primus.websocket import WebSocketTransformer

    class Hosted(WebSocketTransformer):
        name = "hosted"

    server = await primus_server(on="uvicorn", transformer=Hosted)
    sparks = sparks_of(server)
    assert await echoed(await dial(server)) == b'"hello"'
    assert not is_handed_over(sparks[0])


async def test_headers_of_uvicorns_options_are_in_the_answer(start: Start, dial: Opening) -> None:
    site = around(lambda app: app, headers=[("X-From", "uvicorn")])
    server = await start(site)
    raw = await dial(server)
    assert dict(raw.headers)["X-From"] == "uvicorn"


@pytest.mark.parametrize("compression", [True, False])
async def test_compression_is_as_the_primus_says(
    start: Start, dial: Opening, compression: bool
) -> None:
    server = await start(compression=compression)
    raw = await dial(server, ("Sec-WebSocket-Extensions", "permessage-deflate"))
    assert ("Sec-WebSocket-Extensions" in dict(raw.headers)) is compression


async def test_subprotocols_are_as_the_primus_says(start: Start, dial: Opening) -> None:
    server = await start(transport={"subprotocols": ["chat"]})
    raw = await dial(server, ("Sec-WebSocket-Protocol", "other, chat"))
    assert dict(raw.headers)["Sec-WebSocket-Protocol"] == "chat"


async def test_a_prefix_of_uvicorns_options_is_part_of_the_path(
    start: Start, dial: Opening
) -> None:
    server = await start(around(lambda app: app, root_path="/live"))
    sparks = sparks_of(server)
    raw = await dial(server)
    assert raw.status == 101
    assert is_handed_over(sparks[0])
    assert server.primus.pathname == "/live/primus"


async def test_a_proxy_that_uvicorn_trusts_tells_the_address(start: Start, dial: Opening) -> None:
    site = around(lambda app: app, proxy_headers=True, forwarded_allow_ips="127.0.0.1")
    server = await start(site)
    sparks = sparks_of(server)
    more = [("X-Forwarded-For", "203.0.113.9"), ("X-Forwarded-Proto", "https")]
    await dial(server, *more)
    assert sparks[0].request.address.ip == "203.0.113.9"
    assert sparks[0].request.secure
    assert is_handed_over(sparks[0])


async def test_a_head_that_uvicorn_lets_through_is_bounded_all_the_same(
    start: Start, dial: Opening
) -> None:
    server = await start(around(lambda app: app, http="h11", h11_max_incomplete_event_size=10**6))
    raw = await dial(server, ("X-Long", "x" * 60_000))
    assert raw.status == 431
    assert len(server.primus) == 0


# -- requests that are parsed by httptools


BEFORE = b"GET /primus/spec HTTP/1.1\r\nHost: primus\r\n"
CHUNKED = b"POST /primus/spec HTTP/1.1\r\nHost: primus\r\nTransfer-Encoding: chunked\r\n\r\n"


async def sent_until_refused(raw: RawWebSocket, more: bytes, most: int) -> int:
    """How many bytes could be sent before the server closed the connection."""
    sent = 0
    async with asyncio.timeout(DEADLINE):
        with suppress(ConnectionError):
            while sent < most:
                raw.writer.write(more)
                await raw.writer.drain()
                sent += len(more)
    return sent


@pytest.mark.parametrize(
    ("beginning", "more"),
    [
        (b"GET /primus/", b"x" * 8192),
        (BEFORE + b"X: ", b"x" * 8192),
        (BEFORE, b"X: %b\r\n" % (b"x" * 8187)),
        (CHUNKED + b"3\r\nabc\r\n0\r\n", b"X: %b\r\n" % (b"x" * 8187)),
    ],
    ids=["target", "field", "fields", "trailers"],
)
async def test_a_head_without_an_end_is_refused_where_uvicorn_would_keep_it(
    start: Start, beginning: bytes, more: bytes
) -> None:
    server = await start()
    raw = await RawWebSocket.dial(server)
    raw.writer.write(beginning)
    sent = await sent_until_refused(raw, more, 64 << 20)
    raw.drop()
    assert sent < 16 << 20  # what the buffers of the kernel take
    await eventually(lambda: not server.site.state.connections)


async def test_a_head_may_come_in_pieces_and_bodies_may_be_long(start: Start) -> None:
    server = await start()
    raw = await RawWebSocket.dial(server)
    for piece in (BEFORE, b"X: ", b"x" * 6000, b"\r", b"\n", b"\r\n"):
        raw.writer.write(piece)
        await raw.writer.drain()
    await read_answer(raw)
    assert raw.status == 200
    raw.drop()
    chunk = b"10000\r\n%b\r\n" % (b"x" * 65_536)
    raw = await RawWebSocket.dial(server)
    raw.writer.write(CHUNKED + 8 * chunk + b"0\r\nX-Trailer: x\r\n\r\n")
    await read_answer(raw)
    assert raw.status == 200
    raw.drop()
    await eventually(lambda: not server.site.state.connections)


async def test_a_client_that_goes_is_told_of_though_it_has_asked_for_more(start: Start) -> None:
    begun, told = asyncio.Event(), asyncio.Event()

    async def polled(scope: Any, receive: Any, send: Any) -> None:
        begun.set()
        while (await receive())["type"] != "http.disconnect":
            pass
        told.set()

    server = await start(beside(polled))
    raw = await RawWebSocket.dial(server)
    raw.writer.write(2 * b"GET /polled HTTP/1.1\r\nHost: primus\r\n\r\n")
    async with asyncio.timeout(DEADLINE):
        await begun.wait()
        raw.drop()
        await told.wait()


async def test_a_server_that_keeps_heads_without_an_end_is_told_of_once(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    for parser, lines in (("httptools", 1), ("h11", 0), ("primus.uvicorn:Requests", 0)):
        caplog.clear()
        server = await start(around(lambda app: app, http=parser))
        for _ in range(2):
            await server.get("/primus/spec")
        told = [record for record in caplog.records if "--http" in record.getMessage()]
        assert len(told) == lines, parser


# -- what the application decides


async def test_middleware_that_refuses_decides(start: Start, dial: Opening) -> None:
    def guarded(app: Application) -> Application:
        async def guard(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "websocket" and b"token=right" not in scope["query_string"]:
                await receive()
                await send({"type": "websocket.close", "code": 1008})
            else:
                await app(scope, receive, send)

        return guard

    server = await start(around(guarded))
    sparks = sparks_of(server)
    assert (await dial(server)).status == 403
    assert sparks == []
    await server.peer("?token=right")
    assert [is_handed_over(spark) for spark in sparks] == [True]


async def test_what_middleware_raises_refuses(
    start: Start, dial: Opening, tracebacks: Tracebacks
) -> None:
    def failing(app: Application) -> Application:
        async def fail(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "websocket":
                raise ValueError("nothing may pass")
            await app(scope, receive, send)

        return fail

    tracebacks.expect("nothing may pass")
    server = await start(around(failing))
    assert (await dial(server)).status == 500
    assert len(server.primus) == 0


@pytest.mark.parametrize("wrapped", ["receive", "send"])
async def test_middleware_that_looks_at_messages_sees_them_all(
    start: Start, dial: Opening, wrapped: str
) -> None:
    seen: list[str] = []

    def looking(app: Application) -> Application:
        async def look(scope: Any, receive: Any, send: Any) -> None:
            async def received() -> Any:
                event = await receive()
                seen.append(event["type"])
                return event

            async def sent(event: Any) -> None:
                seen.append(event["type"])
                await send(event)

            if wrapped == "receive":
                await app(scope, received, send)
            else:
                await app(scope, receive, sent)

        return look

    server = await start(around(looking))
    sparks = sparks_of(server)
    raw = await dial(server)
    seen.clear()
    assert await echoed(raw) == b'"hello"'
    assert f"websocket.{wrapped}" in seen
    assert not is_handed_over(sparks[0])


async def test_middleware_that_has_taken_the_first_event_leaves_it_to_uvicorn(
    start: Start,
    dial: Opening,
) -> None:
    def first(app: Application) -> Application:
        async def take(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "websocket":
                events = [await receive()]

                async def again() -> Any:
                    return events.pop() if events else await receive()

                await app(scope, again, send)
            else:
                await app(scope, receive, send)

        return take

    server = await start(around(first))
    sparks = sparks_of(server)
    assert await echoed(await dial(server)) == b'"hello"'
    assert not is_handed_over(sparks[0])


async def test_the_call_of_the_application_lasts_as_long_as_the_connection(
    start: Start, dial: Opening
) -> None:
    story: list[str] = []

    def telling(app: Application) -> Application:
        async def tell(scope: Any, receive: Any, send: Any) -> None:
            story.append(f"begin {scope['type']}")
            await app(scope, receive, send)
            story.append(f"end {scope['type']}")

        return tell

    server = await start(around(telling))
    sparks_of(server)
    raw = await dial(server)
    await echoed(raw)
    assert story == ["begin lifespan", "begin websocket"]
    raw.drop()
    await eventually(lambda: story[-1] == "end websocket")


async def test_middleware_that_ends_the_call_ends_the_connection(
    start: Start, dial: Opening
) -> None:
    over = asyncio.Event()

    def limited(app: Application) -> Application:
        async def limit(scope: Any, receive: Any, send: Any) -> None:
            call = asyncio.ensure_future(app(scope, receive, send))
            if scope["type"] == "websocket":
                await over.wait()
                call.cancel()
            await asyncio.wait([call])

        return limit

    server = await start(around(limited))
    sparks = sparks_of(server)
    raw = await dial(server)
    await echoed(raw)
    assert is_handed_over(sparks[0])
    over.set()
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await raw.receive()
    await eventually(lambda: len(server.primus) == 0)


class Slow:
    """Middleware that lets WebSockets wait for `gate`."""

    def __init__(self) -> None:
        self.asked, self.gate = asyncio.Event(), asyncio.Event()

    def __call__(self, app: Application) -> Application:
        async def wait(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "websocket":
                self.asked.set()
                await self.gate.wait()
            await app(scope, receive, send)

        return wait


async def test_a_client_that_goes_while_the_application_decides_leaves_nothing(
    start: Start,
    dial: Opening,
) -> None:
    slow = Slow()
    server = await start(around(slow))
    sparks = sparks_of(server)
    raw = await dial(server, answered=False)
    async with asyncio.timeout(DEADLINE):
        await slow.asked.wait()
    raw.drop()
    await eventually(lambda: not server.site.state.connections)
    slow.gate.set()
    await eventually(lambda: not server.site.state.tasks)
    assert sparks == []


async def test_what_is_sent_while_the_application_decides_is_kept(
    start: Start, dial: Opening
) -> None:
    slow = Slow()
    server = await start(around(slow))
    sparks_of(server)
    raw = await dial(server, answered=False)
    async with asyncio.timeout(DEADLINE):
        await slow.asked.wait()
    raw.send(frame(TEXT, b'"early"'))
    (connection,) = server.site.state.connections
    await eventually(lambda: connection.early)
    slow.gate.set()
    await read_answer(raw)
    assert (await raw.receive())[1] == b'"early"'


# -- what is left to uvicorn


async def shouting(scope: Any, receive: Any, send: Any) -> None:
    """A WebSocket of the application."""
    assert await receive() == {"type": "websocket.connect"}
    await send({"type": "websocket.accept", "headers": [(b"x-own", b"yes")]})
    while (event := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": event["text"].upper()})
    scope["state"]["ends"].append(event)


@pytest.mark.parametrize("path", ["/own", "/primus-like/own", "/x/primus/own"])
async def test_other_websockets_are_uvicorns(start: Start, path: str) -> None:
    ends: list[Any] = []

    async def own(scope: Any, receive: Any, send: Any) -> None:
        await shouting({**scope, "state": {"ends": ends}}, receive, send)

    server = await start(beside(own))
    async with server.http.ws_connect(server.url + path, compress=15) as socket:
        assert socket._response.headers["x-own"] == "yes"
        for text in ("one", "two"):
            await socket.send_str(text)
            assert (await socket.receive(DEADLINE)).data == text.upper()
        (connection,) = server.site.state.connections
        assert isinstance(connection, AutoWebSocketsProtocol)
        await socket.close(code=4001, message=b"enough")
    await eventually(lambda: ends)
    assert ends == [{"type": "websocket.disconnect", "code": 4001, "reason": "enough"}]
    await eventually(lambda: not server.site.state.connections and not server.site.state.tasks)


@pytest.mark.parametrize("path", ["/own", "/x/primus/own"])
async def test_an_application_that_fails_is_answered_by_uvicorn(
    start: Start, tracebacks: Tracebacks, path: str
) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise ValueError("broken")

    tracebacks.expect("broken")
    server = await start(beside(broken))
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await server.http.ws_connect(server.url + path)
    assert refused.value.status == 500


@pytest.mark.parametrize("path", ["/own", "/x/primus/own"])
async def test_an_application_that_says_nothing_is_answered_by_uvicorn(
    start: Start, tracebacks: Tracebacks, path: str
) -> None:
    async def silent(scope: Any, receive: Any, send: Any) -> None:
        pass

    tracebacks.expect("without completing handshake")
    server = await start(beside(silent))
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await server.http.ws_connect(server.url + path)
    assert refused.value.status == 500


@pytest.mark.parametrize("path", ["/own", "/x/primus/own"])
async def test_a_handshake_that_is_wrong_is_refused_by_uvicorn(start: Start, path: str) -> None:
    called: list[Any] = []

    async def own(scope: Any, receive: Any, send: Any) -> None:
        called.append(await receive())

    server = await start(beside(own))
    headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    answer = await server.get(path, headers=headers)
    assert answer.status == 400
    assert called in ([], [DISCONNECT])
    await eventually(lambda: not server.site.state.tasks)


async def test_without_a_library_other_websockets_are_refused(
    start: Start, tracebacks: Tracebacks
) -> None:
    class Without(WebSockets):
        others = None

    tracebacks.expect("no WebSocket library is installed")
    server = await start(around(lambda app: app, ws=Without))
    sparks = sparks_of(server)
    for path in ("/own", "/x/primus/own"):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await server.http.ws_connect(server.url + path)
        assert refused.value.status == 501
    await server.peer()
    assert is_handed_over(sparks[0])


# -- the server


async def test_connections_count_for_the_limit_of_uvicorn(start: Start, dial: Opening) -> None:
    server = await start(around(lambda app: app, limit_concurrency=2))
    assert (await server.get("/original")).status == 200
    raw = await dial(server)
    assert (await server.get("/original")).status == 503
    raw.drop()
    await eventually(lambda: not server.site.state.connections)
    assert (await server.get("/original")).status == 200


async def test_a_server_that_stops_closes_them_as_restarting(start: Start, dial: Opening) -> None:
    server = await start()
    sparks_of(server)
    raw = await dial(server)
    stopping = asyncio.ensure_future(server.site.stop())
    assert await raw.close_code() == 1012
    await stopping
    assert not server.site.state.tasks


async def test_a_server_that_stops_answers_what_is_not_decided(start: Start, dial: Opening) -> None:
    gate = asyncio.Event()

    def slow(app: Application) -> Application:
        async def wait(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "websocket":
                await gate.wait()
            await app(scope, receive, send)

        return wait

    server = await start(around(slow))
    sparks = sparks_of(server)
    opening = asyncio.ensure_future(dial(server))
    await eventually(lambda: server.site.state.tasks)
    stopping = asyncio.ensure_future(server.site.stop())
    assert (await opening).status == 503
    gate.set()
    await stopping
    assert sparks == []


@pytest.mark.parametrize("path", ["/primus", "/x/primus/own"])
async def test_calls_that_uvicorn_cancels_drop_their_connections(
    start: Start, tracebacks: Tracebacks, path: str
) -> None:
    if path != "/primus":
        tracebacks.expect("CancelledError")  # as uvicorn reports those of its own class

    async def own(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await asyncio.Event().wait()

    server = await start(beside(own))
    sparks_of(server)
    parsed = {"X-Parsed": "é"}  # so that the application is called
    async with server.http.ws_connect(server.url + path, headers=parsed) as socket:
        for task in tuple(server.site.state.tasks):
            task.cancel()
        message = await socket.receive(DEADLINE)
        assert message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSE)
    await eventually(lambda: not server.site.state.tasks and not server.site.state.connections)


async def test_an_application_that_fails_afterwards_is_reported(
    start: Start, dial: Opening, tracebacks: Tracebacks
) -> None:
    def failing(app: Application) -> Application:
        async def fail(scope: Any, receive: Any, send: Any) -> None:
            await app(scope, receive, send)
            if scope["type"] == "websocket":
                raise ValueError("too late")

        return fail

    tracebacks.expect("too late")
    server = await start(around(failing))
    sparks_of(server)
    raw = await dial(server)
    await echoed(raw)
    raw.drop()
    await eventually(lambda: not server.site.state.tasks)
