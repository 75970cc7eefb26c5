"""Frames of a server to the byte, the engine of WebSockets, and the sides that aiohttp speaks."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from primus.errors import HandshakeError, OptionError, TransportError
from primus.http import Response
from primus.limits import DEFAULT_LIMITS
from primus.server.hosts.aiohttp_websocket import ServedWebSocket
from primus.websocket import client as dialling
from primus.websocket.client import AiohttpConnector, DialledWebSocket, make_handshake
from primus.websocket.corking import CORK_BYTES, Corking
from primus.websocket.engine import Engine, EngineOptions
from primus.websocket.framing import bounds, head, is_close_code, server_frame, text_frame, utf8
from primus_testing import eventually, make_request

# -- frames


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65_535, b"\x81\x7e\xff\xff"),
        (65_536, b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_the_head_of_a_frame_is_as_short_as_its_length_lets_it(size: int, expected: bytes) -> None:
    assert head(0x81, size) == expected
    assert text_frame(b"x" * size)[: len(expected)] == expected
    assert len(text_frame(b"x" * size)) == len(expected) + size
    for masked, key in ((0, 0), (0x80, 4)):
        frame = expected[:1] + bytes((expected[1] | masked,)) + expected[2:]
        found = (3 + len(expected) + key, 3 + len(expected) + key + size)
        assert bounds(b"???" + frame, 3, 3 + len(frame)) == found
        assert bounds(b"???" + frame, 3, 3 + len(frame) - 1) is None


def test_a_message_is_text_or_binary_and_a_lone_surrogate_is_replaced() -> None:
    assert server_frame(b"\x00") == b"\x82\x01\x00"
    assert server_frame("é") == b"\x81\x02\xc3\xa9"
    assert utf8("a\ud800") == b"a\xef\xbf\xbd"


@pytest.mark.parametrize(
    ("code", "may_be"),
    [
        *((code, False) for code in (0, 999, 1004, 1005, 1006, 1015, 2999, 5000)),
        *((code, True) for code in (1000, 1003, 1007, 1014, 3000, 4999)),
    ],
)
def test_the_codes_of_a_close_frame(code: int, may_be: bool) -> None:
    assert is_close_code(code) is may_be


# -- the engine


class Opened:
    """A WebSocket that is open; ends when it is dropped, or never."""

    def __init__(self, engine: Engine, *, ends: bool = True) -> None:
        self.engine = engine
        self.ends = ends
        self.story: list[str] = []

    def abort(self) -> None:
        """Drop it."""
        self.story.append("aborted")
        if self.ends:
            self.engine.left(self)  # type: ignore[arg-type]


class Witness:
    """Notes what becomes of a WebSocket."""

    def __init__(self) -> None:
        self.story: list[Any] = []

    def opened(self, transport: Any) -> None:
        """It is open."""
        self.story.append(transport)

    def left(self) -> None:
        """It is gone."""
        self.story.append("left")


def engine(close_timeout: float = 60.0) -> tuple[Any, list[Any]]:
    story: list[Any] = []
    writes = SimpleNamespace(
        keep=lambda wire, transport: story.append(("keep", wire)),
        discard=lambda wire: story.append(("discard", wire)),
    )
    primus: Any = SimpleNamespace(writes=writes, limits=DEFAULT_LIMITS)
    return Engine(primus, EngineOptions(1000, close_timeout=close_timeout)), story


async def test_an_engine_waits_until_all_have_closed() -> None:
    made, _ = engine()
    await made.close()  # there is nothing to wait for
    one, two = Opened(made), Opened(made)
    made.entered(one)
    made.entered(two)
    closing = asyncio.create_task(made.close())
    await asyncio.sleep(0)
    made.left(one)
    for _ in range(5):
        await asyncio.sleep(0)
    assert not closing.done()
    made.left(two)
    await closing
    assert (one.story, two.story) == ([], [])


async def test_an_engine_drops_those_whose_time_is_over() -> None:
    made, _ = engine(close_timeout=-1.0 + 0.01)
    late = Opened(made)
    made.entered(late)
    await made.close()
    assert late.story == ["aborted"]


async def test_an_engine_does_not_wait_for_ever_for_what_it_has_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("primus.websocket.engine.ABORTED", 0.01)
    made, _ = engine(close_timeout=-1.0 + 0.01)
    stuck = Opened(made, ends=False)
    made.entered(stuck)
    await made.close()
    assert stuck.story == ["aborted"]


def test_a_websocket_is_watched_while_it_is_open_and_its_witness_is_told_once() -> None:
    made, story = engine()
    transport, witness, wire = Opened(made), Witness(), object()
    made.entered(transport, wire, witness)
    made.left(transport)
    made.left(transport)
    assert story == [("keep", wire), ("discard", wire), ("discard", None)]
    assert witness.story == [transport, "left"]


class Refusing:
    """The WebSocket of a host that is not accepted."""

    wire = None

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    async def accept(self, headers: Any, **options: Any) -> Response | None:
        """Answer the handshake."""
        if isinstance(self.answer, Exception):
            raise self.answer
        result: Response = self.answer
        return result


@pytest.mark.parametrize(
    ("answer", "status"), [(ConnectionResetError(), 400), (Response.error(426), 426)]
)
async def test_an_upgrade_that_is_not_accepted_opens_nothing(answer: Any, status: int) -> None:
    made, story = engine()
    request = make_request("/primus", websocket=lambda: Refusing(answer))  # type: ignore[arg-type,return-value]
    opened: list[Any] = []
    response = await made.upgrade(request, opened.append)
    assert response.status == status
    assert (opened, story) == ([], [])


def options_of(**transport: Any) -> EngineOptions:
    primus: Any = SimpleNamespace(
        options=SimpleNamespace(max_length=7, compression=True), transformer_name="websockets"
    )
    return EngineOptions.of(primus, transport, frozenset({"extra"}))


def test_the_options_of_an_engine_are_those_of_the_primus_and_of_its_transport() -> None:
    assert options_of() == EngineOptions(7, True, 5.0)
    given = options_of(close_timeout="2", subprotocols=["a"], extra=1)
    assert given == EngineOptions(7, True, 2.0, ("a",), {"extra": 1})
    assert options_of(subprotocols=None).subprotocols == ()
    with pytest.raises(OptionError, match="unknown extras; the websockets transformer takes"):
        options_of(extras=1)


# -- aiohttp's client


class Answered:
    """What a server answers to a handshake."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.headers: dict[str, str] = {"X-Why": "no"}
        protocol: Any = SimpleNamespace(resume_reading=lambda **_: None)
        loop = asyncio.get_running_loop()
        self.content = aiohttp.StreamReader(protocol, 2**16, loop=loop)
        self.content.feed_data(b"refused")
        self.content.feed_eof()
        self.story: list[str] = []

    def close(self) -> None:
        """Drop the connection."""
        self.story.append("closed")


