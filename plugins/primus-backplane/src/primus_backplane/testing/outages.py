"""`OutageContract`: what servers lose, repeat and tell when their broker fails.

class TestOutages(OutageContract):
    @pytest.fixture
    def broker(self, tmp_path): ...  # a `Broker` that is started, and killed afterwards

    def bus(self, url): return PigeonBus(url)
"""

# ruff: noqa: D102 - the names of the tests are sentences

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any, Final, Protocol

import pytest
import pytest_asyncio

from primus import Primus
from primus_backplane.bus import Bus, Listener, Node, Settings
from primus_backplane.errors import BusError
from primus_backplane.limits import BusLimits
from primus_testing import MemoryTransformer, Recorder, Tracebacks, eventually, join

__all__ = [
    "FAST",
    "SHORT",
    "Broker",
    "Make",
    "OutageContract",
    "numbers",
    "warnings_in",
    "with_limits",
    "write_numbers",
]

FAST: Final = BusLimits(answer_timeout=10.0, retry=0.02, retry_most=0.1)
"""What is cut is made again soon."""
SHORT: Final = replace(FAST, answer_timeout=0.5)
"""A broker that does not answer is away soon."""

Make = Callable[..., Awaitable[Any]]
"""Makes a server of a name whose bus is that of the test; ``limits``, ``waits`` and options."""


class Broker(Protocol):
    """A broker of a test's own."""

    @property
    def url(self) -> str:
        """Where it listens, before and after it was started again."""

    def start(self) -> None:
        """Start it; it has nothing of what it kept before."""

    def freeze(self) -> None:
        """Stop its answers; its connections stay."""

    def thaw(self) -> None:
        """Let it answer again."""

    def kill(self) -> None:
        """End it without a word to its clients."""


