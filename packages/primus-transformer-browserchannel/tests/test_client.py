"""The Python client half against a server that breaks connections, and rules."""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from primus import HandshakeError, Primus, ProtocolError, TransportError
from primus.polling import NothingListens
from primus_testing import Asked, Recorder, ScriptedServer, answer, eventually, scripted_server
from primus_transformer_browserchannel import client_session

OPENED = '25\n[[0,["c","sid",null,8]]]\n'
STREAM = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
NOOP = '15\n[[1,["noop"]]]\n'

Script = Callable[[dict[str, str], Asked], Sequence[bytes] | None]


def piece(text: str) -> bytes:
    """A piece of an answer that streams."""
    data = text.encode()
    return b"%x\r\n%s\r\n" % (len(data), data)


def arrays(first: int, *data: str) -> str:
    """A chunk of arrays, whose data is JSON."""
    body = "[" + ",".join(f"[{first + at},{each}]" for at, each in enumerate(data)) + "]\n"
    return f"{len(body)}\n{body}"


def fields(asked: Asked) -> dict[str, str]:
    """The query string of a request."""
    return {name: value[-1] for name, value in parse_qs(urlsplit(asked.target).query).items()}


def kind(asked: Asked) -> str:
    """What a request is for."""
    query = fields(asked)
    for each in ("test", "spec"):
        if f"/{each}" in asked.target:
            return each
    if query.get("TYPE") == "terminate":
        return "leave"
    if query.get("RID") == "rpc":
        return "back"
    return "post" if "SID" in query else "open"


def server(**answers: Any) -> Any:
    """A server that answers each kind of request as is said, with functions or literally."""
    usual: dict[str, Any] = {
        "spec": [answer("", "404 Not Found")],
        "test": [answer("11111")],
        "open": [answer(OPENED)],
        "back": [STREAM],
        "post": [answer("7\n[1,0,0]")],
        "leave": [answer("")],
    }

    def script(asked: Asked) -> Sequence[bytes] | None:
        found = {**usual, **answers}[kind(asked)]
        if isinstance(found, Iterator):
            return next(found, None)
        return found(asked) if callable(found) else found

    return scripted_server(script)


def client(server: ScriptedServer, **transport: Any) -> Any:
    made = Primus.create_socket(transformer="browserchannel")
    options = {"streaming": True, "retry_delay": 0.001, **transport}
    return made(server.url, strategy=False, transport=options)


def asked(server: ScriptedServer, what: str) -> list[Asked]:
    return [each for each in server.requests if kind(each) == what]


# -- opening


@pytest.mark.parametrize(
    ("body", "streaming", "ci"),
    [
        ("11111", None, "0"),
        ("111112", None, "1"),
        ("", None, "1"),
        ("", True, "0"),
        ("", False, "1"),
    ],
)
async def test_the_test_says_whether_answers_stream(
    body: str, streaming: bool | None, ci: str
) -> None:
    async with server(test=[answer(body)]) as running:
        transport = {} if streaming is None else {"streaming": streaming}
        made = Primus.create_socket(transformer="browserchannel")
        socket = made(running.url, strategy=False, transport=transport)
        await Recorder(socket, "open").next("open")
        await eventually(lambda: asked(running, "back"))
        assert fields(asked(running, "back")[0])["CI"] == ci
        assert len(asked(running, "test")) == (2 if streaming is None else 0)
        socket.destroy()


async def test_every_request_has_what_load_balancers_go_by_and_no_cache_has_seen() -> None:
    async with server() as running:
        socket = client(running)
        events = Recorder(socket, "open", "end")
        await events.next("open")
        socket.write("hello")
        await eventually(lambda: asked(running, "post") and asked(running, "back"))
        socket.end()
        await eventually(lambda: asked(running, "leave"))
        queries = [fields(each) for each in running.requests]
        assert len({each["a"] for each in queries}) == 1
        assert len({each["zx"] for each in queries}) == len(queries)
        assert {each["VER"] for each in queries} == {"8"}


