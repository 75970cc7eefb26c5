"""Frames that wait until they are fetched."""

import asyncio

import pytest

from primus.limits import DEFAULT_LIMITS
from primus.polling import QueuedTransport
from primus_testing import NotingConnection

OVERHEAD = DEFAULT_LIMITS.frame_overhead


class Queued(QueuedTransport):
    """A transport that counts its news, and its connection."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = 0
        self.connection = self.noting = NotingConnection()

    def wake(self) -> None:
        self.heard += 1

    def send(self, frame: str | bytes) -> None:
        self.put(frame)

    def close(self, code: int | None = None, reason: str = "") -> None:
        """There is nothing to close."""

    def abort(self) -> None:
        """There is nothing to abort."""


def test_what_is_put_is_taken_in_order_and_once() -> None:
    queue = Queued()
    queue.put("one", b"two")
    queue.put("three")
    assert queue.heard == 2
    assert queue.queued == 3
    assert queue.take() == ["one", b"two", "three"]
    assert queue.take() == []
    assert queue.buffered == 0


def test_its_size_is_counted_in_bytes() -> None:
    queue = Queued()
    queue.put("abc", "€", b"\x00\x01")
    assert queue.buffered == 3 + 3 + 2 + 3 * OVERHEAD
    queue.put("\ud800")
    assert queue.buffered == 8 + 3 + 4 * OVERHEAD
    queue.forget()
    assert queue.buffered == queue.queued == 0


def test_of_the_answers_to_pings_only_the_newest_waits_and_goes_first() -> None:
    queue = Queued()
    queue.put("one")
    for number in range(1000):
        queue.answer(f"pong {number}")
    assert queue.queued == 2
    assert queue.buffered == len("onepong 999") + 2 * OVERHEAD
    assert queue.take(at_most=1) == ["pong 999"]
    queue.answer("last")
    queue.forget()
    assert queue.buffered == queue.queued == 0


def test_part_of_it_can_be_taken_but_always_one_frame() -> None:
    queue = Queued()
    queue.put("12345", "123", "12", "1")
    assert queue.take(at_most=4) == ["12345"]
    assert queue.take(at_most=5) == ["123", "12"]
    assert queue.take(at_most=5) == ["1"]


def test_more_than_the_limit_is_congestion_until_it_has_been_taken() -> None:
    queue = Queued()
    queue.limit(4 + OVERHEAD)
    queue.put("1234")
    assert queue.noting.story == []
    queue.put("5", "6")
    assert queue.noting.story == ["congested"]
    queue.take(at_most=5)
    assert queue.noting.story == ["congested", "relieved"]
    queue.put("1234")
    assert queue.noting.story == ["congested", "relieved", "congested"]


async def test_a_feed_waits_while_reading_is_paused() -> None:
    queue = Queued()
    await queue.readable()
    queue.pause_reading()
    queue.pause_reading()
    assert queue.paused
    waiting = asyncio.ensure_future(queue.readable())
    await asyncio.sleep(0)
    assert not waiting.done()
    queue.resume_reading()
    assert not queue.paused
    queue.pause_reading()
    await asyncio.sleep(0)
    assert not waiting.done(), "it was paused again before the waiter ran"
    queue.resume_reading()
    queue.resume_reading()
    async with asyncio.timeout(1):
        await waiting


def test_it_says_itself_how_it_is_woken() -> None:
    with pytest.raises(TypeError, match="abstract"):
        QueuedTransport()  # type: ignore[abstract]


def test_no_more_frames_are_taken_than_were_asked_for() -> None:
    queue = Queued()
    queue.put("a", "b", "c")
    assert queue.take(count=2) == ["a", "b"]
    assert queue.take(100, count=2) == ["c"]


@pytest.mark.parametrize(
    ("frame", "count"),
    [("x", DEFAULT_LIMITS.turn_messages), ("x" * 4096, DEFAULT_LIMITS.turn_bytes // 4096)],
)
async def test_others_get_their_turn_after_so_many_frames_or_bytes(frame: str, count: int) -> None:
    queue, turns = Queued(), list[int]()

    async def brings() -> None:
        for number in range(2 * count):
            await queue.its_turn(frame)
            taken.append(number)

    taken: list[int] = []
    bringing = asyncio.ensure_future(brings())
    while not bringing.done():
        await asyncio.sleep(0)
        turns.append(len(taken))
    assert turns[:2] == [count, 2 * count]


def test_what_is_kept_waits_no_longer_and_is_counted_apart() -> None:
    queue = Queued()
    queue.put("one", "two", "three")
    assert queue.take(count=2, keep=True) == ["one", "two"]
    assert (queue.queued, queue.buffered, queue.outstanding) == (1, 5 + OVERHEAD, 6)
    queue.confirm(1)
    assert queue.outstanding == 3
    queue.confirm(5)
    assert queue.outstanding == 0
    assert queue.take() == ["three"]


def test_what_is_kept_can_be_taken_again_in_the_same_order() -> None:
    queue = Queued()
    queue.put("one", "two", "three")
    queue.take(count=2, keep=True)
    queue.restore()
    assert (queue.buffered, queue.outstanding) == (11 + 3 * OVERHEAD, 0)
    assert queue.take(keep=True) == ["one", "two", "three"]
    queue.confirm(2)
    queue.restore()
    assert queue.take() == ["three"]
    assert queue.buffered == 0


def test_what_is_kept_is_forgotten_with_the_rest() -> None:
    queue = Queued()
    queue.put("one", "two")
    queue.take(count=1, keep=True)
    queue.forget()
    queue.restore()
    assert (queue.take(), queue.buffered, queue.outstanding) == ([], 0, 0)


def test_exactly_the_limit_is_no_congestion_and_relief_is_told_once() -> None:
    queue = Queued()
    queue.limit(2 * OVERHEAD + 2)
    queue.put("x", "x")
    assert queue.noting.story == []
    queue.put("x")
    queue.put("x")
    assert queue.noting.story == ["congested"]
    queue.take(count=1)
    assert queue.noting.story == ["congested"]
    queue.take(count=1)
    queue.take(count=1)

    assert queue.noting.story == ["congested", "relieved"]


def test_without_a_limit_nothing_is_congested() -> None:
    queue = Queued()
    queue.put("x" * 10_000_000)
    assert queue.noting.story == []


def test_an_answer_counts_for_what_is_taken_together() -> None:
    queue = Queued()
    queue.answer("pong")
    queue.put("xx", "yy")
    assert queue.queued == 3
    assert queue.take(at_most=6) == ["pong", "xx"]
    assert queue.take(at_most=1) == ["yy"]
    assert queue.buffered == 0


def test_what_is_forgotten_is_neither_taken_nor_counted() -> None:
    queue = Queued()
    queue.put("one", "two")
    queue.take(count=1, keep=True)
    queue.answer("pong")

    queue.forget()
    queue.restore()

    assert (queue.buffered, queue.outstanding, queue.queued) == (0, 0, 0)
    assert queue.take() == []


def test_no_more_is_confirmed_than_is_kept() -> None:
    queue = Queued()
    queue.put("one", "two")
    queue.take(keep=True)

    queue.confirm(5)

    assert queue.outstanding == 0
    queue.restore()
    assert queue.take() == []


async def test_a_pause_that_is_repeated_is_one_and_every_wait_ends_with_it() -> None:
    queue = Queued()
    queue.resume_reading()
    queue.pause_reading()
    waiting = [asyncio.ensure_future(queue.readable()) for _ in range(2)]
    await asyncio.sleep(0)
    queue.pause_reading()
    queue.resume_reading()
    await asyncio.gather(*waiting)
    assert not queue.paused

    queue.pause_reading()
    again = asyncio.ensure_future(queue.readable())
    await asyncio.sleep(0)
    queue.resume_reading()
    queue.pause_reading()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not again.done()  # it was paused again before it could go on
    queue.resume_reading()
    await again
