"""One WebSocket on a wire that does nothing by itself: literal bytes in and out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.protocol import SERVER, Protocol

from primus.closed import Ending
from primus.errors import LimitError, ProtocolError
from primus.limits import DEFAULT_LIMITS
from primus_testing import ManualClock, NotingConnection, NotingTransport, eventually
from primus_testing.raw_websocket import (
    BINARY,
    CLOSE,
    CONT,
    PING,
    PONG,
    TEXT,
    deflated,
    frame,
)
from primus_testing.texts import read_texts
from primus_transformer_ws import transport as transport_module
from primus_transformer_ws.accelerated import AcceleratedTransport
from primus_transformer_ws.server_transport import DeflatedTransport, ServerTransport
from primus_transformer_ws.transport import WebSocketTransport

LIMITS = replace(DEFAULT_LIMITS, fragments=3, short_fragment=4, turn_bytes=1000, turn_messages=5)
MAX = 200
FOR_EVER = 3600.0


End = tuple[WebSocketTransport, NotingTransport, NotingConnection]
Make = Callable[..., End]


def library() -> Protocol:
    return Protocol(SERVER, max_size=MAX)


def short_way(close_timeout: float = FOR_EVER) -> End:
    """A server's transport, which handles whole messages itself."""
    return attached(ServerTransport(library, MAX, close_timeout, limits=LIMITS))


def attached(transport: Any) -> End:
    wire, connection = NotingTransport(), NotingConnection()
    transport.connection_made(wire)
    transport.connection = connection
    return transport, wire, connection


class Masking(WebSocketTransport):
    """The library's way, of a peer that masks."""

    __slots__ = ()

    peer_masks = True


def long_way_masked(close_timeout: float = FOR_EVER) -> End:
    """One that leaves every frame to the library."""
    return attached(Masking(library(), close_timeout, LIMITS))


def accelerated(close_timeout: float = FOR_EVER) -> End:
    """A server's transport that reads texts together, though not by compiled code."""
    return attached(AcceleratedTransport(read_texts, library, MAX, close_timeout, limits=LIMITS))


both = pytest.mark.parametrize("make", [short_way, accelerated, long_way_masked])


@both
async def test_messages_are_brought_as_they_were_sent(make: Make) -> None:
    transport, wire, connection = make()

    transport.data_received(frame(TEXT, b"text") + frame(BINARY, b"\xff\x00") + frame(TEXT))

    assert connection.story == ["text", b"\xff\x00", ""]
    assert connection.signs == 0
    assert not wire.written


@both
async def test_nothing_is_sent_once_it_is_closing(make: Make) -> None:
    transport, wire, _ = make()
    transport.close(1000, "bye")
    assert wire.written == b"\x88\x05\x03\xe8bye"

    transport.send("late")
    transport.send(b"late")
    transport.send_text(b"late")
    transport.send_prepared(b"\x81\x04late") if isinstance(transport, ServerTransport) else None
    transport.ping()
    transport.close(1001)

    assert wire.written == b"\x88\x05\x03\xe8bye"
    transport.abort()


PREPARED = b"\x81\x04news"
"""What many connections get."""


@pytest.mark.parametrize("make", [short_way, accelerated])
def test_what_was_prepared_goes_behind_what_is_held_back(make: Make) -> None:
    transport, wire, _ = make()
    transport.corked = True
    transport.send("first")

    transport.send_prepared(PREPARED)
    assert not wire.written
    transport.corked = False
    transport._flush()
    transport.send_prepared(PREPARED)

    assert wire.written == b"\x81\x05first" + 2 * PREPARED
    assert transport.given == len(wire.written)


@pytest.mark.parametrize("make", [short_way, accelerated])
def test_what_was_prepared_waits_while_the_wire_takes_nothing(make: Make) -> None:
    transport, wire, _ = make()
    transport.pause_writing()

    transport.send_prepared(PREPARED)
    assert not wire.written
    assert transport.buffered == len(PREPARED)
    transport.resume_writing()

    assert wire.written == PREPARED


