"""The ASGI host, by events given and taken by hand."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from primus import AttachError, Primus, Request, Response, Spark, Unauthorized
from primus.http import ClientGone
from primus.server.hosts import asgi_websocket
from primus.websocket import WebSocketTransformer
from primus_testing import (
    DEADLINE,
    AsgiServer,
    MemoryTransformer,
    Recorder,
    Tracebacks,
    make_request,
)

PATHS = ["/primusish", "/", "/prim", "//primus", "/other/primus"]


class Hosted(WebSocketTransformer):
    """WebSockets by the server's own engine, with nothing added."""

    name = "hosted"


class NeedsTransport(MemoryTransformer):
    """A transformer that has to have the raw transport."""

    name = "needs-transport"
    needs = frozenset({"transport", "http"})


class Site:
    """An application that notes what reaches it."""

    def __init__(self, *, lifespan: bool = True) -> None:
        self.calls: list[Any] = []
        self.lifespan = lifespan

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.calls.append(scope["type"] if scope["type"] == "lifespan" else scope["path"])
        if scope["type"] == "lifespan":
            if not self.lifespan:
                raise ValueError("only HTTP is spoken here")
            for name in ("startup", "shutdown"):
                assert (await receive())["type"] == f"lifespan.{name}"
                self.calls.append(name)
                await send({"type": f"lifespan.{name}.complete"})
            return
        prefix = "http" if scope["type"] == "http" else "websocket.http"
        await send({"type": f"{prefix}.response.start", "status": 200, "headers": []})
        await send({"type": f"{prefix}.response.body", "body": b"the application"})


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def primus(site: Site, tracebacks: Tracebacks) -> Primus:
    return Primus(site, transformer=Hosted)


# -- attaching


def test_what_cannot_be_called_as_an_asgi_application_is_refused() -> None:
    def wsgi(environ: Any, start_response: Any) -> None:
        """The interface before ASGI."""

    for server in (wsgi, Site, lambda scope: None, 7):
        with pytest.raises(AttachError, match="cannot attach to"):
            Primus(server, transformer=Hosted)


def test_a_transformer_that_asgi_cannot_carry_says_so_at_once(site: Site) -> None:
    with pytest.raises(AttachError, match="'needs-transport' needs transport, which ASGI"):
        Primus(site, transformer=NeedsTransport)
    with pytest.raises(AttachError, match="'needs-transport' needs transport, which ASGI"):
        _ = Primus(transformer=NeedsTransport).asgi


def test_a_primus_in_an_aiohttp_application_is_no_asgi_application() -> None:
    with pytest.raises(AttachError, match="attached to aiohttp"):
        _ = Primus(web.Application(), transformer=Hosted).asgi


def test_the_application_is_the_same_each_time(primus: Primus) -> None:
    assert primus.asgi is primus.asgi is primus.host
    alone = Primus(transformer=Hosted)
    assert alone.asgi is alone.asgi


def test_only_the_asgi_server_knows_where_it_listens(primus: Primus) -> None:
    with pytest.raises(AttributeError, match="only a Primus made by create_server"):
        _ = primus.url


# -- whose request it is


@pytest.mark.parametrize("path", PATHS)
async def test_what_is_not_below_the_pathname_reaches_the_application_untouched(
    primus: Primus, site: Site, path: str
) -> None:
    async with AsgiServer(primus.asgi) as server:
        assert (await server.get(path)).text == "the application"
        socket = server.websocket(path)
        assert (await socket.answer()).text == "the application"
        await socket.end()
    assert site.calls[2:4] == [path, path]


async def test_other_kinds_of_scope_are_for_the_application(primus: Primus, site: Site) -> None:
    server = AsgiServer(primus.asgi)
    await server.call("webtransport", "/primus").answer()
    assert site.calls == ["/primus"]
    assert await AsgiServer(Primus(transformer=Hosted).asgi).call("new", "/primus").end() == []


@pytest.mark.parametrize("path", PATHS)
async def test_without_an_application_it_is_not_found(path: str) -> None:
    async with AsgiServer(Primus(transformer=Hosted).asgi) as server:
        answer = await server.get(path)
        assert (answer.status, answer.json()) == (404, {"error": "Not Found"})
        socket = server.websocket(path)
        assert (await socket.answer()).status == 404
        socket.send("websocket.disconnect", code=1006)
        socket.send("websocket.disconnect", code=1006)
        await socket.end()


