import json
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from primus import JSON, OptionError, ParserError, Primus, to_builtins
from primus.limits import DEFAULT_LIMITS
from primus.parsers.json import JSONParser
from primus_testing import ParserContract, join, repeated
from primus_testing.parser import JSON_VALUES

MakePrimus = Callable[..., Primus]

parser = JSONParser()


class TestJSON(ParserContract):
    parser = "json"
    golden = (
        ({"a": [1, 2.5, None, True, "x"]}, '{"a":[1,2.5,null,true,"x"]}'),
        ("€ \U0001f600", '"€ \U0001f600"'),
        ("", '""'),
        ('\b\f\n\r\t"\\/', r'"\b\f\n\r\t\"\\/"'),
    )
    undecodable = ("", " ", "{", "[1,]", "{'a':1}", "NaN", "Infinity", "-Infinity", "undefined",
                   "01", '"\x01"', "\ufeff1", b"\xff", b'"\xed\xa0\x80"', '"\\ud800', "[NaN]",
                   '["\\ud800",NaN]')  # fmt: skip
    nesting = (
        ("[", "1", "]"), ('{"a":', "null", "}"), ("[", '"\\ud800"', "]"), ("[1,", "[]", "]"),
        ('[{"a":[],"b":', "9" * 30, "}]"),
    )  # fmt: skip
    deepest = DEFAULT_LIMITS.max_depth
    costly = (
        repeated("[", "0,", "0]"),
        repeated("[", "[],", "0]"),
        repeated("[", '{"":0},', "0]"),
        repeated("[", '"\\ud800",', "0]"),
        repeated('["\\ud800",', "[[]],", "0]"),
        repeated('["\\ud800",', "1.5,", "0]"),
        repeated('"', "\\ud800", '"'),
        repeated("[0.", "9", "]"),
        repeated('["\\ud800",', "99999999999999999999,", "0]"),
        repeated('"\\ud800', "\\n", '"'),
        repeated("[", "[" * 1000 + "]" * 1000 + ",", "0]"),
        repeated('"', "\u2028", '"'),
        repeated('"', "\uffff", '"'),
    )
    unencodable = (object(), {1, 2}, b"bytes", {(1, 2): 3}, [object()], 1j)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_written_as_null(value: float) -> None:
    assert parser.encode(value) == "null"
    assert parser.encode({"a": [value, 1]}) == '{"a":[null,1]}'
    assert parser.encode([value, "\ud800", 2**70]) == '[null,"\\ud800",1180591620717411303424]'


@pytest.mark.parametrize("value", ["\ud800", "a\udc00b", "\udc00\ud800"])
def test_lone_surrogates_survive_both_ways_as_escapes(value: str) -> None:
    frame = parser.encode({"key": value})
    assert frame.isascii()
    assert parser.decode(frame) == {"key": value}


def test_lone_surrogates_are_escaped_as_stringify_does() -> None:
    assert parser.encode("\ud800") == '"\\ud800"'
    assert parser.decode('"\\uD800x"') == "\ud800x"
    assert parser.decode('"\\ud83d\\ude00"') == "\U0001f600"


def test_a_lone_surrogate_as_a_key_survives() -> None:
    assert parser.decode(parser.encode({"\ud800": 1})) == {"\ud800": 1}


@pytest.mark.parametrize("value", [2**53, -(2**53), 2**53 + 1, 2**63, 2**64 - 1, -(2**63)])
def test_integers_of_64_bits_are_exact(value: int) -> None:
    assert parser.encode(value) == str(value)
    assert parser.decode(str(value)) == value
    assert isinstance(parser.decode(str(value)), int)


@pytest.mark.parametrize("value", [2**64, 10**30, -(10**30)])
def test_larger_integers_are_written_with_all_digits_and_read_as_floats(value: int) -> None:
    assert parser.encode([value]) == f"[{value}]"
    assert parser.decode(str(value)) == float(value)
    assert isinstance(parser.decode(str(value)), float)


