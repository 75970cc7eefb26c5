"""`write_and_wait` and the event `request` on a server: literal packets, as Node's."""

import asyncio
import json
from typing import Any

import pytest

from primus import OptionError
from primus_responder import ResponseFailed, ResponseLost, ResponseTimeout
from primus_testing import Recorder, Tracebacks, eventually, join

PLUGIN = "responder"
NAME = '"plugin":"primus-responder"'


def sent(wire: Any) -> list[Any]:
    return [json.loads(frame) for frame in wire.sent]


async def asks(spark: Any, wire: Any, *args: Any, **options: Any) -> tuple[asyncio.Task[Any], str]:
    """A task that waits for a response, and the id of its request."""
    before = len(wire.sent)
    task = asyncio.create_task(spark.write_and_wait(*args, **options))
    await eventually(lambda: len(wire.sent) > before)
    return task, sent(wire)[-1]["requestId"]


# -- asking


async def test_a_request_is_sent_and_its_response_is_what_the_caller_gets(primus: Any) -> None:
    spark, wire = join(primus)
    events = Recorder(spark, "data", "request")
    one, first = await asks(spark, wire, {"hi": None})
    two, second = await asks(spark, wire, None)
    three, third = await asks(spark, wire, 0)

    wire.receive(f'{{{NAME},"responseId":"{second}","data":null}}')
    wire.receive(f'{{{NAME},"responseId":"{third}"}}')
    wire.receive(f'{{{NAME},"responseId":"{first}","data":[1,{{"a":false}}]}}')

    assert await asyncio.gather(one, two, three) == [[1, {"a": False}], None, None]
    assert sent(wire)[0] == {
        "plugin": "primus-responder", "requestId": first, "data": {"hi": None}, "fails": True
    }  # fmt: skip
    assert len({first, second, third}) == 3
    assert events.story == []
    assert len(spark.responses) == primus.options.clock.pending == 0


async def test_only_the_first_response_counts(primus: Any) -> None:
    spark, wire = join(primus)
    events = Recorder(spark, "data", "error")
    asking, id = await asks(spark, wire, "name?")

    for value in ('"me"', '"again"'):
        wire.receive(f'{{{NAME},"responseId":"{id}","data":{value}}}')

    assert await asking == "me"
    assert events.story == []


@pytest.mark.parametrize("id", ['"other"', "1", "[]", '{"a":1}', "true", '"toString"'])
async def test_a_response_that_is_not_awaited_is_dropped(primus: Any, id: str) -> None:
    spark, wire = join(primus)
    events = Recorder(spark, "data", "error", "request")
    asking, _ = await asks(spark, wire, "name?")

    wire.receive(f'{{{NAME},"responseId":{id},"data":"x"}}')
    wire.receive(f'{{{NAME},"responseId":{id},"error":"x"}}')

    assert events.story == []
    assert len(spark.responses) == 1
    asking.cancel()
    await asyncio.wait([asking])
    assert len(spark.responses) == primus.options.clock.pending == 0


async def test_a_spark_gets_no_response_to_the_request_of_another(primus: Any) -> None:
    (one, wire), (_, other) = join(primus), join(primus)
    asking, id = await asks(one, wire, "name?")

    other.receive(f'{{{NAME},"responseId":"{id}","data":"an impostor"}}')
    wire.receive(f'{{{NAME},"responseId":"{id}","data":"me"}}')

    assert await asking == "me"


async def test_a_failure_is_raised_with_its_text(primus: Any) -> None:
    spark, wire = join(primus)
    asking, id = await asks(spark, wire, "name?")

    wire.receive(f'{{{NAME},"responseId":"{id}","error":"no listener"}}')

    with pytest.raises(ResponseFailed, match="no listener"):
        await asking


