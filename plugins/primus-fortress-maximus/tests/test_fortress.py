"""Which messages pass, what is said of the others, and what listeners get."""

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NewType, Optional, TypedDict

import msgspec
import pytest

from primus import OptionError, ValidationError
from primus_fortress_maximus import Invalid
from primus_testing import Recorder, eventually, join

PLUGIN = "fortress-maximus, emit"
MakePrimus = Callable[..., Any]


@dataclass
class Vote:
    """What a client sends."""

    choice: str
    count: int = 1


class Told(TypedDict):
    """A message."""

    text: str


class Move(msgspec.Struct):
    """Another."""

    x: int


class Judge:
    """Something callable that is no type."""

    def __call__(self, value: Any) -> bool:
        return bool(value == 1)


def anything(*args: Any) -> None:
    """Accept it."""


def heard(primus: Any, *frames: str, events: tuple[str, ...] = ("data", "vote")) -> list[Any]:
    """What the listeners of a spark get of some frames, and what is invalid."""
    spark, wire = join(primus)
    told = Recorder(primus, "invalid")
    seen = Recorder(spark, *events)
    wire.receive(*frames)
    story = [args[:1] if event == "data" else args for event in events for args in seen.seen(event)]
    return [*story, *[(str(error), args) for error, args in told.seen("invalid")]]


def test_a_message_needs_a_listener_a_validator_and_the_arguments_that_it_takes(
    primus: Any,
) -> None:
    primus.validate("vote", lambda name, count: None)

    assert heard(
        primus,
        '{"emit":["end"]}',
        '{"emit":["incoming::x",1]}',
        '{"emit":["toString"]}',
        '{"emit":["unheard",1]}',
        '{"emit":[]}',
        '{"emit":[5,1]}',
        '"no validator"',
        '{"emit":["vote","tea"]}',
        '{"emit":["vote","tea",1,2]}',
        '{"emit":["vote","tea",1]}',
    ) == [
        ("tea", 1),
        ("end is a reserved event", []),
        ("incoming::x is a reserved event", [1]),
        ("toString is a reserved event", []),
        ("Missing listener for unheard", [1]),
        ("Missing listener for undefined", []),
        ("Missing listener for 5", [1]),
        ("Missing validator for data", ["no validator"]),
        ("Missing arguments for vote", ["tea"]),
        ("Missing arguments for vote", ["tea", 1, 2]),
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("null", "null"),
        ("true", "true"),
        ("1.5", "1.5"),
        ("2.0", "2"),
        ('["a",null,["b"]]', "a,,b"),
        ('{"a":1}', "[object Object]"),
    ],
)
def test_a_name_that_is_no_text_is_told_as_in_javascript(primus: Any, name: str, text: str) -> None:
    assert heard(primus, f'{{"emit":[{name}]}}') == [(f"Missing listener for {text}", [])]


def test_a_name_that_only_javascript_takes_for_the_event_is_not_delivered(primus: Any) -> None:
    primus.validate("vote", anything)

    assert heard(primus, '{"emit":[["vote"],1]}') == []


@pytest.mark.parametrize("verdict", [None, True, "", 0, 1, [], object()])
def test_what_is_no_refusal_accepts(primus: Any, verdict: Any) -> None:
    primus.validate("data", lambda message: verdict)

    assert heard(primus, "5") == [(5,)]


def raising(error: Exception) -> Any:
    raise error


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(
    ("judge", "text"),
    [
        (lambda: False, "data did not validate"),
        (lambda: "no such thing", "no such thing"),
        (lambda: ValueError("returned"), "returned"),
        (lambda: raising(ValueError("raised")), "raised"),
        (lambda: raising(ValueError()), "data did not validate"),
    ],
)
async def test_a_validator_refuses_by_what_it_returns_or_raises(
    primus: Any, judge: Any, text: str, is_async: bool
) -> None:
    async def later(message: Any) -> Any:
        await asyncio.sleep(0)
        return judge()

    primus.validate("data", later if is_async else lambda message: judge())
    told = Recorder(primus, "invalid")
    spark, wire = join(primus)
    data = Recorder(spark, "data")

    wire.receive("5")

    error, args = await told.next("invalid")
    assert isinstance(error, Invalid)
    assert (str(error), error.event, error.field, args) == (text, "data", "", [5])
    assert data.story == []
    assert wire.sent == []


