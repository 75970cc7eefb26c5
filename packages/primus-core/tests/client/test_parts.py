"""Parts of a client by themselves: attempts to open a wire, their schedule, wires that close."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from primus.client.closing import Closing
from primus.client.dialer import Dialer
from primus.client.receive_buffer import OVERHEAD, ReceiveBuffer
from primus.client.reconnect import Reconnection
from primus.errors import ConnectTimeout, TransportError
from primus.recovery import Backoff
from primus_testing import LingeringTransport, ManualClock, MemoryTransport


async def turns(number: int = 3) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


# -- opening a wire


class Dialling:
    """A dialer, what it reports, and the wires that the test opens."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.answers: list[asyncio.Future[None]] = []
        self.leaving: list[asyncio.Future[None]] = []
        self.dialer = Dialer(
            self._connect,
            opened=lambda: self.told.append("opened"),
            failed=self.told.append,
            unwanted=lambda: self.told.append("unwanted"),
            leaving=self.leaving.append,
        )

    async def _connect(self) -> None:
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.answers.append(answer)
        try:
            await asyncio.shield(answer)
        except asyncio.CancelledError:
            if not answer.done():
                raise  # else it was too late to give up: the wire is open


async def test_an_attempt_reports_that_it_has_opened_or_failed() -> None:
    dialling = Dialling()
    dialling.dialer.dial()
    await turns()
    dialling.answers[0].set_result(None)
    await turns()
    dialling.dialer.dial()
    await turns()
    dialling.answers[1].set_exception(error := TransportError("no"))
    await turns()

    assert dialling.told == ["opened", error]
    dialling.dialer.stop()
    assert dialling.leaving == []


async def test_an_attempt_that_is_stopped_reports_nothing_and_is_waited_for() -> None:
    dialling = Dialling()
    dialling.dialer.dial()
    await turns()

    dialling.dialer.stop()
    dialling.dialer.stop()

    (task,) = dialling.leaving
    with pytest.raises(asyncio.CancelledError):
        await task
    assert dialling.told == []


async def test_a_wire_that_opens_after_its_attempt_was_stopped_is_not_wanted() -> None:
    dialling = Dialling()
    dialling.dialer.dial()
    await turns()

    dialling.answers[0].set_result(None)
    dialling.dialer.stop()
    await asyncio.wait(dialling.leaving)

    assert dialling.told == ["unwanted"]


async def test_an_attempt_whose_place_another_has_taken_does_not_fail_that_one() -> None:
    dialling = Dialling()
    dialling.dialer.dial()
    await turns()
    dialling.dialer.dial()
    await turns()

    dialling.answers[0].set_exception(TransportError("too late"))
    await turns()
    assert dialling.told == []
    dialling.answers[1].set_result(None)
    await turns()

    assert dialling.told == ["opened"]


# -- wires that close


async def test_wires_are_waited_for_until_each_is_gone() -> None:
    closing, first, second = Closing(), MemoryTransport(), MemoryTransport()
    closing.add_wire(first)
    closing.add_wire(second)
    waiting = asyncio.ensure_future(closing.wait())

    first.receive('"late"')
    first.seen()
    first.lose()
    await turns()
    assert not waiting.done()
    second.lose()

    await waiting


async def test_a_wire_that_is_lost_is_waited_for_as_long_as_tcp_keeps_it() -> None:
    closing, wire = Closing(), LingeringTransport()
    closing.add_lost(wire)
    waiting = asyncio.ensure_future(closing.wait())
    await turns()
    assert not waiting.done()

    assert wire.on_gone is not None
    wire.on_gone()
    wire.on_gone()

    await waiting


async def test_a_wire_of_which_nothing_is_left_is_not_waited_for() -> None:
    closing = Closing()
    closing.add_lost(MemoryTransport())
    waiting = asyncio.ensure_future(closing.wait())
    await turns(1)

    assert waiting.done()


async def test_what_begins_to_close_meanwhile_is_waited_for_as_well() -> None:
    closing, first, second = Closing(), MemoryTransport(), MemoryTransport()
    closing.add_wire(first)
    waiting = asyncio.ensure_future(closing.wait())
    await turns()
    closing.add_wire(second)
    first.lose()
    await turns()
    assert not waiting.done()
    second.lose()

    await waiting


