"""What a read has brought and is not handled yet, on a wire that does nothing by itself."""

import asyncio
from dataclasses import replace

import pytest

from primus.limits import DEFAULT_LIMITS
from primus.websocket import Intake
from primus_testing import NotingTransport

LIMITS = replace(DEFAULT_LIMITS, turn_messages=3, turn_bytes=100, read_ahead_bytes=8)


class Letters(Intake):
    """Every byte is a frame; an exclamation mark pauses."""

    def __init__(self) -> None:
        self.wire = NotingTransport()
        super().__init__(self.wire, LIMITS)
        self.seen = b""

    def data_received(self, data: bytes) -> None:
        """Take a read."""
        if self._rest or not self._reading:
            self._add(data)
        else:
            self._take_up(data, 0)

    def _take_up(self, data: bytes, at: int) -> None:
        at = self._advance(data, at, len(data))
        if at < len(data):
            self._go_on(data, at, len(data))

    def _advance(self, data: bytes, at: int, size: int) -> int:
        assert at < size
        self.seen += data[at : at + 1]
        if data[at : at + 1] == b"!":
            self.pause_reading()
        return at + 1

    def send(self, frame: str | bytes) -> None:
        """Nothing is sent."""

    def close(self, code: int | None = None, reason: str = "") -> None:
        """Nothing is closed."""

    def abort(self) -> None:
        """Nothing is dropped."""

    def lose(self) -> None:
        """The wire is gone."""
        self._drain()


async def test_a_long_read_is_handled_in_turns_and_the_wire_is_not_read_meanwhile() -> None:
    letters = Letters()
    letters.data_received(b"abcdefghij")
    assert (letters.seen, letters.wire.reading) == (b"abcd", False)
    await asyncio.sleep(0)
    assert (letters.seen, letters.wire.reading) == (b"abcdefgh", False)
    await asyncio.sleep(0)
    assert (letters.seen, letters.wire.reading) == (b"abcdefghij", True)


async def test_a_turn_ends_after_so_many_bytes_as_well() -> None:
    class Long(Letters):
        def _advance(self, data: bytes, at: int, size: int) -> int:
            self.seen += data[at : at + 1]
            return min(size, at + 60)

    letters = Long()
    letters.data_received(b"a" * 60 + b"b" * 60 + b"c" * 60 + b"d" * 60)
    assert letters.seen == b"abc"
    await asyncio.sleep(0)
    assert letters.seen == b"abcd"


async def test_nothing_is_handled_for_a_connection_that_has_paused() -> None:
    letters = Letters()
    letters.data_received(b"a!b")
    letters.data_received(b"c")
    await asyncio.sleep(0)
    assert (letters.seen, letters.wire.reading) == (b"a!", False)
    letters.resume_reading()
    assert (letters.seen, letters.wire.reading) == (b"a!bc", True)


async def test_what_arrives_during_a_turn_waits_behind_the_rest() -> None:
    letters = Letters()
    letters.data_received(b"abcdef")
    letters.data_received(b"g")
    assert letters.seen == b"abcd"
    for _ in range(3):
        await asyncio.sleep(0)
    assert letters.seen == b"abcdefg"


@pytest.mark.parametrize(
    ("waits", "is_paused", "seen"),
    [
        (b"12345678", True, b"!12345678"),
        (b"123456789", True, b"!"),
        (b"123456789", False, b"a123456789"),
    ],
)
async def test_at_the_end_a_paused_connection_takes_as_much_as_may_always_wait(
    waits: bytes, is_paused: bool, seen: bytes
) -> None:
    letters = Letters()
    letters.data_received((b"!" if is_paused else b"a") + waits)
    letters.lose()
    await asyncio.sleep(0)
    assert letters.seen == seen


async def test_a_connection_may_pause_and_resume_when_its_wire_is_gone() -> None:
    letters = Letters()
    letters.data_received(b"abcdefgh")
    letters._wire = None

    letters.pause_reading()
    letters.data_received(b"i")
    letters.resume_reading()
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert letters.seen == b"abcdefghi"


async def test_a_wire_that_is_closing_is_neither_paused_nor_resumed() -> None:
    letters = Letters()
    letters.wire.closing = True
    letters.data_received(b"abcdefgh")
    letters.pause_reading()
    letters.resume_reading()
    for _ in range(3):
        await asyncio.sleep(0)
    letters.pause_reading()
    letters.resume_reading()
    assert letters.seen == b"abcdefgh"
    assert letters.wire.story == []


async def test_a_pause_stops_the_wire_at_once() -> None:
    letters = Letters()
    letters.pause_reading()
    assert not letters.wire.reading
    letters.resume_reading()
    assert letters.wire.reading


async def test_a_resume_does_not_read_the_wire_while_something_waits_or_it_pauses_again() -> None:
    letters = Letters()
    letters.data_received(b"a!b!c")
    letters.resume_reading()
    assert (letters.seen, letters.wire.reading) == (b"a!b!", False)
    letters.resume_reading()
    assert (letters.seen, letters.wire.reading) == (b"a!b!c", True)


async def test_there_is_one_turn_at_a_time_however_much_arrives_meanwhile() -> None:
    letters = Letters()
    letters.data_received(b"abcdefghijklmnop")
    letters.data_received(b"q")
    letters.resume_reading()
    assert letters.seen == b"abcd"
    await asyncio.sleep(0)
    assert letters.seen == b"abcdefgh"


async def test_a_paused_connection_gets_no_turn() -> None:
    letters = Letters()
    letters.data_received(b"abcdefgh")
    letters.pause_reading()
    for _ in range(3):
        await asyncio.sleep(0)
    assert letters.seen == b"abcd"


async def test_a_message_that_was_long_once_inflated_ends_the_turn() -> None:
    class Inflating(Letters):
        def _advance(self, data: bytes, at: int, size: int) -> int:
            if data[at : at + 1] == b"~":
                self.is_spent = True
            return super()._advance(data, at, size)

    letters = Inflating()
    letters.data_received(b"~abcdefg")
    assert letters.seen == b"~"
    await asyncio.sleep(0)
    assert letters.seen == b"~abcd"
    letters = Inflating()
    letters.data_received(b"ab~cdefgh")
    assert letters.seen == b"ab~"
    await asyncio.sleep(0)
    assert letters.seen == b"ab~cdef"


async def test_what_is_dropped_at_the_end_does_not_come_later() -> None:
    letters = Letters()
    letters.data_received(b"!123456789")
    letters.lose()
    letters.resume_reading()
    await asyncio.sleep(0)
    assert letters.seen == b"!"
    letters = Letters()
    letters.data_received(b"abcdefgh")
    letters._stop()
    for _ in range(3):
        await asyncio.sleep(0)
    assert letters.seen == b"abcd"
    letters.data_received(b"ABCDEFGH")
    await asyncio.sleep(0)
    assert letters.seen == b"abcdABCDEFGH"  # it has turns again


async def test_a_resume_that_ends_in_a_pause_does_not_read_the_wire() -> None:
    letters = Letters()
    letters.data_received(b"!a!")
    letters.resume_reading()
    assert (letters.seen, letters.wire.reading) == (b"!a!", False)
    letters.resume_reading()
    assert letters.wire.reading