@pytest.mark.parametrize("is_async", [False, True])
async def test_what_arrives_waits_for_async_listeners_of_what_is_invalid(
    primus: Any, is_async: bool
) -> None:
    async def later(message: int) -> bool:
        return message > 0

    primus.validate("data", later if is_async else lambda message: message > 0)
    told, go_on = list[Exception](), asyncio.Event()

    @primus.on("invalid")
    async def invalid(error: Exception) -> None:
        told.append(error)
        await go_on.wait()

    spark, wire = join(primus)
    data = Recorder(spark, "data")
    wire.receive("0", "1")
    await eventually(lambda: len(told) == 1)
    assert data.story == []

    go_on.set()
    assert (await data.next("data"))[0] == 1


@pytest.mark.parametrize("is_async", [False, True])
async def test_the_end_of_a_spark_waits_for_no_async_listener_of_what_is_invalid(
    primus: Any, is_async: bool
) -> None:
    async def later(message: int) -> bool:
        return False

    primus.validate("data", later if is_async else lambda message: False)
    told, go_on = list[Exception](), asyncio.Event()

    @primus.on("invalid")
    async def invalid(error: Exception) -> None:
        told.append(error)
        await go_on.wait()

    spark, wire = join(primus)
    spark.on("data", lambda message: None)
    ended = Recorder(spark, "end")
    wire.receive("0")
    await eventually(lambda: len(told) == 1)
    wire.lose()

    await ended.next("end")
    go_on.set()


async def test_messages_wait_for_their_validators_so_that_order_stays(primus: Any) -> None:
    running = 0

    @primus.validate("data")
    async def slow(message: Any) -> bool:
        nonlocal running
        running += 1
        assert running == 1
        for _ in range(5 - message):
            await asyncio.sleep(0)
        running -= 1
        return bool(message != 2)

    seen: list[Any] = []
    spark, wire = join(primus)
    spark.on("data", seen.append)

    wire.receive("1", "2", "3", "4", "5")

    await eventually(lambda: seen == [1, 3, 4, 5])


