from typing import Any

import pytest
from hypothesis import given

from primus_substream import packets
from primus_substream.packets import Packet
from primus_testing.parser import JSON_VALUES


@given(JSON_VALUES)
def test_every_value_arrives_as_it_went(value: Any) -> None:
    assert packets.read(packets.message("chat", value)) == Packet("chat", value, False)


def test_the_end_marker_as_a_message_travels_escaped_and_ends_nothing() -> None:
    packet = packets.message("chat", "substream::end")

    assert packet == {
        "substream": "chat",
        "args": "substream::substream::end",
        "escaped": True,
    }
    assert packets.read(packet) == Packet("chat", "substream::end", False)


@pytest.mark.parametrize("escaped", [None, False, 1, "true", {}])
def test_what_looks_escaped_and_is_not_said_to_be_is_left_alone(escaped: Any) -> None:
    """As a peer sends it that does not escape."""
    text = "substream::substream::end"

    assert packets.read({"substream": "chat", "args": text}) == Packet("chat", text, False)
    packet = {"substream": "chat", "args": text, "escaped": escaped}
    assert packets.read(packet) == Packet("chat", text, False)


def test_only_the_escaped_end_is_unescaped() -> None:
    packet = {"substream": "chat", "args": "hello", "escaped": True}
    assert packets.read(packet) == Packet("chat", "hello", False)


def test_the_end_is_read() -> None:
    assert packets.read(packets.end("chat")) == Packet("chat", "substream::end", True)


def test_a_packet_without_a_message_carries_none() -> None:
    assert packets.read({"substream": ""}) == Packet("", None, False)


@pytest.mark.parametrize("value", [None, 5, "substream", [], ["substream"], {}, {"args": 1}])
def test_what_names_no_stream_is_no_packet(value: Any) -> None:
    assert packets.read(value) is None
    assert packets.read({"substream": value, "args": 1}) is None or isinstance(value, str)
