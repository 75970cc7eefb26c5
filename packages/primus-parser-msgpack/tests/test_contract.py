import math
import struct
from array import array
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum, IntEnum
from pathlib import Path
from typing import Any
from uuid import UUID

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from primus import ParserError
from primus.limits import DEFAULT_LIMITS
from primus_parser_msgpack import Ext, MessagePackParser
from primus_testing import ParserContract, golden


def many(item: bytes) -> Callable[[int], bytes]:
    """Arrays of a given size that hold one item again and again."""
    return lambda size: b"\xdd" + struct.pack(">I", size // len(item)) + item * (size // len(item))


VECTORS = golden(Path(__file__).with_name("golden.json"))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

parser = MessagePackParser()


class TestMessagePack(ParserContract):
    parser = "msgpack"
    golden = (
        *VECTORS.both,
        (2**32, b"\xcf\x00\x00\x00\x01\x00\x00\x00\x00"),
        (-(2**63), b"\xd3\x80\x00\x00\x00\x00\x00\x00\x00"),
        ("x" * 65536, b"\xdb\x00\x01\x00\x00" + b"x" * 65536),
        (b"x" * 65536, b"\xc6\x00\x01\x00\x00" + b"x" * 65536),
        ([0] * 65536, b"\xdd\x00\x01\x00\x00" + bytes(65536)),
        (array("h", [1, -2]), b"\xd6\x13\x01\x00\xfe\xff"),
        (array("I", [1]), b"\xd6\x16\x01\x00\x00\x00"),
        (array("d", [1.5]), b"\xd7\x18\x00\x00\x00\x00\x00\x00\xf8\x3f"),
        (Ext(100, b"\x01\x02"), b"\xd5\x64\x01\x02"),
    )
    decoded = (
        *VECTORS.decoded,
        (EPOCH + timedelta(seconds=1), b"\xd6\xff\x00\x00\x00\x01"),
        (EPOCH - timedelta(seconds=1), b"\xc7\x0c\xff\x00\x00\x00\x00" + b"\xff" * 8),
        (None, b"\xc7\x09\x0d\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"),
        (1.5, b"\xca\x3f\xc0\x00\x00"),
        ({"1": "a"}, b"\x81\x01\xa1a"),
        (Ext(14, b"\x80"), b"\xd4\x0e\x80"),
    )
    undecodable = (
        b"", b"\xc1", b"\xc0\xc0", b"\x91", b"\x81\xa1a", b"\xa1\xff", b"\xa3\xed\xa0\x80", b"\xcb",
        b"\xd6\xff\x00", b"\xd7\xff" + b"\xff" * 8, b"\xd4\x0d\xa0", b"\xd4\x0d\xc3",
        b"\xd4\x0d\x90", b"\xd5\x0d\x91\x90", b"\xc7\x09\x0d\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00",
        b"\xd4\x13\x00", b"\xd6\x0b\xd5\x0b\xd4\x0b", b"\xd4\xfe\x00",
        b"\x81\x90\x00", b"\x81\xc4\x00", "text", "",
    )  # fmt: skip
    boastful = (
        b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff", b"\xc9\xff\xff\xff\xff\x01", b"\xdd\x00\xff\xff\xff",
    )  # fmt: skip
    nesting = (
        (b"\x91", b"\x01", b""), (b"\x81\xa1a", b"\xc0", b""), (b"\x81\x01", b"\xc0", b""),
        (b"\x91", b"\x90", b""), (b"\xdd\0\0\0\2\x80", b"\xd4\x0d\x01", b""),
    )  # fmt: skip
    costly = tuple(
        map(
            many,
            (
                b"\x00", b"\x90", b"\x80", b"\x81\xa0\x00", b"\x81\x00\x00", b"\xd4\x0d\x00",
                b"\xc7\x00\x13", b"\xc7\x00\x64", b"\xd6\xff\x00\x00\x00\x00",
                b"\x91" * 1000 + b"\x90", b"\x81\x01" * 1000 + b"\x80",
            ),
        )
    )  # fmt: skip
    deepest = DEFAULT_LIMITS.max_depth
    unencodable = (
        object(), {1, 2}, 1j, 2**64, -(2**63) - 1, "\ud800", datetime(2023, 11, 14),
        array("q", [1]),
    )  # fmt: skip


def test_dates_of_any_time_zone_arrive_in_utc() -> None:
    moment = datetime(2023, 11, 14, 22, 13, 20, 123_999, timezone(timedelta(hours=2)))
    received = parser.decode(parser.encode(moment))
    assert received == moment.replace(microsecond=123_000)
    assert received.tzinfo is UTC


def test_dates_can_be_the_timestamps_of_messagepack() -> None:
    stamping = MessagePackParser(timestamps=True)
    moment = datetime(2023, 11, 14, 22, 13, 20, 123_999, UTC)
    assert stamping.encode(EPOCH) == b"\xd6\xff\x00\x00\x00\x00"
    for each in (parser, stamping):
        assert each.decode(stamping.encode([moment])) == [moment]
    with pytest.raises(ParserError):
        stamping.encode(datetime(2023, 11, 14))


class Colour(Enum):
    RED = "red"


class Number(IntEnum):
    ONE = 1


@dataclass
class Point:
    x: int
    y: tuple[int, ...]


@pytest.mark.parametrize(
    ("value", "arrives"),
    [
        ((1, 2), [1, 2]),
        (OrderedDict(a=1), {"a": 1}),
        ({None: {2: "b"}, True: "c", 1.5: []}, {"null": {"2": "b"}, "true": "c", "1.5": []}),
        (bytearray(b"ab"), b"ab"),
        (memoryview(b"ab"), b"ab"),
        (array("B", [1, 2]), b"\x01\x02"),
        (date(2023, 11, 14), "2023-11-14"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ({"colour": Colour.RED, "number": Number.ONE}, {"colour": "red", "number": 1}),
        (Point(1, (2, 3)), {"x": 1, "y": [2, 3]}),
    ],
)
def test_values_that_the_format_has_not_arrive_as_their_nearest(value: Any, arrives: Any) -> None:
    assert parser.decode(parser.encode(value)) == arrives


@pytest.mark.parametrize("value", [math.inf, -math.inf, 1.0, -0.0, 1e300, 2**53 + 1, 2**64 - 1])
def test_numbers_keep_their_type_and_their_value(value: float) -> None:
    received = parser.decode(parser.encode(value))
    assert (received, type(received)) == (value, type(value))


def test_five_hundred_levels_are_taken_and_many_more_are_an_error() -> None:
    value: Any = 1
    for _ in range(500):
        value = [value]
    assert parser.decode(parser.encode(value)) == value
    assert parser.decode(b"\x91" * 1000 + b"\x01")
    with pytest.raises(ParserError, match="StackError"):
        parser.decode(b"\x91" * 2000 + b"\x01")


def nested(levels: int, inside: Any) -> Any:
    for _ in range(levels):
        inside = [inside]
    return inside


def test_what_is_nested_too_deeply_to_be_written_is_an_error_with_the_limit() -> None:
    deepest = DEFAULT_LIMITS.max_depth_written
    assert parser.encode(nested(deepest, [1])) == b"\x91" * deepest + b"\x91\x01"
    with pytest.raises(ParserError, match=f"nested more than {deepest} deep"):
        parser.encode(nested(deepest + 1, [1]))


def test_an_extension_that_is_nested_deeply_is_no_list() -> None:
    class Content(bytes):
        """Bytes of an application."""

    value = nested(600, Ext(100, Content(b"\x01")))
    assert parser.encode(value) == b"\x91" * 600 + b"\xd4\x64\x01"


@pytest.mark.parametrize(
    ("milliseconds", "content"),
    [
        (-(2**31) - 1, b"\xcb\xc1\xe0\x00\x00\x00\x20\x00\x00"),
        (-(2**31), b"\xd2\x80\x00\x00\x00"),
        (2**31 - 1, b"\xce\x7f\xff\xff\xff"),
        (2**31, b"\xcb\x41\xe0\x00\x00\x00\x00\x00\x00"),
    ],
)
def test_a_date_is_a_double_beyond_32_bits(milliseconds: int, content: bytes) -> None:
    moment = EPOCH + timedelta(milliseconds=milliseconds)
    assert parser.encode(moment) == b"\xc7" + bytes([len(content)]) + b"\x0d" + content
    assert parser.decode(parser.encode(moment)) == moment


@pytest.mark.parametrize("content", [b"\x91\x01", b"\x81\xa1a\x01", b"\xd4\x0b\x01"])
def test_an_object_of_javascript_holds_no_container_and_no_extension(content: bytes) -> None:
    assert parser.decode(b"\xd4\x0b\x01") == 1
    with pytest.raises(ParserError):
        parser.decode(b"\xc7" + bytes([len(content)]) + b"\x0b" + content)


def test_text_is_refused_as_text() -> None:
    with pytest.raises(ParserError, match="not MessagePack: it is text"):
        parser.decode("text")


def test_numbers_that_a_peer_has_chosen_are_no_keys_of_a_dict() -> None:
    # Their hashes are no secret: some frames of a megabyte would take seconds.
    frame = b"\xde\x03\xe8" + b"".join(msgpack.packb(n << 18) + b"\xc0" for n in range(1000))
    assert parser.decode(frame) == dict.fromkeys(str(n << 18) for n in range(1000))


@given(
    st.lists(
        st.sampled_from([0x80, 0x81, 0x91, 0xDC, 0xC7, 0xD4, 0xD6, 0x0D, 0x0B, 0xFF, 0, 1, 0x13])
    )
)
def test_frames_made_of_headers_are_a_value_or_an_error(content: Sequence[int]) -> None:
    try:
        parser.decode(bytes(content))
    except ParserError:
        return