PARTS = st.sampled_from(
    [
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        '"',
        "\\",
        " ",
        "\n",
        "\ufeff",
        "\x00",
        "\x01",
        "\uffff",
        "\ud800",
        "\u2028",
        "0",
        "1",
        "-",
        "+",
        ".",
        "e",
        "E9",
        "9" * 18,
        "9" * 400,
        "1e400",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775809",
        "NaN",
        "Infinity",
        "-Infinity",
        "null",
        "true",
        "True",
        "'a'",
        '"a"',
        '"a":1',
        '"\\u0061":2',
        '"\\ud83d\\ude00"',
        '"\\uffff"',
        '"\uffff0000"',
        '"\\\\ud800"',
        '"\\u00"',
        '"\\x"',
        "//",
        "é",
        "\udcff",
    ]
)


@given(st.lists(PARTS, max_size=8).map("".join) | JSON_VALUES.map(json.dumps))
@example('"\\uffff"')
@example("01")
@example("NaN")
@example("9" * 30)
@example('{"\uffffd800":1,"\\uffffd800":2}')
def test_what_stands_beside_a_lone_surrogate_is_read_as_ever(text: str) -> None:
    alone, beside = _read(f'["x",{text}]'), _read(f'["\\ud800",{text}]')
    assert (beside is None) == (alone is None)
    assert alone is None or repr(beside[1:]) == repr(alone[1:])


def _read(frame: str) -> Any:
    try:
        return parser.decode(frame)
    except ParserError:
        return None


@pytest.mark.parametrize(
    ("frame", "value"),
    [
        (r'"\ud800\ud83d\ude00\uDC00"', "\ud800\U0001f600\udc00"),
        (r'{"\ud800":{"\ud800":1},"\uD800":[2]}', {"\ud800": [2]}),
        (
            r'{"a":"\udc00","b":[["\ud800"]],"\udc00":{}}',
            {"a": "\udc00", "b": [["\ud800"]], "\udc00": {}},
        ),
        (
            '["\\ud800","\uffff","\\uFFFF","\uffffd800"]',
            ["\ud800", "\uffff", "\uffff", "\uffffd800"],
        ),
        (r'["\ud800","\\ud800","\\\ud800"]', ["\ud800", r"\ud800", "\\\ud800"]),
    ],
)
def test_lone_surrogates_are_read_as_javascript_reads_them(frame: str, value: Any) -> None:
    assert parser.decode(frame) == value


def test_texts_of_peers_with_lone_surrogates_can_be_sent_in_objects_of_the_application() -> None:
    assert parser.encode([Point(1, "\ud800"), Lone.LOW]) == r'[{"x":1,"y":"\ud800"},"\udc00"]'
    assert parser.encode({"a": Point(2**70, math.nan)}) == f'{{"a":{{"x":{2**70},"y":null}}}}'


@pytest.mark.parametrize("digits", [5_000, 100_000])
def test_an_integer_of_thousands_of_digits_is_a_value_or_an_error(digits: int) -> None:
    for frame in ("9" * digits, f'["\\ud800",{"9" * digits}]'):
        try:
            parser.decode(frame)
        except ParserError:
            continue
    with pytest.raises(ParserError):
        parser.encode(10**digits)


class Lone(Enum):
    LOW = "\udc00"


class Size(IntEnum):
    BIG = 1


@pytest.mark.parametrize(
    ("value", "frame"),
    [
        ({1: "a"}, '{"1":"a"}'),
        ({1.5: "a"}, '{"1.5":"a"}'),
        ({None: "a"}, '{"null":"a"}'),
        ({True: "a"}, '{"true":"a"}'),
        ({math.nan: "a"}, '{"null":"a"}'),
        ({2**70: "a"}, f'{{"{2**70}":"a"}}'),
        ({Size.BIG: "a"}, '{"1":"a"}'),
    ],
)
def test_keys_that_are_not_strings_are_written_as_strings(value: Any, frame: str) -> None:
    assert parser.encode(value) == frame


