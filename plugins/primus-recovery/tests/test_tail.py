"""What a server keeps of the messages to rooms is bounded, and what is not kept is known."""

from __future__ import annotations

from dataclasses import replace

from primus_recovery.limits import RecoveryLimits
from primus_recovery.tail import Entry, Tail, highest

LIMITS = RecoveryLimits(
    tail_bytes=1000,
    tail_entry_overhead=100,
    tail_per_room=5,
    replayed=3,
    cached_rooms=2,
    cached_bytes=500,
    departures=2,
)


def entry(position: int, *rooms: str, frame: str = "", when: float = 0.0) -> Entry:
    return Entry(0, position, rooms, frozenset(), frame, when)


def positions(found: list[Entry] | None) -> list[int] | None:
    return None if found is None else [each.position for each in found]


def filled(*entries: Entry) -> Tail:
    tail = Tail(1, 10.0, LIMITS)
    for each in entries:
        tail.add(each)
    return tail


def test_what_a_client_has_missed_comes_once_and_in_order() -> None:
    tail = filled(entry(1, "a"), entry(2, "b"), entry(3, "a", "b"), entry(4, "c"))

    assert positions(tail.missed({"a": (0,), "b": (1,)})) == [1, 2, 3]
    assert positions(tail.missed({"a": (1,), "b": (2,)})) == [3]
    assert positions(tail.missed({"a": (9,)})) == []
    assert positions(tail.missed({})) == []


def test_more_messages_than_are_sent_again_are_a_hole() -> None:
    tail = filled(entry(1, "a"), entry(2, "a"), entry(3, "a"), entry(4, "b"))

    assert positions(tail.missed({"a": (0,)})) == [1, 2, 3]
    assert tail.missed({"a": (0,), "b": (0,)}) is None


def test_a_room_that_got_too_many_messages_harms_no_other() -> None:
    tail = Tail(1, 10.0, replace(LIMITS, replayed=10))
    tail.add(entry(1, "b"))
    for position in range(2, 9):
        tail.add(entry(position, "a"))

    assert tail.missed({"a": (2,)}) is None
    assert positions(tail.missed({"a": (3,)})) == [4, 5, 6, 7, 8]
    assert positions(tail.missed({"b": (0,)})) == [1]


def test_the_size_of_all_messages_is_bounded() -> None:
    tail = filled(*(entry(n, f"room {n}", frame="x" * 300) for n in range(1, 8)))

    assert len(tail) == 2
    assert tail.size <= 1000
    assert tail.missed({"room 1": (0,)}) is None
    assert positions(tail.missed({"room 7": (5,)})) == [7]


def test_what_is_too_old_is_forgotten_with_its_room() -> None:
    tail = filled(entry(1, "a", when=0.0), entry(2, "b", when=5.0))
    tail.trim(10.1)

    assert len(tail) == 1
    assert tail.missed({"a": (0,)}) is None
    assert positions(tail.missed({"a": (1,)})) == []


def test_the_last_messages_of_rooms_are_bounded_by_number_and_size() -> None:
    tail = Tail(1, 10.0, LIMITS)
    for position, room in enumerate("abc", 1):
        tail.add(entry(position, room), cached=[room])
    assert tail.last("a") is None
    assert [tail.last(room) is not None for room in "bc"] == [True, True]

    tail.add(entry(4, "c", frame="x" * 350), cached=["c"])
    assert [tail.last(room) is not None for room in "bc"] == [False, True]


def test_a_last_message_outlasts_the_window_but_not_the_epoch() -> None:
    tail = Tail(1, 10.0, LIMITS)
    tail.add(entry(1, "a"), cached=["a"])
    tail.trim(100.0)
    assert tail.last("a") is not None
    tail.begin((0,))
    assert tail.last("a") is None
    assert (len(tail), tail.size) == (0, 0)


def test_departures_are_bounded_and_those_that_are_forgotten_may_have_been_any() -> None:
    tail = Tail(1, 10.0, LIMITS)
    for position, session in enumerate("xyz", 5):
        tail.departed(session, "a", 0, position, 0.0)

    assert tail.has_left("z", "a", (6,))
    assert not tail.has_left("z", "a", (7,))
    assert tail.has_left("other", "a", (4,))
    assert not tail.has_left("other", "a", (5,))
    tail.trim(10.1)
    assert not tail.has_left("z", "a", (6,))


