from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest

from primus import Primus
from primus_backplane import MemoryBus, Node, Settings
from primus_testing import ManualClock, MemoryTransformer, Tracebacks

Cluster = Callable[..., Any]
Stranger = Callable[[], Awaitable[MemoryBus]]


@pytest.fixture
def namespace() -> str:
    """A namespace of the test's own."""
    return uuid4().hex


@pytest.fixture
async def server(
    namespace: str, manual_clock: ManualClock, tracebacks: Tracebacks
) -> AsyncIterator[Cluster]:
    """Makes servers of one cluster in memory; the test fails for errors it has not expected."""
    made: list[Primus] = []

    def make(node: str | None = None, plugin: str = "backplane", **options: Any) -> Any:
        settings = {
            "transformer": MemoryTransformer,
            "clock": manual_clock,
            "timeout": False,
            "ping_interval": False,
            "backplane_namespace": namespace,
            **options,
        }
        made.append(Primus(plugin=plugin, node=node, **settings))
        return made[-1]

    yield make
    for primus in made:
        await primus.destroy()


@pytest.fixture
async def stranger(namespace: str) -> AsyncIterator[Stranger]:
    """Opens the bus of the cluster for something that posts what it likes."""
    made: list[MemoryBus] = []

    async def opened() -> MemoryBus:
        made.append(MemoryBus())
        await made[-1].open(Node("stranger", "1"), None, Settings(namespace))
        return made[-1]

    yield opened
    for bus in made:
        await bus.close()
