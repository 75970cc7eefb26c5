"""The protocol as it is seen on the wire: requests are made by hand."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType

from primus_testing import (
    DEADLINE,
    Answer,
    ManualClock,
    MemoryTransport,
    Recorder,
    Running,
    eventually,
    make_request,
)

SHORT = {"close_timeout": 0.1, "linger": 0.05}
STILL: dict[str, Any] = {"timeout": False, "ping_interval": False}
"""No heartbeat of Primus beside that of Socket.IO."""

ALL = ("websocket", "htmlfile", "xhr-polling", "jsonp-polling")

Start = Callable[..., Awaitable["Client"]]


class Client:
    """A client made by hand."""

    def __init__(self, server: Running) -> None:
        self.server = server
        self.key = ""
        self.sockets: list[aiohttp.ClientWebSocketResponse] = []

    def path(self, transport: str = "xhr-polling", query: str = "") -> str:
        return f"/primus/1/{transport}/{self.key}?t=1{query}"

    async def handshake(self) -> None:
        answer = await self.server.get("/primus/1/?t=1")
        self.key = answer.text.partition(":")[0]

    async def open(self) -> None:
        await self.handshake()
        assert await self.poll() == "1::"

    async def poll(self, transport: str = "xhr-polling", query: str = "") -> str:
        answer = await self.server.get(self.path(transport, query))
        assert answer.status == 200, answer
        return answer.text

    async def hanging(self) -> asyncio.Task[str]:
        """A poll that has reached the server, which waits."""
        asked: list[object] = []
        self.server.primus.before("asked", asked.append)
        polling = asyncio.ensure_future(self.poll())
        await eventually(lambda: bool(asked))
        self.server.primus.remove("asked")
        return polling

    async def post(self, body: str, transport: str = "xhr-polling", query: str = "") -> Answer:
        headers = {"Content-Type": "text/plain;charset=UTF-8"}
        path = self.path(transport, query)
        return await self.server.get(path, "POST", data=body.encode(), headers=headers)

    async def websocket(self) -> aiohttp.ClientWebSocketResponse:
        socket = await self.server.http.ws_connect(self.server.url + self.path("websocket"))
        self.sockets.append(socket)
        return socket


@pytest.fixture
async def start(primus_server: Any) -> AsyncIterator[Start]:
    """Runs a server that echoes every message, and gives a client of it."""
    clients: list[Client] = []

    async def start(**options: Any) -> Client:
        options["transport"] = {**SHORT, **options.get("transport", {})}
        server = await primus_server(transformer="socket.io", **options)
        server.primus.on("connection", lambda spark: spark.on("data", spark.write) and None)
        clients.append(Client(server))
        return clients[-1]

    yield start
    for client in clients:
        for socket in client.sockets:
            await socket.close()


# -- requests that belong to no session


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/primus", 200, "Welcome to socket.io."),
        ("/primus/", 200, "Welcome to socket.io."),
        ("/primus/2/", 500, "Protocol version not supported."),
        ("/primus/2/xhr-polling/key", 500, "Protocol version not supported."),
        ("/primus/x/", 404, '{"error":"Not Found"}'),
        ("/primus/1/xhr-polling/a/b", 404, '{"error":"Not Found"}'),
        ("/primus/1/xhr-polling/", 405, ""),
        ("/primus/1/polling/key", 400, '{"error":"transport not supported"}'),
        ("/primus/1/websocket/key", 400, '{"error":"transport not supported"}'),
        ("/primus/1/jsonp-polling/key?i=0", 400, '{"error":"transport not supported"}'),
        ("/primus/1/htmlfile/key", 400, '{"error":"transport not supported"}'),
        ("/primus/1/?jsonp=0", 400, '{"error":"transport not supported"}'),
        ("/primus/1/xhr-polling/key", 200, "7:::1+0"),
    ],
)
async def test_a_request_without_a_session(start: Start, path: str, status: int, text: str) -> None:
    server = (await start()).server
    method = "POST" if path.endswith("xhr-polling/") else "GET"
    answer = await server.get(path, method)
    assert (answer.status, answer.text) == (status, text)
    assert len(server.primus) == 0


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/primus", 200),
        ("/primus/2/websocket/key", 500),
        ("/primus/1/xhr-polling/key", 400),
        ("/primus/1/websocket/unknown", 400),
    ],
)
async def test_a_websocket_without_a_session(start: Start, path: str, status: int) -> None:
    server = (await start()).server
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await server.http.ws_connect(server.url + path)
    assert refused.value.status == status


async def test_a_handshake_alone_is_no_connection(start: Start) -> None:
    client = await start(clock=(clock := ManualClock()), write_timeout=False)
    await client.handshake()
    assert len(client.server.primus) == 0
    clock.advance(30)
    assert await client.poll() == "7:::1+0"
    assert len(client.server.primus) == 0


async def test_a_key_that_a_client_has_chosen_opens_nothing(start: Start) -> None:
    client = await start()
    client.key = "chosen-by-the-client-00"
    assert await client.poll() == "7:::1+0"
    assert (await client.post("3:::1")).status == 404
    assert len(client.server.primus) == 0


# -- polling


async def test_a_session_begins_with_a_poll_that_is_answered_at_once(start: Start) -> None:
    client = await start()
    sparks = Recorder(client.server.primus, "connection")
    await client.handshake()
    answer = await client.server.get(client.path(query="&user=me"))
    assert answer.text == "1::"
    assert answer.headers["Content-Type"] == "text/plain; charset=UTF-8"
    spark = await sparks.one("connection")
    assert (spark.query["user"], spark.id == client.key) == ("me", False)


async def test_what_is_written_at_the_connection_goes_along_with_its_opening(start: Start) -> None:
    client = await start()
    client.server.primus.on("connection", lambda spark: spark.write("first") and None)
    await client.handshake()
    assert await client.poll() == '\ufffd3\ufffd1::\ufffd11\ufffd3:::"first"'


async def test_a_post_of_one_message_and_of_several(start: Start) -> None:
    client = await start()
    await client.open()
    answer = await client.post('3:::"hello"')
    assert (answer.text, answer.headers["Content-Type"]) == ("1", "text/plain; charset=UTF-8")
    assert await client.poll() == '3:::"hello"'
    two = '\ufffd8\ufffd3:::"😀"\ufffd7\ufffd3:::"x"'
    assert (await client.post(two)).text == "1"
    assert await client.poll() == two


async def test_a_poll_without_messages_is_answered_in_time(start: Start) -> None:
    client = await start(clock=(clock := ManualClock()), **STILL)
    await client.open()
    polling = asyncio.ensure_future(client.poll())
    await eventually(lambda: clock.advance(5) or polling.done())
    assert await polling == "8::"


async def test_a_second_poll_takes_the_place_of_the_first(start: Start) -> None:
    client = await start()
    await client.open()
    first = await client.hanging()
    second = asyncio.ensure_future(client.poll())
    assert await first == "8::"
    await client.post("3:::2")
    assert await second == "3:::2"


async def test_a_client_disconnects_by_a_packet(start: Start) -> None:
    client = await start()
    events = Recorder(client.server.primus, "disconnection")
    await client.open()
    polling = await client.hanging()
    assert (await client.post('\ufffd7\ufffd3:::"x"\ufffd3\ufffd0::')).text == "1"
    spark = await events.one("disconnection")
    assert (spark.closed.code, spark.closed.by) == ("client end", "client")
    assert await polling == "0::"
    assert await client.poll() == "7:::1+0"


@pytest.mark.parametrize("transport", ["xhr-polling", "websocket"])
async def test_a_client_disconnects_by_a_query(start: Start, transport: str) -> None:
    client = await start()
    events = Recorder(client.server.primus, "disconnection")
    await client.handshake()
    if transport == "websocket":
        await client.websocket()
    else:
        await client.poll()
    for _ in range(2):
        answer = await client.server.get(client.path(transport, "&disconnect=1"))
        assert (answer.status, answer.text) == (200, "")
    await events.next("disconnection")


async def test_a_key_is_used_up_by_a_query_that_disconnects(start: Start) -> None:
    client = await start()
    await client.handshake()
    await client.server.get(client.path("xhr-polling", "&disconnect=1"))
    assert await client.poll() == "7:::1+0"


async def test_what_was_written_before_the_end_waits_for_the_next_poll(start: Start) -> None:
    client = await start()
    sparks = Recorder(client.server.primus, "connection")
    await client.open()
    spark = await sparks.one("connection")
    spark.end("last")
    assert await client.poll() == (
        '\ufffd10\ufffd3:::"last"\ufffd27\ufffd3:::"primus::server::close"\ufffd3\ufffd0::'
    )
    assert await client.poll() == "7:::1+0"


async def test_a_client_that_does_not_poll_again_is_given_up(start: Start) -> None:
    client = await start(clock=(clock := ManualClock()), **STILL)
    events = Recorder(client.server.primus, "disconnection")
    await client.open()
    clock.advance(59)
    assert len(client.server.primus) == 1
    clock.advance(3)
    spark = await events.one("disconnection")
    assert (spark.closed.code, spark.closed.option) == ("heartbeat", 'transport["poll_timeout"]')


async def test_the_last_post_of_a_client_that_has_dropped_its_poll_is_taken(start: Start) -> None:
    client = await start(clock=(clock := ManualClock()), transport={"linger": 1.0}, **STILL)
    events = Recorder(client.server.primus, "disconnection")
    sparks = Recorder(client.server.primus, "connection")
    await client.open()
    spark = await sparks.one("connection")
    data = Recorder(spark, "data")
    (await client.hanging()).cancel()
    assert (await client.post('3:::"good night"')).text == "1"
    assert await data.one("data") == "good night"
    await eventually(lambda: clock.advance(0.5) or bool(events.story))
    assert (spark.closed.code, spark.closed.by) == ("client end", "client")


async def test_two_posts_at_once_end_the_session(start: Start) -> None:
    client = await start()
    events = Recorder(client.server.primus, "disconnection")
    gate = asyncio.Event()
    await client.open()

    async def body() -> Any:
        yield b"3:::"
        await gate.wait()
        yield b"1"

    first = asyncio.ensure_future(client.server.get(client.path(), "POST", data=body()))
    answer = await client.post("3:::2")
    while answer.status == 200:  # the first one had not begun
        answer = await client.post("3:::2")
    assert answer.status == 400
    spark = await events.one("disconnection")
    assert spark.closed.code == "protocol error"
    gate.set()
    await asyncio.wait({first})


async def test_a_post_of_more_packets_than_there_may_be(start: Start) -> None:
    client = await start(transport={"max_packets": 3})
    events = Recorder(client.server.primus, "disconnection")
    await client.open()
    assert (await client.post("\ufffd5\ufffd3:::1" * 4)).status == 400
    spark = await events.one("disconnection")
    assert (spark.closed.code, spark.closed.option) == ("limit", 'transport["max_packets"]')


async def test_packets_that_mean_nothing_to_primus_are_left_alone(start: Start) -> None:
    client = await start()
    await client.open()
    for packet in ("1::/chat", "2::", "3::/chat:1", "4:::{}", '5:::{"name":"x"}', "6:::1", "8::"):
        assert (await client.post(packet)).text == "1"
    await client.post("3:::1")
    assert await client.poll() == "3:::1"


async def test_a_packet_with_an_id_is_acknowledged(start: Start) -> None:
    client = await start()
    await client.open()
    await client.post("\ufffd6\ufffd3:1::1\ufffd7\ufffd3:2+::2")
    assert await client.poll() == "\ufffd5\ufffd6:::1\ufffd5\ufffd3:::1\ufffd5\ufffd3:::2"


async def test_acknowledgements_that_are_not_read_end_the_session(start: Start) -> None:
    client = await start(high_water=1000)
    events = Recorder(client.server.primus, "disconnection")
    await client.open()
    assert (await client.post("\ufffd5\ufffd4:1::" * 100)).status == 400
    spark = await events.one("disconnection")
    assert spark.closed.code == "protocol error"


# -- WebSockets


async def test_of_two_websockets_that_open_with_one_key_the_first_is_the_session(
    start: Start,
) -> None:
    primus: Any = (await start()).server.primus
    key = primus.transformer._handshakes.begin()
    wires = [MemoryTransport(), MemoryTransport()]
    for wire in wires:
        primus.transformer._opened(make_request(), key, wire)
    assert [bool(wire.closed) for wire in wires] == [False, True]
    assert len(primus) == 1


async def text(socket: aiohttp.ClientWebSocketResponse) -> str:
    async with asyncio.timeout(DEADLINE):
        received = await socket.receive()
    assert received.type is WSMsgType.TEXT, received
    return str(received.data)


async def test_a_websocket_is_told_that_it_is_open(start: Start) -> None:
    client = await start()
    await client.handshake()
    socket = await client.websocket()
    assert await text(socket) == "1::"
    await socket.send_str('3:::"h€😀"')
    assert json.loads((await text(socket)).removeprefix("3:::")) == "h€😀"
    await socket.send_str("0::")
    assert await text(socket) == "0::"
    assert (await socket.receive()).type in (WSMsgType.CLOSE, WSMsgType.CLOSING)


async def test_a_key_opens_one_websocket(start: Start) -> None:
    client = await start()
    await client.handshake()
    socket = await client.websocket()
    assert await text(socket) == "1::"
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await client.websocket()
    assert refused.value.status == 400
    assert len(client.server.primus) == 1


async def test_a_websocket_is_pinged_and_given_up_when_it_does_not_answer(start: Start) -> None:
    client = await start(clock=(clock := ManualClock()), **STILL)
    events = Recorder(client.server.primus, "disconnection")
    await client.handshake()
    socket = await client.websocket()
    assert await text(socket) == "1::"
    for _ in range(3):
        clock.advance(26)
        assert await text(socket) == "2::"
        await socket.send_str("2::")
        await socket.send_str('3:::"answered"')
        assert await text(socket) == '3:::"answered"'
    clock.advance(26)
    assert await text(socket) == "2::"
    clock.advance(58)
    assert len(client.server.primus) == 1
    clock.advance(5)
    spark = await events.one("disconnection")
    assert (spark.closed.code, spark.closed.option) == (
        "heartbeat",
        'transport["heartbeat_timeout"]',
    )


async def test_garbage_on_a_websocket_ends_the_session(start: Start) -> None:
    for garbage in ("9::", "", b"3:::1"):
        client = await start()
        events = Recorder(client.server.primus, "disconnection")
        await client.handshake()
        socket = await client.websocket()
        assert await text(socket) == "1::"
        await (socket.send_bytes if isinstance(garbage, bytes) else socket.send_str)(garbage)  # type: ignore[operator]
        spark = await events.one("disconnection")
        assert spark.closed.code == "protocol error"


async def test_a_client_whose_websocket_brings_nothing_falls_back_to_polling(start: Start) -> None:
    client = await start()
    sparks = Recorder(client.server.primus, "connection")
    await client.handshake()
    await client.websocket()
    spark = await sparks.one("connection")
    spark.write("one")
    client.server.primus.write("two")
    assert await client.poll() == '\ufffd3\ufffd1::\ufffd9\ufffd3:::"one"\ufffd9\ufffd3:::"two"'
    await client.post("3:::3")
    assert await client.poll() == "3:::3"
    assert list(client.server.primus) == [spark]


async def test_a_client_whose_websocket_works_does_not_poll(start: Start) -> None:
    client = await start(clock=(clock := ManualClock()), **STILL)
    await client.handshake()
    socket = await client.websocket()
    assert await text(socket) == "1::"
    await socket.send_str("3:::1")
    assert await text(socket) == "3:::1"
    assert await client.poll() == "7:::1+0"
    assert (await client.post("3:::2")).status == 404
    await client.handshake()
    await client.websocket()
    clock.advance(16)
    assert await client.poll() == "7:::1+0"
    assert len(client.server.primus) == 2


async def test_little_is_kept_for_a_client_that_may_fall_back(start: Start) -> None:
    client = await start()
    sparks = Recorder(client.server.primus, "connection")
    await client.handshake()
    await client.websocket()
    spark = await sparks.one("connection")
    spark.write("x" * 100_000)
    assert await client.poll() == "7:::1+0"


# -- how many sessions there are


async def begun(client: Client) -> int:
    """The status of the first poll of another client."""
    other = Client(client.server)
    await other.handshake()
    return (await other.server.get(other.path())).status


async def test_sessions_that_are_polled_are_limited(start: Start) -> None:
    client = await start(transport={"max_sessions": 2})
    await client.open()
    assert [await begun(client) for _ in range(3)] == [200, 503, 503]
    assert len(client.server.primus) == 2
    assert (await client.post("3:::1")).status == 200
    assert await client.poll() == "3:::1"
    assert (await client.server.get("/primus/1/xhr-polling/unknown")).text == "7:::1+0"


async def test_a_session_that_has_ended_makes_room(start: Start) -> None:
    client = await start(transport={"max_sessions": 1})
    for _ in range(3):
        await client.open()
        assert await begun(client) == 503
        assert (await client.post("0::")).status == 200
    assert [await begun(client) for _ in range(2)] == [200, 503]


async def test_a_handshake_is_kept_until_there_is_room(start: Start) -> None:
    client = await start(transport={"max_sessions": 1})
    await client.open()
    other = Client(client.server)
    await other.handshake()
    assert (await other.server.get(other.path())).status == 503
    assert (await client.post("0::")).status == 200
    assert await other.poll() == "1::"


async def test_websockets_are_no_polled_sessions(start: Start) -> None:
    client = await start(transport={"max_sessions": 1})
    for _ in range(2):
        await client.handshake()
        assert await text(await client.websocket()) == "1::"
    assert [await begun(client) for _ in range(2)] == [200, 503]
    await client.handshake()
    assert (await client.server.get(client.path())).status == 503
    assert await text(await client.websocket()) == "1::", "the handshake is unused"
    assert len(client.server.primus) == 4


async def test_a_websocket_falls_back_to_polling_only_where_there_is_room(start: Start) -> None:
    client = await start(transport={"max_sessions": 1})
    await client.handshake()
    socket = await client.websocket()
    assert await text(socket) == "1::"
    other = Client(client.server)
    await other.open()
    assert (await client.server.get(client.path())).status == 503
    client.server.primus.write("still a WebSocket")
    assert await text(socket) == '3:::"still a WebSocket"'
    assert (await other.post("0::")).status == 200
    assert (await client.poll()).startswith("\ufffd3\ufffd1::")
    assert await begun(client) == 503, "it is polled now"
    assert (await client.post("0::")).status == 200
    assert await begun(client) == 200


async def test_a_websocket_that_works_is_no_matter_of_room(start: Start) -> None:
    client = await start(transport={"max_sessions": 1})
    await client.handshake()
    socket = await client.websocket()
    assert await text(socket) == "1::"
    await socket.send_str("3:::1")
    assert await text(socket) == "3:::1"
    assert await begun(client) == 200
    assert await client.poll() == "7:::1+0"


# -- jsonp-polling and htmlfile


async def test_jsonp_is_answered_safely_when_asked_for(start: Start) -> None:
    client = await start(transport={"transports": ALL})
    answer = await client.server.get("/primus/1/?jsonp=3")
    assert answer.text.startswith('io.j[3]("')
    assert answer.text.endswith('xhr-polling,jsonp-polling");')
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    client.key = answer.text[9:].partition(":")[0]
    assert await client.poll("jsonp-polling", "&i=0") == 'io.j[0]("1::");'
    awkward = json.dumps('3:::"</script>\u2028"')
    form = aiohttp.FormData({"d": awkward})
    path = client.path("jsonp-polling", "&i=0")
    posted = await client.server.get(path, "POST", data=form)
    assert (posted.status, posted.text) == (200, "1")
    answer = await client.server.get(client.path("jsonp-polling", "&i=12"))
    assert answer.text == 'io.j[12]("3:::\\"\\u003c\\/script>\\\\u2028\\"");'
    assert answer.headers["Content-Type"] == "text/javascript; charset=UTF-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("number", ["alert(1)", "-1", "", "1;", "٣", "12345678901", "0&i=1"])
async def test_a_callback_that_is_no_number_is_not_called(start: Start, number: str) -> None:
    client = await start(transport={"transports": ALL})
    await client.handshake()
    for path in (client.path("jsonp-polling", f"&i={number}"), f"/primus/1/?jsonp={number}"):
        answer = await client.server.get(path.replace("&i", "&jsonp") if "?j" in path else path)
        assert answer.status == 400, path
    assert len(client.server.primus) == 0


@pytest.mark.parametrize(
    "form", [b"", b"d=", b"d=3", b"d=%22", b"x=1", b"d=" + b"[" * 5000, b"\xff"]
)
async def test_a_form_that_holds_no_payload_ends_the_session(start: Start, form: bytes) -> None:
    client = await start(transport={"transports": ALL})
    events = Recorder(client.server.primus, "disconnection")
    await client.open()
    answer = await client.server.get(client.path("jsonp-polling", "&i=0"), "POST", data=form)
    assert answer.status == 400
    spark = await events.one("disconnection")
    assert spark.closed.code == "protocol error"


async def test_pages_that_may_not_connect_get_no_script(start: Start) -> None:
    listed = "https://app.example"
    client = await start(transport={"transports": ALL}, origins=listed)
    await client.handshake()
    for path in (client.path("jsonp-polling", "&i=0"), "/primus/1/?jsonp=0"):
        for headers, status in (
            ({}, 403),
            ({"Sec-Fetch-Site": "cross-site"}, 403),
            ({"Referer": "https://evil.example/"}, 403),
            ({"Referer": f"{listed}/page"}, 200),
        ):
            answer = await client.server.get(path, headers=headers)
            assert answer.status == status, (path, headers)


async def test_an_htmlfile_is_a_page_that_does_not_end(start: Start) -> None:
    client = await start(clock=(clock := ManualClock()), transport={"transports": ALL}, **STILL)
    events = Recorder(client.server.primus, "disconnection")
    await client.handshake()
    url = client.server.url + client.path("htmlfile")
    async with client.server.http.get(url) as page:
        assert page.headers["Content-Type"] == "text/html; charset=UTF-8"

        async def piece(end: str) -> str:
            read = b""
            async with asyncio.timeout(DEADLINE):
                while not read.endswith(end.encode()):
                    read += await page.content.readany()
            return read.decode()

        begun = await piece('<script>_("1::");</script>')
        assert begun == (
            "<html><body><script>var _ = function (msg) { parent.s._(msg, document); };</script>"
            + " " * 173
            + '<script>_("1::");</script>'
        )
        await client.post('3:::"</script>"', "htmlfile")
        assert await piece("</script>") == '<script>_("3:::\\"\\u003c\\/script>\\"");</script>'
        clock.advance(26)
        assert await piece("</script>") == '<script>_("2::");</script>'
        await client.post("2::", "htmlfile")
    await eventually(lambda: clock.advance(0.1) or bool(events.story))


async def test_a_server_that_ends_takes_no_new_session(start: Start) -> None:
    client = await start()
    await client.handshake()
    client.server.primus.draining = True
    assert (await client.server.get("/primus/1/?t=1")).status == 503
    assert (await client.server.get(client.path())).status == 503
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await client.websocket()
    assert refused.value.status == 503
    client.server.primus.draining = False


async def test_of_two_websockets_with_one_key_the_first_is_taken(start: Start) -> None:
    client = await start()
    await client.handshake()
    gate = asyncio.Event()

    async def wait(request: object) -> None:
        await gate.wait()

    client.server.primus.before("wait", wait, http=False)
    opening = [asyncio.ensure_future(client.websocket()) for _ in range(2)]
    for _ in range(20):
        await asyncio.sleep(0)
    gate.set()
    done = await asyncio.gather(*opening, return_exceptions=True)
    assert any(isinstance(each, aiohttp.ClientWebSocketResponse) for each in done)
    await eventually(lambda: len(client.server.primus) == 1)


async def test_long_answers_are_compressed_when_that_is_on(start: Start) -> None:
    client = await start(compression=True)
    client.server.primus.on("connection", lambda spark: spark.write("x" * 2000) and None)
    await client.handshake()
    answer = await client.server.get(client.path(), headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "xxxx" in answer.text
