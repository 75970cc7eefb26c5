"""The wire as the stock client has it: literal requests and answers."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from primus_testing import ManualClock, Recorder, eventually

ONE = 'count=1&ofs=0&req0__S="one"'
TWO = 'count=1&ofs=1&req0__S="two"'


def frame(id: int, text: str) -> str:
    """A chunk of one message."""
    body = f'[[{id},"\\"{text}\\""]]\n'
    return f"{len(body)}\n{body}"


# -- the test


async def test_there_is_no_other_host_and_none_that_is_blocked(serve: Any) -> None:
    talk = await serve()
    answer = await talk.server.get("/primus/test?VER=8&MODE=init&zx=qzqsowgvjtrg&t=1")
    assert (answer.status, answer.text) == (200, "[null,null]")
    assert answer.headers["X-Accept"] == "application/json; application/x-www-form-urlencoded"


async def test_the_second_piece_of_the_test_comes_two_seconds_later(
    serve: Any, manual_clock: ManualClock
) -> None:
    talk = await serve(clock=manual_clock)
    url = f"{talk.server.url}/primus/test?VER=8&TYPE=xmlhttp&zx=x&t=1"
    async with talk.server.http.get(url) as response:
        assert await response.content.readexactly(5) == b"11111"
        manual_clock.advance(1.9)
        rest = asyncio.ensure_future(response.content.read())
        await asyncio.sleep(0)
        assert not rest.done()
        manual_clock.advance(0.2)
        assert await rest == b"2"


async def test_a_client_that_leaves_the_test_leaves_no_timer(
    serve: Any, manual_clock: ManualClock
) -> None:
    talk = await serve(clock=manual_clock, write_timeout=False)
    timers = manual_clock.pending
    async with talk.server.http.get(
        f"{talk.server.url}/primus/test?VER=8&TYPE=xmlhttp"
    ) as response:
        await response.content.readexactly(5)
        response.close()
    await eventually(lambda: manual_clock.pending == timers)


# -- opening


async def test_a_session_is_opened_by_a_post(serve: Any) -> None:
    talk = await serve()
    answer = await talk.bind("foo=bar&RID=76310&zx=x&t=1", "POST", data="count=0")
    assert answer.status == 200
    assert re.fullmatch(r'57\n\[\[0,\["c","[0-9a-f]{12}-[\w-]{22}",null,8\]\]\]\n', answer.text)
    (spark,) = talk.primus
    assert spark.query["foo"] == "bar"
    assert spark.id not in answer.text


async def test_the_headers_of_every_answer(serve: Any) -> None:
    talk = await serve()
    answer = await talk.bind("RID=1", "POST", data="count=0")
    assert answer.headers["Content-Type"] == "text/plain"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Expires"] == "Fri, 01 Jan 1990 00:00:00 GMT"
    assert "no-cache" in answer.headers["Cache-Control"]
    assert answer.headers["Pragma"] == "no-cache"


async def test_the_post_that_opens_a_session_may_bring_messages(serve: Any) -> None:
    talk = await serve()
    await talk.open(ONE)
    assert await talk.poll() == frame(1, "one")


async def test_what_is_written_at_once_goes_along_with_the_opening(serve: Any) -> None:
    talk = await serve()
    talk.primus.on("connection", lambda spark: spark.write("hi"))
    answer = await talk.bind("RID=1", "POST", data="count=0")
    assert answer.text.startswith('70\n[[0,["c",')
    assert answer.text.endswith('],[1,"\\"hi\\""]]\n')


async def test_a_session_that_is_dropped_while_it_opens_is_forbidden(serve: Any) -> None:
    talk = await serve()
    talk.primus.on("connection", lambda spark: spark.abort())
    answer = await talk.bind("RID=1", "POST", data="count=0")
    assert (answer.status, answer.text) == (403, "<html><body><h1>Forbidden</h1></body></html>")
    assert len(talk.primus.transformer.sessions) == 0


async def test_a_session_may_take_the_place_of_another(serve: Any) -> None:
    talk = await serve()
    old = Recorder(await talk.open(), "end")
    await talk.bind(f"RID=5&OSID={talk.sid}&OAID=0", "POST", data="count=0")
    await old.next("end")
    assert len(talk.primus) == 1


# -- errors


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/primus", 404, "Not found"),
        ("GET", "/primus/", 404, "Not found"),
        ("GET", "/primus/bcsocket.js", 404, "Not found"),
        ("GET", "/primus/test/", 404, "Not found"),
        ("GET", "/primus/test?VER=7", 400, "<html><body><h1>Version 8 required</h1></body></html>"),
        ("POST", "/primus/bind", 400, "<html><body><h1>Version 8 required</h1></body></html>"),
        ("GET", "/primus/bind?VER=8&VER=8", 400, None),
        ("POST", "/primus/test?VER=8", 405, "Method not allowed"),
        ("PUT", "/primus/bind?VER=8", 405, "Method not allowed"),
        (
            "POST",
            "/primus/bind?VER=8&RID=1&SID=x",
            400,
            "<html><body><h1>Unknown SID</h1></body></html>",
        ),
        (
            "PUT",
            "/primus/bind?VER=8&RID=1&SID=x",
            400,
            "<html><body><h1>Unknown SID</h1></body></html>",
        ),
        (
            "GET",
            "/primus/bind?VER=8&RID=1&SID=x&SID=x",
            400,
            "<html><body><h1>Unknown SID</h1></body></html>",
        ),
        (
            "GET",
            "/primus/bind?VER=8&RID=rpc&TYPE=xmlhttp",
            400,
            "<html><body><h1>Invalid SID</h1></body></html>",
        ),
        (
            "GET",
            "/primus/bind?VER=8&RID=rpc",
            400,
            "<html><body><h1>Invalid TYPE</h1></body></html>",
        ),
        ("GET", "/primus/bind?VER=8&TYPE=terminate", 200, ""),
        ("POST", "/primus/bind?VER=8", 400, "<html><body><h1>Bad data</h1></body></html>"),
        ("POST", "/primus/bind?VER=8&RID=x", 400, "<html><body><h1>Bad data</h1></body></html>"),
        ("POST", "/primus/bind?VER=8&RID=1", 400, "<html><body><h1>Bad data</h1></body></html>"),
    ],
)
async def test_what_is_refused(
    serve: Any, method: str, path: str, status: int, text: str | None
) -> None:
    talk = await serve()
    answer = await talk.server.get(path, method)
    assert answer.status == status
    assert text is None or answer.text == text
    assert len(talk.primus) == 0


async def test_a_back_channel_has_the_rid_rpc(serve: Any) -> None:
    talk = await serve()
    await talk.open()
    answer = await talk.bind(f"SID={talk.sid}&RID=1&TYPE=xmlhttp&CI=0&AID=0")
    assert (answer.status, answer.text) == (400, "<html><body><h1>Expected RPC</h1></body></html>")
    assert len(talk.primus) == 1


# -- the back channel


async def test_arrays_are_streamed(serve: Any) -> None:
    talk = await serve()
    await talk.open()
    async with talk.back_channel() as stream:
        assert (await talk.post(ONE)).text == "7\n[1,0,0]"
        await stream.read(frame(1, "one"))
        assert (await talk.post(TWO)).text == "7\n[1,1,9]"
        await stream.read(frame(2, "two"))
        assert (await talk.post("count=0", aid=2)).text == "7\n[1,2,0]"


async def test_what_is_written_in_one_turn_is_one_chunk(serve: Any) -> None:
    talk = await serve()
    spark = await talk.open()
    async with talk.back_channel() as stream:
        spark.write(1)
        spark.write(2)
        await stream.read('18\n[[1,"1"],[2,"2"]]\n')


async def test_a_back_channel_of_one_chunk_ends_with_it(serve: Any) -> None:
    talk = await serve()
    spark = await talk.open()
    polling = asyncio.ensure_future(talk.poll())
    await eventually(lambda: talk.session.status.startswith("7\n[1,"))
    spark.write("one")
    assert await polling == frame(1, "one")
    assert (await talk.post("count=0", aid=1)).text == "7\n[0,1,0]"


async def test_a_stream_ends_after_response_limit(serve: Any) -> None:
    talk = await serve({"response_limit": 1000})
    spark = await talk.open()
    async with talk.back_channel() as stream:
        spark.write("x" * 900)
        await stream.read(frame(1, "x" * 900))
        spark.write("y" * 900)
        await stream.read(frame(2, "y" * 900))
        await stream.end()
    spark.write("z")
    async with talk.back_channel(aid=2) as stream:
        await stream.read(frame(3, "z"))


async def test_arrays_that_were_not_acknowledged_are_sent_again(serve: Any) -> None:
    talk = await serve()
    spark = await talk.open()
    spark.write("one")
    spark.write("two")
    both = '30\n[[1,"\\"one\\""],[2,"\\"two\\""]]\n'
    assert await talk.poll() == both
    assert await talk.poll() == both
    assert await talk.poll(aid=1) == frame(2, "two")


async def test_any_request_acknowledges(serve: Any) -> None:
    talk = await serve()
    spark = await talk.open()
    spark.write("one")
    await talk.poll()
    assert (await talk.post("count=0", aid=1)).text == "7\n[0,1,0]"
    spark.write("two")
    assert await talk.poll() == frame(2, "two")


@pytest.mark.parametrize("aid", ["-1", "x", "", "99999999999999999999"])
async def test_an_aid_that_is_none_acknowledges_nothing(serve: Any, aid: Any) -> None:
    talk = await serve()
    spark = await talk.open()
    spark.write("one")
    assert await talk.poll() == frame(1, "one")
    assert await talk.poll(aid) == frame(1, "one")


async def test_an_aid_beyond_what_was_sent_acknowledges_no_more_than_that(serve: Any) -> None:
    talk = await serve()
    spark = await talk.open()
    spark.write("one")
    assert await talk.poll(aid=1000) == frame(1, "one")


async def test_a_back_channel_that_is_cut_loses_and_repeats_nothing(serve: Any) -> None:
    talk = await serve()
    spark = await talk.open()
    async with talk.back_channel() as stream:
        spark.write("one")
        await stream.response.content.readexactly(4)  # the middle of a chunk
        stream.response.close()
    await eventually(lambda: talk.session.status.startswith("7\n[0,"))
    spark.write("two")
    assert (await talk.poll()).endswith('[[1,"\\"one\\""],[2,"\\"two\\""]]\n')


async def test_a_new_back_channel_takes_the_place_of_another(serve: Any) -> None:
    talk = await serve()
    spark = await talk.open()
    async with talk.back_channel() as first, talk.back_channel() as second:
        await first.end()
        spark.write("one")
        await second.read(frame(1, "one"))


async def test_what_waits_goes_to_the_new_back_channel_alone(serve: Any) -> None:
    talk = await serve()
    spark = await talk.open()
    async with talk.back_channel() as first:
        spark.write("one")
        await first.read(frame(1, "one"))
        async with talk.back_channel() as second:
            await second.read(frame(1, "one"))
            await first.end()


async def test_of_many_back_channels_at_once_one_receives(serve: Any) -> None:
    talk = await serve()
    spark = await talk.open()
    polls = [asyncio.ensure_future(talk.poll()) for _ in range(50)]
    await eventually(lambda: sum(poll.done() for poll in polls) == 49)
    spark.write("one")
    texts = await asyncio.gather(*polls)
    assert sorted(texts) == [""] * 49 + [frame(1, "one")]


async def test_arrays_are_measured_in_utf_16_units(serve: Any) -> None:
    talk = await serve()
    spark = await talk.open()
    spark.write("\U0001f600")
    assert await talk.poll() == '15\n[[1,"\\"\U0001f600\\""]]\n'


async def test_silence_is_broken_by_a_noop(serve: Any, manual_clock: ManualClock) -> None:
    talk = await serve(clock=manual_clock, ping_interval=False, timeout=False)
    spark = await talk.open()
    async with talk.back_channel() as stream:
        manual_clock.advance(19)
        spark.write("one")
        await stream.read(frame(1, "one"))
        manual_clock.advance(19)
        assert talk.session.queued == 0
        manual_clock.advance(2)
        await stream.read('15\n[[2,["noop"]]]\n')
        manual_clock.advance(21)
        await stream.read('15\n[[3,["noop"]]]\n')


# -- posts


async def test_a_post_that_is_sent_again_is_answered_and_brings_what_is_new(serve: Any) -> None:
    talk = await serve()
    seen = Recorder(await talk.open(), "data")
    await talk.post(ONE, rid=76311)
    answer = await talk.post('count=2&ofs=0&req0__S="one"&req1__S="two"', rid=76311)
    assert answer.status == 200
    await talk.post('count=1&ofs=2&req0__S="three"', rid=76312)
    assert [data for data, _ in seen.seen("data")] == ["one", "two", "three"]


async def test_posts_are_taken_in_the_order_of_their_rids(serve: Any) -> None:
    talk = await serve()
    seen = Recorder(await talk.open(), "data")
    assert (await talk.post(TWO, rid=76312)).status == 200
    assert seen.seen("data") == []
    assert (await talk.post(ONE, rid=76311)).status == 200
    assert [data for data, _ in seen.seen("data")] == ["one", "two"]


async def test_a_post_may_be_json(serve: Any) -> None:
    talk = await serve()
    seen = Recorder(await talk.open(), "data")
    headers = {"Content-Type": "application/json; charset=utf-8"}
    answer = await talk.post('{"ofs":0,"data":["\\"one\\"","2"]}', headers=headers)
    assert answer.status == 200
    assert [data for data, _ in seen.seen("data")] == ["one", 2]


# -- the end


async def test_a_client_that_leaves_is_gone_at_once(serve: Any) -> None:
    talk = await serve()
    seen = Recorder(await talk.open(), "end")
    answer = await talk.bind(f"SID={talk.sid}&RID=76311&TYPE=terminate&zx=x")
    assert (answer.status, answer.text) == (200, "")
    await seen.next("end")
    assert (await talk.post("count=0")).status == 400


async def test_a_client_that_leaves_waits_for_its_posts(serve: Any) -> None:
    talk = await serve()
    seen = Recorder(await talk.open(), "data", "end")
    await talk.bind(f"SID={talk.sid}&RID=76312&TYPE=terminate&zx=x")
    assert seen.story == []
    await talk.post(ONE, rid=76311)
    await seen.next("end")
    assert seen.story == ["data", "end"]


async def test_a_post_that_a_client_gave_up_when_it_left_is_not_waited_for_long(
    serve: Any, manual_clock: ManualClock
) -> None:
    talk = await serve(clock=manual_clock)
    seen = Recorder(await talk.open(), "end")
    await talk.bind(f"SID={talk.sid}&RID=76312&TYPE=terminate&zx=x")
    assert seen.story == []
    manual_clock.advance(4)
    await seen.next("end")


async def test_a_client_that_leaves_after_the_server_has_ended_it_is_gone_at_once(
    serve: Any,
) -> None:
    talk = await serve()
    (await talk.open()).end()
    assert len(talk.primus.transformer.sessions) == 1
    await talk.bind(f"SID={talk.sid}&RID=76312&TYPE=terminate&zx=x")
    assert len(talk.primus.transformer.sessions) == 0


async def test_the_end_of_the_server_stops_the_client_behind_the_last_words(serve: Any) -> None:
    talk = await serve()
    spark = await talk.open()
    async with talk.back_channel() as stream:
        spark.end("bye")
        await stream.read('61\n[[1,"\\"bye\\""],[2,"\\"primus::server::close\\""],[3,["stop"]]]\n')
        await stream.end()


async def test_the_end_is_told_again_when_its_answer_is_lost(serve: Any) -> None:
    talk = await serve()
    spark = await talk.open()
    spark.end(reconnect=True)
    stop = '15\n[[1,["stop"]]]\n'
    assert await talk.poll() == stop
    assert await talk.poll() == stop
