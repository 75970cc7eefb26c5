"""The plugins ``emit`` and ``emitter`` opposite primus-emit and primus-emitter for Node.

Never sent to a Node peer, since it kills its process: a message that is ``null``. Never used there
together: both plugins, since they bounce events back and forth.
"""

import asyncio

import pytest

from harness.casts import OURS_IN_CHROMIUM, OURS_IN_NODE, OURS_IN_PYTHON
from harness.chromium import Chromium
from harness.pairs import AWKWARD, Pair
from harness.parties import Speech
from harness.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

# -- emit


async def test_events_go_both_ways_with_every_value_and_are_no_data(pair: Pair) -> None:
    server, client, spark = await pair.meet("primus-emit")

    await client.ask("emit", name="news", args=AWKWARD)
    await server.ask("emit", spark=spark, name="news", args=AWKWARD)
    await client.ask("emit", name="news", args=[])

    assert (await server.event("heard"))["args"] == AWKWARD
    assert (await client.event("heard"))["args"] == AWKWARD
    assert (await server.event("heard"))["args"] == []
    assert not server.seen("data")
    assert not client.seen("data")


async def test_reserved_events_cross_in_neither_direction(pair: Pair) -> None:
    server, client, spark = await pair.meet("primus-emit")

    await client.ask("emit", name="outgoing::x", args=["stays here"])
    await client.write({"emit": ["data", "dropped"]}, {"emit": ["end"]}, {"emit": "is data"})
    await server.write(spark, {"emit": ["end"]})
    await server.write(spark, {"emit": ["data", "dropped"]})
    await server.write(spark, "is data")

    assert (await server.event("data"))["data"] == {"emit": "is data"}
    assert await client.data() == "is data"
    assert len(server.seen("data", "heard")) == len(client.seen("data", "heard")) == 1
    assert await server.connected() == [spark]


async def test_the_broadcast_variant_emits_on_the_primus(pair: Pair) -> None:
    server, client, spark = await pair.meet("primus-emit/broadcast", overhear=("news", "data"))

    await client.ask("emit", name="news", args=AWKWARD)
    await client.write("plain")
    await server.ask("emit", spark=spark, name="news", args=[1])

    news, data = await server.event("overheard"), await server.event("overheard")
    assert (news["spark"], news["name"], news["args"]) == (spark, "news", AWKWARD)
    assert (data["spark"], data["name"], data["args"]) == (spark, "data", ["plain"])
    assert (await server.event("data"))["data"] == "plain"
    assert (await client.event("heard"))["args"] == [1]
    assert not server.seen("heard")


# -- emitter


async def test_sent_events_go_both_ways_with_every_value(pair: Pair) -> None:
    server, client, spark = await pair.meet("primus-emitter")

    await client.ask("send", name="news", args=AWKWARD)
    await server.ask("send", spark=spark, name="news", args=AWKWARD)

    assert (await server.event("heard"))["args"] == AWKWARD
    assert (await client.event("heard"))["args"] == AWKWARD


async def test_acknowledgements_go_both_ways_with_every_value(pair: Pair) -> None:
    server, client, spark = await pair.meet("primus-emitter")

    for _ in range(2):
        assert await client.ask("send", name="news", args=AWKWARD, ask=True) == AWKWARD
        to_client = {"spark": spark, "name": "news", "args": AWKWARD, "ask": True}
        assert await server.ask("send", **to_client) == AWKWARD
        assert (await server.event("heard"))["args"] == AWKWARD
        assert (await client.event("heard"))["args"] == AWKWARD

    assert len(server.seen("heard")) == len(client.seen("heard")) == 2


async def test_an_event_without_listener_is_refused_where_both_sides_understand_that(
    pair: Pair,
) -> None:
    _, client, _ = await pair.meet("primus-emitter")

    unheard = asyncio.create_task(client.ask("send", name="unknown", args=[], ask=True))
    heard = asyncio.create_task(client.ask("send", name="news", args=[1], ask=True))

    assert await heard == [1]
    if pair.client_kind == pair.server_kind == OURS_IN_PYTHON:
        with pytest.raises(AssertionError, match="AckFailed: no listener"):
            await unheard
    else:
        assert not unheard.done()
        unheard.cancel()


