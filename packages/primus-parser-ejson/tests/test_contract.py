import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from primus import ParserError
from primus.limits import DEFAULT_LIMITS
from primus.parser import is_json
from primus_parser_ejson import EJSONParser, RegExp
from primus_testing import ParserContract, golden, repeated

VECTORS = golden(Path(__file__).with_name("golden.json"))
VALUES = st.recursive(
    st.none() | st.text() | st.binary() | st.datetimes(timezones=st.just(UTC)) | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["$date", "$binary", "$escape", "$type", "$value", "a", "$InfNaN"]),
            inner,
            max_size=2,
        )
    ),
    max_leaves=10,
)
MARKS = ["$date", "$binary", "$escape", "$type", "$value", "$InfNaN", "$regexp", "$flags", "a"]

parser = EJSONParser()


class TestEJSON(ParserContract):
    parser = "ejson"
    golden = (
        *VECTORS.both,
        (RegExp("a+", "gi"), '{"$regexp":"a+","$flags":"gi"}'),
        ({"$regexp": "a", "$flags": "g"}, '{"$escape":{"$regexp":"a","$flags":"g"}}'),
    )
    decoded = (
        (b"\x01", '{"$binary":"AQ"}'),
        (None, '{"$date":null}'),
        (datetime(1970, 1, 1, 0, 0, 0, 1500, UTC), '{"$date":1.5}'),
        (datetime(1970, 1, 1, tzinfo=UTC), '{"\\u0024date":0}'),
        (RegExp("a", "gim"), '{"$flags":"gxigmm","$regexp":"a"}'),
        ({"a": b"\x01"}, b'{"a":{"$binary":"AQ=="}}'),
        ([{"$type": "a"}, {"$value": 1}], '[{"$type":"a"},{"$value":1}]'),
    )
    undecodable = (
        "", "{", '{"$date":"2023-11-14"}', '{"$date":1e300}', '{"$date":true}', '{"$binary":5}',
        '{"$binary":"\\u20ac"}', '{"$binary":"A"}', '{"$binary":"A$Q$=="}', '{"$InfNaN":"1"}',
        '{"$escape":5}', '{"$escape":[]}', '{"$type":"Unknown","$value":1}',
        '{"$type":["a"],"$value":1}', '{"$regexp":1,"$flags":"g"}',
        '["$",' + "[" * 1100 + "]" * 1101, b"\xff",
    )  # fmt: skip
    boastful = ('{"$binary":"', "[" * 5000)
    nesting = (
        ("[", '{"$date":0}', "]"), ("[", '"$"', "]"), ('{"a":', '"\\ud800"', "}"),
        ('{"$escape":{"$date":', "1", "}}"), ("[", "null", "]"),
    )  # fmt: skip
    deepest = DEFAULT_LIMITS.max_depth - 1
    costly = (
        repeated("[", "[],", "null]"),
        repeated("[", "[null],", "0]"),
        repeated("[", '{"a":null},', "0]"),
        repeated("[", '{"$date":0},', "0]"),
        repeated("[", '{"$binary":""},', "0]"),
        repeated("[", "1.5,", "null]"),
        repeated("[", '{"$escape":{"$date":[]}},', "0]"),
        repeated('{"$binary":"', "AAAA", '"}'),
        repeated("[null,", "[" * 1000 + "]" * 1000 + ",", "0]"),
        repeated('{"$regexp":"', "(", '","$flags":""}'),
    )
    unencodable = (object(), {1, 2}, 1j, {(1, 2): 3}, datetime(2023, 11, 14))

    def same(self, sent: Any, received: Any) -> bool:
        # NaN is no equal of itself, also inside of others.
        return repr(sent) == repr(received)


@given(value=VALUES)
def test_any_value_that_ejson_has_comes_back_as_it_went(value: Any) -> None:
    assert repr(parser.decode(parser.encode(value))) == repr(_in_milliseconds(value))