@pytest.mark.parametrize("key", [(1,), object(), b"bytes"])
def test_keys_that_json_does_not_know_are_an_error(key: Any) -> None:
    with pytest.raises(ParserError, match="a key must be text"):
        parser.encode({key: math.nan})


def test_tuples_and_ordered_dicts_are_lists_and_objects() -> None:
    assert parser.encode((1, (2,))) == "[1,[2]]"
    assert parser.encode(OrderedDict(b=1, a=2)) == '{"b":1,"a":2}'
    assert parser.encode([OrderedDict(b=1), (math.nan,)]) == '[{"b":1},[null]]'


class Colour(Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    y: Any


@pytest.mark.parametrize("beside", [1, math.nan, "\ud800"])
def test_the_values_that_orjson_knows_are_written_as_their_usual_text(beside: Any) -> None:
    value = [
        datetime(2016, 11, 24, 1, 2, 3, tzinfo=UTC),
        UUID(int=7),
        Colour.RED,
        Point(1, 2.5),
        beside,
    ]
    decoded = json.loads(parser.encode(value))
    assert decoded[:-1] == [
        "2016-11-24T01:02:03+00:00",
        "00000000-0000-0000-0000-000000000007",
        "red",
        {"x": 1, "y": 2.5},
    ]


@pytest.mark.parametrize("value", ["a\u2028b", "\u2029"])
def test_line_separators_are_read_raw_and_escaped(value: str) -> None:
    assert parser.decode(parser.encode(value)) == value
    assert parser.decode(json.dumps(value)) == value


@pytest.mark.parametrize("opening", ["[", '{"a":', '["\\ud800",'])
def test_a_frame_nested_deeply_is_a_value_or_an_error(opening: str) -> None:
    closing = "}" if opening.startswith("{") else "]"
    for depth in (500, 5_000, 100_000):
        frame = opening * depth + "1" + closing * depth
        try:
            parser.decode(frame)
        except ParserError:
            continue


def test_the_last_of_two_equal_keys_wins() -> None:
    assert parser.decode('{"a":1,"a":2}') == {"a": 2}


@given(st.text() | st.dictionaries(st.text(), st.text()) | st.floats() | st.integers())
def test_whatever_can_be_written_can_be_read(value: Any) -> None:
    assert json.loads(parser.encode(value)) is not ...
    parser.decode(parser.encode(value))


def twice(value: Any) -> Any:
    """Gives another such value first, then what is written."""
    return Money(None) if value.amount is not None else "money"


class Money:
    def __init__(self, amount: Any) -> None:
        self.amount = amount


@pytest.mark.parametrize("beside", [None, "\ud800", 2**70])
def test_a_function_of_the_user_writes_what_has_no_form(beside: Any) -> None:
    made = JSON(default=twice).encode({"price": Money(5), "list": [Money(5)], "beside": beside})

    assert parser.decode(made) == {"price": "money", "list": ["money"], "beside": beside}


@pytest.mark.parametrize("beside", [None, "\ud800"])
def test_a_function_of_the_user_may_refuse_a_value_in_any_way(beside: Any) -> None:
    def fails(value: Any) -> Any:
        raise LookupError(value)

    with pytest.raises(ParserError):
        JSON(default=fails).encode([beside, object()])


def test_a_function_that_never_gives_what_has_a_form_is_an_error() -> None:
    with pytest.raises(ParserError):
        JSON(default=lambda value: object()).encode([object()])


def test_the_function_is_used_on_the_fast_path(make_primus: MakePrimus) -> None:
    primus = make_primus(parser=JSON(default=to_builtins))
    spark, wire = join(primus)

    spark.write({"price": Decimal("1.50")})
    primus.write({"price": Decimal("1.50")})

    assert wire.sent == ['{"price":"1.50"}'] * 2
    assert primus.spec["parser"] == "json"


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(OptionError, match="default='yes'"):
        JSON(default="yes")  # type: ignore[arg-type]
