"""The order of a session, without any wire."""

from __future__ import annotations

import pytest

from primus.errors import LimitError
from primus_transformer_browserchannel.maps import EMPTY, Maps
from primus_transformer_browserchannel.session import Incoming, Numbering


def incoming(rid: int = 10, *, max_ahead: int = 5, max_bytes: int = 10_000) -> Incoming:
    return Incoming(rid, max_ahead=max_ahead, max_bytes=max_bytes)


# -- posts


def test_posts_are_taken_in_the_order_of_their_rids() -> None:
    order = incoming()
    assert order.take(10, EMPTY) == []
    assert order.take(12, Maps(2, ["c"])) == []
    assert order.take(13, Maps(3, ["d"])) == []
    assert order.take(11, Maps(0, ["a", "b"])) == ["a", "b", "c", "d"]
    assert order.take(14, Maps(4, ["e"])) == ["e"]


def test_a_post_that_is_sent_again_brings_only_what_is_new() -> None:
    order = incoming()
    assert order.take(10, Maps(0, ["a", "b"])) == ["a", "b"]
    assert order.take(10, Maps(0, ["a", "b", "c"])) == ["c"]
    assert order.take(10, Maps(0, ["a", "b", "c"])) == []
    assert order.take(11, Maps(3, ["d"])) == ["d"]


def test_a_post_that_waits_may_be_sent_again_too() -> None:
    order = incoming()
    assert order.take(11, Maps(1, ["b"])) == []
    assert order.take(11, Maps(1, ["b", "c"])) == []
    assert order.take(10, Maps(0, ["a"])) == ["a", "b", "c"]


def test_maps_wait_for_those_before_them() -> None:
    order = incoming()
    assert order.take(10, Maps(2, ["c"])) == []
    assert order.take(11, Maps(0, ["a", "b"])) == ["a", "b", "c"]
    assert order.take(12, Maps(5, ["f"])) == []
    assert order.take(13, Maps(3, ["d", None, "f"])) == ["d", "f"]
    assert order.take(14, Maps(6, ["g"])) == ["g"]


def test_a_map_without_a_message_is_counted() -> None:
    order = incoming()
    assert order.take(10, Maps(0, [None, "b"])) == ["b"]
    assert order.take(11, Maps(3, [None, "e"])) == []
    assert order.take(12, Maps(2, ["c"])) == ["c", "e"]


def test_wide_characters_that_wait_are_counted_as_they_are_kept() -> None:
    order = incoming(max_bytes=1000)
    assert order.take(12, Maps(2, ["x" * 800])) == []
    with pytest.raises(LimitError, match="which is missing"):
        incoming(max_bytes=1000).take(12, Maps(2, ["x" * 799 + "\U0001f600"]))


def test_a_post_that_is_too_far_ahead_is_refused() -> None:
    order = incoming()
    assert order.take(15, EMPTY) == []
    with pytest.raises(LimitError, match="RID 16 comes where 10 is next"):
        order.take(16, EMPTY)


def test_a_map_that_is_too_far_ahead_is_refused() -> None:
    order = incoming()
    assert order.take(10, Maps(5, ["x"])) == []
    with pytest.raises(LimitError, match="map 6 comes where 0 is next"):
        order.take(11, Maps(6, ["y"]))


def test_gaps_that_never_fill_hold_no_more_than_so_many_maps() -> None:
    order = incoming()
    assert order.take(10, Maps(1, ["x"] * 5)) == []
    with pytest.raises(LimitError, match="6 maps wait for map 0"):
        order.take(11, Maps(5, ["y", "z"]))


def test_what_waits_holds_no_more_than_so_many_characters() -> None:
    order = incoming(max_bytes=1000)
    assert order.take(11, Maps(0, ["x" * 500])) == []
    with pytest.raises(LimitError):
        order.take(12, Maps(1, ["x" * 500]))
    maps = incoming(max_bytes=1000)
    with pytest.raises(LimitError):
        maps.take(10, Maps(1, ["x" * 1000]))


def test_a_client_leaves_behind_what_it_has_posted() -> None:
    order = incoming()
    order.take(10, EMPTY)
    order.leave(12)
    assert not order.is_over
    order.leave(0)
    assert not order.is_over
    assert order.take(11, Maps(0, ["last"])) == ["last"]
    assert order.is_over


@pytest.mark.parametrize("rid", [0, 10, 11])
def test_a_client_that_has_posted_nothing_more_leaves_at_once(rid: int) -> None:
    order = incoming()
    order.take(10, EMPTY)
    order.leave(rid)
    assert order.is_over


def test_a_client_that_leaves_is_not_waited_for_when_it_is_said_so() -> None:
    order = incoming()
    order.leave(15)
    order.leave_now()
    assert order.is_over


# -- arrays


def test_frames_are_numbered_in_the_order_in_which_they_are_sent() -> None:
    numbering = Numbering()
    assert numbering.last_sent == -1
    assert [numbering.number(2), numbering.number(3)] == [0, 2]
    assert numbering.last_sent == 4


def test_what_is_confirmed_is_counted_once() -> None:
    numbering = Numbering()
    numbering.number(5)
    assert numbering.confirm(-1) == 0
    assert numbering.confirm(1) == 2
    assert numbering.confirm(1) == numbering.confirm(0) == 0
    assert numbering.confirm(3) == 2


def test_what_was_not_sent_cannot_be_confirmed() -> None:
    numbering = Numbering()
    numbering.number(2)
    assert numbering.confirm(10**15) == 2
    assert numbering.confirm(10**15) == 0


def test_what_is_not_confirmed_is_sent_again_with_its_numbers() -> None:
    numbering = Numbering()
    numbering.number(5)
    numbering.confirm(1)
    numbering.restore()
    assert numbering.last_sent == 1
    assert numbering.number(3) == 2
