from typing import Any

import pytest
from hypothesis import given

from primus_multiplex import packets
from primus_multiplex.packets import Packet
from primus_testing.parser import JSON_VALUES


@given(JSON_VALUES)
def test_every_message_arrives_as_it_went(value: Any) -> None:
    assert packets.read(packets.message("id", "news", value)) == Packet(0, "id", "news", value)


def test_a_message_that_is_none_is_left_out() -> None:
    """A Node peer with primus-emitter would not survive `null`, and sends none itself."""
    assert packets.message("id", "news", None) == [0, "id", "news"]
    assert packets.message("id", "news", 0) == [0, "id", "news", 0]


def test_subscribing_and_unsubscribing_are_read() -> None:
    assert packets.read(packets.subscribe("id", "news")) == Packet(1, "id", "news", None)
    assert packets.read(packets.unsubscribe("id", "news")) == Packet(2, "id", "news", None)
    refused = packets.read(packets.refusal("id", "news", "no"))
    assert refused == Packet(2, "id", "news", {"error": "no"})


@pytest.mark.parametrize(
    "value",
    [
        *(None, 0, "", {}, [], [0], [0, "id"], [0, "id", "news", 1, 2], ["0", "id", "news"]),
        *([True, "id", "news"], [False, "id", "news"], [3, "id", "news"], [-1, "id", "news"]),
        *([0, 1, "news"], [0, "id", None], [0, "", "news"], [0, "id", ""], [0.0, "id", "news"]),
        *([None, "id", "news"], [[0], "id", "news"], {"0": 0, "1": "id", "2": "news"}),
    ],
)
def test_what_does_not_look_exactly_so_is_no_packet(value: Any) -> None:
    assert packets.read(value) is None
