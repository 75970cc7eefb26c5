import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from primus import OptionError, PluginError
from primus_rooms import RoomsError
from primus_rooms.redis import RedisAdapter
from primus_testing import eventually, join

pytestmark = pytest.mark.usefixtures("tracebacks")

CHANNEL = "primus-cluster:pubsub"
ALL = "rooms, emitter, cluster"


@pytest.fixture
async def servers(ready: Any, url: str) -> tuple[Any, Any]:
    """Two servers that share a Redis."""
    return (
        await ready(ALL, CHANNEL, cluster={"redis": url}),
        await ready(ALL, CHANNEL, cluster={"redis": url}),
    )


@pytest.fixture
async def published(redis: Any) -> AsyncIterator[Any]:
    """Gives the next envelope on the channel."""
    pubsub = redis.pubsub()
    await pubsub.subscribe(CHANNEL)
    await pubsub.parse_response()

    async def following() -> Any:
        return json.loads((await pubsub.parse_response())[2])

    yield following
    await pubsub.aclose()


async def until(wire: Any, *frames: str) -> None:
    """Wait until a wire has been sent these frames, and no other."""
    await eventually(lambda: len(wire.sent) >= len(frames))
    assert wire.sent == list(frames)


async def test_a_write_reaches_the_sparks_of_all_servers_once(servers: Any) -> None:
    one, two = servers
    (_, here), (_, there) = join(one), join(two)

    for number in range(300):
        one.write(number)

    await until(there, *(str(number) for number in range(300)))
    assert here.sent == there.sent


async def test_its_envelope_is_that_of_node(servers: Any, published: Any) -> None:
    one, _ = servers

    one.write({"to": "all"})
    first = await published()
    one.room("news sport").except_("a b").write(None)
    second = await published()
    one.send("news", 1)
    third = await published()
    one.room("news").send("news", 1)
    fourth = await published()

    server = first.pop("id")
    assert 0 < server < 1
    assert {second.pop("id"), third.pop("id"), fourth.pop("id")} == {server}
    assert first == {"data": [{"to": "all"}], "type": "primus", "opts": {"method": "write"}}
    assert second == {
        "data": [None],
        "type": "room",
        "opts": {
            "except": ["a", "b"],
            "method": "write",
            "rooms": ["news", "sport"],
            "transformer": None,
        },
    }
    assert third == {"data": ["news", 1], "type": "primus", "opts": {"method": "send"}}
    assert fourth["opts"]["method"] == "send"


async def test_a_room_has_members_on_all_servers(servers: Any) -> None:
    one, two = servers
    (near, here), (far, there), (_, outside) = join(one), join(two), join(two)
    await near.join("news")
    await far.join("news sport")

    assert sorted(await one.room("news").clients()) == sorted([near.id, far.id])
    assert await one.is_room_empty("sport") is False
    await one.room("news sport").write("both")
    await one.room("news").except_(near).write("others")
    one.room("news").send("event", 1)
    await one.room("news").local.write("here")

    event = '{"type":0,"data":["event",1]}'
    await until(there, '"both"', '"others"', event)
    assert here.sent == ['"both"', event, '"here"']
    assert outside.sent == []


async def test_events_reach_all_servers(servers: Any) -> None:
    one, two = servers
    (_, here), (_, there) = join(one), join(two)

    one.send("news", 1)

    await until(there, '{"type":0,"data":["news",1]}')
    assert here.sent == there.sent


async def test_a_write_to_some_sparks_stays_here(servers: Any) -> None:
    one, two = servers
    (spark, here), (_, there) = join(one), join(two)

    one.write("some", to=[spark])
    one.send("some", 1, to=[spark])
    one.write("all")

    await until(there, '"all"')
    assert here.sent == ['"some"', '{"type":0,"data":["some",1]}', '"all"']


async def test_what_cannot_be_sent_goes_nowhere(servers: Any) -> None:
    one, two = servers
    (spark, here), (_, there) = join(one), join(two)
    await spark.join("news")

    for write in (one.write, one.room("news").write):
        with pytest.raises(Exception, match="cannot be sent"):
            write("primus::server::close")
        with pytest.raises(Exception, match="encode"):
            write(object())
    with pytest.raises(RoomsError, match="transform"):
        one.room("news").transform(lambda packet, spark: None).write("x")
    with pytest.raises(RoomsError, match="Callbacks"):
        one.room("news").send("x", lambda: None)
    with pytest.raises(PluginError, match="backplane"):
        one.write("x", ordered=True)
    with pytest.raises(Exception, match="max_length"):
        one.write("x" * (2 << 20))
    one.write("after")

    await until(there, '"after"')
    assert here.sent == ['"after"']


