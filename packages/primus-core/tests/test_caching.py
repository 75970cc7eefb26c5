"""What a client takes, and what it has already."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from primus.http.caching import accepted_coding, is_known


def headers(*lines: tuple[str, str]) -> CIMultiDictProxy[str]:
    return CIMultiDictProxy(CIMultiDict(lines))


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("gzip", "gzip"),
        ("gzip, deflate, br", "br"),
        ("br, gzip", "br"),
        ("GZIP", "gzip"),
        ("x-gzip", "gzip"),
        ("gzip;q=1.0, br;q=0.5", "gzip"),
        ("gzip; q=0.2, br ; Q=0.8", "br"),
        ("gzip;q=0", "identity"),
        ("gzip;q=0.000, br;q=0", "identity"),
        ("gzip;q=0, *", "br"),
        ("*", "br"),
        ("*;q=0", "identity"),
        ("br;q=0, *;q=0.1", "gzip"),
        ("identity", "identity"),
        ("identity, gzip;q=0.5", "identity"),
        ("identity;q=0.5, gzip;q=0.5", "gzip"),
        ("identity;q=0, gzip;q=0.1", "gzip"),
        ("identity;q=0", "identity"),
        ("zstd, deflate", "identity"),
        ("gzip;q=2", "identity"),
        ("gzip;q=x", "identity"),
        ("gzip;level=1", "identity"),
        ("", "identity"),
        (",, ;q=1, gzip", "gzip"),
    ],
)
def test_a_coding_is_chosen_by_its_weight_and_then_by_our_preference(
    accepted: str, expected: str
) -> None:
    assert accepted_coding(headers(("Accept-Encoding", accepted)), ("br", "gzip")) == expected


def test_without_the_header_nothing_is_compressed() -> None:
    assert accepted_coding(headers(), ("br", "gzip")) == "identity"


def test_several_headers_are_one_list() -> None:
    both = headers(("Accept-Encoding", "gzip;q=0.5"), ("accept-encoding", "br"))
    assert accepted_coding(both, ("br", "gzip")) == "br"


def test_only_what_is_offered_is_chosen() -> None:
    assert accepted_coding(headers(("Accept-Encoding", "br, gzip;q=0.1")), ("gzip",)) == "gzip"


@pytest.mark.parametrize(
    ("asked", "known"),
    [
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ('"b","a"', True),
        ("*", True),
        (" * ", True),
        ('"b"', False),
        ('"aa"', False),
        ("a", False),
        ('"b*"', False),
        ("", False),
    ],
)
def test_a_tag_is_looked_for_in_the_list(asked: str, known: bool) -> None:
    assert is_known(headers(("If-None-Match", asked)), '"a"') is known


def test_several_lists_of_tags_are_one() -> None:
    both = headers(("If-None-Match", '"b"'), ("If-None-Match", '"a"'))
    assert is_known(both, '"a"')
    assert not is_known(headers(), '"a"')
