"""BrowserChannel between us and every generation of Primus for Node, and through what breaks it."""

import pytest

from harness.casts import NODE, OURS_IN_CHROMIUM, OURS_IN_NODE, OURS_IN_PYTHON
from harness.parties import Speech
from harness.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

SPEECH = Speech("browserchannel")
MEETINGS = [
    *[(kind, OURS_IN_PYTHON) for kind in (*NODE, OURS_IN_NODE, OURS_IN_CHROMIUM, OURS_IN_PYTHON)],
    *[(OURS_IN_PYTHON, kind) for kind in NODE],
]
MEGABYTE = "é" * 500_000


@pytest.mark.parametrize(
    ("client_kind", "server_kind"), MEETINGS, ids=["-to-".join(meeting) for meeting in MEETINGS]
)
async def test_volleys_both_ways_keep_their_order(
    stage: Stage, client_kind: str, server_kind: str
) -> None:
    """Two thousand messages are many more than one answer of a back channel has."""
    stage.speech = SPEECH
    server = await stage.server(server_kind, echo=True)
    client = await stage.client(client_kind)
    await client.connect(server.url(), writes=range(100))
    assert [await client.data() for _ in range(100)] == list(range(100))

    await client.write(MEGABYTE)
    assert await client.data() == MEGABYTE

    await client.write(*range(2000))
    assert [await client.data() for _ in range(2000)] == list(range(2000))
    received = [(await server.event("data"))["data"] for _ in range(2101)]
    assert received == [*range(100), MEGABYTE, *range(2000)]
    assert not client.seen("error", "close")
