import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from primus import Primus
from primus_metroplex import MetroplexError
from primus_testing import ManualClock, MemoryTransformer, Recorder, eventually, join

pytestmark = pytest.mark.usefixtures("tracebacks")

HERE, THERE = "http://10.0.0.1:8080", "http://10.0.0.2:8080"

Snapshot = Callable[[], Awaitable[dict[str, Any]]]


async def settled(primus: Any, *ids: str) -> None:
    """Until the registry has exactly these sparks of a server."""
    registry = await primus.metroplex._reconciler.opened()
    while set(await registry.redis.smembers(f"metroplex:{primus.metroplex.address}:sparks")) != {
        id.encode() for id in ids
    }:
        pass


# -- what is in Redis


async def test_a_server_registers_with_its_sparks_under_the_keys_of_node(
    make_primus: Any, redis: Any, snapshot: Snapshot
) -> None:
    primus = make_primus()
    (one, _), (two, _) = join(primus), join(primus)

    assert await primus.metroplex.register(HERE) == HERE

    assert await snapshot() == {
        "metroplex:servers": {HERE},
        "metroplex:sparks": {one.id: HERE, two.id: HERE},
        f"metroplex:{HERE}": "alive",
        f"metroplex:{HERE}:owner": "alive",
        f"metroplex:{HERE}:sparks": {one.id, two.id},
    }
    assert 299_000 < await redis.pttl(f"metroplex:{HERE}") <= 300_000
    assert len(await redis.get(f"metroplex:{HERE}")) == 13


async def test_an_address_in_the_options_is_registered_by_itself(
    make_primus: Any, redis: Any
) -> None:
    primus = make_primus(address=HERE + "/")
    told, overheard = Recorder(primus.metroplex, "register"), Recorder(primus, "register")

    assert await told.one("register") == await overheard.one("register") == HERE
    assert primus.metroplex.address == HERE


async def test_sparks_that_come_and_go_are_told_of(
    make_primus: Any, redis: Any, snapshot: Snapshot
) -> None:
    primus = make_primus()
    await primus.metroplex.register(HERE)

    (one, _), (two, _) = join(primus), join(primus)
    await settled(primus, one.id, two.id)
    one.end()
    await settled(primus, two.id)

    assert (await snapshot())["metroplex:sparks"] == {two.id: HERE}


async def test_destroying_a_server_leaves_nothing(
    make_primus: Any, redis: Any, snapshot: Snapshot
) -> None:
    primus = make_primus()
    join(primus)
    await primus.metroplex.register(HERE)
    told = Recorder(primus, "unregister")

    await primus.destroy()

    assert told.seen("unregister") == [(HERE,)]
    assert await snapshot() == {}


async def test_taking_the_plugin_out_leaves_nothing(
    make_primus: Any, redis: Any, snapshot: Snapshot
) -> None:
    primus = make_primus()
    await primus.metroplex.register(HERE)
    metroplex = primus.metroplex
    told = Recorder(metroplex, "unregister")

    primus.plugout("metroplex")
    await told.next("unregister")

    assert await snapshot() == {}
    with pytest.raises(MetroplexError, match="or the plugin taken out"):
        await metroplex.servers()


async def test_a_namespace_keeps_clusters_apart(
    make_primus: Any, redis: Any, snapshot: Snapshot
) -> None:
    here, there = make_primus(namespace="a"), make_primus(namespace="b")
    await here.metroplex.register(HERE)
    await there.metroplex.register(THERE)

    assert await here.metroplex.servers(include_self=True) == [HERE]
    assert set(await snapshot()) == {
        *(f"a:{HERE}", f"a:{HERE}:owner", "a:servers"),
        *(f"b:{THERE}", f"b:{THERE}:owner", "b:servers"),
    }


async def test_what_an_earlier_life_at_the_same_address_has_left_is_taken_away(
    make_primus: Any, redis: Any, snapshot: Snapshot
) -> None:
    await redis.sadd(f"metroplex:{HERE}:sparks", "old", "moved")
    await redis.hset("metroplex:sparks", mapping={"old": HERE, "moved": THERE})
    primus = make_primus()
    spark, _ = join(primus)

    await primus.metroplex.register(HERE)

    assert (await snapshot())["metroplex:sparks"] == {"moved": THERE, spark.id: HERE}
    assert (await snapshot())[f"metroplex:{HERE}:sparks"] == {spark.id}


async def test_thousands_of_sparks_are_handled_in_chunks(
    make_primus: Any, redis: Any, snapshot: Snapshot
) -> None:
    primus = make_primus()
    sparks = [join(primus)[0] for _ in range(2500)]

    await primus.metroplex.register(HERE)

    assert await redis.hlen("metroplex:sparks") == 2500
    other = make_primus()
    places = await other.metroplex.sparks([spark.id for spark in sparks])
    assert places == [HERE] * 2500
    await primus.destroy()
    assert await snapshot() == {}


# -- finding


