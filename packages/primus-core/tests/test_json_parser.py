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
from primus.parsers.codecs import CODECS, installed_codec
from primus_testing import ParserContract, join, repeated
from primus_testing.parser import JSON_VALUES

MakePrimus = Callable[..., Primus]


def made(name: str) -> type[JSON]:
    """The parser as it is where only that library is installed."""
    codec = CODECS[name]()
    attributes = {
        "codec": codec,
        "quick_encode": staticmethod(codec.dumps),
        "quick_decode": staticmethod(codec.loads),
    }
    return type("JSON", (JSON,), attributes)


PARSERS = {name: made(name) for name in CODECS}


@pytest.fixture(scope="module", params=PARSERS)
def parser_class(request: pytest.FixtureRequest) -> type[JSON]:
    return PARSERS[request.param]


@pytest.fixture(scope="module")
def parser(parser_class: type[JSON]) -> JSON:
    return parser_class()


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


class TestJSONWithMsgspec(TestJSON):
    parser = PARSERS["msgspec"]()


class TestJSONWithTheStandardLibrary(TestJSON):
    parser = PARSERS["json"]()


def test_the_fastest_library_that_is_installed_does_it() -> None:
    assert list(CODECS) == ["orjson", "msgspec", "json"]
    assert JSON.codec is installed_codec()
    assert JSON.codec.name == "orjson"


@pytest.mark.parametrize("name", ["msgspec", "json"])
@pytest.mark.parametrize(
    "frame",
    [
        "1e400",
        "9" * 400,
        "-0",
        "-0.0",
        "-9223372036854775809",
        "18446744073709551615",
        '"\udcff"',
        b'"\xed\xa0\x80"',
        bytearray(b"[1]"),
        "\x0c1",
        "[1]x",
        "[" * 1024 + "]" * 1024,
        "[" * 1025 + "]" * 1025,
        f"[{'[],' * 1025}[]]",
        "[[0]" * 600 + "]" * 600,
        '["' + "[" * 2000 + '\\"",[]]',
    ],
    ids=lambda frame: repr(frame)[:20],
)
def test_each_library_reads_what_orjson_reads(frame: Any, name: str) -> None:
    assert _outcome(PARSERS[name](), frame) == _outcome(PARSERS["orjson"](), frame)


@given(st.lists(st.deferred(lambda: PARTS), max_size=8).map("".join) | JSON_VALUES.map(json.dumps))
def test_each_library_reads_and_refuses_the_same(text: str) -> None:
    outcomes = [_outcome(made(), text) for made in PARSERS.values()]
    assert outcomes[1:] == outcomes[:-1]


def _outcome(parser: JSON, frame: Any) -> str:
    try:
        return PARSERS["orjson"]().encode(parser.decode(frame))
    except ParserError:
        return "refused"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_written_as_null(parser: JSON, value: float) -> None:
    assert parser.encode(value) == "null"
    assert parser.encode({"a": [value, 1]}) == '{"a":[null,1]}'
    assert parser.encode([value, "\ud800", 2**70]) == '[null,"\\ud800",1180591620717411303424]'


@pytest.mark.parametrize("value", ["\ud800", "a\udc00b", "\udc00\ud800"])
def test_lone_surrogates_survive_both_ways_as_escapes(parser: JSON, value: str) -> None:
    frame = parser.encode({"key": value})
    assert frame.isascii()
    assert parser.decode(frame) == {"key": value}


def test_lone_surrogates_are_escaped_as_stringify_does(parser: JSON) -> None:
    assert parser.encode("\ud800") == '"\\ud800"'
    assert parser.decode('"\\uD800x"') == "\ud800x"
    assert parser.decode('"\\ud83d\\ude00"') == "\U0001f600"


def test_a_lone_surrogate_as_a_key_survives(parser: JSON) -> None:
    assert parser.decode(parser.encode({"\ud800": 1})) == {"\ud800": 1}


@pytest.mark.parametrize("value", [2**53, -(2**53), 2**53 + 1, 2**63, 2**64 - 1, -(2**63)])
def test_integers_of_64_bits_are_exact(parser: JSON, value: int) -> None:
    assert parser.encode(value) == str(value)
    assert parser.decode(str(value)) == value
    assert isinstance(parser.decode(str(value)), int)


