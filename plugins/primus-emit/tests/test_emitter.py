"""`send` and `ask` on a server: literal packets, as primus-emitter sends and takes them."""

import asyncio
import json
import logging
from threading import get_ident
from typing import Any

import pytest

from primus import ListenerError, OptionError
from primus_emit import AckFailed, AckLost, AckTimeout
from primus_testing import Recorder, Tracebacks, eventually, join

PLUGIN = "emitter"


def sent(wire: Any) -> list[Any]:
    return [json.loads(frame) for frame in wire.sent]


# -- sending


def test_an_event_is_sent(primus: Any) -> None:
    spark, wire = join(primus)

    assert spark.send("news", "hello", {"a": [1, None]}) is True

    assert wire.sent == ['{"type":0,"data":["news","hello",{"a":[1,null]}]}']


def test_emit_and_dispatch_stay_here(primus: Any) -> None:
    spark, wire = join(primus)
    events = Recorder(spark, "news")

    spark.emit("news", 1)
    spark.dispatch("news", 2)

    assert events.seen("news") == [(1,), (2,)]
    assert wire.sent == []


def test_a_callback_asks_for_an_acknowledgement_by_ids_from_one(primus: Any) -> None:
    spark, wire = join(primus)
    other, other_wire = join(primus)

    for _ in range(2):
        spark.send("news", "hello", print)
    other.send("news", print)

    assert [packet["id"] for packet in sent(wire)] == [1, 2]
    assert sent(wire)[0] == {"type": 0, "data": ["news", "hello"], "id": 1}
    assert sent(other_wire) == [{"type": 0, "data": ["news"], "id": 1}]


def test_a_client_that_came_back_is_asked_by_other_ids(primus: Any) -> None:
    """It may still acknowledge what was asked over its earlier connection."""
    spark, wire = join(primus)
    spark.recovered = {"rooms": True, "session": True, "missed": 1}

    spark.send("news", print)
    spark.send("news", print)

    first, second = (packet["id"] for packet in sent(wire))
    assert first > 1
    assert second == first + 1


@pytest.mark.parametrize("event", ["newListener", "removeListener", "newListenerX"])
async def test_names_of_nodes_own_are_not_sent(primus: Any, event: str) -> None:
    spark, wire = join(primus)

    assert spark.send(event, 1) is False
    assert spark.send(event, print) is False
    primus.send(event)
    with pytest.raises(AckLost):
        await spark.ask(event)

    assert wire.sent == []
    assert len(spark.acks) == 0


def test_nothing_is_sent_or_awaited_once_the_spark_has_ended(primus: Any) -> None:
    spark, wire = join(primus)
    spark.end()
    wire.sent.clear()

    assert spark.send("news") is False
    assert spark.send("news", print) is False

    assert wire.sent == []
    assert primus.options.clock.pending == 0


def test_a_primus_sends_to_every_spark_and_encodes_once(primus: Any) -> None:
    wires = [join(primus)[1] for _ in range(3)]
    encoded: list[Any] = []
    original = primus.parser.encode
    primus.parser = type("Counting", (), {"encode": staticmethod(encoded.append)})()
    primus.parser.encode = lambda value: (encoded.append(value), original(value))[1]

    primus.send("news", "hello")

    assert [wire.sent for wire in wires] == [['{"type":0,"data":["news","hello"]}']] * 3
    assert len(encoded) == 1


def test_a_primus_sends_to_some_sparks(primus: Any) -> None:
    (one, wire), (_, other) = join(primus), join(primus)
    answers: list[Any] = []

    primus.send("news", "hello", to=[one])
    primus.send("vote", answers.append, to=[one])

    assert wire.sent == ['{"type":0,"data":["news","hello"]}', '{"type":0,"data":["vote"],"id":1}']
    assert other.sent == []


def test_a_primus_that_sends_with_a_callback_asks_every_spark(primus: Any) -> None:
    sparks = [join(primus) for _ in range(2)]
    answers: list[Any] = []

    primus.send("vote", answers.append)
    for number, (_, wire) in enumerate(sparks):
        wire.receive(f'{{"id":1,"type":1,"data":[{number}]}}')

    assert answers == [0, 1]


# -- acknowledgements that come


