"""What messages mean to the plugin, with every value in every place."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from primus_responder.packets import Invalid, Request, Response, failure, read, request, response
from primus_testing.parser import JSON_VALUES

PLUGIN = "primus-responder"
FALSE = [None, False, 0, 0.0, "", float("nan")]


def test_what_is_made_is_what_is_read() -> None:
    assert read(request("a", None)) == Request("a", None, fails=True)
    assert read(response("a", [[1]])) == Response("a", [1], None)
    assert read(response("a", [])) == Response("a", None, None)
    assert read(failure("a", "no")) == Response("a", None, "no")


@pytest.mark.parametrize("id", FALSE)
def test_an_id_that_is_false_in_javascript_is_none(id: Any) -> None:
    assert read({"plugin": PLUGIN, "requestId": id, "data": 1}) == Invalid()
    assert read({"plugin": PLUGIN, "responseId": id, "data": 1}) == Invalid()
    assert read({"plugin": PLUGIN, "requestId": id, "responseId": "b"}) == Response("b", None, None)


@pytest.mark.parametrize("id", ["a", 1, -1.5, True, [], {}, [None]])
def test_any_other_id_is_one_and_a_request_comes_first(id: Any) -> None:
    packet = {"plugin": PLUGIN, "requestId": id, "responseId": "b", "data": 1}

    assert read(packet) == Request(id, 1, fails=False)


@given(
    st.dictionaries(
        st.sampled_from(["plugin", "requestId", "responseId", "data", "fails", "error"]),
        st.one_of(st.just(PLUGIN), JSON_VALUES),
    )
)
def test_a_message_is_a_packet_exactly_when_it_names_the_plugin(message: dict[str, Any]) -> None:
    assert (read(message) is not None) == (message.get("plugin") == PLUGIN)


@given(JSON_VALUES)
def test_no_value_makes_it_raise(value: Any) -> None:
    read(value)
    read({"plugin": value, "requestId": "a"})