@pytest.mark.parametrize(
    "body",
    [
        "",
        "x",
        "7\n[1,0,0]",
        '14\n[[0,["stop"]]\n',
        '15\n[[0,["noop"]]]\n',
        '25\n[[1,["c","sid",null,8]]]\n',
        '25\n[[0,["c","sid",null,7]]]\n',
        '28\n[[0,["c","\\ud800",null,8]]]\n',
        '22\n[[0,["c","",null,8]]]\n',
        '23\n[[0,["c",123,null,8]]]\n',
        '10\n[[0,["c"]]]\n',
        f'1047\n[[0,["c","{"x" * 1025}",null,8]]]\n',
        OPENED + OPENED,
    ],
)
async def test_what_opens_no_session_is_an_error(body: str) -> None:
    async with server(open=[answer(body)]) as running:
        events = Recorder(client(running), "open", "error", "end")
        assert isinstance(await events.one("error"), ProtocolError)
        await events.next("end")
        assert events.story == ["error", "end"]


async def test_a_session_that_the_server_stops_at_once_is_over() -> None:
    body = arrays(0, '["c","sid",null,8]', '["stop"]')
    async with server(open=[answer(body)]) as running:
        events = Recorder(client(running), "open", "error", "end")
        await events.next("end")
        assert events.story == ["open", "end"]
        assert not asked(running, "back")


# -- posts


async def test_a_post_whose_answer_is_lost_is_sent_again_with_what_has_come_meanwhile() -> None:
    def post(each: Asked) -> Sequence[bytes] | None:
        if len(asked(running, "post")) == 2:
            socket.write("later")
            return None
        return [answer("7\n[1,0,0]")]

    async with server(post=post) as running:
        socket = client(running)
        events = Recorder(socket, "open", "close", "end")
        await events.next("open")
        await eventually(lambda: asked(running, "post"))  # the question for our id
        socket.write("first")
        await eventually(lambda: len(asked(running, "post")) == 3)
        _, lost, again = asked(running, "post")
        assert fields(lost)["RID"] == fields(again)["RID"]
        assert (fields(lost)["t"], fields(again)["t"]) == ("1", "2")
        assert lost.body == b"count=1&ofs=1&req0__S=%22first%22"
        assert again.body == b"count=2&ofs=1&req0__S=%22first%22&req1__S=%22later%22"
        socket.write("next")
        await eventually(lambda: len(asked(running, "post")) == 4)
        last = asked(running, "post")[-1]
        assert int(fields(last)["RID"]) == int(fields(again)["RID"]) + 1
        assert last.body == b"count=1&ofs=3&req0__S=%22next%22"
        assert events.story == ["open"]
        socket.destroy()


async def test_a_post_that_fails_again_and_again_is_the_end() -> None:
    async with server(post=lambda each: None) as running:
        events = Recorder(client(running), "error", "end")
        assert isinstance(await events.one("error"), TransportError)
        await events.next("end")
        assert len(asked(running, "post")) == 3


@pytest.mark.parametrize(
    "body", ["", "7\n", "x", "2\n[]", "4\nnull", "11\n[1,[],null]", "[" * 1000]
)
async def test_an_answer_to_a_post_that_makes_no_sense_is_an_error(body: str) -> None:
    async with server(post=[answer(body)]) as running:
        events = Recorder(client(running), "error", "end")
        assert isinstance(await events.one("error"), ProtocolError)


# -- back channels


async def test_a_back_channel_that_is_cut_is_opened_again_where_it_ended() -> None:
    cut = arrays(2, '"\\"two\\""', '"\\"three\\""')
    backs = iter(
        [
            [STREAM, piece(arrays(1, '"\\"one\\""')), piece(cut[:10]), b""],
            [STREAM, piece(cut), piece(arrays(4, '["noop"]', '"\\"four\\""'))],
        ]
    )
    async with server(back=backs) as running:
        socket = client(running)
        events = Recorder(socket, "data", "close")
        await eventually(lambda: len(events.seen("data")) == 4)
        assert [data for data, _ in events.seen("data")] == ["one", "two", "three", "four"]
        first, second = asked(running, "back")
        assert (fields(first)["AID"], fields(second)["AID"]) == ("0", "1")
        assert events.story == ["data"] * 4
        socket.destroy()


async def test_arrays_that_come_twice_are_taken_once() -> None:
    backs = iter(
        [
            [answer(arrays(1, '"1"', '"2"'))],
            [answer(arrays(1, '"1"', '"2"', '"3"'))],
            [STREAM],
        ]
    )
    async with server(back=backs) as running:
        socket = client(running)
        events = Recorder(socket, "data")
        await eventually(lambda: len(asked(running, "back")) == 3)
        assert [data for data, _ in events.seen("data")] == [1, 2, 3]
        socket.destroy()