async def test_ask_gives_what_was_acknowledged(primus: Any) -> None:
    spark, wire = join(primus)
    answers = [asyncio.create_task(spark.ask("vote", number)) for number in range(4)]
    await eventually(lambda: len(wire.sent) == 4)

    wire.receive(
        '{"id":2,"type":1,"data":[]}',
        '{"id":1,"type":1,"data":["yes"]}',
        '{"type":1,"id":3,"data":["yes",null]}',
        '{"type":1,"id":4,"data":[["a list"]],"more":1}',
    )

    assert await asyncio.gather(*answers) == ["yes", None, ("yes", None), ["a list"]]
    assert len(spark.acks) == 0
    assert primus.options.clock.pending == 0


def test_a_callback_gets_what_was_acknowledged_once(primus: Any) -> None:
    spark, wire = join(primus)
    events = Recorder(spark, "data", "error")
    seen: list[Any] = []
    spark.send("vote", lambda *args: seen.append(args))

    wire.receive('{"id":1,"type":1,"data":["yes",2]}', '{"id":1,"type":1,"data":["no"]}')

    assert seen == [("yes", 2)]
    assert events.story == []


def test_a_callback_takes_fewer_arguments_or_gets_none(primus: Any) -> None:
    spark, wire = join(primus)
    seen: list[Any] = []

    def callback(answer: Any) -> None:
        seen.append(answer)

    spark.send("vote", callback)
    spark.send("vote", callback)

    wire.receive('{"id":1,"type":1,"data":["yes",2]}', '{"id":2,"type":1,"data":[]}')

    assert seen == ["yes", None]


async def test_an_async_callback_makes_the_messages_behind_it_wait(primus: Any) -> None:
    spark, wire = join(primus)
    events = Recorder(spark, "data")
    go = asyncio.Event()

    async def callback(answer: Any) -> None:
        await go.wait()

    spark.send("vote", callback)
    wire.receive('{"id":1,"type":1,"data":["yes"]}', '"behind it"')
    await asyncio.sleep(0)
    assert events.story == []

    go.set()
    assert await events.one("data") == "behind it"


def test_a_callback_that_raises_is_reported(primus: Any, tracebacks: Tracebacks) -> None:
    tracebacks.expect("a listener of \"the answer to 'vote'\" raised")
    spark, wire = join(primus)
    events = Recorder(spark, "error")
    spark.send("vote", lambda: 1 / 0)

    wire.receive('{"id":1,"type":1,"data":[]}')

    ((error,),) = events.seen("error")
    assert isinstance(error, ListenerError)


@pytest.mark.parametrize("id", ["7", "1.5", "-1", "1e300"])
def test_an_acknowledgement_that_is_not_awaited_is_ignored(primus: Any, id: str) -> None:
    spark, wire = join(primus)
    events = Recorder(spark, "data", "error")
    spark.send("vote", print)

    wire.receive(f'{{"id":{id},"type":1,"data":["x"]}}')

    assert events.story == []
    assert len(spark.acks) == 1


@pytest.mark.parametrize("start", ["connection", "data", "event"])
async def test_a_listener_may_ask_although_messages_wait_for_it(primus: Any, start: str) -> None:
    answers: list[Any] = []

    async def asking(*args: Any) -> None:
        answers.append(await spark.ask("name?"))

    def connection(new: Any) -> Any:
        nonlocal spark
        spark = new
        return asking() if start == "connection" else None

    spark: Any = None
    primus.on("connection", connection)
    spark, wire = join(primus)
    events = Recorder(spark, "later")
    if start != "connection":
        spark.on("data" if start == "data" else "news", asking)
        wire.receive("1" if start == "data" else '{"type":0,"data":["news"]}')
    await eventually(lambda: wire.sent)

    wire.receive('{"type":0,"data":["later"]}')
    assert events.story == []
    wire.receive('{"id":1,"type":1,"data":["me"]}')

    await events.next("later")
    assert answers == ["me"]


# -- acknowledgements that do not come


async def test_ask_gives_up_after_its_timeout(primus: Any) -> None:
    spark, wire = join(primus)
    default = asyncio.create_task(spark.ask("vote"))
    own = asyncio.create_task(spark.ask("vote", timeout=5))
    await eventually(lambda: len(wire.sent) == 2)

    primus.options.clock.advance(5)
    with pytest.raises(AckTimeout, match=r"'vote' was not acknowledged within 5\.0 s"):
        await own
    assert not default.done()
    primus.options.clock.advance(25)
    with pytest.raises(TimeoutError):
        await default
    wire.receive('{"id":1,"type":1,"data":["too late"]}')
    assert len(spark.acks) == 0


