"""What two Primus peers send one another, in Python, Node or a browser.

Every test runs with each pair of client and server of which at least one is ours, and with the real
Primus of each generation against itself, which shows that the test states what Primus really does.
"""

from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from harness.casts import NODE, OURS_IN_PYTHON, meetings, takes_key_for_id
from harness.inbox import DEADLINE
from harness.parties import Client, Server
from harness.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUICK: dict[str, Any] = {"reconnect": {"min": 20, "max": 200, "timeout": 2000, "retries": 100}}
"""Client options with which a reconnection, wanted or not, happens at once, and is not given up
while a busy machine starts a server."""

GONE = 0.5
"""Seconds that a server waits for a client which polls no more."""

POLLING = ("browserchannel", "engine.io", "socket.io", "sockjs")
"""Transformers whose servers tell a client something when it asks."""

AWKWARD = [
    {"nested": [{"deep": {"er": [[], {}, [None]]}}], "": "empty key"},
    "Grüße, žluťoučký kůň, 日本語, العربية",
    "line\u2028separator and paragraph\u2029separator",
    "astral \U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467 \U00010348",
    'quote " backslash \\ slash / nul \x00 bell \x07 del \x7f newline \n return \r tab \t',
    "",
    " ",
    0,
    -1,
    1.5,
    1e21,
    2**53 - 1,
    None,
    True,
    False,
    [],
    {},
    "primus:hello is not reserved, as it has one colon",
    {"primus::id::": "only text is control text"},
    "x" * 300_000,
    ["\U0001f600" * 25_000],
]


@dataclass
class Pair:
    """A kind of client and a kind of server on a stage."""

    stage: Stage
    client_kind: str
    server_kind: str

    @property
    def breaks_off(self) -> bool:
        """Whether its client drops what it is sending when it ends, as sockjs-client does."""
        speech, kind = self.stage.speech, self.client_kind
        over_http = speech.transformer == "sockjs" and "websocket" not in speech.transports
        return (over_http or speech.transformer == "browserchannel") and kind != OURS_IN_PYTHON

    @property
    def calls_the_end_an_error(self) -> bool:
        """Whether its client emits an error when the server ends it, as Primus for Node does."""
        return self.stage.speech.transformer == "browserchannel" and self.client_kind in NODE

    @property
    def leaves_in_silence(self) -> bool:
        """Whether its client may end without a word while it posts, as Socket.IO 0.9 does.

        Between two polls nothing else tells: the server waits for the next one for as long as the
        protocol says, which is a minute.
        """
        speech = self.stage.speech
        polls = speech.transformer == "socket.io" and "websocket" not in speech.transports
        return polls and self.client_kind in NODE

    @property
    def takes_key_for_id(self) -> bool:
        """Whether its client knows the key of its session in place of ``spark.id``."""
        return takes_key_for_id(self.stage.speech, self.client_kind, self.server_kind)

    @property
    def at_once(self) -> int:
        """How many messages its client may write at once.

        The WebSocket of Socket.IO 0.9 in Node parses all frames of a read in one another, and takes
        its process down when there are too many.
        """
        speech, kind = self.stage.speech, self.server_kind
        recurses = speech.transformer == "socket.io" and "websocket" in speech.transports
        return 100 if recurses and kind in NODE else 1000

    def waits(self, seconds: float) -> dict[str, Any]:
        """Options with which a server of ours waits so long for a client to hear of its end."""
        polls = self.stage.speech.transformer in POLLING and self.server_kind not in NODE
        return {"transport": {"close_timeout": seconds}} if polls else {}

    async def will_hear(self, server: Server) -> None:
        """Wait until a server of Node can tell its client something, where it needs a request.

        When it is destroyed it takes no requests any more, and cannot tell the client why.
        """
        if self.stage.speech.transformer == "browserchannel" and self.server_kind in NODE:
            await server.waits_for("RID=rpc")

    async def server(self, **arguments: object) -> Server:
        """A server; after the test it does not wait long for a client that has gone."""
        arguments = {"options": self.waits(GONE), **arguments}
        return await self.stage.server(self.server_kind, **arguments)

    async def client(self, server: Server, **options: Any) -> Client:
        """A client that is open."""
        client = await self.stage.client(self.client_kind)
        await client.connect(server.url(), **QUICK, **options)
        await client.event("open")
        return client