@pytest.mark.parametrize(
    ("root_path", "prefix", "pathname"),
    [
        ("", "", "/primus"),
        ("/api", "", "/api/primus"),
        ("/api", "/api", "/api/primus"),
        ("/api/", "/api", "/api/primus"),
        ("/ärger", "/%C3%A4rger", "/ärger/primus"),
    ],
)
async def test_below_a_root_path_the_clients_are_told_so(
    primus: Primus, root_path: str, prefix: str, pathname: str
) -> None:
    server = AsgiServer(primus.asgi, root_path=root_path)
    assert (await server.get(f"{prefix}/primus/spec")).json()["pathname"] == pathname
    assert f"pathname: {json.dumps(pathname)}," in primus.library()
    assert primus.pathname == pathname


@pytest.mark.parametrize(("root_path", "path"), [("/x/primus", "/x/primus"), ("/x/primus", "")])
async def test_mounted_at_its_pathname_everything_below_is_its_own(
    root_path: str, path: str
) -> None:
    primus = Primus(transformer=Hosted)
    server = AsgiServer(primus.asgi, root_path=root_path)
    assert (await server.get(f"{path}/spec")).json()["pathname"] == "/x/primus"
    assert (await server.get(f"{path}/")).status == 426
    assert (await server.get(f"{path}/primus/primus/spec")).status == 426
    assert primus.pathname == "/x/primus"


async def test_mounted_elsewhere_it_keeps_its_pathname() -> None:
    server = AsgiServer(Primus(transformer=Hosted).asgi, root_path="/live")
    assert (await server.get("/live/primus/spec")).json()["pathname"] == "/live/primus"
    assert (await server.get("/live/spec")).status == 404


async def test_only_the_first_request_says_where_it_is(primus: Primus) -> None:
    await AsgiServer(primus.asgi, root_path="/one").get("/one/primus")
    spec = (await AsgiServer(primus.asgi, root_path="/two").get("/two/primus/spec")).json()
    assert spec["pathname"] == "/one/primus"


@pytest.mark.parametrize(
    ("scope", "seen"),
    [
        ({}, "/primus/a%20b"),
        ({"raw_path": None}, "/primus/a%20b"),
        ({"raw_path": b"/primus/a%20b?x=1"}, "/primus/a%20b"),
    ],
)
async def test_a_layer_sees_the_path_as_it_was_sent(
    primus: Primus, scope: dict[str, Any], seen: str
) -> None:
    requests: list[Request] = []
    primus.before("watch", requests.append)
    await AsgiServer(primus.asgi).get("/primus/a%20b?x=1&y=%C3%A4", **scope)
    assert requests[0].path == seen
    assert requests[0].query == {"x": "1", "y": "ä"}


@pytest.mark.parametrize(
    ("target", "scope", "status"),
    [
        ("/%70rimus/spec", {}, 404),
        ("//primus/spec", {}, 404),
        ("http://other.example/primus/spec", {}, 200),
        ("http://other.example//primus/spec", {}, 404),
        ("/live/primus/spec", {"root_path": "/live"}, 200),
        ("/live/%70rimus/spec", {"root_path": "/live"}, 404),
        ("/primus/spec", {"root_path": "/live", "path": "/live/primus/spec"}, 200),
        ("/%70rimus/spec", {"root_path": "/live", "path": "/live/primus/spec"}, 404),
        ("/a%2fb/primus/spec", {"root_path": "/a/b"}, 404),
    ],
)
async def test_the_pathname_is_found_as_it_was_sent(
    target: str, scope: dict[str, Any], status: int
) -> None:
    server = AsgiServer(Primus(transformer=Hosted).asgi)
    assert (await server.get(target, **scope)).status == status


@pytest.mark.parametrize("sent", ["%c3%a4", "%C3%A4"])
async def test_a_pathname_beyond_ascii_is_found(sent: str) -> None:
    server = AsgiServer(Primus(transformer=Hosted, pathname="/ä").asgi)
    assert (await server.get(f"/{sent}/spec")).status == 200


@pytest.mark.parametrize("version", ["0.9", "1.0", "1"])
async def test_an_upgrade_in_http_1_0_is_none(primus: Primus, version: str) -> None:
    exchange = AsgiServer(primus.asgi).websocket("/primus", http_version=version)
    assert (await exchange.answer()).status == 426


