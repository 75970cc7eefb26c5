"""One WebSocket on a wire that does nothing by itself: literal bytes in and out."""

from __future__ import annotations

import asyncio
import gc
import logging
from dataclasses import replace

import pytest
from picows import WSUpgradeResponse, WSUpgradeResponseWithListener

from primus.closed import Ending
from primus.errors import LimitError, ProtocolError
from primus.limits import DEFAULT_LIMITS, Limits
from primus_testing import ManualClock, NotingConnection, eventually
from primus_testing.noting import SocketlessTransport
from primus_testing.raw_websocket import BINARY, CLOSE, CONT, PING, PONG, TEXT, frame
from primus_transformer_lws import transport as transport_module
from primus_transformer_lws.native import PicowsProtocol, PreparedResponse, ViolationLogger
from primus_transformer_lws.transport import LwsTransport

LIMITS = replace(DEFAULT_LIMITS, fragments=3, short_fragment=4, turn_bytes=1000, turn_messages=5)
MAX = 200
FOR_EVER = 3600.0
HEAD = (
    b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class Talk:
    """An open WebSocket of a server, and its connection."""

    def __init__(self, close_timeout: float = FOR_EVER, limits: Limits = LIMITS) -> None:
        self.wire = SocketlessTransport()
        self.transport = LwsTransport(self.wire, MAX, close_timeout, limits=limits)
        violations = ViolationLogger(logging.getLogger("primus.server"))
        answer = WSUpgradeResponse.create_101_response()
        self.protocol = PicowsProtocol(
            lambda _: WSUpgradeResponseWithListener(answer, self.transport.listener),
            violations,
            MAX,
        )
        violations.owner = self.transport
        self.wire.protocol = self.protocol
        self.protocol.connection_made(self.wire)
        self.protocol.take(memoryview(HEAD))
        self.wire.writes.clear()
        self.transport.connection = self.connection = NotingConnection()

    async def receive(self, *frames: bytes) -> None:
        """Hand bytes to what receives them, and run what was put off."""
        rest = memoryview(b"".join(frames))
        while rest and self.wire.protocol is self.protocol:
            rest = self.protocol.take(rest)
        await asyncio.sleep(0)


@pytest.fixture
async def talk() -> Talk:
    return Talk()


async def test_messages_are_brought_as_they_were_sent(talk: Talk) -> None:
    await talk.receive(frame(TEXT, b"text"), frame(BINARY, b"\xff\x00"), frame(TEXT))
    assert talk.connection.story == ["text", b"\xff\x00", ""]
    assert talk.connection.signs == 0
    assert not talk.wire.written


async def test_nothing_of_the_handshake_that_we_make_up_is_kept(talk: Talk) -> None:
    assert talk.transport._ws is not None
    assert len(talk.transport._ws.request.headers) == 0
    answer = PreparedResponse(b"HTTP/1.1 101 x\r\n\r\n")
    answer.headers["Connection"] = "upgrade"
    assert answer.to_bytes() == b"HTTP/1.1 101 x\r\n\r\n"
    assert answer.headers == {}
    assert answer.to_bytes() == b""


async def test_what_picows_has_called_refers_to_no_transport_whose_wire_is_gone(
    talk: Talk,
) -> None:
    listener = talk.transport.listener
    assert talk.transport in gc.get_referents(listener)
    talk.protocol.connection_lost(None)
    assert talk.transport not in gc.get_referents(listener)


async def test_nothing_is_sent_once_it_is_closing(talk: Talk) -> None:
    talk.transport.close(1000, "bye")
    talk.transport.send("late")
    talk.transport.send_text(b"late")
    talk.transport.send_prepared(talk.transport.prepare("late"))
    talk.transport.ping()
    talk.transport.close(1001)
    await talk.receive(frame(PING, b"?"))

    assert talk.wire.written == b"\x88\x05\x03\xe8bye"
    talk.transport.abort()


async def test_nothing_is_sent_behind_a_close_frame_that_is_held_back(talk: Talk) -> None:
    def leave() -> None:
        talk.transport.close(1000)
        talk.transport.send("late")
        talk.transport.send_text(b"late")
        talk.transport.send_prepared(talk.transport.prepare("late"))
        assert talk.transport.ping()
        talk.transport.close(1001)

    talk.connection.on_frame = leave
    await talk.receive(frame(TEXT, b"1") + frame(PING, b"?"))

    assert talk.wire.written == b"\x88\x02\x03\xe8"
    talk.transport.abort()


async def test_a_ping_leaves_with_what_is_held_back_and_otherwise_at_once(talk: Talk) -> None:
    talk.transport.ping()
    assert talk.wire.written == b"\x89\x00"
    talk.transport.corked = True
    talk.transport.send("a")
    talk.transport.ping()
    assert talk.wire.written == b"\x89\x00"
    talk.transport.uncork()
    assert talk.wire.written == b"\x89\x00\x81\x01a\x89\x00"


async def test_a_close_without_a_code_has_no_payload_and_lets_the_answer_be_read(
    talk: Talk,
) -> None:
    talk.transport.pause_reading()
    assert not talk.wire.reading
    talk.transport.close()
    assert talk.wire.written == b"\x88\x00"
    assert talk.wire.reading
    await talk.receive(frame(CLOSE))

    assert talk.wire.ends[:1] == ["closed"]
    assert talk.connection.story == ["lost"]
    assert talk.connection.ending == Ending.of_peer()
    assert talk.wire.written == b"\x88\x00"


async def test_a_peer_that_does_not_answer_a_close_is_dropped() -> None:
    talk = Talk(close_timeout=0.01)
    talk.transport.close(1000)
    await eventually(lambda: talk.wire.ends == ["aborted"])


async def test_a_peer_that_closes_is_answered_with_its_own_code_and_told_once(talk: Talk) -> None:
    await talk.receive(frame(TEXT, b"x"), frame(CLOSE, b"\x0f\xa0done"), frame(TEXT, b"late"))
    await talk.receive(frame(TEXT, b"later"))
    talk.protocol.connection_lost(None)

    assert talk.wire.written[:1] == b"\x88"
    assert talk.wire.written[2:4] == b"\x0f\xa0"
    assert talk.wire.ends[:1] == ["closed"]
    assert talk.connection.story == ["x", "lost"]
    assert talk.connection.ending == Ending.of_peer(4000, "done")


async def test_a_peer_that_closes_and_stays_is_dropped() -> None:
    talk = Talk(close_timeout=0.01)
    await talk.receive(frame(CLOSE, b"\x03\xe8"))
    await eventually(lambda: talk.wire.ends[-1] == "aborted")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (frame(TEXT, b"x", masked=False), 1002),
        (frame(TEXT, b"\xff"), 1007),
        (frame(TEXT, b"x" * (MAX + 1)), 1009),
        (frame(BINARY, b"x" * (MAX + 1)), 1009),
        (frame(3, b"x"), 1002),
        (frame(TEXT, b"x", rsv=4), 1002),
        (frame(CONT, b"x"), 1002),
        (frame(CLOSE, b"\x03"), 1002),
        (frame(PING, b"x" * 126), 1002),
        (frame(PING, fin=False), 1002),
        (frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), 1002),
        (frame(TEXT, b"\xc3", fin=False) + frame(CONT, b"("), 1007),
    ],
)
async def test_a_peer_that_breaks_a_rule_is_told_why_and_nothing_more_is_processed(
    talk: Talk, wrong: bytes, code: int
) -> None:
    await talk.receive(wrong, frame(TEXT, b"late"))
    await talk.receive(frame(TEXT, b"later"))

    assert talk.wire.written[:1] == b"\x88"
    assert talk.wire.written[2:4] == code.to_bytes(2)
    assert talk.wire.ends == ["eof"]  # it may be sending: a reset would cost it the close frame
    assert talk.wire.reading
    assert talk.connection.story == ["lost"]
    error = talk.connection.error
    assert isinstance(error, ProtocolError)
    assert isinstance(error, LimitError) is (code == 1009)
    if isinstance(error, LimitError):
        assert error.option == "max_length"
    talk.transport.abort()


