"""What does not fit between a client and its server, and which questions are asked about it."""

from __future__ import annotations

import errno
import socket
import ssl
from dataclasses import replace
from typing import Any

import pytest

from primus import HandshakeError, TransportError
from primus.client.address import parse_url
from primus.client.diagnosis import Client, differences, scheme_mismatch, why_no_wire
from primus_testing import Recorder, answer, scripted_server

SPEC = {"transformer": "websockets", "parser": "JSON", "plugins": ["rooms", "emit"]}
DESCRIBED = answer(b'{"transformer":"websockets","parser":"JSON"}')
LIMIT = 30.0
SOON = 0.05
"""How long a server is asked that takes the first bytes of TLS for a request and waits on."""


def client(url: str = "http://host", **facts: Any) -> Client:
    return Client(
        parse_url(url, "/primus"), **{"transformer": "websockets", "parser": "JSON", **facts}
    )


def refused(status: int) -> HandshakeError:
    return HandshakeError.answered(status, {}, b"")


def caused(cause: BaseException) -> TransportError:
    """An error of a transport, and what has led to it."""
    error = TransportError("no wire")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        ({}, ""),
        ({"parser": "json"}, ""),
        ({"transformer": "lws"}, ""),
        ({"transformer": "FAYE"}, ""),
        ({"plugins": ("rooms",)}, ""),
        (
            {"transformer": "sockjs"},
            "the server's transformer is 'websockets', that of this client is 'sockjs'",
        ),
        ({"parser": "ejson"}, "the server's parser is 'JSON', that of this client is 'ejson'"),
        (
            {"plugins": ("rooms", "emitter", "multiplex")},
            "the server does not use the plugin 'emitter', 'multiplex'",
        ),
        (
            {"parser": "ejson", "plugins": ("emitter",)},
            (
                "the server's parser is 'JSON', that of this client is 'ejson'; "
                "the server does not use the plugin 'emitter'"
            ),
        ),
    ],
)
def test_what_differs_of_a_server_and_a_client_is_named(facts: Any, sentence: str) -> None:
    assert differences(SPEC, client(**facts)) == sentence


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("primus-emit", "emit"),
        ("emit", "Primus-Emit"),
        ("emit-broadcast", "emit"),
        ("emit", "primus-emit/broadcast"),
        ("backbone.primus", "backbone"),
    ],
)
def test_a_plugin_has_several_names(theirs: str, ours: str) -> None:
    assert differences({**SPEC, "plugins": [theirs, 7]}, client(plugins=(ours,))) == ""
    assert "'emitter'" in differences({**SPEC, "plugins": [theirs]}, client(plugins=("emitter",)))


def test_two_that_are_one_on_the_wire_do_not_differ_but_from_others() -> None:
    assert "transformer" in differences({**SPEC, "transformer": "sockjs"}, client())
    assert not differences({**SPEC, "transformer": "uws"}, client(transformer="picows"))


@pytest.mark.parametrize("plugins", [None, "rooms", {"rooms": 1}])
def test_a_server_that_does_not_list_its_plugins_lacks_none(plugins: object) -> None:
    assert differences({**SPEC, "plugins": plugins}, client(plugins=("emitter",))) == ""
    assert differences({"transformer": "lws", "parser": "JSON"}, client(plugins=("x",))) == ""


@pytest.mark.parametrize("status", [401, 407, 429, 503])
async def test_nothing_is_asked_when_the_refusal_says_all(status: int) -> None:
    async with scripted_server(lambda asked: [DESCRIBED]) as server:
        assert await why_no_wire(refused(status), client(server.url), LIMIT) == ""
    assert not server.requests


@pytest.mark.parametrize(
    "cause",
    [
        ConnectionRefusedError(errno.ECONNREFUSED, "refused"),
        OSError(errno.EHOSTUNREACH, "no route"),
        OSError("several addresses"),
        TimeoutError(errno.ETIMEDOUT, "timed out"),
        socket.gaierror(-2, "not known"),
        ssl.SSLCertVerificationError(1, "self-signed"),
    ],
)
async def test_nothing_is_asked_when_nothing_is_there(cause: OSError) -> None:
    indirect = TransportError("no wire")
    indirect.os_error = cause  # type: ignore[attr-defined]
    async with scripted_server(lambda asked: None) as server:
        for error in (caused(cause), caused(caused(cause)), indirect):
            assert await why_no_wire(error, client(server.url), LIMIT) == ""
    assert not server.requests


@pytest.mark.parametrize(
    "cause", [TimeoutError(), ConnectionResetError(errno.ECONNRESET, "reset"), ValueError()]
)
async def test_a_server_that_may_be_there_is_asked(cause: Exception) -> None:
    async with scripted_server(lambda asked: [DESCRIBED]) as server:
        found = await why_no_wire(caused(cause), client(server.url, parser="ejson"), LIMIT)
    assert found == "the server's parser is 'JSON', that of this client is 'ejson'"
    assert server.requests


@pytest.mark.parametrize(
    ("first", "second", "is_missing"), [(404, 404, True), (404, 403, False), (403, 404, False)]
)
async def test_a_pathname_is_wrong_when_neither_the_handshake_nor_the_description_is_found(
    first: int, second: int, is_missing: bool
) -> None:
    async with scripted_server(lambda asked: [answer(b"", f"{second} No")]) as server:
        found = await why_no_wire(refused(first), client(server.url), LIMIT)
    assert found.startswith("there is no Primus at '/primus' of this server") is is_missing
    assert bool(found) is is_missing


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (refused(400), "takes no WebSocket (status 400): a proxy in between"),
        (refused(500), "something raised on the server, in a layer"),
        (refused(403), "takes no WebSocket (status 403): it refuses this client, a proxy"),
        (TransportError("broken off"), "takes no WebSocket: a proxy in between"),
    ],
)
async def test_a_server_that_fits_and_takes_no_websocket_is_told_with_its_status(
    error: Exception, words: str
) -> None:
    async with scripted_server(lambda asked: [DESCRIBED]) as server:
        found = await why_no_wire(error, client(server.url), LIMIT)
        polling = await why_no_wire(error, client(server.url, upgrades=False), LIMIT)
    assert words in found
    assert polling == ""