async def test_an_acknowledgement_that_waits_while_the_process_is_busy_is_in_time(
    primus: Any,
) -> None:
    spark, wire = join(primus)
    asking = asyncio.create_task(spark.ask("vote", timeout=5))
    await eventually(lambda: len(wire.sent) == 1)

    primus.options.clock.block(6)
    wire.receive('{"id":1,"type":1,"data":["yes"]}')

    assert await asking == "yes"


@pytest.mark.parametrize("never", [None, False])
async def test_without_a_timeout_an_acknowledgement_may_take_for_ever(
    make_primus: Any, never: Any
) -> None:
    primus = make_primus("emitter", emitter_timeout=never)
    spark, wire = join(primus)
    seen: list[Any] = []
    spark.send("vote", seen.append)
    spark.send("vote", seen.append, timeout=1)

    primus.options.clock.advance(1_000_000)
    wire.receive('{"id":1,"type":1,"data":["one"]}', '{"id":2,"type":1,"data":["two"]}')

    assert seen == ["one"]


@pytest.mark.parametrize("end", ["wire.lose()", "spark.end()", "spark.abort()"])
async def test_ask_fails_when_the_connection_goes(primus: Any, end: str) -> None:
    spark, wire = join(primus)
    answer = asyncio.create_task(spark.ask("vote"))
    seen: list[Any] = []
    spark.send("vote", seen.append)
    await eventually(lambda: len(wire.sent) == 2)

    eval(end, {"wire": wire, "spark": spark})

    with pytest.raises(AckLost, match="the connection went before 'vote' was acknowledged"):
        await answer
    assert seen == []
    assert primus.options.clock.pending == 0


async def test_ask_fails_at_once_although_messages_wait_for_the_caller(primus: Any) -> None:
    spark, wire = join(primus)
    failures: list[Exception] = []

    @spark.on("data")
    async def data(message: Any) -> None:
        try:
            await spark.ask("name?")
        except AckLost as error:
            failures.append(error)

    events = Recorder(spark, "data", "end")
    wire.receive('"first"')
    await eventually(lambda: wire.sent)
    wire.receive('"second"')
    wire.lose()

    await events.next("end")
    assert [args[0] for args in events.seen("data")] == ["first", "second"]
    assert len(failures) == 2


async def test_ask_of_a_spark_that_has_ended_fails(primus: Any) -> None:
    spark, _ = join(primus)
    spark.end()

    with pytest.raises(AckLost, match="'vote' was not sent"):
        await spark.ask("vote")


async def test_ask_that_is_cancelled_leaves_nothing(primus: Any) -> None:
    spark, wire = join(primus)
    answer = asyncio.create_task(spark.ask("vote"))
    await eventually(lambda: wire.sent)

    answer.cancel()

    await asyncio.wait([answer])
    assert len(spark.acks) == 0
    assert primus.options.clock.pending == 0


async def test_a_callback_that_is_not_called_leaves_a_debug_line(
    primus: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "primus.server")
    spark, _ = join(primus)
    spark.send("vote", print)

    primus.options.clock.advance(30)

    (record,) = [one for one in caplog.records if "vote" in one.getMessage()]
    assert record.levelname == "DEBUG"


@pytest.mark.parametrize("timeout", [0, -1, "soon", True])
async def test_a_timeout_that_cannot_work_is_refused(make_primus: Any, timeout: Any) -> None:
    with pytest.raises(OptionError, match="emitter_timeout="):
        make_primus("emitter", emitter_timeout=timeout)
    spark, wire = join(make_primus("emitter"))
    with pytest.raises(OptionError, match="timeout="):
        await spark.ask("vote", timeout=timeout)
    assert wire.sent == []


# -- receiving


def test_an_event_that_arrives_is_emitted_here_and_is_no_data(primus: Any) -> None:
    spark, wire = join(primus)
    events = Recorder(spark, "news", "data")

    wire.receive('{"type":0,"data":["news","hello",null]}', '{"data":["news"],"type":0,"id":0}')

    assert events.story == ["news", "news"]
    assert events.seen("news") == [("hello", None), ()]
    assert wire.sent == []


