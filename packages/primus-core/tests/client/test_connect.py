"""`connect`, with servers that run."""

from __future__ import annotations

import asyncio
import math
import socket
import subprocess
import sys
from typing import Any

import pytest
from aiohttp import web

from primus import (
    ConnectTimeout,
    HandshakeError,
    OptionError,
    Primus,
    Request,
    Response,
    Socket,
    TransportError,
    Unauthorized,
    UnknownPluginError,
    connect,
    hookimpl,
)
from primus.client import connect as connecting
from primus.client.spec import facts
from primus_testing import MemoryTransformer, answer, eventually, scripted_server


def greet(primus: Primus) -> None:
    """Greet every client, and answer every message."""

    @primus.on("connection")
    def connection(spark: Any) -> None:
        spark.write("welcome")
        spark.on("data", lambda message: spark.write([message]) and None)


async def test_the_server_is_asked_for_its_transformer_and_parser(primus_server: Any) -> None:
    running = await primus_server()
    greet(running.primus)

    async with connect(running.url) as client:
        client.write("hello")
        messages = aiter(client)
        assert [await anext(messages), await anext(messages)] == ["welcome", ["hello"]]

    assert client.ready_state == client.CLOSED


def test_one_that_is_never_awaited_says_so_at_the_line_that_made_it() -> None:
    with pytest.warns(RuntimeWarning, match="never awaited") as caught:
        connect("http://localhost:1")
    (warning,) = caught
    assert str(warning.message) == (
        "connect('http://localhost:1') was never awaited, so nothing was connected: write "
        "`async with connect(url) as socket:` or `socket = await connect(url)`"
    )
    assert warning.filename == __file__


@pytest.mark.filterwarnings("ignore:connect:RuntimeWarning")
def test_one_that_is_taken_for_a_socket_names_the_cure() -> None:
    socket: Any = connect("http://localhost:1")
    for member in ("write", "on", "end"):
        with pytest.raises(AttributeError, match=f"no '{member}' before it is awaited: write"):
            getattr(socket, member)
    for member in ("wriet", "__deepcopy__"):
        with pytest.raises(
            AttributeError, match=f"^'Connecting' object has no attribute '{member}"
        ):
            getattr(socket, member)


@pytest.mark.filterwarnings("error")
async def test_one_that_is_awaited_and_fails_warns_of_nothing() -> None:
    failing = connect("http://127.0.0.1:1", transformer="websockets", parser="json")
    with pytest.raises(TransportError):
        await failing
    del failing
    with pytest.raises(TransportError):
        await asyncio.wait_for(connect("http://127.0.0.1:1"), 10)


async def test_connect_can_be_awaited(primus_server: Any) -> None:
    running = await primus_server()

    client = await connect(running.url, transformer="websockets", parser="json")
    (spark,) = running.primus
    assert await client.id() == spark.id

    client.end()
    await client.wait_closed()


def count_and_end(spark: Any, count: int) -> None:
    for number in range(count):
        spark.write(number)
    spark.end()


async def test_no_message_is_lost_before_the_iteration_begins(primus_server: Any) -> None:
    running = await primus_server()
    told = asyncio.Event()

    running.primus.on("connection", lambda spark: count_and_end(spark, 5))
    async with connect(running.url) as client:
        client.on("end", told.set)
        if client.ready_state == client.OPEN:  # it may have been quicker than we are
            await told.wait()
        assert [message async for message in client] == [0, 1, 2, 3, 4]


async def test_messages_are_kept_for_a_listener_that_comes_after_the_end(
    primus_server: Any,
) -> None:
    running = await primus_server()
    told = asyncio.Event()
    heard: list[int] = []

    running.primus.on("connection", lambda spark: count_and_end(spark, 20))
    async with connect(running.url) as client:
        client.on("end", told.set)
        if client.ready_state == client.OPEN:
            await told.wait()

        @client.on("data")
        async def data(message: int) -> None:
            await asyncio.sleep(0)
            heard.append(message)

        await eventually(lambda: len(heard) == 20)
    assert heard == list(range(20))


async def test_a_refusal_is_raised_with_its_answer(primus_server: Any) -> None:
    running = await primus_server()

    @running.primus.authorize
    def authorize(request: Any) -> None:
        raise Unauthorized("no credentials", 401, "Basic")

    with pytest.raises(HandshakeError) as refusal:
        await connect(running.url)

    assert refusal.value.status == 401
    assert refusal.value.headers["www-authenticate"] == "Basic"
    assert refusal.value.body == b'{"error":"no credentials"}'