async def test_an_array_that_is_missing_is_an_error() -> None:
    async with server(back=[answer(arrays(2, '"2"'))]) as running:
        events = Recorder(client(running), "data", "error", "end")
        assert "array 2 comes where 1 is next" in str(await events.one("error"))
        await events.next("end")
        assert events.story == ["error", "end"]


@pytest.mark.parametrize("back", [None, [STREAM, b""], [answer("")], [answer("15\n[[1")]])
async def test_a_back_channel_that_fails_again_and_again_is_the_end(back: Any) -> None:
    async with server(back=lambda each: back) as running:
        events = Recorder(client(running), "error", "end")
        assert isinstance(await events.one("error"), TransportError)
        await events.next("end")
        assert len(asked(running, "back")) == 4


async def test_a_back_channel_that_ends_in_the_middle_of_a_chunk_has_failed() -> None:
    backs = iter([[answer(arrays(1, '"1"') + "15\n[[2")], [STREAM, piece(arrays(2, '"2"'))]])
    async with server(back=backs) as running:
        socket = client(running)
        events = Recorder(socket, "data")
        await eventually(lambda: len(events.seen("data")) == 2)
        assert [fields(each)["t"] for each in asked(running, "back")] == ["1", "2"]
        socket.destroy()


async def test_data_makes_good_for_earlier_failures() -> None:
    numbers = iter(range(1, 20))

    def back(each: Asked) -> Sequence[bytes]:
        return [STREAM, piece(arrays(next(numbers), '["noop"]')), b""]

    async with server(back=back) as running:
        socket = client(running)
        events = Recorder(socket, "close", "error")
        await eventually(lambda: len(asked(running, "back")) > 10)
        assert events.story == []
        socket.destroy()


async def test_a_session_that_the_server_has_lost_is_the_end_at_once() -> None:
    lost = answer("<html><body><h1>Unknown SID</h1></body></html>", "400 Unknown SID")
    async with server(back=[lost]) as running:
        events = Recorder(client(running), "error", "end")
        error = await events.one("error")
        await events.next("end")
        assert isinstance(error, HandshakeError)
        assert (error.status, len(asked(running, "back"))) == (400, 1)
        assert not asked(running, "leave")


async def test_a_server_that_is_gone_is_the_end_at_once() -> None:
    async with server() as running:
        events = Recorder(client(running, retry_delay=1000.0), "error", "end")
        await eventually(lambda: asked(running, "back"))
    assert isinstance(await events.one("error"), NothingListens)
    await events.next("end")


async def test_a_post_finds_out_that_the_server_is_gone_while_the_back_channel_waits() -> None:
    async with server(back=lambda each: None) as running:
        socket = client(running, retry_delay=1000.0)
        events = Recorder(socket, "error", "end")
        await eventually(lambda: len(asked(running, "back")) == 2)
    socket.write("hello")
    assert isinstance(await events.one("error"), NothingListens)
    await events.next("end")


async def test_a_back_channel_that_the_server_does_not_have_is_opened_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client_session, "ROUND_TRIP", 0.0)
    async with server(post=[answer("7\n[0,0,0]")]) as running:
        socket = client(running)
        await eventually(lambda: asked(running, "back"))
        socket.write("hello")
        await eventually(lambda: len(asked(running, "back")) > 1)
        socket.destroy()


async def test_a_back_channel_that_has_just_been_opened_is_given_time() -> None:
    async with server(post=[answer("7\n[0,0,0]")]) as running:
        socket = client(running)
        await eventually(lambda: asked(running, "back"))
        for number in range(3):
            socket.write(number)
            await eventually(lambda number=number: len(asked(running, "post")) > number)
        assert len(asked(running, "back")) == 1
        socket.destroy()


@pytest.mark.parametrize(
    ("reply", "opened"), [("7\n[1,3,9]", 2), ("11\n[1,3,37500]", 1), ("7\n[1,0,0]", 1)]
)
async def test_a_back_channel_that_brings_nothing_though_something_was_sent_is_opened_again(
    monkeypatch: pytest.MonkeyPatch, reply: str, opened: int
) -> None:
    monkeypatch.setattr(client_session, "ROUND_TRIP", 0.01)
    backs = iter([[STREAM], [STREAM, piece(arrays(1, '"1"', '"2"', '"3"'))]])
    async with server(post=[answer(reply)], back=backs) as running:
        socket = client(running)
        events = Recorder(socket, "data")
        await eventually(lambda: asked(running, "post") and asked(running, "back"))
        if opened == 2:
            await eventually(lambda: len(events.seen("data")) == 3)
        assert len(asked(running, "back")) == opened
        socket.destroy()