async def test_a_response_that_is_late_fails_the_caller(primus: Any) -> None:
    spark, wire = join(primus)
    default, _ = await asks(spark, wire, "name?")
    own, id = await asks(spark, wire, "name?", timeout=5)

    primus.options.clock.advance(5)
    with pytest.raises(ResponseTimeout, match=r"the request was not answered within 5\.0 s"):
        await own
    wire.receive(f'{{{NAME},"responseId":"{id}","data":"too late"}}')
    assert not default.done()
    primus.options.clock.advance(25)
    with pytest.raises(TimeoutError):
        await default


async def test_without_a_timeout_a_response_may_take_for_ever(make_primus: Any) -> None:
    primus = make_primus("responder", responder_timeout=None)
    spark, wire = join(primus)
    asking, id = await asks(spark, wire, "name?")
    other, _ = await asks(spark, wire, "name?", timeout=1)

    primus.options.clock.advance(1_000_000)
    wire.receive(f'{{{NAME},"responseId":"{id}","data":"me"}}')

    assert await asking == "me"
    with pytest.raises(ResponseTimeout):
        await other


@pytest.mark.parametrize("end", ["wire.lose()", "spark.end()", "spark.abort()"])
async def test_the_end_of_the_connection_fails_the_caller(primus: Any, end: str) -> None:
    spark, wire = join(primus)
    asking, _ = await asks(spark, wire, "name?", timeout=None)

    eval(end, {"wire": wire, "spark": spark})

    with pytest.raises(ResponseLost, match="the connection went before the request was answered"):
        await asking
    with pytest.raises(ResponseLost, match="the request was not sent"):
        await spark.write_and_wait("name?")


async def test_a_listener_may_wait_although_messages_wait_for_it(primus: Any) -> None:
    spark, wire = join(primus)
    responses: list[Any] = []

    @spark.on("request")
    async def request(data: Any) -> Any:
        responses.append(await spark.write_and_wait("name?"))
        return responses[-1]

    wire.receive(f'{{{NAME},"requestId":"1","data":"my name?"}}')
    await eventually(lambda: wire.sent)
    wire.receive('"behind it"')
    wire.receive(f'{{{NAME},"responseId":"{sent(wire)[0]["requestId"]}","data":"me"}}')

    await eventually(lambda: len(wire.sent) == 2)
    assert sent(wire)[1] == {"plugin": "primus-responder", "responseId": "1", "data": "me"}


async def test_a_lost_wire_fails_at_once_although_messages_wait_for_the_caller(
    primus: Any,
) -> None:
    spark, wire = join(primus)
    failures: list[Exception] = []

    @spark.on("data")
    async def data(message: Any) -> None:
        try:
            await spark.write_and_wait("name?")
        except ResponseLost as error:
            failures.append(error)

    ended = Recorder(spark, "end")
    wire.receive('"first"')
    await eventually(lambda: wire.sent)
    wire.receive('"second"')
    wire.lose()

    await ended.next("end")
    assert len(failures) == 2


@pytest.mark.parametrize("timeout", [0, -1, "soon", True])
async def test_a_timeout_that_cannot_work_is_refused(make_primus: Any, timeout: Any) -> None:
    with pytest.raises(OptionError, match="responder_timeout="):
        make_primus("responder", responder_timeout=timeout)
    spark, wire = join(make_primus("responder"))
    with pytest.raises(OptionError, match="timeout="):
        await spark.write_and_wait("name?", timeout=timeout)
    assert wire.sent == []


# -- being asked


@pytest.mark.parametrize("data", ["null", "0", '""', "false", "[]", '{"a":[null]}'])
def test_a_listener_responds_with_what_it_returns(primus: Any, data: str) -> None:
    spark, wire = join(primus)
    events = Recorder(spark, "data")
    spark.on("request", lambda data: data)

    wire.receive(f'{{{NAME},"requestId":"7","data":{data}}}')

    assert wire.sent == [f'{{{NAME},"responseId":"7","data":{data}}}']
    assert events.story == []


