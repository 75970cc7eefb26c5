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