def test_an_event_that_asks_is_acknowledged_once_by_its_listener(primus: Any) -> None:
    spark, wire = join(primus)
    returned: list[bool] = []

    @spark.on("vote")
    def vote(question: str, ack: Any) -> None:
        returned.extend([ack(question.upper(), None), ack("again")])

    wire.receive('{"type":0,"data":["vote","yes?"],"id":7}')

    assert wire.sent == ['{"id":7,"type":1,"data":["YES?",null]}']
    assert returned == [True, False]


async def test_a_listener_that_takes_no_acknowledgement_gives_it_by_what_it_returns(
    primus: Any,
) -> None:
    spark, wire = join(primus)

    @spark.on("double")
    async def double(number: int) -> int:
        return number * 2

    wire.receive('{"type":0,"data":["double",21],"id":7}', '{"type":0,"data":["double",1]}')

    await eventually(lambda: wire.sent)
    assert wire.sent == ['{"id":7,"type":1,"data":[42]}']


def test_a_listener_gets_no_acknowledgement_when_none_is_wanted(primus: Any) -> None:
    spark, wire = join(primus)
    seen: list[Any] = []
    spark.on("vote", lambda question, ack: seen.append((question, ack)))

    wire.receive('{"type":0,"data":["vote","yes?"]}')

    assert seen == [("yes?", None)]


def test_an_id_is_given_back_as_it_came(primus: Any) -> None:
    spark, wire = join(primus)
    spark.on("vote", lambda ack: ack())

    for id in ("1.5", "-3", "9007199254740993"):
        wire.receive(f'{{"type":0,"data":["vote"],"id":{id}}}')

    assert [packet["id"] for packet in sent(wire)] == [1.5, -3, 9007199254740993]


def test_an_acknowledgement_after_the_end_is_lost(primus: Any) -> None:
    spark, wire = join(primus)
    acks: list[Any] = []
    spark.on("vote", acks.append)
    wire.receive('{"type":0,"data":["vote"],"id":7}')
    spark.end()
    wire.sent.clear()

    assert acks[0]("yes") is False

    assert wire.sent == []


@pytest.mark.parametrize(
    ("result", "acknowledged"), [("yes", '["yes"]'), (0, "[0]"), ((1, 2), "[1,2]"), (None, "[]")]
)
def test_what_a_listener_returns_is_the_acknowledgement(
    primus: Any, result: Any, acknowledged: str
) -> None:
    spark, wire = join(primus)
    spark.on("vote", lambda question: result)

    wire.receive('{"type":0,"data":["vote","yes?"],"id":7}')
    wire.receive('{"type":0,"data":["vote","yes?"]}')

    assert wire.sent == [f'{{"id":7,"type":1,"data":{acknowledged}}}']


async def test_what_an_async_listener_returns_is_the_acknowledgement(primus: Any) -> None:
    spark, wire = join(primus)
    seen: list[str] = []
    spark.once("vote", lambda: seen.append("first"))

    @spark.on("vote")
    async def vote() -> str:
        await asyncio.sleep(0)
        return "second"

    spark.on("vote", lambda: seen.append("third"))
    wire.receive('{"type":0,"data":["vote"],"id":7}')
    await eventually(lambda: wire.sent == ['{"id":7,"type":1,"data":["second"]}'])

    assert seen == ["first", "third"]


def test_the_first_of_several_listeners_that_returns_a_value_has_acknowledged(primus: Any) -> None:
    spark, wire = join(primus)
    for result in (None, "one", "two"):
        spark.on("vote", lambda result=result, /, *, again=result: again)

    wire.receive('{"type":0,"data":["vote","yes?"],"id":7}')

    assert wire.sent == ['{"id":7,"type":1,"data":["one"]}']


def test_what_a_listener_returns_that_takes_the_acknowledgement_is_none(primus: Any) -> None:
    spark, wire = join(primus)
    acks: list[Any] = []
    spark.on("vote", lambda ack: [acks.append(ack)])

    wire.receive('{"type":0,"data":["vote"],"id":7}')
    assert wire.sent == []

    acks[0]("later")
    assert wire.sent == ['{"id":7,"type":1,"data":["later"]}']