@pytest.mark.parametrize(
    "published",
    [
        b"null",
        b"[]",
        b"\xff",
        b"{",
        b"[" * 100_000,
        b'{"type":"other","id":1,"data":[1],"opts":{}}',
        b'{"type":"primus","id":1,"data":[],"opts":{"method":"write"}}',
        b'{"type":"primus","id":1,"data":{"0":1},"opts":{"method":"write"}}',
        b'{"type":"primus","id":1,"data":[1],"opts":{"method":"destroy"}}',
        b'{"type":"primus","id":1,"data":[1],"opts":{"method":"send"}}',
        b'{"type":"primus","id":1,"data":["primus::server::close"],"opts":{"method":"write"}}',
        b'{"type":"room","id":1,"data":["x"],"opts":{"method":"write","rooms":"news"}}',
        b'"' + b"x" * (2 << 20) + b'"',
    ],
    ids=lambda text: text[:40].decode("latin-1"),
)
async def test_whatever_a_stranger_publishes_is_a_line_at_most(
    servers: Any, redis: Any, caplog: pytest.LogCaptureFixture, published: bytes
) -> None:
    one, two = servers
    spark, wire = join(two)

    for _ in range(3):
        await redis.publish(CHANNEL, published)
    one.write("after")

    await until(wire, '"after"')
    assert len([r for r in caplog.records if "cannot be used" in r.getMessage()]) == 2
    assert spark.ready_state == 3


async def test_what_has_no_type_or_is_its_own_is_passed_over(
    servers: Any, redis: Any, caplog: pytest.LogCaptureFixture
) -> None:
    one, two = servers
    _, wire = join(two)

    await redis.publish(CHANNEL, '{"id":1,"data":["x"]}')
    one.write("after")

    await until(wire, '"after"')
    assert "cannot be used" not in caplog.text


async def test_odd_names_among_others_are_passed_over(servers: Any, redis: Any) -> None:
    _, two = servers
    (spark, wire), (other, others) = join(two), join(two)
    await two.join([spark, other], "news")
    opts = {"except": [1, other.id], "method": "write", "rooms": [None, "news", ["x"]]}

    await redis.publish(
        CHANNEL, json.dumps({"id": 1, "type": "room", "data": ["x", 2], "opts": opts})
    )

    await until(wire, '"x"')
    assert others.sent == []


async def test_without_rooms_and_events_only_writes_are_delivered(
    ready: Any, redis: Any, url: str
) -> None:
    primus = await ready("cluster", CHANNEL, cluster={"redis": url})
    _, wire = join(primus)

    for envelope in (
        {"id": 1, "type": "room", "data": ["x"]}
        | {"opts": {"method": "write", "rooms": ["a"], "except": []}},
        {"id": 1, "type": "primus", "data": ["x"], "opts": {"method": "send"}},
        {"id": 1, "type": "primus", "data": ["y"], "opts": {"method": "write"}},
    ):
        await redis.publish(CHANNEL, json.dumps(envelope))

    await until(wire, '"y"')


async def test_an_adapter_of_the_application_stays(ready: Any, url: str) -> None:
    adapter = RedisAdapter(url)

    primus = await ready(ALL, CHANNEL, cluster={"redis": url}, rooms={"adapter": adapter})

    assert primus.adapter is adapter


async def test_plugged_out_it_reaches_this_server_only(servers: Any) -> None:
    one, two = servers
    (spark, here), (_, there) = join(one), join(two)

    one.plugout("cluster")
    one.write("all")
    assert spark.join("news") is True
    one.room("news").write("room")
    two.write("after")

    await until(there, '"after"')
    assert here.sent == ['"all"', '"room"']


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("redis://localhost", "must be a mapping"),
        ({"url": "redis://localhost"}, "must be a mapping"),
        ({"redis": "localhost"}, "must be a URL"),
        ({"redis": 6379}, "must be a URL"),
        ({"channel": ""}, "must be a text"),
        ({"prefix": None}, "must be a text"),
        ({"ttl": 0}, "whole number of seconds"),
        ({"ttl": True}, "whole number of seconds"),
    ],
)
def test_an_option_that_cannot_work_is_refused(make_primus: Any, value: Any, problem: str) -> None:
    with pytest.raises(OptionError, match=problem):
        make_primus("cluster", cluster=value)
