"""Arbitrary packets of ``substream`` and ``multiplex`` at our browser client, in Node."""

import os
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings

from harness.casts import OURS_IN_NODE, OURS_IN_PYTHON
from harness.parties import Client, Server, Speech
from harness.stage import Stage
from primus_testing.parser import JSON_VALUES

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session", params=["", "emitter, responder, "])
async def talk(request: pytest.FixtureRequest, stage: Stage) -> tuple[Server, Client, str, str]:
    """A server, a client with a substream and a channel, its spark, and the id in the channel."""
    stage.speech = Speech(plugin=f"{request.param}substream, multiplex")
    streams = {"substreams": ["chat"], "channels": ["news"]}
    server = await stage.server(OURS_IN_PYTHON, **streams)
    client = await stage.client(OURS_IN_NODE)
    await client.connect(server.url(), streams=streams)
    id = (await server.event("subscribed"))["id"]
    return server, client, await server.connection(), id


def as_in_javascript(value: Any) -> Any:
    """A value as our parser has it in JavaScript: numbers are floats, no key is ``__proto__``."""
    if isinstance(value, list):
        return [as_in_javascript(each) for each in value]
    if isinstance(value, dict):
        return {name: as_in_javascript(each) for name, each in value.items() if name != "__proto__"}
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def astray(value: Any, id: str) -> list[Any]:
    """Packets with a value in a place where it makes the packet none of the streams there are."""
    places: list[Any] = [
        value,
        [value, value, value],
        [value, value, value, value],
        [0, value, "news", value],
        [0, id, value, value],
        [2, value, "news"],
        [2, id, value, value],
        [1, id, value],
        {"substream": value, "args": value},
        {"substream": [value], "args": "substream::end"},
        {"type": value, "data": value, "id": value},
        {"type": 1, "data": [value], "id": 1},
        {"plugin": "primus-responder", "responseId": value, "data": value},
    ]
    return [packet for packet in places if value not in ("news", "chat", id)]


@settings(
    max_examples=100,
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(value=JSON_VALUES)
async def test_every_value_in_every_place_raises_nothing_and_reaches_no_wrong_listener(
    talk: tuple[Server, Client, str, str], value: Any
) -> None:
    server, client, spark, id = talk
    payload = ["payload", value]  # no packet of another plugin
    before = len(client.seen("stream data"))

    await server.write(
        spark,
        *astray(value, id),
        {"substream": "chat", "args": payload},
        {"substream": "chat", "args": payload, "escaped": value},
        [0, id, "news", payload],
        {"the": "last"},
    )

    heard = [await client.event("stream data") for _ in range(3)]
    assert [event["stream"] for event in heard] == ["chat", "chat", "news"]
    for event in heard:
        assert as_in_javascript(event["data"]) == as_in_javascript(payload)
    while await client.data() != {"the": "last"}:
        pass
    assert len(client.seen("stream data")) == before + 3
    assert not client.seen("error", "stream end")
