"""JSON arrays of strings, taken one string at a time."""

from __future__ import annotations

import pytest

from primus.errors import LimitError, ProtocolError
from primus.polling import parse_strings, skip_blank


@pytest.mark.parametrize(
    ("text", "strings", "end"),
    [
        ("[]", [], 2),
        ("[ ]x", [], 3),
        ('["a"]', ["a"], 5),
        ('["a","b"]["c"]', ["a", "b"], 9),
        ('[\t"a" ,\r\n"\\u00e9" ]', ["a", "é"], 19),
        ('["]",","]', ["]", ","], 9),
    ],
)
def test_an_array_of_strings_ends_with_its_bracket(text: str, strings: list[str], end: int) -> None:
    assert parse_strings(text, 0, 10, "most") == (strings, end)
    assert parse_strings(f"??{text}", 2, 10, "most") == (strings, end + 2)


@pytest.mark.parametrize(
    "text",
    ["", "x", 'x"a"]', '{"a"]', ' "a"]',
     '"a"', "[", '["a"', '["a",', '["a",]', "[,]", '["a" "b"]', '["a";"b"]', "[1]",
     '["a", 1]', '["a]', "[[]]", '["\\x"]', "{}"],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        parse_strings(text, 0, 10, "most")


def test_as_many_strings_as_are_allowed_and_no_more() -> None:
    assert parse_strings('["","",""]', 0, 3, "most")[0] == [""] * 3
    with pytest.raises(LimitError, match="more than 2 messages") as refused:
        parse_strings('["","","" nonsense', 0, 2, "most")
    assert refused.value.option == "most"


def test_blanks_are_those_of_json() -> None:
    assert skip_blank(" \t\r\n x", 0) == 5
    assert skip_blank("x ", 0) == 0
    assert skip_blank("\xa0x", 0) == 0
    assert skip_blank("", 0) == 0