@pytest.mark.parametrize("make", [short_way, accelerated])
def test_what_was_prepared_is_not_written_to_a_wire_that_closes(make: Make) -> None:
    transport, wire, _ = make()
    wire.closing = True

    transport.send_prepared(PREPARED)

    assert not wire.written
    assert transport.given == 0


@pytest.mark.parametrize("make", [short_way, accelerated])
def test_what_was_prepared_is_dropped_when_the_wire_is_gone(make: Make) -> None:
    transport, wire, _ = make()
    transport.connection_lost(None)

    transport.send_prepared(PREPARED)

    assert not wire.written
    assert transport.given == 0


@both
async def test_a_peer_that_has_ended_its_side_is_sent_nothing_more(make: Make) -> None:
    transport, wire, connection = make()
    transport.data_received(frame(TEXT, b"last"))

    transport.eof_received()
    transport.send("late")

    assert connection.story == ["last"]
    assert not wire.written
    assert wire.ends == ["eof"]
    transport.abort()


@both
async def test_a_close_without_a_code_has_no_payload_and_lets_the_answer_be_read(
    make: Make,
) -> None:
    transport, wire, connection = make()
    transport.pause_reading()
    assert not wire.reading

    transport.close()
    assert wire.written == b"\x88\x00"
    assert wire.reading
    transport.data_received(frame(CLOSE))

    assert wire.ends == ["closed"]
    assert connection.story == ["lost"]
    assert connection.ending == Ending.of_peer(None, "")
    transport.connection_lost(None)


@both
async def test_a_peer_that_does_not_answer_a_close_is_dropped(make: Make) -> None:
    transport, wire, _ = make(close_timeout=0.01)

    transport.close(1000)

    await eventually(lambda: wire.ends == ["aborted"])


@both
async def test_a_peer_that_closes_is_answered_with_its_own_code_and_told_once(make: Make) -> None:
    transport, wire, connection = make()

    transport.data_received(frame(CLOSE, b"\x0f\xa0done") + frame(TEXT, b"late"))
    transport.data_received(frame(TEXT, b"later"))
    transport.connection_lost(None)

    assert wire.written == b"\x88\x06\x0f\xa0done"
    assert wire.ends == ["closed"]
    assert connection.story == ["lost"]
    assert connection.ending == Ending.of_peer(4000, "done")


@both
async def test_a_peer_that_closes_and_stays_is_dropped(make: Make) -> None:
    transport, wire, _ = make(close_timeout=0.01)

    transport.data_received(frame(CLOSE, b"\x03\xe8"))

    await eventually(lambda: wire.ends == ["closed", "aborted"])


@both
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
        (frame(CLOSE, b"\x03\xed"), 1002),
        (frame(CLOSE, b"\x03\xe8\xff"), 1007),
        (frame(CLOSE, b"\x03\xe8" + b"x" * 124), 1002),
        (frame(PING, b"x" * 126), 1002),
        (frame(PING, fin=False), 1002),
        (frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), 1002),
        (frame(TEXT, b"\xc3", fin=False) + frame(CONT, b"("), 1007),
    ],
)
async def test_a_peer_that_breaks_a_rule_is_told_why_and_nothing_more_is_processed(
    make: Make, wrong: bytes, code: int
) -> None:
    transport, wire, connection = make()

    transport.data_received(wrong + frame(TEXT, b"late"))
    transport.data_received(frame(TEXT, b"later"))

    assert wire.written[2:4] == code.to_bytes(2)
    assert wire.written[0] == 0x88
    assert wire.ends == ["eof"]  # it may still be sending: a reset would cost it the close frame
    assert connection.story == ["lost"]
    assert isinstance(connection.error, LimitError if code == 1009 else ProtocolError)
    assert isinstance(connection.error, LimitError) is (code == 1009)
    transport.abort()


@both
async def test_a_close_in_the_middle_of_a_message_breaks_a_rule(make: Make) -> None:
    transport, wire, connection = make()

    transport.data_received(frame(TEXT, b"a", fin=False) + frame(CLOSE, b"\x03\xe8"))

    assert wire.written[2:] == b"\x03\xeaincomplete fragmented message"
    assert wire.ends == ["closed"]
    assert connection.story == ["lost"]
    assert isinstance(connection.error, ProtocolError)
    transport.abort()


