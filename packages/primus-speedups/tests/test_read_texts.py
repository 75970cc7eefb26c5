"""The compiled function and its counterpart in Python give the same for any bytes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from primus.websocket.speedups import ReadTexts, read_texts
from primus_testing import texts
from primus_testing.noise import sent
from primus_testing.raw_websocket import BINARY, CLOSE, CONT, MASK, PING, TEXT, frame

LONG = 65536


def compiled() -> ReadTexts:
    found = read_texts()
    assert found is not None
    assert found is not texts.read_texts
    return found


@pytest.fixture
def read() -> ReadTexts:
    return compiled()


def result(read: ReadTexts, *args: Any) -> Any:
    """What is returned or raised."""
    try:
        return read(*args)
    except (OverflowError, ValueError) as error:
        return type(error)


def padded(payload: bytes) -> bytes:
    """A text whose length is written in two bytes, or in eight, though it is short."""
    short = frame(TEXT, payload)
    two = short[:1] + b"\xfe" + len(payload).to_bytes(2) + short[2:]
    return two + short[:1] + b"\xff" + len(payload).to_bytes(8) + short[2:]


strangers = st.builds(
    lambda *parts: b"".join(parts),
    st.lists(st.text(max_size=40).map(lambda text: frame(TEXT, text.encode()))).map(b"".join),
    sent() | st.binary(max_size=125).map(padded),
    st.integers(120, 140).map(lambda size: frame(TEXT, b"x" * size)),
)
"""Texts, then anything, then a text whose length takes one or two bytes."""


@settings(max_examples=500, deadline=None)
@given(
    data=strangers,
    at=st.integers(-1, 300),
    left=st.integers(-1, 500),
    longest=st.integers(-1, 200),
    most=st.integers(-1, 20),
)
@example(data=frame(TEXT) * 3, at=0, left=18, longest=0, most=2)
@example(data=frame(TEXT, b"\xed\xa0\x80"), at=0, left=9, longest=9, most=9)
async def test_it_does_what_its_counterpart_does(
    data: bytes, at: int, left: int, longest: int, most: int
) -> None:
    args = (data, at, at + left, longest, most)

    assert result(compiled(), *args) == result(texts.read_texts, *args)


@settings(max_examples=100, deadline=None)
@given(data=strangers)
async def test_it_does_what_its_counterpart_does_at_every_cut(data: bytes) -> None:
    read = compiled()
    for stop in range(len(data) + 1):
        expected = texts.read_texts(data, 0, stop, LONG, 64)
        assert read(data, 0, stop, LONG, 64) == expected
        assert read(data[:stop], 0, stop, LONG, 64) == expected


@pytest.mark.parametrize("text", ["", "a", "text", "x" * 125, "x" * 126, "é" * 600, "😀" * 16383])
def test_a_text_is_unmasked_and_decoded_whatever_its_length(read: ReadTexts, text: str) -> None:
    data = b"?" + frame(TEXT, text.encode())

    assert read(data, 1, len(data), LONG, 1) == ([text], len(data))


@pytest.mark.parametrize(
    "other",
    [
        frame(BINARY, b"x"),
        frame(CONT, b"x"),
        frame(PING, b"x"),
        frame(CLOSE),
        frame(TEXT, b"x", fin=False),
        frame(TEXT, masked=False) + MASK,
        frame(TEXT, b"x", rsv=4),
        frame(TEXT, b"x", rsv=1),
        frame(TEXT, b"\xff"),
        frame(TEXT, b"\xe2\x82"),
        frame(TEXT, b"x" * 65536),
        frame(TEXT, b"xy")[:-1],
        frame(TEXT, b"x" * 126)[:7],
        b"\x81",
    ],
)
def test_it_stops_at_whatever_else_comes(read: ReadTexts, other: bytes) -> None:
    data = frame(TEXT, b"one") + frame(TEXT, b"two") + other + frame(TEXT, b"late")

    assert read(data[: 18 + len(other)], 0, 18 + len(other), LONG, 9) == (["one", "two"], 18)


def test_limits_are_those_of_texts_bytes_and_the_end(read: ReadTexts) -> None:
    data = frame(TEXT, b"one") + frame(TEXT, b"three") + frame(TEXT, b"two")

    assert read(data, 0, 29, LONG, 2) == (["one", "three"], 20)
    assert read(data, 0, 29, LONG, 0) == ([], 0)
    assert read(data, 0, 29, 5, 9) == (["one", "three", "two"], 29)
    assert read(data, 0, 29, 4, 9) == (["one"], 9)
    assert read(data, 0, 28, LONG, 9) == (["one", "three"], 20)
    assert read(data, 20, 29, LONG, 9) == (["two"], 29)


@pytest.mark.parametrize(("at", "stop"), [(-1, 0), (1, 0), (0, 7), (8, 8), (2**63 - 1, 2**63 - 1)])
def test_places_outside_the_bytes_are_refused(read: ReadTexts, at: int, stop: int) -> None:
    with pytest.raises(ValueError, match="0 <= at <= stop <= len"):
        read(frame(TEXT), at, stop, LONG, 1)


@pytest.mark.parametrize("args", [(), (b"", 0, 0, 0), (b"", 0, 0, 0, 0, 0), ("", 0, 0, 0, 0)])
def test_anything_but_bytes_and_four_numbers_is_refused(read: Any, args: Any) -> None:
    with pytest.raises(TypeError):
        read(*args)


def test_numbers_beyond_those_of_the_machine_are_refused(read: ReadTexts) -> None:
    for place in range(4):
        numbers = [0, 0, 0, 0]
        numbers[place] = 2**64
        with pytest.raises(OverflowError):
            read(b"", *numbers)
