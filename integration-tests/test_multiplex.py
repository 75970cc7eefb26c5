"""The plugin ``multiplex`` opposite primus-multiplex for Node, with ``emitter`` and ``rooms``.

Never sent to a Node peer: to one with primus-emitter a message of a channel that is ``null`` or
left out, and to a client a packet for a channel that it has never opened; both end its process.
"""

from typing import Any

import pytest

from harness.casts import OURS_IN_CHROMIUM, OURS_IN_PYTHON
from harness.chromium import Chromium
from harness.pairs import AWKWARD, WITH_PLUGINS, Pair
from harness.parties import Client, Server, Speech
from harness.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

WITHOUT_PAGES = [pair for pair in WITH_PLUGINS if OURS_IN_CHROMIUM not in pair]
"""A test of its own has the page."""

EMITTER = "primus-emitter, primus-multiplex"
QUICK = {"min": 50, "max": 50, "retries": 100}
WHOLE = [value for value in AWKWARD if value]
"""The values that Node sends; it leaves out what is falsy."""


@pytest.fixture(params=WITHOUT_PAGES, ids=[" to ".join(pair) for pair in WITHOUT_PAGES])
def pair(request: pytest.FixtureRequest, stage: Stage) -> Pair:
    return Pair(stage, *request.param)


async def meet(
    pair: Pair, plugin: str = "primus-multiplex", server_kind: str | None = None
) -> tuple[Server, Client, str]:
    """A server with two channels, a client that subscribes to both, and its id in ``news``."""
    pair.stage.speech = Speech(plugin=plugin)
    arguments = {"channels": ["news", "sport"], "inside": ["event"]}
    if plugin == "primus-multiplex":
        server = await pair.stage.server(pair.server_kind, **arguments)
    else:  # the others change the Spark of every Primus in their process of Node
        server = await pair.server(**arguments)
    client, id = await subscribed(pair, server)
    return server, client, id


async def subscribed(pair: Pair, server: Server) -> tuple[Client, str]:
    """A client that subscribes before it is open, and its id in ``news``."""
    client = await pair.stage.client(pair.client_kind)
    streams = {"channels": ["news", "sport"], "inside": ["event"]}
    await client.connect(server.url(), streams=streams, reconnect=QUICK)
    ids = {(await client.event("channel"))["id"] for _ in range(2)}
    seen = [await server.event("subscribed") for _ in range(2)]
    assert {event["id"] for event in seen} == ids
    return client, next(event["id"] for event in seen if event["name"] == "news")


def sent_by(kind: str) -> list[Any]:
    return WHOLE if kind.startswith("node") else AWKWARD


async def test_every_value_goes_both_ways_within_its_channel(pair: Pair) -> None:
    server, client, id = await meet(pair)
    values = sent_by(pair.client_kind)

    await client.ask("stream_write", stream="news", values=values)
    for value in values:
        event = await server.event("stream data")
        assert (event["stream"], event.get("data")) == (f"news {id}", value)

    values = sent_by(pair.server_kind)
    await server.ask("stream_write", stream=f"news {id}", values=values)
    for value in values:
        event = await client.event("stream data")
        assert (event["stream"], event.get("data")) == ("news", value)


async def test_several_subscriptions_of_a_client_are_apart(pair: Pair) -> None:
    server, client, id = await meet(pair)
    other = await client.ask("subscribe", stream="again", name="news")
    assert (await server.event("subscribed"))["id"] == other

    await client.ask("stream_write", stream="again", values=["by the second"])
    assert (await server.event("stream data"))["stream"] == f"news {other}"
    await server.ask("channel_write", name="news", data="to both")

    heard = {(await client.event("stream data"))["stream"] for _ in range(2)}
    assert heard == {"news", "again"}
    assert set(await server.ask("channel_ids", name="news")) == {id, other}


async def test_both_sides_end_a_subscription(pair: Pair) -> None:
    server, client, id = await meet(pair)
    other = await client.ask("subscribe", stream="again", name="news")
    await server.event("subscribed")

    await client.ask("stream_end", stream="news", data="last")
    assert (await server.event("stream data"))["data"] == "last"
    assert (await server.event("unsubscribed"))["id"] == id
    await server.ask("stream_end", stream=f"news {other}", data="last")
    assert (await client.event("stream data"))["data"] == "last"
    ended = {(await client.event("stream end"))["stream"] for _ in range(2)}

    assert ended == {"news", "again"}
    assert (await server.event("unsubscribed"))["id"] == other
    assert await server.ask("channel_ids", name="news") == []
    await client.ask("stream_write", stream="sport", values=["still there"])
    assert (await server.event("stream data"))["data"] == "still there"


async def test_a_channel_writes_to_all_and_ends_all(pair: Pair) -> None:
    server, client, _ = await meet(pair)
    other, _ = await subscribed(pair, server)

    await server.ask("channel_write", name="news", data={"to": "all"})
    for each in (client, other):
        assert (await each.event("stream data"))["data"] == {"to": "all"}
    await server.ask("channel_destroy", name="news")

    for each in (client, other):
        assert (await each.event("stream end"))["stream"] == "news"


async def test_subscriptions_come_back_with_the_same_id(pair: Pair) -> None:
    server, client, id = await meet(pair)
    spark = await server.connection()

    await server.end(spark, reconnect=True)
    again = [await server.event("subscribed") for _ in range(2)]
    await client.ask("stream_write", stream="news", values=["again"])

    assert id in {event["id"] for event in again if event["name"] == "news"}
    assert (await server.event("stream data"))["data"] == "again"
    await server.ask("channel_write", name="news", data="and back")
    assert (await client.event("stream data"))["data"] == "and back"
    assert not client.seen("stream end")