async def test_a_wire_that_cannot_half_close_is_closed_after_a_breach(talk: Talk) -> None:
    talk.wire.is_half_closable = False
    await talk.receive(frame(TEXT, b"\xff"))
    assert talk.wire.ends == ["closed"]


async def test_a_peer_that_broke_a_rule_and_stays_is_dropped_and_its_loss_is_no_news() -> None:
    talk = Talk(close_timeout=0.01)
    await talk.receive(frame(TEXT, b"\xff"))
    await eventually(lambda: talk.wire.ends == ["eof", "aborted"])
    gone: list[bool] = []
    assert talk.transport.when_gone(lambda: gone.append(True))
    assert talk.wire.protocol is not talk.protocol
    assert talk.wire.protocol is not None
    talk.wire.protocol.connection_lost(None)
    assert gone == [True]
    assert talk.connection.story == ["lost"]
    assert isinstance(talk.connection.error, ProtocolError)


@pytest.mark.parametrize("size", [MAX, 126, 125])
async def test_a_message_as_long_as_the_limit_is_taken(talk: Talk, size: int) -> None:
    await talk.receive(frame(TEXT, b"x" * size), frame(BINARY, b"y" * size))
    assert talk.connection.story == ["x" * size, b"y" * size]


async def test_a_message_may_arrive_byte_by_byte(talk: Talk) -> None:
    for byte in frame(TEXT, b"x" * 130) + frame(PING, b"?") + frame(CLOSE, b"\x03\xe8"):
        await talk.receive(bytes([byte]))

    assert talk.connection.story == ["x" * 130, "lost"]
    assert talk.connection.signs == 1
    assert talk.connection.ending == Ending.of_peer(1000)
    assert talk.wire.written == b"\x8a\x01?\x88\x02\x03\xe8"


