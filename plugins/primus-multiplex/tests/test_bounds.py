"""Bounds, refusals and ends that come while something is being decided."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

import primus_multiplex
from primus import OptionError, TransportError, Unauthorized
from primus.limits import DEFAULT_LIMITS
from primus.parsers.json import JSONParser
from primus_multiplex import fanout, packets
from primus_multiplex.members import Members
from primus_multiplex.options import bounds
from primus_testing import Recorder, eventually, join

PLUGIN = "multiplex"
GIVEN = {"multiplex_channels": 0, "multiplex_subscriptions": 1, "multiplex_name": 16}


@pytest.mark.parametrize(
    "message",
    [
        [0, "id", 5],
        [0, "id", ["news"]],
        [0, 5, "news"],
        [0, ["id"], "news"],
        ["0", "id", "news"],
        [True, "id", "news"],
        [0.0, "id", "news"],
        [3, "id", "news"],
        [-1, "id", "news"],
        [0, "", "news"],
        [0, "id", ""],
        [0, "id"],
        [0, "id", "news", 1, 2],
        (0, "id", "news"),
        {"0": "id"},
        "0",
        None,
    ],
)
def test_what_is_no_packet_is_a_message_of_the_application(message: Any) -> None:
    assert packets.read(message) is None


def test_a_packet_may_come_without_data() -> None:
    assert packets.read([2, "id", "news"]) == (2, "id", "news", None)
    assert packets.read([0, "id", "news", 0]) == (0, "id", "news", 0)


def test_bounds_may_be_as_low_as_the_least() -> None:
    made = bounds(GIVEN)
    assert (made.channels, made.subscriptions, made.name) == (0, 1, 16)


@pytest.mark.parametrize("name", list(GIVEN))
def test_bounds_that_cannot_work_are_refused(name: str) -> None:
    for wrong in (GIVEN[name] - 1, True, "5", 1.5, None):
        with pytest.raises(OptionError, match=f"{name}=.*: must be a whole number >"):
            bounds({**GIVEN, name: wrong})


def test_only_its_own_subscription_is_forgotten() -> None:
    members: Any = Members()
    one, other = SimpleNamespace(id="one"), SimpleNamespace(id="one")
    members.add(one)
    assert members.free("one") != "one"
    assert members.discard(other) is False
    assert members.sparks == (one,)
    assert members.discard(one) is True
    assert members.discard(one) is False
    assert members.sparks == ()


# -- frames with a place for the id


def test_an_id_is_put_where_its_placeholder_is() -> None:
    text: Any = fanout._filling('[0,"xx","news"]', "xx")
    binary: Any = fanout._filling(b"\x00xx\x01", "xx")
    both: Any = fanout._filling((b"head", "a xx b", b"tail"), "xx")
    assert text("id") == '[0,"id","news"]'
    assert binary("id") == b"\x00id\x01"
    assert both("id") == (b"head", "a id b", b"tail")


@pytest.mark.parametrize("frame", ["no", b"no", ("no", b"no"), ("xx", "xx"), (), None, 5])
def test_a_frame_without_one_place_for_the_id_is_not_shared(frame: Any) -> None:
    assert fanout._filling(frame, "xx") is None


class Odd(JSONParser):
    """A parser whose frames are what the test says."""

    def __init__(self, frame: Any) -> None:
        super().__init__()
        self.frame = frame

    def encode(self, value: Any) -> Any:
        """A frame."""
        return self.frame


async def later() -> str:
    """A frame that has to be awaited."""
    return '[0,"xxxxxxxxxxxxx","news"]'


async def test_a_frame_that_comes_later_or_has_no_place_is_made_for_each() -> None:
    assert fanout._template(Odd(later()), "news", "hi", 13) is None
    assert fanout._template(Odd("[]"), "news", "hi", 13) is None


# -- decisions


async def deciding(primus: Any) -> tuple[Any, Any, Any, asyncio.Future[None]]:
    """A subscription that is being decided about."""
    decision: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def decide(spark: Any) -> None:
        await decision

    channel = primus.channel("news")
    channel.authorize(decide)
    spark, wire = join(primus)
    wire.receive('[1,"one","news"]')
    await asyncio.sleep(0)
    return channel, spark, wire, decision


async def test_a_subscription_is_none_before_it_is_decided_about(primus: Any) -> None:
    channel, _, wire, decision = await deciding(primus)
    events = Recorder(channel, "connection", "disconnection")
    assert len(channel) == 0
    decision.set_result(None)
    await eventually(lambda: len(channel) == 1)
    assert len(events.seen("connection")) == 1
    assert wire.sent == []


async def test_a_client_that_goes_before_the_decision_is_neither_let_in_nor_told(
    primus: Any,
) -> None:
    for outcome in (None, Unauthorized("no"), RuntimeError("broken")):
        channel, spark, wire, decision = await deciding(primus)
        events = Recorder(channel, "connection", "disconnection")
        spark.abort()
        if outcome is None:
            decision.set_result(None)
        else:
            decision.set_exception(outcome)
        for _ in range(10):
            await asyncio.sleep(0)
        assert (len(channel), wire.sent) == (0, [])
        assert (events.seen("connection"), events.seen("disconnection")) == ([], [])


async def test_a_channel_that_is_destroyed_meanwhile_lets_nothing_in(primus: Any) -> None:
    channel, _, wire, decision = await deciding(primus)
    channel.destroy()
    channel.destroy()
    decision.set_result(None)
    for _ in range(10):
        await asyncio.sleep(0)
    assert len(channel) == 0
    assert wire.sent == ['[2,"one","news"]']


def test_a_channel_that_its_authorization_destroys_takes_no_subscription(primus: Any) -> None:
    channel = primus.channel("news")
    events = Recorder(channel, "connection")
    channel.authorize(lambda spark: channel.destroy())
    _, wire = join(primus)
    wire.receive('[1,"one","news"]')
    assert wire.sent == ['[2,"one","news"]']
    assert (len(channel), events.story) == (0, [])


@pytest.mark.parametrize("error", [TransportError("gone"), TimeoutError("late")])
async def test_what_is_lost_with_the_connection_is_no_failure_of_the_authorization(
    primus: Any, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    _, _, wire, decision = await deciding(primus)
    decision.set_exception(error)
    await eventually(lambda: wire.sent)
    assert wire.sent == ['[2,"one","news",{"error":"refused"}]']
    assert caplog.text == ""


def test_a_channel_that_is_destroyed_is_gone_for_the_listeners_of_its_end(primus: Any) -> None:
    channel = primus.channel("news")
    found: list[Any] = []
    channel.on("close", lambda: found.append(primus.channels.get("news")))
    channel.destroy()
    assert found == [None]
    assert channel.listeners("close") == ()


def test_the_connection_learns_of_a_subscription_before_the_channel_does(primus: Any) -> None:
    order: list[str] = []
    main, wire = join(primus)
    main.on("subscribe", lambda channel, spark: order.append("subscribe"))
    primus.channel("news").on("connection", lambda spark: order.append("connection"))
    wire.receive('[1,"one","news"]')
    assert order == ["subscribe", "connection"]


async def test_a_channel_with_an_authorization_or_a_listener_stays_when_it_is_empty(
    primus: Any,
) -> None:
    _, wire = join(primus)
    wire.receive('[1,"one","made"]')
    assert [channel.name for channel in primus.channels] == ["made"]
    wire.receive('[2,"one","made"]')
    assert [channel.name for channel in primus.channels] == []
    channel = primus.channel("kept")
    channel.authorize(lambda spark: None)
    assert channel.is_unused is False


async def test_a_channel_of_clients_that_the_server_asks_for_stays(primus: Any) -> None:
    _, wire = join(primus)
    wire.receive('[1,"one","made"]')
    channel = primus.channel("made")
    wire.receive('[2,"one","made"]')
    assert primus.channels.get("made") is channel


def test_the_module_has_no_name_that_it_does_not_have() -> None:
    assert primus_multiplex.ClientChannel.__name__ == "ClientChannel"
    with pytest.raises(AttributeError, match="no attribute 'Multiplexer'"):
        primus_multiplex.Multiplexer  # noqa: B018


async def test_a_channel_of_clients_stays_while_a_subscription_is_being_decided_about(
    primus: Any,
) -> None:
    decisions = {id: asyncio.get_running_loop().create_future() for id in ("one", "two")}

    @primus.channels.authorize
    async def decide(spark: Any) -> None:
        await decisions[spark.id]

    _, wire = join(primus)
    wire.receive('[1,"one","made"]', '[1,"two","made"]')
    decisions["one"].set_result(None)
    await eventually(lambda: len(primus.channels.get("made")) == 1)
    made = primus.channels.get("made")

    wire.receive('[2,"one","made"]')
    decisions["two"].set_result(None)
    await eventually(lambda: len(made) == 1)

    assert primus.channels.get("made") is made


# -- what running listeners hold


LONG = "x" * DEFAULT_LIMITS.read_ahead_bytes


def subscribed(primus: Any, *ids: str) -> tuple[Any, Any, dict[str, asyncio.Event], list[str]]:
    """A connection with subscriptions whose listeners wait for an event each."""
    gates = {id: asyncio.Event() for id in ids}
    running: list[str] = []

    @primus.channel("news").on("connection")
    def connection(spark: Any) -> None:
        @spark.on("data")
        async def data(message: Any) -> None:
            running.append(spark.id)
            await gates[spark.id].wait()

    spark, wire = join(primus)
    wire.receive(*(f'[1,"{id}","news"]' for id in ids))
    return spark, wire, gates, running


def message(id: str, text: str = LONG) -> str:
    """A message of a subscription."""
    return f'[0,"{id}","news","{text}"]'


async def test_a_connection_is_not_read_while_its_subscriptions_hold_too_much(
    primus: Any,
) -> None:
    _, wire, gates, running = subscribed(primus, "one", "two", "three")
    wire.receive(message("one"), message("two"), message("three"))
    await eventually(lambda: running)
    assert wire.paused
    assert list(wire._inbound) == [message("three")]

    gates["one"].set()
    await eventually(lambda: len(running) == 2)
    assert running == ["one", "two"]
    gates["two"].set()
    await eventually(lambda: running == ["one", "two", "three"])
    gates["three"].set()
    await eventually(lambda: not wire.paused)


async def test_listeners_of_many_subscriptions_run_at_a_time_while_they_hold_little(
    primus: Any,
) -> None:
    ids = [f"id{number}" for number in range(500)]
    _, wire, gates, running = subscribed(primus, *ids)
    wire.receive(*(message(id, "x" * 50) for id in ids))
    await eventually(lambda: len(running) == 500)
    assert not wire.paused
    for gate in gates.values():
        gate.set()


async def test_subscriptions_that_end_at_once_hold_no_more(primus: Any) -> None:
    spark, wire, gates, running = subscribed(primus, "one", "two", "three")
    wire.receive(message("one", "x" * 40_000), '[2,"one","news"]')
    wire.receive(message("two", "x" * 40_000), '[2,"two","news"]')
    wire.receive(message("three", "x" * 40_000))
    await eventually(lambda: len(running) == 2)
    for _ in range(10):
        await asyncio.sleep(0)
    assert running == ["one", "two"]

    gates["one"].set()
    await eventually(lambda: running == ["one", "two", "three"])
    gates["two"].set()
    gates["three"].set()
    await eventually(lambda: not spark.channels.lingering)
    await eventually(lambda: spark.channels._held == 0)


async def test_a_connection_that_is_lost_ends_although_its_subscriptions_hold_much(
    primus: Any,
) -> None:
    spark, wire, gates, running = subscribed(primus, "one")
    ends = Recorder(primus.channel("news").spark("one"), "end")
    wire.receive(message("one"))
    await eventually(lambda: running)
    streams = spark.channels

    wire.lose()

    assert (ends.story, len(primus)) == (["end"], 0)
    gates["one"].set()
    await eventually(lambda: streams._held == 0)


async def test_an_event_whose_listener_runs_is_held_as_a_message_is(make_primus: Any) -> None:
    primus = make_primus("emitter, multiplex")
    gate = asyncio.Event()
    running: list[str] = []

    @primus.channel("news").on("connection")
    def connection(spark: Any) -> None:
        @spark.on("upload")
        async def upload(text: str) -> str:
            running.append(spark.id)
            await gate.wait()
            return "done"

    _, wire = join(primus)
    wire.receive('[1,"one","news"]', '[1,"two","news"]')
    for id in ("one", "two"):
        wire.receive(f'[0,"{id}","news",{{"type":0,"data":["upload","{LONG}"],"id":1}}]')
    await eventually(lambda: running)
    assert (running, wire.paused) == (["one"], True)

    gate.set()
    await eventually(lambda: len(wire.sent) == 2)
    assert running == ["one", "two"]
    await eventually(lambda: not wire.paused)


async def test_a_listener_that_holds_much_gets_the_answer_that_it_asks_for(
    make_primus: Any,
) -> None:
    primus = make_primus("emitter, multiplex")
    answers: list[Any] = []

    @primus.channel("news").on("connection")
    def connection(spark: Any) -> None:
        @spark.on("data")
        async def data(message: Any) -> None:
            answers.append(await spark.ask("name?"))

    _, wire = join(primus)
    wire.receive('[1,"one","news"]', '[1,"two","news"]', message("one"), message("two"))
    await eventually(lambda: wire.sent)
    asked = '{"type":0,"data":["name?"],"id":1,"fails":true}'
    assert wire.sent == [f'[0,"one","news",{asked}]']

    wire.receive('[0,"one","news",{"type":1,"data":["me"],"id":1}]')
    await eventually(lambda: len(wire.sent) == 2)
    wire.receive('[0,"two","news",{"type":1,"data":["me too"],"id":1}]')
    await eventually(lambda: answers == ["me", "me too"])
    await eventually(lambda: not wire.paused)