async def test_events_and_acknowledgements_stay_within_the_channel(pair: Pair) -> None:
    server, client, id = await meet(pair, EMITTER)
    to_client = {"stream": f"news {id}", "name": "event", "args": AWKWARD}
    to_server = {"stream": "news", "name": "event", "args": AWKWARD}

    await client.ask("stream_send", **to_server)
    await server.ask("stream_send", **to_client)
    assert await client.ask("stream_send", **to_server, ask=True) == AWKWARD
    assert await server.ask("stream_send", **to_client, ask=True) == AWKWARD
    await server.ask("channel_send", name="news", event="event", args=["to all"])

    heard = [await server.event("stream heard") for _ in range(2)]
    assert [(event["stream"], event["args"]) for event in heard] == [(f"news {id}", AWKWARD)] * 2
    heard = [await client.event("stream heard") for _ in range(3)]
    assert [event["args"] for event in heard] == [AWKWARD, AWKWARD, ["to all"]]
    assert {event["stream"] for event in heard} == {"news"}


async def test_a_server_has_rooms_within_its_channels(pair: Pair) -> None:
    server, client, id = await meet(pair, "primus-rooms, primus-multiplex")
    other, _ = await subscribed(pair, server)

    await server.ask("stream_join", stream=f"news {id}", room="red")
    await server.ask("room_write", name="sport", room="red", data="to none")
    await server.ask("room_write", name="news", room="red", data="to the room")
    await server.ask("channel_write", name="news", data="to all")

    for each, expected in ((client, ["to the room", "to all"]), (other, ["to all"])):
        received = [(await each.event("stream data"))["data"] for _ in expected]
        assert received == expected


@pytest.mark.parametrize("client_kind", ["node6", "node8"])
async def test_a_node_client_survives_what_our_server_refuses(
    stage: Stage, client_kind: str
) -> None:
    stage.speech = Speech(plugin="primus-multiplex")
    bounds = {"multiplex_subscriptions": 2, "multiplex_channels": 0}
    server = await stage.server(OURS_IN_PYTHON, channels=["news", "sport"], options=bounds)
    pair = Pair(stage, client_kind, OURS_IN_PYTHON)
    client, id = await subscribed(pair, server)

    refused = await client.ask("subscribe", stream="third", name="news")
    assert (await client.event("stream end"))["stream"] == "third"
    reason = {"error": "too many subscriptions"}
    assert (await client.event("data"))["data"] == [2, refused, "news", reason]
    await client.ask("stream_end", stream="sport")
    assert (await client.event("stream end"))["stream"] == "sport"
    await server.event("unsubscribed")
    await client.ask("subscribe", stream="unknown", name="made up")
    assert (await client.event("stream end"))["stream"] == "unknown"

    await server.ask("channel_write", name="sport", data="to none")
    await server.ask("stream_write", stream=f"news {id}", values=["alive"])
    assert (await client.event("stream data"))["data"] == "alive"


@pytest.mark.parametrize("client_kind", ["node6", "node8"])
async def test_arrays_and_null_of_a_node_client_are_data_to_our_server(
    stage: Stage, client_kind: str
) -> None:
    server, client, id = await meet(Pair(stage, client_kind, OURS_IN_PYTHON))
    sent = [None, [], [0], [1, 2, 3], [0, "x", "y", 1, 2], "after it"]

    await client.write(*sent, [0, id, "sport", "of another channel"], [2, "x", "news"])
    await client.write("last")

    received = [(await server.event("data"))["data"] for _ in [*sent, "last"]]
    assert received == [*sent, "last"]
    assert not server.seen("stream data", "unsubscribed")


@pytest.mark.parametrize("server_kind", ["node6", "node8", OURS_IN_PYTHON])
async def test_a_page_with_our_client_has_channels(stage: Stage, server_kind: str) -> None:
    stage.speech = Speech(plugin=EMITTER)
    pair = Pair(stage, OURS_IN_CHROMIUM, server_kind)
    server = await pair.server(channels=["news"], inside=["event"])
    ours = await stage.server(OURS_IN_PYTHON)
    chromium = (await stage.client(OURS_IN_CHROMIUM)).peer
    assert isinstance(chromium, Chromium)
    tab = await chromium.tab(ours.url())

    await tab.run(f"heard = []; primus = new Primus('{server.url()}'); void 0")
    await tab.run("news = primus.channel('news'); void 0")
    await tab.run("news.on('data', (data) => heard.push(data)); void 0")
    await tab.run("news.on('event', (value) => value); void 0")
    id = (await server.event("subscribed"))["id"]
    assert id == await tab.run("news.id")
    await tab.run("news.write('from the page'); void 0")
    assert (await server.event("stream data"))["data"] == "from the page"
    assert await tab.run("news.ask('event', 1, [null])") == [1, [None]]
    asked = {"stream": f"news {id}", "name": "event", "args": ["ask"], "ask": True}
    assert await server.ask("stream_send", **asked) == ["ask"]
    await server.ask("channel_write", name="news", data={"to": "all"})
    await tab.until("heard.length === 1 || heard.length > 2")

    assert {"to": "all"} in await tab.run("heard")
    await tab.run("primus.destroy()")
    assert (await server.event("unsubscribed"))["id"] == id
    await tab.close()
