from collections.abc import Collection, Sequence
from typing import Any

import pytest
import pytest_asyncio

from primus.registry import PLUGIN, find
from primus_rooms import Adapter, MemoryAdapter, RoomsError
from primus_rooms.redis import RedisAdapter
from primus_rooms.testing import AdapterContract
from primus_testing import PluginContract, Tracebacks


class TestRooms(PluginContract):
    plugin = "rooms"


def test_its_other_name_is_that_of_the_node_package() -> None:
    assert find(PLUGIN, "primus-rooms") is find(PLUGIN, "rooms")


class TestMemoryAdapter(AdapterContract):
    @pytest.fixture
    def adapter(self) -> Adapter:
        return MemoryAdapter()


class TestRedisAdapter(AdapterContract):
    @pytest_asyncio.fixture
    async def adapter(self, redis: Any) -> Adapter:
        return RedisAdapter(redis, forward=False)


class KeepsTheGone(MemoryAdapter):
    """Keeps members that have gone."""

    def remove_all(self, id: str) -> list[str]:
        return self.rooms(id)


class NamesTwice(MemoryAdapter):
    """Names each member twice."""

    def members(self, rooms: Sequence[str] | None) -> Collection[str]:
        return [*super().members(rooms)] * 2

    def clients(self, room: str) -> list[str]:
        return super().clients(room) * 2


class IsEmpty(MemoryAdapter):
    """Takes every room for empty."""

    def is_empty(self, room: str) -> bool:
        return True


class EmptiesAll(MemoryAdapter):
    """Empties all rooms when it should empty some."""

    def empty(self, rooms: Sequence[str]) -> None:
        for room in self.rooms():
            super().empty([room])


class LeavesAll(MemoryAdapter):
    """Leaves all rooms in place of one."""

    def remove(self, id: str, room: str, *, wildcard: bool = False) -> None:
        self.remove_all(id)


class TakesPatterns(MemoryAdapter):
    """Takes every name for a pattern."""

    def add(self, id: str, room: str, *, wildcard: bool = False) -> None:
        for each in [room, *(name for name in self.rooms() if room == "*")]:
            super().add(id, each)


@pytest.mark.parametrize(
    "wrong", [KeepsTheGone, NamesTwice, IsEmpty, EmptiesAll, LeavesAll, TakesPatterns]
)
async def test_an_adapter_that_is_wrong_fails(
    wrong: type[Adapter],
    make_primus: Any,
    tracebacks: Tracebacks,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("primus_rooms.testing.DEADLINE", 0.1)
    contract = AdapterContract()
    failed = []
    for name in [name for name in dir(contract) if name.startswith("test_")]:
        primus = make_primus(rooms={"adapter": wrong()})
        try:
            await getattr(contract, name)(primus)
        except (AssertionError, TimeoutError, RoomsError):
            failed.append(name)
        await primus.destroy()
    assert failed
