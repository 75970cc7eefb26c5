import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from primus import ControlTextError, OptionError
from primus_rooms import RoomsError
from primus_rooms.redis import RedisAdapter
from primus_testing import PluginContract, Recorder, eventually, join

pytestmark = pytest.mark.usefixtures("tracebacks")


@pytest.fixture
async def primus(make_primus: Any, redis: Any) -> Any:
    primus = make_primus(rooms={"adapter": RedisAdapter(redis)})
    yield primus
    await primus.destroy()


async def everything(redis: Any) -> dict[str, set[str]]:
    return {key: await redis.smembers(key) for key in await redis.keys("*")}


async def test_its_keys_are_those_of_the_node_adapter(primus: Any, redis: Any) -> None:
    (one, _), (two, _) = join(primus), join(primus)

    assert await one.join("news sport") is True
    assert await two.join("news") is True

    assert await everything(redis) == {
        f"bumblebee:sparks:{one.id}": {"news", "sport"},
        f"bumblebee:sparks:{two.id}": {"news"},
        "bumblebee:rooms:news": {one.id, two.id},
        "bumblebee:rooms:sport": {one.id},
    }


async def test_every_answer_is_awaited(primus: Any) -> None:
    (one, wire), (two, _) = join(primus), join(primus)
    await primus.join([one, two], "news")
    await one.join("sport")

    assert sorted(await primus.rooms()) == ["news", "sport"]
    assert await two.rooms() == ["news"]
    assert sorted(await primus.clients("news")) == sorted([one.id, two.id])
    assert await primus.room("sport art").clients() == {"sport": [one.id], "art": []}
    assert await primus.is_room_empty("art") is True
    assert await one.is_room_empty("news art") is False
    assert await primus.room("news sport").except_(two).write("x") == 1
    assert await primus.except_([]).write("y") == 2
    assert wire.sent == ['"x"', '"y"']
    assert await two.leave("news") is True
    assert await primus.clients("news") == [one.id]
    assert await primus.empty("news") is None
    assert await one.rooms() == ["sport"]
    assert await primus.empty() is None
    assert await primus.rooms() == []


async def test_what_is_not_awaited_happens_in_its_order(primus: Any, redis: Any) -> None:
    (one, one_wire), (two, two_wire) = join(primus), join(primus)
    told = Recorder(primus, "joinroom", "leaveroom", "leaveallrooms")

    one.join("news")
    primus.join([one, two], "sport")
    primus.room("news").write("a")
    one.leave("news")
    primus.room("news").write("b")
    await primus.room("sport").write("c")
    one.join("late")
    one.end()

    assert (one_wire.sent[:2], two_wire.sent) == (['"a"', '"c"'], ['"c"'])
    await eventually(lambda: told.seen("leaveallrooms"))
    assert told.story == [*["joinroom"] * 3, "leaveroom", "joinroom", "leaveallrooms"]
    assert await everything(redis) == {
        f"bumblebee:sparks:{two.id}": {"sport"},
        "bumblebee:rooms:sport": {two.id},
    }


async def test_destroying_the_server_leaves_nothing(primus: Any, redis: Any) -> None:
    for _ in range(5):
        join(primus)[0].join("news")

    await primus.destroy()

    assert await everything(redis) == {}


async def test_taking_the_plugin_out_leaves_nothing(primus: Any, redis: Any) -> None:
    spark, _ = join(primus)
    await spark.join("news")

    primus.plugout("rooms")

    async with asyncio.timeout(10):
        while await everything(redis):
            await asyncio.sleep(0)


async def test_rooms_have_members_on_several_servers(make_primus: Any, redis: Any) -> None:
    here, there = (make_primus(rooms={"adapter": RedisAdapter(redis)}) for _ in range(2))
    (one, wire), (two, far) = join(here), join(there)
    await one.join("news")
    await two.join("news")

    assert sorted(await here.clients("news")) == sorted([one.id, two.id])
    assert await here.room("news").write("x") == 1
    assert (wire.sent, far.sent) == (['"x"'], [])

    await here.destroy()
    assert await there.clients("news") == [two.id]
    await there.destroy()


async def test_members_elsewhere_are_reached_by_forwarding(make_primus: Any, redis: Any) -> None:
    here, there = (
        make_primus(rooms={"adapter": RedisAdapter(redis, forward=True)}) for _ in range(2)
    )
    (one, wire), (two, far) = join(here), join(there)
    await one.join("news")
    await two.join("news")
    forwarded: list[Any] = []

    class Forward:
        def sparks(self, ids: list[str], data: Any) -> None:
            forwarded.append((ids, data))

    here.forward = Forward()

    assert await here.room("news").write("x") == 1
    assert await here.room("news").local.write("y") == 1
    with pytest.raises(RoomsError, match="reaches the sparks of other servers"):
        here.room("news").transform(lambda packet: None).write("z")

    assert forwarded == [([two.id], "x")]
    assert (wire.sent, far.sent) == (['"x"', '"y"'], [])
    await here.destroy()
    await there.destroy()