@pytest_asyncio.fixture(
    loop_scope="session",
    params=meetings(),
    ids=[f"{speech}-{client}-to-{server}" for speech, client, server in meetings()],
)
async def pair(request: pytest.FixtureRequest, stage: Stage) -> Pair:
    stage.speech, client_kind, server_kind = request.param
    return Pair(stage, client_kind, server_kind)


async def test_awkward_values_come_back_as_they_were(pair: Pair) -> None:
    server = await pair.server(echo=True)
    client = await pair.client(server)

    for value in AWKWARD:
        await client.write(value)
        assert (await server.event("data"))["data"] == value
        assert await client.data() == value


async def test_a_lone_surrogate_comes_back_as_it_was(pair: Pair) -> None:
    server = await pair.server(echo=True)
    client = await pair.client(server)

    await client.write("half \ud83d a pair", "after it")

    assert await client.data() == "half \ud83d a pair"
    assert await client.data() == "after it"


async def test_what_was_written_before_the_connection_opened_arrives_in_order(pair: Pair) -> None:
    server = await pair.server(echo=True)
    client = await pair.stage.client(pair.client_kind)

    await client.connect(server.url(), writes=["first", {"second": 2}, None, "fourth"], **QUICK)

    assert [await client.data() for _ in range(4)] == ["first", {"second": 2}, None, "fourth"]
    assert client.story.index("open") < client.story.index("data")


async def test_a_thousand_messages_keep_their_order(pair: Pair) -> None:
    server = await pair.server(echo=True)
    client = await pair.client(server)

    for start in range(0, 1000, pair.at_once):
        await client.write(*range(start, start + pair.at_once))
        for number in range(start, start + pair.at_once):
            assert await client.data() == number
            assert (await server.event("data"))["data"] == number


async def test_what_a_client_calls_itself_leads_to_its_spark(pair: Pair) -> None:
    server = await pair.server()
    client = await pair.client(server)
    spark = await server.connection()

    called = await client.id()

    assert await server.id_for(called) == spark
    assert (called == spark) is not pair.takes_key_for_id
    assert await server.connected() == [spark]
    assert not client.seen("data")
    assert not server.seen("data")


async def test_the_query_string_reaches_the_spark(pair: Pair) -> None:
    server = await pair.server()
    client = await pair.stage.client(pair.client_kind)

    await client.connect(server.url(name="Ädele & søn", empty="", plus="1+1=2"), **QUICK)

    query = (await server.event("connection"))["query"]
    assert {name: query.get(name) for name in ("name", "empty", "plus")} == {
        "name": "Ädele & søn",
        "empty": "",
        "plus": "1+1=2",
    }
    await client.event("open")  # one that leaves before is missed by a server that polls


async def test_a_client_without_authorization_is_refused(pair: Pair) -> None:
    server = await pair.server(token="sesame")
    client = await pair.stage.client(pair.client_kind)

    await client.connect(server.url(token="wrong"), strategy="disconnect, online", **QUICK)

    error = await client.event("error")
    await client.event("end")
    if pair.client_kind == OURS_IN_PYTHON:
        assert error["status"] == 401
    assert not client.seen("open", "reconnect", "reconnect scheduled")
    assert not server.seen("connection")


async def test_a_client_with_authorization_is_let_in(pair: Pair) -> None:
    server = await pair.server(token="sesame", echo=True)
    client = await pair.stage.client(pair.client_kind)

    await client.connect(server.url(token="sesame"), writes=["hello"], **QUICK)

    assert await client.data() == "hello"
    assert not client.seen("error")


