"""The order of what adapters are asked that have to be awaited."""

import asyncio
from typing import Any

import pytest

from primus_rooms import RoomsError
from primus_rooms.memory import MemoryAdapter
from primus_rooms.waiting import TOGETHER, KeyedQueue, all_true, done, each
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


async def later(value: Any, order: list[Any]) -> Any:
    await asyncio.sleep(0)
    order.append(value)
    return value


async def test_several_results_are_one_and_each_is_asked_for_behind_the_last() -> None:
    order: list[Any] = []

    assert each([lambda: 1, lambda: 2]) == [1, 2]
    pending = each(
        [lambda: 1, lambda: later(2, order), lambda: order.append(3), lambda: later(4, order)]
    )
    assert order == []

    assert await pending == [1, 2, None, 4]
    assert order == [2, 3, 4]


@pytest.mark.parametrize("values", [[True, True], [True, False], [False, True], []])
async def test_all_are_true_whether_some_have_to_be_awaited_or_not(values: list[bool]) -> None:
    order: list[Any] = []
    assert all_true(values) is all(values)
    if values:
        assert await all_true([values[0], later(values[1], order)]) is all(values)
        assert await all_true([later(values[0], order), values[1]]) is all(values)


async def test_what_is_done_can_be_awaited() -> None:
    assert await done(5) == 5


async def fails() -> None:
    raise RoomsError("no")


async def test_a_job_that_fails_or_is_not_waited_for_holds_up_no_other() -> None:
    line = KeyedQueue()
    failing, given_up = line.put("a", fails()), line.put("b", later(1, []))
    also_given_up = line.put(None, fails())
    given_up.cancel()
    also_given_up.cancel()
    last = line.put("a", later(2, []))

    assert await last == 2
    with pytest.raises(RoomsError):
        await failing
    assert line.is_busy
    await line.drain()
    assert not line.is_busy
    await line.drain()


async def test_a_job_for_all_waits_for_those_before_it_and_jobs_of_one_key_for_one_another() -> (
    None
):
    line = KeyedQueue()
    alone, other, same, again = (Job(line, key) for key in (None, "a", "b", "a"))
    await turns()
    assert begun(alone, other, same, again) == [True, False, False, False]
    alone.end()
    await turns()
    assert begun(other, same, again) == [True, True, False]
    same.end()
    other.end()
    await turns()
    assert begun(again) == [True]
    again.end()
    await line.drain()


class Closing(MemoryAdapter):
    """Notes that it was closed; refuses what it is asked when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = 0
        self.refuses = False

    def add(self, id: str, room: str, *, wildcard: bool = False) -> Any:
        if self.refuses:
            raise LookupError("full")
        return super().add(id, room, wildcard=wildcard)

    async def close(self) -> None:
        self.closed += 1


async def test_an_adapter_is_closed_with_its_server(make_primus: Any) -> None:
    adapter = Closing()
    primus = make_primus(rooms={"adapter": adapter})
    await primus.destroy()
    assert adapter.closed


async def test_an_adapter_that_fails_at_once_is_an_error_of_rooms_and_an_event(
    make_primus: Any,
) -> None:
    adapter = Closing()
    primus = make_primus(rooms={"adapter": adapter})
    told: list[Any] = []
    primus.on("roomserror", lambda error, spark: told.append((str(error), spark)))
    spark, _ = join(primus)
    adapter.refuses = True

    with pytest.raises(RoomsError, match="failed: LookupError: full") as failed:
        spark.join("news")

    assert isinstance(failed.value.__cause__, LookupError)
    ((text, whose),) = told
    assert "LookupError: full" in text
    assert whose is spark


class Slow(Closing):
    """Answers when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.order: list[str] = []
        self.gate = asyncio.Event()

    async def add(self, id: str, room: str, *, wildcard: bool = False) -> None:
        await self.gate.wait()
        self.order.append(f"joined {room}")

    async def close(self) -> None:
        self.order.append("closed")


async def test_an_adapter_is_closed_behind_what_it_was_asked(make_primus: Any) -> None:
    adapter = Slow()
    primus = make_primus(rooms={"adapter": adapter})
    spark, _ = join(primus)
    spark.join("news")
    ending = asyncio.ensure_future(primus.destroy())
    await turns()
    assert adapter.order == []

    adapter.gate.set()
    await ending

    assert adapter.order[:2] == ["joined news", "closed"]
