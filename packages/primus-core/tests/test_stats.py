"""What `Primus.stats` counts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from primus import Primus, Request, Spark, Unauthorized
from primus_testing import ManualClock, Tracebacks, eventually, join, make_request

MakePrimus = Callable[..., Primus]


def test_connections_are_counted_now_and_in_all(primus: Primus) -> None:
    one, _ = join(primus)
    join(primus)
    one.end()
    stats = primus.stats
    assert (stats.connected, stats.connections) == (1, 2)
    assert stats.ended == {"server end": 1}


def test_messages_are_counted_each_way_and_control_text_is_none(primus: Primus) -> None:
    spark, wire = join(primus)
    spark.on("data", spark.write)
    wire.receive('"one"', '"two"', '"primus::id::"', '"primus::pong::1"')
    spark.heartbeat()
    other, _ = join(primus)
    primus.write("to all")
    other.end("the last")
    stats = primus.stats
    assert (stats.messages_in, stats.messages_out) == (2, 5)


def test_messages_of_connections_that_have_ended_stay_counted(primus: Primus) -> None:
    spark, wire = join(primus)
    spark.on("data", spark.write)
    wire.receive('"one"')
    wire.lose()
    assert (primus.stats.messages_in, primus.stats.messages_out) == (1, 1)
    assert primus.stats.connected == 0


async def test_messages_behind_an_async_step_are_counted_as_well(primus: Primus) -> None:
    @primus.transform("outgoing")
    async def later(packet: Any) -> None:
        await asyncio.sleep(0)

    spark, wire = join(primus)

    @spark.on("data")
    async def data(message: Any) -> None:
        spark.write(message)

    wire.receive('"one"', '"two"')
    await eventually(lambda: len(wire.sent) == 2)
    assert (primus.stats.messages_in, primus.stats.messages_out) == (2, 2)


def test_messages_that_are_dropped_are_not_sent(make_primus: MakePrimus) -> None:
    primus = make_primus(high_water=100, slow_consumer="drop")
    spark, wire = join(primus)
    wire.clog()
    for _ in range(3):
        spark.write("x" * 200)
    stats = primus.stats
    assert (stats.messages_out, stats.messages_dropped) == (1, 2)


def test_slow_consumers_are_counted(make_primus: MakePrimus) -> None:
    primus = make_primus(high_water=100)
    spark, wire = join(primus)
    wire.clog()
    spark.write("x" * 200)
    spark.write("x")
    assert primus.stats.slow_consumers == 1
    assert primus.stats.ended == {"slow consumer": 1}


def test_errors_of_decoding_and_of_listeners_are_counted(
    primus: Primus, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("a listener of")
    spark, wire = join(primus)

    @spark.on("data")
    def data(message: Any) -> None:
        raise RuntimeError("no")

    @primus.on("disconnection")
    def left(spark: Spark) -> None:
        raise RuntimeError("no")

    wire.receive("{", '"fine"')
    spark.end()
    stats = primus.stats
    assert (stats.decode_errors, stats.listener_errors) == (1, 2)


async def test_refusals_are_counted_by_reason_and_are_a_line_in_the_log(
    make_primus: MakePrimus, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "primus.server")
    primus = make_primus(max_sparks=1, clock=ManualClock())
    upgrade: dict[str, Any] = {"websocket": lambda: None}

    @primus.authorize
    def check(request: Request) -> None:
        raise Unauthorized("no", 403 if "banned" in request.query else 401)

    await primus.handle(make_request(**upgrade))
    await primus.handle(make_request("/primus?banned", **upgrade))
    await primus.handle(make_request("/primus/../etc", **upgrade))
    join(primus)
    await primus.handle(make_request(**upgrade))
    assert primus.stats.refused == {"unauthorized": 1, "forbidden": 1, "malformed": 1, "full": 1}
    lines = [r.getMessage() for r in caplog.records if r.getMessage().startswith("refused")]
    assert lines[0] == "refused <Request GET /primus> of 127.0.0.1: unauthorized (401)"
    assert len(lines) == 4


async def test_what_opens_no_connection_is_no_refusal(primus: Primus) -> None:
    response = await primus.handle(make_request("/primus"))
    assert response is not None
    assert response.status == 426
    assert primus.stats.refused == {}


def test_two_servers_count_for_themselves(make_primus: MakePrimus) -> None:
    one, two = make_primus(), make_primus()
    join(one)
    assert (one.stats.connections, two.stats.connections) == (1, 0)


def test_stats_are_those_of_their_moment(primus: Primus) -> None:
    before = primus.stats
    join(primus)
    assert before.connections == 0
