"""The plugin ``mirage`` opposite mirage for Node, with primus-emit and with primus-emitter."""

from typing import Any

import pytest

from harness.casts import OURS_IN_NODE, OURS_IN_PYTHON
from harness.pairs import Pair
from harness.parties import Speech
from harness.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

EMIT = "mirage, primus-emit"
CHOSEN = [
    ("node6", OURS_IN_PYTHON),
    ("node8", OURS_IN_PYTHON),
    (OURS_IN_PYTHON, "node8"),
    (OURS_IN_NODE, "node6"),
]
"""Pairs for what the pairs have in common with one another."""


@pytest.fixture(params=CHOSEN, ids="-to-".join)
def chosen(request: pytest.FixtureRequest, stage: Stage) -> Pair:
    """One of a few pairs."""
    return Pair(stage, *request.param)


async def meet(pair: Pair, plugin: str = EMIT, id: str = "", **about: Any) -> tuple[Any, Any]:
    """A server and a client that has begun to connect, with an id or without."""
    pair.stage.speech = Speech(plugin=plugin)
    server = await pair.server(**about)
    client = await pair.stage.client(pair.client_kind)
    options: dict[str, Any] = {"mirage": id} if id else {}
    await client.connect(
        server.url(room="é"),
        hear=("mirage",),
        reconnect={"min": 50, "max": 50},
        writes=["written at once"],
        **options,
    )
    return server, client


@pytest.mark.parametrize("plugin", [EMIT, "mirage, primus-emitter"])
async def test_a_client_gets_an_id_and_comes_back_with_it(pair: Pair, plugin: str) -> None:
    server, client = await meet(pair, plugin)

    first = await server.event("connection")
    (id,) = (await client.event("heard"))["args"]
    assert (await server.event("data"))["data"] == "written at once"
    await server.end(first["spark"], reconnect=True)
    second = await server.event("connection")
    await client.write("after the reconnect")
    assert (await server.event("data"))["data"] == "after the reconnect"

    assert first["mirage"] == second["mirage"] == second["query"]["_mirage"] == id
    assert "_mirage" not in first["query"]
    assert second["query"]["room"] == "é"
    assert len(client.seen("heard")) == 1


async def test_an_id_of_an_earlier_run_is_used_again(chosen: Pair) -> None:
    server, client = await meet(chosen, id="a&b=c é")

    connection = await server.event("connection")
    assert (await server.event("data"))["data"] == "written at once"

    assert connection["mirage"] == connection["query"]["_mirage"] == "a&b=c é"
    assert not client.seen("heard")


async def test_a_validator_replaces_an_id(chosen: Pair) -> None:
    server, client = await meet(chosen, id="old", ids=("validator", "replaced"))

    assert (await client.event("heard"))["args"] == ["not old"]
    assert (await server.event("connection"))["mirage"] == "not old"
    assert (await server.event("data"))["data"] == "written at once"


@pytest.mark.parametrize(
    ("id", "ids"),
    [
        ("bad", ("validator", "refused")),
        ("bad", ("validator", "never")),
        ("", ("generator", "never")),
    ],
    ids=["refused", "late", "never made"],
)
async def test_an_id_that_is_refused_or_too_late_ends_the_connection(
    chosen: Pair, id: str, ids: tuple[str, str]
) -> None:
    server, client = await meet(chosen, id=id, ids=ids, options={"mirage timeout": 100})

    await client.event("end")

    assert not server.seen("connection", "data")
    assert not client.seen("heard", "reconnect scheduled")
