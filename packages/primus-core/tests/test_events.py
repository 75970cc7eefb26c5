import asyncio
import logging
from functools import partial, wraps
from typing import Any

import pytest

from primus.callables import EVERYTHING, arity, bounds
from primus.errors import ListenerError
from primus.events import Emitter, ReservedEvents
from primus_testing import Tracebacks, eventually


@pytest.fixture
def emitter() -> Emitter:
    return Emitter()


def test_listeners_are_called_in_the_order_of_their_adding(emitter: Emitter) -> None:
    seen: list[str] = []
    emitter.on("event", lambda: seen.append("one"))
    emitter.on("event", lambda: seen.append("two"))
    assert emitter.emit("event") is True
    assert seen == ["one", "two"]


def test_emit_tells_whether_the_event_has_listeners(emitter: Emitter) -> None:
    assert emitter.emit("event") is False


def test_on_works_as_a_decorator_and_returns_the_function(emitter: Emitter) -> None:
    @emitter.on("event")
    def listener(value: int) -> None:
        seen.append(value)

    seen: list[int] = []
    emitter.emit("event", 1)
    listener(2)
    assert seen == [1, 2]


def test_a_listener_may_take_fewer_arguments(emitter: Emitter) -> None:
    seen: list[Any] = []
    emitter.on("event", lambda: seen.append(()))
    emitter.on("event", lambda a: seen.append((a,)))
    emitter.on("event", lambda a, b=0: seen.append((a, b)))
    emitter.on("event", lambda *rest: seen.append(rest))
    emitter.on("event", seen.append)
    emitter.emit("event", 1, 2)
    assert seen == [(), (1,), (1, 2), (1, 2), 1]


def test_once_listens_once_even_when_the_event_nests(emitter: Emitter) -> None:
    seen: list[str] = []

    @emitter.once("event")
    def listener() -> None:
        seen.append("once")
        emitter.emit("event")

    emitter.emit("event")
    emitter.emit("event")
    assert seen == ["once"]
    assert emitter.listeners("event") == ()


def test_once_listens_once_even_when_a_listener_before_it_emits_the_event_again(
    emitter: Emitter,
) -> None:
    seen: list[str] = []

    @emitter.once("event")
    def again() -> None:
        emitter.emit("event")

    emitter.once("event", lambda: seen.append("once"))
    emitter.emit("event")
    assert seen == ["once"]


def test_off_removes_one_listener_one_event_or_all(emitter: Emitter) -> None:
    def one() -> None: ...
    def two() -> None: ...

    for event in ("a", "b", "c"):
        emitter.on(event, one)
        emitter.on(event, two)
    emitter.off("a", one)
    emitter.off("b")
    assert emitter.listeners("a") == (two,)
    assert emitter.listeners("b") == ()
    assert emitter.listeners("c") == (one, two)
    emitter.off()
    assert emitter.listeners("a") == emitter.listeners("c") == ()


def test_bound_methods_are_removed_by_equality(emitter: Emitter) -> None:
    seen: list[int] = []
    emitter.on("event", seen.append)
    emitter.off("event", seen.append)
    assert emitter.emit("event", 1) is False


def test_changes_do_not_disturb_an_emit_that_is_under_way(emitter: Emitter) -> None:
    seen: list[str] = []

    @emitter.on("event")
    def first() -> None:
        seen.append("first")
        emitter.off("event", second)
        emitter.on("event", lambda: seen.append("late"))

    def second() -> None:
        seen.append("second")

    emitter.on("event", second)
    emitter.emit("event")
    assert seen == ["first", "second"]