@pytest.mark.parametrize("event", ["vote", "data", "constructor"])
def test_an_event_that_nothing_listens_to_is_refused_at_once(primus: Any, event: str) -> None:
    _, wire = join(primus)

    wire.receive(f'{{"type":0,"data":["{event}"],"id":7,"fails":true}}')

    assert wire.sent == ['{"id":7,"type":1,"data":[],"error":"no listener"}']


@pytest.mark.parametrize("listener", [lambda question: 1 / 0, lambda question, ack: 1 / 0])
def test_an_event_whose_listener_raises_is_refused_without_internals(
    primus: Any, tracebacks: Tracebacks, listener: Any
) -> None:
    tracebacks.expect("a listener of 'vote' raised")
    spark, wire = join(primus)
    spark.on("vote", listener)

    wire.receive('{"type":0,"data":["vote","yes?"],"id":7,"fails":true}')

    assert wire.sent == ['{"id":7,"type":1,"data":[],"error":"the listener failed"}']


async def test_a_listener_may_choose_the_words_of_a_refusal(primus: Any) -> None:
    spark, wire = join(primus)

    @spark.on("vote")
    async def vote() -> None:
        await asyncio.sleep(0)
        raise AckFailed("polls are closed")

    wire.receive('{"type":0,"data":["vote"],"id":7,"fails":true}', '"behind it"')
    await eventually(
        lambda: wire.sent == ['{"id":7,"type":1,"data":[],"error":"polls are closed"}']
    )


async def test_an_async_listener_that_is_cancelled_is_a_refusal(primus: Any) -> None:
    spark, wire = join(primus)

    @spark.on("vote")
    async def vote() -> None:
        raise asyncio.CancelledError

    wire.receive('{"type":0,"data":["vote"],"id":7,"fails":true}')
    await eventually(
        lambda: wire.sent == ['{"id":7,"type":1,"data":[],"error":"the listener failed"}']
    )


@pytest.mark.parametrize("fails", ["", ',"fails":true'])
def test_a_chosen_refusal_is_reported_only_when_the_sender_cannot_be_told(
    primus: Any, tracebacks: Tracebacks, fails: str
) -> None:
    if not fails:
        tracebacks.expect("a listener of 'vote' raised")
    spark, wire = join(primus)
    errors = Recorder(spark, "error")

    @spark.on("vote")
    def vote() -> None:
        raise AckFailed("polls are closed")

    wire.receive(f'{{"type":0,"data":["vote"],"id":7{fails}}}')

    assert bool(wire.sent) is bool(fails)
    assert bool(events := errors.story) is not bool(fails), events


