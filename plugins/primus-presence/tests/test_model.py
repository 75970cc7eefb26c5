"""All servers agree in the end: they come, go, die and miss messages on a bus of the test's own."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from primus_presence.limits import PresenceLimits
from primus_presence.picture import Change, Picture
from primus_presence.replica import Head, Replica

LIMITS = PresenceLimits(changes=3, held=4, slice=2, patience=5.0)
GRACE, LEASE = 5.0, 10.0
SIZE = 60
"""Bytes of a message: two lines or so."""
ROOMS, USERS, INFOS = ("a",), ("u", "v"), ("1", "2")

Message = tuple[str, Head, bytes]


class Server:
    """One life of a server."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.writer = name
        self.posted: deque[Message] = deque()
        self.told: deque[Message] = deque()
        self.answers: dict[str, Iterator[tuple[Head, bytes]]] = {}
        self.own: set[tuple[str, str]] = set()
        self.seen: dict[tuple[str, str], str] = {}
        self.picture = Picture(GRACE)
        self.replica = Replica(name, self.picture, self, LIMITS, SIZE)

    # -- its outlet

    def post(self, head: Head, frame: bytes) -> None:
        for server in self.world.servers.values():
            if server is not self:
                server.posted.append((self.writer, head, frame))

    def ask(self, node: str, head: Head) -> None:
        self.world.tell(self, node, head, b"")

    def answer(self, node: str, parts: Iterator[tuple[Head, bytes]]) -> None:
        self.answers[node] = parts

    def changed(self, change: Change) -> None:
        key = change.room, change.user
        if change.kind == "join":
            assert key not in self.seen, f"{key} has joined twice"
            self.seen[key] = change.info
        elif change.kind == "update":
            assert self.seen[key] != change.info
            self.seen[key] = change.info
        else:
            del self.seen[key]

    # -- its turns

    def take(self, queue: deque[Message]) -> None:
        if queue:
            writer, head, frame = queue.popleft()
            if self.replica.take(writer, head, frame, self.world.now):
                self.replica.beat()

    def do_answer(self) -> None:
        for node, parts in list(self.answers.items()):
            part = next(parts, None)
            if part is None:
                del self.answers[node]
            else:
                self.world.tell(self, node, *part)

    def do_put(self, room: str, user: str, info: str, posts: bool) -> None:
        self.replica.put(room, user, info)
        self.own.add((room, user))
        if posts:
            self.replica.flush()

    def do_drop(self, at_once: bool, posts: bool) -> None:
        if self.own:
            key = min(self.own)
            self.own.remove(key)
            self.replica.drop(*key, self.world.now, at_once=at_once)
            if posts:
                self.replica.flush()

    def do_flush(self) -> None:
        self.replica.flush()

    def do_beat(self) -> None:
        self.replica.beat()

    def do_posted(self) -> None:
        while self.posted:
            self.take(self.posted)

    def do_told(self) -> None:
        self.take(self.told)

    def do_work(self) -> None:
        self.replica.work(self.world.now)

    def do_expire(self) -> None:
        for change in self.picture.expire(self.world.now, 10):
            self.changed(change)

    def do_miss(self) -> None:
        self.posted.clear()

    def do_unanswered(self) -> None:
        if self.told:
            self.told.popleft()

    def do_bury(self) -> None:
        """Take all others for gone that were not heard of for a lease."""
        self.replica.judge((), self.world.now, LEASE)

    def do_die(self) -> None:
        del self.world.servers[self.writer.partition(".")[0]]

    def do_leave(self) -> None:
        while self.replica.flush():
            pass
        self.replica.leave()
        self.do_die()

    def members(self) -> dict[tuple[str, str], str]:
        return {
            (r, u): info for r in self.picture.rooms for u, info in self.picture.members(r).items()
        }


class World:
    """All servers."""

    def __init__(self) -> None:
        self.now = 0.0
        self.servers: dict[str, Server] = {}
        self.lives = 0

    def tell(self, sender: Server, node: str, head: Head, frame: bytes) -> None:
        for server in self.servers.values():
            if server.writer.partition(".")[0] == node:
                server.told.append((sender.writer, head, frame))

    def start(self, number: int) -> None:
        node = f"n{number}"
        if node not in self.servers:
            self.lives += 1
            server = self.servers[node] = Server(self, f"{node}.{self.lives}")
            server.replica.beat(asks=True)

    def do(self, what: str, number: int, *args: Any) -> None:
        """Take a step: one of the world, or one of a server that there is."""
        if what in ("start", "wait"):
            getattr(self, what)(number)
        elif (server := self.servers.get(f"n{number}")) is not None:
            getattr(server, f"do_{what}")(*args)

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def settle(self) -> None:
        """Let a lease and the grace pass, with all that happens in them."""
        for _ in range(9):
            self.now += 4.0
            for server in self.servers.values():
                server.replica.flush()
                server.replica.beat()
            for _ in range(20):
                for server in list(self.servers.values()):
                    server.take(server.posted)
                    server.take(server.told)
                    server.do_answer()
                    server.replica.flush()
                    server.replica.work(self.now)
            alive = [server.writer for server in self.servers.values()]
            for server in self.servers.values():
                server.replica.judge(alive, self.now, LEASE)
                for change in server.picture.expire(self.now, 100):
                    server.changed(change)


numbers = st.integers(0, 2)
names = st.sampled_from(ROOMS), st.sampled_from(USERS)
puts = st.tuples(st.just("put"), numbers, *names, st.sampled_from(INFOS), st.booleans())
drops = st.tuples(st.just("drop"), numbers, st.booleans(), st.booleans())
traffic = st.tuples(
    st.sampled_from(["posted", "posted", "flush", "told", "answer", "beat"]), numbers
)
losses = st.tuples(st.sampled_from(["miss", "unanswered"]), numbers)
lives = st.tuples(st.sampled_from(["start", "start", "die", "leave", "bury"]), numbers)
chores = st.tuples(st.sampled_from(["work", "expire"]), numbers)
waits = st.tuples(st.just("wait"), st.sampled_from([0.5, 6.0, 11.0]))
steps = st.one_of(puts, drops, traffic, traffic, losses, lives, chores, waits)
calm = st.lists(st.one_of(puts, drops, traffic, losses), max_size=30)


@settings(max_examples=300)
@given(st.one_of(calm, st.lists(steps, min_size=10, max_size=80)))
def test_all_servers_agree_in_the_end_and_each_user_joins_and_leaves_once(
    taken: list[tuple[Any, ...]],
) -> None:
    world = World()
    for number in range(3):
        world.start(number)
    for server in world.servers.values():
        server.do_posted()
    for step in taken:
        world.do(*step)
    world.settle()

    there = {key for server in world.servers.values() for key in server.own}
    pictures = [server.members() for server in world.servers.values()]
    for server, picture in zip(world.servers.values(), pictures, strict=True):
        assert picture == server.seen
        assert set(picture) == there
        assert picture == pictures[0]
        assert set(server.replica.others) == {
            other.writer for other in world.servers.values() if other is not server
        }
