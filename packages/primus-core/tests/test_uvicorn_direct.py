"""Plain upgrades that a Primus answers itself under uvicorn, and when the application is called."""

import asyncio
import inspect
import logging
import re
from collections.abc import Awaitable, Callable
from contextvars import ContextVar, copy_context
from types import SimpleNamespace
from typing import Any

import pytest
from uvicorn.config import Config
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.server import ServerState

from primus import Primus, Request, Response
from primus.server.hosts.asgi import AsgiHost
from primus.uvicorn import Requests, WebSockets
from primus.uvicorn.direct_upgrade import TOLD_BY_PROXIES
from primus_testing import MemoryTransformer, NotingTransport, eventually
from primus_testing.tracebacks import Tracebacks

Application = Callable[[Any, Any, Any], Awaitable[None]]

PEER = ("10.0.0.7", 4711)


def head(target: str = "/primus?a=1", more: str = "") -> bytes:
    """The head of an upgrade, as most clients write it."""
    lines = "Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Id: 7\r\n"
    return f"GET {target} HTTP/1.1\r\n{lines}{more}\r\n".encode()


class Taking(MemoryTransformer):
    """Takes raw transports and says so on them."""

    takes_transports = True
    upgrades_bare = True

    def __init__(self, primus: Primus) -> None:
        super().__init__(primus)
        self.requests: list[Request] = []
        self.handed: list[Any] = []

    async def upgrade(self, request: Request) -> Response | None:
        """Take the transport."""
        self.requests.append(request)
        try:
            handed = request.detach()
        except ConnectionResetError:
            return Response.error(400)
        self.handed.append(handed)
        handed.transport.write(b"taken")
        return None


class Own(asyncio.Protocol):
    """uvicorn's own class: it calls the application, as one whose client waits."""

    answers: "list[Any]"
    made: "list[Own]"

    def __init__(self, config: Config, server_state: ServerState, app_state: Any) -> None:
        self.made.append(self)
        self.app: Any = config.loaded_app
        self.read = b""

    def data_received(self, data: bytes) -> None:
        """Call the application for the head."""
        if not self.read:
            self.task = asyncio.ensure_future(self._call())
        self.read += data

    async def _call(self) -> None:
        async def receive() -> Any:
            return {"type": "websocket.connect" if not self.answers else "websocket.disconnect"}

        async def send(event: Any) -> None:
            self.answers.append(event.get("status"))

        told = {"path": "/elsewhere", "headers": [], "extensions": {"websocket.http.response": {}}}
        try:
            await self.app({"type": "websocket", **told}, receive, send)
        except ValueError as error:
            self.answers.append(str(error))
        else:
            self.answers.append("returned")


class Served:
    """A Primus that uvicorn has loaded.

    Args:
        app: what is loaded in place of the Primus: made from its ASGI application.
        settings: options of uvicorn.
    """

    def __init__(self, app: Callable[[Any], Application] | None = None, **settings: Any) -> None:
        self.primus = Primus(transformer=Taking)
        self.transformer: Any = self.primus.transformer
        self.answers: list[Any] = []
        self.made: list[Own] = []
        own = type("Own", (Own,), {"answers": self.answers, "made": self.made})
        ws = type("WebSockets", (WebSockets,), {"others": own})
        asgi = self.primus.asgi
        settings = {"lifespan": "off", "log_config": None, **settings}
        self.config = Config(asgi if app is None else app(asgi), ws=ws, **settings)
        self.config.load()
        self.state = ServerState()

    def connect(self, **details: Any) -> NotingTransport:
        """A connection on which nothing has come yet."""
        wire = NotingTransport(PEER, **details)
        wire.set_protocol(Requests(self.config, self.state, {"shared": 1}))
        wire.protocol.connection_made(wire)
        return wire

    async def upgrade(self, sent: bytes = head(), **details: Any) -> NotingTransport:
        """A connection on which an upgrade has come, in a turn of the loop that is over."""
        wire = self.connect(**details)
        asyncio.get_running_loop().call_soon(wire.protocol.data_received, sent)
        await asyncio.sleep(0)
        return wire

    async def request(self, sent: bytes = head(), **details: Any) -> Request:
        """The request of an upgrade that is taken."""
        before = len(self.transformer.handed)
        await self.upgrade(sent, **details)
        await eventually(lambda: len(self.transformer.handed) > before)
        request: Request = self.transformer.requests[-1]
        return request

    async def cancelled(self) -> None:
        """Cancel what still runs, as uvicorn does at last."""
        for task in tuple(self.state.tasks):
            task.cancel()
            await asyncio.wait([task])


def around(app: Application) -> Application:
    """An application that passes all calls on."""

    async def outer(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)

    return outer


class OwnHost(AsgiHost):
    """One that may do anything with a call."""


