"""The plugin ``analytics`` beside primus-analytics for Node: the same session, the same calls.

Never sent with primus-analytics for Node, in which it raises: a message that is ``null``.
"""

from typing import Any

import pytest

from harness.casts import OURS_IN_NODE, OURS_IN_PYTHON
from harness.parties import Client, Server, Speech
from harness.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

TO_OURS = [(kind, OURS_IN_PYTHON) for kind in ("node6", "node8", OURS_IN_NODE, OURS_IN_PYTHON)]
KINDS = [*TO_OURS, ("node8", "node8"), (OURS_IN_PYTHON, "node8")]
SETTINGS = {
    "category": "chat",
    "app": "demo",
    "events": {"reconnected": "is back", "write": "wrote", "secret": False, "renamed": "other"},
}


async def meet(
    stage: Stage, kinds: tuple[str, str], plugin: str, settings: Any = SETTINGS
) -> tuple[Server, Client]:
    stage.speech = Speech(plugin=f"primus-analytics, {plugin}")
    server = await stage.server(kinds[1])
    client = await stage.client(kinds[0])
    reconnect = {"min": 50, "max": 50, "retries": 2}
    await client.connect(server.url(), analytics=settings, reconnect=reconnect)
    await client.event("open")
    return server, client


def event(action: str, category: str = "chat") -> list[Any]:
    """A call of ``ga`` for an event."""
    fields = {"eventCategory": category, "hitType": "event", "nonInteraction": 1}
    return ["send", {"eventAction": action, **fields}]


def calls(client: Client) -> list[Any]:
    return [each["args"] for each in client.seen("ga")]


@pytest.mark.parametrize("kinds", KINDS, ids="-to-".join)
@pytest.mark.parametrize("plugin", ["primus-emit", "primus-emitter"])
async def test_the_same_session_gives_the_same_calls(
    stage: Stage, kinds: tuple[str, str], plugin: str
) -> None:
    do = "emit" if plugin == "primus-emit" else "send"
    server, client = await meet(stage, kinds, plugin)
    spark = await server.connection()

    await client.write("text", 0, False, "", [], {}, ["emit"], {"emit": []}, {"emit": [5]})
    await client.write({"type": 0, "data": [None]}, {"type": "0", "data": ["news"]})
    for name in ("news", "secret", "renamed", ""):
        await client.ask(do, name=name, args=[1])
    await server.end(spark, reconnect=True)
    await client.event("reconnected")
    await client.ask("fail", text="boom")
    await client.ask("end")
    await client.event("end")

    assert calls(client) == [
        event("open"),
        *[event("wrote")] * 11,
        *(event("news"), event("other"), event("")),
        *(event("close"), event("reconnect-start"), event("is back"), event("open")),
        ["send", "exception", {"exDescription": "boom", "appName": "demo", "exFatal": True}],
        event("close"),
    ]


@pytest.mark.parametrize("kinds", TO_OURS, ids="-to-".join)
async def test_a_reconnection_that_fails_gives_the_same_calls(
    stage: Stage, kinds: tuple[str, str]
) -> None:
    server, client = await meet(stage, kinds, "primus-emit", {"events": {"error": False}})

    await server.destroy(reconnect=True)
    await client.event("reconnect failed")
    await client.event("end")

    assert calls(client) == [
        event(name, "primus") for name in ("open", "close", "reconnect-start", "reconnect-failed")
    ]