@pytest.mark.parametrize("value", [2**64, 10**30, -(10**30)])
def test_larger_integers_are_written_with_all_digits_and_read_as_floats(
    parser: JSON, value: int
) -> None:
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
def test_what_stands_beside_a_lone_surrogate_is_read_as_ever(parser: JSON, text: str) -> None:
    alone, beside = _read(parser, f'["x",{text}]'), _read(parser, f'["\\ud800",{text}]')
    assert (beside is None) == (alone is None)
    assert alone is None or repr(beside[1:]) == repr(alone[1:])


def _read(parser: JSON, frame: str) -> Any:
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
def test_lone_surrogates_are_read_as_javascript_reads_them(
    parser: JSON, frame: str, value: Any
) -> None:
    assert parser.decode(frame) == value


def test_texts_of_peers_with_lone_surrogates_can_be_sent_in_objects_of_the_application(
    parser: JSON,
) -> None:
    assert parser.encode([Point(1, "\ud800"), Lone.LOW]) == r'[{"x":1,"y":"\ud800"},"\udc00"]'
    assert parser.encode({"a": Point(2**70, math.nan)}) == f'{{"a":{{"x":{2**70},"y":null}}}}'


@pytest.mark.parametrize("digits", [5_000, 100_000])
def test_an_integer_of_thousands_of_digits_is_a_value_or_an_error(
    parser: JSON, digits: int
) -> None:
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
def test_keys_that_are_not_strings_are_written_as_strings(
    parser: JSON, value: Any, frame: str
) -> None:
    assert parser.encode(value) == frame


@pytest.mark.parametrize("key", [(1,), object(), b"bytes"])
def test_keys_that_json_does_not_know_are_an_error(parser: JSON, key: Any) -> None:
    with pytest.raises(ParserError, match="a key must be text"):
        parser.encode({key: math.nan})


def test_tuples_and_ordered_dicts_are_lists_and_objects(parser: JSON) -> None:
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
def test_the_values_that_orjson_knows_are_written_as_their_usual_text(
    parser: JSON, beside: Any
) -> None:
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
def test_line_separators_are_read_raw_and_escaped(parser: JSON, value: str) -> None:
    assert parser.decode(parser.encode(value)) == value
    assert parser.decode(json.dumps(value)) == value


@pytest.mark.parametrize("opening", ["[", '{"a":', '["\\ud800",'])
def test_a_frame_nested_deeply_is_a_value_or_an_error(parser: JSON, opening: str) -> None:
    closing = "}" if opening.startswith("{") else "]"
    for depth in (500, 5_000, 100_000):
        frame = opening * depth + "1" + closing * depth
        try:
            parser.decode(frame)
        except ParserError:
            continue


def test_the_last_of_two_equal_keys_wins(parser: JSON) -> None:
    assert parser.decode('{"a":1,"a":2}') == {"a": 2}


@given(st.text() | st.dictionaries(st.text(), st.text()) | st.floats() | st.integers())
def test_whatever_can_be_written_can_be_read(parser: JSON, value: Any) -> None:
    assert json.loads(parser.encode(value)) is not ...
    parser.decode(parser.encode(value))


def twice(value: Any) -> Any:
    """Gives another such value first, then what is written."""
    return Money(None) if value.amount is not None else "money"


class Money:
    def __init__(self, amount: Any) -> None:
        self.amount = amount


@pytest.mark.parametrize("beside", [None, "\ud800", 2**70])
def test_a_function_of_the_user_writes_what_has_no_form(
    parser_class: type[JSON], parser: JSON, beside: Any
) -> None:
    made = parser_class(default=twice).encode(
        {"price": Money(5), "list": [Money(5)], "beside": beside}
    )

    assert parser.decode(made) == {"price": "money", "list": ["money"], "beside": beside}


@pytest.mark.parametrize("beside", [None, "\ud800"])
def test_a_function_of_the_user_may_refuse_a_value_in_any_way(
    parser_class: type[JSON], beside: Any
) -> None:
    def fails(value: Any) -> Any:
        raise LookupError(value)

    with pytest.raises(ParserError):
        parser_class(default=fails).encode([beside, object()])


def test_a_function_that_never_gives_what_has_a_form_is_an_error(parser_class: type[JSON]) -> None:
    with pytest.raises(ParserError):
        parser_class(default=lambda value: object()).encode([object()])