def with_limits(bus: Bus, limits: BusLimits) -> Bus:
    """An engine, which opens with these limits whatever its settings say."""
    opening = bus.open

    async def limited(node: Node, listener: Listener | None, settings: Settings) -> None:
        await opening(node, listener, replace(settings, limits=limits))

    bus.open = limited  # type: ignore[method-assign]
    return bus


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The warnings and errors that were logged so far."""
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def numbers(wire: Any) -> list[int]:
    """The numbers that the peer of a memory wire was sent."""
    return [int(frame) for frame in wire.sent]


async def write_numbers(primus: Any, start: int, count: int) -> None:
    """Write numbers to all servers, some in each of several turns of the loop."""
    for number in range(start, start + count):
        primus.write(number, everywhere=True)
        if number % 7 == 0:
            await asyncio.sleep(0.001)


class OutageContract:
    """What every engine does whose broker fails; inherit it, and say how both are made."""

    @pytest.fixture
    def broker(self) -> Broker:
        """A broker of the test's own that listens; override it, and end it after the test."""
        raise NotImplementedError

    def bus(self, url: str) -> Bus:
        """A new engine, which finds the broker by its URL."""
        raise NotImplementedError

    @pytest_asyncio.fixture
    async def make(self, broker: Broker, tracebacks: Tracebacks) -> AsyncIterator[Make]:
        """Makes servers that share the broker, and waits until they know it."""
        made: list[Any] = []

        async def make(
            node: str, *, waits: bool = True, limits: BusLimits = FAST, **options: Any
        ) -> Any:
            settings = {
                "transformer": MemoryTransformer,
                "timeout": False,
                "ping_interval": False,
                "backplane_lease": 0.9,
                "backplane": with_limits(self.bus(broker.url), limits),
                **options,
            }
            made.append(Primus(plugin="backplane", node=node, **settings))
            if waits:
                await eventually(lambda: made[-1].backplane.healthy)
            return made[-1]

        yield make
        for primus in made:
            await primus.destroy()

    @pytest_asyncio.fixture
    async def pair(self, make: Make) -> tuple[Any, Any, Any, Any]:
        """Two servers, and the wire of a spark of each."""
        one, two = await make("w0"), await make("w1")
        await eventually(lambda: one.backplane.node("w1"))
        return one, two, join(one)[1], join(two)[1]

    async def test_a_frozen_broker_loses_nothing_and_repeats_nothing(
        self, broker: Broker, make: Make, caplog: pytest.LogCaptureFixture
    ) -> None:
        one, two = await make("w0", limits=SHORT), await make("w1", limits=SHORT)
        (_, mine), (_, theirs) = join(one), join(two)
        events = Recorder(one.backplane, "away")
        await write_numbers(one, 0, 50)

        broker.freeze()
        await write_numbers(one, 50, 100)
        at_once = numbers(mine)
        await events.next("away")
        await write_numbers(one, 150, 50)
        broker.thaw()
        await write_numbers(one, 200, 50)

        await eventually(lambda: len(theirs.sent) >= 250 and one.backplane.healthy)
        await one.backplane.bus.flush()
        assert at_once == list(range(150))
        assert numbers(mine) == numbers(theirs) == list(range(250))
        assert len(warnings_in(caplog)) <= 4
        assert two.backplane.counts.missing == 0

    async def test_a_broker_that_comes_back_empty_loses_nothing(
        self, broker: Broker, pair: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        one, two, mine, theirs = pair
        events, gaps = Recorder(one.backplane, "away", "epoch"), Recorder(two.backplane, "gap")
        epoch = one.backplane.epoch
        await write_numbers(one, 0, 50)
        await eventually(lambda: len(theirs.sent) == 50)

        broker.kill()
        await write_numbers(one, 50, 50)
        await events.next("away")
        broker.start()
        await write_numbers(one, 100, 50)

        await eventually(lambda: len(theirs.sent) >= 150)
        await eventually(lambda: one.backplane.healthy and two.backplane.healthy)
        await eventually(lambda: one.backplane.epoch == two.backplane.epoch != epoch)
        assert numbers(mine) == numbers(theirs) == list(range(150))
        assert gaps.seen("gap") == []
        assert len(warnings_in(caplog)) <= 4
        assert await one.backplane.since(0, 0, 1000) is not None

    async def test_a_broker_that_is_away_at_first_is_waited_for(
        self, broker: Broker, make: Make
    ) -> None:
        broker.kill()
        one, two = await make("w0", waits=False), await make("w1", waits=False)
        (_, mine), (_, theirs) = join(one), join(two)
        events = Recorder(one.backplane, "away")
        await one.backplane.ready()
        await write_numbers(one, 0, 10)
        await events.next("away")

        broker.start()
        await eventually(lambda: one.backplane.healthy and two.backplane.healthy)
        await write_numbers(one, 10, 10)

        await eventually(lambda: theirs.sent and theirs.sent[-1] == "19")
        assert numbers(mine) == list(range(20))
        assert numbers(theirs)[-10:] == list(range(10, 20))

    async def test_beyond_the_queue_the_oldest_go_and_all_are_told(
        self, broker: Broker, make: Make, caplog: pytest.LogCaptureFixture
    ) -> None:
        small = replace(FAST, batch_bytes=1000)
        one, two = await make("w0", limits=small, backplane_queue=10_000), await make("w1")
        (_, mine), (_, theirs) = join(one), join(two)
        away, gaps = Recorder(one.backplane, "away", "back"), Recorder(two.backplane, "gap")
        await write_numbers(one, 0, 10)
        await eventually(lambda: len(theirs.sent) == 10)

        broker.kill()
        await away.next("away")
        await write_numbers(one, 10, 1000)
        broker.start()

        await eventually(lambda: theirs.sent[-1] == "1009")
        await away.next("back")
        seen = numbers(theirs)
        assert numbers(mine) == list(range(1010))
        assert seen == sorted(set(seen))
        assert one.backplane.dropped == two.backplane.counts.missing == 1010 - len(seen) > 0
        assert set(gaps.seen("gap")) == {(0,)}
        assert f"{one.backplane.dropped} messages were dropped" in caplog.text

    async def test_what_waits_for_too_long_is_dropped(self, broker: Broker, make: Make) -> None:
        one = await make("w0", limits=replace(SHORT, patience=0.2))
        broker.kill()
        await write_numbers(one, 0, 10)

        with pytest.raises(BusError, match="away for too long"):
            await one.backplane.tell("w1", "echo")

        assert one.backplane.dropped >= 10

    async def test_questions_that_get_no_answer_are_errors(
        self, broker: Broker, make: Make
    ) -> None:
        one = await make("w0", limits=SHORT)
        broker.kill()

        bus = one.backplane.bus
        answers = await asyncio.gather(
            *(bus.since(0, 0, 10), bus.kept(0, 10), bus.nodes(), bus.end_epoch()),
            *(bus.park("a", b"b", 1.0), bus.unpark("a")),
            return_exceptions=True,
        )

        assert [type(each) for each in answers] == [BusError] * 6
        assert all("did not answer" in str(each) for each in answers)

    async def test_a_publisher_that_cannot_reach_the_broker_says_so(self, broker: Broker) -> None:
        broker.kill()
        bus = self.bus(broker.url)
        settings = Settings(limits=replace(FAST, flush_timeout=0.1))
        await bus.open(Node("pen", "1"), None, settings)

        bus.post(0, b"hello")
        with pytest.raises(BusError, match=r"not taken all within 0\.1 s"):
            await bus.flush()
        await bus.close()

    async def test_a_question_before_it_is_open_is_an_error(self, broker: Broker) -> None:
        with pytest.raises(BusError, match="is not open"):
            await self.bus(broker.url).nodes()
