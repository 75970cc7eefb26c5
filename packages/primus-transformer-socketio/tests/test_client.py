"""The Python client half: how it opens a session, and what it does when it cannot."""

import asyncio
import json
from typing import Any

import pytest

from primus.errors import HandshakeError, OptionError, TransportError
from primus.http import Request, Response
from primus.limits import DEFAULT_LIMITS
from primus.polling import PollingClient
from primus.registry import transformer_named
from primus_testing import DEADLINE, Asked, Peer, Running, answer, eventually, scripted_server
from primus_testing.plugin import ServerFactory
from primus_testing.transformer.base import echo
from primus_transformer_socketio.client import polling
from primus_transformer_socketio.client.address import Handshake
from primus_transformer_socketio.client.polling import PollingSession

SHORT = {"close_timeout": 0.1, "linger": 0.05}
SOCKETIO = transformer_named("socket.io")[1]
TOLD = "key:60:60:websocket,xhr-polling"


async def serve(primus_server: ServerFactory, **transport: Any) -> Running:
    server = await primus_server(transformer="socket.io", transport={**SHORT, **transport})
    echo(server.primus)
    return server


def asked(server: Running) -> list[Request]:
    """Every request from now on."""
    requests: list[Request] = []
    server.primus.before("note", requests.append)
    return requests


async def echoes(peer: Peer) -> None:
    for frame in ('"one"', '"hé€😀"', '"' + "x" * 200_000 + '"'):
        peer.send(frame)
        assert json.loads(await peer.receive()) == json.loads(frame)


@pytest.mark.parametrize("transport", ["websocket", "xhr-polling"])
async def test_every_way_to_a_session(primus_server: ServerFactory, transport: str) -> None:
    server = await serve(primus_server)
    requests = asked(server)
    peer = await server.peer("?user=me&t=mine", options={"transports": [transport]})
    await echoes(peer)
    (spark,) = server.primus
    assert spark.query["user"] == "me"
    assert "mine" not in str(spark.query)
    assert all("user=me" in request.query_string for request in requests)
    assert any(request.upgrade for request in requests) is (transport == "websocket")


async def test_a_client_without_a_websocket_polls(primus_server: ServerFactory) -> None:
    server = await serve(primus_server)
    server.primus.before("refuse", lambda request: Response(502), http=False)
    await echoes(await server.peer())
    assert len(server.primus) == 1


async def test_a_websocket_that_brings_nothing_is_given_up_in_time(
    primus_server: ServerFactory,
) -> None:
    server = await serve(primus_server)
    gate = asyncio.Event()

    async def hang(request: Request) -> None:
        await gate.wait()

    server.primus.before("hang", hang, http=False)
    peer = await server.peer(options={"connect_timeout": 0.05})
    await echoes(peer)
    gate.set()


async def test_what_the_server_does_not_offer_is_not_tried(primus_server: ServerFactory) -> None:
    server = await serve(primus_server, transports="xhr-polling")
    requests = asked(server)
    await echoes(await server.peer())
    assert not any(request.upgrade for request in requests)
    with pytest.raises(TransportError, match="offers xhr-polling, and no websocket"):
        await server.peer(options={"transports": "websocket"})


async def test_a_refusal_is_not_asked_for_twice(primus_server: ServerFactory) -> None:
    server = await serve(primus_server)
    server.primus.before("no", lambda request: Response.error(418, "tea"))
    requests = asked(server)
    with pytest.raises(HandshakeError) as refused:
        await server.peer()
    assert refused.value.status == 418
    assert requests == []


@pytest.mark.parametrize(
    "options", [{"transports": ["jsonp-polling"]}, {"transports": []}, {"polling": True}]
)
async def test_options_that_cannot_work_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError):
        await Peer.open(SOCKETIO, "http://127.0.0.1:9/primus", options=options)


