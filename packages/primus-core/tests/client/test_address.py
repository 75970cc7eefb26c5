"""Where a client connects to."""

from __future__ import annotations

from typing import Any

import pytest

from primus import OptionError, Socket, connect
from primus.client.address import Stamps, is_loopback, parse_url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://host", "http://host/primus"),
        ("ws://host:8080/", "http://host:8080/primus"),
        ("wss://host/else?a=1#part", "https://host/primus?a=1"),
        ("HTTPS://Host", "https://Host/primus"),
        ("host:8080", "http://host:8080/primus"),
        ("//host", "http://host/primus"),
        ("http://a:b@host", "http://a:b@host/primus"),
        ("http://[::1]:80?x", "http://[::1]:80/primus?x"),
        ("http://host:/", "http://host/primus"),
        ("  http://host  ", "http://host/primus"),
        ("http://[::1]", "http://[::1]/primus"),
        ("http://bücher.example:81", "http://xn--bcher-kva.example:81/primus"),
        ("http://straße.example", "http://xn--strae-oqa.example/primus"),
        ("http://a_b.example", "http://a_b.example/primus"),
        ("http://u:p@q@host", "http://u:p@q@host/primus"),
        ("http://host?a=b?c&&=x&%zz&+&[]&;&'", "http://host/primus?a=b?c&&=x&%zz&+&[]&;&'"),
        ("http://host?name=Ä b&c=%C3%84", "http://host/primus?name=%C3%84%20b&c=%C3%84"),
    ],
)
def test_a_url_is_completed(url: str, expected: str) -> None:
    assert str(parse_url(url, "/primus")) == expected


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "names no host"),
        ("http://", "names no host"),
        ("http://:80", "names no host"),
        ("http://u:p@", "names no host"),
        ("http://u:p@:80/", "names no host"),
        ("ftp://host", "its scheme must be one of http, ws, https, wss"),
        ("javascript://host", "its scheme must be one of"),
        ("http://host:port", "Port could not be cast"),
        ("http://host:99999", "Port out of range"),
        ("http://host:-1", "Port could not be cast"),
        ("http://host:0", "port 0 is no port to connect to"),
        ("http://a b", "'a b' is no name of a host"),
        ("http://a\\b", "no name of a host"),
        ("http://a..b", "no name of a host"),
        ("http://.", "no name of a host"),
        ("http://" + "a" * 64, "no name of a host"),
        ("http://a%62", "no name of a host"),
        ("http://a<b>", "no name of a host"),
        ("http://\u2603\ufe0f\u00ad.\u3002", "no name of a host"),
        ("http://ho\nst", r"there is '\\n' in it"),
        ("http://host?a=\x00", r"there is '\\x00' in it"),
        ("http://host?\ud800", r"there is '\\ud800' in it"),
        ("http://[::1", "Invalid IPv6 URL"),
        ("http://[::g]", "not permitted|Only hex digits|does not appear"),
        ("http://[v1.a]", "Only hex digits|not permitted|At least 3 parts"),
        ("http://[fe80::1%25eth0]:80", "an address with a zone cannot be asked"),
        ("http://[fe80::1%eth0]:80", "an address with a zone cannot be asked"),
        ("http://a%3Ab:c@host", "the user in the URL has a colon in its name"),
        (None, "cannot connect to None: a URL is a text"),
        (b"http://host", "a URL is a text"),
        (8080, "a URL is a text"),
    ],
)
async def test_a_url_that_cannot_be_used_is_refused_with_the_reason(url: Any, problem: str) -> None:
    with pytest.raises(OptionError, match=problem):
        parse_url(url, "/primus")
    with pytest.raises(OptionError, match=problem):
        await connect(url)
    with pytest.raises(OptionError, match=problem):
        Socket(url)


def test_the_error_for_a_url_shows_no_secrets() -> None:
    with pytest.raises(OptionError) as refused:
        parse_url("ftp://user:secret@host/?token=secret", "/primus")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("pathname", [None, 5, "", "/", "/a b", "/a\tb", "/a?b", "/a#b", "/\ud800"])
async def test_a_pathname_that_cannot_be_used_is_refused(pathname: Any) -> None:
    with pytest.raises(OptionError, match="pathname="):
        await connect("http://host", pathname=pathname)


def test_the_cache_buster_replaces_an_older_one() -> None:
    address = parse_url("http://host?_primuscb=old&a=1", "/deep/path/")

    assert str(address.dialled("new")) == "http://host/deep/path?a=1&_primuscb=new"


def test_fields_that_are_empty_are_left_out_of_what_is_dialled() -> None:
    address = parse_url("http://host?a=1&&=x&b=2&", "/primus")

    assert str(address.dialled("1")) == "http://host/primus?a=1&=x&b=2&_primuscb=1"


def test_stamps_differ_within_one_millisecond() -> None:
    stamps = Stamps()

    made = [stamps.next(1_700_000_000_000) for _ in range(4)]

    assert len(set(made)) == 4
    assert stamps.next(1_700_000_000_001) not in made


def test_a_stamp_is_the_time_in_digits_of_six_bits() -> None:
    stamps = Stamps()

    assert [stamps.next(each) for each in (1, 63, 64, 64, 64, 1_700_000_000_000)] == [
        "1",
        "_",
        "10",
        "10.0",
        "10.1",
        "OlFvMW0",
    ]


def test_loopback_is_recognised() -> None:
    assert is_loopback(parse_url("http://127.8.9.10:1", "/primus"))
    assert not is_loopback(parse_url("http://192.0.2.1", "/primus"))
    assert not is_loopback(parse_url("http://example.com", "/primus"))
    assert is_loopback(parse_url("http://localhost:1", "/primus"))
    assert is_loopback(parse_url("http://app.localhost", "/primus"))
    assert is_loopback(parse_url("http://[::1]:80", "/primus"))
    assert not is_loopback(parse_url("http://notlocalhost", "/primus"))


def test_what_plugins_carry_takes_the_place_of_fields_of_the_same_name() -> None:
    address = parse_url("http://host?id=old&a=1&id", "/primus")

    dialled = address.dialled("new", {"id": "a&b é", "b": ""})

    assert dialled.query == "a=1&id=a%26b%20%C3%A9&b=&_primuscb=new"


def test_what_plugins_carry_may_be_no_text_of_a_url() -> None:
    dialled = parse_url("http://host", "/primus").dialled("new", {"id": "a\ud800b"})

    assert dialled.query == "id=a%3Fb&_primuscb=new"
