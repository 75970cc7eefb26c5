"""The plugin ``substream`` opposite substream for Node, alone and with ``emit`` beside it.

Never sent to a Node server that has a substream, since it kills its process: a message of the
connection that is ``null``.
"""

import pytest

from harness.casts import OURS_IN_CHROMIUM, OURS_IN_PYTHON
from harness.chromium import Chromium
from harness.pairs import AWKWARD, WITH_PLUGINS, Pair
from harness.parties import Client, Server, Speech
from harness.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

WITHOUT_PAGES = [pair for pair in WITH_PLUGINS if OURS_IN_CHROMIUM not in pair]
"""A test of its own has the page."""

END = "substream::end"
QUICK = {"min": 50, "max": 50, "retries": 100}


@pytest.fixture(params=WITHOUT_PAGES, ids=[" to ".join(pair) for pair in WITHOUT_PAGES])
def pair(request: pytest.FixtureRequest, stage: Stage) -> Pair:
    return Pair(stage, *request.param)


async def meet(pair: Pair, plugin: str = "substream") -> tuple[Server, Client, str]:
    """A server and a client with two substreams each, connected."""
    pair.stage.speech = Speech(plugin=plugin)
    names = ["chat", "ticks"]
    server = await pair.stage.server(pair.server_kind, substreams=names, hear=["news"])
    client = await pair.stage.client(pair.client_kind)
    await client.connect(
        server.url(), hear=["news"], streams={"substreams": names}, reconnect=QUICK
    )
    await client.event("open")
    return server, client, await server.connection()


async def test_every_value_goes_both_ways_and_is_no_data_of_the_connection(pair: Pair) -> None:
    server, client, _ = await meet(pair)

    for sender, receiver in ((client, server), (server, client)):
        await sender.ask("stream_write", stream="chat", values=AWKWARD)
        for value in AWKWARD:
            event = await receiver.event("stream data")
            assert (event["stream"], event["data"]) == ("chat", value)
        assert not receiver.seen("data", "stream end")


async def test_an_end_reaches_the_other_side_and_ends_that_stream_only(pair: Pair) -> None:
    server, client, _ = await meet(pair)

    await client.ask("stream_end", stream="chat", data="last")
    assert (await server.event("stream data"))["data"] == "last"
    for each in (server, client):
        assert (await each.event("stream end"))["stream"] == "chat"
        assert await each.ask("stream_write", stream="chat", values=[1]) == [False]

    await server.ask("stream_write", stream="ticks", values=["still there"])
    assert (await client.event("stream data"))["data"] == "still there"
    await server.ask("stream_end", stream="ticks")
    for each in (client, server):
        assert (await each.event("stream end"))["stream"] == "ticks"


async def test_the_end_marker_as_a_message_of_ours_ends_nothing(pair: Pair) -> None:
    server, client, _ = await meet(pair)

    for sender, receiver, kinds in (
        (client, server, (pair.client_kind, pair.server_kind)),
        (server, client, (pair.server_kind, pair.client_kind)),
    ):
        if kinds[0].startswith("node"):
            continue  # there it is the end
        await sender.ask("stream_write", stream="chat", values=[END, "next"])
        theirs = kinds[1].startswith("node")
        received = [(await receiver.event("stream data"))["data"] for _ in range(2)]
        assert received == ["substream::substream::end" if theirs else END, "next"]
        assert not receiver.seen("stream end")


async def test_the_end_marker_as_a_message_of_node_is_the_end(stage: Stage) -> None:
    server, client, _ = await meet(Pair(stage, "node8", OURS_IN_PYTHON))

    await client.ask("stream_write", stream="chat", values=[END])

    assert (await server.event("stream end"))["stream"] == "chat"


async def test_streams_are_there_again_after_a_reconnect(pair: Pair) -> None:
    server, client, spark = await meet(pair)

    await server.end(spark, reconnect=True)
    assert (await server.event("stream end"))["stream"] in ("chat", "ticks")
    await server.connection()
    await client.event("reconnected")
    await client.ask("stream_write", stream="chat", values=["again"])
    assert (await server.event("stream data"))["data"] == "again"
    await server.ask("stream_write", stream="chat", values=["and back"])

    assert (await client.event("stream data"))["data"] == "and back"
    assert not client.seen("stream end")


async def test_the_end_of_the_connection_ends_the_streams(pair: Pair) -> None:
    server, client, _ = await meet(pair)

    await client.end()

    for each in (client, server):
        ended = {(await each.event("stream end"))["stream"] for _ in range(2)}
        assert ended == {"chat", "ticks"}


async def test_with_emit_beside_it_each_has_its_own(pair: Pair) -> None:
    server, client, spark = await meet(pair, "primus-emit, substream")

    await client.ask("stream_write", stream="chat", values=[{"emit": ["news", 1]}])
    await client.ask("emit", name="news", args=["from the client"])
    await server.ask("stream_write", stream="chat", values=[{"emit": ["news", 2]}])
    await server.ask("emit", spark=spark, name="news", args=["from the server"])

    assert (await server.event("stream data"))["data"] == {"emit": ["news", 1]}
    assert (await server.event("heard"))["args"] == ["from the client"]
    assert (await client.event("stream data"))["data"] == {"emit": ["news", 2]}
    assert (await client.event("heard"))["args"] == ["from the server"]
    assert len(server.seen("heard")) == len(client.seen("heard")) == 1


@pytest.mark.parametrize("client_kind", ["node6", "node8"])
async def test_a_message_that_is_null_is_data_to_our_server(stage: Stage, client_kind: str) -> None:
    server, client, _ = await meet(Pair(stage, client_kind, OURS_IN_PYTHON))
    sent = [None, {"substream": None}, {"substream": "other", "args": None}, "after it"]

    await client.write(*sent)

    assert [(await server.event("data"))["data"] for _ in sent] == sent


@pytest.mark.parametrize("server_kind", ["node6", "node8", OURS_IN_PYTHON])
async def test_a_page_with_our_client_has_substreams(stage: Stage, server_kind: str) -> None:
    stage.speech = Speech(plugin="substream")
    server = await stage.server(server_kind, substreams=["chat"])
    ours = await stage.server(OURS_IN_PYTHON)
    chromium = (await stage.client(OURS_IN_CHROMIUM)).peer
    assert isinstance(chromium, Chromium)
    tab = await chromium.tab(ours.url())

    await tab.run(f"heard = []; primus = new Primus('{server.url()}'); void 0")
    await tab.run("chat = primus.substream('chat'); void 0")
    await tab.run("chat.on('data', (data) => heard.push(data)); void 0")
    await tab.run("chat.on('end', () => heard.push('the end')); void 0")
    await tab.run("chat.write('from the page'); chat.write(null); void 0")

    assert [(await server.event("stream data"))["data"] for _ in range(2)] == [
        "from the page",
        None,
    ]
    await server.ask("stream_write", stream="chat", values=[{"from": "the server"}])
    await server.ask("stream_end", stream="chat")
    await tab.until("heard.length === 2")
    assert await tab.run("heard") == [{"from": "the server"}, "the end"]
    await tab.run("primus.destroy()")
    await tab.close()