def test_a_listener_that_raises_is_logged_reported_and_no_obstacle(
    emitter: Emitter, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("a listener of 'event' raised")
    seen: list[Any] = []

    @emitter.on("event")
    def fails() -> None:
        raise KeyError("no")

    emitter.on("event", lambda: seen.append("next"))
    emitter.on("error", seen.append)
    emitter.emit("event")
    assert seen[1:] == ["next"]
    assert isinstance(seen[0], ListenerError)
    assert isinstance(seen[0].__cause__, KeyError)


def test_an_error_listener_that_raises_does_not_loop(
    emitter: Emitter, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("a listener of 'error' raised")

    @emitter.on("error")
    def fails(error: Exception) -> None:
        raise KeyError("no")

    emitter.emit("error", ValueError())


def test_nothing_but_exceptions_is_held_back(emitter: Emitter) -> None:
    @emitter.on("event")
    def interrupts() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        emitter.emit("event")


async def test_an_async_listener_goes_on_by_itself(emitter: Emitter) -> None:
    done = asyncio.Event()

    @emitter.on("event")
    async def listener(value: int) -> None:
        await asyncio.sleep(0)
        done.set()

    emitter.emit("event", 1)
    assert not done.is_set()
    async with asyncio.timeout(5):
        await done.wait()


async def test_an_async_listener_that_raises_is_logged_and_reported(
    emitter: Emitter, tracebacks: Tracebacks
) -> None:
    tracebacks.expect("a listener of 'event' raised")
    errors: list[Exception] = []
    emitter.on("error", errors.append)

    @emitter.on("event")
    async def fails() -> None:
        raise KeyError("no")

    emitter.emit("event")
    await eventually(lambda: errors)
    assert isinstance(errors[0], ListenerError)


def test_emits_makes_a_function_that_emits(emitter: Emitter) -> None:
    seen: list[Any] = []
    emitter.on("event", lambda *args: seen.append(args))
    emitter.emits("event")(1, 2)
    emitter.emits("event", lambda a, b: a + b)(1, 2)
    emitter.emits("event", lambda a, b: (b, a))(1, 2)
    assert seen == [(1, 2), (3,), (2, 1)]


def test_a_listener_has_to_be_callable(emitter: Emitter) -> None:
    with pytest.raises(TypeError, match="listener of 'event' must be callable, not 7"):
        emitter.on("event", 7)  # type: ignore[call-overload]


def test_reserved_names_are_those_of_the_table_the_private_ones_and_the_accidental_ones() -> None:
    class Named(Emitter):
        events = ReservedEvents(frozenset({"data"}))

    named = Named()
    for name in ("data", "incoming::data", "outgoing::anything", "toString", "__proto__"):
        assert named.reserved(name), name
    for name in ("mine", "DATA", "incoming", "", "Data"):
        assert not named.reserved(name), name


def test_tables_of_reserved_names_are_copied_not_shared() -> None:
    one = ReservedEvents(frozenset({"data"}))
    two = one.copy()
    two.names.add("mine")
    assert "mine" not in one
    assert 7 not in one


def test_arity_counts_positional_arguments() -> None:
    class Callable:
        def method(self, a: int) -> None: ...
        def __call__(self, a: int, b: int) -> None: ...

    assert arity(lambda: None) == 0
    assert arity(lambda a, b=1, /, c=2, *, d=3: None) == 3
    assert arity(lambda *args: None) == EVERYTHING
    assert arity(Callable().method) == 1
    assert arity(Callable()) == 2
    assert arity(partial(lambda a, b: None, 1)) == 1
    assert arity(dict.update) >= 1
    assert arity(min) == EVERYTHING


def test_the_arity_of_methods_does_not_count_their_object() -> None:
    class Some:
        def all(*args: Any) -> None: ...
        def self_by_default(self: Any = None) -> None: ...
        def most(self, a: int, b: int = 1, *, c: int = 2) -> None: ...
        @classmethod
        def of_class(cls, a: int, b: int = 1) -> None: ...
        @staticmethod
        def of_nothing(a: int) -> None: ...

    def wrapped(*args: Any) -> None: ...

    some = Some()
    assert bounds(some.all) == (0, EVERYTHING)
    assert bounds(some.self_by_default) == (0, 0)
    assert bounds(some.most) == (1, 2)
    assert bounds(some.of_class) == (1, 2)
    assert bounds(some.of_nothing) == (1, 1)
    assert bounds(wraps(Some.most)(wrapped)) == (2, 3)


def test_the_logger_is_that_of_the_class(
    emitter: Emitter, caplog: pytest.LogCaptureFixture
) -> None:
    emitter.on("event", lambda: 1 / 0)
    with caplog.at_level(logging.ERROR):
        emitter.emit("event")
    assert caplog.records[0].name == "primus"
    assert caplog.records[0].exc_info