def derived(app: Any) -> AsgiHost:
    """A host of the same Primus that is of another class."""
    return OwnHost(app.primus, None)


# -- which upgrades are answered so


@pytest.mark.parametrize("proxy_headers", [True, False])
async def test_a_plain_upgrade_is_answered_at_once_and_costs_no_task(proxy_headers: bool) -> None:
    served = Served(proxy_headers=proxy_headers)
    wire = await served.upgrade()
    assert wire.written == b"taken"
    assert served.state.tasks == set()
    assert len(served.state.connections) == 1


async def test_a_transformer_that_asks_for_a_task_has_one() -> None:
    served = Served()
    served.transformer.upgrades_bare = False
    take, tasks = served.transformer.upgrade, []

    async def upgrade(request: Request) -> Response | None:
        tasks.append(asyncio.current_task())
        response: Response | None = await take(request)
        return response

    served.transformer.upgrade = upgrade
    await served.request()
    assert None not in tasks


@pytest.mark.parametrize(
    ("app", "settings", "sent"),
    [
        (around, {}, head()),
        (derived, {}, head()),
        (ProxyHeadersMiddleware, {}, head()),
        (None, {"root_path": "/live"}, head()),
        (None, {}, head("/primus/%C3%A4")),
        (None, {}, head(more="X-Odd:yes\r\n")),
    ],
    ids=["around", "derived", "two layers", "root_path", "quoted", "not plain"],
)
async def test_the_application_is_called_where_that_may_change_something(
    app: Any, settings: dict[str, Any], sent: bytes
) -> None:
    served = Served(app, **settings)
    wire = await served.upgrade(sent)
    assert wire.written == b""
    assert len(served.state.tasks) == 1
    await eventually(lambda: wire.written)
    assert wire.written == b"taken"
    await served.cancelled()


async def test_the_application_is_called_where_uvicorn_logs_all_messages(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(5, logger="uvicorn.error"):
        served = Served()
    wire = await served.upgrade()
    assert wire.written == b""
    await served.cancelled()


@pytest.mark.parametrize("target", ["/other", "/primus-like", "/primusx/y", "/", "//primus"])
async def test_what_is_not_below_the_pathname_is_the_applications(target: str) -> None:
    called: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        called.append(scope["type"])

    served = Served(lambda asgi: Primus(app, transformer=Taking).asgi)
    wire = await served.upgrade(head(target))
    await eventually(lambda: called)
    assert wire.written == b""
    await served.cancelled()


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/primus", "/primus", ""),
        ("/primus/", "/primus/", ""),
        ("/primus?a=/%20", "/primus", "a=/%20"),
        ("/primus/b?c?d", "/primus/b", "c?d"),
    ],
)
async def test_the_target_is_read_as_it_was_sent(target: str, path: str, query: str) -> None:
    request = await Served().request(head(target))
    assert (request.path, request.query_string) == (path, query)


@pytest.mark.parametrize("target", ["/primus//x", "/primus/../x", "/primus/./x"])
async def test_a_path_in_another_form_is_not_found(target: str) -> None:
    served = Served()
    await served.upgrade(head(target))
    await eventually(lambda: served.answers)
    assert served.answers[0] == 404


async def test_a_head_is_bounded() -> None:
    served = Served()
    most = served.primus.limits.max_head
    filled = most - len(head(more="X-Long: \r\n"))
    wire = await served.upgrade(head(more=f"X-Long: {'x' * filled}\r\n"))
    assert wire.written == b"taken"
    wire = await served.upgrade(head(more=f"X-Long: {'x' * (filled + 1)}\r\n"))
    assert wire.written.startswith(b"HTTP/1.1 431 ")
    assert wire.ends == ["closed"]


# -- what is told of them


TRUSTING = {"forwarded_allow_ips": "10.0.0.0/8"}


@pytest.mark.parametrize(
    ("settings", "more", "details"),
    [
        ({}, "", {}),
        (
            {},
            "Sec-WebSocket-Protocol: a, b\r\nCookie: c=d\r\n",
            {"sslcontext": True, "sockname": ("10.0.0.1", 80)},
        ),
        ({}, "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\n", {}),
        (TRUSTING, "X-Forwarded-For: 1.2.3.4, 10.9.9.9\r\nx-forwarded-proto: https\r\n", {}),
        (TRUSTING, "X-FORWARDED-PROTO: http\r\n", {"sslcontext": True}),
        (TRUSTING, "X-Forwarded-For: ,\r\n", {}),
        (TRUSTING | {"proxy_headers": False}, "X-Forwarded-For: 1.2.3.4\r\n", {}),
        ({"headers": [("X-From", "uvicorn"), ("Server", "mine")]}, "", {}),
    ],
    ids=["plain", "more", "untrusted", "trusted", "scheme", "empty", "off", "headers"],
)
async def test_a_request_is_the_same_as_through_an_application(
    settings: dict[str, Any], more: str, details: dict[str, Any]
) -> None:
    def told(request: Request) -> dict[str, Any]:
        scope = dict(request.native)
        scope.pop("extensions")  # of the offer
        return {
            "target": (request.method, request.path, request.query_string),
            "headers": list(request.headers.items()),
            "client": (request.address, request.secure),
            "answered": list(request.response_headers.items()),
            "scope": scope,
        }

    direct, called = Served(**settings), Served(around, **settings)
    sent = head("/primus/b?a=%20", more)
    assert told(await direct.request(sent, **details)) == told(
        await called.request(sent, **details)
    )
    assert direct.state.tasks == set()
    await called.cancelled()