async def test_a_layer_sees_the_client_and_its_request(primus: Primus) -> None:
    requests: list[Request] = []
    primus.before("watch", requests.append, index=0)
    server = AsgiServer(primus.asgi)
    odd = [("X-One", "1"), ("X-One", "2"), ("X-Odd", "ä")]
    await server.get("/primus", odd, scheme="https", client=None)
    await server.get("/primus", client=("::1", 0))
    first, second = requests
    assert (first.method, first.secure, first.address.ip) == ("GET", True, "")
    assert first.headers.getall("x-one") == ["1", "2"]
    assert first.headers["X-Odd"] == "ä"
    assert first.native["type"] == "http"
    assert (second.secure, second.address.ip, second.address.port) == (False, "::1", 0)


@pytest.mark.parametrize(("scheme", "secure"), [("wss", True), ("ws", False)])
async def test_a_layer_sees_whether_a_websocket_has_tls(
    primus: Primus, scheme: str, secure: bool
) -> None:
    seen: list[bool] = []
    primus.before("watch", lambda request: seen.append(request.secure), index=0)
    exchange = AsgiServer(primus.asgi).websocket("/primus", scheme=scheme)
    await exchange.next("websocket.accept")
    assert seen == [secure]
    exchange.send("websocket.disconnect", code=1001)
    await exchange.end()


# -- requests


async def test_a_body_is_read_piece_by_piece(primus: Primus) -> None:
    bodies: list[bytes] = []

    @primus.before("read")
    async def read(request: Request) -> Response:
        bodies.append(await request.read())
        return Response(200, await request.read())

    exchange = AsgiServer(primus.asgi).call("http", "/primus", method="POST")
    exchange.send("http.request", body=b"one ", more_body=True)
    exchange.send("http.request", more_body=True)
    exchange.send("http.request", body=b"two")
    assert (await exchange.answer()).text == ""
    assert bodies == [b"one two"]


async def test_a_client_that_goes_in_the_middle_of_its_request_leaves_no_traceback(
    primus: Primus,
) -> None:
    failures: list[BaseException] = []

    @primus.before("read")
    async def read(request: Request) -> None:
        try:
            await request.read()
        except ClientGone as error:
            failures.append(error)
            raise

    exchange = AsgiServer(primus.asgi).call("http", "/primus", method="POST")
    exchange.send("http.request", body=b"one ", more_body=True)
    exchange.send("http.disconnect")
    exchange.gone = True
    assert await exchange.end() == []
    assert len(failures) == 1


async def test_a_hanging_answer_hears_at_once_that_its_client_has_gone(primus: Primus) -> None:
    asked, gone = asyncio.Event(), asyncio.Event()

    @primus.before("hang")
    async def hang(request: Request) -> Response:
        await request.read()
        request.on_gone(gone.set)
        asked.set()
        await gone.wait()
        request.on_gone(gone.set)
        return Response(200, "never read")

    exchange = AsgiServer(primus.asgi).request("GET", "/primus")
    await asked.wait()
    await exchange.waiting.wait()
    exchange.send("http.disconnect")
    exchange.gone = True
    assert await exchange.end() == []


async def test_a_client_that_has_gone_before_a_callback_is_given_is_noticed(primus: Primus) -> None:
    asked, gate = asyncio.Event(), asyncio.Event()
    told: list[str] = []

    @primus.before("late")
    async def late(request: Request) -> Response:
        asked.set()
        await gate.wait()
        request.on_gone(lambda: told.append("gone"))
        return Response(200, "never read")

    exchange = AsgiServer(primus.asgi).request("GET", "/primus")
    await asked.wait()
    exchange.send("http.disconnect")
    gate.set()
    await exchange.end()
    assert told == ["gone"]


async def test_the_last_byte_of_a_long_answer_waits_until_the_rest_is_out(
    primus: Primus,
) -> None:
    told: list[str] = []

    @primus.before("answer")
    def answer(request: Request) -> Response:
        request.on_gone(lambda: told.append("gone"))
        return Response(200, b"x" * 100_000)

    exchange = AsgiServer(primus.asgi).request("GET", "/primus")
    exchange.send("http.disconnect")
    await exchange.next("http.response.start")
    first = await exchange.next("http.response.body")
    second = await exchange.next("http.response.body")
    assert (len(first["body"]), first["more_body"]) == (65_536, True)
    assert (len(second["body"]), second["more_body"]) == (34_463, True)
    await exchange.end()
    assert told == ["gone"]


