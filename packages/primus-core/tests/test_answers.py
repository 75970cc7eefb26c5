"""`Answers` and `Reply`, on a spark in memory: what every plugin that asks stands on."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from primus import OptionError, Primus, PrimusError, TransportError
from primus.answers import CONFIGURED, Answers, Reply, Words
from primus_testing import ManualClock, Recorder, eventually, join


class Late(PrimusError, TimeoutError):
    """Too late."""


class Lost(TransportError):
    """Lost."""


class Failed(PrimusError):
    """The other side has no answer."""


class Asked:
    """A spark that asks: its requests are ``[id, question]``."""

    def __init__(self, primus: Primus) -> None:
        self.spark, self.wire = join(primus)
        self.answers: Answers[int] = Answers(
            self.spark, count(1), Words(Late, Lost, "answered", Failed), 30.0
        )

    def send(self, id: int) -> bool:
        return self.spark.write([id, "name?"])

    def ask(self, callback: Any, timeout: Any = CONFIGURED) -> bool:
        return self.answers.ask("'name?'", self.send, callback, timeout)

    async def question(self, timeout: Any = CONFIGURED) -> asyncio.Task[Any]:
        """A task that awaits an answer, once its request is on its way."""
        before = len(self.wire.sent)
        task = asyncio.create_task(self.answers.answer("'name?'", self.send, timeout))
        await eventually(lambda: len(self.wire.sent) > before or task.done())
        return task


@pytest.fixture
def asked(primus: Primus) -> Asked:
    return Asked(primus)


async def test_an_answer_reaches_the_caller_that_asked_for_it(asked: Asked) -> None:
    one, two = await asked.question(), await asked.question()

    asked.answers.arrived(2, "second")
    asked.answers.arrived(1, "first")

    assert await asyncio.gather(one, two) == ["first", "second"]
    assert asked.wire.sent == ['[1,"name?"]', '[2,"name?"]']
    assert len(asked.answers) == 0


def test_a_callback_gets_its_answer_once(asked: Asked) -> None:
    seen: list[Any] = []
    assert asked.ask(lambda *args: seen.append(args)) is True

    for _ in range(2):
        asked.answers.arrived(1, ["me", None])

    assert seen == [("me", None)]


@pytest.mark.parametrize("id", [7, 1.5, "1", None, True, (), float("nan")])
def test_an_answer_that_is_not_awaited_is_ignored(asked: Asked, id: Any) -> None:
    asked.ask(print)
    asked.ask(print)
    asked.answers.forget(1)

    assert asked.answers.arrived(id, ["x"]) is False

    assert len(asked.answers) == 1


def test_what_cannot_be_sent_is_not_awaited(asked: Asked, manual_clock: ManualClock) -> None:
    asked.spark.end()
    before = manual_clock.pending

    assert asked.ask(print) is False

    assert len(asked.answers) == 0
    assert manual_clock.pending == before


async def test_a_request_that_raises_is_not_awaited(asked: Asked) -> None:
    def send(id: int) -> bool:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await asked.answers.answer("'name?'", send, 30)

    assert len(asked.answers) == 0


@pytest.mark.parametrize("timeout", [0, -1, True, "soon"])
async def test_a_timeout_that_cannot_work_is_refused(asked: Asked, timeout: Any) -> None:
    with pytest.raises(OptionError, match="timeout="):
        asked.ask(print, timeout)

    assert asked.wire.sent == []


async def test_an_answer_that_is_late_fails_the_caller(
    asked: Asked, manual_clock: ManualClock
) -> None:
    question = await asked.question(timeout=5)

    manual_clock.advance(5)

    with pytest.raises(Late, match=r"'name\?' was not answered within 5.0 s"):
        await question
    asked.answers.arrived(1, "too late")


@pytest.mark.parametrize("answer", ["arrived", "refused"])
async def test_one_that_is_late_asks_for_the_plugin_until_anything_was_answered(
    asked: Asked, manual_clock: ManualClock, answer: str
) -> None:
    question, other = await asked.question(timeout=5), await asked.question(timeout=9)
    manual_clock.advance(5)
    with pytest.raises(Late, match=r"does the other side use the plugin, and listen\?$"):
        await question

    again = await asked.question(timeout=1)
    getattr(asked.answers, answer)(2, "an answer")
    await asyncio.wait([other])
    assert other.exception() is None or isinstance(other.exception(), Failed)
    manual_clock.advance(1)
    with pytest.raises(Late, match=r"was not answered within 1.0 s$"):
        await again


@pytest.mark.parametrize("end", ["lost", "ended", "cut"])
async def test_the_end_of_the_connection_fails_the_caller(asked: Asked, end: str) -> None:
    question = await asked.question()

    getattr(asked.answers, end)()

    with pytest.raises(Lost, match=r"the connection went before 'name\?' was answered"):
        await question


async def test_after_the_wire_is_cut_nothing_is_asked_over_it(asked: Asked) -> None:
    asked.answers.cut()

    with pytest.raises(Lost, match="was not sent: the connection is gone"):
        await asked.answers.answer("'name?'", asked.send, 30)
    assert asked.ask(print) is False
    assert asked.wire.sent == []

    asked.answers.opened()
    assert asked.ask(print) is True


async def test_an_answer_may_be_told_as_an_error(asked: Asked) -> None:
    question = await asked.question()

    asked.answers.refused(1, "no such name")

    with pytest.raises(Failed, match="no such name"):
        await question


async def test_a_caller_that_is_cancelled_leaves_nothing(
    asked: Asked, manual_clock: ManualClock
) -> None:
    before = manual_clock.pending
    question = await asked.question()
    assert manual_clock.pending == before + 1

    question.cancel()

    await asyncio.wait([question])
    assert len(asked.answers) == 0
    assert manual_clock.pending == before


@pytest.mark.parametrize("timeout", [None, CONFIGURED])
async def test_what_is_awaited_is_bounded_with_and_without_a_timeout(
    asked: Asked, timeout: Any
) -> None:
    asked.spark.limits = replace(asked.spark.limits, pending_answers=2)
    first = await asked.question(timeout)
    assert asked.ask(print, timeout) is True

    assert asked.ask(print, timeout) is False
    with pytest.raises(Lost, match="was not sent: 2 answers are awaited already"):
        await asked.answers.answer("'name?'", asked.send, timeout)
    assert len(asked.wire.sent) == len(asked.answers) == 2

    asked.answers.arrived(1, "me")
    assert await first == "me"
    assert asked.ask(print, timeout) is True


# -- replies


class Answer(Reply):
    """What the replies of a plugin look like on the wire."""

    @staticmethod
    def packet(id: int, args: Sequence[Any]) -> Any:
        return {"id": id, "answer": args}

    @staticmethod
    def failure(id: int, why: str) -> Any:
        return {"id": id, "error": why}


def test_a_reply_is_sent_once(asked: Asked) -> None:
    reply = Answer(asked.answers, 7, False)

    assert [reply("me", 1), reply("again")] == [True, False]

    assert asked.wire.sent == ['{"id":7,"answer":["me",1]}']


def test_a_reply_goes_over_the_wire_of_its_request_only(asked: Asked) -> None:
    reply = Answer(asked.answers, 7, False)
    asked.answers.opened()

    assert reply("me") is False
    asked.spark.end()
    assert Answer(asked.answers, 8, False)("me") is False
    assert not any("answer" in frame for frame in asked.wire.sent)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (KeyError("the database is at 10.0.0.7"), "the listener failed"),
        (Failed("no such name"), "no such name"),
        (None, "no listener"),
    ],
)
def test_a_failure_shows_no_internals(asked: Asked, error: Exception | None, why: str) -> None:
    reply = Answer(asked.answers, 7, True)

    if error is None:
        reply.unheard()
    else:
        reply.fail(error)

    assert reply() is False
    assert asked.wire.sent == [f'{{"id":7,"error":"{why}"}}']


def test_a_caller_that_understands_no_failure_is_sent_none(asked: Asked) -> None:
    reply = Answer(asked.answers, 7, False)

    reply.unheard()
    reply.fail(Failed("no such name"))

    assert asked.wire.sent == []
    assert reply() is True


class Replied:
    """Notes what becomes of a request."""

    def __init__(self) -> None:
        self.story: list[Any] = []

    def __call__(self, *args: Any) -> None:
        self.story.append(args)

    def returned(self, value: Any) -> None:
        self(value)

    def is_refusal(self, error: BaseException) -> bool:
        return isinstance(error, LookupError) and not isinstance(error, KeyError)

    def fail(self, error: BaseException) -> None:
        self.story.append(type(error).__name__)

    def unheard(self) -> None:
        self.story.append("unheard")


async def returns_later(value: Any) -> Any:
    await asyncio.sleep(0)
    return value


async def raises_later(value: Any) -> Any:
    await asyncio.sleep(0)
    raise KeyError(value)


def raises(value: Any) -> Any:
    raise KeyError(value)


def nothing() -> None:
    pass


@pytest.mark.parametrize(
    ("listeners", "story"),
    [
        ([], ["unheard"]),
        ([lambda value: value * 2], [(42,)]),
        ([lambda: 0], [(0,)]),
        ([nothing], [(None,)]),
        ([nothing, lambda value: value], [(21,)]),
        ([lambda value: value, lambda value: "second"], [(21,)]),
        ([lambda value, reply: reply("a", "b")], [("a", "b")]),
        ([lambda value, reply: "returned"], []),
        ([nothing, lambda value, reply: None], []),
        ([lambda value: "first", lambda value, reply: None], [("first",)]),
        ([lambda *args: args[-1]("any")], [("any",)]),
        ([returns_later], [(21,)]),
        ([returns_later, nothing], [(21,)]),
        ([nothing, returns_later], [(21,)]),
        ([raises], ["KeyError"]),
        ([raises_later], ["KeyError"]),
        ([raises, lambda value: value], [(21,)]),
        ([raises_later, raises], ["KeyError"]),
        ([lambda value, reply: reply(), nothing], [()]),
        ([nothing, lambda value, reply: raises(value)], ["KeyError"]),
    ],
)
async def test_a_request_is_answered_by_its_listeners(
    asked: Asked, tracebacks: Any, listeners: list[Any], story: list[Any]
) -> None:
    if "KeyError" in story or raises in listeners:
        tracebacks.expect("raised")
    for listener in listeners:
        asked.spark.on("double", listener)
    replied = Replied()

    delivered = asked.spark.deliver_request("double", 21, reply=replied)
    if delivered is not False:
        await delivered

    assert replied.story == story


@pytest.mark.parametrize(
    ("listener", "is_warned"),
    [
        (lambda number, bound="mine": bound, True),
        (lambda *args: "mine", True),
        (lambda number, reply: "a timer", False),
        (lambda number, reply=None: reply(), False),
        (lambda number, *, bound="mine": bound, False),
    ],
)
def test_an_answer_that_is_ignored_is_a_warning_once(
    asked: Asked, caplog: pytest.LogCaptureFixture, listener: Any, is_warned: bool
) -> None:
    asked.spark.on("double", listener)

    for _ in range(2):
        asked.spark.deliver_request("double", 21, reply=Replied())

    warned = [each for each in caplog.records if "is no answer" in each.getMessage()]
    assert len(warned) == is_warned


async def refuses_later() -> None:
    await asyncio.sleep(0)
    raise IndexError


def refuses() -> None:
    raise IndexError


@pytest.mark.parametrize("listener", [refuses, refuses_later])
async def test_what_a_listener_raises_as_an_answer_is_no_failure_to_report(
    asked: Asked, listener: Any
) -> None:
    errors = Recorder(asked.spark, "error")
    asked.spark.on("double", listener)
    replied = Replied()

    delivered = asked.spark.deliver_request("double", 21, reply=replied)
    if delivered is not False:
        await delivered

    assert (replied.story, errors.story) == (["IndexError"], [])


class Unsendable(Replied):
    def __call__(self, *args: Any) -> None:
        raise ValueError(args)


async def test_an_answer_that_cannot_be_sent_is_a_failure(asked: Asked, tracebacks: Any) -> None:
    tracebacks.expect("a listener of 'double' raised")
    for listener in (lambda: 42, returns_later):
        asked.spark.off("double")
        asked.spark.on("double", listener)
        replied = Unsendable()

        delivered = asked.spark.deliver_request("double", 21, reply=replied)
        if delivered is not False:
            await delivered

        assert replied.story == ["ValueError"]


async def test_a_listener_that_is_cancelled_gives_no_answer(asked: Asked) -> None:
    asked.spark.on("double", asyncio.Event().wait)
    replied = Replied()
    delivered = asked.spark.deliver_request("double", 21, reply=replied)
    assert delivered is not False
    waiting = asyncio.ensure_future(delivered)
    await asyncio.sleep(0)

    waiting.cancel()

    await asyncio.wait([waiting])
    assert replied.story == ["CancelledError"]


def test_a_listener_for_once_is_asked_once(asked: Asked) -> None:
    asked.spark.once("double", lambda value: value * 2)
    replied = Replied()

    for _ in range(2):
        asked.spark.deliver_request("double", 21, reply=replied)

    assert replied.story == [(42,), "unheard"]


def test_a_connection_that_has_ended_asks_no_listener(asked: Asked) -> None:
    seen = Recorder(asked.spark, "double")
    replied = Replied()
    asked.spark.end()

    asked.spark.deliver_request("double", 21, reply=replied)

    assert (seen.story, replied.story) == ([], [])


# -- reading ahead while an answer is awaited


class Busy(Asked):
    """A spark whose listener asks for each message, and awaits the answer."""

    def __init__(self, primus: Primus, **limits: int) -> None:
        super().__init__(primus)
        self.spark.limits = replace(self.spark.limits, **limits)
        self.got: list[Any] = []

        @self.spark.on("data")
        async def data(message: Any) -> None:
            self.got.append(await self.answers.answer("'name?'", self.send))


async def test_more_is_read_ahead_while_an_answer_is_awaited_which_may_be_behind_it(
    primus: Primus,
) -> None:
    busy = Busy(primus, asking_messages=100)
    busy.wire.receive("0")
    await eventually(lambda: busy.wire.sent)

    for number in range(1, 100):
        busy.wire.receive(str(number))
        assert not busy.wire.paused

    busy.wire.receive("100")
    assert busy.wire.paused


async def test_a_wire_that_was_paused_before_the_question_is_read_on(primus: Primus) -> None:
    busy = Busy(primus, asking_messages=100)
    gate = asyncio.Event()
    busy.spark.hold(gate.wait())
    for number in range(50):
        busy.wire.receive(str(number))
    assert busy.wire.paused

    gate.set()

    await eventually(lambda: busy.wire.sent)
    assert not busy.wire.paused


async def test_a_wire_is_paused_again_once_no_answer_is_awaited(primus: Primus) -> None:
    busy = Busy(primus, read_ahead_messages=5)
    gate = asyncio.Event()
    question = await busy.question()
    busy.spark.hold(gate.wait())
    for number in range(50):
        busy.wire.receive(str(number))
    assert not busy.wire.paused

    busy.answers.arrived(1, "me")

    assert await question == "me"
    assert busy.wire.paused
    gate.set()


async def test_questions_that_fail_are_awaited_no_longer(
    primus: Primus, manual_clock: ManualClock
) -> None:
    busy = Busy(primus)
    late = await busy.question(5.0)
    cancelled = await busy.question()
    refused = await busy.question()
    assert busy.spark.awaits_answers

    manual_clock.advance(5.0)
    cancelled.cancel()
    busy.answers.refused(3, "no")

    outcomes = await asyncio.gather(late, cancelled, refused, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Late, asyncio.CancelledError, Failed]
    assert not busy.spark.awaits_answers
