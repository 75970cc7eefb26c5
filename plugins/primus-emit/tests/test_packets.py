from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from primus_emit.packets import Ack, Event, ack, event, read, read_event
from primus_testing.parser import JSON_VALUES


def test_packets_are_those_of_primus_emitter() -> None:
    assert event("news", ["a", None]) == {"type": 0, "data": ["news", "a", None]}
    assert event("news", (), 7) == {"type": 0, "data": ["news"], "id": 7}
    assert ack(7, (1, 2)) == {"id": 7, "type": 1, "data": [1, 2]}


@pytest.mark.parametrize(
    ("message", "meaning"),
    [
        (event("news", ["a"]), Event("news", ["a"], None)),
        (event("news", ["a"], 7), Event("news", ["a"], 7)),
        (ack(7, []), Ack(7, [])),
        ({"type": 0, "data": ["news"], "id": 1.5}, Event("news", [], 1.5)),
        ({"type": 0.0, "data": ["news"], "more": 1}, Event("news", [], None)),
    ],
)
def test_packets_are_read(message: Any, meaning: Any) -> None:
    assert read(message) == meaning


@pytest.mark.parametrize("id", [None, 0, 0.0, False, ""])
def test_an_id_that_javascript_takes_for_false_asks_for_nothing(id: Any) -> None:
    assert read({"type": 0, "data": ["news"], "id": id}) == Event("news", [], None)
    assert read({"type": 1, "data": [], "id": id}) is None


@pytest.mark.parametrize("id", ["7", True, [], {}, [7]])
def test_an_id_that_is_no_number_makes_it_no_packet(id: Any) -> None:
    assert read({"type": 0, "data": ["news"], "id": id}) is None
    assert read({"type": 1, "data": [], "id": id}) is None


@pytest.mark.parametrize(
    "message",
    [
        None,
        0,
        "text",
        [],
        {},
        {"type": 0},
        {"type": 0, "data": "news"},
        {"type": 0, "data": []},
        {"type": 0, "data": [5]},
        {"type": 0, "data": [None, "x"]},
        {"type": False, "data": ["news"]},
        {"type": True, "data": [], "id": 1},
        {"type": "0", "data": ["news"]},
        {"type": 2, "data": ["news"], "id": 1},
        {"data": ["news"]},
    ],
)
def test_what_does_not_look_like_a_packet_is_somebodys_own_message(message: Any) -> None:
    assert read(message) is None


@given(value=JSON_VALUES)
def test_every_value_can_be_read(value: Any) -> None:
    for message in (
        value,
        {"type": value, "data": value, "id": value},
        {"type": 0, "data": [value], "id": value},
        {"type": 1, "data": [value], "id": value},
        {"type": value, "data": ["news"], "id": 1},
    ):
        assert isinstance(read(message), Event | Ack | None)


ODD = st.sampled_from([None, 0, 0.0, 1, 1.0, 7, -7, 1.5, True, False, "", "7", [], ["news"], {}])


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "type": ODD,
            "data": st.lists(JSON_VALUES | ODD, max_size=3) | ODD,
            "id": ODD,
            "fails": ODD,
        },
    )
)
def test_events_that_are_read_the_short_way_are_what_they_are(message: Any) -> None:
    short, careful = read_event(message), read(message)
    assert short is None or (type(careful) is Event and short == careful)


@pytest.mark.parametrize("message", [event("news", ["a"]), event("news", [], 7, fails=True)])
def test_events_as_they_are_written_are_read_the_short_way(message: Any) -> None:
    assert read_event(message) == read(message)


@pytest.mark.parametrize(
    "message",
    [
        {"type": 0, "data": ("news",)},
        {"type": 0, "data": []},
        {"type": 0, "data": [1]},
        {"type": False, "data": ["news"]},
        {"type": 1, "data": ["news"]},
        {"type": 0, "data": ["news"], "id": True},
        {"type": 0, "data": ["news"], "id": 0},
    ],
)
def test_other_messages_are_not_read_the_short_way(message: Any) -> None:
    assert read_event(message) is None
