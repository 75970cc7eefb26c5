"""Why a connection has ended: what is told, to which listeners, and what the log says."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from primus import Closed, EndCode, LimitError, Primus, ProtocolError, Spark, TransportError
from primus.closed import BY, COSTLY, MEANINGS, Ending, because_of, of_error
from primus_testing import ManualClock, Tracebacks, join

MakePrimus = Callable[..., Primus]


@pytest.mark.parametrize(
    ("ending", "side", "code", "by", "reason"),
    [
        (None, "server", "wire lost", "network", "the wire was lost without a word"),
        (Ending.of_peer(), "server", "client end", "client", "the client closed the connection"),
        (Ending.of_peer(), "client", "server end", "server", "the server closed the connection"),
        (
            Ending.of_peer(1000, "done"),
            "client",
            "server end",
            "server",
            "the server closed the connection with status 1000: 'done'",
        ),
        (
            Ending.of_peer(1001),
            "client",
            "shutdown",
            "server",
            "the server closed the connection with status 1001",
        ),
        (
            Ending.of_peer(1009),
            "client",
            "limit",
            "server",
            "the server closed the connection with status 1009",
        ),
        (Ending(EndCode.HEARTBEAT, reason="silent"), "server", "heartbeat", "server", "silent"),
        (Ending(EndCode.HEARTBEAT, reason="silent"), "client", "heartbeat", "client", "silent"),
        (Ending(EndCode.REFUSED), "client", "refused", "server", MEANINGS[EndCode.REFUSED]),
    ],
)
def test_one_place_decides_what_an_end_is_called(
    ending: Ending | None, side: Any, code: str, by: str, reason: str
) -> None:
    closed = because_of(ending, side, 1.5)
    assert (closed.code, closed.by, closed.reason, closed.seconds) == (code, by, reason, 1.5)


def test_what_the_peer_says_is_cut_and_escaped() -> None:
    closed = because_of(Ending.of_peer(1000, "\x1b[2J\n" + "x" * 500), "server", 0.0)
    assert closed.reason.isprintable()
    assert len(closed.reason) < 250


@pytest.mark.parametrize(
    ("error", "code", "option"),
    [
        (LimitError("too long", "max_length"), "limit", "max_length"),
        (ProtocolError("what?"), "protocol error", ""),
        (TransportError("gone"), "wire lost", ""),
        (RuntimeError("ours"), "wire lost", ""),
    ],
)
def test_an_error_of_the_wire_says_what_its_end_is(
    error: Exception, code: str, option: str
) -> None:
    ending = of_error(error)
    assert (ending.code, ending.option) == (code, option)


def test_every_code_has_a_meaning_and_something_that_ended_the_connection() -> None:
    assert set(MEANINGS) == set(EndCode)
    assert set(BY) | COSTLY == set(EndCode)


def test_listeners_of_the_end_get_the_reason_when_they_need_it(primus: Primus) -> None:
    spark, wire = join(primus)
    got: list[Any] = []
    spark.on("end", lambda: got.append("nothing"))
    spark.on("end", lambda closed: got.append(closed))  # noqa: PLW0108 - it takes the argument
    spark.on("end", lambda *args: got.append(args))
    spark.on("end", lambda name="mine": got.append(name))
    primus.on("disconnection", lambda: got.append("nothing"))
    primus.on("disconnection", got.append)
    primus.on("disconnection", lambda left, closed: got.append((left, closed)))
    primus.on("disconnection", lambda left, name="mine": got.append((left, name)))
    primus.on("disconnection", lambda *args: got.append(args))
    wire.hang_up(Ending.of_peer(1000))
    closed = spark.closed
    assert isinstance(closed, Closed)
    assert got == [
        "nothing",
        spark,
        (spark, closed),
        (spark, "mine"),
        (spark,),
        "nothing",
        closed,
        (),
        "mine",
    ]


def test_the_reason_is_there_before_the_first_listener_is_told(primus: Primus) -> None:
    spark, wire = join(primus)
    seen: list[Any] = []
    spark.on("readyStateChange", lambda: seen.append(spark.closed))
    assert spark.closed is None
    wire.lose()
    assert [str(closed.code) for closed in seen] == ["wire lost"]
    assert str(seen[0]) == "wire lost: the wire was lost without a word"


def test_what_was_noted_first_holds(primus: Primus) -> None:
    spark, _ = join(primus)
    spark.note(Ending(EndCode.LIMIT, reason="too much", option="mine"))
    spark.end(reason="another")
    assert spark.closed is not None
    assert (spark.closed.code, spark.closed.reason, spark.closed.option) == (
        "limit",
        "too much",
        "mine",
    )


def test_the_seconds_are_those_of_the_connection(make_primus: MakePrimus) -> None:
    clock = ManualClock()
    spark, _ = join(make_primus(clock=clock))
    clock.advance(12.5)
    spark.end()
    assert spark.closed is not None
    assert spark.closed.seconds == 12.5


def test_a_connection_listener_that_raises_refuses_the_connection(
    primus: Primus, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("a connection listener raised")

    @primus.on("connection")
    def load(spark: Spark) -> None:
        raise RuntimeError("no database")

    spark, _ = join(primus)
    assert spark.closed is not None
    assert (spark.closed.code, spark.closed.by) == ("refused", "server")


def test_the_log_tells_of_connections_and_their_ends_with_address_and_id(
    primus: Primus, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "primus.server")
    spark, wire = join(primus)
    wire.hang_up(Ending.of_peer(1001))
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", f"<Spark {spark.id}> of 127.0.0.1 has connected"),
        (
            "INFO",
            (
                f"<Spark {spark.id}> of 127.0.0.1 has ended: client end after 0.0 s: "
                "the client closed the connection with status 1001"
            ),
        ),
    ]


def test_a_drop_is_a_warning_that_names_the_option(
    make_primus: MakePrimus, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "primus.server")
    spark, wire = join(make_primus(high_water=100, clock=ManualClock()))
    wire.clog()
    spark.write("x" * 200)
    spark.write("x")
    assert [record.getMessage() for record in caplog.records] == [
        (
            f"<Spark {spark.id}> of 127.0.0.1 was dropped: slow consumer after 0.0 s: "
            "202 bytes wait for a peer that reads too slowly (high_water)"
        )
    ]


def test_many_drops_are_a_few_lines_a_second_and_the_others_are_counted(
    make_primus: MakePrimus, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "primus.server")
    clock = ManualClock()
    primus = make_primus(clock=clock)

    def dropped() -> None:
        _, wire = join(primus)
        wire.lose(ProtocolError("nonsense"))

    for _ in range(100):
        dropped()
    assert len(caplog.records) == 5
    clock.advance(1)
    dropped()
    assert len(caplog.records) == 6
    assert caplog.records[-1].getMessage().endswith("nonsense (95 more were not logged)")


def test_two_servers_do_not_share_their_few_lines(
    make_primus: MakePrimus, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "primus.server")
    clock = ManualClock()
    for _ in range(2):
        primus = make_primus(clock=clock)
        for _ in range(6):
            _, wire = join(primus)
            wire.lose(ProtocolError("nonsense"))
    assert len(caplog.records) == 10