# -- the schedule of attempts


class Scheduling:
    """A schedule and what it tells."""

    def __init__(self, clock: ManualClock, **options: Any) -> None:
        self.told: list[Any] = []
        backoff = Backoff(**{"min": 1.0, "max": 1.0, "factor": 1.0, "timeout": 30.0, **options})

        def note(what: str) -> Any:
            return lambda *args: self.told.append((what, *args))

        self.schedule = Reconnection(
            backoff,
            clock,
            lambda event, attempt: self.told.append((event, attempt.attempt)),
            due=lambda attempt: self.told.append(("due", attempt.attempt)),
            late=lambda error, attempt: self.told.append((type(error), attempt.attempt)),
            exhausted=lambda error, attempt: self.told.append((error, attempt.attempt)),
        )

    def take(self) -> list[Any]:
        told, self.told = self.told, []
        return told


async def test_an_attempt_is_late_once_and_then_no_timer_is_left(manual_clock: ManualClock) -> None:
    plan = Scheduling(manual_clock)
    plan.schedule.schedule()
    assert plan.take() == [("reconnect scheduled", 1)]
    manual_clock.advance(2.0)
    assert plan.take() == [("due", 1)]

    manual_clock.advance(28.9)
    assert plan.take() == []
    manual_clock.advance(0.2)
    assert plan.take() == [(ConnectTimeout, 1)]
    assert manual_clock.pending == 0


@pytest.mark.parametrize("end", ["succeeded", "reset"])
async def test_no_timer_outlives_the_attempts(manual_clock: ManualClock, end: str) -> None:
    plan = Scheduling(manual_clock)
    for is_due in (False, True):
        plan.schedule.schedule()
        manual_clock.advance(2.0 * is_due)
        plan.take()

        getattr(plan.schedule, end)()

        assert manual_clock.pending == 0
        assert plan.take() == ([("reconnected", 1)] if end == "succeeded" else [])


async def test_the_next_attempt_takes_the_place_of_the_one_that_was_due(
    manual_clock: ManualClock,
) -> None:
    plan = Scheduling(manual_clock)
    plan.schedule.schedule()
    manual_clock.advance(2.0)

    plan.schedule.schedule(TransportError("no"))

    assert manual_clock.pending == 1
    assert plan.take() == [("reconnect scheduled", 1), ("due", 1), ("reconnect scheduled", 2)]


async def test_when_there_have_been_enough_the_last_failure_is_the_cause(
    manual_clock: ManualClock,
) -> None:
    plan = Scheduling(manual_clock, retries=1)
    plan.schedule.schedule()
    manual_clock.advance(2.0)
    plan.take()

    plan.schedule.schedule(cause := TransportError("no"))

    ((error, attempt),) = plan.take()
    assert str(error) == "could not reconnect in 1 attempts"
    assert error.__cause__ is cause
    assert attempt == 1
    assert manual_clock.pending == 0

    plan.schedule.schedule()  # which begins from the start, and knows nothing of before
    assert plan.take() == [("reconnect scheduled", 1)]
    plan.schedule.reset()


async def test_a_schedule_that_allows_no_attempt_is_exhausted_at_once(
    manual_clock: ManualClock,
) -> None:
    plan = Scheduling(manual_clock, retries=0)

    plan.schedule.schedule()

    ((error, attempt),) = plan.take()
    assert (str(error), error.__cause__) == ("could not reconnect in 0 attempts", None)
    assert attempt == 0


# -- messages before anything reads


def test_the_limit_of_what_is_kept_is_reached_exactly() -> None:
    buffer = ReceiveBuffer(2 * (OVERHEAD + 10), logging.getLogger("primus.client"))
    buffer.put(1, "x" * 10)
    buffer.put(2, b"x" * 10)
    assert [data for data, _ in buffer.take(1)] == [1]
    buffer.put(3, "x" * 10)
    assert [data for data, _ in buffer.take(2)] == [2, 3]

    buffer.put(4, "x" * 10)
    buffer.put(5, "x" * 11)

    assert [data for data, _ in buffer.take(9)] == [5]
    assert buffer.take() == []
