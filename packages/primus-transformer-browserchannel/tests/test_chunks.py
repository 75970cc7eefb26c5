"""Chunks: numbered arrays with their length in front, written and read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from primus.errors import ProtocolError
from primus_transformer_browserchannel.chunks import (
    NOOP,
    STOP,
    Array,
    ChunkReader,
    array_chunk,
    chunk,
    opening,
    parse_arrays,
    quote,
)

FACE = "\U0001f600"


def read(*pieces: str, limit: int = 1000) -> list[str]:
    reader = ChunkReader(limit)
    return [text for piece in pieces for text in reader.read(piece.encode())]


# -- written


@pytest.mark.parametrize(
    ("frame", "quoted"),
    [
        ('"hello"', '"\\"hello\\""'),
        ("line\n", '"line\\n"'),
        ("h\u00e9" + FACE, '"h\u00e9' + FACE + '"'),
        ("\u2028\u2029", '"\\u2028\\u2029"'),
        ("\ud83d", '"\\ud83d"'),
        (b"caf\xc3\xa9", '"caf\u00e9"'),
    ],
)
def test_a_message_is_a_string_that_every_browser_reads(frame: str | bytes, quoted: str) -> None:
    assert quote(frame) == quoted


def test_the_chunk_that_opens_a_session() -> None:
    assert array_chunk(0, [opening("500vlrn0")]) == '30\n[[0,["c","500vlrn0",null,8]]]\n'


def test_arrays_are_numbered_from_the_first_one_on() -> None:
    arrays = [quote('{"echo":"hello"}'), quote('"primus::server::close"'), STOP]
    assert array_chunk(1, arrays) == (
        '74\n[[1,"{\\"echo\\":\\"hello\\"}"],[2,"\\"primus::server::close\\""],[3,["stop"]]]\n'
    )


def test_the_line_end_of_a_chunk_is_counted() -> None:
    assert array_chunk(3, [NOOP]) == '15\n[[3,["noop"]]]\n'


def test_a_chunk_is_measured_in_utf_16_units() -> None:
    assert array_chunk(1, [quote(FACE)]) == f'11\n[[1,"{FACE}"]]\n'
    assert chunk("[1,0,0]") == "7\n[1,0,0]"


# -- read


def test_chunks_are_read_as_they_come() -> None:
    text = array_chunk(0, [opening("sid")]) + array_chunk(1, [quote("one"), quote(FACE)])
    whole = ['[[0,["c","sid",null,8]]]\n', f'[[1,"one"],[2,"{FACE}"]]\n']
    assert read(text) == whole
    assert read(*text) == whole


def test_bytes_may_be_cut_anywhere() -> None:
    reader = ChunkReader(1000)
    data = (array_chunk(1, [quote("\u20ac" + FACE)]) + array_chunk(2, [NOOP])).encode()
    texts = [text for at in range(len(data)) for text in reader.read(data[at : at + 1])]
    assert texts == [f'[[1,"\u20ac{FACE}"]]\n', '[[2,["noop"]]]\n']
    assert reader.is_between


@given(st.lists(st.text(max_size=20), max_size=6), st.integers(1, 40))
def test_what_is_written_is_read(frames: list[str], step: int) -> None:
    reader = ChunkReader(10_000)
    data = "".join(array_chunk(at, [quote(each)]) for at, each in enumerate(frames)).encode()
    texts = [text for at in range(0, len(data), step) for text in reader.read(data[at : at + step])]
    assert [array.data for text in texts for array in parse_arrays(text, 10)] == frames
    assert reader.is_between


@pytest.mark.parametrize("text", ["5", "5\n[1]", '15\n[[3,["noop"]]'])
def test_a_chunk_that_is_cut_is_no_chunk(text: str) -> None:
    reader = ChunkReader(1000)
    assert reader.read(text.encode()) == []
    assert not reader.is_between


def test_half_of_a_character_is_no_end() -> None:
    reader = ChunkReader(1000)
    assert reader.read(b"\xf0\x9f") == []
    assert not reader.is_between


@pytest.mark.parametrize(
    "data",
    [
        b"x\n",
        b"-1\n",
        b"\n",
        b" 5\n",
        b"1001\n",
        b"99999999999999\n",
        b"99999999999",
        "٥\n".encode(),
        b"\xff\n",
        f"1\n{FACE}".encode(),
    ],
)
def test_what_is_no_chunk_is_an_error(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        ChunkReader(1000).read(data)


# -- arrays


def test_messages_and_control_arrays() -> None:
    assert parse_arrays('[[1,"one"],[2,["noop"]] , [ 3 , "\\u20ac" ] ]\n', 10) == [
        Array(1, "one"),
        Array(2, ["noop"]),
        Array(3, "\u20ac"),
    ]
    assert parse_arrays("[]\n", 10) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[",
        "null",
        "[1]",
        '["c"]',
        '[["c","sid"]]',
        "[[1]]",
        '[[-1,"x"]]',
        '[[1,"x"]',
        '[[1,"x"],]',
        '[[1,"x"]]x',
        '[[1,"x"],[2,"y"]] [',
        '[[1,"x]]',
        "[[1,1]]",
        "[[1,null]]",
        "[[1,{}]]",
        "[[1,[]]]",
        "[[1,[1]]",
        "[[1," + "[" * 100_000,
        "[[1,[" + "1," * 5000 + "1]]]",
    ],
)
def test_what_are_no_arrays_is_an_error(text: str) -> None:
    with pytest.raises(ProtocolError):
        parse_arrays(text, 10)


def test_more_arrays_than_allowed_are_not_built() -> None:
    text = json.dumps([[number, "x"] for number in range(11)])
    with pytest.raises(ProtocolError, match="more than 10"):
        parse_arrays(text, 10)
    assert len(parse_arrays(text, 11)) == 11
