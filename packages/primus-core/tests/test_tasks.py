"""Coroutines that begin at once."""

import asyncio
import sys

import pytest

from primus.tasks import begin, has_loop


@pytest.mark.parametrize("bare", [True, False])
async def test_what_waits_goes_on_in_a_task(bare: bool) -> None:
    story: list[str] = []
    go = asyncio.Event()

    async def work() -> None:
        story.append("begun")
        await go.wait()
        story.append("ended")

    task = begin(work(), bare=bare)
    assert story == (["begun"] if bare or sys.version_info >= (3, 12) else [])
    assert task is not None
    go.set()
    await task
    assert story == ["begun", "ended"]


async def test_what_does_not_wait_makes_no_task() -> None:
    before = asyncio.all_tasks()

    async def work() -> None:
        pass

    assert begin(work(), bare=True) is None
    assert asyncio.all_tasks() == before


async def test_what_is_raised_before_it_waits_is_raised_at_once() -> None:
    async def work() -> None:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        begin(work(), bare=True)


async def test_a_task_for_the_rest_waits_as_often_as_it_must_and_tells_of_the_end() -> None:
    async def work() -> str:
        for _ in range(3):
            await asyncio.sleep(0)
        try:
            await asyncio.get_running_loop().run_in_executor(None, int, "no number")
        except ValueError:
            return "caught"
        return "lost"

    task = begin(work(), bare=True)
    assert task is not None
    assert await task == "caught"


async def test_a_task_for_the_rest_is_cancelled_as_any_other() -> None:
    story: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            story.append("cancelled")
            raise

    task = begin(work(), bare=True)
    assert task is not None
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert story == ["cancelled"]


def test_there_is_no_loop_before_a_program_runs_one() -> None:
    async def within() -> bool:
        return has_loop()

    assert not has_loop()
    assert asyncio.run(within())
