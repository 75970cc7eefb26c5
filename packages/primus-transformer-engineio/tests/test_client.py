"""The Python client half: how it opens a session, and what it does when it cannot."""

import asyncio
import gzip
import json
from typing import Any

import pytest

from primus import Primus
from primus.errors import HandshakeError, OptionError, TransportError
from primus.http import Request, Response
from primus.limits import DEFAULT_LIMITS
from primus.registry import transformer_named
from primus.transformer import Transformer
from primus_testing import (
    DEADLINE,
    Asked,
    Peer,
    Recorder,
    Running,
    ScriptedServer,
    answer,
    eventually,
    scripted_server,
)
from primus_testing.plugin import ServerFactory
from primus_testing.transformer.base import echo
from primus_transformer_engineio import client_session

SHORT = {"close_timeout": 0.1}


async def serve(primus_server: ServerFactory, **transport: Any) -> Running:
    server = await primus_server(transformer="engine.io", transport={**SHORT, **transport})
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
        received = await peer.receive()
        assert json.loads(received) == json.loads(frame)


@pytest.mark.parametrize("revision", [None, 3, 4])
@pytest.mark.parametrize("transports", [["polling"], ["websocket"], ["polling", "websocket"]])
async def test_every_way_to_a_session(
    primus_server: ServerFactory, revision: int | None, transports: list[str]
) -> None:
    server = await serve(primus_server)
    peer = await server.peer(options={"transports": transports, "revision": revision})
    await echoes(peer)
    (spark,) = server.primus
    assert spark.query["EIO"] == str(revision or 4)
    assert spark.query["transport"] == transports[0]


async def test_a_server_of_revision_3_is_spoken_to_in_it(primus_server: ServerFactory) -> None:
    server = await serve(primus_server, revisions=[3])
    await echoes(await server.peer())
    with pytest.raises(HandshakeError) as refused:
        await server.peer(options={"revision": 4})
    assert refused.value.status == 400


@pytest.mark.parametrize(("version", "revision"), [("6.1.0", "3"), ("8.0.9", "4"), ("?", "4")])
async def test_a_websocket_at_once_speaks_what_the_spec_tells(
    primus_server: ServerFactory, version: str, revision: str
) -> None:
    server = await serve(primus_server)
    server.primus.before("spec", lambda request: _spec(request, version))
    await echoes(await server.peer(options={"transports": ["websocket"]}))
    (spark,) = server.primus
    assert spark.query["EIO"] == revision


def _spec(request: Request, version: str) -> Response | None:
    return Response.json({"version": version}) if request.path.endswith("/spec") else None


async def test_a_client_that_cannot_upgrade_goes_on_polling(primus_server: ServerFactory) -> None:
    server = await serve(primus_server)
    refused = asyncio.Event()

    def refuse(request: Request) -> Response:
        refused.set()
        return Response(502)

    server.primus.before("refuse", refuse, http=False)
    peer = await server.peer()
    async with asyncio.timeout(DEADLINE):
        await refused.wait()
    await echoes(peer)


async def test_an_upgrade_that_is_not_answered_is_given_up(
    primus_server: ServerFactory, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(client_session, "UPGRADE_TIMEOUT", 0.01)
    caplog.set_level("DEBUG", "primus.client")
    server = await primus_server(transformer="engine.io", transport=SHORT, handshake_timeout=1000.0)
    echo(server.primus)
    answered = asyncio.Event()

    async def hang(request: Request) -> None:
        await answered.wait()

    server.primus.before("hang", hang, http=False)
    peer = await server.peer()
    await eventually(lambda: "the connection is polled on" in caplog.text)
    await echoes(peer)
    answered.set()


async def test_a_session_that_has_upgraded_is_polled_no_more(primus_server: ServerFactory) -> None:
    server = await serve(primus_server)
    requests = asked(server)
    peer = await server.peer()
    await eventually(lambda: any(request.upgrade for request in requests))
    async with asyncio.timeout(DEADLINE):
        count = 0
        while count < len(requests):
            count = len(requests)
            await echoes(peer)


async def test_cookies_go_along_with_the_upgrade(primus_server: ServerFactory) -> None:
    server = await serve(primus_server, cookie="io")
    requests = asked(server)
    await server.peer()
    await eventually(lambda: any(request.upgrade for request in requests))
    (upgrade,) = (request for request in requests if request.upgrade)
    assert upgrade.cookies["io"]


@pytest.mark.parametrize(
    "options", [{"transports": []}, {"transports": ["tin cans"]}, {"revision": 2}, {"agent": None}]
)
async def test_options_that_cannot_work_are_refused(
    primus_server: ServerFactory, options: dict[str, Any]
) -> None:
    server = await serve(primus_server)
    with pytest.raises(OptionError):
        await server.peer(options=options)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "hello",
        "0",
        "0{}",
        '0{"sid":1,"pingInterval":1,"pingTimeout":1}',
        '0{"sid":"a","pingInterval":1,"pingTimeout":NaN}',
        '0{"sid":"a","pingInterval":NaN,"pingTimeout":1}',
        '0{"sid":"a","pingInterval":1e999,"pingTimeout":1}',
        '0{"sid":"a","pingInterval":1e300,"pingTimeout":1}',
        "0" + "[" * 20_000,
        "4x",
        "97:x",
    ],
    ids=lambda body: body[:60],
)
async def test_a_server_that_speaks_something_else_is_an_error(
    primus_server: ServerFactory, body: str
) -> None:
    server = await serve(primus_server)
    server.primus.before("other", lambda request: Response(200, body))
    with pytest.raises(TransportError):
        await server.peer()


