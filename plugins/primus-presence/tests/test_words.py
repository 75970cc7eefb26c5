"""What servers and clients are told, word by word."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

import primus_presence
from primus_presence import PresenceError
from primus_presence.picture import Held
from primus_presence.sockets import ROOMS, Rosters
from primus_presence.views import View
from primus_presence.words import Told, chunks, number, told

LINE = Told("a", "u1", Held(1, "1"))
TEXT = b'["a", "u1", 1, "1"]'


@pytest.mark.parametrize(
    ("size", "frames"),
    [
        (len(b"[" + TEXT + b"," + TEXT + b"]"), [2]),
        (len(b"[" + TEXT + b"," + TEXT + b"]") - 1, [1, 1]),
        (1, [1, 1]),
    ],
)
def test_a_frame_has_as_many_lines_as_fit(size: int, frames: list[int]) -> None:
    made = list(chunks([LINE, LINE], size))
    assert made == [b"[" + b",".join([TEXT] * count) + b"]" for count in frames]


def test_three_lines_fill_a_frame_to_the_byte() -> None:
    size = 3 * len(TEXT) + 4
    assert [len(frame) for frame in chunks([LINE] * 4, size)] == [size, len(TEXT) + 2]
    assert list(chunks([], size)) == []


@pytest.mark.parametrize(
    "frame",
    [
        "{",
        "5",
        "[5]",
        '[["a"]]',
        '[[5,"ann",1,"1"]]',
        '[["a",5,1,"1"]]',
        '[["a","ann","1"]]',
        '[["a","ann","1","1"]]',
        '[["a","ann",1,5]]',
        '[["a","ann",1,"1",1]]',
    ],
)
def test_a_frame_that_is_none_is_refused(frame: str) -> None:
    with pytest.raises(PresenceError, match="tells what is none"):
        told(frame)


@pytest.mark.parametrize("value", [True, "1", 1.0, None])
def test_a_head_without_its_number_is_refused(value: Any) -> None:
    with pytest.raises(PresenceError, match="is no number"):
        number({"v": value}, "v")
    assert number({"v": 0}, "v") == 0


def heard(view: View[str], **members: str) -> list[tuple[str, Any]]:
    told = view.batch(len(members), lambda: members)
    return [(client, json.loads(text)) for client, text in told]


def test_a_client_that_is_new_hears_all_and_the_others_what_is_new() -> None:
    view: View[str] = View("a", 3)
    view.clients["old"] = False
    assert heard(view, ann="1") == [
        ("old", {"room": "a", "count": 1, "state": {"ann": 1}}),
    ]
    assert heard(view, ann="1") == []
    view.clients["new"] = False
    assert heard(view, ann="2", bob="1") == [
        ("old", {"room": "a", "count": 2, "join": {"bob": 1}, "update": {"ann": 2}}),
        ("new", {"room": "a", "count": 2, "state": {"ann": 2, "bob": 1}}),
    ]
    assert heard(view, bob="1") == [
        (each, {"room": "a", "count": 1, "leave": ["ann"]}) for each in ("old", "new")
    ]


def test_a_room_is_listed_up_to_its_limit_and_again_well_below_it() -> None:
    view: View[str] = View("a", 10)
    view.clients["old"] = False
    users = {f"u{number}": "1" for number in range(12)}

    def of(count: int) -> list[Any]:
        some = dict(list(users.items())[:count])
        return [sorted(text) for _, text in heard(view, **some)]

    listed, counted = ["count", "room", "state"], ["count", "room"]
    assert of(10) == [listed]
    assert of(11) == [counted]
    assert of(11) == []  # nothing is new
    assert of(10) == [counted]
    view.clients["new"] = False
    assert of(10) == [counted]  # for the one that is new
    assert of(9) == [listed, listed]
    assert of(10) == [["count", "join", "room"]] * 2


def test_an_empty_room_of_no_limit_is_listed_at_first() -> None:
    view: View[str] = View("a", 0)
    view.clients["old"] = False
    assert heard(view) == [("old", {"room": "a", "count": 0, "state": {}})]


class Rooms:
    """The rooms of a client, and what it has told its listeners."""

    def __init__(self) -> None:
        self.story: list[Any] = []
        socket = SimpleNamespace(
            carried={},
            dispatch=lambda *args: self.story.append(args),
            on=lambda event, fn: None,
        )
        self.rosters = Rosters(socket)

    def take(self, **message: Any) -> None:
        self.rosters.take(json.dumps(message))


def test_a_client_knows_no_more_rooms_than_it_may_watch_and_goes_on_with_those() -> None:
    rooms = Rooms()
    for name in range(ROOMS + 1):
        rooms.take(room=f"r{name}", count=1)
    assert len(rooms.rosters.rooms) == ROOMS
    assert rooms.rosters.count(f"r{ROOMS}") == 0
    rooms.take(room="r0", count=2)
    assert rooms.rosters.count("r0") == 2
    rooms.take(room="r0", end=True)
    rooms.take(room=f"r{ROOMS}", count=1)
    assert rooms.rosters.count(f"r{ROOMS}") == 1


@pytest.mark.parametrize(
    "message",
    [
        "{",
        "[]",
        "{}",
        '{"room":5,"count":1}',
        '{"room":"a"}',
        '{"room":"a","count":true}',
        '{"room":"a","count":"1"}',
        '{"room":"a","count":-1}',
        '{"room":"a","end":true}',
    ],
)
def test_what_tells_nothing_of_a_room_changes_nothing(message: str) -> None:
    rooms = Rooms()
    rooms.rosters.take(message)
    assert (rooms.rosters.rooms, rooms.story) == ([], [])


def test_news_that_do_not_fit_are_passed_over() -> None:
    rooms = Rooms()
    rooms.take(room="a", count=1, join={"bob": 1})  # nothing is known of the room
    assert rooms.story == []
    rooms.take(room="a", count=0, state={"ann": 1})
    del rooms.story[:]
    rooms.take(room="a", count=1, leave=[["ann"], 5, "cid"], join={"ann": 2}, update={"bob": 1})
    assert rooms.story == []
    rooms.take(room="a", count=1, leave={"ann": 1}, join=["bob"], update="ann")
    assert rooms.story == []
    rooms.take(room="a", count=1, leave=["ann"], join={"bob": 1})
    assert rooms.story == [("presence leave", "a", "ann"), ("presence join", "a", "bob", 1)]
    assert rooms.rosters.members("a") == {"bob": 1}


def test_the_module_has_no_name_that_it_does_not_have() -> None:
    assert primus_presence.PresenceSocket.__name__ == "PresenceSocket"
    with pytest.raises(AttributeError, match="no attribute 'Presenter'"):
        primus_presence.Presenter  # noqa: B018
