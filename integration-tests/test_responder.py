"""The plugin ``responder`` opposite primus-responder for Node.

Never sent to a Node peer, since it kills its process: a message that is ``null``.
"""

import asyncio
from typing import Any

import pytest

from harness.casts import OURS_IN_CHROMIUM, OURS_IN_NODE, OURS_IN_PYTHON
from harness.chromium import Chromium
from harness.pairs import AWKWARD, Pair
from harness.parties import Speech
from harness.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLUGIN = "primus-responder"
HEAR: dict[str, Any] = {"hear": ("request",)}


async def test_requests_go_both_ways_with_every_value_and_are_no_data(pair: Pair) -> None:
    server, client, spark = await pair.meet(PLUGIN, **HEAR)

    for value in AWKWARD:
        assert await client.ask("request", data=value) == value
        assert await server.ask("request", spark=spark, data=value) == value
        assert (await server.event("heard"))["args"] == [value]
        assert (await client.event("heard"))["args"] == [value]

    assert not server.seen("data")
    assert not client.seen("data")


async def test_many_requests_are_under_way_at_once(pair: Pair) -> None:
    server, client, spark = await pair.meet(PLUGIN, **HEAR)

    values = [{"number": number} for number in range(50)]
    asked = [client.ask("request", data=value) for value in values]
    asked += [server.ask("request", spark=spark, data=value) for value in values]

    assert await asyncio.gather(*asked) == values * 2


async def test_malformed_packets_are_dropped_by_both(pair: Pair) -> None:
    server, client, spark = await pair.meet(PLUGIN, **HEAR)
    malformed = [
        {"plugin": PLUGIN, **rest}
        for rest in (
            {},
            {"data": None},
            {"requestId": 0, "data": 1},
            {"responseId": "", "data": 1},
            {"responseId": "unknown", "data": 1},
            {"responseId": ["unknown"], "error": "no"},
            {"requestId": None, "responseId": None},
        )
    ]

    await client.write(*malformed, {"plugin": "another"})
    await server.write(spark, *malformed, {"plugin": "another"})

    assert (await server.event("data"))["data"] == {"plugin": "another"}
    assert await client.data() == {"plugin": "another"}
    assert not server.seen("heard")
    assert not client.seen("heard")


async def test_requests_go_on_after_a_reconnect(pair: Pair) -> None:
    server, client, spark = await pair.meet(PLUGIN, **HEAR)
    assert await client.ask("request", data="before") == "before"

    await server.end(spark, reconnect=True)
    again = await server.connection()

    assert await client.ask("request", data="after") == "after"
    assert await server.ask("request", spark=again, data="to the client") == "to the client"


@pytest.mark.parametrize("server_kind", ["node6", "node8"])
async def test_a_page_with_our_client_speaks_to_a_node_server(
    stage: Stage, server_kind: str
) -> None:
    stage.speech = Speech(plugin=PLUGIN)
    server = await stage.server(server_kind, **HEAR)
    ours = await stage.server(OURS_IN_PYTHON)
    chromium = (await stage.client(OURS_IN_CHROMIUM)).peer
    assert isinstance(chromium, Chromium)
    tab = await chromium.tab(ours.url())

    await tab.run(f"primus = new Primus('{server.url()}'); void 0")
    await tab.run("primus.on('request', (data) => ({ seen: data })); void 0")

    assert await tab.run("primus.writeAndWait(['from the page', null])") == ["from the page", None]
    spark = await server.connection()
    assert await server.ask("request", spark=spark, data=7) == {"seen": 7}
    await tab.run("primus.destroy()")
    await tab.close()


@pytest.mark.parametrize("client_kind", ["node6", "node8", OURS_IN_NODE, OURS_IN_CHROMIUM])
async def test_a_message_that_is_null_is_data_to_our_server(stage: Stage, client_kind: str) -> None:
    server, client, _ = await Pair(stage, client_kind, OURS_IN_PYTHON).meet(PLUGIN, **HEAR)

    await client.write(None, {"plugin": None}, "after it")

    sent = [None, {"plugin": None}, "after it"]
    assert [(await server.event("data"))["data"] for _ in sent] == sent