@both
async def test_a_peer_that_broke_a_rule_and_stays_is_dropped(make: Make) -> None:
    transport, wire, _ = make(close_timeout=0.01)

    transport.data_received(frame(TEXT, b"\xff"))

    await eventually(lambda: wire.ends == ["eof", "aborted"])


@both
@pytest.mark.parametrize("size", [MAX, 126, 125])
async def test_a_message_as_long_as_the_limit_is_taken(make: Make, size: int) -> None:
    transport, _, connection = make()

    transport.data_received(frame(TEXT, b"x" * size) + frame(BINARY, b"y" * size))

    assert connection.story == ["x" * size, b"y" * size]


async def test_a_limit_below_the_short_lengths_holds_for_them() -> None:
    for size, limit in ((10, 10), (11, 10)):
        make = ServerTransport(lambda: Protocol(SERVER, max_size=10), limit, FOR_EVER)
        transport, _, connection = attached(make)
        transport.data_received(frame(TEXT, b"x" * size))
        assert (connection.story == ["x" * size]) is (size <= limit)
        transport.abort()


@both
@pytest.mark.parametrize("head", [b"\x81\x05", b"\x83\x85", b"\x83\xfe", b"\x81\x7e\x00"])
async def test_a_head_that_is_wrong_is_refused_before_it_is_whole(make: Make, head: bytes) -> None:
    transport, wire, connection = make()

    transport.data_received(head)

    assert wire.written[2:4] == b"\x03\xea"
    assert connection.story == ["lost"]
    assert isinstance(connection.error, ProtocolError)
    transport.abort()


@both
async def test_a_message_may_arrive_byte_by_byte(make: Make) -> None:
    transport, wire, connection = make()

    for byte in frame(TEXT, b"x" * 130) + frame(PING, b"?") + frame(CLOSE, b"\x03\xe8"):
        transport.data_received(bytes([byte]))

    assert connection.story == ["x" * 130, "lost"]
    assert connection.signs == 1
    assert connection.ending == Ending.of_peer(1000)
    assert wire.written == b"\x8a\x01?\x88\x02\x03\xe8"
    transport.abort()


@both
async def test_pings_are_answered_and_with_pongs_are_signs_of_life_and_no_messages(
    make: Make,
) -> None:
    transport, wire, connection = make()

    transport.data_received(frame(PING, b"?") + frame(PONG, b"!"))

    assert connection.story == []
    assert connection.signs == 2
    assert wire.written == b"\x8a\x01?"


@both
async def test_pongs_are_left_out_for_a_congested_peer_and_messages_are_not(make: Make) -> None:
    transport, wire, _ = make()
    transport.limit(10)
    wire.waiting = 11
    transport.pause_writing()

    transport.data_received(frame(PING, b"?"))
    transport.send("x")
    wire.waiting = 0
    transport.resume_writing()
    transport.data_received(frame(PING, b"!"))

    assert wire.written == b"\x81\x01x\x8a\x01!"


@both
async def test_short_fragments_are_counted_and_long_ones_are_not(make: Make) -> None:
    transport, _, connection = make()
    long, short = b"long", b"sho"

    transport.data_received(frame(TEXT, short, fin=False))
    for _ in range(20):
        transport.data_received(frame(CONT, long, fin=False))
    transport.data_received(frame(CONT, short, fin=False) + frame(CONT, short))
    assert connection.story == ["sho" + "long" * 20 + "shosho"]


@both
async def test_more_short_fragments_than_the_limit_are_refused(make: Make) -> None:
    transport, wire, connection = make()

    transport.data_received(frame(TEXT, b"", fin=False))
    transport.data_received(frame(CONT, b"", fin=False) * 2)
    assert not connection.story
    transport.data_received(frame(CONT, b"") + frame(TEXT, b"late"))

    assert wire.written[2:] == b"\x03\xf1too many fragments"
    assert connection.story == ["lost"]
    assert isinstance(connection.error, LimitError)
    assert "more than 3 short fragments" in str(connection.error)
    transport.abort()


