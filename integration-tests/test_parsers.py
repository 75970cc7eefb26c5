"""What each parser carries, between ours and the real Primus of every generation that has it."""

import asyncio
from asyncio.subprocess import PIPE
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from harness.casts import NODE, OURS_IN_NODE, OURS_IN_PYTHON, PAIRS, UPGRADING_PAIRS
from harness.network import BINARY, TEXT, RawWebSocket
from harness.node import installed, node
from harness.parties import Speech
from harness.stage import Stage
from harness.tools import PEERS

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAIRS_OVER = {
    "websockets": PAIRS,
    "engine.io": [
        *UPGRADING_PAIRS,
        (OURS_IN_NODE, "node8"),
        (OURS_IN_PYTHON, "node6"),
        (OURS_IN_PYTHON, "node8"),
    ],
    "sockjs": [("node6", OURS_IN_PYTHON), (OURS_IN_PYTHON, "node8")],
}
"""The pairs that meet over each transformer."""

PARSERS = {"msgpack": bytes, "ejson": str, "binary": bytes}
"""The parsers, and what their frames are."""

IMPOSSIBLE = {("sockjs", bytes), ("node5", "msgpack")}
"""SockJS carries text only, and Primus 5 has no such parser."""

MOMENT = datetime(2023, 11, 14, 22, 13, 20, 123_000, UTC)
BYTES = [b"", b"\x00\xff\xfe", bytes(range(256)) * 40]
EVERYWHERE = [
    {"nested": [{"deep": {"er": [[], {}, [None, True, False]]}}], "": "empty key"},
    "Grüße, žluťoučký kůň, 日本語, العربية \u2028 \x00 \ufeff",
    ["\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467", {"\U0001f600": "\U00010348"}],
    [0, -1, 127, 128, -33, 65536, 2**31 - 1, -(2**31), 2**32 - 1, 1.5, -0.1, 1e-7],
    {"": [b"within"]},
    list(range(300)),
    {f"key {number}": number for number in range(40)},
    "x" * 100_000,
    "\U0001f600" * 20_000,
    "",
    [],
    {},
]
TIMES = [
    MOMENT,
    {"at": [MOMENT, datetime(1969, 12, 31, tzinfo=UTC)]},
    datetime(1, 1, 1, tzinfo=UTC),
]
WHOLE = [2**32, 1_700_000_000_123, 2**53 - 1, -(2**53) + 1]

NONSENSE = [b"\xdd\xff\xff\xff\xff", b"\xc1\xc1", b"\x91" * 5000, b"\xb1\xff", b"\x81\x90\x00", b""]


@dataclass
class Meeting:
    """A client and a server, connected, which speak the same."""

    client: Any
    server: Any
    spark: str

    async def up(self, value: Any) -> Any:
        """What the server gets when the client writes `value`."""
        await self.client.write(value)
        return (await self.server.event("data"))["data"]

    async def down(self, value: Any) -> Any:
        """What the client gets when the server writes `value`."""
        await self.server.write(self.spark, value)
        return await self.client.data()


MEETINGS = [
    (client, server, Speech(transformer, parser))
    for transformer, pairs in PAIRS_OVER.items()
    for parser, frames in PARSERS.items()
    for client, server in pairs
    if not {(transformer, frames), (client, parser), (server, parser)} & IMPOSSIBLE
]


@pytest.fixture(params=MEETINGS, ids=lambda meeting: f"{meeting[0]}-to-{meeting[1]}-{meeting[2]}")
def kinds(request: pytest.FixtureRequest) -> tuple[str, str, Speech]:
    """A pair, and what it speaks."""
    pair: tuple[str, str, Speech] = request.param
    return pair


@pytest_asyncio.fixture(loop_scope="session")
async def meeting(stage: Stage, kinds: tuple[str, str, Speech]) -> Meeting:
    """A client that is connected to a server."""
    client_kind, server_kind, stage.speech = kinds
    server = await stage.server(server_kind)
    client = await stage.client(client_kind)
    await client.connect(server.url())
    return Meeting(client, server, await server.connection())


async def test_values_dates_and_bytes_arrive_both_ways(
    meeting: Meeting, kinds: tuple[str, str, Speech]
) -> None:
    for value in values(*kinds):
        assert await meeting.up(value) == value
        assert await meeting.down(value) == value
    if kinds[2].parser == "binary":
        assert "2023" in await meeting.up(MOMENT)
        assert "2023" in await meeting.down(MOMENT)


def values(client: str, server: str, speech: Speech) -> list[Any]:
    """What they can tell one another."""
    if speech.parser != "binary":
        return [*EVERYWHERE, BYTES, *TIMES, *WHOLE]
    # `binary-pack` refuses to write empty bytes, and overflows its stack when it reads the large
    # numbers that it wrote itself. Its dates are text, in a form of JavaScript's own.
    numbers = [] if {client, server} <= set(NODE) else WHOLE
    return [*EVERYWHERE, BYTES[1:], *numbers]


async def test_a_broadcast_and_control_text_are_understood(meeting: Meeting) -> None:
    value = {"to": ["all", b"\x00\xff", "\u20ac"]}
    await meeting.server.broadcast(value)
    assert await meeting.client.data() == value
    assert await meeting.server.id_for(await meeting.client.id()) == meeting.spark
    await meeting.server.end(meeting.spark, data={"last": b"words"})
    await meeting.client.event("end")
    assert (await meeting.client.data()) == {"last": b"words"}


@pytest.mark.parametrize("parser", PARSERS)
async def test_a_frame_that_is_nonsense_harms_no_other_client(stage: Stage, parser: str) -> None:
    stage.speech = Speech("websockets", parser)
    server = await stage.server(OURS_IN_PYTHON, echo=True)
    witness = await stage.client(OURS_IN_PYTHON)
    await witness.connect(server.url())
    async with await RawWebSocket.connect(server.port) as stranger:
        for nonsense in NONSENSE:
            stranger.send(nonsense, BINARY)
        for text in ("{", "\u20ac", '{"$type":"Unknown","$value":1}', '{"$date":[]}'):
            stranger.send(text.encode(), TEXT)
        await witness.write("still here")
        assert await witness.data() == "still here"
        stranger.writer.write_eof()
        await stranger.closed()


@pytest.mark.parametrize("generation", [5, 6, 8])
@pytest.mark.parametrize("parser", PARSERS)
async def test_the_golden_vectors_are_what_node_says(parser: str, generation: int) -> None:
    if (f"node{generation}", parser) in IMPOSSIBLE:
        return
    command = [*node(), "--no-deprecation", PEERS / "golden.js", installed(generation), parser]
    process = await asyncio.create_subprocess_exec(*map(str, command), stdout=PIPE)
    said, _ = await process.communicate()
    folder = Path(__file__).parents[1] / "packages" / f"primus-parser-{parser}"
    assert said.decode() == (folder / "tests" / "golden.json").read_text("utf-8")
