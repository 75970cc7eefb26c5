import struct
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from primus import ParserError
from primus.limits import DEFAULT_LIMITS
from primus_parser_binary import BinaryParser
from primus_testing import ParserContract, golden


def many(item: bytes) -> Callable[[int], bytes]:
    """Arrays of a given size that hold one item again and again."""
    return lambda size: b"\xdd" + struct.pack(">I", size // len(item)) + item * (size // len(item))


VECTORS = golden(Path(__file__).with_name("golden.json"))
parser = BinaryParser()


class TestBinary(ParserContract):
    parser = "binary"
    golden = (
        *VECTORS.both,
        (b"", b"\xa0"),
        ("x" * 65536, b"\xd9\x00\x01\x00\x00" + b"x" * 65536),
        (b"x" * 65536, b"\xdb\x00\x01\x00\x00" + b"x" * 65536),
        ([0] * 65536, b"\xdd\x00\x01\x00\x00" + bytes(65536)),
    )
    decoded = (*VECTORS.decoded, (1.5, b"\xca\x3f\xc0\x00\x00"), (None, b"\xc1"), (None, b"\xd7"))
    undecodable = (
        b"", b"\xc0\xc0", b"\xc4\x01\x00", b"\xc9", b"\x91", b"\x81\xb1a", b"\xb1\xff", b"\xcb\x00",
        b"\xd8\x00", b"\x81\x90\x00", b"\x81\xa1a\x00", b"\xb3\xed\xa0\x80", "text", "",
    )  # fmt: skip
    boastful = (
        b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xd9\xff\xff\xff\xff",
        b"\xdb\xff\xff\xff\xff", 1000 * b"\xdd\x00\x01\x86\xa0" + bytes(100_000),
    )  # fmt: skip
    nesting = (
        (b"\x91", b"\x01", b""), (b"\x81\xb1a", b"\xc0", b""), (b"\x91", b"\xd9\0\0\0\0", b""),
        (b"\x91", b"\x90", b""), (b"\xdd\0\0\0\2\x80", b"\x80", b""),
    )  # fmt: skip
    deepest = DEFAULT_LIMITS.max_depth
    costly = tuple(
        map(
            many,
            (
                b"\x00",
                b"\x90",
                b"\x80",
                b"\xb0",
                b"\x81\xb0\x00",
                b"\x81\x00\x00",
                b"\x92\xc0\xc0",
                b"\x91" * 1000 + b"\x90",
                b"\x81\xb0" * 1000 + b"\x80",
                b"\xcb" + b"\x42" * 8,
            ),
        )
    )
    unencodable = (object(), {1, 2}, 1j, {(1, 2): 3}, {b"key": 1}, 2**64, -(2**63) - 1, "\ud800")


@pytest.mark.parametrize("head", [b"\xdd\xff\xff\xff\xff", b"\xdf\x00\x00\x00\x02\xb0\xc0"])
def test_more_items_than_there_are_bytes_are_refused_by_the_head(head: bytes) -> None:
    with pytest.raises(ParserError, match="items are announced"):
        parser.decode(head)


def test_a_thousand_levels_are_taken_and_a_few_more_are_an_error() -> None:
    value: Any = 1
    for _ in range(1088):
        value = [value]
    assert parser.encode(value) == b"\x91" * 1088 + b"\x01"
    with pytest.raises(ParserError, match="nested more than 1088 deep"):
        parser.encode([value])
    with pytest.raises(ParserError, match="nested more than 1024 deep"):
        parser.decode(b"\x91" * 1025 + b"\x01")


@pytest.mark.parametrize("value", [2**32, -(2**31) - 1, 2**53, -(2**53), 1_700_000_000_123])
def test_whole_numbers_beyond_32_bits_are_doubles_which_node_can_read(value: int) -> None:
    frame = parser.encode(value)
    assert frame == b"\xcb" + struct.pack(">d", value)
    assert parser.decode(frame) == value
    assert type(parser.decode(frame)) is int


@pytest.mark.parametrize("value", [2**53 + 1, 2**63 - 1, 2**64 - 1, -(2**53) - 1, -(2**63)])
def test_integers_that_no_double_holds_are_exact_between_ours(value: int) -> None:
    assert parser.decode(parser.encode(value)) == value


def test_floats_that_are_whole_numbers_are_integers_as_in_javascript() -> None:
    assert [parser.encode(value) for value in (1.0, -0.0, 300.0)] == [
        b"\x01",
        b"\x00",
        b"\xcd\x01,",
    ]
    assert type(parser.decode(parser.encode(2.0))) is int
    for value in (float("inf"), float("-inf"), 1e300, 2.0**60):
        assert parser.decode(parser.encode(value)) == value


class Colour(Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    y: tuple[int, ...]


@pytest.mark.parametrize(
    ("value", "arrives"),
    [
        ((1, 2), [1, 2]),
        (OrderedDict(a=1), {"a": 1}),
        ({2: "a", None: "b", True: "c", 1.5: []}, {"2": "a", "null": "b", "true": "c", "1.5": []}),
        (bytearray(b"ab"), b"ab"),
        (memoryview(b"ab"), b"ab"),
        (datetime(2023, 11, 14, 22, 13, 20, 5, UTC), "2023-11-14T22:13:20.000005+00:00"),
        ([date(2023, 11, 14), time(22, 13)], ["2023-11-14", "22:13:00"]),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ({"colour": Colour.RED}, {"colour": "red"}),
        (Point(1, (2, 3)), {"x": 1, "y": [2, 3]}),
    ],
)
def test_values_that_the_format_has_not_arrive_as_their_nearest(value: Any, arrives: Any) -> None:
    assert parser.decode(parser.encode(value)) == arrives


def test_keys_of_peers_that_are_no_texts_arrive_as_texts() -> None:
    assert parser.decode(b"\x82\x01\xb1a\xc0\xb1b") == {"1": "a", "null": "b"}


def test_a_key_that_stands_twice_has_its_last_value() -> None:
    assert parser.decode(b"\x82\xb1a\x01\xb1a\x02") == {"a": 2}


@given(st.lists(st.sampled_from([0x80, 0x82, 0x91, 0xDC, 0xDE, 0xB1, 0xA2, 0xCB, 0, 0xC0, 1, 255])))
def test_frames_made_of_headers_are_a_value_or_an_error(content: Sequence[int]) -> None:
    try:
        parser.decode(bytes(content))
    except ParserError:
        return


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (2.0**31, int),
        (-(2.0**31), int),
        (2.0**31 - 1, float),
        (1.0, float),
        (2.0**53, int),
        (2.0**53 + 2, float),
        (-1e300, float),
    ],
)
def test_a_double_is_an_integer_only_where_whole_numbers_are_sent_as_doubles(
    value: float, kind: type
) -> None:
    decoded = parser.decode(b"\xcb" + struct.pack(">d", value))

    assert decoded == value
    assert type(decoded) is kind


