"""HTTP compression of whole answers."""

import gzip
import zlib
from collections.abc import AsyncIterator

import pytest

from primus import Response
from primus.polling import compressed
from primus_testing import make_request

TEXT = "a text that repeats itself, " * 100


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br", "gzip"),
        ("deflate;q=0.5", "deflate"),
        ("gzip;q=0, deflate", "deflate"),
        ("GZIP", "gzip"),
        ("br", None),
        ("", None),
    ],
)
def test_an_answer_comes_in_what_the_client_accepts(accepted: str, encoding: str | None) -> None:
    request = make_request(headers={"Accept-Encoding": accepted})
    response = compressed(request, Response(200, TEXT))
    assert response.headers.get("Content-Encoding") == encoding
    inflate = {"gzip": gzip.decompress, "deflate": zlib.decompress, None: bytes}[encoding]
    assert inflate(response.body).decode() == TEXT
    assert response.headers_for(request)["Content-Length"] == str(len(response.body))


def test_a_short_answer_stays_as_it_is() -> None:
    request = make_request(headers={"Accept-Encoding": "gzip"})
    assert compressed(request, Response(200, "short")).body == b"short"


def test_a_streamed_answer_stays_as_it_is() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"

    request = make_request(headers={"Accept-Encoding": "gzip"})
    response = compressed(request, Response(200, pieces()))
    assert response.chunks is not None
    assert "Content-Encoding" not in response.headers
