"""Cookies as peers write them: odd pairs, quotes, and headers made to cost time."""

import pytest

from primus.cookies import parse_cookies
from primus_testing import make_request

SESSION = {"session": "s3cret"}


@pytest.mark.parametrize(
    ("odd", "read"),
    [
        ("prefs[theme]=dark", {"prefs[theme]": "dark"}),
        ("flag", {}),
        ("flag=", {"flag": ""}),
        ("=nameless", {}),
        ('cart={"n":1}', {"cart": '{"n":1}'}),
        ("seen=two words", {"seen": "two words"}),
        ("name=Jürgen", {"name": "Jürgen"}),
        ("Größe=9", {"Größe": "9"}),
        ('q="open', {"q": '"open'}),
        ('q="', {"q": '"'}),
        ("next=/a?b=c", {"next": "/a?b=c"}),
        ("path=/;domain=x", {"path": "/", "domain": "x"}),
        ("$Version=1", {"$Version": "1"}),
        ("a,b=1, 2", {"a,b": "1, 2"}),
        ("a@b:c=1", {"a@b:c": "1"}),
        (";;; ;", {}),
        ("raw=\udcff", {"raw": "\udcff"}),
    ],
)
def test_an_odd_pair_takes_no_other_along(odd: str, read: dict[str, str]) -> None:
    assert parse_cookies([f"{odd}; session=s3cret"]) == {**read, **SESSION}
    assert parse_cookies([f"session=s3cret;{odd}"]) == {**SESSION, **read}


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ('""', ""),
        ('"2 3"', "2 3"),
        (r'"a\"b\\c"', r'a"b\c'),
        (r'"a\073b\054\x"', "a;b,x"),
        (r'"\400\19"', "40019"),
        (r'"\"', "\\"),
        ('a"b"', 'a"b"'),
        (r"a\073", r"a\073"),
    ],
)
def test_a_value_in_quotes_is_unquoted(value: str, read: str) -> None:
    assert parse_cookies([f"a={value}"]) == {"a": read}


def test_of_a_repeated_cookie_the_last_counts_also_over_several_headers() -> None:
    assert parse_cookies(["a=1; b=2; a=3", "b=4"]) == {"a": "3", "b": "4"}
    request = make_request(headers=[("Cookie", "a=1"), ("Cookie", "b=2")])
    assert request.cookies == {"a": "1", "b": "2"}
    assert make_request().cookies == {}


@pytest.mark.parametrize("unit", ["\\", '\\"', "\\0", '"', "=", ";", " ", "a=", "a;", '="'])
def test_cookies_are_read_in_one_pass(unit: str) -> None:
    # Would take minutes if reading them were quadratic; the time itself is not asserted.
    parse_cookies([f'a="{unit * (1_000_000 // len(unit))}"'])