@pytest.mark.parametrize("size", [10, 200_000])
async def test_an_answer_that_is_not_taken_is_given_up(site: Site, size: int) -> None:
    primus = Primus(site, transformer=MemoryTransformer, write_timeout=0.02)
    told: list[str] = []

    @primus.before("answer")
    def answer(request: Request) -> Response:
        request.on_gone(lambda: told.append("gone"))
        return Response(200, b"x" * size)

    exchange = AsgiServer(primus.asgi).request("GET", "/primus")
    exchange.takes = False
    await exchange.end()
    assert told == ["gone"]


class Wire:
    """A connection that uvicorn shows."""

    def __init__(self, *, is_closing: bool) -> None:
        self.is_closing = lambda: is_closing
        self.get_write_buffer_size = lambda: 0
        self.get_extra_info = lambda name: None
        self.abort = lambda: None


@pytest.mark.parametrize(("is_closing", "failed"), [(True, False), (False, True)])
async def test_a_write_to_a_wire_that_has_gone_is_no_failure(
    site: Site, is_closing: bool, failed: bool
) -> None:
    primus = Primus(site, transformer=MemoryTransformer)
    told: list[str] = []

    @primus.before("answer")
    def answer(request: Request) -> Response:
        request.on_gone(lambda: told.append("gone"))
        return Response(200, b"x")

    class Uvicorn:
        transport = Wire(is_closing=is_closing)

        async def send(self, event: Any) -> None:
            raise RuntimeError("unable to perform operation on <TCPTransport closed=True>")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await primus.asgi(scope, receive, Uvicorn().send)

    exchange = AsgiServer(app).request("GET", "/primus")
    ended = await asyncio.gather(exchange.end(), return_exceptions=True)

    assert isinstance(ended[0], RuntimeError) == failed
    assert told == ([] if failed else ["gone"])
    await primus.destroy()


async def test_a_client_that_does_not_leave_after_a_refusal_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(asgi_websocket, "LINGER", 0.01)
    sent: list[Any] = []

    async def receive() -> Any:
        return await asyncio.Event().wait()

    async def send(event: Any) -> None:
        sent.append(event["type"])

    scope = {"extensions": {"websocket.http.response": {}}}
    socket = asgi_websocket.AsgiWebSocket(scope, receive, send)
    async with asyncio.timeout(DEADLINE):
        await socket.refuse(make_request(), Response(403))
    assert sent == ["websocket.http.response.start", "websocket.http.response.body"]


async def test_a_websocket_that_takes_nothing_is_dropped(site: Site) -> None:
    primus = Primus(site, transformer=Hosted, write_timeout=0.02, slow_consumer="buffer")
    sparks = Recorder(primus, "connection")
    socket = AsgiServer(primus.asgi).websocket("/primus")
    await socket.next("websocket.accept")
    spark = await sparks.one("connection")
    ended = Recorder(spark, "end")
    socket.takes = False
    spark.write("x")
    await ended.next("end")
    assert spark.buffered == 0
    await socket.end()
    await primus.destroy()


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_client_that_goes_before_its_answer_begins_is_noticed(
    primus: Primus, streamed: bool
) -> None:
    told: list[str] = []

    async def pieces() -> AsyncIterator[bytes]:
        yield b"never read"

    @primus.before("answer")
    def answer(request: Request) -> Response:
        request.on_gone(lambda: told.append("gone"))
        exchange.gone = True  # sending finds out
        return Response(200, pieces() if streamed else b"never read")

    exchange = AsgiServer(primus.asgi).request("GET", "/primus")
    assert await exchange.end() == []
    assert told == ["gone"]


async def test_after_an_answer_in_time_no_callback_is_called(primus: Primus) -> None:
    told: list[str] = []

    @primus.before("answer")
    def answer(request: Request) -> Response:
        request.on_gone(lambda: told.append("gone"))
        return Response(200, "here")

    exchange = AsgiServer(primus.asgi).request("GET", "/primus")
    assert (await exchange.answer()).text == "here"
    exchange.send("http.disconnect")
    await exchange.end()
    assert told == []


