"""Connections whose peers take nothing of what is sent to them."""

from collections.abc import Callable
from typing import Any

import pytest

from primus.write_watch import WriteWatch
from primus_testing import ManualClock, NotingTransport, join
from primus_testing.clock import ManualTimer


class Wire(NotingTransport):
    """A connection with so many unsent bytes, of a system that tells no more of it."""

    def __init__(self, unsent: int = 0) -> None:
        super().__init__()
        self.waiting = unsent

    @property
    def aborted(self) -> bool:
        return self.story == ["aborted"]


def test_a_wire_on_which_nothing_moves_is_dropped_after_the_timeout() -> None:
    clock = ManualClock()
    watch = WriteWatch(clock, 30.0)
    wire = Wire(100)
    watch.keep(wire)
    clock.advance(30)
    assert not wire.aborted
    clock.advance(15)
    assert wire.aborted
    assert len(watch) == clock.pending == 0


def test_a_connection_that_is_dropped_knows_that_its_peer_took_nothing(
    make_primus: Callable[..., Any],
) -> None:
    clock = ManualClock()
    watch = WriteWatch(clock, 30.0)
    spark, transport = join(make_primus())
    wire = Wire(100)
    watch.keep(wire, transport)
    clock.advance(45)
    assert wire.aborted
    assert spark.closed is not None
    assert (spark.closed.code, spark.closed.option) == ("slow consumer", "write_timeout")
    assert spark.closed.reason == "the other side took nothing of what was sent to it for 30.0 s"


def test_a_wire_that_moves_a_little_is_kept() -> None:
    clock = ManualClock()
    watch = WriteWatch(clock, 30.0)
    wire = Wire(100)
    watch.keep(wire)
    for _ in range(99):
        clock.advance(29)
        wire.waiting -= 1
    assert not wire.aborted


def test_what_was_added_is_forgotten_when_it_has_been_sent_and_what_is_kept_is_not() -> None:
    clock = ManualClock()
    watch = WriteWatch(clock, 30.0)
    added, kept = Wire(100), Wire(100)
    watch.add(added)
    watch.keep(kept)
    clock.advance(15)
    added.waiting = kept.waiting = 0
    clock.advance(30)
    assert len(watch) == 1
    kept.waiting = 5
    clock.advance(60)
    assert kept.aborted


def test_what_is_added_may_be_written_a_little_later() -> None:
    clock = ManualClock()
    watch = WriteWatch(clock, 30.0)
    wire = Wire()
    watch.add(wire)
    clock.advance(20)
    wire.waiting = 5
    clock.advance(60)
    assert wire.aborted


def test_time_begins_anew_when_all_has_been_sent_meanwhile() -> None:
    clock = ManualClock()
    watch = WriteWatch(clock, 30.0)
    wire = Wire(5)
    watch.keep(wire)
    clock.advance(30)
    wire.waiting = 0
    clock.advance(15)
    wire.waiting = 5
    clock.advance(30)
    assert not wire.aborted


def test_without_a_timeout_nothing_is_watched() -> None:
    clock = ManualClock()
    watch = WriteWatch(clock, None)
    watch.keep(Wire(100))
    watch.add(None)
    assert len(watch) == clock.pending == 0


def test_a_wire_that_is_discarded_or_a_watch_that_stops_drops_nothing() -> None:
    clock = ManualClock()
    watch = WriteWatch(clock, 30.0)
    discarded, stopped = Wire(100), Wire(100)
    watch.keep(discarded)
    watch.keep(stopped)
    watch.discard(discarded)
    watch.discard(discarded)
    watch.stop()
    assert len(watch) == clock.pending == 0
    watch.keep(stopped)
    assert len(watch) == clock.pending == 0
    assert not discarded.aborted
    assert not stopped.aborted


def test_a_wire_that_is_closing_is_forgotten_once_it_is_empty() -> None:
    clock = ManualClock()
    watch = WriteWatch(clock, 30.0)
    wire = Wire()
    wire.closing = True
    watch.keep(wire)
    clock.advance(15)
    assert len(watch) == 0


def test_a_wire_that_is_added_again_and_again_has_no_more_time_for_it() -> None:
    clock = ManualClock()
    watch = WriteWatch(clock, 30.0)
    wire = Wire(100)
    for _ in range(9):
        watch.add(wire)
        clock.advance(5)
    assert wire.aborted


@pytest.mark.parametrize("kept", [(True, False), (False, True)])
def test_a_wire_that_is_to_be_kept_stays_so(kept: tuple[bool, bool]) -> None:
    clock = ManualClock()
    watch = WriteWatch(clock, 30.0)
    wire = Wire()
    for each in kept:
        (watch.keep if each else watch.add)(wire)
    clock.advance(90)
    assert len(watch) == 1