async def test_a_spark_is_found_from_another_server(make_primus: Any, redis: Any) -> None:
    here, there = make_primus(), make_primus()
    (mine, _), (theirs, _) = join(here), join(there)
    await here.metroplex.register(HERE)
    await there.metroplex.register(THERE)

    assert await here.metroplex.spark(theirs.id) == THERE
    assert await here.metroplex.spark(mine.id) == HERE
    assert await here.metroplex.spark("unknown") is None
    ids = [theirs.id, "unknown", mine.id, theirs.id]
    assert await here.metroplex.sparks(ids) == [THERE, None, HERE, THERE]
    assert await here.metroplex.sparks([]) == []


async def test_servers_are_listed_without_the_one_that_asks(make_primus: Any, redis: Any) -> None:
    here, there = make_primus(), make_primus()
    await here.metroplex.register(HERE)
    await there.metroplex.register(THERE)

    assert await here.metroplex.servers() == [THERE]
    assert await here.metroplex.servers(include_self=True) == [HERE, THERE]


async def test_a_server_whose_lease_has_ended_is_not_found_any_more(
    make_primus: Any, redis: Any
) -> None:
    here = make_primus()
    await redis.sadd("metroplex:servers", THERE)
    await redis.hset("metroplex:sparks", "theirs", THERE)

    assert await here.metroplex.servers() == []
    assert await here.metroplex.spark("theirs") is None


async def test_a_server_is_forgotten_by_its_address(
    make_primus: Any, redis: Any, snapshot: Snapshot
) -> None:
    here, there = make_primus(), make_primus()
    join(there)
    await here.metroplex.register(HERE)
    await there.metroplex.register(THERE)

    await here.metroplex.unregister(THERE)
    assert await here.metroplex.servers() == []
    await here.metroplex.unregister()

    assert await snapshot() == {}


async def test_a_client_that_is_passed_in_is_not_closed(
    make_primus: Any, redis: Any, snapshot: Snapshot
) -> None:
    primus = make_primus(redis=redis)
    spark, _ = join(primus)
    await primus.metroplex.register(HERE)

    assert primus.metroplex.redis is redis
    other = make_primus()
    assert await other.metroplex.spark(spark.id) == HERE
    await primus.destroy()

    assert await redis.ping() is True
    assert await snapshot() == {}


def test_a_server_made_outside_of_an_event_loop_waits_for_one() -> None:
    primus: Any = Primus(
        transformer=MemoryTransformer, plugin="metroplex", address=HERE, clock=ManualClock()
    )

    assert primus.metroplex.address == ""
    assert repr(primus.metroplex) == "<Metroplex without an address>"
    primus.plugout("metroplex")


async def test_without_an_address_there_is_nothing_to_register(
    make_primus: Any, caplog: pytest.LogCaptureFixture
) -> None:
    primus = make_primus()

    primus.initialise()
    with pytest.raises(MetroplexError, match="no address to register"):
        await primus.metroplex.register()

    (record,) = caplog.records
    assert "the other servers cannot reach this one" in record.getMessage()


async def test_a_server_of_its_own_finds_out_its_address(redis_path: Any, redis: Any) -> None:
    registered: list[str] = []

    def setup(primus: Any) -> None:
        primus.on("register", registered.append)

    primus: Any = await Primus.create_server(
        host="127.0.0.1",
        setup=setup,
        transformer=MemoryTransformer,
        plugin="metroplex",
        redis=f"unix://{redis_path}",
        iknowhttpsisbetter=True,
    )

    await eventually(lambda: registered)
    assert registered == [f"http://127.0.0.1:{primus.port}"]
    await primus.destroy()
    assert await redis.keys("*") == []


async def test_a_server_on_every_interface_has_the_address_of_the_machine(redis: Any) -> None:
    primus: Any = await Primus.create_server(
        transformer=MemoryTransformer, plugin="metroplex", iknowhttpsisbetter=True
    )
    address = primus.metroplex.address

    assert address.endswith(f":{primus.port}")
    assert "localhost" not in address
    await primus.destroy()


async def test_a_primus_that_has_such_a_member_already_is_left_alone() -> None:
    from primus import PluginError

    primus: Any = Primus(transformer=MemoryTransformer, clock=ManualClock())
    primus.metroplex = "mine"

    with pytest.raises(PluginError, match="has an attribute 'metroplex' already"):
        primus.use("metroplex")

    assert primus.metroplex == "mine"


async def test_a_late_answer_of_before_a_server_came_does_not_hide_it(
    make_primus: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = make_primus(), make_primus()
    await one.metroplex.register(HERE)
    registry = one.metroplex._reconciler.registry
    await eventually(lambda: registry.is_watched and one.metroplex.known() is not None)
    asked, gate, living = asyncio.Event(), asyncio.Event(), registry._living

    async def slow(addresses: Any) -> Any:  # behind the question which servers there are
        if not asked.is_set():
            asked.set()
            await gate.wait()
        return await living(addresses)

    monkeypatch.setattr(registry, "_living", slow)
    late = asyncio.ensure_future(one.metroplex.servers())
    await asked.wait()
    await two.metroplex.register(THERE)
    await eventually(lambda: one.metroplex.known() == [THERE])
    gate.set()

    assert await late == []
    assert one.metroplex.known() == [THERE]
