"""What a server knows of its broker: whether it answers, its epoch, and the other servers."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import pytest

from primus_backplane.bus import Node, Settings
from primus_backplane.links import BrokerLink
from primus_backplane.outage import Outage
from primus_testing import ManualClock


class Link(BrokerLink):
    """A link whose client raises `OSError` alone."""

    failures = (OSError,)

    async def again(self, pause: float) -> None:
        """Wait for nothing."""


class Ear:
    """Notes what a link tells."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *args: self.told.append((name, *args))


def linked(clock: ManualClock, ear: Any) -> Link:
    return Link(Node("w0", "x"), ear, Settings(lease=10.0, clock=clock))


def names(nodes: Sequence[Node]) -> list[str]:
    return [node.name for node in nodes]


def test_a_broker_is_back_when_all_that_failed_works(manual_clock: ManualClock) -> None:
    ear = Ear()
    link = linked(manual_clock, ear)
    link.working("lease")
    assert link.is_failing
    link.working("listening")
    link.working("listening")
    assert not link.is_failing

    link.failing("lease", OSError("cut"))
    link.failing("listening", OSError())
    link.working("lease")

    assert ear.told == [("back",), ("away", "OSError: cut"), ("away", "OSError()")]
    link.working("listening")
    assert ear.told[-1] == ("back",)


def test_a_fault_that_is_none_of_the_broker_is_a_line_with_its_traceback_once(
    manual_clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    link = linked(manual_clock, Ear())
    for part in ("lease", "listening"):
        link.working(part)

    link.failing("lease", OSError("cut"))
    assert caplog.records == []
    for _ in range(2):
        link.failing("listening", ValueError("ours"))

    (line,) = caplog.records
    assert line.getMessage() == "backplane: the engine failed: ValueError('ours')"
    assert line.exc_info is not None


def test_a_publisher_hears_nothing(manual_clock: ManualClock) -> None:
    link = linked(manual_clock, None)
    assert not link.is_failing
    link.failing("lease", OSError("cut"))
    link.begin_epoch("one")
    link.dropped(1)
    link.working("lease")
    assert not link.is_failing


def test_an_epoch_is_told_once(manual_clock: ManualClock) -> None:
    ear = Ear()
    link = linked(manual_clock, ear)
    for epoch in ("one", "one", "two"):
        link.begin_epoch(epoch)
    assert ear.told == [("epoch", "one"), ("epoch", "two")]


def test_servers_that_a_broker_has_lost_count_for_a_lease(manual_clock: ManualClock) -> None:
    link = linked(manual_clock, Ear())
    link.begin_epoch("one")
    link.know([Node("w1", "a"), Node("w2", "a")])
    link.begin_epoch("two")

    manual_clock.advance(9.0)
    link.know([Node("w1", "b")])
    assert names(link.known) == ["w1", "w2"]
    assert link.known[0].incarnation == "b"
    manual_clock.advance(1.0)
    link.know([Node("w1", "b")])
    assert names(link.known) == ["w1"]


def test_servers_of_before_the_first_epoch_are_none(manual_clock: ManualClock) -> None:
    link = linked(manual_clock, Ear())
    link.know([Node("w1", "a")])
    link.begin_epoch("one")
    link.know([])
    assert link.known == []


def test_a_broker_that_is_back_and_refuses_is_told_of_once(
    manual_clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Such as one whose password has changed: that it has closed the connection is no help."""
    outage = Outage("the bus", logging.getLogger("primus.server"), manual_clock)
    for _ in range(2):
        outage.begin("ConnectionError: closed")
        outage.begin("ConnectionError: refused")
        outage.begin("AuthenticationError: password")
        outage.begin("ResponseError: OOM")
        outage.end()
    outage.begin("ReadOnlyError: a replica")
    outage.begin("OutOfMemoryError: full")

    once = [
        "the bus is away (ConnectionError: closed); messages for other servers wait for it",
        "the bus can be reached again, but refuses (AuthenticationError: password)",
        "the bus is back after 0.0 s; 0 messages were dropped, 0 ordered ones delivered alone",
    ]
    assert [record.getMessage() for record in caplog.records] == [
        *once,
        *once,
        "the bus is away (ReadOnlyError: a replica); messages for other servers wait for it",
    ]


def test_each_outage_counts_for_itself(
    manual_clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    outage = Outage("the bus", logging.getLogger("primus.server"), manual_clock)
    assert not outage.end()
    assert outage.begin("cut")
    assert not outage.begin("cut again")
    outage.dropped(2)
    outage.delivered_alone(3)
    manual_clock.advance(1.5)
    assert outage.end()
    assert not outage.is_on
    outage.begin("cut")
    outage.end()

    assert [record.getMessage() for record in caplog.records] == [
        "the bus is away (cut); messages for other servers wait for it",
        "the bus is back after 1.5 s; 2 messages were dropped, 3 ordered ones delivered alone",
        "the bus is away (cut); messages for other servers wait for it",
        "the bus is back after 0.0 s; 0 messages were dropped, 0 ordered ones delivered alone",
    ]