@pytest.mark.parametrize(
    "told",
    [
        "",
        "hello",
        "key:60",
        ":60:60:websocket",
        "key:x:60:websocket",
        "key:-1:60:websocket",
        "key:nan:60:websocket",
        "key:0:60:websocket",
        "key:2147484:60:websocket",
        "key:60:2147484:websocket",
        "k" * 2000 + ":60:60:websocket",
        "key:60:60:flashsocket",
    ],
)
async def test_a_server_that_tells_something_else(told: str) -> None:
    async with scripted_server(lambda request: [answer(told)]) as server:
        with pytest.raises(TransportError):
            await Peer.open(SOCKETIO, f"{server.url}/primus")


def test_the_longest_times_and_key_that_a_server_may_tell() -> None:
    key = "k" * DEFAULT_LIMITS.session_id
    told = Handshake.read(f"{key}:2147483:2147483.648:websocket,xhr-polling".encode())
    assert told == Handshake(key, 2147483, 2147483.648, ("websocket", "xhr-polling"))
    assert Handshake.read(b"key:::websocket") == Handshake("key", None, None, ("websocket",))
    with pytest.raises(TransportError, match="does not speak"):
        Handshake.read(f"{key}k:60:60:websocket".encode())


POLLING = {"transports": ["xhr-polling"], "close_timeout": 0.1}


async def polled(*answers: str, told: bool = False) -> tuple[list[str | bytes], list[Asked]]:
    """What a client brings when its polls are answered so, and what it has asked for."""
    rest = list(answers)

    def script(request: Asked) -> list[bytes] | None:
        if "/xhr-polling/" not in request.target:
            return [answer(TOLD)]
        if request.method == "POST":
            return [answer("1")]
        return [answer(rest.pop(0))] if rest else None

    async with scripted_server(script) as server:
        peer = await Peer.open(SOCKETIO, f"{server.url}/primus", options=POLLING, max_length=1000)
        brought = await peer.gone()
        await eventually(lambda: server.requests[-1].method == "POST" or not told)
        return brought, server.requests


async def test_a_payload_that_opens_the_session_may_bring_messages() -> None:
    brought, requests = await polled("\ufffd3\ufffd1::\ufffd5\ufffd3:::1", "3:::2", "0::")
    assert brought == ["1", "2"]
    assert [request.method for request in requests] == ["GET"] * 4


async def test_an_answer_without_bounds_brings_nothing() -> None:
    brought, _ = await polled("1::", "\ufffd5\ufffd3:::1" + "x" * (17 << 20))
    assert brought == []


@pytest.mark.parametrize("error", ["7:::1+0", "7:::2"])
async def test_a_session_that_the_server_ends_with_an_error_is_over(error: str) -> None:
    brought, requests = await polled("1::", "3:::1", error)
    assert brought == ["1"]
    assert all(request.method == "GET" for request in requests)


@pytest.mark.parametrize("garbage", ["9::", "\ufffd9\ufffd3:::1", "3:::" + "x" * 1001])
async def test_garbage_ends_the_session_and_the_server_is_told(garbage: str) -> None:
    brought, requests = await polled("1::", "3:::1", garbage, told=True)
    assert brought == ["1"]
    assert requests[-1].body == b"0::"


@pytest.mark.parametrize("first", ["7:::1+0", "3:::1", "", "8::"])
async def test_a_session_that_is_not_opened(first: str) -> None:
    with pytest.raises(TransportError, match="does not open the session"):
        await polled(first)


async def test_posts_are_sent_one_by_one_and_end_with_the_end() -> None:
    def script(request: Asked) -> list[bytes] | None:
        if "/xhr-polling/" not in request.target:
            return [answer(TOLD)]
        if request.method == "POST":
            return [answer("1")]
        return [answer("1::")] if len(server.requests) == 2 else [b"HTTP/1.1 200 OK\r\n"]

    async with scripted_server(script) as server:
        peer = await Peer.open(SOCKETIO, f"{server.url}/primus", options=POLLING)
        peer.send("1", "2")
        peer.close()
        async with asyncio.timeout(DEADLINE):
            await peer.gone()
        posts = [asked.body.decode() for asked in server.requests if asked.method == "POST"]
    assert "".join(posts) == "\ufffd5\ufffd3:::1\ufffd5\ufffd3:::2\ufffd3\ufffd0::"