async def test_a_head_request_is_answered_without_a_body(primus: Primus) -> None:
    exchange = AsgiServer(primus.asgi).request("HEAD", "/primus/spec")
    answer = await exchange.answer()
    assert answer.text == ""
    assert int(answer.headers["Content-Length"]) > 50


async def test_a_streamed_answer_leaves_piece_by_piece_and_ends(primus: Primus) -> None:
    go_on = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"first"
        await go_on.wait()
        yield b"second"

    primus.before("stream", lambda request: Response(200, pieces()))
    exchange = AsgiServer(primus.asgi).request("GET", "/primus")
    head = await exchange.next("http.response.start")
    assert b"content-length" not in dict(head["headers"])
    assert (await exchange.next("http.response.body"))["body"] == b"first"
    go_on.set()
    assert (await exchange.next("http.response.body"))["body"] == b"second"
    last = await exchange.next("http.response.body")
    assert (last["body"], last["more_body"]) == (b"", False)
    assert await exchange.end() == []


@pytest.mark.parametrize("how", ["gone", "dropped"])
async def test_a_streamed_answer_is_closed_when_its_client_goes(primus: Primus, how: str) -> None:
    closed = asyncio.Event()
    requests: list[Request] = []

    async def pieces() -> AsyncIterator[bytes]:
        try:
            yield b"first"
            await asyncio.Event().wait()
        finally:
            closed.set()

    @primus.before("stream")
    def stream(request: Request) -> Response:
        requests.append(request)
        return Response(200, pieces())

    exchange = AsgiServer(primus.asgi).request("GET", "/primus")
    await exchange.next("http.response.start")
    await exchange.next("http.response.body")
    if how == "gone":
        exchange.send("http.disconnect")
    else:
        requests[0].drop()
    assert await exchange.end() == []
    assert closed.is_set()


async def test_the_head_of_a_stream_has_no_body_and_the_stream_is_closed(primus: Primus) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"never"

    primus.before("stream", lambda request: Response(200, pieces()))
    exchange = AsgiServer(primus.asgi).request("HEAD", "/primus")
    assert (await exchange.answer()).text == ""


async def test_a_stream_that_fails_is_the_server_s_to_report(primus: Primus) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"first"
        raise TimeoutError("of its own")

    primus.before("stream", lambda request: Response(200, pieces()))
    exchange = AsgiServer(primus.asgi).request("GET", "/primus")
    with pytest.raises(TimeoutError, match="of its own"):
        await exchange.end()


# -- WebSockets


async def test_frames_go_both_ways_as_they_are(primus: Primus) -> None:
    @primus.on("connection")
    def connection(spark: Spark) -> None:
        spark.on("data", spark.write)

    exchange = AsgiServer(primus.asgi).websocket("/primus?a=1", subprotocols=["chat"])
    assert (await exchange.next("websocket.accept"))["subprotocol"] is None
    exchange.send("websocket.receive", text='"hello €"')
    assert (await exchange.next("websocket.send"))["text"] == '"hello €"'
    exchange.send("websocket.receive", text=None, bytes=b'"bytes"')
    assert (await exchange.next("websocket.send"))["text"] == '"bytes"'
    assert [spark.query for spark in primus] == [{"a": "1"}]
    exchange.send("websocket.disconnect", code=1001)
    assert await exchange.end() == []
    assert len(primus) == 0


async def test_the_best_subprotocol_that_both_know_is_chosen(site: Site) -> None:
    transport = {"subprotocols": ["new", "old"]}
    primus = Primus(site, transformer=Hosted, transport=transport)

    @primus.before("stamp")
    def stamp(request: Request) -> None:
        request.response_headers["X-Stamp"] = "ü"

    exchange = AsgiServer(primus.asgi).websocket("/primus", subprotocols=["old", "new"])
    accepted = await exchange.next("websocket.accept")
    assert accepted["subprotocol"] == "new"
    assert (b"x-stamp", "ü".encode()) in accepted["headers"]
    exchange.send("websocket.disconnect")
    await exchange.end()


def refuse(request: Request) -> None:
    raise Unauthorized("no credentials", authenticate="Basic")


async def test_a_refusal_has_its_status_and_its_reason(primus: Primus) -> None:
    primus.authorize(refuse)
    exchange = AsgiServer(primus.asgi).websocket("/primus")
    answer = await exchange.answer()
    assert (answer.status, answer.json()) == (401, {"error": "no credentials"})
    assert answer.headers["WWW-Authenticate"] == "Basic"
    exchange.send("websocket.disconnect", code=1006)
    exchange.send("websocket.disconnect", code=1006)
    assert await exchange.end() == []


