"""Packets and payloads, as literal text."""

import pytest

from primus.errors import ProtocolError
from primus_transformer_socketio.packets import (
    Packet,
    acknowledgement,
    message,
    packet,
    packets,
    payload,
    text_of,
)


def test_a_message_is_sent_without_id_and_endpoint() -> None:
    assert message('"h€😀"') == '3:::"h€😀"'
    assert message(b'"\xff"') == '3:::"\ufffd"'
    assert text_of('3:::"a:b"') == '"a:b"'


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("0::", Packet("0", "", "", "")),
        ("0::/chat", Packet("0", "", "/chat", "")),
        ("1::/chat?a=b", Packet("1", "", "/chat?a=b", "")),
        ("2::", Packet("2", "", "", "")),
        ("3::", Packet("3", "", "", "")),
        ("3:1::a:b\n:c", Packet("3", "1", "", "a:b\n:c")),
        ("3:1+::x", Packet("3", "", "", "x")),
        ("3:7:/chat:hi", Packet("3", "7", "/chat", "hi")),
        ('5:::{"name":"x"}', Packet("5", "", "", '{"name":"x"}')),
        ("6:::4", Packet("6", "", "", "4")),
        ("6:9::4", Packet("6", "", "", "4")),
        ("2:9::", Packet("2", "", "", "")),
        ("7:::1+0", Packet("7", "", "", "1+0")),
        ("8::", Packet("8", "", "", "")),
    ],
)
def test_a_packet_has_four_parts_of_which_three_may_be_empty(text: str, meant: Packet) -> None:
    assert packet(text) == meant


@pytest.mark.parametrize(
    "text", ["", "3", "3:", "9::", "30::", "x::", "3:a::", "3:12345678901234567::", " 3:::x"]
)
def test_what_is_no_packet_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError, match="no packet"):
        packet(text)


def test_an_acknowledgement_names_the_packet() -> None:
    assert acknowledgement("12") == "6:::12"


def test_one_packet_is_its_own_payload_and_several_stand_behind_their_lengths() -> None:
    assert payload(["3:::x"]) == "3:::x"
    two = "\ufffd5\ufffd3:::x\ufffd6\ufffd3:::😀"
    assert payload(["3:::x", "3:::😀"]) == two
    assert list(packets(two)) == ["3:::x", "3:::😀"]
    assert list(packets("3:::\ufffd3\ufffd")) == ["3:::\ufffd3\ufffd"]
    assert list(packets("\ufffd7\ufffd3:::a\ufffdb\ufffd3\ufffd2::")) == ["3:::a\ufffdb", "2::"]


@pytest.mark.parametrize(
    "text",
    [
        "\ufffd",
        "\ufffd\ufffd",
        "\ufffd3",
        "\ufffd4\ufffd3::",
        "\ufffd-1\ufffd3::",
        "\ufffd٣\ufffd3::",
        "\ufffd+3\ufffd3::",
        "\ufffd99999999999\ufffd3::",
        "\ufffd2\ufffd3::",
        "\ufffd3\ufffd3::3::",
        "\ufffd3\ufffd3::x3\ufffd3::",
    ],
)
def test_a_length_that_lies_is_refused(text: str) -> None:
    with pytest.raises(ProtocolError):
        list(packets(text))
