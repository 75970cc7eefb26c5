"""What a client has posted, brought frame by frame to a session that may pause or end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest

from primus.errors import LimitError
from primus.limits import DEFAULT_LIMITS
from primus.polling import PostIntake
from primus_testing import make_request

READ_AHEAD = DEFAULT_LIMITS.read_ahead_bytes


class Taking:
    """A session that takes frames while its gate is open."""

    def __init__(self, most: int = 10) -> None:
        self.got: list[str] = []
        self.paused = self.is_over = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.cut = 0
        self.intake: PostIntake[str] = PostIntake(self, most)
        self.gone: list[Callable[[], None]] = []
        self.request = make_request(watch=self.gone.append)

    def takes(self, frame: str) -> bool:
        return self.gate.is_set()

    async def turn(self) -> None:
        await self.gate.wait()

    def received(self, frame: str) -> None:
        self.got.append(frame)
        if frame == "!":
            self.paused = True
            self.gate.clear()

    def over(self) -> None:
        self.is_over = True
        self.gate.set()

    def frames(self, *frames: str) -> Iterator[str]:
        """The frames of a post, cut off as far as they are asked for."""
        for frame in frames:
            self.cut += 1
            yield frame

    async def bring(self, *frames: str, size: int | None = None) -> None:
        size = sum(map(len, frames)) if size is None else size
        await self.intake.bring(self.frames(*frames), size, self.request)

    async def begin(self, *frames: str, size: int | None = None) -> asyncio.Task[None]:
        """Bring frames until the session pauses."""
        task = asyncio.ensure_future(self.bring(*frames, size=size))
        for _ in range(5):
            await asyncio.sleep(0)
        return task


async def test_as_many_frames_as_are_allowed_are_brought_and_one_more_is_refused() -> None:
    taking = Taking(most=3)
    await taking.bring("1", "2", "3")
    assert taking.got == ["1", "2", "3"]

    with pytest.raises(LimitError, match="more than 3 packets") as refused:
        await taking.bring("4", "5", "6", "7", "8")

    assert refused.value.option == 'transport["max_packets"]'
    assert taking.got[3:] == ["4", "5", "6"]
    assert taking.cut == 7


async def test_a_post_is_split_no_further_than_its_frames_are_taken() -> None:
    taking = Taking()
    task = await taking.begin("1", "!", "3", "4")
    assert (taking.got, taking.cut) == (["1", "!"], 3)
    assert not taking.gone[1:]

    taking.paused = False
    taking.gate.set()
    await task

    assert taking.got == ["1", "!", "3", "4"]
    assert list(taking.intake.rest()) == []


async def test_a_client_that_goes_while_its_post_waits_ends_the_session() -> None:
    taking = Taking()
    task = await taking.begin("!", "2", "3")
    (gone,) = taking.gone

    gone()
    await task

    assert taking.is_over
    assert taking.got == ["!"]
    assert list(taking.intake.rest()) == ["2", "3"]
    assert list(taking.intake.rest()) == []


async def test_a_client_that_waits_for_nothing_is_not_watched() -> None:
    taking = Taking()
    await taking.bring("1", "2")
    assert taking.gone == []


@pytest.mark.parametrize(("more", "left"), [(0, 2), (1, 0)])
async def test_the_rest_of_a_post_is_kept_when_it_is_as_little_as_may_wait(
    more: int, left: int
) -> None:
    taking = Taking()
    task = await taking.begin("!", "2", "3", size=1 + READ_AHEAD + more)

    taking.over()
    await task

    assert len(list(taking.intake.rest())) == left


async def test_what_a_session_refuses_is_not_left_over() -> None:
    taking = Taking()
    taking.received = lambda frame: 1 / 0  # type: ignore[assignment, method-assign]

    with pytest.raises(ZeroDivisionError):
        await taking.bring("1", "2")

    assert list(taking.intake.rest()) == []