async def test_a_server_that_cannot_refuse_with_a_status_closes(primus: Primus) -> None:
    primus.authorize(refuse)
    exchange = AsgiServer(primus.asgi, refusals=False).websocket("/primus")
    await exchange.next("websocket.close")
    assert await exchange.end() == []


async def test_a_refusal_may_be_streamed(primus: Primus) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"piece "
        yield b"by piece"

    primus.before("stream", lambda request: Response(503, pieces()))
    exchange = AsgiServer(primus.asgi).websocket("/primus")
    assert (await exchange.answer()).text == "piece by piece"
    exchange.send("websocket.disconnect")
    exchange.send("websocket.disconnect")
    await exchange.end()


@pytest.mark.parametrize("when", ["at once", "in the handshake"])
async def test_a_client_that_goes_before_it_is_answered_leaves_nothing(
    primus: Primus, when: str
) -> None:
    asked, gate = asyncio.Event(), asyncio.Event()

    @primus.authorize
    async def authorize(request: Request) -> None:
        asked.set()
        await gate.wait()

    server = AsgiServer(primus.asgi)
    if when == "at once":
        exchange = server.call("websocket", "/primus")
        exchange.send("websocket.disconnect", code=1006)
    else:
        exchange = server.websocket("/primus")
        await asked.wait()
        exchange.gone = True
        gate.set()
    assert await exchange.end() == []
    assert len(primus) == 0


@pytest.mark.parametrize("code", [1002, 1007, 1009])
async def test_a_peer_that_broke_the_rules_of_the_server_is_an_error(
    primus: Primus, code: int
) -> None:
    sparks = Recorder(primus, "connection")
    exchange = AsgiServer(primus.asgi).websocket("/primus")
    await exchange.next("websocket.accept")
    seen = Recorder(await sparks.one("connection"), "error", "end")
    exchange.send("websocket.disconnect", code=code, reason="not so")
    await exchange.end()
    assert seen.story == ["error", "end"]
    assert f"closed with {code}: not so" in str(seen.seen("error")[0][0])


async def test_an_end_closes_in_order_and_waits_for_the_peer(primus: Primus) -> None:
    sparks = Recorder(primus, "connection")
    exchange = AsgiServer(primus.asgi).websocket("/primus")
    await exchange.next("websocket.accept")
    (await sparks.one("connection")).end("last")
    assert (await exchange.next("websocket.send"))["text"] == '"last"'
    assert (await exchange.next("websocket.send"))["text"] == '"primus::server::close"'
    assert (await exchange.next("websocket.close"))["code"] == 1000
    assert not exchange.task.done()
    exchange.send("websocket.disconnect", code=1000)
    assert await exchange.end() == []


async def test_a_peer_that_never_finishes_closing_is_dropped(site: Site) -> None:
    primus = Primus(site, transformer=Hosted, transport={"close_timeout": 0.01})
    sparks = Recorder(primus, "connection")
    exchange = AsgiServer(primus.asgi).websocket("/primus")
    await exchange.next("websocket.accept")
    (await sparks.one("connection")).end()
    assert [event["type"] for event in await exchange.end()][-1] == "websocket.close"


async def test_a_server_that_does_not_get_rid_of_messages_is_left(site: Site) -> None:
    """The peer reads nothing: sending waits, and the connection ends all the same."""
    primus = Primus(site, transformer=Hosted, high_water=1000)
    sparks = Recorder(primus, "connection")
    blocked = asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        async def sending(event: Any) -> None:
            if event["type"] == "websocket.send":
                blocked.set()
                await asyncio.Event().wait()
            await send(event)

        await primus.asgi(scope, receive, sending)

    exchange = AsgiServer(slow).websocket("/primus")
    await exchange.next("websocket.accept")
    spark = await sparks.one("connection")
    spark.write("x" * 2000)
    async with asyncio.timeout(DEADLINE):
        await blocked.wait()
    assert spark.write("too much") is False
    assert await exchange.end() == []
    assert len(primus) == 0


# -- the lifespan