@pytest.fixture
def posts(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], asyncio.Future[None]]]:
    """What sessions post, each with what answers it."""
    made: list[tuple[list[str], asyncio.Future[None]]] = []

    async def post(session: PollingSession, waiting: list[str]) -> None:
        made.append((waiting, asyncio.get_running_loop().create_future()))
        await made[-1][1]

    monkeypatch.setattr(PollingSession, "_send_off", post)
    return made


async def leaving(primus_server: ServerFactory, posts: list[Any]) -> None:
    """A client posts a message, and leaves before that is answered."""
    server = await serve(primus_server)
    peer = await server.peer(options=POLLING)
    peer.send("under way")
    await eventually(lambda: posts)
    peer.send("late")
    peer.abort()


async def test_the_server_is_told_of_the_end_behind_the_post_that_is_under_way(
    primus_server: ServerFactory, posts: list[Any]
) -> None:
    await leaving(primus_server, posts)
    assert len(posts) == 1
    posts[0][1].set_result(None)
    await eventually(lambda: len(posts) == 2)
    posts[1][1].set_result(None)
    assert [waiting for waiting, _ in posts] == [["3:::under way"], ["0::"]]


async def test_a_server_that_is_gone_by_the_post_under_way_is_not_told(
    primus_server: ServerFactory, posts: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = asyncio.Event()
    close = PollingClient.close

    async def close_and_note(http: PollingClient) -> None:
        await close(http)
        closed.set()

    monkeypatch.setattr(PollingClient, "close", close_and_note)
    await leaving(primus_server, posts)
    posts[0][1].set_exception(TransportError("gone"))
    await closed.wait()
    assert len(posts) == 1


async def test_a_post_that_is_not_answered_breaks_off_in_the_end(
    primus_server: ServerFactory, posts: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "CLOSE_POST_TIMEOUT", 0.0)
    await leaving(primus_server, posts)
    await eventually(posts[0][1].cancelled)
    assert len(posts) == 1


async def test_a_poll_that_is_no_text_ends_the_session() -> None:
    answers = [answer("1::"), answer(b"\xff")]

    def script(request: Asked) -> list[bytes] | None:
        if "/xhr-polling/" not in request.target or request.method == "POST":
            return [answer(TOLD if request.method == "GET" else "1")]
        return [answers.pop(0)] if answers else None

    async with scripted_server(script) as server:
        peer = await Peer.open(SOCKETIO, f"{server.url}/primus", options=POLLING)
        assert await peer.gone() == []


async def test_a_url_that_is_none_is_refused() -> None:
    with pytest.raises(OptionError):
        await Peer.open(SOCKETIO, "ftp://127.0.0.1/primus")


async def test_without_heartbeats_a_server_may_be_silent() -> None:
    def script(request: Asked) -> list[bytes] | None:
        if "/xhr-polling/" not in request.target:
            return [answer("key:::xhr-polling")]
        return [answer("\ufffd3\ufffd1::\ufffd5\ufffd3:::1\ufffd3\ufffd0::")]

    async with scripted_server(script) as server:
        peer = await Peer.open(SOCKETIO, f"{server.url}/primus")
        assert await peer.gone() == ["1"]


async def test_a_client_that_ends_while_its_first_poll_waits_leaves_nothing(
    primus_server: ServerFactory,
) -> None:
    server = await serve(primus_server)
    polled, allowed = asyncio.Event(), asyncio.Event()

    async def hold(request: Request) -> None:
        if "xhr-polling" in request.path:
            polled.set()
            await allowed.wait()

    server.primus.before("hold", hold)
    made: list[Any] = []
    server.primus.on("connection", made.append)
    socket = server.primus.Socket(server.url, transport={"transports": ["xhr-polling"]})
    async with asyncio.timeout(DEADLINE):
        await polled.wait()
        socket.end()
        allowed.set()
        await socket.wait_closed()
    await eventually(lambda: made)
    await eventually(lambda: len(server.primus) == 0)