def test_each_header_that_uvicorn_takes_from_proxies_says_so_in_its_name() -> None:
    source = inspect.getsource(ProxyHeadersMiddleware.__call__)
    names = re.findall(r'name == b"([^"]+)"', source)
    assert len(names) >= 2
    assert all(TOLD_BY_PROXIES.decode() in name for name in names)


async def test_middleware_of_uvicorn_that_fails_is_answered_as_an_application_that_does() -> None:
    class Broken:
        def __contains__(self, host: object) -> bool:
            raise ValueError("no list")

    served = Served()
    proxies: Any = served.config.loaded_app
    proxies.trusted_hosts = Broken()
    await served.upgrade(head(more="X-Forwarded-For: 1.2.3.4\r\n"))
    await eventually(lambda: served.answers)
    assert served.answers == ["no list"]
    assert served.transformer.requests == []


async def test_middleware_of_uvicorn_stays_around_the_application() -> None:
    served = Served(forwarded_allow_ips="*")
    for host in ("1.2.3.4", "1.2.3.5"):
        request = await served.request(head(more=f"X-Forwarded-For: {host}\r\n"))
        assert request.address.ip == host
    assert served.state.tasks == set()


async def test_the_scope_is_made_once_and_kept() -> None:
    served = Served()

    @served.primus.before("mark")
    def mark(request: Request) -> None:
        request.native["mark"] = 1

    request = await served.request()
    assert request.native["mark"] == 1
    assert request.native is request.native


