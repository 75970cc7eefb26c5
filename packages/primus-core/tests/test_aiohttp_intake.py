"""The gate before aiohttp's parser of WebSockets, and aiohttp's WebSocket behind it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import WebSocketError, WSMessage, WSMsgType

from primus.errors import LimitError, ProtocolError
from primus.limits import DEFAULT_LIMITS
from primus.websocket.aiohttp import AiohttpWebSocket
from primus.websocket.aiohttp_intake import FrameGate
from primus_testing import NotingTransport
from primus_testing.raw_websocket import BINARY, CONT, PING, TEXT, frame

LIMITS = replace(DEFAULT_LIMITS, fragments=3, short_fragment=4, read_ahead_bytes=50)
ONE, TWO = frame(TEXT, b"one"), frame(BINARY, b"two")


class Parser:
    """Keeps what is let through; the first byte of what it refuses is a question mark."""

    def __init__(self) -> None:
        self.transport: Any = NotingTransport()
        self.passed = b""
        self.ended = 0
        self.wrong: list[Any] = []

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        self.passed += data
        return data[6:7] == b"?", b""

    def feed_eof(self) -> None:
        self.ended += 1

    def set_exception(self, error: Any) -> None:
        self.wrong.append(error)


class Gated:
    """A gate, and what is behind it."""

    def __init__(self, *, masked: bool = True) -> None:
        self.parser = Parser()
        self.gate = FrameGate(self.parser, self.parser, LIMITS, masked=masked)
        self.gate._queue = self.parser

    def feed(self, *data: bytes) -> tuple[bool, bytes]:
        return self.gate.feed_data(b"".join(data))

    @property
    def passed(self) -> bytes:
        """What has been let through since the last time."""
        passed, self.parser.passed = self.parser.passed, b""
        return passed


@pytest.fixture
def gated() -> Gated:
    return Gated()


def test_messages_pass_one_by_one_and_the_wire_is_not_read_meanwhile(gated: Gated) -> None:
    assert gated.feed(ONE, TWO, ONE) == (False, b"")
    assert gated.passed == ONE
    assert gated.parser.transport.story == ["paused"]
    gated.gate.want()
    assert gated.passed == TWO
    assert gated.parser.transport.story == ["paused"]
    gated.gate.want()
    assert gated.passed == ONE
    assert gated.parser.transport.story == ["paused", "read"]
    gated.gate.want()
    gated.gate.want()
    gated.feed(TWO)
    assert gated.passed == TWO
    gated.feed(ONE)
    assert gated.passed == b""
    assert gated.parser.transport.story[2:] == ["paused"]


def test_parts_of_a_frame_pass_as_they_come_and_half_a_head_waits(gated: Gated) -> None:
    gated.feed(ONE[:1])
    assert gated.passed == b""
    gated.feed(ONE[1:7])
    assert gated.passed == ONE[:7]
    gated.feed(ONE[7:], TWO)
    assert gated.passed == ONE[7:]
    gated.gate.want()
    assert gated.passed == TWO
    assert "paused" in gated.parser.transport.story


def test_what_only_looks_like_a_whole_message_is_none(gated: Gated) -> None:
    short = b"\x81\x81\x80\x02\x03\x04x"  # without its first byte it looks whole
    gated.feed(short[:1])
    gated.feed(short[1:])
    assert gated.passed == short
    gated.gate.want()
    long = b"\x81\x86abcd\x81\x80efgh"  # its payload does
    gated.feed(long[:6])
    gated.feed(long[6:])
    assert gated.passed == long
    gated.gate.want()
    gated.feed(ONE, TWO)
    assert gated.passed == ONE
    gated.gate.want()
    assert gated.passed == TWO


@pytest.mark.parametrize(
    ("masked", "data"), [(True, b"\x81\x7e\x00\x00"), (False, frame(TEXT, b"x"))]
)
def test_a_short_frame_by_itself_is_refused_when_it_ought_not_to_be_so(
    masked: bool, data: bytes
) -> None:
    gated = Gated(masked=masked)
    assert gated.feed(data) == (True, b"")
    assert gated.passed == b""


def test_fragments_pass_together_and_control_frames_count_as_messages(gated: Gated) -> None:
    parts = frame(TEXT, b"long", fin=False), frame(CONT, b"long", fin=False), frame(CONT, b"x")
    gated.feed(*parts, ONE)
    assert gated.passed == b"".join(parts)
    gated.gate.want()
    assert gated.passed == ONE
    gated.gate.want()
    gated.feed(parts[0], frame(PING), parts[1], parts[2])
    assert gated.passed == parts[0] + frame(PING)
    gated.gate.want()
    assert gated.passed == parts[1] + parts[2]


def test_a_frame_that_ought_to_be_masked_or_ought_not_is_refused_and_nothing_passes() -> None:
    for masked in (True, False):
        gated = Gated(masked=masked)
        right, wrong = (frame(TEXT, b"x", masked=each) for each in (masked, not masked))
        assert gated.feed(right) == (False, b"")
        gated.gate.want()
        assert gated.feed(wrong, right) == (True, b"")
        gated.gate.want()
        assert gated.feed(right) == (False, b"")
        assert gated.passed == right
        (error,) = gated.parser.wrong
        assert error.code == 1002


def test_more_short_fragments_than_the_limit_are_refused(gated: Gated) -> None:
    long = [frame(CONT, b"long", fin=False)] * 20
    short = frame(CONT, b"x", fin=False)
    gated.feed(frame(TEXT, b"x", fin=False), *long, short, frame(CONT, b"x"))
    assert not gated.parser.wrong
    gated.gate.want()
    gated.feed(frame(TEXT, b"x", fin=False), short, short)
    assert not gated.parser.wrong
    assert gated.feed(short) == (True, b"")
    (error,) = gated.parser.wrong
    assert (error.code, "more than 3 short fragments" in str(error)) == (1009, True)


def test_control_frames_between_them_do_not_hide_short_fragments(gated: Gated) -> None:
    short = frame(CONT, b"x", fin=False)
    gated.feed(frame(TEXT, b"x", fin=False), frame(PING))
    for _ in range(2):
        gated.gate.want()
        assert gated.feed(short, frame(PING)) == (False, b"")
    gated.gate.want()
    assert gated.feed(short) == (True, b"")


def test_what_the_parser_refuses_ends_the_connection(gated: Gated) -> None:
    wrong = frame(TEXT, b"?", masked=False)
    unmasked = Gated(masked=False)
    wrong = bytes([0x81, 5]) + b"....?"
    assert unmasked.feed(wrong, ONE) == (True, b"")
    assert unmasked.gate._rest == b""


def test_a_wire_that_is_gone_is_told_once_all_has_been_taken(gated: Gated) -> None:
    gated.feed(ONE, TWO, ONE[:1])
    ended: list[bool] = []
    gated.gate.on_end = lambda: ended.append(True)
    gated.gate.feed_eof()
    assert (ended, gated.parser.ended) == ([True], 0)
    gated.gate.want()
    assert gated.parser.ended == 1
    assert gated.passed == ONE + TWO


def test_a_wire_that_is_gone_with_nothing_left_is_told_at_once(gated: Gated) -> None:
    gated.gate.feed_eof()
    assert gated.parser.ended == 1


def test_what_is_dropped_neither_waits_nor_comes_and_the_wire_is_read(gated: Gated) -> None:
    gated.feed(ONE, TWO)
    gated.gate.drop()
    assert gated.parser.transport.story == ["paused", "read"]
    gated.gate.want()
    assert gated.feed(TWO) == (False, b"")
    assert gated.passed == ONE
    assert gated.parser.ended == 0
    gated.gate.feed_eof()
    assert gated.parser.ended == 1


def test_a_wire_that_is_gone_is_told_as_soon_as_the_rest_is_dropped(gated: Gated) -> None:
    gated.feed(ONE, TWO)
    gated.gate.feed_eof()
    assert gated.parser.ended == 0
    gated.gate.drop()
    assert gated.parser.ended == 1


def test_an_open_gate_lets_everything_through(gated: Gated) -> None:
    gated.feed(ONE, TWO, ONE)
    gated.gate.open()
    gated.feed(TWO)
    gated.feed(ONE)
    assert gated.passed == ONE + TWO + ONE + TWO + ONE
    assert gated.parser.transport.story == ["paused", "read"]


@pytest.mark.parametrize(("more", "is_long"), [(0, False), (1, True)])
def test_more_waits_than_may_always_wait(gated: Gated, more: int, is_long: bool) -> None:
    waiting = frame(TEXT, b"x" * (50 - 6 + more))
    assert len(waiting) == 50 + more
    gated.feed(ONE, waiting)
    assert gated.gate.is_long is is_long


def test_a_wire_that_is_closing_or_gone_is_neither_paused_nor_resumed() -> None:
    gated = Gated()
    gated.parser.transport.closing = True
    gated.feed(ONE, TWO)
    assert gated.parser.transport.story == []
    gone = Gated()
    gone.parser.transport = None
    gone.feed(ONE, TWO)
    assert gone.passed == ONE


# -- aiohttp's WebSocket


class Native:
    """aiohttp's WebSocket, which receives what the test says."""

    def __init__(self, *messages: Any) -> None:
        self.messages = list(messages)
        self.sent: list[Any] = []

    async def receive(self) -> Any:
        return self.messages.pop(0)

    async def pong(self, data: bytes) -> None:
        self.sent.append(("pong", data))

    async def send_frame(self, payload: bytes, kind: Any) -> None:
        self.sent.append((kind, payload))

    async def send_str(self, text: str) -> None:
        self.sent.append(text)

    async def send_bytes(self, data: bytes) -> None:
        self.sent.append(("bytes", data))


