"""Which of the listeners of a request answers it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from primus.events import MOST_SEEN, Emitter, Listener, ReservedEvents
from primus.write_watch import WriteWatch
from primus_testing import ManualClock, Tracebacks


class Refusal(Exception):
    """An answer that is raised."""


class Reply:
    """Notes how a request is answered."""

    def __init__(self, *, sends: bool = True) -> None:
        self.story: list[Any] = []
        self.sends = sends

    def __call__(self, *args: Any) -> bool:
        """By a call."""
        self.story.append(("called", *args))
        return True

    def returned(self, value: Any) -> None:
        """By what is returned."""
        if not self.sends and value is not None:
            raise ValueError("it cannot be sent")
        self.story.append(value)

    def is_refusal(self, error: BaseException) -> bool:
        """Whether it is an answer."""
        return isinstance(error, Refusal)

    def fail(self, error: BaseException) -> None:
        """By what is raised."""
        self.story.append(type(error).__name__)

    def unheard(self) -> None:
        """By nothing."""
        self.story.append("unheard")


async def answered(*listeners: Callable[..., Any], reply: Reply | None = None) -> list[Any]:
    """How a request with one argument is answered."""
    emitter, reply = Emitter(), reply or Reply()
    for listener in listeners:
        emitter.on("asks", listener)
    delivered: Any = emitter.deliver_request("asks", 7, reply=reply)
    if delivered is not False:
        assert await delivered is False
    return reply.story


async def later(value: Any) -> Any:
    """Awaited."""
    await asyncio.sleep(0)
    return value


def raising(error: BaseException) -> Callable[[Any], Any]:
    def listener(value: Any) -> Any:
        raise error

    return listener


async def test_a_request_without_listeners_is_unheard() -> None:
    assert await answered() == ["unheard"]


async def test_the_first_value_that_is_returned_is_the_answer() -> None:
    assert await answered(lambda v: None, lambda v: v + 1, lambda v: v + 2) == [8]
    assert await answered(lambda v: None, lambda v: later(v + 1), lambda v: later(9)) == [8]
    assert await answered(lambda v: later(None), lambda v: v) == [7]
    assert await answered(lambda v: later(1), lambda v: later(None)) == [1]
    assert await answered(lambda v: 0) == [0]


async def test_none_is_the_answer_when_all_have_run_without_another() -> None:
    assert await answered(lambda v: None, lambda: None) == [None]
    assert await answered(lambda v: later(None)) == [None]


async def test_a_listener_with_an_argument_more_answers_by_calling_it() -> None:
    assert await answered(lambda v, reply: reply(v, "yes")) == [("called", 7, "yes")]
    assert await answered(lambda v, reply: None) == []  # it may do so later
    assert await answered(lambda v, reply: None, lambda v: 1) == [1]
    assert await answered(lambda v, *, more=None: v) == [7]


async def test_a_listener_that_may_have_the_reply_by_mistake_is_told_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert await answered(lambda v, more=None: v) == []
    assert "is no answer" in caplog.text
    caplog.clear()
    for silent in (
        lambda v, reply: 5,
        lambda v, reply=None: reply(v),
        lambda v, reply=None: None,
        lambda v: 5,
    ):
        await answered(silent)
        assert caplog.text == ""


async def test_what_is_raised_is_the_answer_unless_another_listener_has_one(
    tracebacks: Tracebacks,
) -> None:
    assert await answered(raising(ValueError("broken"))) == ["ValueError"]
    tracebacks.expect("broken")
    assert await answered(raising(ValueError("broken")), lambda v: 1) == [1]
    tracebacks.expect("broken")

    async def late(value: Any) -> Any:
        raise ValueError("late")

    assert await answered(late, lambda v: later(2)) == [2]
    tracebacks.expect("late")

    def takes(value: Any, reply: Any) -> None:
        raise ValueError("taken")

    assert await answered(takes) == ["ValueError"]
    tracebacks.expect("taken")


async def test_a_refusal_is_an_answer_and_no_failure() -> None:
    async def late(value: Any) -> Any:
        raise Refusal

    assert await answered(raising(Refusal())) == ["Refusal"]
    assert await answered(late) == ["Refusal"]


async def test_an_answer_that_cannot_be_sent_is_a_failure(tracebacks: Tracebacks) -> None:
    assert await answered(lambda v: 1, reply=Reply(sends=False)) == ["ValueError"]
    tracebacks.expect("cannot be sent")


async def test_a_request_whose_handling_is_cancelled_is_answered(tracebacks: Tracebacks) -> None:
    emitter, reply = Emitter(), Reply()
    emitter.on("asks", lambda v: asyncio.Event().wait())
    emitter.on("asks", lambda v: reply.story.append("never"))
    handling = asyncio.ensure_future(emitter.deliver_request("asks", 7, reply=reply))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    handling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await handling
    assert reply.story == ["CancelledError"]


async def test_a_listener_for_one_request_answers_one() -> None:
    emitter = Emitter()
    first, second = Reply(), Reply()

    def once(value: Any) -> int:
        if value == 7:
            emitter.deliver_request("asks", 8, reply=second)
        return int(value)

    emitter.once("asks", once)
    emitter.deliver_request("asks", 7, reply=first)
    assert (first.story, second.story) == ([7], ["unheard"])


# -- names


def test_a_name_is_looked_at_once_and_no_more_than_so_many_are() -> None:
    events = ReservedEvents(frozenset({"connection"}))
    instead = {"data": "Sparks emit it."}
    assert events.mistaken("connection", instead) == ""
    assert events.mistaken("conection", instead) == "Did you mean 'connection'?"
    assert events.mistaken("conection", instead) == ""
    assert events.mistaken("data", instead) == "Sparks emit it."
    for number in range(MOST_SEEN - 2):
        assert events.is_new(f"name {number}") is True
    assert events.is_new("one more") is False
    assert len(events._seen) == MOST_SEEN


def test_arguments_that_a_listener_needs_and_did_not_get_are_none() -> None:
    listener = Listener(lambda a, b, c=0: None, once=False)
    assert listener.filled(()) == (None, None)
    assert listener.filled((1,)) == (1, None)
    assert listener.filled((1, 2)) == (1, 2)
    assert listener.filled((1, 2, 3)) == (1, 2, 3)
    assert Listener(lambda a: None, once=False).is_plain is True
    assert Listener(lambda a: None, once=True).is_plain is False
    assert Listener(lambda a, b: None, once=False).is_plain is False
    assert Listener(lambda a, b=0: None, once=False, given=1).arity == 1


def test_once_listeners_that_are_taken_are_taken_once() -> None:
    emitter = Emitter()
    emitter.on("event", always := lambda: None)
    emitter.once("event", once := lambda: None)
    assert [each.fn for each in emitter._take("event")] == [always, once]
    assert [each.fn for each in emitter._take("event")] == [always]
    assert emitter._take("other") == ()


# -- wires that are watched no longer


def wire(unsent: int = 100) -> Any:
    made = SimpleNamespace(story=[])
    made.get_write_buffer_size = lambda: unsent
    made.get_extra_info = lambda name, default=None: default
    made.is_closing = lambda: False
    made.abort = lambda: made.story.append("aborted")
    return Hashable(made)


class Hashable:
    """A wire that can be a key."""

    def __init__(self, made: SimpleNamespace) -> None:
        vars(self).update(vars(made))


def test_no_wire_is_no_wire() -> None:
    watch = WriteWatch(ManualClock(), 30.0)
    watch.add(None)
    watch.keep(None)
    watch.discard(None)
    assert len(watch) == 0


def test_a_watch_that_has_stopped_drops_nothing_and_takes_nothing() -> None:
    clock = ManualClock()
    watch = WriteWatch(clock, 30.0)
    kept, added, late = wire(), wire(), wire()
    watch.keep(kept)
    watch.add(added)
    clock.advance(20)
    watch.stop()
    assert (len(watch), clock.pending) == (0, 0)
    watch.keep(late)
    watch.add(late)
    clock.advance(100)
    assert (len(watch), kept.story, added.story, late.story) == (0, [], [], [])


def test_a_wire_that_is_watched_again_gets_its_whole_time() -> None:
    clock = ManualClock()
    watch = WriteWatch(clock, 30.0)
    one = wire()
    watch.keep(one)
    clock.advance(30)
    watch.discard(one)
    watch.keep(one)
    clock.advance(30)
    assert one.story == []
    clock.advance(30)
    assert one.story == ["aborted"]


def test_a_listener_of_once_answers_one_of_two_requests_that_nest() -> None:
    emitter, seen = Emitter(), list[int]()

    def asks_again(number: int) -> None:
        if number == 1:
            emitter.deliver_request("asks", 2, reply=Reply())

    emitter.on("asks", asks_again)
    emitter.once("asks", seen.append)
    emitter.deliver_request("asks", 1, reply=Reply())
    assert seen == [2]
