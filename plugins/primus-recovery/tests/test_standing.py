"""What a client that is back gets of the rooms that its token names."""

from __future__ import annotations

import pytest

from primus_recovery.standing import Standing
from primus_recovery.tail import Entry, Tail
from primus_recovery.tokens import Token

TOKEN = Token("session", "key", "n0", "before", "user", "epoch", (1,), 0.0, ("a",))


def entry(position: int) -> Entry:
    return Entry(0, position, ("a",), frozenset(), f"{position}", 0.0)


@pytest.mark.parametrize(
    ("left_at", "is_whole", "frames"),
    [(None, True, ["2"]), (1, True, ["2"]), (3, False, [])],
    ids=["it stayed", "it left before the token", "it left while it came back"],
)
def test_a_client_that_left_a_room_while_it_came_back_gets_nothing_of_before(
    left_at: int | None, is_whole: bool, frames: list[str]
) -> None:
    tail = Tail(1, 10.0)
    for position in (1, 2):
        tail.add(entry(position))
    standing = Standing("now", (1,))
    assert standing.resume(TOKEN, (1,), tail)
    standing.joined("a", tail.newest)
    if left_at is not None:
        tail.departed("session", "a", 0, left_at, 0.0)

    verdict = standing.finish(tail)

    assert (verdict.is_whole, [each.frame for each in verdict.entries]) == (is_whole, frames)


def back(*positions: int, **token: object) -> tuple[Standing, Tail, bool]:
    """A client that is back at a server that has got messages to room ``a``."""
    tail = Tail(1, 10.0)
    for position in positions:
        tail.add(entry(position))
    standing = Standing("now", (0,))
    return standing, tail, standing.resume(TOKEN._replace(**token), (0,), tail)


def test_a_client_that_claims_less_than_its_token_says_gets_nothing_twice() -> None:
    standing, tail, _ = back(1, 2)
    standing.joined("a", tail.newest)

    assert [each.frame for each in standing.finish(tail).entries] == ["2"]


@pytest.mark.parametrize(
    ("known", "claimed"), [((1, 1), (1,)), ((1,), (1, 1)), ((1, 1), (1, 1)), ((), ())]
)
def test_positions_of_another_number_of_shards_bring_nothing_back(
    known: tuple[int, ...], claimed: tuple[int, ...]
) -> None:
    standing = Standing("now", (0,))

    assert not standing.resume(TOKEN._replace(known=known), claimed, Tail(1, 10.0))
    assert not standing.is_recovering


def test_a_token_that_does_not_name_its_rooms_brings_nothing_back() -> None:
    standing, _, resumed = back(1, 2, rooms=None)

    assert not resumed
    assert not standing.is_recovering


@pytest.mark.parametrize("joins_first", [False, True])
def test_a_room_that_is_left_and_joined_again_on_the_way_back_gives_nothing_of_before(
    joins_first: bool,
) -> None:
    standing, tail, _ = back(1, 2)
    if joins_first:
        standing.joined("a", tail.newest)
    standing.left("a")
    standing.joined("a", tail.newest)

    verdict = standing.finish(tail)

    assert (verdict.is_whole, verdict.entries) == (False, [])


def test_a_room_that_is_new_to_a_client_gives_nothing_of_before() -> None:
    standing, tail, _ = back(1, 2, rooms=())
    assert standing.is_complete
    standing.joined("a", tail.newest)
    tail.add(entry(3))

    verdict = standing.finish(tail)

    assert (verdict.is_whole, [each.frame for each in verdict.entries]) == (True, ["3"])


def test_a_client_that_is_back_takes_nothing_before_its_rooms_are_whole_and_nothing_twice() -> None:
    standing, tail, _ = back(1, 2)
    assert not standing.takes(entry(3))
    standing.joined("a", tail.newest)
    standing.finish(tail)

    assert not standing.takes(entry(2))
    assert standing.takes(entry(3))
    for spark in ("before", "now"):
        assert not standing.takes(entry(3)._replace(without=frozenset({spark})))
