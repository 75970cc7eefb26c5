"""How packets are written, in both revisions: literal text, and anything that may come."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from primus.errors import ProtocolError
from primus_transformer_engineio.answers import form_payload
from primus_transformer_engineio.revision3 import Revision3, escaped
from primus_transformer_engineio.revision4 import Revision4
from primus_transformer_engineio.revisions import OCTETS, TEXT, Revision

THREE = Revision3(json=False)
FOUR = Revision4()

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x1e"), max_size=20)
PACKETS = st.lists(WORDS.map("4".__add__) | st.binary(max_size=20), min_size=1, max_size=8)


def test_payloads_of_revision_4() -> None:
    assert FOUR.text(["4hello", b"\x01\x02\x03\x04", "2"]) == "4hello\x1ebAQIDBA==\x1e2"
    assert list(FOUR.packets("4hello\x1ebAQIDBA==\x1e2")) == ["4hello", b"\x01\x02\x03\x04", "2"]


def test_payloads_of_revision_3() -> None:
    assert THREE.text(["4hello", b"\x01\x02\x03\x04", "2"]) == "6:4hello10:b4AQIDBA==1:2"
    assert list(THREE.packets("6:4hello10:b4AQIDBA==1:2")) == ["4hello", b"\x01\x02\x03\x04", "2"]


def test_lengths_of_revision_3_are_in_utf_16_units() -> None:
    assert THREE.text(['4"hé€😀"']) == '8:4"hé€😀"'
    assert list(THREE.packets('8:4"hé€😀"1:2')) == ['4"hé€😀"', "2"]


def test_a_binary_payload_of_revision_3() -> None:
    body, content_type = THREE.payload(["4hello", b"\x01\x02\x03\x04"], binary=True)
    assert content_type == OCTETS
    assert body == bytes([0, 6, 255, 52, 104, 101, 108, 108, 111, 1, 5, 255, 4, 1, 2, 3, 4])
    assert list(THREE.decoded(body, OCTETS)) == ["4hello", b"\x01\x02\x03\x04"]


def test_a_payload_without_bytes_stays_text() -> None:
    assert THREE.payload(["4é"], binary=True) == ("2:4é".encode(), TEXT)


def test_frames_of_a_websocket() -> None:
    assert FOUR.frame(b"\x01", binary=True) == b"\x01"
    assert FOUR.frame(b"\x01", binary=False) == "bAQ=="
    assert THREE.frame(b"\x01", binary=True) == b"\x04\x01"
    assert THREE.frame(b"\x01", binary=False) == "b4AQ=="
    for revision in (THREE, FOUR):
        assert revision.frame('4"é"', binary=True) == '4"é"'
        for binary in (True, False):
            assert revision.packet(revision.frame(b"\x01", binary=binary)) == b"\x01"


def test_json_is_sent_in_ascii_which_both_dialects_of_revision_3_agree_on() -> None:
    assert Revision3(json=True).text(['4"hé€😀"']) == '28:4"h\\u00e9\\u20ac\\ud83d\\ude00"'
    assert escaped('{"é":"\\n"}') == '{"\\u00e9":"\\n"}'


def test_the_older_dialect_of_revision_3_is_understood() -> None:
    doubled = '4"hé€😀"'.encode().decode("latin-1")
    revision = Revision3(json=False)
    assert list(revision.packets(f"{len(doubled)}:{doubled}")) == ['4"hé€😀"']


def test_a_peer_that_has_shown_its_dialect_is_answered_in_it() -> None:
    old, new = Revision3(json=False), Revision3(json=False)
    list(old.packets("3:4Ã©"))
    list(new.packets("2:4€"))
    assert old.text(["4é"]) == "3:4Ã©"
    assert new.text(["4é"]) == "2:4é"
    assert list(new.packets("3:4Ã©")) == ["4Ã©"], "now it is known to be meant so"
    assert list(old.packets("2:4€")) == ["4€"], "it was a guess, and wrong"


@given(PACKETS)
def test_what_is_written_is_read(packets: list[str | bytes]) -> None:
    for revision in (FOUR, Revision3(json=False)):
        if revision is not FOUR:
            list(revision.packets("2:4€"))  # the newer dialect, beyond doubt
        for binary in (True, False):
            body, content_type = revision.payload(packets, binary=binary)
            assert list(revision.decoded(body, content_type)) == packets
        for packet in packets:
            assert revision.packet(revision.frame(packet, binary=True)) == packet


@pytest.mark.parametrize("revision", [THREE, FOUR], ids=["3", "4"])
@given(body=st.binary(max_size=60) | st.text("0123456789:b4\x1e é", max_size=40).map(str.encode))
def test_any_body_gives_packets_or_a_protocol_error(revision: Revision, body: bytes) -> None:
    for content_type in (TEXT, OCTETS):
        try:
            for packet in revision.decoded(body, content_type):
                assert isinstance(packet, bytes) or packet[0] in "0123456"
        except ProtocolError:
            pass


@pytest.mark.parametrize("revision", [THREE, FOUR], ids=["3", "4"])
@given(frame=st.binary(max_size=20) | st.text("b4Q=é\ud800", max_size=20))
def test_any_frame_gives_a_packet_or_a_protocol_error(
    revision: Revision, frame: str | bytes
) -> None:
    with suppress(ProtocolError):
        revision.packet(frame)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (bytes([0, 9, 255, 52]), "is cut off"),
        (bytes([0, 0, 255]), "is cut off"),
        (bytes([1, 1, 255, 52]), "no binary message"),
        (bytes([2, 1, 255, 52]), "no length"),
        (bytes([0, 1, 255, 255]), "no UTF-8"),
        (bytes([0, 255, 52]), "no length"),
        (bytes([0, 10, 255, *b"4" * 10]), "no length"),
        (bytes([0, *[0] * 10, 1, 255, 50]), "no length"),
    ],
)
def test_a_binary_payload_that_is_wrong_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(ProtocolError, match=reason):
        list(THREE.decoded(body, OCTETS))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("3:4a", "is cut off"),
        ("2", "no length"),
        (":2", "no length"),
        ("-1:2", "no length"),
        ("²:4a", "no length"),
        ("١:2", "no length"),
        ("0000000001:2", "no length"),
    ],
)
def test_a_text_payload_that_is_wrong_is_refused(body: str, reason: str) -> None:
    with pytest.raises(ProtocolError, match=reason):
        list(THREE.packets(body))


def test_a_length_has_nine_digits_in_a_text_and_ten_in_bytes() -> None:
    assert list(THREE.packets("000000001:2")) == ["2"]
    assert list(THREE.decoded(bytes([0, *[0] * 9, 1, 255, 50]), OCTETS)) == ["2"]


def test_a_form_without_a_payload_is_refused() -> None:
    assert form_payload(b"d=4x") == b"4x"
    with pytest.raises(ProtocolError, match="no payload"):
        form_payload(b"e=4x")
