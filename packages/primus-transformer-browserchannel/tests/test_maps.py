"""Maps: what clients post, as forms and as JSON."""

from __future__ import annotations

from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from primus.errors import ProtocolError
from primus_transformer_browserchannel.maps import (
    EMPTY,
    Maps,
    form,
    parse_form,
    parse_json,
    quoted,
    unquoted,
)


def test_the_form_of_the_stock_client() -> None:
    body = b"count=2&ofs=7&req0__S=%22hello%22&req1__S=%22h%C3%A9%E2%82%AC%F0%9F%98%80%22"
    assert parse_form(body, 10) == Maps(7, ['"hello"', '"h\u00e9\u20ac\U0001f600"'])
    assert form(7, ['"hello"', '"h\u00e9\u20ac\U0001f600"']) == body


def test_a_form_of_no_maps_needs_no_offset() -> None:
    assert parse_form(b"count=0", 10) == EMPTY
    assert form(3, []) == b"count=0"


def test_the_fields_of_a_form_may_come_in_any_order() -> None:
    assert parse_form(b"req1__S=b&count=2&req0__S=a&ofs=0", 10) == Maps(0, ["a", "b"])


def test_a_plus_is_a_space_and_a_percent_may_be_alone() -> None:
    assert parse_form(b"count=1&ofs=0&req0__S=a+b%2B%zz%", 10) == Maps(0, ["a b+%zz%"])


@pytest.mark.parametrize(
    "fields", [b"req0_type=_badmap", b"req0_x=1&req0_y=2", b"req5__S=x", b"other=1", b"req0=x", b""]
)
def test_a_map_without_a_message_still_has_an_id(fields: bytes) -> None:
    assert parse_form(b"count=1&ofs=3&" + fields, 10) == Maps(3, [None])


@pytest.mark.parametrize(
    ("value", "message"),
    [(b"%7B%22a%22%3A1%7D", '{"a":1}'), (b"%22%5C%22hello%5C%22%22", '"hello"'), (b"[1]", "[1]")],
)
def test_a_map_of_json_is_the_string_in_it_or_what_it_says(value: bytes, message: str) -> None:
    assert parse_form(b"count=1&ofs=0&req0_JSON=" + value, 10) == Maps(0, [message])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"ofs=0",
        b"count=",
        b"count=x&ofs=0",
        b"count=-1&ofs=0",
        b"count=1",
        b"count=1&ofs=-1",
        b"count=1&ofs=1e3",
        b"count=1&ofs=" + b"9" * 16,
        b"count=11&ofs=0",
        b"count=" + b"9" * 5000,
        "count=٥&ofs=0".encode(),
        b"count=1&ofs=0&req0__S=\xff",
        b'count=1&ofs=0&req0_JSON="x',
        b'count=1&ofs=0&req0_JSON="x"1',
        b"&" * 43,
        b"count=0" + b"&" * 43,
    ],
)
def test_what_is_no_form_is_an_error(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse_form(body, 10)


def test_as_many_fields_as_maps_can_have_are_read() -> None:
    fields = b"&".join(b"req%d_%d=x" % (number, key) for number in range(10) for key in range(4))
    assert parse_form(b"count=10&ofs=0&" + fields, 10) == Maps(0, [None] * 10)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=5))
def test_what_a_client_posts_arrives(messages: list[str]) -> None:
    assert parse_form(form(4, messages), 10) == Maps(4, messages)


# -- JSON


@pytest.mark.parametrize(
    ("body", "maps"),
    [
        (b'{"ofs":3,"data":["a","\\u20ac"]}', Maps(3, ["a", "\u20ac"])),
        (b' { "data" : [ "a" ] , "ofs" : 3 } ', Maps(3, ["a"])),
        (b'{"data":[]}', Maps(0, [])),
    ],
)
def test_a_body_of_json(body: bytes, maps: Maps) -> None:
    assert parse_json(body, 10) == maps


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"ofs":0}',
        b'{"ofs":-1,"data":[]}',
        b'{"ofs":0,"data":{}}',
        b'{"ofs":0,"data":[1]}',
        b'{"ofs":0,"data":["a"',
        b'{"ofs":0,"data":["a]}',
        b'{"ofs":0,"data":["a"]}x',
        b'{"ofs":0,"data":["a"],}',
        b'{"other":0}',
        b'{"data":["\xff"]}',
        b'{"data":[' + b'"",' * 10 + b'""]}',
    ],
)
def test_what_is_no_body_of_json_is_an_error(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        parse_json(body, 10)


@given(st.text(alphabet="%=0aAfFgG9\r\n _+\u00e9&\0\ud800"))
def test_escapes_are_read_as_everywhere(text: str) -> None:
    assert unquoted(text) == unquote(text)


@given(st.binary())
def test_every_byte_can_be_escaped(data: bytes) -> None:
    assert unquoted(quote(data)) == unquote(quote(data))


@given(data=st.binary())
def test_what_a_client_posts_is_quoted_as_the_standard_library_does_it(data: bytes) -> None:
    assert quoted(data) == quote(data, safe="").encode()


def test_every_byte_that_is_no_letter_is_quoted() -> None:
    assert quoted(b"a%41 +&\x00\xff~") == b"a%2541%20%2B%26%00%FF~"
