"""The short ways of messages through transforms, and of requests, end where the long ones do."""

import asyncio
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from primus import ListenerError, Packet, Primus, Spark
from primus_testing import Tracebacks, eventually, join

MakePrimus = Callable[..., Primus]


async def later(result: Any) -> Any:
    """What a transform awaits."""
    await asyncio.sleep(0)
    if isinstance(result, Exception):
        raise result
    return result


def change(packet: Packet, data: Any) -> None:
    """Change the message."""
    packet.data = data


def fail() -> None:
    """Raise."""
    raise ValueError("no")


TRANSFORMS: dict[str, Callable[[Packet, Any], Any]] = {
    "leaves": lambda packet, spark: None,
    "says yes": lambda packet, spark: True,
    "swallows": lambda packet, spark: False,
    "says what is neither": lambda packet, spark: 0,
    "changes": lambda packet, spark: change(packet, f"{packet.data}!"),
    "makes a set": lambda packet, spark: change(packet, {1}),
    "makes a coroutine": lambda packet, spark: change(packet, later("awaited")),
    "raises": lambda packet, spark: fail(),
    "leaves later": lambda packet, spark: later(None),
    "swallows later": lambda packet, spark: later(False),
    "raises later": lambda packet, spark: later(ValueError("no")),
    "ends": lambda packet, spark: spark.end(),
    "adds a listener": lambda packet, spark: spark.on("data", lambda message: None),
}


async def told(primus: Primus, chain: tuple[str, ...], *, busy: bool) -> list[Any]:
    """What the listeners of a spark are told of two messages."""
    story: list[Any] = []
    for number, name in enumerate(chain):

        def transform(packet: Packet, spark: Spark, number: int = number, name: str = name) -> Any:
            return TRANSFORMS[name](packet, spark)

        primus.transform("incoming", transform)
    spark, wire = join(primus)
    spark.on("data", story.append)
    spark.on("error", lambda error: story.append(str(error)))
    if busy:
        spark.hold(later(None))
    wire.receive('"first"', '"second"')
    await eventually(lambda: spark._inbox is None or not spark._inbox.is_busy)
    return [*story, spark.ready_state]


@pytest.mark.parametrize("first", TRANSFORMS)
async def test_a_message_comes_out_of_a_chain_the_same_whether_it_has_waited(
    make_primus: MakePrimus, first: str
) -> None:
    others = [name for name in TRANSFORMS if name != "makes a coroutine"]  # it can be used once
    seconds = others if first in others else []
    for chain in [(first,), *product([first], seconds)]:
        at_once = await told(make_primus(), chain, busy=False)
        assert at_once == await told(make_primus(), chain, busy=True), chain


async def test_what_an_async_transform_decides_is_awaited_before_the_next_message(
    make_primus: MakePrimus,
) -> None:
    story: list[Any] = []
    gate = asyncio.Event()

    async def slow(packet: Packet) -> None:
        story.append(f"sees {packet.data}")
        await gate.wait()

    primus = make_primus()
    primus.transform("incoming", slow)
    spark, wire = join(primus)
    spark.on("data", story.append)
    wire.receive('"first"', '"second"')
    await asyncio.sleep(0)
    assert story == ["sees first"]
    gate.set()
    await eventually(lambda: "second" in story)
    assert story == ["sees first", "first", "sees second", "second"]


async def test_an_async_listener_behind_a_transform_holds_the_next_message(
    make_primus: MakePrimus,
) -> None:
    story: list[Any] = []
    gate = asyncio.Event()

    async def slow(message: Any) -> None:
        story.append(message)
        await gate.wait()

    primus = make_primus()
    primus.transform("incoming", lambda packet: None)
    spark, wire = join(primus)
    spark.on("data", slow)
    wire.receive('"first"', '"second"')
    await asyncio.sleep(0)
    assert story == ["first"]
    gate.set()
    await eventually(lambda: story == ["first", "second"])