async def test_user_info_and_headers_reach_the_server(primus_server: Any) -> None:
    running = await primus_server()
    url = running.url.replace("://", "://user:secret@")

    async with connect(url, transport={"headers": {"X-Custom": "yes"}}):
        (spark,) = running.primus
        assert spark.headers["Authorization"] == "Basic dXNlcjpzZWNyZXQ="
        assert spark.headers["X-Custom"] == "yes"


async def test_headers_are_sent_with_the_question_for_the_transformer_as_well(
    primus_server: Any,
) -> None:
    running = await primus_server()

    @running.primus.before("gateway", index=0)
    def gateway(request: Request) -> Response | None:
        return None if "X-Custom" in request.headers else Response.json({"error": "no key"}, 403)

    async with connect(running.url, transport={"headers": {"X-Custom": "yes"}}) as client:
        assert client.ready_state == client.OPEN
    with pytest.raises(HandshakeError) as refusal:
        await connect(running.url)
    assert refusal.value.status == 403


async def test_a_server_that_is_not_there_is_told_at_once(unused_tcp_port: int) -> None:
    with pytest.raises(TransportError):
        await connect(f"http://127.0.0.1:{unused_tcp_port}")
    with pytest.raises(TransportError):
        await connect(
            f"http://127.0.0.1:{unused_tcp_port}", transformer="websockets", parser="json"
        )


async def test_a_server_that_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = "http://{}:{}".format(*deaf.getsockname())
        with pytest.raises(ConnectTimeout):
            await connect(url, timeout=0.05)
        deaf.setblocking(False)
        deaf.accept()[0].close()
        with pytest.raises(BlockingIOError):  # nor is it asked why
            deaf.accept()
        with pytest.raises(ConnectTimeout):
            await connect(url, transformer="websockets", parser="json", timeout=0.05)


@pytest.mark.parametrize("body", ["no JSON", "[]", '{"transformer": 1}'])
async def test_a_server_that_is_no_primus_is_told(body: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=body)

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        with pytest.raises(TransportError, match="does not describe a Primus server"):
            await connect("http://{}:{}".format(*runner.addresses[0]))
    finally:
        await runner.cleanup()


async def test_a_transformer_that_is_not_installed_is_told(primus_server: Any) -> None:
    running = await primus_server(transformer=MemoryTransformer)

    with pytest.raises(UnknownPluginError, match="unknown transformer 'memory'"):
        await connect(running.url)


async def test_any_plain_websocket_transformer_will_do(primus_server: Any) -> None:
    running = await primus_server()

    @running.primus.before("pretend", index=0, upgrade=False)
    def pretend(request: Request) -> Response | None:
        spec = {**running.primus.spec, "transformer": "uws"}
        return Response.json(spec) if request.path.endswith("/spec") else None

    async with connect(running.url) as client:
        assert client.ready_state == client.OPEN


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("websockets", "lws"),
        ("UWS", "lws"),
        ("lws", "lws"),
        ("engine.io", "engine.io"),
        (MemoryTransformer, MemoryTransformer),
    ],
)
def test_a_plain_websocket_is_spoken_by_what_is_installed(
    monkeypatch: pytest.MonkeyPatch, theirs: Any, ours: Any
) -> None:
    monkeypatch.setattr(connecting, "installed", lambda kind: ["engine.io", "lws"])
    assert connecting._installed(theirs) == ours


def test_a_plain_websocket_that_nothing_installed_speaks_keeps_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connecting, "installed", lambda kind: ["engine.io"])
    assert connecting._installed("uws") == "uws"


async def test_another_pathname_is_found(primus_server: Any) -> None:
    running = await primus_server(pathname="/deep/realtime")

    async with connect(running.url, pathname="deep/realtime") as client:
        assert client.ready_state == client.OPEN
    with pytest.raises(HandshakeError) as missing:
        await connect(running.url)
    assert missing.value.status == 404
    assert "there is no Primus at '/primus' of this server: compare the option pathname" in str(
        missing.value
    )


async def test_a_mistaken_option_is_told_before_anything_is_opened() -> None:
    with pytest.raises(OptionError, match="timeuot"):
        await connect("http://localhost", transformer="websockets", parser="json", timeuot=1)