def test_a_listener_that_takes_two_arguments_responds_by_the_second_once(primus: Any) -> None:
    spark, wire = join(primus)
    results: list[bool] = []

    @spark.on("request")
    def request(data: Any, done: Any) -> str:
        results.extend([done(data + 1), done("again")])
        return "ignored"

    wire.receive(f'{{{NAME},"requestId":"7","data":1}}')

    assert results == [True, False]
    assert wire.sent == [f'{{{NAME},"responseId":"7","data":2}}']


def test_done_without_a_value_sends_none(primus: Any) -> None:
    spark, wire = join(primus)
    spark.on("request", lambda data, done: done())

    wire.receive(f'{{{NAME},"requestId":"7"}}')

    assert wire.sent == [f'{{{NAME},"responseId":"7"}}']


@pytest.mark.parametrize("id", ["1", "true", "[1]", "{}", '"a b"'])
def test_an_id_is_sent_back_as_it_came(primus: Any, id: str) -> None:
    spark, wire = join(primus)
    spark.on("request", lambda data: data)

    wire.receive(f'{{{NAME},"requestId":{id},"data":1}}')

    assert sent(wire) == [{"plugin": "primus-responder", "responseId": json.loads(id), "data": 1}]


def test_nothing_is_sent_once_the_connection_has_ended(primus: Any) -> None:
    spark, wire = join(primus)
    kept: list[Any] = []
    spark.on("request", lambda data, done: kept.append(done))
    wire.receive(f'{{{NAME},"requestId":"7","data":1}}')
    spark.end()
    wire.sent.clear()

    assert kept[0]("late") is False
    assert wire.sent == []


@pytest.mark.parametrize("understood", [True, False])
async def test_a_failure_is_told_without_internals_to_a_peer_that_understands_it(
    primus: Any, tracebacks: Tracebacks, understood: bool
) -> None:
    tracebacks.expect("a listener of 'request' raised")
    spark, wire = join(primus)
    flag = ',"fails":true' if understood else ""

    wire.receive(f'{{{NAME},"requestId":"1","data":1{flag}}}')

    @spark.on("request")
    async def request(data: str) -> None:
        if data == "mine":
            raise ResponseFailed("not today")
        raise KeyError("the database is at 10.0.0.7")

    for data in ("theirs", "mine"):
        wire.receive(f'{{{NAME},"requestId":"{data}","data":"{data}"{flag}}}')
    wire.receive('"primus::id::"')
    await eventually(lambda: wire.sent and "primus::id::" in wire.sent[-1])
    await eventually(lambda: not understood or len(wire.sent) == 4)

    told = [
        {"plugin": "primus-responder", "responseId": "1", "error": "no listener"},
        {"plugin": "primus-responder", "responseId": "theirs", "error": "the listener failed"},
        {"plugin": "primus-responder", "responseId": "mine", "error": "not today"},
    ]
    packets = [packet for packet in sent(wire) if isinstance(packet, dict)]
    assert packets == (told if understood else [])


@pytest.mark.parametrize("rest", ["", ',"requestId":0', ',"responseId":""', ',"data":1'])
def test_a_packet_without_an_id_is_dropped(primus: Any, rest: str) -> None:
    spark, wire = join(primus)
    events = Recorder(spark, "data", "request", "error")

    wire.receive(f"{{{NAME}{rest}}}")

    assert (events.story, wire.sent) == ([], [])


@pytest.mark.parametrize("frame", ["null", "[]", '{"plugin":"other","requestId":"1"}', '"x"'])
def test_what_names_another_plugin_is_data(primus: Any, frame: str) -> None:
    spark, wire = join(primus)
    events = Recorder(spark, "data", "request")

    wire.receive(frame)

    assert events.story == ["data"]


async def test_plugging_it_out_fails_what_is_awaited_and_leaves_nothing(primus: Any) -> None:
    spark, wire = join(primus)
    asking, _ = await asks(spark, wire, "name?")

    primus.plugout("responder")

    with pytest.raises(ResponseLost):
        await asking
    assert not hasattr(spark, "responses")
    assert not hasattr(spark, "write_and_wait")
