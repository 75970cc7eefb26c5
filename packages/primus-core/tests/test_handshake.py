"""The handshake of a WebSocket server, to the letter."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from primus.http import Headers
from primus.websocket import chosen_subprotocol, refusal, switching

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
"""The key of the example in RFC 6455 section 1.3."""


def headers(*pairs: tuple[str, str]) -> Headers:
    return CIMultiDictProxy(CIMultiDict(pairs))


def test_the_example_of_the_rfc_is_accepted() -> None:
    assert switching(f" {KEY} ", [("Sec-WebSocket-Protocol", "chat")]) == (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        b"Sec-WebSocket-Protocol: chat\r\n\r\n"
    )


def test_no_header_is_smuggled_into_the_answer() -> None:
    with pytest.raises(ValueError, match="line end"):
        switching(KEY, [("X-User", "one\r\nSet-Cookie: two")])


@pytest.mark.parametrize("keys", [(), ("",), (KEY, KEY), ("c2hvcnQ=",), ("é" * 24,), (KEY[:-1],)])
def test_a_wrong_key_is_refused(keys: tuple[str, ...]) -> None:
    told = headers(("Sec-WebSocket-Version", "13"), *[("Sec-WebSocket-Key", key) for key in keys])
    refused = refusal(told)
    assert refused is not None
    assert refused.status == 400


def test_another_version_is_told_ours() -> None:
    refused = refusal(headers(("Sec-WebSocket-Version", "8"), ("Sec-WebSocket-Key", KEY)))
    assert refused is not None
    assert (refused.status, refused.headers["Sec-WebSocket-Version"]) == (426, "13")


def test_a_right_handshake_is_not_refused() -> None:
    told = headers(("Sec-WebSocket-Version", " 13"), ("Sec-WebSocket-Key", f"{KEY} "))
    assert refusal(told) is None


def test_our_order_of_subprotocols_decides() -> None:
    offered = headers(("Sec-WebSocket-Protocol", "a, b"), ("Sec-WebSocket-Protocol", "c"))
    assert chosen_subprotocol(offered, ["c", "a"]) == "c"
    assert chosen_subprotocol(offered, ["x"]) is None
    assert chosen_subprotocol(headers(), ["x"]) is None
