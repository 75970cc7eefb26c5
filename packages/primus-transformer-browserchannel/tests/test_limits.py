"""Every limit of the server, attacked, and what happens when nothing comes any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from primus import Request, Unauthorized
from primus.errors import OptionError, ProtocolError
from primus_testing import DEADLINE, ManualClock, Recorder, eventually
from primus_testing.listeners import busy

ONE = 'count=1&ofs=0&req0__S="one"'


def messages(first: int, *values: object) -> str:
    """A form of JSON values."""
    fields = "".join(f"&req{index}__S={value}" for index, value in enumerate(values))
    return f"count={len(values)}&ofs={first}{fields}"


# -- posts


async def test_a_body_that_is_too_long_costs_the_session(serve: Any) -> None:
    talk = await serve({"max_payload": 1000})
    seen = Recorder(await talk.open(), "error", "end")
    assert (await talk.post("x" * 1001)).status == 413
    assert isinstance(await seen.one("error"), ProtocolError)
    assert (await talk.bind("RID=1", "POST", data="x" * 1001)).status == 413
    assert len(talk.primus) == 0


async def test_a_body_that_comes_too_slowly_can_be_sent_again(
    serve: Any, manual_clock: ManualClock
) -> None:
    talk = await serve({"session_timeout": 1000.0}, clock=manual_clock)
    seen = Recorder(await talk.open(), "data", "end")
    begun, never = asyncio.Event(), asyncio.Event()

    async def chunks() -> AsyncIterator[bytes]:
        yield b"count=1"
        begun.set()
        await never.wait()

    asking = asyncio.ensure_future(talk.post(chunks(), rid=76311))
    await begun.wait()
    await eventually(talk.session._posting.locked)
    manual_clock.advance(31)
    assert (await asking).status == 408
    assert (await talk.post(ONE, rid=76311)).status == 200
    assert [data for data, _ in seen.seen("data")] == ["one"]


async def test_a_server_that_begins_to_end_while_a_session_is_opened_opens_none(serve: Any) -> None:
    talk = await serve()
    old = Recorder(await talk.open(), "end")
    begun, whole = asyncio.Event(), asyncio.Event()

    async def chunks() -> AsyncIterator[bytes]:
        yield b"count="
        begun.set()
        await whole.wait()
        yield b"0"

    opening = asyncio.ensure_future(
        talk.bind(f"RID=1&OSID={talk.sid}&OAID=0", "POST", data=chunks())
    )
    await begun.wait()
    talk.primus.draining = True
    whole.set()
    assert (await opening).status == 503
    assert old.story == []
    assert len(talk.primus) == 1
    talk.primus.draining = False


async def test_a_post_that_is_sent_again_does_not_wait_for_the_first_attempt(serve: Any) -> None:
    talk = await serve()
    seen = Recorder(await talk.open(), "data", "end")
    begun, never = asyncio.Event(), asyncio.Event()

    async def chunks() -> AsyncIterator[bytes]:
        yield b"count=1"
        begun.set()
        await never.wait()

    first = asyncio.ensure_future(talk.post(chunks(), rid=76311))
    await begun.wait()
    await eventually(talk.session._posting.locked)
    assert (await talk.post(ONE, rid=76311)).status == 200
    assert (await first).status == 400
    assert [data for data, _ in seen.seen("data")] == ["one"]


@pytest.mark.parametrize(
    "body",
    [
        messages(0, *[1] * 101),
        "count=999999999&ofs=0",
        messages(5000, 1),
        messages(101, 1),
        "&" * 500,
        "count=1&ofs=0&req0__S=%FF&req0_JSON=%22",
    ],
)
async def test_maps_that_are_too_many_or_too_far_ahead_cost_the_session(
    serve: Any, body: str
) -> None:
    talk = await serve({"max_maps": 100})
    seen = Recorder(await talk.open(), "error", "data", "end")
    answer = await talk.post(body)
    assert (answer.status, answer.text) == (400, "<html><body><h1>Bad data</h1></body></html>")
    assert isinstance(await seen.one("error"), ProtocolError)
    assert seen.story == ["error", "end"]
    assert len(talk.primus.transformer.sessions) == 0


async def test_gaps_that_never_fill_are_not_kept_without_end(serve: Any) -> None:
    talk = await serve({"max_ahead": 10})
    await talk.open()
    statuses = [(await talk.post(messages(1 + 2 * at, 1))).status for at in range(20)]
    assert statuses[:5] == [200] * 5
    assert 400 in statuses
    assert len(talk.primus) == 0


async def test_posts_whose_turn_never_comes_are_not_kept_without_end(serve: Any) -> None:
    talk = await serve({"max_ahead": 10})
    await talk.open()
    statuses = [(await talk.post("count=0", rid=76312 + at)).status for at in range(20)]
    assert statuses == [200] * 10 + [400] * 10
    assert len(talk.primus) == 0


async def test_what_waits_for_its_turn_is_not_kept_without_end(serve: Any) -> None:
    talk = await serve({"max_payload": 4000})
    seen = Recorder(await talk.open(), "data")
    body = messages(1, '"' + "x" * 1500 + '"')
    statuses = [(await talk.post(body, rid=76312 + at)).status for at in range(4)]
    assert statuses == [200, 200, 400, 400]
    assert seen.seen("data") == []


async def test_a_message_that_is_too_long_ends_its_session(serve: Any) -> None:
    talk = await serve(max_length=1000)
    seen = Recorder(await talk.open(), "error", "data", "end")
    assert (await talk.post(messages(0, 1, '"' + "\u20ac" * 400 + '"'))).status == 413
    assert isinstance(await seen.one("error"), ProtocolError)
    assert seen.story == ["error", "end"]


async def test_a_message_that_is_too_long_does_not_wait_for_those_before_it(serve: Any) -> None:
    talk = await serve(max_length=1000)
    await talk.open()
    assert (await talk.post(messages(7, '"' + "x" * 1001 + '"'), rid=76315)).status == 413
    assert len(talk.primus) == 0


async def test_a_message_of_max_length_passes_however_it_is_escaped(serve: Any) -> None:
    talk = await serve(max_length=1000)
    await talk.open()
    message = '"' + "x" * 998 + '"'
    body = "count=1&ofs=0&req0__S=" + "".join(f"%{ord(each):02X}" for each in message)
    assert (await talk.post(body)).status == 200
    assert "x" * 998 in await talk.poll()


async def test_posts_wait_while_a_listener_is_busy_and_nothing_is_lost(serve: Any) -> None:
    talk = await serve()
    gate, taken = busy(talk.primus)
    spark = await talk.open()
    body = messages(0, *['"' + "x" * 900 + '"'] * 200)
    assert (await talk.post(body)).status == 200  # read, and kept
    later = asyncio.ensure_future(talk.post(messages(200, '"last"')))
    await eventually(talk.session._posting.locked)
    assert spark.is_held
    assert taken == []
    gate.set()
    assert (await later).status == 200
    await eventually(lambda: len(taken) == 201)
    assert taken == ["x" * 900] * 200 + ["last"]


async def test_a_client_that_leaves_a_busy_listener_loses_none_of_its_posts(serve: Any) -> None:
    talk = await serve()
    gate, taken = busy(talk.primus)
    seen = Recorder(await talk.open(), "end")
    await talk.post(messages(0, *['"' + "x" * 900 + '"'] * 200))
    await talk.bind(f"SID={talk.sid}&RID=76312&TYPE=terminate")
    assert seen.story == []
    gate.set()
    await seen.next("end")
    assert taken == ["x" * 900] * 200


async def test_much_that_waits_for_a_busy_listener_goes_with_its_session(serve: Any) -> None:
    talk = await serve()
    gate, taken = busy(talk.primus)
    seen = Recorder(await talk.open(), "end")
    await talk.post(messages(0, *['"' + "x" * 900 + '"'] * 200))
    talk.session.over()
    gate.set()
    await seen.next("end")
    assert 0 < len(taken) < 200


# -- sessions


async def test_sessions_are_limited(serve: Any) -> None:
    talk = await serve({"max_sessions": 2})
    statuses = [(await talk.bind("RID=1", "POST", data="count=0")).status for _ in range(3)]
    assert statuses == [200, 200, 503]
    assert len(talk.primus) == 2


async def test_a_full_server_refuses_the_test_already(serve: Any) -> None:
    talk = await serve(max_sparks=1)
    await talk.open()
    assert (await talk.server.get("/primus/test?VER=8&MODE=init")).status == 503
    assert (await talk.post(ONE)).status == 200


async def test_authorization_runs_on_every_request_and_comes_before_any_state(serve: Any) -> None:
    talk = await serve()

    @talk.primus.authorize
    async def authorize(request: Request) -> None:
        await asyncio.sleep(0)
        if request.query.get("token") != "sesame":
            raise Unauthorized("a token, please")

    for path, method in (
        ("/primus/test?VER=8&MODE=init", "GET"),
        ("/primus/test?VER=8&TYPE=xmlhttp", "GET"),
        ("/primus/bind?VER=8&RID=1", "POST"),
        ("/primus/bind?VER=8&RID=1&SID=x", "POST"),
        ("/primus/bind?VER=8&RID=rpc&SID=x&TYPE=xmlhttp", "GET"),
        ("/primus/bind?VER=8&RID=1&SID=x&TYPE=terminate", "GET"),
    ):
        answer = await talk.server.get(path, method)
        assert (answer.status, answer.json()) == (401, {"error": "a token, please"})
    assert len(talk.primus.transformer.sessions) == len(talk.primus) == 0
    assert (await talk.bind("RID=1&token=sesame", "POST", data="count=0")).status == 200


@pytest.mark.parametrize("origins", ["*", "https://app.example"])
async def test_a_form_of_a_foreign_page_opens_no_session(serve: Any, origins: str) -> None:
    talk = await serve(origins=origins)
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    answer = await talk.bind("RID=1", "POST", data=ONE, headers=headers)
    assert answer.status == 403
    headers = {"Origin": "https://evil.example"}
    answer = await talk.bind("RID=1", "POST", data=ONE, headers=headers)
    assert answer.status == (200 if origins == "*" else 403)


async def test_an_image_that_a_page_leaves_by_is_not_foreign(serve: Any) -> None:
    talk = await serve(origins="https://app.example")
    await talk.open()
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    query = f"SID={talk.sid}&RID=76311&TYPE=terminate"
    assert (await talk.bind(query, headers=headers)).status == 200
    assert len(talk.primus) == 0


async def test_the_id_that_a_client_chooses_opens_nothing(serve: Any) -> None:
    talk = await serve()
    answer = await talk.bind("RID=1&SID=chosen", "POST", data="count=0")
    assert (answer.status, "Unknown SID" in answer.text) == (400, True)
    assert len(talk.primus) == 0


# -- time


async def test_a_session_without_a_back_channel_is_given_up(
    serve: Any, manual_clock: ManualClock
) -> None:
    talk = await serve(clock=manual_clock, ping_interval=False, timeout=False)
    seen = Recorder(await talk.open(), "end")
    for _ in range(3):
        manual_clock.advance(20)
        async with talk.back_channel() as stream:
            assert "[1," in talk.session.status
            stream.response.close()
        await eventually(lambda: "[0," in talk.session.status)
    assert seen.story == []
    manual_clock.advance(32)
    await seen.next("end")
    assert talk.session is None


async def test_an_open_back_channel_keeps_a_session_for_ever(
    serve: Any, manual_clock: ManualClock
) -> None:
    talk = await serve(clock=manual_clock, ping_interval=False, timeout=False)
    await talk.open()
    async with talk.back_channel() as stream:
        for number in range(1, 10):
            manual_clock.advance(21)
            await stream.read(f'15\n[[{number},["noop"]]]\n')
        assert len(talk.primus) == 1


async def test_the_end_of_a_session_is_kept_for_a_client_that_asks_again_and_no_longer(
    serve: Any, manual_clock: ManualClock
) -> None:
    talk = await serve(clock=manual_clock)
    (await talk.open()).end(reconnect=True)
    for _ in range(2):
        assert await talk.poll() == '15\n[[1,["stop"]]]\n'
        manual_clock.advance(14)
    manual_clock.advance(4)
    assert "Unknown SID" in await talk.poll()
    assert len(talk.primus.transformer.sessions) == 0


async def test_the_end_of_the_server_leaves_no_timer(serve: Any, manual_clock: ManualClock) -> None:
    talk = await serve(clock=manual_clock)
    await talk.open()
    async with talk.back_channel():
        async with asyncio.timeout(DEADLINE):
            await talk.primus.destroy(close=False)
    assert manual_clock.pending == 0
    assert len(talk.primus.transformer.sessions) == 0


async def test_a_client_that_was_told_of_the_end_is_not_waited_for(serve: Any) -> None:
    talk = await serve({"close_timeout": 1000.0})
    spark = await talk.open()
    spark.end(reconnect=True)
    await talk.poll()
    assert len(talk.primus.transformer.sessions) == 1
    async with asyncio.timeout(DEADLINE):
        await talk.primus.destroy(close=False)


async def test_what_a_client_posts_while_it_is_told_of_the_end_is_no_error_to_it(
    serve: Any,
) -> None:
    talk = await serve({"close_timeout": 1000.0})
    await talk.open()
    other = type(talk)(talk.server)  # is not told yet, and so keeps the server from its end
    await other.open()
    session = talk.session
    destroying = asyncio.ensure_future(talk.primus.destroy(close=False))
    await eventually(lambda: session.closing)

    assert await talk.poll() == '47\n[[1,"\\"primus::server::close\\""],[2,["stop"]]]\n'
    answer = await talk.post("count=1&ofs=0&req0__S=%22late%22")

    assert (answer.status, answer.text) == (200, "7\n[1,2,0]")
    assert "Unknown SID" in await talk.poll()
    await other.poll()
    async with asyncio.timeout(DEADLINE):
        await destroying


async def test_one_timer_serves_all_sessions(serve: Any, manual_clock: ManualClock) -> None:
    talk = await serve(clock=manual_clock)
    for _ in range(10):
        await talk.open()
    assert manual_clock.pending == 3  # theirs, that of the sparks, and that of all that is written


@pytest.mark.parametrize(
    "transport",
    [
        {"keepalive_interval": 0},
        {"keepalive_interval": False},
        {"session_timeout": False},
        {"response_limit": -1},
        {"max_payload": "1"},
        {"max_maps": 0},
        {"keepAliveInterval": 1},
    ],
)
async def test_an_option_that_cannot_work_is_an_error(serve: Any, transport: Any) -> None:
    with pytest.raises(OptionError, match=next(iter(transport))):
        await serve(transport)