async def test_the_class_that_fits_a_server_needs_no_names(primus_server: Any) -> None:
    running = await primus_server()
    greet(running.primus)

    async with running.primus.Socket(running.url) as client:
        assert isinstance(client, Socket)
        client.write("hello")
        async for message in client:
            if message == ["hello"]:
                break


async def test_a_cancelled_connect_leaves_nothing_behind(primus_server: Any) -> None:
    running = await primus_server()
    before = asyncio.all_tasks()
    waiting = asyncio.ensure_future(connect(running.url))

    await asyncio.sleep(0)  # it has begun
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    await eventually(lambda: asyncio.all_tasks() == before)


def test_a_modern_server_pings() -> None:
    spec = {"transformer": "websockets", "parser": "JSON", "pingInterval": 30_000}

    assert facts(spec) == {
        "transformer": "websockets",
        "parser": "JSON",
        "pings": True,
        "ping_timeout": 45.0,
        "timeout": None,
    }


def test_a_modern_server_may_have_its_pings_disabled() -> None:
    found = facts({"transformer": "faye", "parser": "json", "pingInterval": False})

    assert (found["pings"], found["ping_timeout"]) == (False, None)


def test_a_legacy_server_has_a_timeout_only() -> None:
    spec = {"transformer": "websockets", "parser": "json", "timeout": 35_000}

    assert facts(spec) == {"transformer": "websockets", "parser": "json", "timeout": 35.0}


@pytest.mark.parametrize(
    "time", [0, -1, 1 << 31, 10**400, math.inf, math.nan, True, "30000"], ids=lambda t: repr(t)[:9]
)
def test_a_time_that_no_server_has_is_none(time: Any) -> None:
    found = facts({"transformer": "faye", "parser": "json", "pingInterval": time, "timeout": time})

    assert (found["pings"], found["ping_timeout"], found["timeout"]) == (False, None, None)


def test_a_server_process_imports_no_client() -> None:
    code = (
        "import sys, primus; "
        "assert not [m for m in sys.modules if m.split('.')[0] == 'aiohttp'], 'aiohttp'; "
        "primus.Primus(); "
        "assert 'primus.client' not in sys.modules; "
        "from primus import Socket, connect; "
        "assert set(primus.__all__) <= set(dir(primus)) | {'Socket', 'connect'}"
    )

    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


async def test_the_socket_is_of_the_class_of_the_application(primus_server: Any) -> None:
    running = await primus_server()

    class Client(Socket):
        visits = 0

    async with connect(running.url, socket=Client) as client:
        assert isinstance(client, Client)
        assert client.visits == 0


class Odd:
    """A plugin that servers lack."""

    @hookimpl
    def primus_extend_socket(self) -> dict[str, object]:
        return {"oddity": 1}


class Dotted:
    """A parser that servers lack."""

    name = "dotted"

    def encode(self, value: Any) -> str:
        return f".{value}"

    def decode(self, frame: Any) -> Any:
        return frame[1:]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"plugin": {"odd": Odd()}}, "the server does not use the plugin 'odd'"),
        ({}, None),
        ({"parser": Dotted()}, "the server's parser is 'json', that of this client is 'dotted'"),
        ({"plugin": {"odd": Odd()}, "transformer": "websockets", "parser": "json"}, None),
    ],
)
async def test_a_client_that_asks_its_server_is_told_in_the_log_what_differs(
    primus_server: Any, caplog: pytest.LogCaptureFixture, options: Any, told: str | None
) -> None:
    running = await primus_server()

    async with connect(running.url, **options):
        pass

    warnings = [r.args[-1] for r in caplog.records if r.name == "primus.client"]
    assert warnings == ([] if told is None else [told])


async def test_a_mistaken_option_is_told_before_the_network_is_asked() -> None:
    async with scripted_server(lambda asked: None) as server:
        with pytest.raises(OptionError, match="timeuot"):
            await connect(server.url, timeuot=1)

    assert not server.requests


async def test_only_what_is_not_found_is_told_as_another_pathname() -> None:
    async with scripted_server(lambda asked: [answer(b"", "500 Oops")]) as server:
        with pytest.raises(HandshakeError) as refused:
            await connect(server.url)

    assert "there is no Primus" not in str(refused.value)