def _in_milliseconds(value: Any) -> Any:
    match value:
        case datetime():
            return value.replace(microsecond=value.microsecond // 1000 * 1000, fold=0)
        case list():
            return [_in_milliseconds(item) for item in value]
        case dict():
            return {key: _in_milliseconds(item) for key, item in value.items()}
        case _:
            return value


@given(keys=st.lists(st.sampled_from(MARKS), max_size=6), inner=st.text(max_size=3) | st.integers())
def test_marks_with_anything_inside_are_a_value_or_an_error(
    keys: Sequence[str], inner: Any
) -> None:
    value = inner
    for index, key in enumerate(keys):
        value = {key: value, MARKS[-index]: 1} if index % 2 else {key: value}
    try:
        parser.decode(json.dumps(value))
    except ParserError:
        return


def test_its_frames_are_json_in_which_any_character_may_be_escaped() -> None:
    assert is_json(parser)
    assert parser.decode('{"\\u0024date":0,"a":"\\u20ac"}') == {"$date": 0, "a": "€"}


def test_a_date_of_any_time_zone_arrives_in_utc() -> None:
    moment = datetime(2023, 11, 14, 22, 13, 20, 123_999, timezone(timedelta(hours=2)))
    assert parser.encode(moment) == '{"$date":1699992800123}'
    assert parser.decode('{"$date":1699992800123}') == moment.replace(microsecond=123_000)


def test_a_date_without_a_time_zone_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(ParserError, match=r"has no time zone: make it aware"):
        parser.encode([datetime(2023, 11, 14)])


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True)
class Point:
    x: int
    y: bytes


@pytest.mark.parametrize(
    ("value", "frame"),
    [
        ((1, b"\x01"), '[1,{"$binary":"AQ=="}]'),
        (bytearray(b"\x01"), '{"$binary":"AQ=="}'),
        ({2: "a", None: b"", True: "b"}, '{"2":"a","null":{"$binary":""},"true":"b"}'),
        (date(2023, 11, 14), '"2023-11-14"'),
        ([UUID(int=1), Colour.RED], '["00000000-0000-0000-0000-000000000001","red"]'),
        (Point(1, b"\x01"), '{"x":1,"y":{"$binary":"AQ=="}}'),
        (["\ud800", 2**70], '["\\ud800",1180591620717411303424]'),
        ({"price": "$5", "none": None}, '{"price":"$5","none":null}'),
    ],
)
def test_other_values_are_written_as_json_or_by_their_parts(value: Any, frame: str) -> None:
    assert parser.encode(value) == frame


def test_what_is_nested_too_deeply_or_inside_of_itself_is_an_error() -> None:
    value: Any = b"inside"
    for _ in range(1088):
        value = [value]
    assert parser.encode(value).startswith("[" * 1088 + "{")
    with pytest.raises(ParserError, match="as EJSON: nested more than 1088 deep"):
        parser.encode([value])


# -- types of the application


def with_points() -> EJSONParser:
    made = EJSONParser()
    made.add_type(
        "Point",
        Point,
        to_json=lambda point: [point.x, point.y.hex()],
        from_json=lambda value: Point(value[0], bytes.fromhex(value[1])),
    )
    return made


def test_a_type_of_the_application_comes_back_as_it_went() -> None:
    frame = '{"at":[{"$type":"Point","$value":[1,"ff"]}]}'
    assert with_points().encode({"at": [Point(1, b"\xff")]}) == frame
    assert with_points().decode(frame) == {"at": [Point(1, b"\xff")]}


def test_one_parser_does_not_know_the_types_of_another() -> None:
    with_points()
    with pytest.raises(ParserError, match="no type named 'Point' has been added"):
        EJSONParser().decode('{"$type":"Point","$value":[1,"ff"]}')
    assert EJSONParser().encode(Point(1, b"")) == '{"x":1,"y":{"$binary":""}}'


def test_a_type_of_the_application_may_be_one_that_json_has() -> None:
    made = EJSONParser()
    made.add_type("Text", str, to_json=str.upper, from_json=str.lower)
    frame = '[[{"$type":"Text","$value":"A"}],{"b":{"$type":"Text","$value":"C"}}]'
    assert made.encode([["a"], {"b": "c"}]) == frame
    assert made.decode(frame) == [["a"], {"b": "c"}]


def test_a_class_that_derives_from_one_that_was_added_is_a_type_of_its_own() -> None:
    class Pixel(Point):
        """A point of a screen."""

    assert with_points().encode(Pixel(1, b"")) == '{"x":1,"y":{"$binary":""}}'


