import asyncio

import pytest

from primus_chaos.waiting import Waiting
from primus_testing import ManualClock


async def test_a_delay_ends_in_its_time_and_is_forgotten() -> None:
    clock = ManualClock()
    waiting = Waiting(clock)
    verdict = waiting.delay("connection", 2.0, loses=True)

    clock.advance(2.0)

    assert await verdict is None
    assert len(waiting) == 0
    assert waiting._entries == {}, "the connection is kept"


@pytest.mark.parametrize(
    ("lost", "loses", "decided"),
    [(True, True, False), (True, False, None), (False, True, None), (False, False, None)],
)
async def test_a_message_is_lost_only_with_its_connection(
    lost: bool, loses: bool, decided: bool | None
) -> None:
    waiting = Waiting(ManualClock())
    verdict = waiting.delay("connection", 2.0, loses=loses)

    waiting.release("connection", lost=lost)

    assert await verdict is decided


async def test_one_connection_is_released_without_the_others() -> None:
    clock = ManualClock()
    waiting = Waiting(clock)
    called: list[str] = []
    waiting.call("one", 1.0, lambda: called.append("one"))
    waiting.call("two", 1.0, lambda: called.append("two"))

    waiting.release("one", lost=True)
    clock.advance(1.0)

    assert called == ["two"]
    assert clock.pending == len(waiting) == 0


async def test_a_delay_that_was_cancelled_can_still_be_released() -> None:
    waiting = Waiting(ManualClock())
    verdict = waiting.delay("connection", 2.0, loses=True)

    verdict.cancel()
    waiting.release_all()

    with pytest.raises(asyncio.CancelledError):
        await verdict