@both
async def test_the_kind_of_a_fragmented_message_is_that_of_its_first_frame(make: Make) -> None:
    transport, _, connection = make()

    for kind in (BINARY, TEXT):
        transport.data_received(frame(kind, b"ab", fin=False) + frame(CONT, b"cd"))

    assert connection.story == [b"abcd", "abcd"]


@both
async def test_what_a_paused_connection_has_not_taken_waits_and_comes_in_order(make: Make) -> None:
    transport, wire, connection = make()
    connection.on_frame = transport.pause_reading

    transport.data_received(frame(TEXT, b"1") + frame(TEXT, b"2"))
    transport.data_received(frame(TEXT, b"3"))
    assert connection.story == ["1"]
    assert not wire.reading
    transport.resume_reading()
    assert connection.story == ["1", "2"]
    connection.on_frame = None
    transport.resume_reading()

    assert connection.story == ["1", "2", "3"]
    assert wire.reading


@both
async def test_a_turn_ends_and_the_rest_comes_in_the_next(make: Make) -> None:
    transport, wire, connection = make()

    transport.data_received(frame(TEXT, b"x") * 10)

    assert len(connection.story) == 6  # the first, and so many as a turn has
    assert not wire.reading
    await eventually(lambda: len(connection.story) == 10)
    assert wire.reading


@both
async def test_what_arrived_before_the_wire_went_is_delivered_first(make: Make) -> None:
    transport, _, connection = make()

    transport.data_received(frame(TEXT, b"x") * 10)
    transport.connection_lost(None)

    assert connection.story == ["x"] * 10 + ["lost"]
    assert (connection.error, connection.ending) == (None, None)


@both
async def test_an_abort_drops_what_waits_in_both_directions(make: Make) -> None:
    transport, wire, connection = make()
    transport.data_received(frame(TEXT, b"x") * 10)
    transport.corked = True
    transport.send("held back")

    transport.abort()
    assert transport.buffered == 0
    transport.corked = False
    transport._flush()
    transport.connection_lost(None)

    assert wire.ends == ["aborted"]
    assert not wire.written
    assert connection.story == ["x"] * 6 + ["lost"]
    assert (connection.error, connection.ending) == (None, None)


@both
async def test_an_end_in_the_middle_of_a_frame_is_no_breach_of_the_peer(make: Make) -> None:
    for rest in (b"\x81", frame(TEXT, b"x" * 50)[:20]):
        transport, _, connection = make()
        transport.data_received(frame(TEXT, b"x") + rest)
        transport.eof_received()
        transport.connection_lost(None)
        assert connection.story == ["x", "lost"]
        assert (connection.error, connection.ending) == (None, None)


@both
async def test_when_it_is_gone_is_told_once_and_not_for_a_wire_that_was_gone(make: Make) -> None:
    transport, _, _ = make()
    gone: list[bool] = []
    assert transport.when_gone(lambda: gone.append(True))
    assert not gone

    transport.connection_lost(None)
    transport.connection_lost(None)

    assert gone == [True]
    assert not transport.when_gone(int)


@both
async def test_the_wire_that_went_ends_the_wait_for_the_close(make: Make) -> None:
    transport, wire, _ = make(close_timeout=0.01)
    transport.close(1000)
    assert transport._timer is not None

    transport.connection_lost(None)

    assert transport._timer is None
    assert wire.ends == []


@both
async def test_a_start_takes_what_came_with_the_handshake_and_reads_on_unless_paused(
    make: Make,
) -> None:
    transport, wire, connection = make()
    wire.reading = False
    transport.start(frame(TEXT, b"early"))
    assert connection.story == ["early"]
    assert wire.reading

    transport, wire, connection = make()
    wire.reading = False
    connection.on_frame = transport.pause_reading
    transport.start(frame(TEXT, b"early") * 2)
    assert connection.story == ["early"]
    assert not wire.reading


@both
async def test_answers_of_one_read_leave_in_one_write(make: Make) -> None:
    transport, wire, connection = make()
    connection.on_frame = lambda: transport.send("a")

    transport.data_received(frame(TEXT, b"1") + frame(TEXT, b"2"))
    transport.send("b")

    assert wire.writes == [b"\x81\x01a\x81\x01a", b"\x81\x01b"]