async def test_the_application_starts_first_and_ends_last(primus: Primus, site: Site) -> None:
    primus.on("initialised", lambda *args: site.calls.append("initialised"))
    primus.on("close", lambda options: site.calls.append(options["reconnect"]))
    async with AsgiServer(primus.asgi):
        assert site.calls == ["lifespan", "startup", "initialised"]
    assert site.calls[3:] == [True, "shutdown"]
    assert primus.draining
    await primus.destroy()


async def test_clients_may_come_back_after_a_shutdown(primus: Primus) -> None:
    sparks = Recorder(primus, "connection")
    async with AsgiServer(primus.asgi) as server:
        exchange = server.websocket("/primus")
        await exchange.next("websocket.accept")
        await sparks.next("connection")
        exchange.send("websocket.disconnect", code=1012)
    assert await exchange.end() == []
    exchange = server.websocket("/primus")
    assert (await exchange.answer()).status == 503


@pytest.mark.parametrize("alone", [True, False])
async def test_without_a_lifespan_of_the_application_it_has_its_own(alone: bool) -> None:
    primus = Primus(None if alone else Site(lifespan=False), transformer=Hosted)
    seen = Recorder(primus, "initialised", "close")
    async with AsgiServer(primus.asgi):
        assert seen.story == ["initialised"]
    assert seen.story == ["initialised", "close"]


async def test_an_application_that_returns_from_its_lifespan_need_not_end() -> None:
    async def starts(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})

    async with AsgiServer(Primus(starts, transformer=Hosted).asgi):
        pass


@pytest.mark.parametrize("says", ["startup.failed", "shutdown.complete", "shutdown.failed"])
async def test_an_application_that_says_that_all_is_over_is_believed(says: str) -> None:
    async def over(scope: Any, receive: Any, send: Any) -> None:
        event = await receive()
        if not says.startswith("startup"):
            await send({"type": f"{event['type']}.complete"})
            await receive()
        await send({"type": f"lifespan.{says}"})

    exchange = AsgiServer(Primus(over, transformer=Hosted).asgi).call("lifespan", "/")
    exchange.send("lifespan.startup")
    exchange.send("lifespan.shutdown")
    assert [event["type"] for event in await exchange.end()][-1] == f"lifespan.{says}"


async def test_an_application_that_answers_nothing_in_its_lifespan_is_answered_for() -> None:
    async def hears(scope: Any, receive: Any, send: Any) -> None:
        await receive()

    primus = Primus(hears, transformer=Hosted)
    seen = Recorder(primus, "initialised", "close")
    async with AsgiServer(primus.asgi):
        assert seen.story == ["initialised"]
    assert seen.story == ["initialised", "close"]


async def test_a_server_hears_of_the_start_once_the_primus_has_begun(primus: Primus) -> None:
    seen = Recorder(primus, "initialised", "close")
    told: list[tuple[str, list[str]]] = []
    events = ["lifespan.startup", "lifespan.shutdown"]

    async def receive() -> Any:
        return {"type": events.pop(0)}

    async def send(event: Any) -> None:
        told.append((event["type"], list(seen.story)))

    await primus.asgi({"type": "lifespan"}, receive, send)
    assert told == [
        ("lifespan.startup.complete", ["initialised"]),
        ("lifespan.shutdown.complete", ["initialised", "close"]),
    ]


async def test_mounted_a_primus_ends_with_an_outer_application_that_fails() -> None:
    primus = Primus(transformer=Hosted)
    seen = Recorder(primus, "close")
    with pytest.raises(RuntimeError, match="it fails"):
        async with primus.asgi.lifespan():
            raise RuntimeError("it fails")
    assert seen.story == ["close"]


async def test_an_application_that_fails_to_start_is_heard() -> None:
    async def fails(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})
        raise RuntimeError("no database")

    server = AsgiServer(Primus(fails, transformer=Hosted).asgi)
    exchange = server.call("lifespan", "/")
    exchange.send("lifespan.startup")
    assert (await exchange.next("lifespan.startup.failed"))["message"] == "no database"
    with pytest.raises(RuntimeError, match="no database"):
        await exchange.end()


async def test_mounted_the_outer_application_tells_it_of_start_and_end() -> None:
    primus = Primus(transformer=Hosted)
    seen = Recorder(primus, "initialised", "close")
    async with primus.asgi.lifespan("the application"):
        assert seen.story == ["initialised"]
    assert seen.seen("close")[0][0]["reconnect"] is True