def test_a_wire_that_goes_while_others_are_looked_at_is_left_alone() -> None:
    clock = ManualClock()
    watch = WriteWatch(clock, 30.0)
    looks: list[float] = []

    class First(Wire):
        def abort(self) -> None:
            watch.discard(second)

    class Second(Wire):
        def get_write_buffer_size(self) -> int:
            looks.append(clock.time())
            return super().get_write_buffer_size()

    second = Second(100)
    began = clock.time()
    watch.keep(First(100))
    watch.keep(second)
    clock.advance(60)
    assert [when - began for when in looks] == [15.0, 30.0]
    assert not second.aborted
    assert len(watch) == 0


def test_of_very_many_wires_some_are_looked_at_in_each_turn() -> None:
    looked: list[list[Wire]] = []

    class Turns(ManualClock):
        def call_later(self, delay: float, fn: Callable[..., Any], *args: Any) -> ManualTimer:
            def turn() -> None:
                looked.append([])
                fn(*args)

            return super().call_later(delay, turn)

    class Looked(Wire):
        def get_write_buffer_size(self) -> int:
            looked[-1].append(self)
            return super().get_write_buffer_size()

    clock = Turns()
    watch = WriteWatch(clock, 30.0)
    wires = [Looked(100) for _ in range(1200)]
    for wire in wires:
        watch.keep(wire)
    clock.advance(15)
    assert [len(each) for each in looked if each] == [500, 500, 200]
    clock.advance(45)
    assert all(wire.aborted for wire in wires)


@pytest.mark.parametrize("error", [OSError("closed"), ValueError("negative file descriptor")])
def test_a_socket_that_cannot_be_asked_any_more_is_no_error(error: Exception) -> None:
    class Closed(Wire):
        def get_extra_info(self, name: str, default: Any = None) -> Any:
            return self

        def getsockopt(self, *asked: int) -> bytes:
            raise error

    clock = ManualClock()
    watch = WriteWatch(clock, 30.0)
    closed, other = Closed(), Wire(100)
    watch.add(closed)
    watch.keep(other)
    clock.advance(60)
    assert other.aborted
    assert len(watch) == 0


class Counted(Wire):
    """A connection of which the system tells what was acknowledged, and what is not sent yet."""

    def __init__(self, unsent: int, acknowledged: int, below: int) -> None:
        super().__init__(unsent)
        self.acknowledged = acknowledged
        self.below = below

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self

    def getsockopt(self, *asked: int) -> bytes:
        info = bytes(120) + self.acknowledged.to_bytes(8, "little") + bytes(16)
        return info + self.below.to_bytes(4, "little")


@pytest.mark.parametrize(("unsent", "below"), [(0, 7), (7, 0)])
def test_what_waits_above_or_below_tls_has_to_be_acknowledged(unsent: int, below: int) -> None:
    clock = ManualClock()
    watch = WriteWatch(clock, 30.0)
    slow, silent = Counted(unsent, 1, below), Counted(unsent, 1, below)
    watch.keep(slow)
    watch.keep(silent)
    for _ in range(3):
        clock.advance(15)
        slow.acknowledged += 1
    assert (slow.aborted, silent.aborted) == (False, True)


def test_a_transport_is_told_though_its_wire_is_kept_once_more_without_it(
    make_primus: Callable[..., Any],
) -> None:
    clock = ManualClock()
    watch = WriteWatch(clock, 30.0)
    spark, transport = join(make_primus())
    wire = Wire(100)
    watch.keep(wire, transport)
    watch.keep(wire)
    clock.advance(45)
    assert spark.closed is not None
    assert spark.closed.code == "slow consumer"


def test_a_wire_that_was_discarded_has_all_of_its_time_when_it_is_kept_again() -> None:
    clock = ManualClock()
    watch = WriteWatch(clock, 30.0)
    wire, other = Wire(100), Wire()
    watch.keep(wire)
    watch.keep(other)
    clock.advance(15)
    watch.discard(wire)
    clock.advance(60)
    watch.keep(wire)
    clock.advance(30)
    assert not wire.aborted
    clock.advance(15)
    assert wire.aborted


def test_a_watch_that_had_nothing_left_begins_again() -> None:
    clock = ManualClock()
    watch = WriteWatch(clock, 30.0)
    first, second = Wire(), Wire(100)
    watch.keep(first)
    watch.discard(first)
    clock.advance(15)
    assert clock.pending == 0
    watch.keep(second)
    clock.advance(45)
    assert second.aborted


def test_a_watch_that_stops_keeps_no_wire() -> None:
    watch = WriteWatch(ManualClock(), 30.0)
    watch.keep(Wire())
    watch.add(Wire())
    watch.stop()
    assert len(watch) == 0