# -- limits


@cache
def bomb(body: bytes) -> bytes:
    """An answer that is long once it is inflated."""
    whole = gzip.compress(body * ((64 << 20) // len(body)), compresslevel=1)
    return answer(whole, "200 OK", "Content-Encoding: gzip")


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("open", b"x"),
        ("post", b"x"),
        ("back", b"x"),
        ("back", b"16000000\n[" + b"[1," * 100_000),
    ],
)
async def test_an_answer_without_bounds_is_an_error(what: str, body: bytes) -> None:
    async with server(**{what: [bomb(body)]}) as running:
        events = Recorder(client(running), "data", "error", "end")
        assert isinstance(await events.one("error"), ProtocolError)
        await events.next("end")
        assert events.seen("data") == []


async def test_a_message_that_is_too_long_is_an_error() -> None:
    async with server(back=[answer(arrays(1, '"' + "x" * 2000 + '"'))]) as running:
        made = Primus.create_socket(transformer="browserchannel")
        transport = {"streaming": True, "retry_delay": 0.001}
        socket = made(running.url, strategy=False, max_length=1000, transport=transport)
        events = Recorder(socket, "data", "error", "end")
        assert isinstance(await events.one("error"), ProtocolError)
        await events.next("end")
        assert events.seen("data") == []
        await eventually(lambda: asked(running, "leave"))


async def test_a_back_channel_is_read_no_further_while_much_waits_for_a_busy_listener(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client_session, "KEPT", 10_000)
    long = '"\\"' + "x" * 10_000 + '\\""'
    backs = [STREAM, *(piece(arrays(number, long)) for number in range(1, 201))]
    gate, received = asyncio.Event(), list[int]()
    async with server(back=backs) as running:
        socket = client(running)

        @socket.on("data")
        async def data(text: str) -> None:
            await gate.wait()
            received.append(len(text))

        await eventually(lambda: socket._transport and socket._transport._room is not None)
        gate.set()
        await eventually(lambda: len(received) == 200)
        socket.destroy()


# -- the end


async def test_a_client_that_ends_posts_what_waits_and_leaves_with_the_next_rid() -> None:
    async with server() as running:
        socket = client(running)
        events = Recorder(socket, "open", "end")
        await events.next("open")
        socket.write("last")
        socket.end()
        await eventually(lambda: asked(running, "leave"))
        post = asked(running, "post")[-1]
        assert b"%22last%22" in post.body
        (leave,) = asked(running, "leave")
        assert int(fields(leave)["RID"]) == int(fields(post)["RID"]) + 1
        assert fields(leave)["SID"] == "sid"


async def test_the_end_of_the_server_is_no_error() -> None:
    body = arrays(1, '"\\"last\\""', '"\\"primus::server::close\\""', '["stop"]', '"\\"not\\""')
    async with server(back=[STREAM, piece(body)]) as running:
        socket = client(running)
        events = Recorder(socket, "data", "error", "end")
        await events.next("end")
        assert events.story == ["data", "end"]
        assert (socket.closed.code, socket.closed.by) == ("server end", "server")
        assert not asked(running, "leave")


@pytest.mark.parametrize("transport", [{"streaming": "yes"}, {"retry_delay": -1}, {"retries": 1}])
async def test_an_option_that_cannot_work_is_an_error(transport: dict[str, Any]) -> None:
    async with server() as running:
        events = Recorder(client(running, **transport), "error", "end")
        error = await events.one("error")
        assert re.search(next(iter(transport)), str(error))


async def test_a_client_that_ends_before_its_session_is_open_leaves_it() -> None:
    ends: list[Callable[[], None]] = []

    def opened(asked: Asked) -> Sequence[bytes]:
        ends[0]()
        return [answer(OPENED)]

    async with server(open=opened) as running:
        socket = client(running)
        ends.append(socket.end)
        await eventually(lambda: socket.closed is not None)
        await socket.wait_closed()

    assert [kind(each) for each in running.requests] == ["open", "leave"]
    assert fields(running.requests[-1])["SID"] == "sid"