async def test_a_wire_that_cannot_half_close_is_closed_after_a_breach() -> None:
    transport, wire, _ = short_way()
    wire.is_half_closable = False

    transport.data_received(frame(TEXT, b"\xff"))

    assert wire.ends == ["closed"]


@pytest.mark.parametrize(("size", "is_compressed"), [(1023, False), (1024, True)])
async def test_only_messages_that_are_long_enough_are_compressed(
    size: int, is_compressed: bool
) -> None:
    protocol = library()
    protocol.extensions = [PerMessageDeflate(True, True, 15, 15)]
    transport, wire, _ = attached(ServerTransport(library, MAX, FOR_EVER, protocol))

    for send in (
        lambda: transport.send("x" * size),
        lambda: transport.send(b"x" * size),
        lambda: transport.send_text(b"x" * size),
    ):
        wire.writes.clear()
        send()
        assert (wire.written[0] & 0x40 != 0) is is_compressed
        assert (len(wire.written) < size) is is_compressed


async def test_a_server_pings_without_a_payload() -> None:
    for make in (short_way, long_way_masked):
        transport, wire, _ = make()
        assert transport.ping()
        assert wire.written == b"\x89\x00"


# -- ends


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> ManualClock:
    manual = ManualClock()
    monkeypatch.setattr(transport_module, "SYSTEM_CLOCK", manual)
    return manual


@both
async def test_a_peer_has_the_time_from_the_first_close_frame_on(
    make: Make, clock: ManualClock
) -> None:
    transport, wire, _ = make(close_timeout=10)
    transport.close(1000)
    clock.advance(9)
    transport.data_received(frame(CLOSE, b"\x03\xe8"))
    assert clock.pending == 1
    wire.story.clear()

    clock.advance(1)

    assert wire.ends == ["aborted"]


@both
async def test_a_wire_that_is_gone_leaves_no_timer(make: Make, clock: ManualClock) -> None:
    transport, _, _ = make()
    transport.close(1000)
    assert clock.pending == 1
    transport.connection_lost(None)
    assert clock.pending == 0


@both
async def test_a_close_behind_the_end_of_the_wire_waits_for_nothing(
    make: Make, clock: ManualClock
) -> None:
    transport, wire, _ = make()
    transport.connection_lost(None)
    transport.close(1000)
    assert clock.pending == 0
    assert not wire.written


@both
async def test_a_peer_that_has_ended_its_side_and_stays_is_dropped(
    make: Make, clock: ManualClock
) -> None:
    transport, wire, _ = make(close_timeout=10)
    transport.eof_received()
    assert wire.ends == ["eof"]
    clock.advance(10)
    assert wire.ends == ["eof", "aborted"]


@both
async def test_what_arrived_before_a_peer_ended_its_side_is_delivered_at_once(make: Make) -> None:
    transport, _, connection = make()
    transport.data_received(frame(TEXT, b"x") * 10)
    transport.eof_received()
    assert connection.story == ["x"] * 10
    transport.abort()


@both
async def test_a_wire_that_is_gone_keeps_nothing_to_send(make: Make) -> None:
    transport, wire, _ = make()
    transport.pause_writing()
    transport.send("never taken")
    assert transport.buffered > len("never taken")
    transport.connection_lost(None)
    assert transport.buffered == 0
    assert not wire.written


@both
async def test_what_waits_to_be_sent_leaves_before_the_close_frame_of_a_breach(make: Make) -> None:
    transport, wire, _ = make()
    transport.pause_writing()
    transport.send("a")
    transport.data_received(frame(TEXT, b"\xff"))
    assert wire.written.startswith(b"\x81\x01a\x88")
    assert wire.ends == ["eof"]
    transport.abort()


def without_library() -> Any:
    raise AssertionError("nothing of this needs the library")


@pytest.mark.parametrize("read_texts_together", [False, True])
async def test_a_close_is_answered_and_what_follows_is_left_alone_without_the_library(
    read_texts_together: bool,
) -> None:
    given = (without_library, MAX, FOR_EVER)
    made = AcceleratedTransport(read_texts, *given) if read_texts_together else None
    transport, wire, connection = attached(made or ServerTransport(*given))

    transport.data_received(frame(TEXT, b"x") + frame(CLOSE, b"\x03\xe8") + frame(PING, b"?"))
    transport.data_received(frame(PING, b"?"))
    transport.send("late")
    transport.close(1001)
    transport.ping()
    transport.eof_received()
    transport.connection_lost(None)

    assert wire.written == b"\x88\x02\x03\xe8"
    assert wire.ends == ["closed"]
    assert connection.story == ["x", "lost"]
    assert connection.ending == Ending.of_peer(1000)


