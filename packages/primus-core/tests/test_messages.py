import asyncio

import pytest

from primus.connection.messages import Messages


async def test_a_message_that_is_awaited_needs_no_waiting() -> None:
    messages = Messages()
    taking = asyncio.ensure_future(messages.next())
    await asyncio.sleep(0)
    assert messages.put("one") is None
    assert await taking == "one"


async def test_the_producer_waits_until_its_message_was_taken() -> None:
    messages = Messages()
    taken = messages.put("one")
    assert taken is not None
    assert not taken.done()
    assert await messages.next() == "one"
    assert taken.done()


async def test_what_is_queued_can_be_taken_after_the_end() -> None:
    messages = Messages()
    messages.put("one")
    messages.finish()
    assert await messages.next() == "one"
    with pytest.raises(StopAsyncIteration):
        await messages.next()


async def test_the_end_wakes_both_sides() -> None:
    waiting, full = Messages(), Messages()
    taking = asyncio.ensure_future(waiting.next())
    taken = full.put("one")
    await asyncio.sleep(0)
    waiting.finish()
    full.finish()
    with pytest.raises(StopAsyncIteration):
        await taking
    assert taken is not None
    assert taken.done()
    assert full.put("late") is None


async def test_two_may_take_from_one_queue() -> None:
    messages = Messages()
    taking = [asyncio.ensure_future(messages.next()) for _ in range(2)]
    await asyncio.sleep(0)
    messages.put("one")
    messages.put("two")
    async with asyncio.timeout(1):
        assert sorted(await asyncio.gather(*taking)) == ["one", "two"]


async def test_one_reader_of_two_that_is_cancelled_leaves_the_other_waiting() -> None:
    messages = Messages()
    leaving, staying = [asyncio.ensure_future(messages.next()) for _ in range(2)]
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    messages.put("one")
    async with asyncio.timeout(1):
        assert await staying == "one"
