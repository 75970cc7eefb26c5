"""Calls from other threads: handed over to the event loop, or waited for by a `ThreadView`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Thread, get_ident
from typing import Any

import pytest

from primus import JSON, ParserError, Primus, PrimusError
from primus import threads as module
from primus.threads import Home, here
from primus_testing import Recorder, Tracebacks, eventually, join

MakePrimus = Callable[..., Primus]


async def elsewhere(call: Callable[[], Any]) -> Any:
    """What a call returns in another thread, or the exception that it raises there."""
    results: list[Any] = []

    def run() -> None:
        try:
            results.append(call())
        except Exception as error:
            results.append(error)

    thread = Thread(target=run)
    thread.start()
    await eventually(lambda: results)
    thread.join()
    return results[0]


async def test_what_is_written_elsewhere_is_sent_by_the_loop(primus: Primus) -> None:
    spark, wire = join(primus)

    assert await elsewhere(lambda: [spark.write(1), primus.write(2)]) == [True, None]

    await eventually(lambda: wire.sent == ["1", "2"])


async def test_transforms_run_on_the_loop_also_for_other_threads(
    primus: Primus, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("a call from another thread raised ParserError")
    threads: list[int] = []
    primus.transform("outgoing", lambda packet: threads.append(get_ident()))
    spark, wire = join(primus)
    errors = Recorder(spark, "error")
    log = Recorder(primus, "log")

    assert await elsewhere(lambda: spark.write(object())) is True
    assert await elsewhere(lambda: primus.write(object())) is None
    assert await elsewhere(lambda: spark.write("fine")) is True
    await eventually(lambda: wire.sent == ['"fine"'])

    assert threads == [get_ident()] * 3
    assert isinstance(await errors.one("error"), ParserError)
    assert isinstance((await log.next("log"))[1], ParserError)


async def test_a_parser_that_is_not_made_for_threads_encodes_on_the_loop(
    make_primus: MakePrimus, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("a call from another thread raised ParserError")
    threads: list[int] = []

    class Single(JSON):
        threadsafe = False

        def encode(self, value: Any) -> str:
            threads.append(get_ident())
            return super().encode(value)

    primus = make_primus(parser=Single())
    spark, wire = join(primus)
    errors = Recorder(spark, "error")

    await elsewhere(lambda: [spark.write(1), primus.write(2), spark.write(object())])
    await elsewhere(lambda: primus.write(object()))

    await eventually(lambda: wire.sent == ["1", "2"])
    assert isinstance(await errors.one("error"), ParserError)
    assert set(threads) == {get_ident()}


@pytest.mark.parametrize("transforms", [False, True])
async def test_a_write_that_has_come_too_late_is_dropped(primus: Primus, transforms: bool) -> None:
    transformed: list[Any] = []
    if transforms:
        primus.transform("outgoing", lambda packet: transformed.append(packet.data))
    spark, wire = join(primus)
    results: list[bool] = []
    thread = Thread(target=lambda: results.append(spark.write("late")))
    thread.start()
    thread.join()  # the loop has not taken it yet

    spark.end()
    await asyncio.sleep(0)

    assert results == [True]
    assert transformed == []
    assert wire.sent == ['"primus::server::close"']
    assert await elsewhere(lambda: spark.write("later")) is False


async def test_an_end_from_elsewhere_comes_behind_what_was_written(primus: Primus) -> None:
    spark, wire = join(primus)

    await elsewhere(lambda: [spark.write(1), spark.end("bye")])

    await eventually(lambda: wire.sent == ["1", '"bye"', '"primus::server::close"'])


async def test_a_server_without_sparks_takes_what_threads_write(primus: Primus) -> None:
    assert await elsewhere(lambda: primus.write("to none")) is None
    assert await elsewhere(lambda: primus.thread.write("to none")) is None
    assert isinstance(await elsewhere(lambda: primus.write(object())), ParserError)


async def test_a_view_gives_what_is_returned_awaited_or_raised_on_the_loop(primus: Primus) -> None:
    spark, wire = join(primus)
    view: Any = primus.thread

    async def double(number: int, *, more: int = 0) -> int:
        await asyncio.sleep(0)
        return 2 * number + more

    async def late() -> None:
        raise TimeoutError("my own")

    spark.double = double  # type: ignore[attr-defined]
    spark.late = late  # type: ignore[attr-defined]
    found: Any = await elsewhere(lambda: view.spark(spark.id))
    assert await elsewhere(lambda: found.double(21, more=1)) == 43
    assert str(await elsewhere(found.late)) == "my own"
    assert await elsewhere(lambda: found.id) == spark.id
    assert await elsewhere(lambda: view.spark("unknown")) is None
    assert await elsewhere(lambda: [repr(each) for each in view]) == [repr(found)]
    assert repr(found) == f"{spark!r}, from another thread"
    assert await elsewhere(lambda: len(view)) == 1
    assert await elsewhere(lambda: view.write("x", to=[spark])) is None
    assert isinstance(await elsewhere(lambda: found.write(object())), ParserError)
    assert await elsewhere(lambda: spark.thread.write("y")) is True
    assert wire.sent == ['"x"', '"y"']


async def test_a_view_is_true_as_what_it_shows_is(primus: Primus) -> None:
    spark, _ = join(primus)

    def truths() -> list[bool]:
        return [bool(each) for each in (spark.thread, primus.thread, primus.thread.spark(spark.id))]

    assert await elsewhere(truths) == [True, True, True]
    assert await elsewhere(lambda: primus.thread.spark("another") or "none") == "none"


async def test_a_view_takes_views_as_arguments(primus: Primus) -> None:
    spark, _ = join(primus)
    taken: list[Any] = []
    spark.take = taken.append  # type: ignore[attr-defined]
    view: Any = spark.thread

    await elsewhere(lambda: view.take(view))

    assert taken == [spark]


async def test_the_thread_of_the_loop_does_not_wait_for_itself(primus: Primus) -> None:
    spark, _ = join(primus)
    with pytest.raises(RuntimeError, match="call the object itself"):
        spark.thread.write("x")
    with pytest.raises(RuntimeError, match="call the object itself"):
        primus.thread.write("x")


async def test_without_a_loop_that_runs_there_is_an_error_or_false() -> None:
    def make() -> tuple[Home, Home]:
        loop = asyncio.new_event_loop()
        idle = Home(loop)
        loop.close()
        return idle, Home(None)

    for home in await elsewhere(make):
        assert home.hand_over(print, print) is False
        with pytest.raises(RuntimeError, match="does not run"):
            home.run(print)


async def cancel_all() -> None:
    """Cancel what is left on a loop."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


