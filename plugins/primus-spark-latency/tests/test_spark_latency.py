"""Sparks that know how far away their clients are, and the clients that tell them."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from primus import Primus
from primus_testing import ManualClock, MemoryTransformer, Recorder, Tracebacks, eventually, join


@pytest_asyncio.fixture
async def primus(manual_clock: ManualClock, tracebacks: Tracebacks) -> AsyncIterator[Any]:
    """A server with the plugin that takes clocks; nothing may be logged as an error."""
    made = Primus(
        transformer=MemoryTransformer,
        clock=manual_clock,
        plugin="spark-latency",
        use_clock_offset=True,
    )
    yield made
    await made.destroy()


def test_nothing_is_known_at_first(primus: Any) -> None:
    spark, wire = join(primus)

    assert (spark.latency, spark.clock_offset, wire.sent) == (0.0, 0.0, [])


def test_a_report_is_taken_and_is_no_data(primus: Any) -> None:
    spark, wire = join(primus)
    events = Recorder(spark, "data", "error")

    wire.receive('{"_latency":12.5}', '{"_latency":0}', '{"_latency":250}')

    assert spark.latency == 0.25
    assert events.story == []


def test_a_clock_is_compared_with_that_of_the_server(
    primus: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(primus, "stamp", lambda: 10_500)
    spark, wire = join(primus)

    wire.receive('{"_latency":1000,"_clock":8000}')

    assert spark.clock_offset == 2.0


@pytest.mark.parametrize("frame", ["null", "{}", '{"_latency":"5"}', '{"_latency":true}', "[5]"])
def test_what_is_no_report_is_data(primus: Any, frame: str) -> None:
    spark, wire = join(primus)
    events = Recorder(spark, "data")

    wire.receive(frame)

    assert events.story == ["data"]


def test_what_looks_like_a_report_in_a_substream_is_a_message_of_that(primus: Any) -> None:
    spark, wire = join(primus.use("substream"))
    events = Recorder(spark.substream("files"), "data")

    wire.receive('{"substream":"files","args":{"_latency":5}}')

    assert [message for message, *_ in events.seen("data")] == [{"_latency": 5}]
    assert spark.latency == 0.0


def test_the_latency_of_a_client_that_is_pinged_is_measured(
    primus: Any, manual_clock: ManualClock
) -> None:
    spark, wire = join(primus)

    manual_clock.advance(30)
    (ping,) = wire.sent
    manual_clock.advance(0.25)
    wire.receive(ping.replace("ping", "pong"))

    assert spark.latency == 0.25


def test_each_spark_has_its_own(primus: Any) -> None:
    near, near_wire = join(primus)
    far, far_wire = join(primus)

    near_wire.receive('{"_latency":1}')
    far_wire.receive('{"_latency":1000}')

    assert (near.latency, far.latency) == (0.001, 1.0)


def test_plugging_it_out_forgets_what_is_known(primus: Any) -> None:
    spark, wire = join(primus)
    wire.receive('{"_latency":12.5,"_clock":1}')

    primus.plugout("spark-latency")

    assert not hasattr(spark, "latency")
    assert not hasattr(spark, "clock_offset")


@pytest.mark.parametrize("clock", [False, True])
async def test_a_python_client_reports_once_it_has_measured(primus: Any, clock: bool) -> None:
    frames: list[str] = []
    primus.on("connection", lambda spark: spark.on("incoming::data", frames.append))
    socket = primus.Socket("http://memory", use_clock_offset=clock)

    await socket.opened()
    await eventually(lambda: any("_latency" in frame for frame in frames))

    assert json.loads(frames[0]) == "primus::id::"
    report = json.loads(frames[1])
    assert report["_latency"] >= 0.1
    assert ("_clock" in report) is clock
    (spark,) = primus
    assert spark.latency > 0
    socket.destroy()
