"""The plugin ``resource`` opposite primus-resource for Node, flat and over multiplex.

Never sent to a Node peer, since it kills its process: a message that is ``null``.
"""

from typing import Any

import pytest

from harness.casts import OURS_IN_CHROMIUM, OURS_IN_PYTHON
from harness.chromium import Chromium
from harness.pairs import AWKWARD, Pair
from harness.parties import Client, Server, Speech
from harness.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLUGINS = {
    False: "primus-emitter, primus-resource",
    True: "primus-multiplex, primus-emitter, primus-resource",
}
METHODS = ["Nothing", "echo"]


async def meet(pair: Pair, multiplex: bool) -> tuple[Server, Client, str]:
    """A server with a resource and a client that uses it, once it is ready."""
    pair.stage.speech = Speech(plugin=PLUGINS[multiplex])
    server = await pair.server()
    await server.ask("resource", name="creature", multiplex=multiplex)
    client = await pair.stage.client(pair.client_kind)
    about = {"name": "creature", "multiplex": multiplex}
    await client.connect(
        server.url(), resources=[about], reconnect={"min": 50, "max": 50, "retries": 100}
    )
    spark = await server.connection()
    assert (await client.event("ready"))["methods"] == METHODS
    return server, client, spark


async def call(client: Client, method: str, *args: Any, multiplex: bool) -> Any:
    about = {"name": "creature", "multiplex": multiplex}
    return await client.ask("call", method=method, args=args, **about)


@pytest.mark.parametrize("multiplex", PLUGINS, ids=["flat", "multiplex"])
async def test_methods_are_called_and_answer_with_every_value(pair: Pair, multiplex: bool) -> None:
    server, client, _ = await meet(pair, multiplex)

    assert await call(client, "echo", *AWKWARD, multiplex=multiplex) == AWKWARD
    assert await call(client, "Nothing", multiplex=multiplex) == []

    called = await server.event("called")
    assert (called["name"], called["args"]) == ("creature", AWKWARD)


@pytest.mark.parametrize("multiplex", PLUGINS, ids=["flat", "multiplex"])
async def test_what_is_broadcast_reaches_clients_also_after_a_reconnect(
    pair: Pair, multiplex: bool
) -> None:
    server, client, spark = await meet(pair, multiplex)
    await server.ask("bark", name="creature", args=[1, None])
    assert (await client.event("heard"))["args"] == [1, None]

    await server.end(spark, reconnect=True)
    await server.connection()

    if not pair.client_kind.startswith("node"):  # there it is told once
        assert (await client.event("ready"))["methods"] == METHODS
    assert await call(client, "echo", "again", multiplex=multiplex) == ["again"]
    await server.ask("bark", name="creature", args=[2])
    assert (await client.event("heard"))["args"] == [2]


@pytest.mark.parametrize("server_kind", ["node6", "node8"])
async def test_a_page_with_our_client_calls_a_node_server(stage: Stage, server_kind: str) -> None:
    pair = Pair(stage, OURS_IN_CHROMIUM, server_kind)
    stage.speech = Speech(plugin=PLUGINS[True])
    server = await pair.server()
    await server.ask("resource", name="creature", multiplex=True)
    ours = await stage.server(OURS_IN_PYTHON)
    chromium = (await stage.client(OURS_IN_CHROMIUM)).peer
    assert isinstance(chromium, Chromium)
    tab = await chromium.tab(ours.url())

    await tab.run(f"primus = new Primus('{server.url()}'); void 0")
    await tab.run("creature = primus.resource('creature'); void 0")

    assert sorted(await tab.run("creature.ready()")) == METHODS
    assert await tab.run("creature.echo('from the page', null)") == ["from the page", None]
    await tab.run("primus.destroy()")
    await tab.close()