async def test_a_thread_does_not_wait_for_a_loop_that_has_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.001)
    homes: list[Home] = []
    loop = asyncio.new_event_loop()

    def run() -> None:
        loop.call_soon(lambda: homes.append(here(None)))
        loop.run_forever()

    async def stopping() -> None:
        loop.stop()
        await asyncio.Event().wait()

    thread = Thread(target=run)
    thread.start()
    await eventually(lambda: homes)
    waiting = await elsewhere(lambda: homes[0].run(stopping))
    thread.join()

    assert str(waiting) == "the event loop has stopped"
    await elsewhere(lambda: loop.run_until_complete(cancel_all()))
    loop.close()


async def test_what_a_call_raises_that_was_handed_over_is_reported(
    primus: Primus, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("a call from another thread raised", "KeyError")
    spark, _ = join(primus)
    errors, log = Recorder(spark, "error"), Recorder(primus, "log")

    def fails(error: Exception) -> None:
        raise error

    async def fails_later() -> None:
        raise PrimusError("later")

    await elsewhere(lambda: spark.handed_over(fails, PrimusError("at once")))
    await elsewhere(lambda: spark.handed_over(fails_later))
    await elsewhere(lambda: spark.handed_over(fails, KeyError("a bug")))
    await elsewhere(lambda: primus.handed_over(fails, KeyError("a bug")))

    assert [str(error) for error in (await errors.one("error"), await errors.one("error"))] == [
        "at once",
        "later",
    ]
    level, error = await log.next("log")
    assert (level, type(error)) == ("error", KeyError)
    assert spark.handed_over(print) is None
    assert primus.handed_over(print) is None


async def test_a_home_is_known_again(primus: Primus) -> None:
    home = here(None)
    assert here(home) is home
    assert home.loop is asyncio.get_running_loop()
    other = await elsewhere(lambda: here(home))
    assert other is not home
    assert (other.loop, home.thread) == (None, get_ident())


def test_a_home_is_another_on_the_next_loop_and_without_one() -> None:
    async def home() -> Home:
        return here(known)

    known = here(None)
    assert here(known) is known
    first = asyncio.run(home())
    assert first is not known
    known = first
    assert here(known) is not known
    assert asyncio.run(home()) is not known