@pytest.mark.parametrize("level", [logging.WARNING, logging.INFO], ids=["quiet", "logged"])
async def test_the_scope_is_made_when_it_is_asked_for_even_once_the_connection_has_closed(
    level: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(level, logger="uvicorn.error")
    served = Served()
    wire = await served.upgrade(sockname=("10.0.0.1", 80))
    wire.close()
    (request,) = served.transformer.requests
    assert request.native["client"] == PEER
    assert request.native["server"] is None


@pytest.mark.parametrize("app", [None, around], ids=["direct", "called"])
async def test_a_connection_is_logged_as_uvicorn_does(
    app: Any, caplog: pytest.LogCaptureFixture
) -> None:
    served = Served(app)
    with caplog.at_level(logging.INFO, logger="uvicorn.error"):
        await served.request()
    texts = [record.getMessage() for record in caplog.records]
    assert '10.0.0.7:4711 - "WebSocket /primus?a=1" [accepted]' in texts
    await served.cancelled()


async def test_each_upgrade_has_a_context_of_its_own() -> None:
    served = Served()
    mark: ContextVar[str] = ContextVar("mark", default="unset")
    seen: list[str] = []

    @served.primus.before("mark")
    def note(request: Request) -> None:
        seen.append(mark.get())
        mark.set("set")

    context = copy_context()  # as uvloop calls all connections of a server in
    for _ in range(2):
        wire = served.connect()
        asyncio.get_running_loop().call_soon(wire.protocol.data_received, head(), context=context)
        await asyncio.sleep(0)
    assert (seen, context.get(mark)) == (["unset", "unset"], None)


# -- what waits


class Gate:
    """Authorization that waits."""

    def __init__(self, served: Served) -> None:
        self.asked, self.event = asyncio.Event(), asyncio.Event()

        @served.primus.authorize
        async def authorize(request: Request) -> None:
            self.asked.set()
            await self.event.wait()

    async def open(self, served: Served) -> None:
        """Let pass what waits."""
        self.event.set()
        await eventually(lambda: not served.state.tasks)


async def test_what_waits_is_a_task_of_uvicorn_and_keeps_what_comes_meanwhile() -> None:
    served = Served()
    gate = Gate(served)
    wire = await served.upgrade()
    assert len(served.state.tasks) == 1
    wire.protocol.data_received(b"ear")
    wire.protocol.data_received(b"ly")
    assert not wire.reading
    await gate.open(served)
    assert wire.written == b"taken"
    assert served.transformer.handed[0].early == b"early"


async def test_what_came_meanwhile_is_not_kept_as_long_as_the_connection() -> None:
    served = Served()
    gate = Gate(served)
    wire = await served.upgrade()
    protocol: Any = wire.protocol
    protocol.data_received(b"early")
    await gate.open(served)
    assert protocol in served.state.connections
    assert protocol.early + protocol.head == b""


async def test_a_client_that_goes_meanwhile_leaves_nothing() -> None:
    served = Served()
    gate = Gate(served)
    wire = await served.upgrade()
    wire.close()
    wire.protocol.connection_lost(None)
    assert served.state.connections == set()
    await gate.open(served)
    assert (wire.written, served.transformer.handed, served.made) == (b"", [], [])


async def test_a_server_that_stops_meanwhile_refuses() -> None:
    served = Served()
    gate = Gate(served)
    wire = await served.upgrade()
    wire.protocol.shutdown()
    assert wire.written.startswith(b"HTTP/1.1 503 ")
    await gate.open(served)
    assert wire.written.count(b"HTTP/1.1") == 1
    assert (served.transformer.handed, served.made) == ([], [])


async def test_what_uvicorn_cancels_drops_the_connection() -> None:
    served = Served()
    gate = Gate(served)
    wire = await served.upgrade()
    await gate.asked.wait()
    await served.cancelled()
    assert (wire.ends, wire.written) == (["aborted"], b"")


# -- what is not taken


@pytest.mark.parametrize(
    ("what", "answers"),
    [
        (Response.error(418), [418, None, "returned"]),
        (None, ["returned"]),
        (ValueError("broken"), ["broken"]),
    ],
    ids=["refused", "nothing", "failed"],
)
async def test_what_is_not_taken_is_answered_by_uvicorns_own_class(
    what: Any, answers: list[Any]
) -> None:
    served = Served()

    async def upgrade(request: Request) -> Response | None:
        if isinstance(what, Exception):
            raise what
        response: Response | None = what
        return response

    served.transformer.upgrade = upgrade
    wire = await served.upgrade()
    await eventually(lambda: len(served.answers) >= len(answers))
    assert served.answers == answers
    assert (wire.written, wire.ends) == (b"", [])


async def test_a_failure_behind_the_transport_drops_the_connection(tracebacks: Tracebacks) -> None:
    tracebacks.expect("too late")
    served = Served()

    async def upgrade(request: Request) -> None:
        request.detach()
        raise ValueError("too late")

    served.transformer.upgrade = upgrade
    wire = await served.upgrade()
    assert (wire.ends, served.answers) == (["aborted"], [])
    assert served.state.connections == set()


# -- the server


async def test_a_connection_counts_before_its_first_request_and_is_closed_at_the_end() -> None:
    served = Served()
    wire = served.connect()
    (connection,) = served.state.connections
    connection.shutdown()
    assert wire.ends == ["closed"]
    wire.protocol.connection_lost(None)
    assert served.state.connections == set()


@pytest.mark.parametrize("sent", [head(), b"GET / HTTP/1.1\r\n"], ids=["upgrade", "request"])
async def test_a_connection_counts_once_whatever_comes(sent: bytes) -> None:
    served = Served()
    await served.upgrade(sent)
    assert len(served.state.connections) == 1


async def test_a_connection_counts_until_the_primus_has_lost_it() -> None:
    served = Served()
    await served.upgrade()
    (handed,) = served.transformer.handed
    handed.witness.left()
    assert served.state.connections == set()


@pytest.mark.parametrize(("is_opened", "told"), [(True, [1012]), (False, [])])
async def test_a_server_that_stops_closes_what_a_primus_has(
    is_opened: bool, told: list[int]
) -> None:
    codes: list[int] = []
    served = Served()
    wire = await served.upgrade()
    (handed,) = served.transformer.handed
    if is_opened:
        handed.witness.opened(SimpleNamespace(close=codes.append))
    (connection,) = served.state.connections
    connection.shutdown()
    assert codes == told
    assert wire.ends == ([] if is_opened else ["aborted"])
    assert len(served.state.connections) == is_opened
    handed.witness.left()
    await eventually(lambda: not served.state.tasks)
    assert served.state.connections == set()


async def test_what_does_not_close_in_time_is_dropped_when_uvicorn_cancels() -> None:
    served = Served()
    wire = await served.upgrade()
    (handed,) = served.transformer.handed
    handed.witness.opened(SimpleNamespace(close=lambda code: None))
    (connection,) = served.state.connections
    connection.shutdown()
    await asyncio.sleep(0)
    assert wire.ends == []
    (waiting,) = served.state.tasks
    await served.cancelled()
    assert (wire.ends, served.state.connections) == (["aborted"], set())
    assert waiting.cancelled()
