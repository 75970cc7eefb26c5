"""Events of a contract: validated where they arrive, and answered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal, TypedDict

import msgspec
import pydantic
import pytest
import pytest_asyncio

from primus import OptionError, Primus, Spark, ValidationError
from primus.schema import Bounds
from primus_contract import Contract, ContractPrimus, Received, Sent, asyncapi
from primus_emit import EmitterSpark
from primus_testing import (
    ManualClock,
    MemoryTransformer,
    Recorder,
    Tracebacks,
    eventually,
    join,
    make_request,
)


class Size(Enum):
    SMALL = "s"
    LARGE = "l"


@dataclass
class Vote:
    """A vote of a client."""

    choice: Literal["tea", "coffee"]
    weight: Annotated[int, Bounds(ge=1, le=3)] = 1
    size: Size = Size.SMALL
    tags: list[str] = field(default_factory=list)


class Tally(TypedDict):
    counts: dict[str, int]
    on: date


class Struct(msgspec.Struct):
    text: str


class Part(pydantic.BaseModel):
    name: str


class Model(pydantic.BaseModel):
    text: str
    of: list[Part] = []


VOTE = Received("vote", Vote, answer=Tally, description="A client votes.")
LEAVE = Received("leave", Struct)
TALLY = Sent("tally", Tally)
CONTRACT = Contract("Votes", "1.2.0", receives=[VOTE, LEAVE], sends=[TALLY])


def made(plugin: str = "emitter, contract", contract: Any = CONTRACT) -> Any:
    kind: Any = ContractPrimus[EmitterSpark]
    return kind(
        transformer=MemoryTransformer, clock=ManualClock(), plugin=plugin, contract=contract
    )


@pytest_asyncio.fixture
async def primus(tracebacks: Tracebacks) -> AsyncIterator[Any]:
    server = made()
    yield server
    await server.destroy()


def test_a_handler_gets_the_payload_as_its_type(primus: Any) -> None:
    seen: list[Vote] = []

    @primus.on_event(VOTE)
    def vote(spark: Spark, vote: Vote) -> None:
        seen.append(vote)

    _, wire = join(primus)
    wire.receive('{"type":0,"data":["vote",{"choice":"tea","size":"l","unknown":1}]}')

    assert seen == [Vote("tea", 1, Size.LARGE)]


def test_listeners_of_the_spark_get_it_too(primus: Any) -> None:
    spark, wire = join(primus)
    votes = Recorder(spark, "vote")

    wire.receive('{"type":0,"data":["vote",{"choice":"tea"}]}')

    assert votes.seen("vote") == [(Vote("tea"),)]


def test_what_a_client_adds_to_a_payload_reaches_no_listener(primus: Any) -> None:
    spark, wire = join(primus)
    votes = Recorder(spark, "vote")

    wire.receive('{"type":0,"data":["vote",{"choice":"tea"},{"role":"admin"}]}')

    assert votes.seen("vote") == [(Vote("tea"),)]


async def test_what_a_handler_returns_is_the_answer(primus: Any) -> None:
    @primus.on_event(VOTE)
    async def vote(spark: Spark, vote: Vote) -> Tally:
        return {"counts": {"tea": vote.weight}, "on": date(2026, 11, 29)}

    _, wire = join(primus)
    wire.receive('{"type":0,"data":["vote",{"choice":"tea","weight":2}],"id":1}')

    await eventually(lambda: wire.sent)
    assert json.loads(wire.sent[0])["data"] == [{"counts": {"tea": 2}, "on": "2026-11-29"}]


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        ('{"choice":"milk"}', "choice: must be 'tea' or 'coffee', not 'milk'"),
        ('{"choice":"tea","weight":4}', "weight: must be at most 3"),
        ("null", "must be an object (Vote), not null"),
    ],
)
def test_an_invalid_payload_reaches_no_listener_and_is_refused_with_its_field(
    primus: Any, payload: str, error: str
) -> None:
    spark, wire = join(primus)
    told = Recorder(spark, "vote", "invalid", "error")

    wire.receive(f'{{"type":0,"data":["vote",{payload}],"id":7,"fails":true}}')

    assert told.story == ["invalid"]
    ((invalid, event),) = told.seen("invalid")
    assert (str(invalid), event) == (error, "vote")
    assert json.loads(wire.sent[0]) == {"type": 1, "id": 7, "data": [], "error": error}


@pytest.mark.parametrize("asked", ["", ',"id":7'])
async def test_what_arrives_waits_for_async_listeners_of_what_is_invalid(
    primus: Any, asked: str
) -> None:
    spark, wire = join(primus)
    told, go_on, news = list[Exception](), asyncio.Event(), Recorder(spark, "news")

    @spark.on("invalid")
    async def invalid(error: Exception) -> None:
        told.append(error)
        await go_on.wait()

    wire.receive(f'{{"type":0,"data":["vote",5]{asked}}}', '{"type":0,"data":["news",1]}')
    await eventually(lambda: len(told) == 1)
    assert news.story == []

    go_on.set()
    await news.next("news")


@pytest.mark.parametrize("frame", ['{"type":0,"data":["vote"]}', '{"type":0,"data":["vote",5]}'])
def test_an_event_without_its_payload_is_invalid(primus: Any, frame: str) -> None:
    spark, wire = join(primus)
    told = Recorder(spark, "vote", "invalid")

    wire.receive(frame)

    assert told.story == ["invalid"]


def test_events_that_are_not_declared_pass(primus: Any) -> None:
    spark, wire = join(primus)
    told = Recorder(spark, "news", "invalid")

    wire.receive('{"type":0,"data":["news",1,2]}')

    assert told.seen("news") == [(1, 2)]


@pytest.mark.parametrize("plugin", ["emit, contract", "contract, emit"])
async def test_it_validates_events_of_the_plugin_emit(plugin: str, tracebacks: Tracebacks) -> None:
    primus = made(plugin)
    spark, wire = join(primus)
    told = Recorder(spark, "leave", "invalid")

    wire.receive('{"emit":["leave",{"text":"bye"}]}', '{"emit":["leave",{}]}')

    assert told.seen("leave") == [(Struct("bye"),)]
    assert told.story == ["leave", "invalid"]
    await primus.destroy()


async def test_it_validates_events_of_emit_broadcast(tracebacks: Tracebacks) -> None:
    primus = made("emit-broadcast, contract")
    spark, wire = join(primus)
    told = Recorder(primus, "leave")

    wire.receive('{"emit":["leave",{"text":"bye"}]}', '{"emit":["leave",{}]}')

    assert told.seen("leave") == [(spark, Struct("bye"))]
    await primus.destroy()


def test_the_server_sends_a_payload_as_plain_values(primus: Any) -> None:
    spark, wire = join(primus)
    tally: Tally = {"counts": {"tea": 1}, "on": date(2026, 11, 29)}

    TALLY.send(primus, tally)
    TALLY.send(spark, tally)

    told = {"type": 0, "data": ["tally", {"counts": {"tea": 1}, "on": "2026-11-29"}]}
    assert [json.loads(frame) for frame in wire.sent] == [told, told]


async def test_a_python_client_asks_and_listens_with_the_same_objects(primus: Any) -> None:
    @primus.on_event(VOTE)
    def vote(spark: EmitterSpark, vote: Vote) -> Tally:
        tally: Tally = {"counts": {vote.choice: vote.weight}, "on": date(2026, 11, 29)}
        TALLY.send(spark, tally)
        return tally

    socket = primus.Socket("http://memory")
    seen: list[Tally] = []
    TALLY.on(socket)(seen.append)

    answer = await VOTE.ask(socket, Vote("tea", 2, Size.LARGE))

    assert answer == {"counts": {"tea": 2}, "on": date(2026, 11, 29)}
    assert seen == [answer]
    assert LEAVE.send(socket, Struct("bye")) is True
    socket.destroy()


async def test_an_answer_of_another_type_is_refused_by_the_client(primus: Any) -> None:
    primus.on_spark("vote", lambda spark, vote: "no tally")
    socket = primus.Socket("http://memory")

    with pytest.raises(ValidationError, match=r"must be an object \(Tally\)"):
        await VOTE.ask(socket, Vote("tea"))
    socket.destroy()


async def test_the_document_is_served_without_authorization(primus: Any) -> None:
    def refuse(request: Any) -> None:
        raise AssertionError

    primus.authorize(refuse)

    response = await primus.handle(make_request("/primus/asyncapi.json"))

    document = json.loads(response.body)
    assert document["asyncapi"] == "3.0.0"
    assert document["info"] == {"title": "Votes", "version": "1.2.0"}
    assert document["channels"]["primus"]["address"] == "/primus"
    assert set(document["operations"]) == {"receive vote", "receive leave", "send tally"}
    assert document["components"]["schemas"]["Vote"] == {
        "type": "object",
        "description": "A vote of a client.",
        "properties": {
            "choice": {"enum": ["tea", "coffee"]},
            "weight": {"type": "integer", "minimum": 1, "maximum": 3, "default": 1},
            "size": {"enum": ["s", "l"]},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["choice"],
    }


async def test_the_document_is_made_once_however_often_it_is_asked_for(
    primus: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    make = asyncapi

    def noted(contract: Contract, pathname: str) -> dict[str, Any]:
        made.append(pathname)
        return make(contract, pathname)

    monkeypatch.setattr("primus_contract.plugin.asyncapi", noted)

    answers = [await primus.handle(make_request("/primus/asyncapi.json")) for _ in range(3)]

    assert made == ["/primus"]
    assert [answer.headers["Content-Type"] for answer in answers] == ["application/json"] * 3
    assert answers[0].body == answers[2].body


async def test_the_document_stands_at_one_path(primus: Any) -> None:
    response = await primus.handle(make_request("/primus/asyncapi"))

    assert response.status == 426
    assert b"operations" not in response.body


def test_the_declarations_of_the_browser_client_have_the_events(primus: Any) -> None:
    declared = primus.declarations()

    assert 'send(event: "vote", payload: Primus.Contract.Vote): this;' in declared
    assert (
        'ask(event: "vote", payload: Primus.Contract.Vote): Promise<Primus.Contract.Tally>;'
        in declared
    )
    assert 'ask(event: "leave", payload: Primus.Contract.Struct): Promise<void>;' in declared
    assert '"tally": (payload: Primus.Contract.Tally) => void;' in declared
    assert (
        'export type Vote = { "choice": "tea" | "coffee"; "weight"?: number; '
        '"size"?: "s" | "l"; "tags"?: string[] };' in declared
    )
    primus.plugout("contract")
    assert "Contract" not in primus.declarations()


def test_types_of_the_same_name_stay_apart() -> None:
    def another() -> Any:
        @dataclass
        class Vote:
            other: int

        return Vote

    contract = Contract(receives=[VOTE, Received("again", another())])

    assert set(schemas(contract)) >= {"Vote", "Vote2"}


def test_what_the_server_sends_has_its_defaults() -> None:
    found = schemas(Contract(receives=[Received("vote", Vote)], sends=[Sent("voted", Vote)]))

    assert found["Vote"]["required"] == ["choice"]
    assert found["Vote2"]["required"] == ["choice", "weight", "size", "tags"]


def test_types_within_a_model_are_described() -> None:
    assert set(schemas(Contract(sends=[Sent("model", Model)]))) == {"Model", "Part"}


def schemas(contract: Contract) -> Any:
    return asyncapi(contract, "/primus")["components"]["schemas"]


def test_two_events_of_one_name_are_refused() -> None:
    with pytest.raises(OptionError, match=r"Received\('vote'\) is declared twice"):
        Contract(receives=[VOTE, VOTE])


def test_an_event_of_another_contract_has_no_handler(primus: Any) -> None:
    with pytest.raises(OptionError, match=r"Received\('other'\) is not among what"):
        primus.on_event(Received("other", Vote))


def test_a_server_without_a_contract_is_told_of_the_option() -> None:
    kind: Any = Primus
    primus = kind(transformer=MemoryTransformer, plugin="contract, emitter")

    with pytest.raises(OptionError, match=r"the option contract=Contract\(…\)"):
        primus.on_event(VOTE)


def test_events_without_an_event_plugin_are_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    kind: Any = Primus
    kind(transformer=MemoryTransformer, plugin="contract, emitter")
    assert caplog.text == ""

    kind(transformer=MemoryTransformer, plugin="contract")

    assert "Use plugin='emitter, contract'" in caplog.text


@pytest.mark.parametrize("fn", [5, lambda spark, payload, more: None])
def test_a_handler_that_cannot_be_called_is_refused(primus: Any, fn: Any) -> None:
    with pytest.raises(TypeError, match=r"must be callable|it needs 3 arguments and gets 2"):
        primus.on_event(VOTE)(fn)


@pytest.mark.parametrize("contract", ["vote", {"vote": Vote}, Contract])
async def test_an_option_that_is_no_contract_is_refused(contract: Any) -> None:
    kind: Any = Primus
    with pytest.raises(OptionError, match=r"must be a primus_contract\.Contract"):
        kind(transformer=MemoryTransformer, plugin="contract", contract=contract)


async def test_a_client_gets_no_answer_of_an_event_that_declares_none() -> None:
    class Answering:
        """Answers everything."""

        async def ask(self, event: str, *args: Any, timeout: float) -> Any:
            return {"counts": {"tea": 1}, "on": "2026-11-29"}

    assert await LEAVE.ask(Answering(), Struct("bye")) is None
    assert (await VOTE.ask(Answering(), Vote("tea")))["on"] == date(2026, 11, 29)


@pytest.mark.parametrize(
    ("plugin", "warns"),
    [
        ("contract", True),
        ("emitter, contract", False),
        ("emit, contract", False),
    ],
)
def test_a_contract_without_an_event_plugin_is_warned_of(
    plugin: str, warns: bool, caplog: pytest.LogCaptureFixture
) -> None:
    made(plugin)
    assert ("through an event plugin" in caplog.text) is warns
