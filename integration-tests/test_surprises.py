"""Whatever packets a peer sends, nothing is raised: servers, Python clients and browser clients."""

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.casts import OURS_IN_NODE, OURS_IN_PYTHON
from harness.parties import Party, Speech
from harness.stage import Stage
from primus_testing.parser import JSON_VALUES

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLUGINS = "emit, emitter, multiplex, substream, resource, responder"
WORDS = ["news", "request", "creature", "plain::echo", "plain::ready", "data", "1", "__proto__"]
anything = st.one_of(
    st.sampled_from([0, 1, 2, True, *WORDS]), st.sampled_from(WORDS).map(lambda name: [name]),
    JSON_VALUES,
)  # fmt: skip


def packet(fixed: dict[str, Any], *places: str) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {name: st.just(value) for name, value in fixed.items()},
        optional=dict.fromkeys(places, anything),
    )


packets = st.one_of(
    packet({}, "emit"),
    packet({}, "type", "data", "id", "fails", "error"),
    packet({"type": 0}, "data", "id", "fails"),
    packet({"type": 1}, "data", "id", "error"),
    packet({"plugin": "primus-responder"}, "requestId", "responseId", "data", "fails", "error"),
    packet({}, "substream", "args", "escaped"),
    st.lists(anything, min_size=2, max_size=5),
    st.builds(lambda kind, rest: [kind, *rest], st.integers(0, 3), st.lists(anything, max_size=4)),
    JSON_VALUES,
)
markers = itertools.count(1)


async def hears(party: Party, marker: Any) -> None:
    while (await party.event("data"))["data"] != marker:
        pass


@pytest.mark.parametrize("client_kind", [OURS_IN_PYTHON, OURS_IN_NODE])
async def test_whatever_arrives_nothing_is_raised_and_the_connection_goes_on(
    stage: Stage, client_kind: str
) -> None:
    stage.speech = Speech(plugin=PLUGINS)
    server = await stage.server(OURS_IN_PYTHON, hear=["news", "request"])
    await server.ask("resource", name="creature", multiplex=True)
    await server.ask("resource", name="plain", multiplex=False)
    client = await stage.client(client_kind)
    uses = [{"name": "creature", "multiplex": True}, {"name": "plain", "multiplex": False}]
    await client.connect(server.url(), hear=["news", "request"], resources=uses)
    spark = await server.connection()
    sent: list[list[Any]] = []

    @settings(
        max_examples=60,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.lists(packets, min_size=5, max_size=30))
    def collect(messages: list[Any]) -> None:
        sent.append([each for each in messages if not is_control(each)])

    collect()
    for messages in sent:
        marker = {"marker": next(markers)}
        await client.write(*messages, marker)
        await server.write(spark, *messages, marker)
        await hears(server, marker)
        await hears(client, marker)

    assert await server.connected() == [spark]
    assert not client.seen("error")


def is_control(message: Any) -> bool:
    return isinstance(message, str) and message.startswith("primus::")