@pytest.mark.parametrize(
    ("frame", "left"),
    [(b"\xb3ab", 2), (b"\xa3\x00", 1), (b"\xd8\x00\x03abc"[:-1], 2), (b"\x92\xb3a\x01", 2)],
)
def test_content_that_breaks_off_is_told_with_what_is_left(frame: bytes, left: int) -> None:
    with pytest.raises(ParserError, match=f"breaks off: 3 bytes wanted, {left} left"):
        parser.decode(frame)


@pytest.mark.parametrize(
    ("length", "head"),
    [(15, b"\xbf"), (16, b"\xd8\x00\x10"), (0xFFFF, b"\xd8\xff\xff"), (1 << 16, b"\xd9\0\1\0\0")],
)
def test_a_length_has_the_shortest_form_that_holds_it(length: int, head: bytes) -> None:
    assert parser.encode("x" * length) == head + b"x" * length


def test_the_largest_and_least_integers_of_each_form() -> None:
    edges = (0x7F, 0x80, 0xFF, 0x100, 0xFFFF, 0x10000, 0xFFFFFFFF)
    assert [parser.encode(each)[:1] for each in edges] == [
        b"\x7f", b"\xcc", b"\xcc", b"\xcd", b"\xcd", b"\xce", b"\xce",
    ]  # fmt: skip
    edges = (-0x20, -0x21, -0x80, -0x81, -0x8000, -0x8001, -0x80000000)
    assert [parser.encode(each)[:1] for each in edges] == [
        b"\xe0", b"\xd0", b"\xd0", b"\xd1", b"\xd1", b"\xd2", b"\xd2",
    ]  # fmt: skip
