"""What a server tells its registry, and when: against a registry that does as the test says."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence

import pytest

from primus_metroplex.errors import AddressTaken, MetroplexError
from primus_metroplex.options import Settings
from primus_metroplex.reconciler import Reconciler
from primus_metroplex.registry import Registry
from primus_testing import DEADLINE, ManualClock, eventually

HERE = "http://10.0.0.1:8080"
SETTINGS = Settings(redis=None, namespace="x", interval=300.0, latency=2.0, address=None)


class ScriptedRegistry(Registry):
    """Notes what it is asked; it can be away, and can hold up updates."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.sparks: set[str] = set()
        self.is_away = self.is_taken = False
        self.updates = asyncio.Event()
        self.updates.set()

    def _note(self, question: str) -> None:
        self.asked.append(question)
        if self.is_away:
            raise ConnectionError("away")

    async def watch(
        self, owner: str, changed: Callable[[], None], lost: Callable[[], None]
    ) -> None:
        self.changed = changed

    async def register(
        self, address: str, owner: str, lease: float, sparks: Collection[str]
    ) -> None:
        self._note("register")
        if self.is_taken:
            raise AddressTaken("another living server is there")
        self.sparks = set(sparks)

    async def unregister(self, address: str, owner: str | None = None) -> None:
        self._note("unregister")

    async def renew(self, address: str, owner: str, lease: float) -> int | None:
        self._note("renew")
        return len(self.sparks)

    async def update(
        self,
        address: str,
        owner: str,
        connected: Collection[str],
        disconnected: Collection[str],
    ) -> bool:
        self._note("update")
        await self.updates.wait()
        self.sparks.update(connected)
        self.sparks.difference_update(disconnected)
        return True

    async def servers(self) -> list[str]:
        return [HERE]

    async def addresses(self, sparks: Sequence[str]) -> list[str | None]:
        return [HERE for _ in sparks]

    async def sweep(self, address: str) -> float | None:
        self._note("sweep")
        return None


class Server:
    """What a reconciler sees of its server."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.registry = ScriptedRegistry()
        self.sparks: list[str] = []
        self.found: list[list[str]] = []
        self.failures: list[MetroplexError] = []
        self.reconciler = Reconciler(
            SETTINGS,
            self.clock,
            "this one",
            registry=self.opened,
            sparks=lambda: list(self.sparks),
            told=lambda address: None,
            failed=self.failures.append,
            changed=lambda: None,
            found=self.found.append,
            lost=lambda: None,
        )

    async def opened(self) -> Registry:
        return self.registry

    def come(self, id: str) -> None:
        self.sparks.append(id)
        self.reconciler.changed(id, here=True)

    async def idle(self) -> None:
        """Until the reconciler waits for something again."""
        for _ in range(20):
            await asyncio.sleep(0)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    yield server
    await server.reconciler.stop()


async def test_sparks_that_come_while_a_lease_is_renewed_do_not_make_it_tell_everything(
    server: Server,
) -> None:
    await server.reconciler.start(HERE)
    await server.idle()
    server.registry.updates.clear()
    server.come("one")
    await eventually(lambda: "update" in server.registry.asked)
    server.come("two")
    server.clock.advance(10)
    server.registry.updates.set()
    await eventually(lambda: server.registry.sparks == {"one", "two"})

    assert server.registry.asked.count("renew") == 1
    assert server.registry.asked.count("register") == 1


async def test_sparks_that_the_registry_has_lost_make_it_tell_everything(server: Server) -> None:
    await server.reconciler.start(HERE)
    server.come("one")
    await eventually(lambda: server.registry.sparks == {"one"})
    server.registry.sparks.clear()

    server.clock.advance(10)

    await eventually(lambda: server.registry.sparks == {"one"})
    assert server.registry.asked.count("register") == 2


async def test_changes_do_not_pile_up_while_the_registry_is_away(server: Server) -> None:
    await server.reconciler.start(HERE)
    server.registry.is_away = True
    server.come("first")
    await eventually(lambda: server.failures)

    for number in range(1000):
        server.come(str(number))
    assert server.reconciler._changes == {}

    server.registry.is_away = False
    server.clock.advance(0.2)
    await eventually(lambda: len(server.registry.sparks) == 1001)


async def test_traffic_does_not_hasten_the_next_attempt(server: Server) -> None:
    server.registry.is_away = True
    with pytest.raises(MetroplexError):
        await server.reconciler.start(HERE)
    for attempts, pause in ((1, 0.1), (2, 0.2), (3, 0.4)):
        for number in range(10):
            server.come(f"{attempts}.{number}")
            await server.idle()
        server.clock.advance(pause * 0.9)
        await server.idle()
        assert len(server.registry.asked) == attempts
        server.clock.advance(pause * 0.2)
        await server.idle()
        assert len(server.registry.asked) == attempts + 1


async def test_the_servers_are_looked_for_when_they_have_changed(server: Server) -> None:
    await server.reconciler.start(HERE)
    await eventually(lambda: server.found == [[HERE]])

    server.registry.changed()

    await eventually(lambda: server.found == [[HERE]] * 2)


async def test_an_address_that_was_taken_during_an_outage_is_told(server: Server) -> None:
    server.registry.is_away = True
    with pytest.raises(MetroplexError):
        await server.reconciler.start(HERE)
    server.registry.is_away, server.registry.is_taken = False, True

    for _ in range(3):
        server.clock.advance(1.0)
        await server.idle()

    assert [type(error) for error in server.failures] == [MetroplexError, AddressTaken]


class Stubborn(ScriptedRegistry):
    """Answers a cancellation with an error of its own, as some clients do."""

    async def update(self, *args: object) -> bool:
        try:
            return await super().update(*args)  # type: ignore[arg-type]
        except asyncio.CancelledError:
            raise ConnectionError("cancelled") from None


async def test_it_stops_although_the_registry_answers_that_with_an_error(server: Server) -> None:
    server.registry = Stubborn()
    await server.reconciler.start(HERE)
    server.registry.updates.clear()
    server.come("one")
    await eventually(lambda: "update" in server.registry.asked)

    async with asyncio.timeout(DEADLINE):
        await server.reconciler.stop()

    asked = list(server.registry.asked)
    server.come("two")
    server.clock.advance(10)
    await server.idle()
    assert server.registry.asked == asked
    assert (server.failures, server.clock.pending) == ([], 0)


async def test_what_waits_for_the_registry_is_given_up_when_it_stops(server: Server) -> None:
    server.registry.is_away = True
    with pytest.raises(MetroplexError):
        await server.reconciler.start(HERE)
    waiting = server.reconciler.start(HERE)

    await server.reconciler.stop()

    assert waiting.cancelled()