@pytest.mark.parametrize("status", [200, 302, 403])
async def test_what_does_not_switch_protocols_is_refused_and_closed(status: int) -> None:
    answered = Answered(status)

    async def handle(request: Any) -> Any:
        return answered

    request: Any = SimpleNamespace(headers={})
    with pytest.raises(HandshakeError) as raised:
        await make_handshake(request, handle)
    assert raised.value.status == status
    assert answered.story == ["closed"]


@pytest.mark.parametrize("offers", [True, False])
async def test_compression_is_offered_without_a_window_or_not_at_all(offers: bool) -> None:
    asked: list[Any] = []

    async def handle(request: Any) -> Any:
        asked.append(dict(request.headers))
        return Answered(101)

    name = "Sec-WebSocket-Extensions"
    told = {name: "permessage-deflate; client_max_window_bits"} if offers else {}
    request: Any = SimpleNamespace(headers=dict(told))
    await make_handshake(request, handle)
    assert asked == [{name: "permessage-deflate"} if offers else {}]


@pytest.mark.parametrize("url", ["", "ftp://x/", "ws://", "/primus", "http://[::1", "ws:x"])
def test_what_is_no_url_of_a_websocket_is_refused(url: str) -> None:
    with pytest.raises(OptionError, match="cannot open a WebSocket to"):
        dialling._url(url)


