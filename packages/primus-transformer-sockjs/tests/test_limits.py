"""Every limit, attacked over HTTP and over WebSockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from typing import Any

import aiohttp
import pytest

from primus import Request, Unauthorized
from primus.errors import ProtocolError, SlowConsumerError
from primus.limits import DEFAULT_LIMITS
from primus_testing import ManualClock, Recorder, Tracebacks, eventually
from primus_testing.listeners import busy
from primus_testing.raw_websocket import RawWebSocket
from primus_testing.transformer.limits import pass_time

SESSION = "/primus/000/abcdefgh"


async def test_a_body_that_is_too_long_is_refused_and_not_read(
    serve: Any, tracebacks: Tracebacks
) -> None:
    talk = await serve({"max_payload": 1000})
    await talk.open()

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * 500

    assert (await talk.post("xhr_send", b"x" * 1001)).status == 413
    assert (await talk.post("xhr_send", chunks())).status == 413
    assert (await talk.post("xhr_send", '["1"]')).status == 204


async def test_a_body_that_comes_too_slowly_is_refused(
    serve: Any, manual_clock: ManualClock
) -> None:
    talk = await serve({"disconnect_delay": 1000.0}, clock=manual_clock)
    await talk.open()
    begun, never = asyncio.Event(), asyncio.Event()

    async def chunks() -> AsyncIterator[bytes]:
        yield b'["'
        begun.set()
        await never.wait()

    asking = asyncio.ensure_future(talk.post("xhr_send", chunks()))
    await begun.wait()
    session = talk.primus.transformer.sessions.get("abcdefgh")
    await eventually(session.posting.locked)
    manual_clock.advance(31)
    assert (await asking).status == 408
    await eventually(lambda: not session.posting.locked())
    assert (await talk.post("xhr_send", '["1"]')).status == 204


async def test_the_time_for_a_body_does_not_run_before_it_is_read(
    serve: Any, manual_clock: ManualClock
) -> None:
    talk = await serve({"disconnect_delay": 1000.0}, clock=manual_clock, timeout=None)
    spark = await talk.open()
    session = talk.primus.transformer.sessions.get("abcdefgh")
    busy, rest = asyncio.Event(), asyncio.Event()
    spark.on("data", lambda message: busy.wait())

    async def chunks() -> AsyncIterator[bytes]:
        yield b'["'
        await rest.wait()
        yield b'2"]'

    many = ["1"] * (1 + DEFAULT_LIMITS.read_ahead_messages)
    assert (await talk.post("xhr_send", json.dumps(many))).status == 204
    assert session.paused
    asking = asyncio.ensure_future(talk.post("xhr_send", chunks()))
    await eventually(session.posting.locked)
    await pass_time(manual_clock, 40)
    busy.set()
    rest.set()
    assert (await asking).status == 204


async def test_too_many_messages_at_once_are_refused(serve: Any) -> None:
    talk = await serve({"max_messages": 100})
    await talk.open()
    assert (await talk.post("xhr_send", json.dumps(["1"] * 101))).status == 500
    assert (await talk.post("xhr_send", json.dumps(["1"] * 100))).status == 204
    async with talk.server.http.ws_connect(talk.server.url + SESSION + "/websocket") as socket:
        await socket.receive_str()
        await socket.send_str(json.dumps(["1"] * 101))
        assert (await socket.receive()).data == 3000


async def test_a_message_that_is_too_long_ends_its_session(serve: Any) -> None:
    talk = await serve(max_length=1000)
    spark = await talk.open()
    seen = Recorder(spark, "error", "end", "data")
    long = json.dumps(["1", '"' + "€" * 400 + '"'], ensure_ascii=False)
    assert (await talk.post("xhr_send", long.encode())).status == 413
    assert isinstance(await seen.one("error"), ProtocolError)
    assert seen.story == ["error", "end"]
    async with talk.server.http.ws_connect(talk.server.url + SESSION + "/websocket") as socket:
        await socket.receive_str()
        await socket.send_str(long)
        assert (await socket.receive()).data == 1009


async def test_a_message_of_max_length_passes_however_it_is_escaped(serve: Any) -> None:
    talk = await serve(max_length=1000)
    await talk.open()
    message = '"' + "\\" * 998 + '"'
    body = '["' + "".join(f"\\u{ord(each):04x}" for each in message) + '"]'
    assert (await talk.post("xhr_send", body)).status == 204
    assert json.loads((await talk.poll())[1:]) == [message]


async def test_sessions_are_limited(serve: Any) -> None:
    talk = await serve({"max_sessions": 2})
    for name, status in (("one", 200), ("two", 200), ("three", 503), ("one", 200)):
        answer = await talk.server.get(f"/primus/000/{name}/xhr_streaming?", "OPTIONS")
        assert answer.status == 204
        if name == "one" and len(talk.primus) == 2:
            continue
        assert (await talk.server.get(f"/primus/000/{name}/xhr", "POST")).status == status
    assert len(talk.primus) == 2


async def test_a_server_that_is_being_destroyed_begins_no_session(serve: Any) -> None:
    talk = await serve()
    spark = await talk.open()
    ends = Recorder(spark, "end")
    destroying = asyncio.ensure_future(talk.primus.destroy(timeout=5))
    await eventually(lambda: talk.primus.draining)
    assert (await talk.server.get("/primus/000/another1/xhr", "POST")).status == 503
    spark.end()
    await destroying
    assert ends.story == ["end"]


async def test_authorization_runs_on_every_request_and_comes_before_any_state(serve: Any) -> None:
    talk = await serve({"jsonp": True})
    asked: list[str] = []

    @talk.primus.authorize
    async def authorize(request: Request) -> None:
        asked.append(request.path.rpartition("/")[2])
        await asyncio.sleep(0)
        if request.query.get("token") != "sesame":
            raise Unauthorized("a token, please")

    for path, method in (
        ("/primus/info", "GET"),
        ("/primus/iframe.html", "GET"),
        *[(f"{SESSION}/{name}", "POST") for name in ("xhr", "xhr_streaming", "xhr_send")],
        *[(f"{SESSION}/{name}", "GET") for name in ("eventsource", "htmlfile", "jsonp")],
    ):
        answer = await talk.server.get(path, method)
        assert (answer.status, answer.json()) == (401, {"error": "a token, please"})
    for path in ("/primus/websocket", f"{SESSION}/websocket"):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await talk.server.http.ws_connect(talk.server.url + path)
        assert refused.value.status == 401
    assert len(asked) == 10
    assert len(talk.primus.transformer.sessions) == len(talk.primus) == 0
    assert (await talk.post("xhr?token=sesame")).text == "o\n"
    assert (await talk.post("xhr_send", '["1"]')).status == 401


async def test_foreign_origins_are_refused_everywhere(serve: Any) -> None:
    talk = await serve(origins="http://example.com")
    headers = {"Origin": "http://evil.example"}
    for name in ("xhr", "xhr_streaming", "xhr_send"):
        assert (await talk.post(name, headers=headers)).status == 403
    for name in ("eventsource", "htmlfile?c=x", "websocket"):
        assert (await talk.get(name, headers=headers)).status == 403
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await talk.server.http.ws_connect(talk.server.url + "/primus/websocket", headers=headers)
    assert len(talk.primus) == 0


async def test_query_headers_and_address_reach_the_spark(serve: Any) -> None:
    talk = await serve()
    headers = {"X-Mine": "yours", "X-Forwarded-For": "13.3.37.1"}
    await talk.post("xhr?foo=bar&_primuscb=1", headers=headers)
    (spark,) = talk.primus
    assert (spark.query["foo"], spark.headers["x-mine"]) == ("bar", "yours")
    assert spark.address.ip == "13.3.37.1"
    assert "abcdefgh" not in spark.id


async def test_a_busy_listener_holds_its_client_back(serve: Any) -> None:
    talk = await serve(max_length=1 << 20)
    gate, taken = busy(talk.primus)
    spark = await talk.open()
    sending = []
    for begin in range(0, 100, 50):
        body = json.dumps([str(begin + number) for number in range(50)])
        sending.append(asyncio.ensure_future(talk.post("xhr_send", body)))
        await eventually(lambda: spark.is_held)
    session = talk.primus.transformer.sessions.get("abcdefgh")
    await eventually(session.posting.locked)
    assert not any(post.done() for post in sending)
    gate.set()
    assert [(await post).status for post in sending] == [204, 204]
    await eventually(lambda: len(taken) == 100)
    assert taken == list(range(100))


async def test_what_has_arrived_is_delivered_though_the_client_left(serve: Any) -> None:
    talk = await serve()
    gate, taken = busy(talk.primus)
    spark = await talk.open()
    ended = Recorder(spark, "end")
    body = json.dumps([str(number) for number in range(200)])
    posting = asyncio.ensure_future(talk.post("xhr_send", body))
    await eventually(lambda: spark.is_held)
    talk.primus.transformer.sessions.get("abcdefgh").lost()
    await posting
    gate.set()
    await ended.next("end")
    assert taken == list(range(200))


async def test_a_long_rest_of_a_post_goes_with_its_session(serve: Any) -> None:
    talk = await serve(max_length=1 << 20)
    gate, taken = busy(talk.primus)
    spark = await talk.open()
    ended = Recorder(spark, "end")
    body = json.dumps([json.dumps("x" * 1000)] * 200)
    posting = asyncio.ensure_future(talk.post("xhr_send", body))
    await eventually(lambda: spark.is_held)
    talk.primus.transformer.sessions.get("abcdefgh").lost()
    await posting
    gate.set()
    await ended.next("end")
    assert 0 < len(taken) <= 20


async def test_a_client_that_does_not_read_its_stream_is_dropped(
    serve: Any, tracebacks: Tracebacks
) -> None:
    talk = await serve({"response_limit": 1 << 30}, high_water=100_000)
    async with talk.stream("xhr_streaming") as stream:
        await stream.read("h" * 2048 + "\no\n")
        (spark,) = talk.primus
        seen = Recorder(spark, "error", "end")
        while spark.write("x" * 100_000):
            await asyncio.sleep(0)
        assert isinstance(await seen.one("error"), SlowConsumerError)
        assert len(talk.primus) == 0
        with pytest.raises(aiohttp.ClientPayloadError):
            await stream.response.read()


@pytest.mark.parametrize("path", ["xhr", "xhr_streaming"])
async def test_a_client_that_has_gone_before_it_is_answered_is_given_up_at_once(
    serve: Any, path: str
) -> None:
    talk = await serve()
    spark = await talk.open()
    seen = Recorder(spark, "end")
    talk.primus.before("gone", lambda request: request.drop())
    with pytest.raises(aiohttp.ClientError):
        await talk.post(path)
    await seen.next("end")
    assert len(talk.primus) == len(talk.primus.transformer.sessions.timers) == 0


async def test_a_client_that_goes_in_the_middle_of_its_body_does_no_harm(
    serve: Any, tracebacks: Tracebacks
) -> None:
    talk = await serve()
    await talk.open()
    session = talk.primus.transformer.sessions.get("abcdefgh")
    _, writer = await asyncio.open_connection(talk.server.host, talk.server.port)
    writer.write(
        f"POST {SESSION}/xhr_send HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n[".encode()
    )
    await eventually(session.posting.locked)
    writer.transport.abort()
    await eventually(lambda: not session.posting.locked())
    assert (await talk.post("xhr_send", '["1"]')).status == 204


async def test_five_hundred_clients_of_which_half_vanish_leave_nothing(
    serve: Any, manual_clock: ManualClock, tracebacks: Tracebacks
) -> None:
    talk = await serve(clock=manual_clock, timeout=False, ping_interval=False)
    sessions = talk.primus.transformer.sessions
    before = len(asyncio.all_tasks())
    faithful: list[asyncio.Future[str]] = []
    vanishing: list[asyncio.Future[str]] = []

    http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, force_close=True))

    def poll(number: int) -> asyncio.Future[str]:
        async def ask() -> str:
            async with http.post(f"{talk.server.url}/primus/000/{number}/xhr") as response:
                return await response.text()

        return asyncio.ensure_future(ask())

    def are_polled(numbers: range) -> bool:
        return all(sessions.get(str(number)).is_received for number in numbers)

    for begin in range(0, 500, 50):
        numbers = range(begin, begin + 50)
        assert set(await asyncio.gather(*map(poll, numbers))) == {"o\n"}
        faithful += map(poll, numbers[:25])
        vanishing += map(poll, numbers[25:37])  # and the others are between two polls
        await eventually(partial(are_polled, numbers[:37]))
        assert not any(request.done() for request in (*faithful, *vanishing))
    assert len(sessions) == len(talk.primus) == 500
    for request in vanishing:
        request.cancel()
    await eventually(lambda: len(talk.primus) == 500 - len(vanishing))
    manual_clock.advance(5.5)
    assert len(sessions) == len(talk.primus) == len(faithful) == 250
    talk.primus.write("still here")
    assert set(await asyncio.gather(*faithful)) == {'a["\\"still here\\""]\n'}
    manual_clock.advance(5.5)
    assert len(sessions) == len(talk.primus) == 0
    await http.close()
    await eventually(lambda: len(asyncio.all_tasks()) <= before)


@pytest.mark.parametrize("name", ["xhr", "xhr_streaming"])
async def test_an_answer_of_which_nothing_is_read_is_dropped(
    primus_server: Any, manual_clock: ManualClock, name: str
) -> None:
    server = await primus_server(
        transformer="sockjs",
        slow_consumer="buffer",
        transport={"heartbeat_delay": None, "close_timeout": 0.1},
        clock=manual_clock,
        timeout=False,
        ping_interval=False,
    )
    server.primus.on("connection", lambda spark: spark.write("x" * 8_000_000) and None)
    sparks = Recorder(server.primus, "connection")
    raw = await RawWebSocket.dial(server, room=4096)
    head = f"POST {SESSION}/{name} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
    raw.writer.write(head.encode() * 2)  # the first answer of "xhr" only opens the session
    await sparks.one("connection")
    await pass_time(manual_clock, 300)
    with suppress(ConnectionResetError):
        assert len(await raw.within(raw.reader.read())) < 8_000_000
    raw.drop()
    await asyncio.sleep(0)