@pytest.mark.parametrize("name", [["Point"], 5, "Line"])
def test_a_type_that_was_not_added_is_named(name: Any) -> None:
    with pytest.raises(ParserError, match=r"no type named .* has been added") as refused:
        with_points().decode(json.dumps({"$type": name, "$value": 1}))
    assert repr(name) in str(refused.value)


def test_a_long_name_of_a_type_is_not_repeated_whole() -> None:
    with pytest.raises(ParserError, match=r"no type named 'xxx.* has been added") as refused:
        parser.decode(json.dumps({"$type": "x" * 1000, "$value": 1}))
    assert "x" * 100 not in str(refused.value)


def test_what_looks_like_a_type_is_escaped() -> None:
    value = {"$type": "Point", "$value": 1}
    assert with_points().encode(value) == '{"$escape":{"$type":"Point","$value":1}}'
    assert with_points().decode(with_points().encode(value)) == value


@pytest.mark.parametrize("content", ["null", "[1]", '[1,"zz"]', "{}"])
def test_what_a_type_cannot_be_made_of_is_an_error_of_that_message(content: str) -> None:
    with pytest.raises(ParserError, match="not EJSON"):
        with_points().decode(f'{{"$type":"Point","$value":{content}}}')


def test_a_type_that_cannot_be_written_is_an_error_of_that_message() -> None:
    with pytest.raises(ParserError, match="cannot encode Point as EJSON"):
        with_points().encode(Point(1, None))  # type: ignore[arg-type]


def test_a_name_or_class_is_added_once() -> None:
    made = with_points()
    with pytest.raises(ValueError, match="a type named 'Point' has been added"):
        made.add_type("Point", int, to_json=int, from_json=int)
    with pytest.raises(ValueError, match="Point has been added before, as 'Point'"):
        made.add_type("Other", Point, to_json=int, from_json=int)


@pytest.mark.parametrize(
    ("value", "frame"),
    [
        ({"$date": 1}, '{"$escape":{"$date":1}}'),
        ({"$regexp": 1, "$flags": 2}, '{"$escape":{"$regexp":1,"$flags":2}}'),
        ({"$date": 1, "other": 2}, '{"$date":1,"other":2}'),
        ({"$other": 1}, '{"$other":1}'),
        ({}, "{}"),
        ({"$date": 1, "$binary": 2, "$InfNaN": 3}, '{"$date":1,"$binary":2,"$InfNaN":3}'),
        ({"$escape": {"$date": 1}}, '{"$escape":{"$escape":{"$escape":{"$date":1}}}}'),
        ([[1, "a"], [1.5]], '[[1,"a"],[1.5]]'),
        ([[{"$date": 1}]], '[[{"$escape":{"$date":1}}]]'),
        (math.inf, '{"$InfNaN":1}'),
        (-math.inf, '{"$InfNaN":-1}'),
        (0.0, "0.0"),
    ],
)
def test_only_what_looks_exactly_like_a_mark_is_escaped(value: Any, frame: str) -> None:
    parser = EJSONParser()

    assert parser.encode(value) == frame
    assert parser.decode(frame) == value


@pytest.mark.parametrize(
    ("frame", "flags"),
    [
        ("gi", "gi"),
        ("ggxi", "gi"),
        ("x" * 49 + "g", "g"),
        ("x" * 50 + "g", ""),
    ],
)
def test_no_more_flags_are_read_than_there_may_be(frame: str, flags: str) -> None:
    read = EJSONParser().decode(f'{{"$regexp":"a","$flags":"{frame}"}}')
    assert (read.source, read.flags) == ("a", flags)


@pytest.mark.parametrize(
    "frame",
    [
        '{"$binary":5}', '{"$InfNaN":"1"}', '{"$regexp":1,"$flags":""}', '{"$escape":5}',
        '{"$regexp":"a","$flags":1}', '{"$date":"now"}', '{"$binary":"*"}', '[{"$escape":[]}]',
    ],
)  # fmt: skip
def test_a_mark_with_a_value_of_the_wrong_type_is_an_error(frame: str) -> None:
    with pytest.raises(ParserError):
        EJSONParser().decode(frame)