@pytest.mark.parametrize("url", ["http://x/", "https://x", "ws://x:80/?a=b%20c", "wss://[::1]/"])
def test_a_url_is_taken_as_it_is(url: str) -> None:
    assert dialling._url(url).query_string == ("a=b c" if "?" in url else "")


async def test_a_connection_that_is_gone_or_never_was_can_be_dropped() -> None:
    dial: Any = SimpleNamespace(options={}, limits=DEFAULT_LIMITS)
    wire = DialledWebSocket(dialling._url("http://x/"), dial)
    wire.abort()  # before it is open
    for number in (-1, 2**30):
        wire._socket = SimpleNamespace(fileno=lambda number=number: number)
        wire.abort()
    gate = SimpleNamespace(story=[])
    gate.drop = lambda: gate.story.append("dropped")
    gate.open = lambda: gate.story.append("opened")
    wire._gate = gate  # type: ignore[assignment]
    wire.abort()
    await wire.let_go()
    assert gate.story == ["dropped", "opened"]
    await eventually(lambda: wire._session.closed)


class Dialled:
    """A WebSocket that is being dialled, by a session that does as the test says."""

    def __init__(self, outcome: Any, **options: Any) -> None:
        self.dial: Any = SimpleNamespace(
            options=options, limits=DEFAULT_LIMITS, max_length=1000, compression=True
        )
        self.outcome = outcome
        self.asked: dict[str, Any] = {}
        self.story: list[str] = []
        self.socket = DialledWebSocket(dialling._url("http://x:80/"), self.dial)
        self.session = self.socket._session
        self.socket._session = self  # type: ignore[assignment]

    async def ws_connect(self, url: Any, **asked: Any) -> Any:
        """Open it, or fail."""
        self.asked = asked
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome

    async def close(self) -> None:
        """End the session, or the WebSocket."""
        self.story.append("closed")
        await self.session.close()

    def get_extra_info(self, name: str) -> str:
        """Of the WebSocket."""
        return f"its {name}"


ANSWERED: Any = SimpleNamespace(real_url="http://x", status=101)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (aiohttp.WSServerHandshakeError(ANSWERED, (), message="no key"), "failed: no key"),
        (aiohttp.ServerTimeoutError("slow"), "cannot connect to x:80: slow"),
        (
            aiohttp.ClientResponseError(
                ANSWERED, (), status=400, message="odd", headers={"A": "b"}
            ),
            r"failed: ClientResponseError\(400, 'odd'\)$",
        ),
        (aiohttp.ClientError("odd"), "failed: odd"),
        (OSError("net"), "failed: net"),
        (ValueError(), r"failed: ValueError\(\)"),
    ],
)
async def test_what_dialling_fails_with_is_a_transport_error(error: Exception, told: str) -> None:
    dialled = Dialled(error)
    with pytest.raises(TransportError, match=told):
        await dialled.socket.open()
    await dialled.session.close()


async def test_a_dial_that_fails_or_is_given_up_leaves_no_session_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for error in (OSError("net"), asyncio.CancelledError()):
        dialled = Dialled(error)
        monkeypatch.setattr(dialling, "DialledWebSocket", lambda *_, made=dialled: made.socket)
        connector: Any = AiohttpConnector()
        connector.check = lambda dial: None
        dialled.dial.url = "http://x:80/"
        with pytest.raises((TransportError, asyncio.CancelledError)):
            await connector.open(dialled.dial, None)
        assert dialled.story == ["closed"]


