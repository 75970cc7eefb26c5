"""The plugin ``spark-latency`` opposite primus-spark-latency for Node.

Never sent to a Node peer, since it kills its process: a message that is ``null``.
"""

import asyncio
from typing import Any

import pytest

from harness.casts import OURS_IN_CHROMIUM, OURS_IN_NODE, OURS_IN_PYTHON
from harness.inbox import DEADLINE
from harness.parties import Client, Server, Speech
from harness.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

REPORTING = [
    ("node6", "node6"),
    ("node6", OURS_IN_PYTHON),
    *((kind, OURS_IN_PYTHON) for kind in (OURS_IN_PYTHON, OURS_IN_NODE, OURS_IN_CHROMIUM)),
    *((OURS_IN_PYTHON, kind) for kind in ("node6", "node8")),
    (OURS_IN_NODE, "node6"),
]
"""Pairs of which the client has something to report. One of Primus 8 has nothing."""


async def meet(
    stage: Stage, kinds: tuple[str, str], how: dict[str, Any], **options: Any
) -> tuple[Server, Client, str]:
    stage.speech = Speech(plugin="primus-spark-latency")
    server = await stage.server(kinds[1], options=options)
    client = await stage.client(kinds[0])
    await client.connect(server.url(), **how)
    return server, client, await server.connection()


async def measured(server: Server, spark: str) -> Any:
    """What the server knows of the spark, as soon as it knows the latency."""
    async with asyncio.timeout(DEADLINE):
        while not (found := await server.ask("measured", spark=spark))["latency"]:
            pass
    return found


@pytest.mark.parametrize("kinds", REPORTING, ids="-to-".join)
async def test_a_client_reports_its_latency_and_its_clock(
    stage: Stage, kinds: tuple[str, str]
) -> None:
    how = {"use_clock_offset": True, **({"ping": 50} if kinds[0] == "node6" else {})}
    server, client, spark = await meet(stage, kinds, how, use_clock_offset=True)

    found = await measured(server, spark)
    await client.write("hello")
    assert (await server.event("data"))["data"] == "hello"

    assert 0 < found["latency"] < DEADLINE * 1000
    assert abs(found["offset"]) < DEADLINE * 1000
    assert len(server.seen("data")) == 1


async def test_a_server_takes_the_latency_without_the_clock_when_it_has_no_use_for_it(
    stage: Stage,
) -> None:
    server, _, spark = await meet(
        stage, ("node6", OURS_IN_PYTHON), {"use_clock_offset": True, "ping": 50}
    )

    found = await measured(server, spark)

    assert (found["latency"] > 0, found["offset"]) == (True, 0)
    assert not server.seen("data")


async def test_clients_of_primus_8_are_measured_by_the_pings_of_the_server(stage: Stage) -> None:
    server, _, spark = await meet(stage, ("node8", OURS_IN_PYTHON), {}, pingInterval=100)

    assert (await server.event("data"))["data"] == {}
    assert (await measured(server, spark))["latency"] > 0


async def test_a_client_of_primus_8_reports_its_clock_alone(stage: Stage) -> None:
    how = {"use_clock_offset": True}
    server, client, spark = await meet(stage, ("node8", OURS_IN_PYTHON), how, use_clock_offset=True)

    await client.write("hello")

    assert (await server.event("data"))["data"] == "hello"
    found = await server.ask("measured", spark=spark)
    assert (found["latency"], abs(found["offset"]) < DEADLINE * 1000) == (0, True)