async def test_pings_are_answered_and_with_pongs_are_signs_of_life_and_no_messages(
    talk: Talk,
) -> None:
    await talk.receive(frame(PING, b"?"), frame(PONG, b"!"))
    assert talk.connection.story == []
    assert talk.connection.signs == 2
    assert talk.wire.written == b"\x8a\x01?"


async def test_pongs_are_left_out_for_a_peer_that_does_not_read(talk: Talk) -> None:
    talk.protocol.pause_writing()
    await talk.receive(frame(PING, b"?"))
    talk.protocol.resume_writing()
    await talk.receive(frame(PING, b"!"))
    assert talk.wire.written == b"\x8a\x01!"


async def test_short_fragments_are_counted_and_long_ones_are_not(talk: Talk) -> None:
    await talk.receive(frame(TEXT, b"sho", fin=False))
    for _ in range(20):
        await talk.receive(frame(CONT, b"long", fin=False))
    await talk.receive(frame(CONT, b"sho", fin=False), frame(CONT, b"sho"))
    assert talk.connection.story == ["sho" + "long" * 20 + "shosho"]


async def test_more_short_fragments_than_the_limit_are_refused(talk: Talk) -> None:
    await talk.receive(frame(TEXT, b"", fin=False), frame(CONT, b"", fin=False) * 2)
    assert not talk.connection.story
    await talk.receive(frame(CONT, b"", fin=False), frame(TEXT, b"late"))

    assert talk.wire.written[2:4] == b"\x03\xf1"
    assert talk.connection.story == ["lost"]
    error = talk.connection.error
    assert isinstance(error, LimitError)
    assert error.option == ""
    talk.transport.abort()