@both
@pytest.mark.parametrize("at", [1, 2, 5, 7])
async def test_a_close_that_arrives_in_parts_is_answered_once_it_is_whole(
    make: Make, at: int
) -> None:
    transport, wire, connection = make()
    close = frame(CLOSE, b"\x03\xe8bye")

    transport.data_received(close[:at])
    assert not wire.written
    transport.data_received(close[at:])

    assert wire.written == b"\x88\x05\x03\xe8bye"
    assert connection.story == ["lost"]
    assert connection.ending == Ending.of_peer(1000, "bye")
    transport.abort()


# -- turns, and connections that do not listen


@both
async def test_what_arrives_before_the_next_turn_waits_behind_the_rest(make: Make) -> None:
    transport, _, connection = make()
    transport.data_received(frame(TEXT, b"x") * 10)

    transport.data_received(frame(TEXT, b"y"))

    assert connection.story == ["x"] * 6
    await eventually(lambda: connection.story == ["x"] * 10 + ["y"])


@both
async def test_what_waits_for_a_turn_is_counted_once(make: Make) -> None:
    transport, _, connection = make()
    data = frame(TEXT, b"x") * 10
    transport.data_received(data)
    await eventually(lambda: len(connection.story) == 10)
    assert transport.traffic[0] == len(data)


@both
async def test_a_wire_keeps_little_of_what_is_written_from_the_first(make: Make) -> None:
    _, wire, _ = make()
    assert wire.high_water == 16 * 1024


@both
async def test_a_message_of_fragments_that_is_longer_than_a_turn_ends_it(make: Make) -> None:
    transport, _, connection = make()
    transport._limits = replace(LIMITS, turn_bytes=100)

    transport.data_received(
        frame(TEXT, b"a" * 140, fin=False) + frame(CONT, b"b" * 20) + frame(TEXT, b"x") * 3
    )
    assert connection.story == ["a" * 140 + "b" * 20]
    await eventually(lambda: connection.story[1:] == ["x"] * 3)


async def test_a_message_that_is_longer_than_a_turn_once_inflated_ends_it() -> None:
    protocol = Protocol(SERVER, max_size=5000)
    protocol.extensions = [PerMessageDeflate(True, True, 15, 15)]
    given = DeflatedTransport(library, 5000, FOR_EVER, protocol, LIMITS)
    transport, _, connection = attached(given)

    transport.data_received(frame(TEXT, deflated(b"x" * 2000), rsv=4) * 3)

    assert connection.story == ["x" * 2000]
    await eventually(lambda: connection.story == ["x" * 2000] * 3)


@both
async def test_frames_for_which_there_is_no_connection_are_dropped(make: Make) -> None:
    transport, wire, connection = make()
    transport.connection = None

    transport.data_received(frame(TEXT, b"x") * 2 + frame(PING, b"?") + frame(TEXT, fin=False))

    assert connection.story == []
    assert wire.written == b"\x8a\x01?"


@both
async def test_a_connection_that_leaves_its_transport_gets_nothing_more(make: Make) -> None:
    transport, _, connection = make()

    def leave() -> None:
        transport.connection = None

    connection.on_frame = leave
    transport.data_received(frame(TEXT, b"1") + frame(TEXT, b"2"))
    transport.data_received(frame(TEXT, b"3"))
    assert connection.story == ["1"]


@both
async def test_a_connection_that_leaves_among_others_gets_nothing_more(make: Make) -> None:
    transport, _, connection = make()

    def leave() -> None:
        if connection.story == ["1", "2"]:
            transport.connection = None

    connection.on_frame = leave
    transport.data_received(b"".join(frame(TEXT, each) for each in (b"1", b"2", b"3", b"4")))
    assert connection.story == ["1", "2"]