def test_the_function_is_used_on_the_fast_path(
    parser_class: type[JSON], make_primus: MakePrimus
) -> None:
    primus = make_primus(parser=parser_class(default=to_builtins))
    spark, wire = join(primus)

    spark.write({"price": Decimal("1.50")})
    primus.write({"price": Decimal("1.50")})

    assert wire.sent == ['{"price":"1.50"}'] * 2
    assert primus.spec["parser"] == "json"


def test_what_is_no_function_is_refused(parser_class: type[JSON]) -> None:
    with pytest.raises(OptionError, match="default='yes'"):
        parser_class(default="yes")  # type: ignore[arg-type]


@pytest.mark.parametrize("pair", ["[]", "{}", "a"])
def test_every_library_reads_as_deep_as_the_limit_and_no_deeper(parser: JSON, pair: str) -> None:
    deepest = DEFAULT_LIMITS.max_depth
    opening, closing = ('{"a":', "}") if pair != "[]" else ("[", "]")
    inner = '"[[{{"' if pair == "a" else "1"  # brackets of texts do not count

    value = parser.decode(opening * deepest + inner + closing * deepest)
    for _ in range(deepest):
        value = value["a"] if isinstance(value, dict) else value[0]

    assert value == json.loads(inner)
    with pytest.raises(ParserError):
        parser.decode(opening * (deepest + 1) + inner + closing * (deepest + 1))
    wide = f"[{','.join(['[]'] * 5000)}]"
    assert len(parser.decode(wide)) == 5000


def test_what_is_written_with_care_is_as_deep_as_the_limit_and_no_deeper(parser: JSON) -> None:
    def nested(depth: int) -> Any:
        value: Any = "\ud800"
        for _ in range(depth):
            value = [value]
        return value

    deepest = DEFAULT_LIMITS.max_depth_written
    assert str(parser.encode(nested(deepest))).count("[") == deepest
    with pytest.raises(ParserError):
        parser.encode(nested(deepest + 1))


@dataclass
class Hiding:
    """A dataclass with a private field."""

    shown: str
    _hidden: str = "secret"


@pytest.mark.parametrize("text", ["plain", "\ud800"])
def test_private_fields_are_not_written(parser: JSON, text: str) -> None:
    assert parser.decode(parser.encode(Hiding(text))) == {"shown": text}
    assert parser.decode(parser.encode([{"a": (Hiding(text), text)}])) == [
        {"a": [{"shown": text}, text]}
    ]


@pytest.mark.parametrize("value", [Hiding, {"a": Hiding}, ["\ud800", Hiding], object()])
def test_classes_and_other_objects_have_no_form(parser: JSON, value: Any) -> None:
    with pytest.raises(ParserError):
        parser.encode(value)


class Steps:
    """Becomes a text after so many calls of the function of the user."""

    def __init__(self, left: int, text: str) -> None:
        self.left, self.text = left, text

    @staticmethod
    def plain(value: Any) -> Any:
        return value.text if value.left == 1 else Steps(value.left - 1, value.text)


@pytest.mark.parametrize("text", ["plain", "\ud800"])
def test_a_function_of_the_user_may_give_what_has_to_be_asked_about_again(
    parser_class: type[JSON], text: str
) -> None:
    parser = parser_class(default=Steps.plain)
    for left in (1, 2, 100):
        assert parser.decode(parser.encode([Steps(left, text)])) == [text]
    with pytest.raises(ParserError):
        parser.encode([Steps(1_000_000, text)])


@pytest.mark.parametrize(
    ("digits", "kind"),
    [
        (str(2**64 - 1), int), (str(2**64), float), (str(-(2**63)), int),
        (str(-(2**63) - 1), float), ("1" + "0" * 18, int), ("1" + "0" * 25, float),
        ("-" + "9" * 18, int), ("-0", int),
    ],
)  # fmt: skip
@pytest.mark.parametrize("frame", ["{}", "[1,{},2]", '{{"a":{}}}'])
def test_every_library_reads_integers_of_64_bits_and_floats_beyond(
    parser: JSON, digits: str, kind: type, frame: str
) -> None:
    value = parser.decode(frame.format(digits))
    value = value[1] if isinstance(value, list) else value
    value = value["a"] if isinstance(value, dict) else value
    assert value == float(digits) if kind is float else value == int(digits)
    if digits != "-0":
        assert type(value) is kind
