"""Where a client connects to."""

from __future__ import annotations

import pytest

from primus import OptionError
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
        ("http://host?name=Ä b&c=%C3%84", "http://host/primus?name=%C3%84%20b&c=%C3%84"),
    ],
)
def test_a_url_is_completed(url: str, expected: str) -> None:
    assert str(parse_url(url, "/primus")) == expected


@pytest.mark.parametrize("url", ["", "http://", "ftp://host", "http://host:port", "http://a b"])
def test_a_url_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(OptionError):
        parse_url(url, "/primus")


def test_the_cache_buster_replaces_an_older_one() -> None:
    address = parse_url("http://host?_primuscb=old&a=1", "/deep/path/")

    assert str(address.dialled("new")) == "http://host/deep/path?a=1&_primuscb=new"


def test_stamps_differ_within_one_millisecond() -> None:
    stamps = Stamps()

    made = [stamps.next(1_700_000_000_000) for _ in range(4)]

    assert len(set(made)) == 4
    assert stamps.next(1_700_000_000_001) not in made


def test_loopback_is_recognised() -> None:
    assert is_loopback(parse_url("http://127.8.9.10:1", "/primus"))
    assert not is_loopback(parse_url("http://192.0.2.1", "/primus"))
    assert not is_loopback(parse_url("http://example.com", "/primus"))
