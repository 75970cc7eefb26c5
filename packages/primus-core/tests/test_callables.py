"""How functions of users are called, awaited and disposed of."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from primus.callables import after, bounds, dispose, obstacle

EVERYTHING = bounds(lambda *args: None)[1]


class Callee:
    def method(self, one: Any, two: Any = None) -> None: ...

    def __call__(self, one: Any, *rest: Any) -> None: ...


@pytest.mark.parametrize(
    ("fn", "expected"),
    [
        (lambda: None, (0, 0)),
        (lambda one, two=2: None, (1, 2)),
        (lambda one, *rest: None, (1, EVERYTHING)),
        (Callee().method, (1, 2)),
        (Callee(), (1, EVERYTHING)),
        (print, (0, EVERYTHING)),
        (type("NoSignature", (), {"__call__": print, "__signature__": 1})(), (0, EVERYTHING)),
    ],
)
def test_how_many_arguments_a_function_takes(
    fn: Callable[..., Any], expected: tuple[int, int]
) -> None:
    assert bounds(fn) == expected


async def answer(value: Any) -> Any:
    if isinstance(value, Exception):
        raise value
    return value


async def test_what_comes_after_an_awaitable_gets_its_result() -> None:
    results: list[Any] = []

    await after(answer(1), results.append, results.append)

    assert results == [1]


async def test_what_comes_after_an_awaitable_may_be_awaited_too() -> None:
    steps: list[Any] = []

    async def second(value: Any) -> None:
        steps.append(value)

    def first(value: Any) -> Awaitable[None]:
        return second(value + 1)

    await after(answer(1), first, steps.append)

    assert steps == [2]


async def test_an_awaitable_that_raises_is_told_and_nothing_comes_after_it() -> None:
    error = ZeroDivisionError()
    told: list[Any] = []

    await after(answer(error), lambda value: told.append("never"), told.append)

    assert told == [error]


async def test_a_coroutine_that_is_not_awaited_is_closed() -> None:
    dispose(answer(1))  # or it would warn, and warnings are errors


async def test_a_future_that_is_not_awaited_is_cancelled() -> None:
    future = asyncio.get_running_loop().create_future()

    dispose(future)

    assert future.cancelled()


class Bare:
    def __await__(self) -> Any:
        raise AssertionError("nothing awaits it")


@pytest.mark.parametrize("value", [None, 1, "text", {"close": 1}, Bare()])
def test_what_cannot_be_closed_is_let_go_of(value: Any) -> None:
    dispose(value)


def test_what_is_needed_by_name_is_an_obstacle_and_what_has_a_default_is_not() -> None:
    def needs(message: Any, *, room: str, loud: bool = False) -> None: ...

    def may(message: Any, *, loud: bool = False) -> None: ...

    assert obstacle(needs, 1, 1) == "it needs 'room' by name, and gets its arguments by position"
    assert obstacle(may, 1, 1) is None
    assert obstacle(may, 1, 0) == "it needs 1 arguments and gets 0"
