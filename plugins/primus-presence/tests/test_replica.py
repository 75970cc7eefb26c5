"""One server, and what others tell it word by word."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from primus_presence.limits import PresenceLimits
from primus_presence.picture import Change, Picture
from primus_presence.replica import Head, Replica

ME, OTHER = "me.1", "other.1"


class Server:
    """The server, and what it has said."""

    def __init__(self, **limits: Any) -> None:
        self.posted: list[Any] = []
        self.asked: list[Any] = []
        self.answers: list[Iterator[tuple[Head, bytes]]] = []
        self.picture = Picture(5.0)
        self.replica = Replica(ME, self.picture, self, PresenceLimits(**limits), 1000)
        self.now = 0.0

    def post(self, head: Head, frame: bytes) -> None:
        self.posted.append((head, frame))

    def ask(self, node: str, head: Head) -> None:
        self.asked.append((node, head["id"]))

    def answer(self, node: str, parts: Iterator[tuple[Head, bytes]]) -> None:
        self.answers.append(parts)

    def changed(self, change: Change) -> None:
        pass

    def hears(self, frame: str = "[]", writer: str = OTHER, **head: Any) -> None:
        self.replica.take(writer, {"is": head.pop("what"), **head}, frame, self.now)

    def state(self, frame: str, part: int = 0, **head: Any) -> None:
        told = {"to": ME, "id": 1, "v": 7, "last": 1, "part": part, **head}
        self.hears(frame, what="state", **told)

    @property
    def users(self) -> list[str]:
        return sorted(self.picture.members("a"))


def test_what_a_state_does_not_have_any_more_is_taken_back() -> None:
    server = Server()
    server.hears('[["a","ann",1,"1"],["a","bob",1,"1"]]', what="change", v=1)
    server.hears(what="beat", v=7)
    assert server.asked == [("other", 1)]

    server.state('[["a","bob",1,"1"]]')
    server.replica.work(0.0)
    server.picture.expire(5.0, 10)

    assert server.users == ["bob"]
    server.hears('[["a","bob",1]]', what="change", v=8)
    assert server.users == []


def test_a_state_that_lacks_a_part_is_asked_for_again() -> None:
    server = Server()
    server.hears(what="beat", v=7)

    server.state('[["a","ann",1,"1"]]', part=1)
    assert server.users == []
    server.hears(what="beat", v=7)
    assert server.asked == [("other", 1), ("other", 2)]
    server.state('[["a","ann",1,"1"]]', id=2)

    assert server.users == ["ann"]


def test_a_state_for_another_life_or_of_another_request_is_none() -> None:
    server = Server()
    server.state('[["a","ann",1,"1"]]')
    server.hears(what="beat", v=7)

    server.state('[["a","ann",1,"1"]]', to="me.0")
    server.state('[["a","ann",1,"1"]]', id=2)

    assert server.users == []


def test_a_state_that_does_not_come_is_asked_for_again_after_a_while() -> None:
    server = Server(patience=5.0)
    for server.now in (0.0, 4.9, 5.0):
        server.hears(what="beat", v=7)

    assert server.asked == [("other", 1), ("other", 2)]


def test_changes_wait_for_the_state_and_are_bounded() -> None:
    server = Server(held=2)
    server.hears('[["a","ann",1,"1"]]', what="change", v=8)
    server.hears('[["a","ann",0]]', what="change", v=9)
    server.hears('[["a","bob",1,"1"]]', what="change", v=10)
    assert server.users == []

    server.state("[]")
    server.picture.expire(5.0, 10)
    assert server.users == []
    assert server.asked == [("other", 1)]
    server.hears(what="beat", v=10)

    assert server.asked == [("other", 1), ("other", 2)]


def test_an_older_change_changes_nothing() -> None:
    server = Server()
    server.hears('[["a","ann",1,"1"]]', what="change", v=1)
    server.hears('[["a","ann",1]]', what="change", v=2)

    server.hears('[["a","ann",1,"1"]]', what="change", v=1)

    assert (server.users, server.asked) == ([], [])


def test_a_server_that_was_taken_for_gone_is_asked_for_its_state() -> None:
    server = Server()
    server.hears('[["a","ann",1,"1"]]', what="change", v=1)
    server.now = 10.0
    server.replica.judge([OTHER], 10.0, 10.0)
    assert server.replica.others == [OTHER]
    server.replica.judge([], 9.9, 10.0)
    assert server.replica.others == [OTHER]

    server.replica.judge([], 10.0, 10.0)
    assert server.replica.others == []
    server.hears(what="beat", v=1)
    assert server.asked == [("other", 1)]
    server.state('[["a","ann",1,"1"]]', v=1)
    for _ in range(3):
        server.replica.work(10.0)
    server.picture.expire(99.0, 10)

    assert server.users == ["ann"]


def test_no_more_servers_are_known_than_may_be() -> None:
    server = Server(nodes=1)
    server.hears(what="beat", v=0)
    server.hears('[["a","ann",1,"1"]]', "third.1", what="change", v=1)

    assert server.replica.others == [OTHER]
    assert server.users == []


def test_a_tick_posts_a_bounded_number_of_changes() -> None:
    server = Server(changes=2)
    for user in ("ann", "bob", "cid"):
        server.replica.put("a", user, "1")

    assert server.replica.flush()
    assert server.posted == [
        ({"is": "change", "v": 1}, b'[["a", "ann", 1, "1"],["a", "bob", 1, "1"]]')
    ]
    assert not server.replica.flush()


def test_a_server_that_asks_gets_all_in_parts() -> None:
    server = Server()
    for number in range(100):
        server.replica.put("a", f"user {number}", "1")
    server.replica.flush()

    server.hears(what="ask", id=3)
    (parts,) = server.answers
    other = Server()
    other.replica.take(ME, {"is": "beat", "v": server.replica.version}, b"", 0.0)
    for head, frame in parts:
        assert len(frame) <= 1000
        other.replica.take(ME, {**head, "to": ME, "id": 1}, frame, 0.0)

    assert other.users == server.users


def test_what_a_server_says_again_is_posted_once_unless_another_has_said_more() -> None:
    server = Server()
    assert server.replica.put("a", "ann", "1") is True
    assert server.replica.put("a", "ann", "1") is False
    server.hears('[["a","ann",5,"2"]]', what="change", v=1)

    assert server.replica.put("a", "ann", "1") is True
    assert server.picture.members("a") == {"ann": "1"}
    server.replica.flush()
    assert server.posted == [({"is": "change", "v": 1}, b'[["a", "ann", 6, "1"]]')]


def test_the_end_of_a_server_that_is_not_known_is_no_error() -> None:
    server = Server()
    server.hears(what="bye")
    server.state('[["a","ann",1,"1"]]')
    assert (server.replica.others, server.users) == ([], [])


def test_what_a_server_had_is_taken_back_in_turns_and_then_there_is_room_for_another() -> None:
    server = Server(slice=2, nodes=1)
    lines = ",".join(f'["a","u{number}",1,"1"]' for number in range(5))
    server.hears(f"[{lines}]", what="change", v=1)
    server.hears(what="bye")

    had = []
    while server.replica.is_busy:
        server.replica.work(0.0)
        held = [server.picture.held(OTHER, "a", f"u{number}") for number in range(5)]
        had.append(sum(each is not None for each in held))
    assert had == [3, 1, 0]
    server.hears('[["a","bob",1,"1"]]', "third.1", what="change", v=1)
    assert server.replica.others == ["third.1"]


def test_a_server_that_is_alive_stays_known_when_it_has_no_users() -> None:
    server = Server()
    server.hears(what="beat", v=7)
    server.state("[]")
    server.replica.work(0.0)
    assert server.replica.others == [OTHER]


def test_a_server_that_goes_twice_is_forgotten_once() -> None:
    server = Server()
    server.hears('[["a","ann",1,"1"]]', what="change", v=1)
    server.hears(what="bye")
    server.hears(what="beat", v=1)
    server.hears(what="bye")
    server.replica.work(0.0)
    assert (server.replica.others, server.replica.is_busy) == ([], False)
    server.hears(what="beat", v=1)
    assert server.asked[-1] == ("other", 1)  # it is as new


def test_a_change_that_comes_again_asks_for_nothing() -> None:
    server = Server()
    server.hears('[["a","ann",1,"1"]]', what="change", v=1)
    server.hears('[["a","ann",1]]', what="change", v=1)
    assert (server.users, server.asked) == (["ann"], [])


def test_a_change_that_comes_while_a_state_is_awaited_waits_for_that() -> None:
    server = Server()
    server.hears(what="beat", v=7)
    server.hears('[["a","old",1,"1"]]', what="change", v=1)
    server.hears('[["a","ann",1,"1"]]', what="change", v=8)
    assert server.users == []

    server.state('[["a","bob",1,"1"]]')

    assert server.users == ["ann", "bob"]
    server.hears(what="beat", v=8)
    assert server.asked == [("other", 1)]


def test_a_state_that_was_not_asked_for_or_has_come_already_is_none() -> None:
    server = Server()
    server.hears(what="beat", v=7)
    server.state('[["a","ann",1,"1"]]')
    server.state('[["a","eve",1,"1"]]', part=1)
    server.state('[["a","eve",1,"1"]]')
    assert server.users == ["ann"]


def test_a_server_that_is_back_is_asked_at_once_and_nothing_of_before_waits_for_it() -> None:
    server = Server(held=1)
    server.hears('[["a","eve",1,"1"]]', what="change", v=8)
    server.hears(what="bye")
    server.hears('[["a","bob",1,"1"]]', what="change", v=9)
    assert server.asked == [("other", 1), ("other", 2)]

    server.state('[["a","ann",1,"1"]]', id=2, v=8)

    assert server.users == ["ann", "bob"]
    server.hears(what="beat", v=9)
    assert server.asked == [("other", 1), ("other", 2)]


def test_a_user_that_goes_while_the_state_is_told_is_left_out() -> None:
    server = Server()
    server.replica.put("a", "ann", "1")
    server.hears(what="ask", id=3)
    (parts,) = server.answers
    server.replica.drop("a", "ann", 0.0, at_once=True)

    head = {"is": "state", "to": OTHER, "id": 3, "v": 0, "part": 0, "last": 1}
    assert list(parts) == [(head, b"[]")]


def test_what_is_said_again_counts_though_another_server_has_said_it_at_once() -> None:
    server = Server()
    server.replica.put("a", "ann", "1")
    server.hears('[["a","ann",1,"2"]]', what="change", v=1)
    assert server.picture.members("a") == {"ann": "2"}

    assert server.replica.put("a", "ann", "1")

    assert server.picture.members("a") == {"ann": "1"}
    assert not server.replica.put("a", "ann", "1")
    assert server.replica.info("a", "ann") == "1"
    assert server.replica.info("a", "bob") is None