def test_what_the_bus_still_keeps_comes_before_what_has_come() -> None:
    tail = Tail(1, 10.0, LIMITS)
    tail.begin((5,))
    tail.add(entry(7, "a"))
    assert tail.missed({"a": (4,)}) is None

    tail.prepend(0, 2, [entry(3, "a"), entry(5, "b"), entry(7, "a")], now=1.0)

    assert positions(tail.missed({"a": (2,), "b": (2,)})) == [3, 5, 7]
    assert tail.missed({"a": (1,)}) is None


def test_messages_that_are_missing_are_a_hole_until_the_next_and_behind_it_none() -> None:
    tail = filled(entry(1, "a"))
    tail.gap(0)
    assert tail.is_broken
    assert tail.missed({"a": (1,)}) is None
    assert tail.missed({}) == []

    tail.passed(0, 9)

    assert not tail.is_broken
    assert tail.missed({"a": (7,)}) is None
    assert positions(tail.missed({"a": (8,)})) == []


def test_the_highest_of_two_positions_is_that_of_each_shard() -> None:
    assert highest((1, 5), (3, 2)) == (3, 5)


def test_what_is_read_of_before_neither_takes_a_position_back_nor_ends_a_hole() -> None:
    tail = filled(entry(7, "a"))
    tail.gap(0)

    tail.departed("x", "a", 0, 3, 0.0)

    assert tail.newest == (7,)
    assert tail.is_broken
    assert tail.missed({"a": (7,)}) is None
    tail.departed("x", "a", 0, 9, 0.0)
    assert (tail.newest, tail.is_broken) == ((9,), False)
    assert tail.missed({"a": (7,)}) is None
    assert tail.missed({"a": (8,)}) == []


def test_what_is_read_of_before_does_not_outlast_what_has_come() -> None:
    tail = Tail(1, 10.0, LIMITS)
    tail.begin((5,))
    tail.add(entry(7, "a", when=5.0))

    tail.prepend(0, 2, [entry(3, "a")], now=9.0)
    tail.trim(15.1)

    assert len(tail) == 0


def test_the_last_message_of_a_room_is_none_of_before() -> None:
    tail = Tail(1, 10.0, LIMITS)
    tail.begin((5,))
    tail.add(entry(7, "a"), cached=["a"])

    tail.prepend(0, 2, [entry(3, "a"), entry(4, "b"), entry(5, "b")], now=1.0, cached=bool)

    last = {room: tail.last(room) for room in "ab"}
    assert {room: each and each.position for room, each in last.items()} == {"a": 7, "b": 5}


def test_what_of_before_is_too_much_for_a_room_is_a_hole() -> None:
    tail = Tail(1, 10.0, replace(LIMITS, tail_per_room=2))
    tail.begin((5,))

    tail.prepend(0, 1, [entry(n, "a") for n in (2, 3, 4)], now=1.0)

    assert tail.missed({"a": (1,)}) is None
    assert positions(tail.missed({"a": (2,)})) == [3, 4]


def test_a_departure_of_before_takes_nothing_back() -> None:
    tail = Tail(1, 10.0, LIMITS)
    tail.departed("x", "a", 0, 9, 0.0)
    tail.departed("x", "a", 0, 3, 0.0)

    assert tail.has_left("x", "a", (8,))
    assert not tail.has_left("x", "a", (9,))


def test_messages_of_several_shards_are_found_behind_known_ones() -> None:
    tail = Tail(2, 10.0, LIMITS)
    for shard, position in ((1, 1), (0, 1), (1, 2), (0, 2)):
        tail.add(Entry(shard, position, ("a",), frozenset(), "", 0.0))

    found = tail.missed({"a": (2, 0)})

    assert [(each.shard, each.position) for each in found or ()] == [(1, 1), (1, 2)]


def test_what_a_room_has_forgotten_for_itself_is_not_forgotten_again() -> None:
    tail = Tail(1, 10.0, replace(LIMITS, replayed=10))
    for position in range(1, 7):
        tail.add(entry(position, "a", when=0.0 if position == 1 else 5.0))

    tail.trim(10.1)

    assert len(tail) == 5
    assert positions(tail.missed({"a": (1,)})) == [2, 3, 4, 5, 6]
