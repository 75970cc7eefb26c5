"""Ending connections bit by bit, so that their clients do not all return at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Final

from primus.clock import Clock

__all__ = ["TICK", "end_over"]

TICK: Final = 0.05
"""Seconds between two portions, at least."""

CATCHING_UP: Final = 1.25
"""How much faster than planned a process ends connections that has been busy meanwhile."""


async def end_over(
    sparks: Iterable[Any], seconds: float, clock: Clock, end: Callable[[Any], object]
) -> None:
    """Call `end` with all of `sparks`, spread evenly over `seconds`.

    A process that falls behind catches up at most a quarter faster than planned, and takes longer
    where that is not enough.

    Args:
        sparks: the connections; those that have ended meanwhile are passed over.
        seconds: how long it takes.
        clock: tells the time.
        end: ends a connection.
    """
    waiting = list(sparks)
    if not waiting:
        return
    total, ended = len(waiting), 0
    interval = max(seconds / total, TICK)
    most = 1.0  # with a fraction, which is not lost from one portion to the next
    since = clock.time()
    while True:
        due = 1 + int(total * (clock.time() - since) / seconds + 1e-6)
        most = min(most, due, total)
        for spark in waiting[ended : int(most)]:
            end(spark)
        ended = int(most)
        if ended >= total:
            return
        await _elapse(clock, interval)
        most += total * interval / seconds * CATCHING_UP


async def _elapse(clock: Clock, seconds: float) -> None:
    """Wait on a clock."""
    over = asyncio.Event()
    timer = clock.call_later(seconds, over.set)
    try:
        await over.wait()
    finally:
        timer.cancel()