async def test_a_client_ended_by_the_server_stays_away(pair: Pair) -> None:
    server = await pair.server()
    client = await pair.client(server)
    spark = await server.connection()

    await server.end(spark)

    await client.event("end")
    assert (await server.event("disconnection"))["spark"] == spark
    assert await client.ask("state") == 2
    assert len(client.seen("end")) == len(client.seen("close")) == 1
    assert not client.seen("reconnect", "reconnect scheduled")
    assert bool(client.seen("error")) is pair.calls_the_end_an_error


async def test_the_last_words_of_the_server_arrive_before_the_end(pair: Pair) -> None:
    server = await pair.server()
    client = await pair.client(server)

    await server.end(await server.connection(), data={"last": "words"})

    await client.event("end")
    assert [event["data"] for event in client.seen("data")] == [{"last": "words"}]
    assert client.story.index("data") < client.story.index("end")


async def test_a_client_ended_with_reconnect_comes_back(pair: Pair) -> None:
    server = await pair.server(echo=True)
    client = await pair.client(server)
    first = await server.connection()

    await server.end(first, reconnect=True)

    await client.event("close")
    await client.event("reconnect scheduled")
    await client.event("reconnected")
    second = await server.connection()
    await client.write("back")
    assert second != first
    assert await client.data() == "back"
    assert await server.connected() == [second]
    assert not client.seen("end")


async def test_a_client_that_ends_is_gone_on_both_sides(pair: Pair) -> None:
    server = await pair.server()
    client = await pair.client(server)
    spark = await server.connection()

    await client.end()

    assert (await server.event("disconnection"))["spark"] == spark
    await client.event("end")
    assert await server.connected() == []
    assert not client.seen("reconnect", "reconnect scheduled", "error")


async def test_the_last_words_of_the_client_arrive(pair: Pair) -> None:
    server = await pair.server()
    client = await pair.client(server)

    await client.end(data="good night")

    if pair.breaks_off:
        await server.event("disconnection")
        return
    assert (await server.event("data"))["data"] == "good night"
    if not pair.leaves_in_silence:
        await server.event("disconnection")


async def test_a_client_that_ended_can_be_opened_again(pair: Pair) -> None:
    server = await pair.server(echo=True)
    client = await pair.client(server)
    await client.end()
    await client.event("end")

    await client.ask("open")

    await client.event("open")
    await client.write("again")
    assert await client.data() == "again"


async def test_a_broadcast_reaches_every_client(pair: Pair) -> None:
    server = await pair.server()
    clients = [await pair.client(server) for _ in range(3)]
    for _ in clients:
        await server.connection()

    await server.broadcast({"to": "all", "text": "\u2028 \U0001f600"})

    for client in clients:
        assert await client.data() == {"to": "all", "text": "\u2028 \U0001f600"}


async def test_destroying_the_server_sends_its_clients_away(pair: Pair) -> None:
    server = await pair.server(options=pair.waits(DEADLINE))
    client = await pair.client(server)
    await server.connection()
    await pair.will_hear(server)

    await server.destroy()

    await client.event("end")
    assert not client.seen("reconnect", "reconnect scheduled")


async def test_destroying_the_server_with_reconnect_has_its_clients_try_again(pair: Pair) -> None:
    server = await pair.server(options=pair.waits(DEADLINE))
    client = await pair.client(server)
    await server.connection()

    await server.destroy(reconnect=True)

    await client.event("reconnect scheduled")
    assert not client.seen("end")


async def test_a_server_that_is_killed_and_started_again_gets_its_client_back(pair: Pair) -> None:
    first = Server(await pair.stage.process(pair.server_kind))
    await first.listen(echo=True, options=pair.stage.speech.options)
    client = await pair.client(first)
    await first.connection()

    await first.process.kill()
    await client.event("close")
    await client.event("reconnect")
    await client.write("written while the server was gone")
    second = await pair.server(port=first.port, echo=True)

    await client.event("reconnected")
    await second.connection()
    await client.write("written afterwards")
    assert await client.data() == "written while the server was gone"
    assert await client.data() == "written afterwards"
    assert not client.seen("end", "offline")
