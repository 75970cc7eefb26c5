"""Timers that judge a peer: what has arrived while the process was busy is read first."""

import asyncio
import socket
import time
from collections.abc import Callable
from contextlib import closing, suppress

import pytest

from primus.clock import SYSTEM_CLOCK, Within, expect
from primus_testing import ManualClock

LOOPS: list[Callable[[], asyncio.AbstractEventLoop]] = [asyncio.new_event_loop]
with suppress(ImportError):
    import uvloop

    LOOPS.append(uvloop.new_event_loop)


def test_a_peer_is_judged_on_time_while_the_process_is_free(manual_clock: ManualClock) -> None:
    judged: list[float] = []
    start = manual_clock.time()
    expect(manual_clock, 5, lambda: judged.append(manual_clock.time() - start))
    manual_clock.advance(4.9)
    assert judged == []
    manual_clock.advance(0.1)
    assert judged == [5]
    assert manual_clock.pending == 0


def test_a_busy_process_gives_what_waits_as_long_as_the_timer_is_late_but_a_second_at_most(
    manual_clock: ManualClock,
) -> None:
    judged: list[str] = []
    expect(manual_clock, 5, judged.append, "late by 0.5")
    manual_clock.block(5.5)
    manual_clock.advance(0.4)
    assert judged == []
    manual_clock.advance(0.1)
    assert judged == ["late by 0.5"]
    expect(manual_clock, 5, judged.append, "late by 60")
    manual_clock.block(65)
    manual_clock.advance(0.9)
    assert len(judged) == 1
    manual_clock.advance(0.1)
    assert len(judged) == 2


def test_a_process_that_stays_busy_postpones_three_times_at_most(
    manual_clock: ManualClock,
) -> None:
    judged: list[str] = []
    expect(manual_clock, 5, judged.append, "judged")
    for _ in range(3):
        manual_clock.block(60)
    assert judged == []
    manual_clock.block(60)
    assert judged == ["judged"]


def test_what_is_expected_no_longer_is_not_judged(manual_clock: ManualClock) -> None:
    judged: list[str] = []
    timer = expect(manual_clock, 5, judged.append, "judged")
    manual_clock.block(60)
    timer.cancel()
    manual_clock.advance(60)
    assert judged == []


@pytest.mark.parametrize("new_loop", LOOPS, ids=lambda new: new.__module__.split(".")[0])
def test_on_a_real_loop_what_waits_is_read_before_the_peer_is_judged(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    order: list[str] = []
    ours, theirs = socket.socketpair()
    ours.setblocking(False)

    async def scene() -> None:
        loop = asyncio.get_running_loop()
        judged = asyncio.Event()

        def judge() -> None:
            order.append("judged")
            judged.set()

        def read() -> None:
            order.append(ours.recv(10).decode())
            if order == ["message"]:
                theirs.send(b"pong")
                time.sleep(0.03)  # a listener is busy for longer than the peer has

        loop.add_reader(ours, read)
        expect(SYSTEM_CLOCK, 0.01, judge)
        theirs.send(b"message")
        await judged.wait()
        loop.remove_reader(ours)

    with closing(new_loop()) as loop, ours, theirs:
        loop.run_until_complete(scene())
    assert order == ["message", "pong", "judged"]


async def test_a_block_that_takes_too_long_raises_and_one_that_is_quick_does_not(
    manual_clock: ManualClock,
) -> None:
    async def wait(seconds: float | None) -> None:
        async with Within(seconds, manual_clock):
            await asyncio.Event().wait()

    waiting = asyncio.ensure_future(wait(5))
    forever = asyncio.ensure_future(wait(None))
    await asyncio.sleep(0)
    manual_clock.block(60)
    await asyncio.sleep(0)
    assert not waiting.done()  # what has arrived is read first
    manual_clock.advance(1)
    with pytest.raises(TimeoutError):
        await waiting
    forever.cancel()
    with pytest.raises(asyncio.CancelledError):
        await forever
    async with Within(5, manual_clock) as limit:
        pass
    assert not limit.expired
    assert manual_clock.pending == 0