async def test_a_namespace_is_taken_letter_by_letter(redis: Any) -> None:
    own, other = RedisAdapter(redis, namespace="a*"), RedisAdapter(redis, namespace="ab")
    await own.add("1", "news")
    await other.add("2", "sport")

    assert await own.rooms() == ["news"]
    assert await own.members(None) == ["1"]
    await own.clear()

    assert await everything(redis) == {"ab:sparks:2": {"sport"}, "ab:rooms:sport": {"2"}}


async def test_a_client_of_bytes_does_as_well(redis: Any, redis_path: Path) -> None:
    adapter = RedisAdapter(f"unix://{redis_path}", namespace="rooms")
    await adapter.add("1", "caf\u00e9")

    assert await adapter.rooms() == ["caf\u00e9"]
    assert await adapter.clients("caf\u00e9") == ["1"]
    await adapter.empty(["caf\u00e9", "none"])

    assert await everything(redis) == {}
    await adapter.close()


async def test_it_knows_no_wildcards(primus: Any, make_primus: Any, redis: Any) -> None:
    spark, _ = join(primus)

    with pytest.raises(RoomsError, match="<RedisAdapter bumblebee> knows no wildcards"):
        spark.join("user:*", wildcard=True)
    with pytest.raises(OptionError, match="knows no wildcards"):
        make_primus(rooms={"adapter": RedisAdapter(redis), "wildcard": True})


async def test_text_that_peers_obey_is_refused_at_the_call(primus: Any) -> None:
    with pytest.raises(ControlTextError):
        primus.room("news").write("primus::ping::1")


class Away(Redis):  # type: ignore[misc]
    """A client whose server is away while a flag is set."""

    away = False

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        if self.away:
            raise RedisConnectionError("away")
        return await super().execute_command(*args, **options)


async def test_without_redis_local_traffic_goes_on_and_sparks_that_left_are_gone_afterwards(
    make_primus: Any, redis: Any, redis_path: Path
) -> None:
    client = Away(unix_socket_path=str(redis_path))
    primus = make_primus(rooms={"adapter": RedisAdapter(client)})
    (one, _), (two, wire) = join(primus), join(primus)
    await primus.join([one, two], "news")
    told = Recorder(primus, "roomserror")

    client.away = True
    one.end()
    primus.room("news").write("lost")
    with pytest.raises(RoomsError, match="failed: ConnectionError"):
        await primus.room("news").write("lost")
    primus.write("to all")
    assert len(told.seen("roomserror")) == 3
    client.away = False
    await two.join("sport")

    assert wire.sent == ['"to all"']
    assert await primus.clients("news") == [two.id]
    await redis.sadd(f"bumblebee:sparks:{one.id}", "news")  # another server has its spark by now
    await two.join("music")
    assert await redis.smembers(f"bumblebee:sparks:{one.id}")
    await redis.delete(f"bumblebee:sparks:{one.id}")
    assert f"bumblebee:sparks:{one.id}" not in await everything(redis)
    await primus.destroy()
    assert await everything(redis) == {}
    await client.aclose()


class TestWithRedis(PluginContract):
    """Whatever the adapter, and even when there is no server."""

    plugin = "rooms"
    options: ClassVar[Mapping[str, Any]] = {
        "rooms": {"adapter": RedisAdapter("unix:///nowhere", namespace="contract")}
    }


@pytest.mark.parametrize("decoded", [False, True])
async def test_entries_that_are_no_text_are_passed_over_and_reported_once(
    make_primus: Any, redis: Any, decoded: bool, caplog: pytest.LogCaptureFixture
) -> None:
    path = redis.connection_pool.connection_kwargs["path"]
    async with Redis(unix_socket_path=path, decode_responses=decoded) as client:
        primus = make_primus(rooms={"adapter": RedisAdapter(client)})
        spark, wire = join(primus)
        await spark.join("news")
        await redis.sadd("bumblebee:rooms:news", b"\xff\xfe", "x" * 100_000)
        await redis.sadd(f"bumblebee:sparks:{spark.id}", b"\xff\xfe")

        for _ in range(2):
            assert sorted(await primus.clients("news")) == sorted([spark.id, "x" * 100_000])
            assert await spark.rooms() == ["news"]
            assert await primus.room("news").write("hello") == 1

        assert wire.sent == ['"hello"'] * 2
        assert caplog.text.count("has entries that are no UTF-8") == 1
        await primus.destroy()
