"""What is held back while a read is handled, on a wire that keeps what is written."""

from __future__ import annotations

import pytest

from primus.websocket import ShortTexts, text_frame
from primus_testing import NotingConnection, NotingTransport


class Server(ShortTexts):
    """Sends unmasked frames."""

    def _send_text(self, text: bytes) -> None:
        if self._is_open:
            self._put(text_frame(text))

    def send(self, frame: str | bytes) -> None:
        assert isinstance(frame, str)
        self._send_text(frame.encode())

    def full(self) -> None:
        self._full()

    def free(self) -> None:
        self._free()

    def let_out(self) -> None:
        self._let_out()

    def uncork(self) -> None:
        self.corked = False
        self._flush()

    def close(self, code: int | None = None, reason: str = "") -> None:
        self._is_open = False

    def abort(self) -> None:
        self._forget()

    pause_reading = resume_reading = abort


@pytest.fixture
def wire() -> NotingTransport:
    wire = NotingTransport()
    wire.waiting = 1000
    return wire


@pytest.fixture
def server(wire: NotingTransport) -> Server:
    return Server(wire)


def test_what_is_sent_while_corked_leaves_in_one_write_and_in_order(
    server: Server, wire: NotingTransport
) -> None:
    server.send_text(b"at once")
    server.corked = True
    server.send_text(b"short")
    server.send("in its own way")
    server.send_text(b"x" * 126)
    server.send_text(b"y" * 125)
    assert wire.writes == [b"\x81\x07at once"]
    held = b"\x81\x05short\x81\x0ein its own way\x81\x7e\x00\x7e%b\x81\x7d%b" % (
        b"x" * 126,
        b"y" * 125,
    )
    assert server.buffered == 1000 + len(held)
    server.uncork()
    assert wire.writes[1:] == [held]
    assert server.buffered == 1000
    server.send_text(b"again")
    assert wire.writes[2:] == [b"\x81\x05again"]


@pytest.mark.parametrize("size", [1, 125, 126, 70_000])
def test_what_is_held_back_is_bounded(server: Server, wire: NotingTransport, size: int) -> None:
    server.corked = True
    for _ in range(2000):
        server.send_text(b"x" * size)
        assert server.buffered <= 1000 + 64 * 1024 + 10
    server.uncork()
    assert wire.written == text_frame(b"x" * size) * 2000
    assert len(wire.writes) < 2000 or size > 64 * 1024


def test_nothing_leaves_once_it_is_closing(server: Server, wire: NotingTransport) -> None:
    server.corked = True
    server.send_text(b"before")
    server.close()
    server.send_text(b"after")
    server.uncork()
    server.send_text(b"after")
    assert wire.writes == [b"\x81\x06before"]


def test_a_wire_that_is_closing_takes_nothing(server: Server, wire: NotingTransport) -> None:
    server.corked = True
    server.send_text(b"lost")
    wire.closing = True
    server.uncork()
    assert wire.writes == []


def test_what_was_held_back_is_dropped_by_an_abort(server: Server, wire: NotingTransport) -> None:
    server.corked = True
    server.send_text(b"dropped")
    server.abort()
    server.uncork()
    assert wire.writes == []


@pytest.fixture
def told(server: Server) -> NotingConnection:
    server.connection = told = NotingConnection()
    server.limit(100_000)
    return told


def test_what_a_peer_does_not_take_waits_in_one_piece(
    server: Server, wire: NotingTransport, told: NotingConnection
) -> None:
    assert wire.high_water == 16_384
    server.full()
    for _ in range(1000):
        server.send_text(b"a")
    assert wire.writes == []
    assert server.buffered == 3000 + 1000
    server.free()
    assert wire.writes == [b"\x81\x01a" * 1000]
    assert server.buffered == 1000
    assert told.story == []


def test_congestion_is_told_above_the_limit_and_until_a_quarter_is_left(
    server: Server, wire: NotingTransport, told: NotingConnection
) -> None:
    server.full()
    server.send_text(bytes(99_000))
    assert told.story == ["congested"]
    wire.write = lambda data: (wire.writes.append(data), server.full())  # type: ignore[method-assign,assignment,func-returns-value]
    server.free()
    assert [len(piece) for piece in wire.writes] == [65_536]
    assert told.story == ["congested"]
    server.free()
    assert told.story == ["congested", "relieved"]
    assert len(wire.written) == 99_010


def test_what_waits_goes_before_the_wire_is_closed_and_is_dropped_by_an_abort(
    server: Server, wire: NotingTransport, told: NotingConnection
) -> None:
    server.full()
    server.send_text(b"a")
    server.let_out()
    assert wire.writes == [b"\x81\x01a"]
    server.send_text(b"b")
    server.abort()
    server.free()
    assert wire.writes == [b"\x81\x01a"]


def test_what_waits_is_given_to_a_wire_once_and_only_to_one_that_is_open(
    server: Server, wire: NotingTransport, told: NotingConnection
) -> None:
    server.full()
    server.let_out()
    assert wire.writes == []
    server.send_text(b"a")
    wire.closing = True
    server.let_out()
    assert wire.writes == []
    wire.closing = False
    server.let_out()
    server.let_out()
    server.free()
    assert wire.writes == [b"\x81\x01a"]


def test_what_is_flushed_while_the_wire_is_full_waits_in_order(
    server: Server, wire: NotingTransport, told: NotingConnection
) -> None:
    server.full()
    server.send_text(b"a")
    server.corked = True
    server.send_text(b"b")
    server.uncork()
    assert wire.writes == []
    server.free()
    assert wire.writes == [b"\x81\x01a\x81\x01b"]


def test_congestion_at_the_limit_is_none_and_relief_comes_at_a_quarter(
    server: Server, wire: NotingTransport, told: NotingConnection
) -> None:
    waits = 98_990  # with its head, and with what the wire has
    server.full()
    server.send_text(bytes(waits))
    assert told.story == []
    server.send_text(b"")
    assert told.story == ["congested"]
    wire.waiting = 25_000
    server.free()
    assert told.story == ["congested", "relieved"]


def test_so_many_parts_are_held_back(server: Server, wire: NotingTransport) -> None:
    server.corked = True
    for _ in range(512):
        server.send_text(b"x")
    assert wire.writes == []
    server.send_text(b"x")
    assert wire.writes == [b"\x81\x01x" * 513]


def test_what_is_held_back_is_counted_anew_after_it_has_left(
    server: Server, wire: NotingTransport
) -> None:
    server.corked = True
    server.send_text(b"x" * 40_000)
    server.send_text(b"x" * 40_000)
    assert len(wire.writes) == 1
    server.send_text(b"y" * 200)
    assert len(wire.writes) == 1


def test_a_limit_below_what_waits_is_congestion_at_once(
    server: Server, wire: NotingTransport
) -> None:
    server.connection = told = NotingConnection()
    server.full()
    server.send_text(bytes(5000))
    assert told.story == []
    server.limit(1500)
    assert (told.story, wire.high_water) == (["congested"], 1500)


def test_a_wire_that_is_full_of_more_than_the_limit_is_congested(
    server: Server, wire: NotingTransport, told: NotingConnection
) -> None:
    wire.waiting = 100_001
    server.full()
    assert told.story == ["congested"]


def test_what_is_held_back_goes_before_the_wire_is_closed(
    server: Server, wire: NotingTransport
) -> None:
    server.corked = True
    server.send_text(b"a")
    server.let_out()
    assert wire.writes == [b"\x81\x01a"]