async def test_an_address_without_a_server_is_an_error() -> None:
    from primus_transformer_engineio.server import EngineIO

    kind: type[Transformer] = EngineIO
    for transports in ("polling", "websocket"):
        with pytest.raises(TransportError):
            await Peer.open(kind, "http://127.0.0.1:1/primus", options={"transports": transports})


async def test_a_poll_that_is_refused_later_ends_the_session(primus_server: ServerFactory) -> None:
    server = await serve(primus_server)
    peer = await server.peer(options={"transports": ["polling"]})
    await echoes(peer)
    server.primus.before("refuse", lambda request: Response.error(403))
    peer.send('"more"')
    await peer.gone()
    assert isinstance(peer.error, HandshakeError)
    assert peer.error.status == 403


async def test_what_was_sent_before_the_end_arrives(primus_server: ServerFactory) -> None:
    for transports in (["polling"], ["websocket"], ["polling", "websocket"]):
        server = await serve(primus_server)
        got: list[Any] = []
        server.primus.on("connection", lambda spark, got=got: spark.on("data", got.append) and None)
        peer = await server.peer(options={"transports": transports})
        peer.send(*(f"{number}" for number in range(100)))
        peer.close()
        await peer.gone()
        await eventually(lambda server=server: len(server.primus) == 0)
        assert got == list(range(100))


OPENED = '0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000}'


def polling(server: ScriptedServer) -> Any:
    kind = Primus.create_socket(transformer="engine.io")
    return kind(server.url, strategy=False, transport={"transports": ["polling"]})


async def test_a_poll_whose_answer_is_lost_is_not_sent_again() -> None:
    answers = iter([OPENED, '4"one"', None, '4"three"'])

    def script(asked: Asked) -> list[bytes] | None:
        if asked.method == "POST":
            return [answer("ok")]
        text = next(answers)
        return None if text is None else [answer(text)]

    async with scripted_server(script) as server:
        events = Recorder(polling(server), "data", "close", "end")
        await events.next("end")

    polls = [asked for asked in server.requests if asked.method == "GET"]
    assert events.story == ["data", "close", "end"]
    assert events.seen("data") == [("one", '"one"')]
    assert len(polls) == 3
    assert polls[1].connection == polls[2].connection, "it was not kept alive"


async def test_a_post_whose_answer_is_lost_is_not_sent_again() -> None:
    posts: list[bytes] = []

    def script(asked: Asked) -> list[bytes] | None:
        if asked.method == "GET":
            return [] if "sid=" in asked.target else [answer(OPENED)]
        posts.append(asked.body)
        return [answer("ok")] if len(posts) == 1 else None

    async with scripted_server(script) as server:
        socket = polling(server)
        events = Recorder(socket, "open", "close", "end")
        await events.next("open")
        await eventually(lambda: posts)
        socket.write("lost")
        await events.next("end")

    assert posts[:2] == [b'4"primus::id::"', b'4"lost"']
    assert posts.count(b'4"lost"') == 1


async def test_what_follows_the_close_of_a_server_is_not_taken() -> None:
    answers = iter([answer(OPENED), answer('1\x1e4"late"')])

    def script(asked: Asked) -> list[bytes]:
        return [answer("ok")] if asked.method == "POST" else [next(answers)]

    async with scripted_server(script) as server:
        events = Recorder(polling(server), "data", "close", "end")
        await events.next("close")
    assert events.seen("data") == []


async def test_a_server_of_revision_4_is_answered_its_pings() -> None:
    answers = iter([answer(OPENED), answer("2")])
    posted = asyncio.Event()

    def script(asked: Asked) -> list[bytes]:
        if asked.method == "GET":
            return [next(answers)] if len(server.requests) < 4 else []
        if b"3" in asked.body.split(b"\x1e"):
            posted.set()
        return [answer("ok")]

    async with scripted_server(script) as server, asyncio.timeout(DEADLINE):
        socket = polling(server)
        await posted.wait()
        socket.destroy()