async def test_a_message_is_transformed_once_those_before_it_are_done_with(
    make_primus: MakePrimus,
) -> None:
    story: list[Any] = []
    gate = asyncio.Event()
    primus = make_primus()
    primus.transform("incoming", lambda packet: story.append(f"sees {packet.data}"))
    spark, wire = join(primus)
    spark.on("data", story.append)
    spark.hold(gate.wait())
    wire.receive('"message"')
    assert story == []
    gate.set()
    await eventually(lambda: story == ["sees message", "message"])


# -- requests


class Replied:
    """Notes what a request is answered with."""

    def __init__(self) -> None:
        self.story: list[Any] = []

    def __call__(self, *args: Any) -> None:
        self.story.append(args)

    def returned(self, value: Any) -> None:
        """A listener has returned it."""
        self.story.append(("returned", value))

    def is_refusal(self, error: BaseException) -> bool:
        """A `KeyError` is an answer of its own."""
        return isinstance(error, KeyError)

    def fail(self, error: BaseException) -> None:
        """A listener has raised."""
        self.story.append(("failed", str(error)))

    def unheard(self) -> None:
        """There is no listener."""
        self.story.append("unheard")


def raises(value: Any, reply: Any) -> None:
    """Fail."""
    raise ValueError("no")


def refuses(value: Any, reply: Any) -> None:
    """Refuse."""
    raise KeyError("refused")


LISTENERS: dict[str, Callable[..., Any]] = {
    "replies": lambda value, reply: reply(value),
    "replies later": lambda value, reply: later(reply(value)),
    "takes what is not there": lambda value, reply, more: reply(value, more),
    "may take the reply": lambda value, reply=None: value,
    "returns false": lambda value, reply: False,
    "returns a value": lambda value, reply: value,
    "takes all": lambda *args: args[-1](args[0]),
    "raises": raises,
    "refuses": refuses,
}


async def answered(primus: Primus, name: str, *, alone: bool) -> list[Any]:
    """What becomes of a request whose listener is the only one, or has one behind it."""
    reply = Replied()
    spark, _ = join(primus)
    errors: list[Exception] = []
    spark.on("error", errors.append)
    spark.on("request", LISTENERS[name])
    if not alone:
        spark.on("request", lambda value, reply: None)
    delivered = spark.deliver_request("request", 7, reply=reply)
    if delivered is not False:
        await delivered
    return [*reply.story, *map(str, errors)]


@pytest.mark.parametrize("name", LISTENERS)
async def test_a_request_with_one_listener_is_answered_as_with_two(
    make_primus: MakePrimus, tracebacks: Tracebacks, name: str
) -> None:
    if name == "raises":
        tracebacks.expect("a listener of 'request' raised", "a listener of 'request' raised")
    alone = await answered(make_primus(), name, alone=True)
    assert alone == await answered(make_primus(), name, alone=False)
    assert alone or name in {"returns false", "returns a value", "may take the reply"}


async def test_a_listener_for_one_request_gets_no_more(make_primus: MakePrimus) -> None:
    spark, _ = join(make_primus())
    reply = Replied()
    spark.once("request", lambda value, reply: reply(value))
    spark.deliver_request("request", 1, reply=reply)
    spark.deliver_request("request", 2, reply=reply)
    assert reply.story == [(1,), "unheard"]


async def test_the_failure_of_the_only_listener_is_reported_unless_it_is_its_answer(
    make_primus: MakePrimus, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("a listener of 'request' raised")
    spark, _ = join(make_primus())
    errors: list[Exception] = []
    spark.on("error", errors.append)
    spark.on("request", raises)
    spark.deliver_request("request", 7, reply=Replied())
    assert [type(error) for error in errors] == [ListenerError]
    spark.off("request")
    spark.on("request", refuses)
    spark.deliver_request("request", 7, reply=Replied())
    assert len(errors) == 1
