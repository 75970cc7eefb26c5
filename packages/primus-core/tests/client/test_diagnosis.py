"""What does not fit between a client and its server, and which questions are asked about it."""

from __future__ import annotations

import errno
import socket
import ssl
from typing import Any

import pytest

from primus import HandshakeError, TransportError
from primus.client.address import parse_url
from primus.client.diagnosis import Client, differences, scheme_mismatch, why_no_wire
from primus_testing import answer, scripted_server

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