async def test_a_refusal_in_the_words_of_primus_says_all_and_nothing_is_asked() -> None:
    error = HandshakeError.answered(
        403, {"Content-Type": "application/json"}, b'{"error":"sign in first"}'
    )
    async with scripted_server(lambda asked: [DESCRIBED]) as server:
        assert await why_no_wire(error, client(server.url), LIMIT) == ""
    assert not server.requests


async def test_a_server_that_describes_nothing_explains_nothing() -> None:
    async with scripted_server(lambda asked: [answer(b"hello")]) as server:
        assert await why_no_wire(refused(400), client(server.url), SOON) == ""


async def test_the_description_is_asked_for_with_the_headers_and_nothing_else() -> None:
    transport = {"headers": {"X-Key": "yes"}, "compression": True}
    async with scripted_server(lambda asked: [DESCRIBED]) as server:
        asking = client(server.url + "?token=secret", transport=transport)
        assert (await asking.spec(LIMIT))["parser"] == "JSON"
    (request,) = server.requests
    assert request.headers["x-key"] == "yes"
    assert request.target == "/primus/spec?token=secret"


@pytest.mark.parametrize(
    "reason", ["WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "BAD_SIGNATURE"]
)
async def test_a_server_that_speaks_no_tls_is_told_by_how_the_handshake_failed(
    reason: str,
) -> None:
    failure = ssl.SSLError(1, "failed")
    failure.reason = reason
    other = ValueError()
    other.reason = reason  # type: ignore[attr-defined]
    secure = client("https://host:1")

    said = "host:1 does not speak TLS: connect to http:// or ws:// instead"
    assert await scheme_mismatch(caused(failure), secure, LIMIT) == (
        said if reason != "BAD_SIGNATURE" else ""
    )
    assert await scheme_mismatch(caused(other), secure, LIMIT) == ""
    if reason != "BAD_SIGNATURE":
        assert await why_no_wire(caused(failure), secure, LIMIT) == said


@pytest.mark.parametrize("status", ["400 Bad Request", "404 Not Found", "200 OK"])
async def test_a_server_without_tls_is_not_taken_for_one_that_has_it(status: str) -> None:
    whole = DESCRIBED if status == "200 OK" else answer(b"", status)
    async with scripted_server(lambda asked: [whole]) as server:
        assert await scheme_mismatch(TransportError("no"), client(server.url), SOON) == ""
    assert len(server.requests) == 1  # what follows by TLS is no request of HTTP


def patient(stage: Any, url: str, **options: Any) -> Any:
    """A socket that gives its server time to describe itself."""
    stage.dialler.asks = True
    made = stage.make(url, **options)
    made.limits = replace(made.limits, diagnosis_timeout=LIMIT)
    return made


async def test_only_the_first_frame_that_cannot_be_read_asks_the_server(stage: Any) -> None:
    async with scripted_server(lambda asked: [DESCRIBED]) as server:
        errors = Recorder(await patient(stage, server.url).opened(), "error")
        stage.wire.receive("{")
        first = await errors.one("error")
        stage.wire.receive("{")

    assert "the server's transformer is 'websockets'" in str(first)
    assert len(server.requests) == 1
    assert len(errors.seen("error")) == 2


async def test_a_frame_that_cannot_be_read_behind_one_that_can_asks_nothing(stage: Any) -> None:
    async with scripted_server(lambda asked: [DESCRIBED]) as server:
        errors = Recorder(await patient(stage, server.url).opened(), "error")
        stage.wire.receive("1", "{")
        await stage.settle()

    assert len(errors.seen("error")) == 1
    assert not server.requests


async def test_a_frame_that_cannot_be_read_is_told_whatever_the_server_answers(stage: Any) -> None:
    async with scripted_server(lambda asked: [answer(b"hello")]) as server:
        errors = Recorder(await patient(stage, server.url).opened(), "error")
        stage.wire.receive("{")
        told = await errors.one("error")

    assert server.requests
    assert "cannot read what the server sends" not in str(told)


@pytest.mark.parametrize("asks", [True, False])
async def test_a_first_attempt_that_fails_asks_the_server_where_that_makes_sense(
    stage: Any, asks: bool
) -> None:
    stage.dialler.answer = TransportError("no wire")
    async with scripted_server(lambda asked: [DESCRIBED]) as server:
        connecting = patient(stage, server.url, strategy="online")
        stage.dialler.asks = asks
        with pytest.raises(TransportError) as told:
            await connecting.opened()

    assert bool(server.requests) is asks
    assert ("the server's transformer" in str(told.value)) is asks


async def test_an_attempt_to_reconnect_that_fails_asks_nothing(stage: Any) -> None:
    async with scripted_server(lambda asked: [DESCRIBED]) as server:
        connected = await patient(stage, server.url, reconnect={"retries": 1}).opened()
        failed = Recorder(connected, "reconnect failed")
        stage.dialler.answer = TransportError("no wire")
        stage.wire.lose()
        await stage.advance(60.0)
        await failed.one("reconnect failed")

    assert not server.requests
