from collections.abc import AsyncIterator
from typing import Any

import pytest

from primus import OptionError, Primus
from primus_testing import ManualClock, MemoryTransformer, Recorder, Tracebacks, eventually


@pytest.fixture
async def primus(tracebacks: Tracebacks) -> AsyncIterator[Any]:
    """A server that is at peace, and answers with what it gets."""
    made = Primus(transformer=MemoryTransformer, plugin="chaos", timeout=False, ping_interval=False)
    made.on("connection", lambda spark: spark.on("data", spark.write))
    yield made
    await made.destroy()


async def opened(primus: Any, **options: Any) -> Any:
    socket = primus.Socket("http://memory", clock=ManualClock(), **options)
    return await socket.opened()


async def test_a_socket_delays_both_ways_by_its_own_clock(primus: Any) -> None:
    socket = await opened(primus, chaos_delay=1.5)
    events = Recorder(socket, "data")

    socket.write("hello")
    assert socket.chaos.waiting == 1
    socket.options.clock.advance(1.5)
    await eventually(lambda: socket.chaos.delayed == 2)
    assert events.story == []
    socket.options.clock.advance(1.5)

    assert await events.one("data") == "hello"
    socket.destroy()


async def test_a_socket_drops_by_its_own_dice(primus: Any) -> None:
    socket = await opened(primus, chaos_drop=0.5, chaos_seed=1)
    (spark,) = primus
    spark.off("data")  # an answer would throw the dice again
    events = Recorder(spark, "data")

    for number in range(8):
        socket.write(number)

    assert [await events.one("data") for _ in range(4)] == [1, 2, 6, 7]
    assert socket.chaos.dropped == 4
    assert primus.chaos.dropped == 0
    socket.destroy()


async def test_a_socket_that_is_cut_comes_back(primus: Any) -> None:
    socket = await opened(primus, chaos_cut=(5.0, 5.0), reconnect={"min": 1.0, "max": 1.0})
    events = Recorder(socket, "close", "reconnected", "end")

    socket.options.clock.advance(5.0)
    await events.next("close")
    socket.options.clock.advance(1.0)
    await events.next("reconnected")

    assert events.story == ["close", "reconnected"]
    assert socket.chaos.cuts == 1
    await eventually(lambda: socket.chaos.waiting == 1)  # for the next cut
    socket.destroy()


async def test_a_socket_that_is_not_open_cannot_be_cut(primus: Any) -> None:
    socket = primus.Socket("http://memory", manual=True)

    socket.cut()

    assert socket.chaos.cuts == 0
    socket.destroy()


async def test_what_was_written_before_a_cut_arrives_after_it(primus: Any) -> None:
    socket = await opened(primus, chaos_delay=60.0, reconnect={"min": 1.0, "max": 1.0})
    events = Recorder(socket, "reconnected", "data")

    socket.write("one")
    socket.write("two")
    socket.cut()
    socket.chaos.delay = 0
    socket.options.clock.advance(1.0)

    await events.next("reconnected")
    assert await events.one("data") == "one"
    assert await events.one("data") == "two"
    socket.destroy()


async def test_a_socket_that_ends_leaves_nothing_waiting(primus: Any) -> None:
    socket = await opened(primus, chaos_delay=60.0, chaos_cut=60.0)
    (spark,) = primus
    events = Recorder(spark, "data", "end")

    socket.write("last words")
    socket.end()

    assert socket.chaos.waiting == 0
    assert await events.one("data") == "last words"
    await events.next("end")
    assert socket.options.clock.pending == 0
    socket.destroy()


async def test_a_socket_at_peace_is_not_warned_about(
    primus: Any, caplog: pytest.LogCaptureFixture
) -> None:
    calm = await opened(primus)
    assert "on purpose" not in "".join(
        record.message for record in caplog.records if record.name == "primus.client"
    )

    wild = await opened(primus, chaos_drop=1.0)

    (record,) = [one for one in caplog.records if one.name == "primus.client"]
    assert record.levelname == "WARNING"
    assert "on purpose" in record.message
    calm.destroy()
    wild.destroy()


async def test_only_a_server_can_refuse(primus: Any) -> None:
    with pytest.raises(OptionError, match="only a server can refuse"):
        primus.Socket("http://memory", chaos_refuse=0.5)


async def test_the_options_of_a_socket_are_checked(primus: Any) -> None:
    with pytest.raises(OptionError, match=r"chaos_delay=-1"):
        primus.Socket("http://memory", chaos_delay=-1)
