"""The end of a server that takes its time, so that its clients do not all return at once."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from primus import Primus, Spark
from primus.server.draining import end_over
from primus_testing import (
    ManualClock,
    MemoryTransformer,
    Recorder,
    Tracebacks,
    eventually,
    join,
    running,
)

MakePrimus = Callable[..., Primus]


async def turns() -> None:
    """Let everything run that waits for nothing."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_connections_are_ended_evenly(primus: Primus, manual_clock: ManualClock) -> None:
    for _ in range(5):
        join(primus)
    left: list[int] = []
    stopping = asyncio.ensure_future(primus.destroy(reconnect=True, over=10.0))

    await turns()
    left.append(len(primus))
    for _ in range(4):
        manual_clock.advance(2.0)
        await turns()
        left.append(len(primus))

    assert left == [4, 3, 2, 1, 0]
    await stopping


async def test_many_are_ended_in_portions(manual_clock: ManualClock) -> None:
    ended: list[int] = []
    ending = asyncio.ensure_future(end_over(range(1000), 10.0, manual_clock, ended.append))
    portions: list[int] = []

    await turns()
    while not ending.done():
        before = len(ended)
        manual_clock.advance(0.05)
        await turns()
        portions.append(len(ended) - before)

    assert ended == list(range(1000))
    assert max(portions) <= 6
    assert len(portions) == 200


@pytest.mark.parametrize("total", [25, 252, 503, 1000, 20_000])
async def test_a_process_that_was_busy_catches_up_a_quarter_faster_than_planned(
    total: int, manual_clock: ManualClock
) -> None:
    ended: list[int] = []
    ending = asyncio.ensure_future(end_over(range(total), 20.0, manual_clock, ended.append))
    await turns()

    manual_clock.advance(10.0)
    await turns()
    after = [len(ended)]
    while not ending.done():
        manual_clock.advance(0.01)
        await turns()
        after.append(len(ended))

    planned = total / 20.0
    in_a_second = [later - now for now, later in zip(after, after[100:], strict=False)]
    assert max(in_a_second) <= 1.25 * planned + 2  # whole ones, in portions
    assert len(after) / 100 == pytest.approx(20.0 / 1.25, rel=0.05)


async def test_a_connection_that_has_not_been_told_yet_goes_on(primus: Primus) -> None:
    sparks = [join(primus)[0] for _ in range(2)]
    stopping = asyncio.ensure_future(primus.destroy(reconnect=True, over=10.0))
    await turns()

    assert [spark.ready_state for spark in sparks] == [Spark.CLOSED, Spark.OPEN]
    assert sparks[1].write("still here")
    stopping.cancel()


async def test_the_timeout_is_for_connections_that_were_told(
    primus: Primus, manual_clock: ManualClock
) -> None:
    spark, wire = join(primus)
    closed = Recorder(primus, "close")

    async with asyncio.timeout(20):  # far less than the timeout
        await primus.destroy(reconnect=True, over=1.0, timeout=3600.0)

    assert spark.ready_state == Spark.CLOSED
    assert wire.sent == []
    assert closed.seen("close") == [
        ({"close": True, "reconnect": True, "timeout": 3600.0, "over": 1.0},)
    ]


async def test_connections_that_are_ended_bit_by_bit_can_be_ended_together(
    primus: Primus, manual_clock: ManualClock
) -> None:
    sparks = [join(primus)[0] for _ in range(3)]
    stopping = asyncio.ensure_future(primus.destroy(reconnect=True, over=3600.0))
    await turns()
    assert len(primus) == 2

    primus.end_together()
    async with asyncio.timeout(20):
        await stopping

    assert {spark.ready_state for spark in sparks} == {Spark.CLOSED}


async def test_an_end_that_has_not_begun_yet_can_be_of_all_connections_together(
    primus: Primus, manual_clock: ManualClock
) -> None:
    for _ in range(3):
        join(primus)
    stopping = asyncio.ensure_future(primus.destroy(reconnect=True, over=3600.0))

    primus.end_together()
    async with asyncio.timeout(20):
        await stopping

    assert len(primus) == 0


async def test_a_server_without_connections_ends_at_once(primus: Primus) -> None:
    async with asyncio.timeout(20):
        await primus.destroy(reconnect=True, over=3600.0)


async def test_a_wire_that_fails_to_close_does_not_keep_the_others(
    primus: Primus,
    manual_clock: ManualClock,
    tracebacks: Tracebacks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tracebacks.expect("its transport failed to close")
    first, second = (join(primus)[0] for _ in range(2))

    def fails(*args: Any) -> None:
        raise OSError("broken")

    monkeypatch.setattr(first, "end", fails)
    stopping = asyncio.ensure_future(primus.destroy(reconnect=True, over=2.0))
    await turns()
    manual_clock.advance(1.0)
    await stopping

    assert second.ready_state == Spark.CLOSED


async def test_a_server_that_drains_tells_load_balancers_by_its_spec(
    manual_clock: ManualClock,
) -> None:
    async with running(transformer=MemoryTransformer, clock=manual_clock) as server:
        assert (await server.get("/primus/spec")).status == 200
        for _ in range(2):
            join(server.primus)

        stopping = asyncio.ensure_future(server.primus.destroy(reconnect=True, over=10.0))
        await eventually(lambda: server.primus.connected == 1)
        answer = await server.get("/primus/spec")

        assert answer.status == 503
        assert answer.json()["transformer"] == "memory"
        manual_clock.advance(5.0)
        await stopping