def test_an_acknowledgement_that_cannot_be_encoded_is_a_refusal_too(
    primus: Any, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("a listener of 'vote' raised")
    spark, wire = join(primus)
    spark.on("vote", object)

    wire.receive('{"type":0,"data":["vote"],"id":7,"fails":true}')

    assert wire.sent == ['{"id":7,"type":1,"data":[],"error":"the listener failed"}']


async def test_ask_raises_the_refusal_of_the_other_side(primus: Any) -> None:
    spark, wire = join(primus)
    asking = asyncio.ensure_future(spark.ask("vote"))
    await asyncio.sleep(0)
    assert wire.sent == ['{"type":0,"data":["vote"],"id":1,"fails":true}']

    wire.receive('{"id":1,"type":1,"data":[],"error":"polls are closed"}')

    with pytest.raises(AckFailed, match=r"\Apolls are closed\Z"):
        await asking
    wire.receive('{"id":1,"type":1,"data":[],"error":"again"}')


def test_a_refusal_comes_after_no_acknowledgement(primus: Any, tracebacks: Tracebacks) -> None:
    tracebacks.expect("a listener of 'vote' raised")
    spark, wire = join(primus)
    spark.on("vote", lambda: "yes")
    spark.on("vote", lambda: 1 / 0)

    wire.receive('{"type":0,"data":["vote"],"id":7,"fails":true}')

    assert wire.sent == ['{"id":7,"type":1,"data":["yes"]}']


@pytest.mark.parametrize("event", ["vote", "raises"])
def test_a_sender_that_does_not_understand_it_is_not_told_of_a_failure(
    primus: Any, tracebacks: Tracebacks, event: str
) -> None:
    if event == "raises":
        tracebacks.expect("a listener of 'raises' raised")
    spark, wire = join(primus)
    spark.on("raises", lambda: 1 / 0)

    wire.receive(f'{{"type":0,"data":["{event}"],"id":7}}')

    assert wire.sent == []
    assert spark.ready_state == spark.OPEN


@pytest.mark.parametrize("asked", ["", ',"id":1'])
@pytest.mark.parametrize("event", ["data", "end", "error", "outgoing::x", "constructor"])
def test_an_event_with_a_reserved_name_is_dropped(primus: Any, event: str, asked: str) -> None:
    spark, wire = join(primus)
    events = Recorder(spark, "data", "end", "error", "outgoing::x", "constructor")

    wire.receive(f'{{"type":0,"data":["{event}","x"]{asked}}}')

    assert events.story == []
    assert wire.sent == []


@pytest.mark.parametrize(
    "frame",
    [
        "null",
        '{"type":0,"data":"news"}',
        '{"type":0,"data":["news"],"id":"7"}',
        '{"type":2,"data":["news"]}',
        '{"type":0,"data":[]}',
        '{"type":1,"data":[]}',
        '{"type":false,"data":["news"]}',
    ],
)
def test_what_is_no_packet_is_data(primus: Any, frame: str) -> None:
    spark, wire = join(primus)
    events = Recorder(spark, "data", "error")

    wire.receive(frame)

    assert events.story == ["data"]


async def test_packets_are_data_as_well_when_that_is_wanted(make_primus: Any) -> None:
    primus = make_primus("emitter", emitter_data=True)
    spark, wire = join(primus)
    go = asyncio.Event()

    async def later() -> None:
        await go.wait()

    events = Recorder(spark, "news", "data")
    wire.receive('{"type":0,"data":["news"]}', '{"type":1,"id":1,"data":[]}')
    assert events.story == ["news", "data", "data"]

    spark.on("news", later)
    wire.receive('{"type":0,"data":["news",2]}')
    assert events.story[3:] == ["news"]
    go.set()
    assert (await events.next("data"))[0] == {"type": 0, "data": ["news"]}
    await eventually(lambda: events.story[3:] == ["news", "data"])


# -- taking it out


async def test_plugging_it_out_fails_what_is_awaited_and_leaves_nothing(primus: Any) -> None:
    spark, wire = join(primus)
    answer = asyncio.create_task(spark.ask("vote"))
    await eventually(lambda: wire.sent)

    primus.plugout("emitter")

    with pytest.raises(AckLost):
        await answer
    assert not hasattr(spark, "send")
    assert not hasattr(spark, "acks")
    assert not hasattr(primus, "send")
    events = Recorder(spark, "data", "end")
    wire.receive('{"type":0,"data":["news"]}')
    wire.lose()
    assert events.story == ["data", "end"]


async def test_sparks_from_before_it_was_used_have_it_too(make_primus: Any) -> None:
    primus = make_primus(None)
    spark, wire = join(primus)

    primus.use("emitter")
    seen: list[Any] = []
    spark.send("vote", seen.append)
    wire.receive('{"id":1,"type":1,"data":["yes"]}')

    assert seen == ["yes"]
    other, _ = join(primus)
    primus.plugout("emitter")
    assert not hasattr(other, "acks")


async def test_another_thread_sends_in_its_order_and_waits_for_answers_by_thread(
    primus: Any,
) -> None:
    spark, wire = join(primus)
    spark.on("outgoing::data", lambda frame: frame)
    answers: list[Any] = []
    threads: list[int] = []

    def answered(answer: Any) -> None:
        threads.append(get_ident())
        answers.append(answer)

    def work() -> None:
        assert spark.send("news", 1) is True
        assert spark.send("vote", answered) is True
        primus.send("vote", answered)
        with pytest.raises(RuntimeError, match=r"\.thread"):
            asyncio.run(spark.ask("vote"))
        answers.append(spark.thread.ask("vote"))

    working = asyncio.ensure_future(asyncio.to_thread(work))
    await eventually(lambda: len(wire.sent) == 4)
    assert [packet.get("id") for packet in sent(wire)] == [None, 1, 2, 3]
    for id in (1, 2, 3):
        wire.receive(f'{{"id":{id},"type":1,"data":[{id}]}}')
    await working

    assert sorted(answers) == [1, 2, 3]
    assert threads == [get_ident()] * 2
