"""What one server may do to the entries of another, in each registry."""

import asyncio
from typing import Any

import pytest

from primus_metroplex.memory import MemoryRegistry
from primus_metroplex.redis_registry import RedisRegistry
from primus_metroplex.registry import Registry
from primus_testing import DEADLINE

HERE, THERE = "http://10.0.0.1:8080", "http://10.0.0.2:8080"


@pytest.fixture(params=["memory", "redis"])
def registry(request: pytest.FixtureRequest, redis: Any) -> Registry:
    return MemoryRegistry() if request.param == "memory" else RedisRegistry(redis, "metroplex", 5.0)


@pytest.mark.parametrize("goes", ["spark", "server"])
async def test_a_spark_that_came_to_another_server_meanwhile_stays_there(
    registry: Registry, goes: str
) -> None:
    await registry.register(HERE, 300.0, ["moved", "stayed"])
    await registry.register(THERE, 300.0, ["moved"])

    if goes == "spark":
        assert await registry.update(HERE, (), ["moved"])
    else:
        await registry.unregister(HERE)

    assert (await registry.addresses(["moved"])) == [THERE]


async def test_a_server_that_comes_back_while_it_is_buried_stays(redis: Any) -> None:
    registry = RedisRegistry(redis, "metroplex", 5.0)
    await registry.register(THERE, 300.0, ["theirs"])

    await registry._remove(THERE, "")

    assert await registry.servers() == [THERE]
    assert await registry.addresses(["theirs"]) == [THERE]


async def test_a_server_whose_lease_never_ends_is_left_alone(redis: Any) -> None:
    registry = RedisRegistry(redis, "metroplex", 5.0)
    await registry.register(THERE, 300.0, ["theirs"])
    await redis.persist(f"metroplex:{THERE}")

    assert await registry.sweep(HERE) is None

    assert await registry.addresses(["theirs"]) == [THERE]


async def test_a_command_that_is_not_answered_is_given_up(redis: Any) -> None:
    registry = RedisRegistry(redis, "metroplex", 0.01)
    async with asyncio.timeout(DEADLINE):
        with pytest.raises(TimeoutError, match=r"no answer within 0\.01 s"):
            await registry._done(asyncio.Event().wait())


async def test_no_command_has_more_than_a_thousand_sparks(redis: Any) -> None:
    registry = RedisRegistry(redis, "metroplex", 5.0)
    await redis.config_resetstat()
    assert await registry.addresses([str(number) for number in range(2500)]) == [None] * 2500
    assert (await redis.info("commandstats"))["cmdstat_hmget"]["calls"] == 3
