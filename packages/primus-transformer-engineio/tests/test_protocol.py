"""The cases of the official engine.io-protocol suites, and what they leave out."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType

from primus import Primus
from primus.heartbeat import Generation
from primus_testing import (
    DEADLINE,
    ManualClock,
    Recorder,
    Running,
    eventually,
    make_request,
    running,
)
from primus_testing.listeners import busy
from primus_testing.raw_websocket import RawWebSocket
from primus_testing.transformer.limits import pass_time
from primus_transformer_engineio.revision3 import Revision3
from primus_transformer_engineio.revision4 import Revision4
from primus_transformer_engineio.server import EngineIO

SHORT = {"close_timeout": 0.1}
"""For sessions that are not polled any more when a test is over."""

STILL: dict[str, Any] = {"timeout": False, "ping_interval": False, "transport": SHORT}
"""No heartbeat of Primus beside that of Engine.IO."""

Start = Callable[..., Awaitable["Session"]]


class Verbatim:
    """A parser that leaves frames alone."""

    def encode(self, value: Any) -> Any:
        return value

    def decode(self, frame: Any) -> Any:
        return frame


class Session:
    """A client made by hand, in one of the revisions."""

    def __init__(self, server: Running, number: int) -> None:
        self.server, self.number = server, number
        self.revision = Revision4() if number == 4 else Revision3(json=False)
        self.sid = ""

    def url(self, transport: str = "polling", **query: Any) -> str:
        query = {"EIO": self.number, "transport": transport, "b64": 1, **query}
        if self.sid:
            query = {"sid": self.sid, **query}
        return "/primus/?" + "&".join(f"{k}={v}" for k, v in query.items() if v is not None)

    async def open(self) -> dict[str, Any]:
        answer = await self.server.get(self.url())
        assert (answer.status, answer.headers["Content-Type"]) == (200, "text/plain; charset=UTF-8")
        (packet,) = self.revision.packets(answer.text)
        assert isinstance(packet, str)
        assert packet[0] == "0"
        told: dict[str, Any] = json.loads(packet[1:])
        self.sid = told["sid"]
        return told

    async def poll(self) -> str:
        answer = await self.server.get(self.url())
        return answer.text if answer.status == 200 else str(answer.status)

    async def post(self, *packets: str | bytes, raw: bytes | None = None) -> str:
        body = self.revision.text(packets).encode() if raw is None else raw
        headers = {"Content-Type": "text/plain;charset=UTF-8"}
        answer = await self.server.get(self.url(), "POST", data=body, headers=headers)
        return answer.text if answer.status == 200 else str(answer.status)

    def payload(self, *packets: str | bytes) -> str:
        return self.revision.text(packets)

    async def websocket(self, **query: Any) -> aiohttp.ClientWebSocketResponse:
        url = self.server.url + self.url("websocket", **{"b64": None, **query})
        return await self.server.http.ws_connect(url)

    async def is_gone(self) -> bool:
        return (await self.server.get(self.url())).status == 400


@pytest.fixture(params=[3, 4])
def number(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
async def start(primus_server: Any, number: int) -> Start:
    """Runs a server that echoes every frame, and gives a client of it."""

    async def start(**options: Any) -> Session:
        options["transport"] = {**SHORT, **options.get("transport", {})}
        server = await primus_server(transformer="engine.io", parser=Verbatim(), **options)
        server.primus.on("connection", lambda spark: spark.on("data", spark.write) and None)
        return Session(server, number)

    return start


async def refusal(server: Running, query: str, method: str = "GET") -> tuple[int, Any]:
    answer = await server.get(f"/primus/?{query}", method)
    return answer.status, answer.json()


async def test_a_handshake_tells_what_a_client_has_to_know(start: Start, number: int) -> None:
    session = await start(max_length=1_000_000)
    told = await session.open()
    assert session.server.primus.spark(told.pop("sid")) is not None
    size = {"maxPayload": 1_000_000} if number == 4 else {}
    assert told == {
        "upgrades": ["websocket"],
        "pingInterval": 25000,
        "pingTimeout": 20000,
        **size,
    }


async def test_only_revision_4_tells_the_generation(start: Start, number: int) -> None:
    session = await start()
    await session.open()
    (spark,) = session.server.primus
    assert spark.heartbeat_state.generation is (
        Generation.MODERN if number == 4 else Generation.UNKNOWN
    )


async def test_handshakes_that_are_wrong_are_refused_with_a_code(start: Start) -> None:
    server = (await start()).server
    unknown = {"code": 0, "message": "Transport unknown"}
    unsupported = {"code": 5, "message": "Unsupported protocol version"}
    assert await refusal(server, "") == (400, unknown)
    assert await refusal(server, "EIO=4") == (400, unknown)
    assert await refusal(server, "EIO=4&transport=abc") == (400, unknown)
    assert await refusal(server, "EIO=4&transport=polling&transport=polling") == (400, unknown)
    for eio in ("", "&EIO=abc", "&EIO=5", "&EIO=4&EIO=4"):
        assert await refusal(server, "transport=polling" + eio) == (400, unsupported)
    for method in ("POST", "PUT"):
        answer = await refusal(server, "EIO=4&transport=polling", method)
        assert answer == (400, {"code": 2, "message": "Bad handshake method"})
    bad = (400, {"code": 3, "message": "Bad request"})
    assert await refusal(server, "EIO=4&transport=websocket") == bad
    assert await refusal(server, "EIO=4&transport=polling&j=1") == bad
    lost = (400, {"code": 1, "message": "Session ID unknown"})
    assert await refusal(server, "EIO=4&transport=polling&sid=x") == lost
    assert await refusal(server, "EIO=4&transport=polling&sid=x&sid=y") == lost
    assert len(server.primus) == 0


async def test_upgrades_that_are_wrong_are_refused_as_text(start: Start, number: int) -> None:
    session = await start()
    for query, message in (
        ("", "Transport unknown"),
        ("transport=websocket", "Unsupported protocol version"),
        (f"transport=websocket&EIO={number}&sid=x", "Session ID unknown"),
        (f"transport=polling&EIO={number}", "Bad request"),
    ):
        headers = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }
        answer = await session.server.get(f"/primus/?{query}", headers=headers)
        assert (answer.status, answer.text) == (400, message)
        assert answer.headers["Content-Type"] == "text/html"


async def test_transports_and_revisions_can_be_left_out(start: Start, number: int) -> None:
    session = await start(transport={"transports": ["polling"], "revisions": [7 - number]})
    assert (await session.server.get(session.url())).status == 400
    session.number = 7 - number
    session.revision = Revision4() if session.number == 4 else Revision3(json=False)
    assert (await session.open())["upgrades"] == []


async def test_text_and_bytes_are_polled_and_posted(start: Start) -> None:
    session = await start()
    await session.open()
    assert await session.post("4hello", b"\x01\x02\x03\x04", "4h€😀") == "ok"
    assert await session.poll() == session.payload("4hello", b"\x01\x02\x03\x04", "4h€😀")


async def test_a_client_of_revision_3_may_take_bytes(primus_server: Any) -> None:
    server = await primus_server(transformer="engine.io", transport=SHORT, parser=Verbatim())
    server.primus.on("connection", lambda spark: spark.on("data", spark.write) and None)
    opening = await server.get("/primus/?EIO=3&transport=polling")
    url = (
        f"/primus/?EIO=3&transport=polling&sid={json.loads(opening.text.partition(':0')[2])['sid']}"
    )
    headers = {"Content-Type": "text/plain"}
    await server.get(url, "POST", data=b"6:4hello10:b4AQIDBA==", headers=headers)
    async with server.http.get(server.url + url) as answer:
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert await answer.read() == b"\x00\x06\xff4hello\x01\x05\xff\x04\x01\x02\x03\x04"


async def test_a_plain_request_does_not_poll_in_the_name_of_a_websocket(start: Start) -> None:
    session = await start()
    await session.open()
    (spark,) = session.server.primus
    spark.write("kept")
    bad = {"code": 3, "message": "Bad request"}
    query = f"EIO={session.number}&transport=websocket&sid={session.sid}"
    assert await refusal(session.server, query) == (400, bad)
    assert await session.poll() == session.payload("4kept")


async def test_a_handshake_whose_client_has_gone_opens_no_session() -> None:
    primus = Primus(transformer="engine.io")
    request = make_request("/primus/?EIO=4&transport=polling", watch=lambda gone: gone())
    assert isinstance(primus.transformer, EngineIO)
    assert (await primus.transformer.request(request)).status == 400
    assert len(primus) == 0


async def test_garbage_ends_a_session(start: Start) -> None:
    session = await start()
    await session.open()
    assert await session.post(raw=b"abc") == "400"
    assert await session.is_gone()


async def test_two_polls_at_once_end_a_session(start: Start) -> None:
    session = await start()
    await session.open()
    both = await asyncio.gather(session.poll(), session.poll())
    assert sorted(both) == sorted([session.payload("1"), "400"])
    assert await session.is_gone()


async def test_two_posts_at_once_end_a_session(start: Start) -> None:
    session = await start()
    await session.open()
    _, writer = await asyncio.open_connection(session.server.host, session.server.port)
    head = f"POST {session.url()} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
    writer.write(head.encode())
    while await session.post("4x") != "400":
        pass  # the slow one has not come yet
    assert await session.is_gone()
    writer.close()


async def test_a_session_speaks_one_revision(start: Start) -> None:
    session = await start()
    await session.open()
    session.number = 7 - session.number
    assert (await session.server.get(session.url())).json()["code"] == 3
    assert len(session.server.primus) == 1


async def test_a_close_that_is_posted_answers_the_poll_and_ends_the_session(start: Start) -> None:
    session = await start()
    await session.open()
    ended = Recorder(session.server.primus, "disconnection")
    polling = asyncio.ensure_future(session.poll())
    await asyncio.sleep(0)
    assert await session.post("1") == "ok"
    assert await polling == session.payload("6") or await polling == "400"
    await ended.next("disconnection")
    assert await session.is_gone()


async def test_packets_without_a_meaning_are_left_alone(start: Start) -> None:
    session = await start()
    await session.open()
    assert await session.post("6", "5", "0", "4x") == "ok"
    assert await session.poll() == session.payload("4x")


async def test_more_packets_than_allowed_end_a_session(start: Start) -> None:
    session = await start(transport={"max_packets": 3})
    await session.open()
    assert await session.post("4a", "4b", "4c") == "ok"
    assert await session.post("4a", "4b", "4c", "4d") == "400"


# -- how many sessions there are


async def statuses(server: Running, times: int, number: int) -> list[int]:
    handshake = f"/primus/?EIO={number}&transport=polling"
    return [(await server.get(handshake)).status for _ in range(times)]


async def test_sessions_that_are_polled_are_limited(start: Start, number: int) -> None:
    session = await start(transport={"max_sessions": 2})
    await session.open()
    server = session.server
    assert await statuses(server, 3, number) == [200, 503, 503]
    assert len(server.primus) == 2
    assert await session.post("4still served") == "ok"
    assert await session.poll() == session.payload("4still served")


async def test_a_handshake_beyond_the_limit_has_no_side_effect(start: Start, number: int) -> None:
    session = await start(transport={"max_sessions": 1, "cookie": "io"})
    seen = Recorder(session.server.primus, "connection")
    await session.open()
    answer = await session.server.get(f"/primus/?EIO={number}&transport=polling")
    assert (answer.status, answer.text) == (503, '{"error":"Service Unavailable"}')
    assert "Set-Cookie" not in answer.headers
    assert seen.story == ["connection"]


async def test_a_session_that_has_ended_makes_room(start: Start, number: int) -> None:
    session = await start(transport={"max_sessions": 1})
    for _ in range(3):
        await session.open()
        assert await statuses(session.server, 1, number) == [503]
        assert await session.post("1") == "ok"
        session.sid = ""
    assert await statuses(session.server, 2, number) == [200, 503]


async def test_a_session_that_has_been_given_up_makes_room(
    start: Start, number: int, manual_clock: ManualClock
) -> None:
    session = await start(**{**STILL, "transport": {"max_sessions": 1}}, clock=manual_clock)
    await session.open()
    assert await statuses(session.server, 1, number) == [503]
    await pass_time(manual_clock, 50)
    assert await statuses(session.server, 2, number) == [200, 503]


async def test_a_session_that_upgrades_makes_room(start: Start, number: int) -> None:
    session = await start(transport={"max_sessions": 1})
    await session.open()
    async with asyncio.timeout(DEADLINE), await session.websocket() as socket:
        await socket.send_str("2probe")
        assert await socket.receive_str() == "3probe"
        assert await statuses(session.server, 1, number) == [503]
        await socket.send_str("5")
        await socket.send_str("4hello")
        assert await socket.receive_str() == "4hello"
        assert await statuses(session.server, 2, number) == [200, 503]
        assert len(session.server.primus) == 2
    await eventually(lambda: len(session.server.primus) == 1)
    assert await statuses(session.server, 1, number) == [503]


async def test_websockets_are_no_polled_sessions(start: Start, number: int) -> None:
    session = await start(transport={"max_sessions": 1})
    server = session.server
    async with (
        asyncio.timeout(DEADLINE),
        await session.websocket() as one,
        await session.websocket() as two,
    ):
        assert await statuses(server, 2, number) == [200, 503]
        for socket in (one, two):
            assert (await socket.receive_str())[0] == "0"
        async with await session.websocket() as three:
            assert (await three.receive_str())[0] == "0"
            assert len(server.primus) == 4


# -- heartbeats


@pytest.fixture
async def session(primus_server: Any, manual_clock: ManualClock) -> Session:
    """An open session of revision 4, whose only heartbeats are those of Engine.IO."""
    server = await primus_server(transformer="engine.io", clock=manual_clock, **STILL)
    session = Session(server, 4)
    await session.open()
    return session


async def test_a_client_of_revision_4_is_pinged(
    session: Session, manual_clock: ManualClock
) -> None:
    for _ in range(3):
        manual_clock.advance(25.6)
        assert await session.poll() == "2"
        assert await session.post("3") == "ok"
    manual_clock.advance(25.6)
    manual_clock.advance(18)
    assert len(session.server.primus) == 1
    manual_clock.advance(2.5)
    assert len(session.server.primus) == 0
    assert await session.is_gone()


async def test_a_pong_that_waits_while_the_process_is_busy_is_in_time(
    session: Session, manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("primus_transformer_engineio.server.GRACE", 60.0)
    manual_clock.advance(25.6)
    assert await session.poll() == "2"

    seen: list[str] = []
    session.server.primus.before("seen", lambda request: seen.append(request.method))
    manual_clock.block(60)
    polling = asyncio.ensure_future(session.poll())
    await eventually(lambda: seen == ["GET"])
    assert await session.post("3", "4hello") == "ok"

    manual_clock.advance(25.6)
    assert await polling == "2"
    assert len(session.server.primus) == 1


async def test_a_poll_of_a_client_that_stays_silent_finds_no_session(
    session: Session, manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("primus_transformer_engineio.server.GRACE", 0.01)
    manual_clock.advance(25.6)
    assert await session.poll() == "2"

    manual_clock.block(60)

    assert await session.is_gone()
    assert len(session.server.primus) == 0


async def test_a_websocket_of_a_client_that_stays_silent_finds_no_session(
    session: Session, manual_clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("primus_transformer_engineio.server.GRACE", 0.01)
    manual_clock.advance(25.6)
    assert await session.poll() == "2"

    manual_clock.block(60)

    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await session.websocket()
    assert refused.value.status == 400
    assert len(session.server.primus) == 0


async def test_a_client_that_we_do_not_read_is_pinged_all_the_same(
    session: Session, manual_clock: ManualClock
) -> None:
    (spark,) = session.server.primus
    gate = asyncio.Event()
    spark.on("data", lambda message: gate.wait())
    posting = asyncio.ensure_future(session.post(*["41"] * 20, "3"))
    await eventually(lambda: spark.is_held)
    for _ in range(4):
        manual_clock.advance(25.6)
        assert await session.poll() == "2"
    gate.set()
    assert await posting == "ok"


async def test_a_client_of_revision_4_must_not_ping(primus_server: Any) -> None:
    server = await primus_server(transformer="engine.io", transport=SHORT)
    session = Session(server, 4)
    await session.open()
    assert await session.post("2") == "400"
    assert len(server.primus) == 0


async def test_a_client_of_revision_3_pings(primus_server: Any, manual_clock: ManualClock) -> None:
    server = await primus_server(transformer="engine.io", clock=manual_clock, **STILL)
    session = Session(server, 3)
    await session.open()
    for stamp in ("", "probe"):
        manual_clock.advance(29)
        assert await session.post("2" + stamp) == "ok"
        assert await session.poll() == session.payload("3" + stamp)
    manual_clock.advance(44.5)
    assert len(server.primus) == 1
    manual_clock.advance(1)
    assert len(server.primus) == 0


async def test_pings_of_a_client_that_does_not_poll_leave_one_pong(primus_server: Any) -> None:
    server = await primus_server(transformer="engine.io", **STILL)
    met = Recorder(server.primus, "connection")
    session = Session(server, 3)
    await session.open()
    spark = await met.one("connection")
    for number in range(50):
        assert await session.post(*["2" + "x" * 100] * 1000, f"2{number}") == "ok"
        assert spark.buffered < 200
    assert session.payload("349") == await session.poll()


async def test_pings_of_a_client_that_reads_nothing_leave_one_pong(primus_server: Any) -> None:
    server = await primus_server(transformer="engine.io", high_water=100_000, **STILL)
    met = Recorder(server.primus, "connection")
    socket = await Session(server, 3).websocket()
    spark = await met.one("connection")
    heard = Recorder(spark, "data")
    for number in range(1000):
        await socket.send_str(f"2{number:<20000}")
        if number % 10 == 9:
            await socket.send_str('4"next"')
            await heard.next("data")
            assert spark.buffered <= 100_000 + 65_536 + 20_000
    pong = ""
    while not pong.startswith("3999 "):
        pong = await asyncio.wait_for(socket.receive_str(), DEADLINE)
    await socket.close()


async def test_a_probe_that_is_repeated_is_answered_once(start: Start) -> None:
    session = await start()
    await session.open()
    probing = await session.websocket()
    for _ in range(3):
        await probing.send_str("2probe")
    await probing.send_str("5")
    await probing.send_str('4"echo"')
    assert await probing.receive_str() == "3probe"
    assert await probing.receive_str() == '4"echo"'
    await probing.close()


async def test_a_connection_that_we_do_not_read_is_not_given_up(
    start: Start, manual_clock: ManualClock
) -> None:
    session = await start(clock=manual_clock, timeout=False, ping_interval=False)
    await session.open()
    (spark,) = session.server.primus
    gate = asyncio.Event()
    spark.on("data", lambda message: gate.wait())
    posting = asyncio.ensure_future(session.post(*["4" + "x" * 9000] * 10))
    await eventually(lambda: spark.is_held)
    for _ in range(10):
        manual_clock.advance(30)
    assert len(session.server.primus) == 1
    gate.set()
    assert await posting == "ok"


@pytest.mark.parametrize(("size", "delivered"), [(100, 60), (10_000, 8)])
async def test_what_is_left_of_a_post_whose_client_has_gone_is_delivered_if_it_is_short(
    start: Start, size: int, delivered: int
) -> None:
    session = await start()
    gate, taken = busy(session.server.primus)
    await session.open()
    (spark,) = session.server.primus
    ends = Recorder(spark, "end")
    posting = asyncio.ensure_future(session.post(*['4"' + "x" * size + '"'] * 60))
    await eventually(lambda: spark.is_held)
    posting.cancel()
    async with asyncio.timeout(DEADLINE):
        while not await session.is_gone():
            await asyncio.sleep(0)
    gate.set()
    await ends.next("end")
    assert len(taken) == delivered


# -- WebSockets


async def test_a_websocket_at_once(start: Start) -> None:
    session = await start()
    async with asyncio.timeout(DEADLINE), await session.websocket() as socket:
        opening = await socket.receive_str()
        told = json.loads(opening[1:])
        assert (opening[0], told["upgrades"]) == ("0", [])
        (spark,) = session.server.primus
        assert told["sid"] == spark.id
        await socket.send_str("4h€😀")
        assert await socket.receive_str() == "4h€😀"
        binary = b"\x01\x02" if session.number == 4 else b"\x04\x01\x02"
        await socket.send_bytes(binary)
        assert await socket.receive_bytes() == binary


async def test_garbage_on_a_websocket_closes_it(start: Start) -> None:
    session = await start()
    async with asyncio.timeout(DEADLINE), await session.websocket() as socket:
        await socket.receive_str()
        await socket.send_str("abc")
        assert (await socket.receive()).type is WSMsgType.CLOSE
    assert len(session.server.primus) == 0


async def test_a_close_packet_closes_a_websocket(start: Start) -> None:
    session = await start()
    async with asyncio.timeout(DEADLINE), await session.websocket() as socket:
        await socket.receive_str()
        await socket.send_str("1")
        assert (await socket.receive()).type is WSMsgType.CLOSE


async def test_a_client_that_wants_base64_gets_it_on_a_websocket_too(start: Start) -> None:
    session = await start()
    text = "bAQI=" if session.number == 4 else "b4AQI="
    async with asyncio.timeout(DEADLINE), await session.websocket(b64=1) as socket:
        await socket.receive_str()
        await socket.send_str(text)
        assert await socket.receive_str() == text


async def test_a_session_upgrades(start: Start) -> None:
    session = await start()
    await session.open()
    (spark,) = session.server.primus
    async with asyncio.timeout(DEADLINE), await session.websocket() as socket:
        polling = asyncio.ensure_future(session.poll())
        await socket.send_str("2probe")
        assert await socket.receive_str() == "3probe"
        assert await polling == session.payload("6")
        spark.write("between the poll and the switch")
        assert await session.post("4still posted") == "ok"
        await socket.send_str("5")
        assert await socket.receive_str() == "4between the poll and the switch"
        assert await socket.receive_str() == "4still posted"
        await socket.send_str("4hello")
        assert await socket.receive_str() == "4hello"
        assert await session.is_gone(), "it is not polled any more"
        async with await session.websocket() as second:
            assert (await second.receive()).type is WSMsgType.CLOSE
        await socket.send_str("4still here")
        assert await socket.receive_str() == "4still here"
    assert await session.server.get("/original")


async def test_a_poll_that_comes_while_a_client_switches_does_not_hang(start: Start) -> None:
    session = await start()
    await session.open()
    async with asyncio.timeout(DEADLINE), await session.websocket() as socket:
        await socket.send_str("2probe")
        assert await socket.receive_str() == "3probe"
        assert await session.poll() == session.payload("6")


async def test_a_websocket_that_does_not_switch_is_dropped_and_polling_goes_on(
    start: Start, manual_clock: ManualClock
) -> None:
    session = await start(clock=manual_clock)
    await session.open()
    async with asyncio.timeout(DEADLINE), await session.websocket() as socket:
        await socket.send_str("2probe")
        assert await socket.receive_str() == "3probe"
        manual_clock.advance(10.6)
        assert (await socket.receive()).type is WSMsgType.CLOSE
    await session.post("4hello")
    assert await session.poll() == session.payload("4hello")


async def test_a_websocket_that_says_something_else_is_dropped_and_polling_goes_on(
    start: Start,
) -> None:
    session = await start()
    await session.open()
    for attempt in ("4hello", b"\x00", "2", "1"):
        async with asyncio.timeout(DEADLINE), await session.websocket() as socket:
            await (socket.send_bytes if isinstance(attempt, bytes) else socket.send_str)(attempt)
            assert (await socket.receive()).type is WSMsgType.CLOSE
    await session.post("4hello")
    assert await session.poll() == session.payload("4hello")


async def test_an_end_in_the_middle_of_an_upgrade_is_in_order(start: Start) -> None:
    session = await start()
    await session.open()
    (spark,) = session.server.primus
    async with asyncio.timeout(DEADLINE), await session.websocket() as socket:
        await socket.send_str("2probe")
        assert await socket.receive_str() == "3probe"
        spark.end("last")
        await socket.send_str("5")
        assert await socket.receive_str() == "4last"
        assert await socket.receive_str() == "4primus::server::close"
        assert (await socket.receive()).type is WSMsgType.CLOSE


async def test_a_post_that_is_too_long_ends_its_session(start: Start) -> None:
    session = await start(max_length=1000, transport={"max_payload": 2000})
    await session.open()
    assert await session.post(raw=b"4" + b"x" * 3000) == "413"
    assert await session.is_gone()


async def test_messages_written_when_a_session_opens_come_along(primus_server: Any) -> None:
    server = await primus_server(transformer="engine.io", transport=SHORT)
    server.primus.on("connection", lambda spark: spark.write("welcome"))
    answer = await server.get("/primus/?EIO=4&transport=polling")
    assert answer.text.split("\x1e")[1:] == ['4"welcome"']
    async with server.http.ws_connect(server.url + "/primus/?EIO=4&transport=websocket") as socket:
        assert (await socket.receive_str())[0] == "0"
        assert await socket.receive_str() == '4"welcome"'


async def test_a_session_that_is_ended_at_once_says_so(primus_server: Any) -> None:
    server = await primus_server(transformer="engine.io", transport=SHORT)
    server.primus.on("connection", lambda spark: spark.end("go away"))
    answer = await server.get("/primus/?EIO=4&transport=polling")
    assert answer.text.split("\x1e")[1:] == ['4"go away"', '4"primus::server::close"', "1"]
    async with server.http.ws_connect(server.url + "/primus/?EIO=4&transport=websocket") as socket:
        assert (await socket.receive_str())[0] == "0"
        assert await socket.receive_str() == '4"go away"'
        assert await socket.receive_str() == '4"primus::server::close"'
        assert (await socket.receive()).type is WSMsgType.CLOSE


async def test_a_broadcast_reaches_every_kind_of_session() -> None:
    async with (
        asyncio.timeout(DEADLINE),
        running(transformer="engine.io", parser=Verbatim(), transport=SHORT) as server,
    ):
        polled = [Session(server, 3), Session(server, 4)]
        for session in polled:
            await session.open()
        sockets = [
            await Session(server, number).websocket(b64=b) for number in (3, 4) for b in ("", 1)
        ]
        for socket in sockets:
            await socket.receive_str()
        for frame in ("text é", b"\x01\x02"):
            server.primus.write(frame)
            for session in polled:
                packet = frame if isinstance(frame, bytes) else "4" + frame
                assert await session.poll() == session.payload(packet)
            got = [(await socket.receive()).data for socket in sockets]
            if isinstance(frame, str):
                assert got == ["4text é"] * 4
            else:
                assert got == [b"\x04\x01\x02", "b4AQI=", b"\x01\x02", "bAQI="]
        for socket in sockets:
            await socket.close()


async def test_the_answer_to_a_poll_that_is_not_read_ends_its_session(
    primus_server: Any, manual_clock: ManualClock
) -> None:
    transport = {**SHORT, "ping_interval": 9e3}
    server = await primus_server(
        transformer="engine.io", clock=manual_clock, **{**STILL, "transport": transport}
    )
    server.primus.on("connection", lambda spark: spark.write("x" * 8_000_000) and None)
    sparks = Recorder(server.primus, "connection")
    raw = await RawWebSocket.dial(server, room=4096)
    raw.writer.write(b"GET /primus/?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\n\r\n")
    ended = Recorder(await sparks.one("connection"), "end")
    await pass_time(manual_clock, 29)
    assert len(server.primus) == 1
    await pass_time(manual_clock, 300)
    await ended.next("end")
    raw.drop()
    await asyncio.sleep(0)
