"""Heartbeats, and sessions whose clients stay away, on a clock that the tests move."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from primus.errors import OptionError
from primus_testing import DEADLINE, ManualClock, Recorder, eventually
from primus_testing.listeners import busy

SESSION = "/primus/000/abcdefgh"
PRELUDE = "h" * 2048 + "\n"


async def test_a_session_without_a_request_that_receives_is_given_up(
    serve: Any, manual_clock: ManualClock
) -> None:
    talk = await serve(clock=manual_clock)
    spark = await talk.open()
    ends = Recorder(spark, "end", "error")
    manual_clock.advance(4.9)
    assert await talk.open_again() == 1
    manual_clock.advance(4.9)
    assert len(talk.primus) == 1
    manual_clock.advance(0.5)
    assert ends.story == ["end"]
    assert len(talk.primus.transformer.sessions) == 0
    assert await talk.poll() == "o\n"


async def test_a_session_that_is_received_is_not_given_up(
    serve: Any, manual_clock: ManualClock
) -> None:
    talk = await serve({"heartbeat_delay": False}, clock=manual_clock, timeout=False)
    spark = await talk.open()
    session = talk.primus.transformer.sessions.get("abcdefgh")
    asking = asyncio.ensure_future(talk.poll())
    await eventually(lambda: session.is_received)
    manual_clock.advance(29)
    spark.write(1)
    assert await asking == 'a["1"]\n'


async def test_a_poll_is_answered_with_a_heartbeat_in_the_end(
    serve: Any, manual_clock: ManualClock
) -> None:
    talk = await serve({"heartbeat_delay": 15.0}, clock=manual_clock)
    await talk.open()
    session = talk.primus.transformer.sessions.get("abcdefgh")
    asking = asyncio.ensure_future(talk.poll())
    await eventually(lambda: session.is_received)
    manual_clock.advance(14.5)
    assert session.is_received
    manual_clock.advance(1)
    assert await asking == "h\n"
    assert len(talk.primus) == 1


async def test_a_stream_has_heartbeats_only_while_nothing_else_is_said(
    serve: Any, manual_clock: ManualClock
) -> None:
    talk = await serve({"heartbeat_delay": 10.0}, clock=manual_clock)
    async with talk.stream("xhr_streaming") as stream:
        await stream.read(PRELUDE + "o\n")
        (spark,) = talk.primus
        manual_clock.advance(9)
        spark.write(1)
        await stream.read('a["1"]\n')
        manual_clock.advance(9)
        spark.write(2)
        await stream.read('a["2"]\n')
        manual_clock.advance(11)
        await stream.read("h\n")


async def test_a_websocket_is_pinged_and_its_pong_is_enough(
    serve: Any, manual_clock: ManualClock
) -> None:
    talk = await serve({"heartbeat_delay": 5.0}, clock=manual_clock)
    async with talk.server.http.ws_connect(
        talk.server.url + SESSION + "/websocket", autoping=False
    ) as socket:
        assert await socket.receive_str() == "o"
        for _ in range(3):
            manual_clock.advance(5.5)
            ping = await socket.receive()
            assert ping.type is aiohttp.WSMsgType.PING
            await socket.pong(ping.data)
            await socket.send_str('["1"]')
            assert await socket.receive_str() == 'a["1"]'
        (spark,) = talk.primus
        assert spark.ready_state == spark.OPEN


async def test_a_websocket_that_does_not_answer_a_ping_is_closed(
    serve: Any, manual_clock: ManualClock
) -> None:
    talk = await serve(clock=manual_clock, timeout=False, ping_interval=False)
    async with talk.server.http.ws_connect(
        talk.server.url + SESSION + "/websocket", autoping=False
    ) as socket:
        assert await socket.receive_str() == "o"
        manual_clock.advance(26)
        assert (await socket.receive()).type is aiohttp.WSMsgType.PING
        assert len(talk.primus) == 1
        manual_clock.advance(10)
        assert await socket.receive_str() == 'c[3000,"No response from heartbeat"]'
        assert (await socket.receive()).data == 3000
        assert len(talk.primus) == 0


async def test_pings_that_are_sent_meanwhile_do_not_prolong_the_time_for_a_pong(
    serve: Any, manual_clock: ManualClock
) -> None:
    talk = await serve(
        {"heartbeat_delay": 4.0, "pong_timeout": 10.0},
        clock=manual_clock,
        timeout=False,
        ping_interval=False,
    )
    async with talk.server.http.ws_connect(
        talk.server.url + SESSION + "/websocket", autoping=False
    ) as socket:
        assert await socket.receive_str() == "o"
        for _ in range(3):
            manual_clock.advance(4.5)
            assert (await socket.receive()).type is aiohttp.WSMsgType.PING
        assert len(talk.primus) == 1
        manual_clock.advance(2)
        assert await socket.receive_str() == 'c[3000,"No response from heartbeat"]'


async def test_a_websocket_that_is_not_read_is_not_blamed_for_its_silence(
    serve: Any, manual_clock: ManualClock
) -> None:
    talk = await serve(clock=manual_clock, timeout=False, ping_interval=False)
    gate, taken = busy(talk.primus)
    async with talk.server.http.ws_connect(
        talk.server.url + SESSION + "/websocket", autoping=False
    ) as socket:
        assert await socket.receive_str() == "o"
        for number in range(40):
            await socket.send_str(f'["{number}"]')
        (spark,) = talk.primus
        await eventually(lambda: spark.is_held)
        manual_clock.advance(26)
        manual_clock.advance(11)
        assert len(talk.primus) == 1
        gate.set()
        await socket.send_str('["99"]')
        await eventually(lambda: taken == [*range(40), 99])


async def test_one_timer_serves_all_sessions(serve: Any, manual_clock: ManualClock) -> None:
    talk = await serve(clock=manual_clock)
    for number in range(10):
        await talk.server.get(f"/primus/000/{number}/xhr", "POST")
    assert manual_clock.pending == 3  # theirs, that of the sparks, and that of all that is written


async def test_the_end_of_the_server_leaves_no_timer(serve: Any, manual_clock: ManualClock) -> None:
    talk = await serve(clock=manual_clock)
    await talk.open()
    async with talk.server.http.ws_connect(talk.server.url + SESSION + "/websocket"):
        async with asyncio.timeout(DEADLINE):
            await talk.primus.destroy(close=False)
    assert manual_clock.pending == 0
    assert len(talk.primus.transformer.sessions) == 0


async def test_a_client_that_was_told_of_the_end_is_not_waited_for(
    serve: Any, manual_clock: ManualClock
) -> None:
    talk = await serve({"close_timeout": 100.0}, clock=manual_clock)
    spark = await talk.open()
    spark.end(reconnect=True)
    assert await talk.poll() == 'c[1000,"Normal closure"]\n'
    assert len(talk.primus.transformer.sessions) == 1
    async with asyncio.timeout(DEADLINE):
        await talk.primus.destroy(close=False)


async def test_a_close_frame_is_kept_for_a_while_and_then_forgotten(
    serve: Any, manual_clock: ManualClock
) -> None:
    talk = await serve(clock=manual_clock)
    (await talk.open()).end(reconnect=True)
    for _ in range(3):
        assert await talk.poll() == 'c[1000,"Normal closure"]\n'
        manual_clock.advance(4)
    manual_clock.advance(2)
    assert await talk.poll() == "o\n"


@pytest.mark.parametrize(
    "transport",
    [
        {"heartbeat_delay": 0},
        {"heartbeat_delay": True},
        {"disconnect_delay": False},
        {"response_limit": -1},
        {"max_payload": "1"},
        {"sockjs_url": 1},
        {"heart_beat": 1},
    ],
)
async def test_an_option_that_cannot_work_is_an_error(serve: Any, transport: Any) -> None:
    with pytest.raises(OptionError, match=next(iter(transport))):
        await serve(transport)
