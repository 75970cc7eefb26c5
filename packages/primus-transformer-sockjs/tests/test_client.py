"""The Python client half against a server that breaks connections."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from typing import Any

import pytest

from primus import OptionError, Primus, ProtocolError
from primus.limits import DEFAULT_LIMITS
from primus.registry import transformer_named
from primus_testing import (
    Asked,
    Peer,
    Recorder,
    ScriptedServer,
    answer,
    eventually,
    scripted_server,
)

OPENED = b"o\n"


def client(server: ScriptedServer, transport: str) -> Any:
    kind = Primus.create_socket(transformer="sockjs")
    return kind(server.url, strategy=False, transport={"transports": [transport]})


def receiving(server: ScriptedServer) -> list[Asked]:
    return [asked for asked in server.requests if "/xhr_send" not in asked.target]


async def test_a_poll_whose_answer_is_lost_is_not_sent_again() -> None:
    answers = iter(["o\n", 'a["\\"one\\""]\n', None, 'a["\\"three\\""]\n'])

    def script(asked: Asked) -> Sequence[bytes] | None:
        if "/xhr_send" in asked.target:
            return [answer("", "204 No Content")]
        text = next(answers)
        return None if text is None else [answer(text)]

    async with scripted_server(script) as server:
        events = Recorder(client(server, "xhr-polling"), "data", "close", "end")
        await events.next("end")

    assert events.story == ["data", "close", "end"]
    assert events.seen("data") == [("one", '"one"')]
    assert len(receiving(server)) == 3


@pytest.mark.parametrize("transport", ["xhr-polling", "xhr-streaming"])
@pytest.mark.parametrize("query", ["", "?a=b"])
async def test_every_request_that_receives_but_the_first_says_that_the_session_was_opened(
    transport: str, query: str
) -> None:
    answers = iter(["o\n", "h\n", "h\n"])

    def script(asked: Asked) -> Sequence[bytes] | None:
        if "/xhr_send" in asked.target:
            return [answer("", "204 No Content")]
        return [answer(text)] if (text := next(answers, "")) else None

    async with scripted_server(script) as server:
        kind = Primus.create_socket(transformer="sockjs")
        transports = {"transports": [transport]}
        events = Recorder(
            kind(server.url + query, strategy=False, transport=transports), "open", "end"
        )
        await events.next("end")
        first, *others = [asked.target for asked in receiving(server)]

    assert "_primusopened" not in first
    assert others == [f"{first}&_primusopened=1"] * 3


async def test_a_stream_whose_answer_is_lost_is_not_asked_for_again() -> None:
    streams = iter([[answer("h" * 2048 + "\no\n")], None, [answer('a["1"]\n')]])

    def script(asked: Asked) -> Sequence[bytes] | None:
        if "/xhr_send" in asked.target:
            return [answer("", "204 No Content")]
        return next(streams)

    async with scripted_server(script) as server:
        events = Recorder(client(server, "xhr-streaming"), "open", "data", "close", "end")
        await events.next("end")

    assert events.story == ["open", "close", "end"]
    assert len(receiving(server)) == 2


async def test_a_frame_without_an_end_is_kept_up_to_a_limit_however_small_its_pieces() -> None:
    piece = b"8000\r\n" + b"x" * 0x8000 + b"\r\n"
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\no\n\r\n"

    def script(asked: Asked) -> Sequence[bytes] | None:
        if "/xhr_send" in asked.target:
            return [answer("", "204 No Content")]
        return [head, *[piece] * (3 * DEFAULT_LIMITS.poll_bytes // 0x8000)]

    async with scripted_server(script) as server:
        events = Recorder(client(server, "xhr-streaming"), "error", "end")
        (error,) = await events.next("error")
        await events.next("end")

    assert isinstance(error, ProtocolError)
    assert str(error).startswith("a frame of more than")


@pytest.mark.parametrize("transport", ["xhr-polling", "xhr-streaming"])
async def test_a_post_whose_answer_is_lost_is_not_sent_again(transport: str) -> None:
    posts: list[bytes] = []
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\no\n\r\n"
    opened = answer("o\n") if transport == "xhr-polling" else head

    def script(asked: Asked) -> Sequence[bytes] | None:
        if "/xhr_send" not in asked.target:
            return [opened] if len(receiving(server)) == 1 else []
        posts.append(asked.body)
        return [answer("", "204 No Content")] if len(posts) == 1 else None

    async with scripted_server(script) as server:
        socket = client(server, transport)
        events = Recorder(socket, "open", "close", "end")
        await events.next("open")
        await eventually(lambda: posts)
        socket.write("lost")
        await events.next("end")

    assert posts == [b'["\\"primus::id::\\""]', b'["\\"lost\\""]']


@pytest.mark.parametrize("transport", ["xhr-polling", "xhr-streaming"])
@pytest.mark.parametrize("page", ["", "<html>sign in</html>", "o"])
async def test_a_page_in_the_place_of_a_session_is_an_error_and_is_not_asked_for_again(
    transport: str, page: str
) -> None:
    def script(asked: Asked) -> Sequence[bytes]:
        return [answer("", "404 Not Found") if asked.target == "/primus/spec" else answer(page)]

    async with scripted_server(script) as server:
        events = Recorder(client(server, transport), "open", "error", "end")
        error = await events.one("error")
        await events.next("end")

    assert isinstance(error, ProtocolError)
    assert len([each for each in server.requests if each.target != "/primus/spec"]) == 1


@pytest.mark.parametrize("page", ["", "<html>back soon</html>", 'a["half'])
async def test_a_poll_that_is_answered_by_a_page_is_the_end_of_its_session(page: str) -> None:
    answers = iter(["o\n"])

    def script(asked: Asked) -> Sequence[bytes]:
        return [answer(next(answers, page))]

    async with scripted_server(script) as server:
        events = Recorder(client(server, "xhr-polling"), "open", "error", "close", "end")
        await events.next("end")

    assert events.story == ["open", "error", "close", "end"]
    assert len(receiving(server)) == 2


@pytest.mark.parametrize("transport", ["xhr-polling", "xhr-streaming"])
@pytest.mark.parametrize("body", [b"x", b"a[" + b'"1",' * 100_000, b"x\n"])
async def test_an_answer_without_bounds_is_an_error(transport: str, body: bytes) -> None:
    bomb = gzip.compress(body * ((64 << 20) // len(body)))
    whole = answer(bomb, "200 OK", "Content-Encoding: gzip")
    opened = answer("o\n")

    def script(asked: Asked) -> Sequence[bytes]:
        return [opened if len(receiving(server)) == 1 else whole]

    async with scripted_server(script) as server:
        kind = Primus.create_socket(transformer="sockjs")
        options = {"transports": [transport]}
        socket = kind(server.url, strategy=False, max_length=1000, transport=options)
        events = Recorder(socket, "data", "error", "end")
        error = await events.one("error")
        await events.next("end")

    assert isinstance(error, ProtocolError)
    assert events.seen("data") == []


KIND = transformer_named("sockjs")[1]


@pytest.mark.parametrize("transports", [[], "tin cans", ["websocket", "tin cans"]])
async def test_transports_that_are_none_are_refused(transports: Any) -> None:
    with pytest.raises(OptionError, match="transports="):
        await Peer.open(KIND, "http://127.0.0.1:1/primus", options={"transports": transports})


async def test_a_transport_that_does_not_open_in_time_gives_way_to_the_next() -> None:
    answers = iter([answer("o\n")])

    def script(asked: Asked) -> Sequence[bytes] | None:
        return [next(answers, b"")] if asked.target.endswith("/xhr") else []

    options = {"transports": ["websocket", "xhr-polling"], "attempt_timeout": 0.05}
    async with scripted_server(script) as server:
        peer = await Peer.open(KIND, server.url + "/primus", options=options)
        peer.abort()
    assert server.requests[0].target.endswith("/websocket")
