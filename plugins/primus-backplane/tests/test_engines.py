from typing import Any

import pytest

from primus import InvalidPluginError, OptionError, UnknownPluginError
from primus_backplane import Bus, MemoryBus, Node, Settings
from primus_backplane.engines import bus_of
from primus_backplane.limits import BusLimits
from primus_backplane.testing import BusContract, Ear, Opener, until
from primus_testing import ManualClock


class TestMemory(BusContract):
    def bus(self, url: Any) -> Bus:
        return MemoryBus()


class TestMemoryKeepsNoMoreThanItMay(BusContract):
    settings = Settings(limits=BusLimits(memory_bytes=400_000))

    def bus(self, url: Any) -> Bus:
        return MemoryBus()

    async def test_the_oldest_go_beyond_the_limit(self, opened: Opener) -> None:
        bus, ear = await opened("one")
        for _ in range(5):
            bus.post(0, b"x" * 100_000)
        await until(lambda: len(ear.taken) == 5)

        assert await bus.since(0, 0, 10) is None
        assert len(await bus.since(0, ear.taken[0][1], 10) or ()) == 4


async def test_memory_keeps_messages_for_the_window_only() -> None:
    clock, bus, ear = ManualClock(), MemoryBus(), Ear()
    await bus.open(Node("one", "1"), ear, Settings("window", window=10.0, clock=clock))
    bus.post(0, b"old")
    clock.advance(11.0)
    bus.post(0, b"new")
    await until(lambda: len(ear.taken) == 2)

    assert await bus.since(0, 0, 10) is None
    assert await bus.since(0, ear.taken[0][1], 10) == [(ear.taken[1][1], b"new")]
    await bus.close()


async def test_memory_keeps_no_parked_value_for_longer_or_more_than_it_may() -> None:
    clock, bus = ManualClock(), MemoryBus()
    settings = Settings("parking", clock=clock, limits=BusLimits(parked=2))
    await bus.open(Node("one", "1"), Ear(), settings)

    for key in ("a", "b", "c"):
        await bus.park(key, key.encode(), 10.0)

    assert await bus.unpark("a") is None
    assert await bus.unpark("b") == b"b"
    clock.advance(11.0)
    assert await bus.unpark("c") is None
    await bus.close()


async def test_memory_loses_the_oldest_for_a_loop_that_does_not_run() -> None:
    bus, ear = MemoryBus(), Ear()
    await bus.open(Node("one", "1"), ear, Settings("idle", limits=BusLimits(memory_entries=3)))
    await until(lambda: ear.known)

    for index in range(5):
        bus.post(0, b"%d" % index)

    await until(lambda: ear.taken)
    assert ear.envelopes == [b"2", b"3", b"4"]
    await bus.close()


def test_an_engine_is_found_by_the_scheme_of_its_url() -> None:
    assert isinstance(bus_of("memory:"), MemoryBus)


def test_an_engine_is_taken_as_it_is() -> None:
    bus = MemoryBus()

    assert bus_of(bus) is bus


def test_an_engine_that_is_not_installed_names_those_that_are() -> None:
    with pytest.raises(UnknownPluginError, match=r"unknown bus 'carrier'\. Installed: .*memory"):
        bus_of("carrier://pigeon")


@pytest.mark.parametrize("url", ["localhost", "localhost:6379", ":secret@localhost"])
def test_a_url_without_a_scheme_is_told_how_to_be_written(url: str) -> None:
    with pytest.raises(OptionError, match=f"has no scheme: write 'redis://{url}'"):
        bus_of(url)


def test_what_makes_no_bus_is_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("primus_backplane.engines.find", lambda kind, name: str)

    with pytest.raises(InvalidPluginError, match=r"must be a primus_backplane\.Bus"):
        bus_of("text:")
