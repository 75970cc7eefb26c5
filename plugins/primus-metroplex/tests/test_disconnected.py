"""Questions on a connection that Redis closes, as after an outage."""

from typing import Any

import pytest
from redis.exceptions import ConnectionError as Disconnected

from primus_metroplex.redis_registry import RedisRegistry

ADDRESS = "http://10.0.0.1:8080"


@pytest.fixture
async def registry(redis: Any) -> RedisRegistry:
    """A registry that knows a server and its spark."""
    registry = RedisRegistry(redis, "metroplex", 30.0)
    await registry.register(ADDRESS, "owner", 60.0, ["spark"])
    return registry


def close(monkeypatch: pytest.MonkeyPatch, redis: Any, times: int) -> None:
    """Let that many of the next questions find their connection closed."""
    execute, closed = redis.execute_command, [Disconnected("Connection closed by server.")] * times

    async def closing(*command: Any, **options: Any) -> Any:
        if closed:
            raise closed.pop()
        return await execute(*command, **options)

    monkeypatch.setattr(redis, "execute_command", closing)


async def test_what_is_asked_on_a_closed_connection_is_asked_on_another(
    registry: RedisRegistry, redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    close(monkeypatch, redis, 1)
    assert await registry.addresses(["spark"]) == [ADDRESS]
    close(monkeypatch, redis, 1)
    assert await registry.servers() == [ADDRESS]


async def test_a_redis_that_closes_each_connection_is_away(
    registry: RedisRegistry, redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    close(monkeypatch, redis, 2)
    with pytest.raises(Disconnected):
        await registry.addresses(["spark"])
