"""The order of what adapters are asked that have to be awaited."""

import asyncio
from typing import Any

import pytest

from primus_rooms import RoomsError
from primus_rooms.memory import MemoryAdapter
from primus_rooms.waiting import TOGETHER, KeyedQueue
from primus_testing import DEADLINE, ManualClock, join

pytestmark = pytest.mark.usefixtures("tracebacks")


class Job:
    """Begins when its turn comes, and ends when the test says so."""

    def __init__(self, line: KeyedQueue, key: str | None) -> None:
        self.has_begun = False
        self._gate = asyncio.Event()
        self.result = line.put(key, self._run())

    async def _run(self) -> None:
        self.has_begun = True
        await self._gate.wait()

    def end(self) -> None:
        self._gate.set()


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def begun(*jobs: Job) -> list[bool]:
    return [job.has_begun for job in jobs]


async def test_two_jobs_for_one_spark_never_run_at_once() -> None:
    line = KeyedQueue()
    joining, leaving = Job(line, "spark"), Job(line, "spark")
    await turns()
    assert begun(joining, leaving) == [True, False]
    joining.end()
    await turns()
    assert begun(joining, leaving) == [True, True]
    leaving.end()
    await line.drain()


async def test_jobs_for_different_sparks_run_together_and_one_for_all_runs_alone() -> None:
    line = KeyedQueue()
    one, two, alone, three = (Job(line, key) for key in ("one", "two", None, "three"))
    await turns()
    assert begun(one, two, alone, three) == [True, True, False, False]
    one.end()
    two.end()
    await turns()
    assert begun(alone, three) == [True, False]
    alone.end()
    await turns()
    assert three.has_begun
    three.end()
    await line.drain()


async def test_no_more_than_so_many_jobs_run_at_once() -> None:
    line = KeyedQueue()
    jobs = [Job(line, str(number)) for number in range(TOGETHER + 1)]
    await turns()
    assert sum(begun(*jobs)) == TOGETHER
    for job in jobs:
        job.end()
    await line.drain()


class Stuck(MemoryAdapter):
    """Never answers to a spark that joins, nor does it ever close."""

    async def add(self, id: str, room: str, *, wildcard: bool = False) -> None:
        await asyncio.Event().wait()

    async def close(self) -> None:
        await asyncio.Event().wait()


async def test_an_adapter_that_does_not_answer_keeps_nothing_waiting_for_ever(
    make_primus: Any,
) -> None:
    clock = ManualClock()
    primus = make_primus(clock=clock, rooms={"adapter": Stuck()})
    primus.on("roomserror", lambda error, spark: None)
    spark, _ = join(primus)
    joining = spark.join("news")
    await turns()
    clock.advance(9.9)
    await turns()
    assert not joining.done()
    clock.advance(0.2)
    async with asyncio.timeout(DEADLINE):
        with pytest.raises(RoomsError, match="TimeoutError"):
            await joining


async def test_an_adapter_that_does_not_close_does_not_keep_the_server(
    make_primus: Any, caplog: pytest.LogCaptureFixture
) -> None:
    clock = ManualClock()
    primus = make_primus(clock=clock, rooms={"adapter": Stuck()})
    ending = asyncio.ensure_future(primus.destroy())
    while not clock.pending:
        await asyncio.sleep(0)
    clock.advance(10.1)
    async with asyncio.timeout(DEADLINE):
        await ending
    assert "the adapter did not finish" in caplog.text