def test_a_refusal_that_nothing_listens_to_is_logged(
    primus: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    _, wire = join(primus)

    wire.receive('"secret"')

    assert "a message was refused ('data'): Missing listener for data" in caplog.text
    assert "secret" not in caplog.text


def test_a_peer_cannot_write_a_line_of_the_log(
    make_primus: MakePrimus, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    _, wire = join(make_primus("fortress-maximus, emit"))

    wire.receive(r'{"emit":["\nERROR all is lost\u001b[2J"]}')

    (line,) = [each for each in caplog.messages if "refused" in each]
    assert line.isprintable()
    assert r"Missing listener for \nERROR all" in line


def test_refusals_are_a_few_lines_a_second(primus: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    _, wire = join(primus)

    wire.receive(*["1"] * 100)
    assert caplog.text.count("a message was refused") == 5

    primus.options.clock.advance(1)
    wire.receive("1")
    assert caplog.text.count("a message was refused") == 6
    assert "Missing listener for data (95 more were not logged)" in caplog.text


async def test_iterating_over_a_spark_is_listening_to_data(primus: Any) -> None:
    primus.validate("data", anything)
    seen: list[Any] = []
    received = seen.append

    @primus.on("connection")
    async def connection(spark: Any) -> None:
        async for message in spark:
            received(message)

    _, wire = join(primus)
    await asyncio.sleep(0.0)
    wire.receive("1")

    await eventually(lambda: seen == [1])
    wire.lose()


# -- how validators are declared


@pytest.mark.parametrize(
    ("fn", "takes"),
    [
        (lambda a, b=1: None, [1, 2]),
        (lambda *args: None, [0, 1, 2, 3]),
        (partial(anything, "bound"), [0, 1, 2, 3]),
        (lambda: None, [0]),
        (Judge(), [1]),
        (Judge().__call__, [1]),
    ],
)
def test_a_validator_takes_what_its_parameters_say(primus: Any, fn: Any, takes: list[int]) -> None:
    primus.validate("vote", fn)
    frames = [f'{{"emit":["vote"{",1" * count}]}}' for count in range(4)]

    assert [len(each) for each in heard(primus, *frames)[: len(takes)]] == takes


def test_an_event_has_one_validator(primus: Any) -> None:
    primus.validate("data", anything)

    with pytest.raises(OptionError, match="'data' has a validator already"):
        primus.validate("data", anything)


def test_a_reserved_event_has_no_validator(primus: Any) -> None:
    with pytest.raises(OptionError, match="'end' is a reserved event"):
        primus.validate("end", anything)


@pytest.mark.parametrize("fn", [5, "text", type("Plain", (), {})])
def test_what_is_neither_function_nor_type_is_refused(primus: Any, fn: Any) -> None:
    with pytest.raises(TypeError):
        primus.validate("data", fn)


def test_a_validator_that_cannot_get_the_spark_is_refused(make_primus: MakePrimus) -> None:
    primus = make_primus("fortress-maximus, emit-broadcast", fortress="primus")

    with pytest.raises(TypeError, match="must take the spark"):
        primus.validate("data", lambda: None)


@pytest.mark.parametrize("mode", ["both", None, True])
def test_a_mode_that_does_not_exist_is_refused(make_primus: MakePrimus, mode: Any) -> None:
    with pytest.raises(OptionError, match='must be "spark" or "primus"'):
        make_primus(PLUGIN, fortress=mode)


def test_validators_decorate_functions(primus: Any) -> None:
    @primus.validate("data", limit=5)
    def validate(message: Any) -> None:
        """Accept it."""

    assert validate(1) is None
    assert heard(primus, "1") == [(1,)]


def test_what_it_reserves_is_given_back(primus: Any) -> None:
    primus.validate("data", anything)
    assert primus.reserved("invalid")
    assert primus.reserved("fortress:maximus::data")

    primus.plugout("fortress-maximus")

    assert not primus.reserved("invalid")
    assert not primus.reserved("fortress:maximus::data")


# -- types


@pytest.mark.parametrize(
    ("kind", "value", "converted"),
    [
        (Vote, '{"choice":"tea"}', Vote("tea")),
        (Told, '{"text":"hi"}', {"text": "hi"}),
        (Move, '{"x":5}', Move(5)),
        (int, "5", 5),
        (list[int], "[5]", [5]),
        (int | None, "null", None),
    ],
)
def test_a_type_converts_what_listeners_get(
    primus: Any, kind: Any, value: str, converted: Any
) -> None:
    primus.validate("data", kind)
    primus.validate("vote", kind)

    assert heard(primus, value, f'{{"emit":["vote",{value}],"more":1}}') == [
        (converted,),
        (converted,),
    ]


@pytest.mark.parametrize("kind", [NewType("Count", int), Literal[1], int | None, Optional[int]])  # noqa: UP045
def test_what_stands_for_a_type_is_not_called_as_a_function(primus: Any, kind: Any) -> None:
    primus.validate("data", kind)

    assert heard(primus, "1", '"text"')[0] == (1,)
    assert len(heard(primus, "1", '"text"')) == 2


def test_the_error_tells_which_field_is_wrong(primus: Any) -> None:
    primus.validate("vote", list[Vote])
    told = Recorder(primus, "invalid")
    spark, wire = join(primus)
    spark.on("vote", anything)

    wire.receive('{"emit":["vote",[{"choice":"tea"},{"choice":5}]]}', '{"emit":["vote"]}')

    (error, args), (missing, _) = told.seen("invalid")
    assert error.field == "[1].choice"
    assert str(error).startswith("[1].choice: ")
    assert isinstance(error.__cause__, ValidationError)
    assert args == [[{"choice": "tea"}, {"choice": 5}]]
    assert str(missing) == "Missing arguments for vote"


# -- events of the Primus


def test_in_the_mode_primus_listeners_and_reserved_names_are_those_of_the_primus(
    make_primus: MakePrimus,
) -> None:
    primus = make_primus("emit-broadcast, fortress-maximus", fortress="primus")
    judged: list[Any] = []
    primus.validate("vote", lambda spark, name: judged.append(spark))
    primus.validate("data", lambda spark, message: None)
    told = Recorder(primus, "invalid")
    seen = Recorder(primus, "vote", "data")
    spark, wire = join(primus)
    spark.on("only here", anything)

    wire.receive(
        '{"emit":["vote","tea"]}',
        "[1]",
        '{"emit":["connection"]}',
        '{"emit":["fortress:maximus::vote"]}',
        '{"emit":["only here"]}',
        '{"emit":["vote"]}',
    )

    assert judged == [spark]
    assert seen.seen("vote") == [(spark, "tea")]
    assert seen.seen("data") == [(spark, [1])]
    assert [str(error) for error, _ in told.seen("invalid")] == [
        "connection is a reserved event",
        "fortress:maximus::vote is a reserved event",
        "Missing listener for only here",
        "Missing arguments for vote",
    ]


def test_names_that_only_the_primus_reserves_have_no_validator_in_the_mode_primus(
    primus: Any, make_primus: MakePrimus
) -> None:
    primus.validate("connection", anything)
    on_primus = make_primus("fortress-maximus", fortress="primus")

    with pytest.raises(OptionError, match="'connection' is a reserved event"):
        on_primus.validate("connection", anything)


# -- limits


def test_a_limit_can_be_given_to_the_decorator(primus: Any) -> None:
    primus.validate("data", limit=1)(anything)

    assert heard(primus, "1", "2") == [(1,), ("Rate limit exceeded for data", [2])]


def test_what_is_refused_for_another_reason_does_not_count_against_the_limit(primus: Any) -> None:
    primus.validate("vote", lambda name: None, limit=1)
    told = Recorder(primus, "invalid")
    spark, wire = join(primus)

    wire.receive('{"emit":["vote","early"]}', '{"emit":["vote"]}')
    seen = Recorder(spark, "vote")
    wire.receive('{"emit":["vote","tea"]}')

    assert [str(error) for error, _ in told.seen("invalid")] == ["Missing listener for vote"] * 2
    assert seen.seen("vote") == [("tea",)]


async def test_messages_of_streams_count_once_against_the_limit_of_their_spark(
    make_primus: MakePrimus,
) -> None:
    primus = make_primus("substream, fortress-maximus", fortress_limit=(3, 1.0))
    primus.validate("data", anything)
    spark, wire = join(primus)
    spark.on("data", anything)
    seen = Recorder(spark.substream("files"), "data")

    wire.receive(*[f'{{"substream":"files","args":{each}}}' for each in range(4)])

    assert [args[0] for args in seen.seen("data")] == [0, 1, 2]


async def test_the_limit_of_an_event_holds_for_all_streams_of_a_spark_together(
    make_primus: MakePrimus,
) -> None:
    primus = make_primus("substream, fortress-maximus")
    primus.validate("data", anything, limit=(4, 1.0))
    told = Recorder(primus, "invalid")
    spark, wire = join(primus)
    spark.on("data", anything)
    seen = [Recorder(spark.substream(name), "data") for name in ("one", "two", "three")]

    for name in ("one", "two", "three"):
        wire.receive(f'{{"substream":"{name}","args":"{name}"}}')

    assert [len(each.seen("data")) for each in seen] == [1, 1, 0]  # each counts in its spark, too
    assert [str(error) for error, _ in told.seen("invalid")] == ["Rate limit exceeded for data"]


def test_a_spark_may_send_an_event_only_so_often(primus: Any) -> None:
    primus.validate("vote", anything, limit=(2, 10.0))
    primus.validate("data", anything)
    told = Recorder(primus, "invalid")
    spark, wire = join(primus)
    other, other_wire = join(primus)
    votes, others = Recorder(spark, "vote", "data"), Recorder(other, "vote")
    vote = '{"emit":["vote"]}'

    wire.receive(vote, vote, vote, "1")
    other_wire.receive(vote)
    primus.options.clock.advance(5.0)
    wire.receive(vote, vote)

    assert [str(error) for error, _ in told.seen("invalid")] == ["Rate limit exceeded for vote"] * 2
    assert votes.story == ["vote", "vote", "data", "vote"]
    assert others.story == ["vote"]


def test_a_validator_is_not_asked_beyond_the_limit(primus: Any) -> None:
    asked: list[Any] = []
    primus.validate("data", asked.append, limit=1)

    heard(primus, "1", "2")

    assert asked == [1]


def test_all_messages_of_a_spark_have_a_limit_together(make_primus: MakePrimus) -> None:
    primus = make_primus(PLUGIN, fortress_limit=(3, 1.0))
    primus.validate("data", anything)

    assert heard(primus, "1", '{"emit":["vote"]}', '{"emit":["end"]}', "2", "3")[1:] == [
        ("Missing validator for vote", []),
        ("end is a reserved event", []),
        ("Rate limit exceeded", [2]),
        ("Rate limit exceeded", [3]),
    ]


def test_what_a_spark_has_sent_is_forgotten_with_it(make_primus: MakePrimus) -> None:
    primus = make_primus(PLUGIN, fortress_limit=3)
    spark, wire = join(primus)
    wire.receive("1")
    assert len(primus._fortress._buckets) == 1

    wire.lose()
    del spark, wire

    assert len(primus._fortress._buckets) == 0


# -- with other plugins


async def test_events_of_emitter_are_judged_by_name_and_acknowledgements_pass(
    make_primus: MakePrimus,
) -> None:
    primus = make_primus("emitter, fortress-maximus")
    primus.validate("vote", Vote)
    told = Recorder(primus, "invalid")
    spark, wire = join(primus)
    spark.on("vote", lambda vote: vote.choice.upper())
    spark.on("unchecked", anything)

    wire.receive('{"type":0,"data":["vote",{"choice":"tea"}],"id":3}')
    assert wire.sent == ['{"id":3,"type":1,"data":["TEA"]}']
    wire.receive('{"type":0,"data":["unchecked"]}', '{"type":0,"data":["vote",5]}', '{"type":9}')
    asked = asyncio.ensure_future(spark.ask("name?"))
    await eventually(lambda: len(wire.sent) == 2)
    wire.receive('{"type":1,"id":1,"data":["me"]}')

    assert await asked == "me"
    assert [error.event for error, _ in told.seen("invalid")] == ["unchecked", "vote", "data"]


@pytest.mark.parametrize(
    ("plugin", "packet"),
    [
        ("emit, emitter", '{"emit":["ok",1],"type":0,"data":["vote","bad"]}'),
        ("emitter, emit", '{"emit":["vote","bad"],"type":0,"data":["ok",1]}'),
        ("emit, emitter", '{"emit":["vote","bad"],"type":1,"data":[],"id":1}'),
        ("emit, responder", '{"emit":["vote","bad"],"plugin":"primus-responder","responseId":1}'),
        (
            "emitter, responder",
            '{"type":0,"data":["vote","bad"],"plugin":"primus-responder","responseId":1}',
        ),
        (
            "responder, emitter",
            '{"type":0,"data":["ok",1],"plugin":"primus-responder","requestId":1}',
        ),
    ],
)
def test_a_message_that_is_several_things_is_refused(
    make_primus: MakePrimus, plugin: str, packet: str
) -> None:
    primus = make_primus(f"fortress-maximus, {plugin}")
    for event in ("ok", "vote", "request", "data"):
        primus.validate(event, int)

    (told,) = heard(primus, packet, events=("ok", "vote", "request", "data"))

    assert told == ("Ambiguous message", [json.loads(packet)])


@pytest.mark.parametrize("plugin", ["emitter", "responder", "substream"])
def test_what_no_plugin_makes_an_event_of_is_judged_as_data(
    make_primus: MakePrimus, plugin: str
) -> None:
    primus = make_primus(f"fortress-maximus, {plugin}")
    primus.validate("ok", int)
    primus.validate("data", str)

    (told,) = heard(primus, '{"emit":["ok",1]}', events=("ok", "data"))

    assert told == ("must be a text, not an object", [{"emit": ["ok", 1]}])


def test_an_event_in_a_stream_that_has_none_is_judged_as_data(make_primus: MakePrimus) -> None:
    primus = make_primus("fortress-maximus, substream, emitter, responder, emit")
    primus.validate("ok", int)
    primus.validate("request", int)
    primus.validate("data", lambda data: isinstance(data, dict) and "substream" in data)
    told = Recorder(primus, "invalid")
    spark, wire = join(primus)
    spark.on("data", anything)
    stream = spark.substream("files")
    seen = Recorder(stream, "data", "ok", "request")

    for inner in (
        '{"type":0,"data":["ok",1]}',
        '{"emit":["ok",1]}',
        '{"plugin":"primus-responder","requestId":1,"data":1}',
    ):
        wire.receive(f'{{"substream":"files","args":{inner}}}')

    assert seen.story == []
    assert [error.event for error, _ in told.seen("invalid")] == ["data"] * 3


def test_a_name_that_is_nested_too_deeply_is_refused(primus: Any) -> None:
    deep = "[" * 450 + "]" * 450

    assert [text for text, _ in heard(primus, f'{{"emit":[{deep}]}}')] == ["Missing listener for "]


async def test_requests_of_responder_are_judged_and_responses_pass(
    make_primus: MakePrimus,
) -> None:
    primus = make_primus("responder, fortress-maximus")
    primus.validate("request", Vote)
    spark, wire = join(primus)
    spark.on("request", lambda vote: vote.count)
    request = '{"plugin":"primus-responder","requestId":"1","data":%s}'

    wire.receive(request % '{"choice":"tea"}', request % "5")
    asked = asyncio.ensure_future(spark.write_and_wait("name?"))
    await eventually(lambda: len(wire.sent) == 2)
    id = wire.sent[1].split('"requestId":"')[1].split('"')[0]
    wire.receive(f'{{"plugin":"primus-responder","responseId":"{id}","data":"me"}}')

    assert await asked == "me"
    assert wire.sent[0] == '{"plugin":"primus-responder","responseId":"1","data":1}'


async def test_messages_of_streams_are_judged_as_data_of_their_connection_and_of_the_stream(
    make_primus: MakePrimus,
) -> None:
    primus = make_primus("substream, emit, fortress-maximus")
    primus.validate("data", lambda message: message != "bad")
    told = Recorder(primus, "invalid")
    spark, wire = join(primus)
    stream = spark.substream("files")
    data = Recorder(stream, "data")

    wire.receive('{"substream":"files","args":"first"}')
    spark.on("data", anything)
    wire.receive('{"substream":"files","args":"good"}', '{"substream":"files","args":"bad"}')
    wire.receive('{"substream":"files","args":{"emit":["end"]}}')  # which is data in a stream

    assert [args[0] for args in data.seen("data")] == ["good", {"emit": ["end"]}]
    assert [str(error) for error, _ in told.seen("invalid")] == [
        "Missing listener for data",
        "data did not validate",
    ]


async def test_messages_of_channels_are_judged_there_too(make_primus: MakePrimus) -> None:
    primus = make_primus("multiplex, emitter, fortress-maximus")
    primus.validate("data", lambda message: message != "bad", limit=(4, 1.0))
    primus.validate("vote", Vote)
    told = Recorder(primus, "invalid")
    spark, wire = join(primus)
    spark.on("data", anything)
    seen: list[Any] = []

    @primus.channel("news").on("connection")
    def connection(channel_spark: Any) -> None:
        channel_spark.on("data", seen.append)
        channel_spark.on("vote", seen.append)

    wire.receive('[1,"7","news"]')
    await eventually(lambda: len(primus.channel("news").connections) == 1)
    wire.receive('[0,"7","news","good"]', '[0,"7","news","bad"]')
    primus.options.clock.advance(1.0)
    for value in ("5", '{"choice":"tea"}'):
        wire.receive(f'[0,"7","news",{{"type":0,"data":["vote",{value}]}}]')

    assert seen == ["good", Vote("tea")]
    assert [error.event for error, _ in told.seen("invalid")] == ["data", "vote"]
