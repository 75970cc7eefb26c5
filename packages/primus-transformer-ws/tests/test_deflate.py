"""Compression that a server has agreed to."""

from __future__ import annotations

import os
from typing import Any

from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode

from primus_transformer_ws.framing import ServerDeflateFactory


def contexts(agreed: Any) -> set[str]:
    """Those that have been made: each takes much memory."""
    return {"decoder", "encoder"} & vars(agreed).keys()


def agreed_by(*params: tuple[str, str | None], **options: Any) -> Any:
    """What a server agrees to."""
    return ServerDeflateFactory(**options).process_request_params(params, [])[1]


def test_a_context_is_made_for_the_first_message_that_needs_it() -> None:
    agreed = agreed_by()
    assert contexts(agreed) == set()
    sent = agreed.encode(Frame(Opcode.TEXT, b"hello"))
    assert contexts(agreed) == {"encoder"}
    assert agreed.decode(sent).data == b"hello"
    assert contexts(agreed) == {"encoder", "decoder"}


def test_a_context_goes_on_from_message_to_message() -> None:
    agreed, peer = agreed_by(), PerMessageDeflate(False, False, 15, 15)
    text = os.urandom(500)
    sizes = []
    for _ in range(2):
        sent = agreed.encode(Frame(Opcode.BINARY, text))
        sizes.append(len(sent.data))
        assert peer.decode(sent).data == text
        assert agreed.decode(peer.encode(Frame(Opcode.BINARY, text))).data == text
    assert sizes[0] > 500 > 100 > sizes[1]


def test_without_context_takeover_nothing_stays_of_a_message() -> None:
    agreed = agreed_by(("server_no_context_takeover", None), ("client_no_context_takeover", None))
    for _ in range(2):
        sent = agreed.encode(Frame(Opcode.TEXT, b"hello"))
        assert agreed.decode(sent).data == b"hello"
        assert contexts(agreed) == set()


def test_windows_and_settings_are_those_that_were_agreed_to() -> None:
    agreed = agreed_by(
        ("server_max_window_bits", "9"),
        ("client_max_window_bits", "10"),
        compress_settings={"level": 0},
    )
    assert (agreed.local_max_window_bits, agreed.remote_max_window_bits) == (9, 10)
    assert b"x" * 1000 in bytes(agreed.encode(Frame(Opcode.TEXT, b"x" * 1000)).data)
