"""The tests that every adapter of rooms has to pass, for authors of adapters.

    class TestShelf(AdapterContract):
        @pytest.fixture
        def adapter(self):
            return ShelfAdapter()

They need ``primus-testing``, pytest and pytest-asyncio, in ``asyncio_mode = "auto"``: the extra
``contract``.
"""

# ruff: noqa: D102 - the names of the tests are sentences

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, TypeVar

import pytest
import pytest_asyncio

from primus import Primus
from primus.callables import is_awaitable
from primus_rooms.adapter import Adapter, Maybe
from primus_testing import (
    ManualClock,
    MemoryTransformer,
    MemoryTransport,
    Tracebacks,
    join,
)

__all__ = ["AdapterContract"]

Result = TypeVar("Result")

DEADLINE: Final = 5.0
"""Seconds for what an adapter does later."""

NAMES: Final = ("news", "a room", "a:b", "é\U0001f600", "*", "a*", "0", "__proto__", "x" * 200)
"""Names of rooms, each of one room, whatever is in them."""


def connected(primus: Any) -> tuple[Any, MemoryTransport]:
    """A spark, whatever plugins have added to it, and its wire."""
    return join(primus)


async def got(answer: Maybe[Result]) -> Result:
    """An answer, at once or later."""
    if is_awaitable(answer):
        pending: Awaitable[Result] = answer  # type: ignore[assignment]
        return await pending
    return answer  # type: ignore[return-value]


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until a condition holds.

    Raises:
        TimeoutError: it does not.
    """
    async with asyncio.timeout(DEADLINE):
        while not await condition():
            await asyncio.sleep(0)


class AdapterContract:
    """What an adapter does for a server with the plugin ``rooms``.

    A subclass has the fixture ``adapter``: a new adapter, without members of any room.
    """

    @pytest.fixture
    def adapter(self) -> Adapter:
        """The adapter under test; subclasses replace this."""
        raise NotImplementedError

    @pytest_asyncio.fixture
    async def primus(self, adapter: Adapter, tracebacks: Tracebacks) -> AsyncIterator[Any]:
        """A server that uses the adapter."""
        rooms: Any = {"rooms": {"adapter": adapter}}
        made = Primus(
            transformer=MemoryTransformer,
            clock=ManualClock(),
            timeout=False,
            ping_interval=False,
            plugin="rooms",
            **rooms,
        )
        yield made
        await made.destroy()

    # -- members

    async def test_a_spark_is_in_the_rooms_that_it_has_joined(self, primus: Any) -> None:
        one, _ = connected(primus)
        two, _ = connected(primus)
        await got(one.join(["news", "sport", "news"]))
        await got(one.join("news"))
        await got(two.join("sport"))

        assert sorted(await got(one.rooms())) == ["news", "sport"]
        assert await got(two.rooms()) == ["sport"]
        assert await got(primus.clients("news")) == [one.id]
        assert sorted(await got(primus.clients("sport"))) == sorted([one.id, two.id])
        assert sorted(await got(primus.rooms())) == ["news", "sport"]

    async def test_to_leave_a_room_is_to_leave_no_other(self, primus: Any) -> None:
        one, _ = connected(primus)
        two, _ = connected(primus)
        await got(one.join(["news", "sport"]))
        await got(two.join(["news", "sport"]))

        await got(one.leave("news"))
        await got(one.leave("nowhere"))

        assert await got(one.rooms()) == ["sport"]
        assert await got(primus.clients("news")) == [two.id]
        await got(two.leave_all())
        assert await got(two.rooms()) == []
        assert await got(primus.clients("sport")) == [one.id]

    async def test_a_room_without_members_is_empty(self, primus: Any) -> None:
        spark, _ = connected(primus)
        assert await got(primus.is_room_empty("news")) is True
        await got(spark.join("news"))
        assert await got(primus.is_room_empty("news")) is False
        assert await got(primus.is_room_empty("new")) is True
        await got(spark.leave("news"))
        assert await got(primus.is_room_empty("news")) is True
        assert await got(primus.clients("news")) == []
        assert await got(primus.rooms()) == []

    async def test_a_spark_that_has_gone_is_in_no_room(self, primus: Any) -> None:
        one, wire = connected(primus)
        two, _ = connected(primus)
        await got(one.join(["news", "sport"]))
        await got(two.join("news"))

        wire.lose()

        async def has_left() -> bool:
            members: list[str] = await got(primus.clients("news"))
            return members == [two.id]

        await until(has_left)
        assert await got(primus.is_room_empty("sport")) is True
        assert await got(primus.rooms()) == ["news"]

    async def test_rooms_are_emptied_and_others_are_not(self, primus: Any) -> None:
        one, _ = connected(primus)
        two, _ = connected(primus)
        await got(one.join(["news", "sport", "weather"]))
        await got(two.join(["news", "weather"]))

        await got(primus.empty(["news", "sport", "nowhere"]))

        assert await got(one.rooms()) == ["weather"]
        assert await got(primus.is_room_empty("news")) is True
        assert await got(primus.rooms()) == ["weather"]
        assert len(await got(primus.clients("weather"))) == 2
        await got(primus.empty())
        assert await got(primus.rooms()) == []
        assert await got(two.rooms()) == []

    async def test_a_name_is_that_of_one_room_whatever_is_in_it(self, primus: Any) -> None:
        sparks = {name: connected(primus)[0] for name in NAMES}
        for name, spark in sparks.items():
            await got(spark.join([name]))
        for name, spark in sparks.items():
            assert await got(primus.clients([name])) == [spark.id]
            assert await got(spark.rooms()) == [name]
        assert sorted(await got(primus.rooms())) == sorted(NAMES)

    async def test_what_is_not_awaited_happens_in_its_order(self, primus: Any) -> None:
        spark, _ = connected(primus)
        for _ in range(5):
            spark.join("news")
            spark.leave("news")
            spark.join(["news", "sport"])
            last = spark.leave("sport")
        await got(last)
        assert await got(spark.rooms()) == ["news"]
        assert await got(primus.clients("news")) == [spark.id]
        assert await got(primus.is_room_empty("sport")) is True

    # -- messages

    async def test_a_message_to_rooms_reaches_each_member_once(self, primus: Any) -> None:
        (one, first), (two, second), (_, third) = (connected(primus) for _ in range(3))
        await got(one.join(["news", "sport"]))
        await got(two.join("sport"))

        assert await got(primus.room(["news", "sport", "nowhere"]).write("both")) == 2
        assert await got(primus.room("news").write("news")) == 1
        assert await got(primus.room("sport").except_(one.id).write("the others")) == 1
        assert await got(primus.room("nowhere").write("lost")) == 0

        assert first.sent == ['"both"', '"news"']
        assert second.sent == ['"both"', '"the others"']
        assert third.sent == []

    async def test_a_spark_that_has_left_gets_no_message(self, primus: Any) -> None:
        one, wire = connected(primus)
        await got(one.join(["news", "sport"]))
        await got(one.leave("news"))
        await got(primus.room("news").write("late"))
        await got(primus.empty("sport"))
        await got(primus.room("sport").write("late"))
        assert wire.sent == []