async def test_a_dial_asks_for_what_its_options_say() -> None:
    dialled = Dialled(None)
    dialled.outcome = dialled
    handler = dialled.socket._handler()
    handler.gate = gate = SimpleNamespace(on_end=None, open=lambda: None)  # type: ignore[assignment]
    dialled.socket._handler()  # of an address that did not answer
    await dialled.socket.open()
    assert dialled.asked == {
        "autoclose": False,
        "autoping": False,
        "protocols": (),
        "compress": 15,
        "headers": None,
        "ssl": True,
        "max_msg_size": 1001,
    }
    assert dialled.socket._socket == "its socket"
    assert gate.on_end == dialled.socket._ended
    await dialled.socket.let_go()
    assert dialled.story == ["closed", "closed"]

    dialled = Dialled(None, subprotocols=["a"], ssl="context", headers={"X": "1"})
    dialled.outcome = dialled
    dialled.dial.compression = False
    await dialled.socket.open()
    told = {name: dialled.asked[name] for name in ("protocols", "compress", "headers", "ssl")}
    assert told == {"protocols": ("a",), "compress": 0, "headers": {"X": "1"}, "ssl": "context"}
    await dialled.session.close()


class Native:
    """aiohttp's WebSocket, which notes what it sends."""

    def __init__(self) -> None:
        self.story: list[Any] = []

    async def send_str(self, text: str) -> None:
        """Text."""
        self.story.append(text)

    async def send_bytes(self, data: bytes) -> None:
        """Binary."""
        self.story.append(data)

    async def send_frame(self, payload: bytes, kind: Any) -> None:
        """Any frame."""
        self.story.append((kind, payload))


async def test_text_and_binary_are_sent_as_such_and_one_close_frame() -> None:
    socket = ServedWebSocket(SimpleNamespace(transport=None), DEFAULT_LIMITS)  # type: ignore[arg-type]
    socket.native = native = Native()  # type: ignore[assignment]
    await socket.send("text")
    await socket.send(b"binary")
    await socket._answer(3000)
    await socket.close(1000, "")
    await socket._answer(1000)
    assert native.story == ["text", b"binary", (aiohttp.WSMsgType.CLOSE, b"\x0b\xb8")]


# -- what is held back


class Held(Corking):
    """A transport that sends bytes as they are."""

    def send(self, frame: Any) -> None:
        """Send, or hold back."""
        self._put(frame)

    def close(self, code: int | None = None, reason: str = "") -> None:
        """Nothing is closed."""

    def abort(self) -> None:
        """Nothing is dropped."""

    pause_reading = resume_reading = abort


def test_a_transport_without_a_wire_sends_nothing_and_holds_what_is_corked() -> None:
    held = Held()
    held.limit(10)
    held.send(b"lost")
    held._full()
    held._free()
    assert held.buffered == 0
    held.corked = True
    held.send(b"held")
    assert (held.buffered, held.traffic) == (4, (0, 4))
    held._let_out()
    assert held.buffered == 0


def test_so_many_bytes_are_held_back_and_the_wire_keeps_no_more_than_the_limit() -> None:
    written: list[int] = []
    limits: list[int] = []
    wire: Any = SimpleNamespace(
        write=lambda data: written.append(len(data)),
        is_closing=lambda: False,
        get_write_buffer_size=lambda: 0,
        set_write_buffer_limits=limits.append,
    )
    held = Held(wire)
    held.limit(10)
    held.limit(100_000)
    assert limits == [10, 16_384]
    held.corked = True
    held.send(bytes(CORK_BYTES))
    assert written == []
    held.send(b"x")
    assert written == [CORK_BYTES + 1]
    held.send(bytes(CORK_BYTES))  # as much again
    assert len(written) == 1
    held._forget()
    held.send(b"x")
    assert len(written) == 1


# -- aiohttp's server


async def test_the_websocket_of_a_request_that_has_lost_its_connection_can_be_dropped() -> None:
    story: list[str] = []
    gate = SimpleNamespace(drop=lambda: story.append("dropped"))
    wire = SimpleNamespace(
        abort=lambda: story.append("aborted"), close=lambda: story.append("closed")
    )
    for transport in (None, wire):
        socket = ServedWebSocket(SimpleNamespace(transport=transport), DEFAULT_LIMITS)  # type: ignore[arg-type]
        socket._finish()
        socket.abort()
        socket._gate = gate  # type: ignore[assignment]
        socket.abort()
    assert story == ["dropped", "closed", "aborted", "dropped", "aborted"]