class Speaking(AiohttpWebSocket):
    """One whose connection is closed in no way."""

    def __init__(self, *messages: Any) -> None:
        super().__init__()
        self.speaking = Native(*messages)
        self.native = self.speaking  # type: ignore[assignment]
        self.finished = 0

    async def accept(self, *args: Any, **options: Any) -> None:
        """It is open."""

    def abort(self) -> None:
        """There is nothing to drop."""

    def _finish(self) -> None:
        self.finished += 1


def said(kind: WSMsgType, data: Any = None, extra: Any = None) -> WSMessage:
    return WSMessage(kind, data, extra)


async def test_messages_are_received_and_signs_of_life_are_told_and_answered() -> None:
    socket = Speaking(
        said(WSMsgType.PING, b"?"),
        said(WSMsgType.PONG, b"!"),
        said(WSMsgType.TEXT, "text"),
        said(WSMsgType.BINARY, bytearray(b"bytes")),
        said(WSMsgType.CLOSED),
    )
    seen: list[bool] = []
    socket.seen = lambda: seen.append(True)

    assert [await socket.receive(), await socket.receive()] == ["text", b"bytes"]
    assert await socket.receive() is None
    assert len(seen) == 2
    assert socket.speaking.sent == [("pong", b"?")]
    await socket.send("text")
    await socket.send(b"bytes")
    assert socket.speaking.sent[1:] == ["text", ("bytes", b"bytes")]