async def test_fragments_together_are_no_longer_than_the_limit(talk: Talk) -> None:
    half = b"x" * (MAX // 2)
    await talk.receive(frame(TEXT, half, fin=False), frame(CONT, half))
    assert talk.connection.story == ["x" * MAX]
    await talk.receive(frame(TEXT, half, fin=False), frame(CONT, half + b"x"))
    assert talk.wire.written[2:4] == b"\x03\xf1"
    assert talk.connection.story == ["x" * MAX, "lost"]
    assert isinstance(talk.connection.error, LimitError)
    assert talk.connection.error.option == "max_length"
    talk.transport.abort()


async def test_the_kind_of_a_fragmented_message_is_that_of_its_first_frame(talk: Talk) -> None:
    for kind in (BINARY, TEXT):
        await talk.receive(frame(kind, b"ab", fin=False), frame(PING), frame(CONT, b"cd"))
    assert talk.connection.story == [b"abcd", "abcd"]


async def test_what_a_paused_connection_has_not_taken_waits_and_comes_in_order(
    talk: Talk,
) -> None:
    talk.connection.on_frame = talk.transport.pause_reading
    await talk.receive(frame(TEXT, b"1"), frame(TEXT, b"2"), frame(BINARY, b"3"))
    assert talk.connection.story == ["1"]
    assert not talk.wire.reading
    talk.transport.resume_reading()
    assert talk.connection.story == ["1", "2"]
    talk.connection.on_frame = None
    talk.transport.resume_reading()
    assert talk.connection.story == ["1", "2", b"3"]
    assert talk.wire.reading


async def test_a_breach_that_waits_behind_messages_is_told_behind_them(talk: Talk) -> None:
    talk.connection.on_frame = talk.transport.pause_reading
    await talk.receive(frame(TEXT, b"1"), frame(TEXT, b"2"), frame(TEXT, b"\xff"))
    assert talk.connection.story == ["1"]
    talk.connection.on_frame = None
    talk.transport.resume_reading()
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert talk.connection.story == ["1", "2", "lost"]
    assert isinstance(talk.connection.error, ProtocolError)
    assert talk.wire.written[2:4] == b"\x03\xef"
    talk.transport.abort()


async def test_a_turn_ends_and_the_rest_comes_in_the_next(talk: Talk) -> None:
    rest = memoryview(frame(TEXT, b"x") * 20)
    while rest:
        rest = talk.protocol.take(rest)
    assert len(talk.connection.story) < 20
    assert not talk.wire.reading
    await eventually(lambda: len(talk.connection.story) == 20)
    assert talk.wire.reading


async def test_what_arrived_before_the_wire_went_is_delivered_first(talk: Talk) -> None:
    rest = memoryview(frame(TEXT, b"x") * 20)
    while rest:
        rest = talk.protocol.take(rest)
    talk.protocol.connection_lost(None)
    assert talk.connection.story == ["x"] * 20 + ["lost"]
    assert (talk.connection.error, talk.connection.ending) == (None, None)


async def test_an_abort_drops_what_waits_in_both_directions(talk: Talk) -> None:
    talk.connection.on_frame = talk.transport.pause_reading
    await talk.receive(frame(TEXT, b"1"), frame(TEXT, b"2"))
    talk.transport.corked = True
    talk.transport.send("held back")

    talk.transport.abort()
    talk.transport.send("late")
    talk.transport.uncork()
    talk.protocol.connection_lost(None)

    assert talk.wire.ends == ["aborted"]
    assert not talk.wire.written
    assert talk.connection.story == ["1", "lost"]
    assert (talk.connection.error, talk.connection.ending) == (None, None)


async def test_when_it_is_gone_is_told_once_and_not_for_a_wire_that_was_gone(talk: Talk) -> None:
    gone: list[bool] = []
    assert talk.transport.when_gone(lambda: gone.append(True))
    assert not talk.transport.is_gone
    talk.protocol.connection_lost(None)
    assert gone == [True]
    assert talk.transport.is_gone
    assert not talk.transport.when_gone(int)
    talk.transport.send("late")
    talk.transport.close()
    talk.transport.abort()


async def test_the_wire_that_went_ends_the_wait_for_the_close() -> None:
    talk = Talk(close_timeout=0.01)
    talk.transport.close(1000)
    assert talk.transport._timer is not None
    talk.protocol.connection_lost(None)
    assert talk.transport._timer is None
    assert talk.connection.story == ["lost"]
    assert (talk.connection.error, talk.connection.ending) == (None, None)


async def test_answers_of_one_read_leave_in_one_write(talk: Talk) -> None:
    talk.connection.on_frame = lambda: talk.transport.send("a")
    await talk.receive(frame(TEXT, b"1"), frame(TEXT, b"2"))
    assert talk.wire.writes == [b"\x81\x01a\x81\x01a"]


# -- ends


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> ManualClock:
    manual = ManualClock()
    monkeypatch.setattr(transport_module, "SYSTEM_CLOCK", manual)
    return manual


async def test_a_peer_has_the_time_from_the_first_close_frame_on(clock: ManualClock) -> None:
    talk = Talk(close_timeout=10)
    talk.transport.close(1000)
    clock.advance(9)
    await talk.receive(frame(CLOSE, b"\x03\xe8"))
    assert clock.pending == 1
    clock.advance(1)
    assert talk.wire.ends[-1] == "aborted"


async def test_a_wire_that_is_gone_leaves_no_timer_and_gets_none(clock: ManualClock) -> None:
    talk = Talk()
    talk.transport.close(1000)
    assert clock.pending == 1
    talk.protocol.connection_lost(None)
    assert clock.pending == 0
    other = Talk()
    other.protocol.connection_lost(None)
    other.transport.close(1000)
    other.transport.closed()
    other.transport.violated(1002, "late")
    assert clock.pending == 0
    assert other.connection.story == ["lost"]
    assert (other.connection.error, other.connection.ending) == (None, None)


async def test_when_it_is_gone_is_told_once(talk: Talk) -> None:
    gone: list[bool] = []
    talk.transport.when_gone(lambda: gone.append(True))
    talk.transport.gone()
    talk.transport.gone()
    assert gone == [True]
    assert talk.connection.story == ["lost"]
    assert (talk.connection.error, talk.connection.ending) == (None, None)


async def test_an_abort_sends_and_delivers_nothing_more(talk: Talk) -> None:
    rest = memoryview(frame(TEXT, b"x") * 20)
    while rest:
        rest = talk.protocol.take(rest)
    before = len(talk.connection.story)
    talk.transport.corked = True
    talk.transport.send("held back")

    talk.transport.abort()
    assert talk.transport.traffic[1] == 0
    talk.wire.closing = False
    talk.transport.uncork()
    talk.transport.send("late")
    talk.transport.ping()
    talk.transport.close()
    await asyncio.sleep(0)
    talk.protocol.connection_lost(None)

    assert talk.wire.ends == ["aborted"]
    assert not talk.wire.written
    assert talk.connection.story[before:] == ["lost"]
    assert (talk.connection.error, talk.connection.ending) == (None, None)


async def test_an_abort_drops_what_a_paused_connection_has_not_taken(talk: Talk) -> None:
    talk.connection.on_frame = talk.transport.pause_reading
    await talk.receive(frame(TEXT, b"1"), frame(TEXT, b"2"))
    talk.connection.on_frame = None
    talk.transport.abort()
    talk.transport.resume_reading()
    assert talk.connection.story == ["1"]


async def test_what_answers_leaves_before_the_answer_to_a_close_in_the_same_read(
    talk: Talk,
) -> None:
    talk.connection.on_frame = lambda: talk.transport.send("a")
    await talk.receive(frame(TEXT, b"1") + frame(CLOSE, b"\x03\xe8") + frame(TEXT, b"late"))
    assert talk.wire.written == b"\x81\x01a\x88\x02\x03\xe8"
    assert talk.connection.story == ["1", "lost"]
    assert talk.connection.ending == Ending.of_peer(1000)


async def test_what_answers_leaves_before_the_close_frame_of_a_breach(talk: Talk) -> None:
    talk.connection.on_frame = lambda: talk.transport.send("a")
    await talk.receive(frame(TEXT, b"1") + frame(TEXT, b"\xff") + frame(TEXT, b"late"))
    assert talk.wire.written.startswith(b"\x81\x01a\x88")
    assert talk.connection.story == ["1", "lost"]
    assert isinstance(talk.connection.error, ProtocolError)
    talk.transport.abort()


@pytest.mark.parametrize("answer", [b"\x03\xe8", b""])
async def test_a_close_before_a_breach_is_answered_and_told_as_a_close(
    talk: Talk, answer: bytes
) -> None:
    talk.connection.on_frame = lambda: talk.transport.send("a")
    await talk.receive(frame(TEXT, b"1") + frame(CLOSE, answer) + b"\xff\xff\xff")
    assert talk.wire.written.startswith(b"\x81\x01a\x88")
    assert talk.connection.story == ["1", "lost"]
    assert talk.connection.ending == Ending.of_peer(1000 if answer else None)
    talk.transport.abort()


async def test_a_close_with_a_code_that_has_no_meaning_breaks_a_rule(talk: Talk) -> None:
    await talk.receive(frame(CLOSE, b"\x03\xed"))
    assert talk.wire.written[2:4] == b"\x03\xea"
    assert talk.connection.story == ["lost"]
    assert isinstance(talk.connection.error, ProtocolError)
    talk.transport.abort()


async def test_a_breach_is_told_by_the_first_thing_that_was_wrong(talk: Talk) -> None:
    await talk.receive(frame(TEXT, b"\xff"))
    talk.transport.violated(1009, "message too big")
    assert talk.connection.story == ["lost"]
    assert not isinstance(talk.connection.error, LimitError)
    assert "UTF-8" in str(talk.connection.error)
    talk.transport.abort()


async def test_a_peer_that_broke_a_rule_is_not_read_before_it_has_been_told(talk: Talk) -> None:
    rest = memoryview(frame(TEXT, b"\xff"))
    while rest:
        rest = talk.protocol.take(rest)
    assert not talk.wire.reading
    talk.transport.resume_reading()
    assert not talk.wire.reading
    await asyncio.sleep(0)
    assert talk.wire.reading
    assert talk.wire.ends == ["eof"]
    talk.transport.abort()


async def test_a_paused_connection_gets_what_came_before_a_breach_when_it_resumes(
    talk: Talk,
) -> None:
    talk.connection.on_frame = talk.transport.pause_reading
    await talk.receive(frame(TEXT, b"1") + frame(TEXT, b"2") + frame(3, b"x"))
    await asyncio.sleep(0)
    assert talk.connection.story == ["1"]
    assert talk.wire.ends == []

    talk.connection.on_frame = None
    talk.transport.resume_reading()

    assert talk.connection.story == ["1", "2", "lost"]
    assert isinstance(talk.connection.error, ProtocolError)
    assert talk.wire.ends == ["eof"]
    talk.transport.abort()


async def test_a_ping_that_comes_behind_our_close_is_not_answered(talk: Talk) -> None:
    talk.transport.close(1000)
    await talk.receive(frame(PING, b"?") + frame(PING, b"!"))
    assert talk.wire.written == b"\x88\x02\x03\xe8"
    assert talk.connection.story == []
    assert talk.connection.signs == 2
    talk.transport.abort()


# -- turns, and connections that do not listen


async def test_what_waits_for_a_turn_and_what_comes_meanwhile_keep_their_order(talk: Talk) -> None:
    numbers = [str(number).encode() for number in range(30)]
    rest = memoryview(b"".join(frame(TEXT, each) for each in numbers[:25]))
    while rest:
        rest = talk.protocol.take(rest)
    assert 0 < len(talk.connection.story) < 25
    for each in numbers[25:]:
        rest = memoryview(frame(TEXT, each))
        while rest:
            rest = talk.protocol.take(rest)
    assert len(talk.connection.story) < 25
    await eventually(lambda: len(talk.connection.story) == 30)
    assert talk.connection.story == [each.decode() for each in numbers]
    assert talk.wire.reading


async def test_a_connection_that_pauses_twice_keeps_what_has_come_between(talk: Talk) -> None:
    talk.connection.on_frame = talk.transport.pause_reading
    await talk.receive(frame(TEXT, b"1"), frame(TEXT, b"2"))
    talk.transport.pause_reading()
    await talk.receive(frame(TEXT, b"3"))
    talk.connection.on_frame = None
    talk.transport.resume_reading()
    assert talk.connection.story == ["1", "2", "3"]


async def test_a_message_of_fragments_that_is_longer_than_a_turn_ends_it() -> None:
    talk = Talk(limits=replace(LIMITS, turn_bytes=100, turn_messages=50))
    fragments = frame(TEXT, b"a" * 90, fin=False) + frame(CONT, b"b" * 20)
    rest = memoryview(fragments + frame(TEXT, b"x") * 3)
    while rest:
        rest = talk.protocol.take(rest)
    assert talk.connection.story == ["a" * 90 + "b" * 20]
    await eventually(lambda: talk.connection.story[1:] == ["x"] * 3)


async def test_short_fragments_are_counted_for_each_message(talk: Talk) -> None:
    for _ in range(3):
        await talk.receive(
            frame(TEXT, b"a", fin=False), frame(CONT, b"b", fin=False), frame(CONT, b"c")
        )
    assert talk.connection.story == ["abc"] * 3


async def test_fragments_are_signs_of_life(talk: Talk) -> None:
    await talk.receive(frame(TEXT, b"long enough", fin=False))
    assert talk.connection.story == []
    assert talk.connection.signs == 1


async def test_a_text_between_fragments_breaks_a_rule(talk: Talk) -> None:
    await talk.receive(frame(BINARY, b"a", fin=False))
    await talk.receive(frame(TEXT, b"b"))
    assert talk.connection.story == ["lost"]
    assert isinstance(talk.connection.error, ProtocolError)
    assert talk.wire.written[2:4] == b"\x03\xea"
    talk.transport.abort()


async def test_frames_for_which_there_is_no_connection_are_dropped(talk: Talk) -> None:
    talk.transport.connection = None
    await talk.receive(frame(TEXT, b"1"), frame(BINARY, b"2"), frame(PING, b"?"))
    await talk.receive(frame(TEXT, b"3", fin=False), frame(CONT, b"4"))
    assert talk.connection.story == []
    assert talk.wire.written == b"\x8a\x01?"


async def test_a_wire_is_limited_and_congestion_told(talk: Talk) -> None:
    talk.transport.limit(1234)
    talk.protocol.pause_writing()
    talk.protocol.resume_writing()
    assert talk.wire.high_water == 1234
    assert talk.connection.story == ["congested", "relieved"]


async def test_what_is_sent_between_reads_leaves_at_once(talk: Talk) -> None:
    await talk.receive(frame(TEXT, b"1") + frame(TEXT, b"2"))
    talk.transport.send("a")
    assert talk.wire.written == b"\x81\x01a"


async def test_a_server_closes_the_wire_first_and_a_client_waits_for_it() -> None:
    for serves in (True, False):
        talk = Talk()
        talk.transport._serves = serves
        talk.transport.peer_closed(b"\x03\xe8")
        assert talk.wire.ends == ["closed"] * serves
        talk.transport.abort()
