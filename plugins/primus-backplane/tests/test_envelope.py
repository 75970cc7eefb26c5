from typing import Any

import pytest

from primus_backplane.envelope import Writer, opened, sealed
from primus_backplane.errors import InvalidEnvelope

ONE = Writer("w0", "abc")


def test_an_envelope_has_three_lines() -> None:
    envelope = sealed(ONE, 7, "rooms", {"rooms": ["news"]}, "json", '{"a":1}')

    assert envelope == b'1 w0.abc 7 rooms json text\n{"rooms":["news"]}\n{"a":1}'


def test_an_envelope_without_a_head_has_an_empty_line() -> None:
    assert sealed(ONE, 1, "all", {}, "msgpack", b"\x01") == b"1 w0.abc 1 all msgpack binary\n\n\x01"


@pytest.mark.parametrize("frame", ["", "text", "\u2028 é \ud800", b"", b"\0\n \n", b"\xff" * 9])
@pytest.mark.parametrize("head", [{}, {"rooms": ["a b", "é\n"], "except": []}])
@pytest.mark.parametrize("parser", ["json", "two words", "100 %", "-"])
def test_what_was_sealed_is_opened(frame: Any, head: Any, parser: str) -> None:
    message = opened(sealed(ONE, 12, "rooms", head, parser, frame))

    assert (message.writer, message.number, message.kind) == (ONE, 12, "rooms")
    assert (message.head, message.parser, message.frame) == (head, parser, frame)


@pytest.mark.parametrize(
    "envelope",
    [
        b"",
        b"\n",
        b"hello",
        b"1 w0.abc 7 all json text",
        b"1 w0.abc 7 all json text\n",
        b"1 w0.abc 7 all json\n\n",
        b"2 w0.abc 7 all json text\n\n{}",
        b"1 w0 7 all json text\n\n{}",
        b"1 .abc 7 all json text\n\n{}",
        b"1 w0. 7 all json text\n\n{}",
        b"1 w0.abc -7 all json text\n\n{}",
        b"1 w0.abc seven all json text\n\n{}",
        b"1 w0.abc 99999999999999999999 all json text\n\n{}",
        b"1 w0.abc 7 all json tex\n\n{}",
        b"1 w0.abc 7 all json text\n{\n{}",
        b"1 w0.abc 7 all json text\n[]\n{}",
        b"1 w0.abc 7 all json text\n\n\xff",
        b"1 w\xff.abc 7 all json text\n\n{}",
        b"1 w0.abc 7 \xff json text\n\n{}",
        b"1 w0.abc 7 all json text\n" + b"[" * 100_000 + b"\n{}",
        b"1 " + b"w" * 600 + b".abc 7 all json text\n\n{}",
    ],
)
def test_what_is_no_envelope_is_refused(envelope: bytes) -> None:
    with pytest.raises(InvalidEnvelope):
        opened(envelope)
