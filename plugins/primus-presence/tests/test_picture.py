"""Which users are in which rooms, as servers say it, without servers."""

import gc

import pytest

from primus_presence.options import chosen
from primus_presence.picture import Change, Held, Picture


@pytest.fixture
def picture() -> Picture:
    """Two users: ann is on two servers, bob on one."""
    made = Picture(5.0)
    made.put("n1", "lobby", "ann", Held(1, "1"))
    made.put("n2", "lobby", "ann", Held(2, "2"))
    made.put("n1", "lobby", "bob", Held(3, "3"))
    return made


def test_the_newest_info_counts_whatever_came_last(picture: Picture) -> None:
    assert picture.put("n3", "lobby", "ann", Held(1, "old")) is None
    assert picture.members("lobby") == {"ann": "2", "bob": "3"}
    assert picture.drop("n2", "lobby", "ann", 0.0) == Change("update", "lobby", "ann", "old")
    assert picture.stamp("lobby", "ann") == 1
    assert picture.stamp("lobby", "cid") == 0


def test_the_garbage_collector_passes_over_what_servers_say() -> None:
    picture = Picture(5.0)
    for n in range(100):
        picture.put("n1", "lobby", f"u{n}", Held(n, "1"))
    members = picture._rooms["lobby"].values()

    gc.collect()

    assert not any(gc.is_tracked(held) for member in members for held in member.holders.values())


def test_what_a_server_did_not_have_it_does_not_lose(picture: Picture) -> None:
    assert picture.drop("n2", "lobby", "bob", 0.0, at_once=True) is None
    assert picture.drop("n2", "lobby", "cid", 0.0, at_once=True) is None
    assert picture.drop("n2", "hall", "bob", 0.0, at_once=True) is None
    assert picture.members("lobby") == {"ann": "2", "bob": "3"}
    assert picture.held("n2", "lobby", "bob") is None
    assert picture.held("n2", "hall", "bob") is None


def test_a_user_leaves_at_the_end_of_the_grace_and_not_before(picture: Picture) -> None:
    assert picture.drop("n1", "lobby", "bob", 10.0) is None
    assert picture.leaves_at == 15.0
    assert picture.expire(14.9, 10) == []
    assert picture.has("lobby", "bob")
    assert picture.expire(15.0, 10) == [Change("leave", "lobby", "bob", "3")]
    assert picture.expire(99.0, 10) == []
    assert picture.leaves_at is None


def test_so_many_leave_at_a_time(picture: Picture) -> None:
    for node in ("n1", "n2"):
        picture.drop(node, "lobby", "ann", 0.0)
    picture.drop("n1", "lobby", "bob", 0.0)
    assert [change.user for change in picture.expire(9.0, 1)] == ["ann"]
    assert picture.expire(9.0, 0) == []
    assert [change.user for change in picture.expire(9.0, 1)] == ["bob"]
    assert picture.rooms == []


def test_a_user_that_comes_back_and_goes_again_gets_the_whole_grace(picture: Picture) -> None:
    picture.drop("n1", "lobby", "bob", 0.0)
    assert picture.put("n2", "lobby", "bob", Held(4, "3")) is None
    assert picture.expire(5.0, 10) == []
    assert picture.drop("n2", "lobby", "bob", 6.0) is None
    assert picture.expire(10.9, 10) == []
    assert [change.user for change in picture.expire(11.0, 10)] == ["bob"]


def test_a_user_that_has_left_otherwise_does_not_leave_again(picture: Picture) -> None:
    picture.drop("n1", "lobby", "bob", 0.0)
    picture.put("n2", "lobby", "bob", Held(4, "3"))
    gone = picture.drop("n2", "lobby", "bob", 1.0, at_once=True)
    assert gone == Change("leave", "lobby", "bob", "3")
    assert picture.expire(9.0, 10) == []


@pytest.mark.parametrize(
    ("limit", "grace", "seconds"), [(0, 5.0, 5.0), (1, 0, 0.0), (1, None, 0.0), (1, False, 0.0)]
)
def test_options_in_their_proper_form(limit: int, grace: float | None, seconds: float) -> None:
    made = chosen({"presence_limit": limit, "presence_grace": grace})
    assert (made.limit, made.grace) == (limit, seconds)