async def test_a_primus_sends_to_all(pair: Pair) -> None:
    server, client, _ = await pair.meet("primus-emitter")
    other = await pair.stage.client(pair.client_kind)
    await other.connect(server.url(), hear=["news"])
    await other.event("open")

    await server.ask("send", name="news", args=["to all"])

    for each in (client, other):
        assert (await each.event("heard"))["args"] == ["to all"]


@pytest.mark.parametrize("server_kind", ["node6", "node8"])
@pytest.mark.parametrize("plugin", ["primus-emit", "primus-emitter"])
async def test_a_page_with_our_client_speaks_to_a_node_server(
    stage: Stage, server_kind: str, plugin: str
) -> None:
    stage.speech = Speech(plugin=plugin)
    server = await Pair(stage, OURS_IN_CHROMIUM, server_kind).server(hear=["news"])
    ours = await stage.server(OURS_IN_PYTHON)
    chromium = (await stage.client(OURS_IN_CHROMIUM)).peer
    assert isinstance(chromium, Chromium)
    tab = await chromium.tab(ours.url())
    do = "emit" if plugin == "primus-emit" else "send"

    await tab.run(f"heard = []; primus = new Primus('{server.url()}'); void 0")
    await tab.run("primus.on('news', (...args) => { ack = args.pop(); heard.push(args); }); void 0")
    await tab.run(f"primus.{do}('news', 'from the page', null); void 0")

    event = await server.event("heard")
    assert event["args"] == ["from the page", None]
    await server.ask(do, spark=event["spark"], name="news", args=["from the server", "last"])
    await tab.until("heard.length")
    assert await tab.run("[heard, ack]") == [[["from the server"]], "last"]
    if plugin == "primus-emitter":
        asked = server.ask("send", spark=event["spark"], name="news", args=["ask"], ask=True)
        answer = asyncio.ensure_future(asked)
        await tab.until("typeof ack === 'function'")
        await tab.run("ack('answered')")
        assert await answer == ["answered"]
        assert await tab.run("primus.ask('news', 1, [2])") == [1, [2]]
    await tab.run("primus.destroy()")
    await tab.close()


# -- ours alone


@pytest.mark.parametrize("client_kind", ["node6", "node8", OURS_IN_NODE, OURS_IN_CHROMIUM])
@pytest.mark.parametrize("plugin", ["primus-emit", "primus-emitter"])
async def test_a_message_that_is_null_is_data_to_our_server(
    stage: Stage, client_kind: str, plugin: str
) -> None:
    server, client, _ = await Pair(stage, client_kind, OURS_IN_PYTHON).meet(plugin)

    await client.write(None, {"emit": None}, {"type": 0, "data": None}, "after it")

    sent = [None, {"emit": None}, {"type": 0, "data": None}, "after it"]
    assert [(await server.event("data"))["data"] for _ in sent] == sent


async def test_one_server_of_ours_with_both_plugins_speaks_to_clients_of_either(
    stage: Stage,
) -> None:
    both = {"plugin": "emit, emitter"}
    server = await stage.server(OURS_IN_PYTHON, hear=["news"], options=both)
    for plugin, do in (("primus-emit", "emit"), ("primus-emitter", "send")):
        stage.speech = Speech(plugin=plugin)
        client = await stage.client("node8")
        await client.connect(server.url(), hear=["news"])
        await client.event("open")
        spark = await server.connection()

        await client.ask(do, name="news", args=[plugin])
        assert (await server.event("heard"))["args"] == [plugin]
        await server.ask(do, spark=spark, name="news", args=[plugin])
        assert (await client.event("heard"))["args"] == [plugin]
    assert len(server.seen("heard")) == 2