async def test_a_websocket_that_greets_with_something_else_is_dropped(
    primus_server: ServerFactory,
) -> None:
    server = await primus_server(transformer="websockets")
    sparks = Recorder(server.primus, "disconnection")
    server.primus.on("connection", lambda spark: spark.write("hello"))
    with pytest.raises(TransportError, match=r"no Engine\.IO packet"):
        await Peer.open(
            KIND, server.url + "/primus", options={"transports": ["websocket"], "revision": 4}
        )
    await sparks.next("disconnection")


# -- servers that mean no good


KIND = transformer_named("engine.io")[1]
HANDSHAKE = {"sid": "s", "upgrades": [], "pingInterval": 25000, "pingTimeout": 20000}


@pytest.mark.parametrize(
    "body",
    [
        "0" + json.dumps({**HANDSHAKE, "pingInterval": float("nan")}),
        "0" + json.dumps({**HANDSHAKE, "pingInterval": float("inf")}),
        "0" + json.dumps({**HANDSHAKE, "pingTimeout": 10**400}),
        "0" + json.dumps({**HANDSHAKE, "pingTimeout": -1}),
        "0" + json.dumps({**HANDSHAKE, "pingTimeout": "soon"}),
        "0" + json.dumps({**HANDSHAKE, "upgrades": 5}),
        "0" + json.dumps({**HANDSHAKE, "sid": 5}),
        "0" + json.dumps({**HANDSHAKE, "sid": "s" * 1025}),
        "0" + "[" * 100_000,
        "0[]",
    ],
    ids=range(10),
)
async def test_a_handshake_that_is_none_is_an_error(body: str) -> None:
    async with scripted_server(lambda asked: [answer(body)]) as server:
        with pytest.raises(TransportError, match=r"does not speak Engine\.IO"):
            await Peer.open(KIND, server.url + "/primus", options={"transports": ["polling"]})


async def test_the_id_of_a_session_is_nothing_but_a_value_of_the_query() -> None:
    sid = "a&EIO=9 HTTP/1.1\r\nX-Evil: 1\r\n\r\nä#"
    opened = answer("0" + json.dumps({**HANDSHAKE, "sid": sid}))

    def script(asked: Asked) -> list[bytes]:
        return [answer("1") if "sid=" in asked.target else opened]

    async with scripted_server(script) as server:
        peer = await Peer.open(KIND, server.url + "/primus")
        await peer.gone()
    assert server.requests[1].target.endswith(
        "&sid=a%26EIO%3D9%20HTTP%2F1.1%0D%0AX-Evil%3A%201%0D%0A%0D%0A%C3%A4%23"
    )
    assert len(server.requests) == 2


@pytest.mark.parametrize("at", ["handshake", "poll"])
async def test_an_answer_that_inflates_beyond_the_limit_is_an_error(at: str) -> None:
    bomb = answer(
        gzip.compress(b"4" * (DEFAULT_LIMITS.poll_bytes + 1)), "200 OK", "Content-Encoding: gzip"
    )

    def script(asked: Asked) -> list[bytes]:
        if asked.method == "POST":
            return [answer("ok")]
        return [bomb if (at == "poll") == ("sid=" in asked.target) else answer(OPENED)]

    async with scripted_server(script) as server:
        if at == "handshake":
            with pytest.raises(TransportError, match="an answer of more than"):
                await Peer.open(KIND, server.url + "/primus")
            return
        peer = await Peer.open(KIND, server.url + "/primus", max_length=1000)
        assert await peer.gone() == []
        assert "an answer of more than" in str(peer.error)


async def test_cookies_of_a_server_go_along_with_the_upgrade_as_they_came() -> None:
    handshake = answer(
        "0" + json.dumps({**HANDSHAKE, "upgrades": ["websocket"]}),
        "200 OK",
        'Set-Cookie: evil="a\\015\\012X-Evil: 1"',
        "Set-Cookie: mine=theirs; Path=/",
        "Set-Cookie: elsewhere=1; Domain=example.com",
        "Set-Cookie: lb=7",
    )
    upgrades: list[Asked] = []

    def script(asked: Asked) -> list[bytes]:
        if "websocket" in asked.headers.get("upgrade", ""):
            upgrades.append(asked)
            return [answer("", "400 Bad Request")]
        return [] if "sid=" in asked.target else [handshake]

    async with scripted_server(script) as server:
        headers = {"cookie": "own=1; mine=2"}
        peer = await Peer.open(KIND, server.url + "/primus", options={"headers": headers})
        await eventually(lambda: upgrades)
        peer.abort()
        await peer.gone()
    assert upgrades[0].headers["cookie"] == ("own=1; mine=theirs; lb=7")
    assert "x-evil" not in upgrades[0].headers
