"""The frames of SockJS as text, right and wrong."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from primus.errors import LimitError, ProtocolError
from primus_transformer_sockjs.frames import (
    Close,
    as_text,
    check_length,
    close_frame,
    message_frame,
    only_message,
    parse_frame,
    parse_payload,
    payload,
    quote,
    quote_ascii,
)


@pytest.mark.parametrize(
    ("message", "quoted"),
    [
        ('say "hi"\n', '"say \\"hi\\"\\n"'),
        ("é", '"é"'),
        ("\u200c\u2028\ufffe", '"\\u200c\\u2028\\ufffe"'),
        ("\ud800", '"\\ud800"'),
        ("😀", '"\\ud83d\\ude00"'),
    ],
)
def test_what_browsers_mangle_is_escaped(message: str, quoted: str) -> None:
    assert quote(message) == quoted
    assert message_frame([quoted, quoted]) == f"a[{quoted},{quoted}]"
    assert payload([quoted]) == f"[{quoted}]"


def test_bytes_become_text_whatever_is_in_them() -> None:
    assert as_text("text") == "text"
    assert as_text(b"\xc3\xa9\xff") == "é\ufffd"


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("[]", []),
        ('["a"]', ["a"]),
        (' [ "a" , "b" ] ', ["a", "b"]),
        ('"one"', ["one"]),
        (' "one" ', ["one"]),
        ('""', [""]),
    ],
)
def test_a_payload_is_an_array_of_strings_or_one_string(text: str, messages: list[str]) -> None:
    assert parse_payload(text, 2) == messages


@pytest.mark.parametrize(
    "text", ['"open', "[", '["a"', '["a"]x', '"a"x', "[1]", "{}", "null", "", "  ", '["a",]']
)
def test_anything_else_is_broken(text: str) -> None:
    with pytest.raises(ProtocolError):
        parse_payload(text, 2)


def test_as_many_messages_as_are_allowed_and_no_more() -> None:
    assert len(parse_payload('["a","b","c"]', 3)) == 3
    with pytest.raises(LimitError) as refused:
        parse_payload('["a","b","c"]', 2)
    assert refused.value.option == 'transport["max_messages"]'


@pytest.mark.parametrize(
    ("messages", "fits"),
    [
        (["x" * 12], True),
        (["x" * 13], False),
        (["é" * 6], True),
        (["é" * 6 + "x"], False),
        (["😀" * 3], True),
        (["", "x" * 13], False),
        ([], True),
    ],
)
def test_the_longest_message_is_measured_in_bytes(messages: list[str], fits: bool) -> None:
    if fits:
        check_length(messages, 12)
    else:
        with pytest.raises(LimitError, match="more than 12 bytes") as refused:
            check_length(messages, 12)
        assert refused.value.option == "max_length"


@pytest.mark.parametrize(
    ("frame", "content"),
    [
        ("o", "o"),
        ("h", None),
        ('a["x"]', ["x"]),
        ('m"x"', ["x"]),
        ('c[3000,"Go away!"]', Close(3000, "Go away!")),
    ],
)
def test_the_frames_of_a_server(frame: str, content: Any) -> None:
    assert parse_frame(frame, 10) == content


@pytest.mark.parametrize(
    "frame", ["", "x", "open", "a", 'c["3000",""]', "c[1]", "c[1,2]", "c", "c1", "c" + "[" * 9999]
)
def test_what_is_no_frame_of_a_server(frame: str) -> None:
    with pytest.raises(ProtocolError):
        parse_frame(frame, 10)


def test_a_close_frame_is_what_its_reader_understands() -> None:
    assert close_frame(1000, 'say "bye"') == 'c[1000,"say \\"bye\\""]'
    assert parse_frame(close_frame(4000, "é"), 1) == Close(4000, "é")


@given(st.text(st.characters(max_codepoint=127)))
def test_ascii_is_quoted_as_any_text_is(message: str) -> None:
    assert quote_ascii(message.encode()) == quote(message).encode()


@given(st.text())
def test_a_frame_of_one_message_is_read_at_once(message: str) -> None:
    frame = payload([quote(message)])
    assert only_message(frame) == message
    assert parse_payload(frame, 1) == [message]


@given(st.text(st.sampled_from('["],\\\na '), max_size=8).map('["'.__add__))
def test_what_is_read_at_once_is_what_a_parser_would_read(frame: str) -> None:
    message = only_message(frame)
    if message is not None:
        assert parse_payload(frame, 1) == [message]


@pytest.mark.parametrize("frame", ['["a","b"]', '["a"] ', '["a" ]', '["a', '["a"', '["\n"]'])
def test_other_frames_are_not_read_at_once(frame: str) -> None:
    assert only_message(frame) is None
