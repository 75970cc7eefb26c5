import asyncio

import pytest

from primus.events import Emitter
from primus_testing import Recorder, eventually


async def test_events_are_kept_until_they_are_asked_for() -> None:
    emitter = Emitter()
    seen = Recorder(emitter, "one", "two")
    emitter.emit("one", 1)
    emitter.emit("two")
    emitter.emit("one", 2, "more")
    assert await seen.next("one") == (1,)
    assert await seen.next("one") == (2, "more")
    assert seen.story == ["one", "two", "one"]
    assert seen.seen("one") == [(1,), (2, "more")]


async def test_an_event_is_awaited() -> None:
    emitter = Emitter()
    seen = Recorder(emitter, "one")
    asyncio.get_running_loop().call_soon(emitter.emit, "one", "value")
    assert await seen.one("one") == "value"


async def test_an_event_that_does_not_come_fails_with_the_story() -> None:
    emitter = Emitter()
    seen = Recorder(emitter, "one", "two", deadline=0.01)
    emitter.emit("two")
    with pytest.raises(AssertionError, match=r"no 'one' within 0\.01 s, only \['two'\]"):
        await seen.next("one")


async def test_eventually_gives_up_at_its_deadline() -> None:
    await eventually(lambda: True)
    with pytest.raises(AssertionError, match=r"did not hold within 0\.01 s"):
        await eventually(lambda: False, deadline=0.01)