async def test_each_message_is_let_through_when_it_is_asked_for() -> None:
    gated, socket = Gated(), Speaking(*[said(WSMsgType.TEXT, "x")] * 2)
    socket.watch(gated.gate)
    gated.feed(ONE, TWO, ONE)
    assert gated.passed == ONE

    await socket.receive()
    assert gated.passed == TWO
    await socket.receive()
    assert gated.passed == ONE


async def test_many_signs_of_life_give_others_their_turn() -> None:
    pings = [said(WSMsgType.PONG, b"")] * DEFAULT_LIMITS.turn_messages
    for count, turns in ((DEFAULT_LIMITS.turn_messages - 1, 0), (DEFAULT_LIMITS.turn_messages, 1)):
        socket = Speaking(*pings[:count], said(WSMsgType.TEXT, "x"))
        task = asyncio.ensure_future(socket.receive())
        await asyncio.sleep(0)
        assert task.done() is (turns == 0)
        assert await task == "x"


@pytest.mark.parametrize(
    ("code", "reason", "status", "payload"),
    [
        (1000, "bye", 1000, b"\x03\xe8"),
        (0, None, None, b""),
        (1005, "", None, b"\x03\xea"),
        (4000, "", 4000, b"\x0f\xa0"),
    ],
)
async def test_the_close_of_a_peer_is_answered_with_its_code(
    code: int, reason: Any, status: int | None, payload: bytes
) -> None:
    socket = Speaking(said(WSMsgType.CLOSE, code, reason))

    assert await socket.receive() is None

    assert socket.speaking.sent == [(WSMsgType.CLOSE, payload)]
    assert socket.ending is not None
    assert (socket.ending.status, socket.ending.reason) == (status, reason or "")
    assert socket.finished == 1


async def test_the_answer_to_our_close_is_not_answered() -> None:
    socket = Speaking(said(WSMsgType.PING, b"?"), said(WSMsgType.CLOSE, 1000))
    await socket.close(4001, "bye")
    await socket.close(4002, "again")

    assert await socket.receive() is None

    assert socket.speaking.sent == [(WSMsgType.CLOSE, b"\x0f\xa1bye")]
    assert socket.finished == 1


@pytest.mark.parametrize(
    ("error", "kind", "option"),
    [
        (WebSocketError(1002, "odd"), ProtocolError, None),
        (WebSocketError(1009, "too long"), LimitError, "max_length"),
        (WebSocketError(1009, "more than 3 short fragments"), LimitError, ""),
    ],
)
async def test_what_the_peer_does_wrong_is_raised(
    error: WebSocketError, kind: type, option: str | None
) -> None:
    with pytest.raises(kind, match="broke the WebSocket protocol") as raised:
        await Speaking(said(WSMsgType.ERROR, error)).receive()
    assert getattr(raised.value, "option", None) == option
    assert await Speaking(said(WSMsgType.ERROR, ConnectionResetError())).receive() is None


@pytest.mark.parametrize(
    ("is_paused", "size", "is_dropped"), [(True, 60, True), (True, 10, False), (False, 60, False)]
)
def test_what_waits_for_a_paused_connection_when_the_wire_goes_is_dropped_if_it_is_long(
    is_paused: bool, size: int, is_dropped: bool
) -> None:
    gated, socket = Gated(), Speaking()
    socket.watch(gated.gate)
    socket.gone = lambda: is_paused
    gated.feed(ONE, frame(TEXT, b"x" * size))

    gated.gate.feed_eof()

    assert (gated.gate._rest == b"") is is_dropped
    other = Speaking()
    other.watch(gated.gate)
    other.gone = None
    other._ended()
