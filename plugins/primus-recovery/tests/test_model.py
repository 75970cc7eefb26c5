"""No client is told that it has recovered while it misses something: servers against a model.

Servers and clients are what the plugin stands on (`Tail`, `Standing`, `Tracker`, `Signer`), the bus
is a list for each shard, and the clock is moved by hand. After every step all that a connected
client was promised is compared with the lists.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from primus_recovery.limits import RecoveryLimits
from primus_recovery.positions import in_text, mark
from primus_recovery.standing import Standing
from primus_recovery.tail import Entry, Tail
from primus_recovery.tokens import Signer, Token
from primus_recovery.tracker import Tracker

SHARDS = 2
NODES = 3
ROOMS = ("a", "b", "c")
WINDOW = 120.0
LIMITS = RecoveryLimits(
    tail_per_room=6, tail_bytes=4000, tail_entry_overhead=200, replayed=8, departures=4
)
SIGNER = Signer([b"secret"], WINDOW, LIMITS)


@dataclass
class Item:
    """What the bus has at one position: a message to rooms, or a departure."""

    position: int
    rooms: tuple[str, ...]
    without: frozenset[str] = frozenset()
    session: str = ""


class Bus:
    """All that was ever posted in the current epoch."""

    def __init__(self) -> None:
        self.epochs = 0
        self.shards: list[list[Item]] = [[] for _ in range(SHARDS)]

    def post(self, shard: int, rooms: tuple[str, ...], **item: Any) -> None:
        items = self.shards[shard]
        items.append(Item(len(items) * 10 + 10, rooms, **item))


class Node:
    """A server."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.begin()

    def begin(self) -> None:
        """Start, without anything that came before."""
        bus = self.model.bus
        self.cursor = [len(items) for items in bus.shards]
        self.epoch = bus.epochs
        self.tail = Tail(SHARDS, WINDOW, LIMITS)
        self.tail.begin([items[-1].position if items else 0 for items in bus.shards])
        self.clients: dict[int, Client] = {}

    def step(self, shard: int) -> None:
        """Take the next of what a shard brings."""
        items = self.model.bus.shards[shard]
        if self.cursor[shard] >= len(items):
            return
        item = items[self.cursor[shard]]
        self.cursor[shard] += 1
        now = self.model.now
        if item.session:
            self.tail.departed(item.session, item.rooms[0], shard, item.position, now)
            return
        entry = Entry(shard, item.position, item.rooms, item.without, "frame", now)
        self.tail.add(entry)
        for client in self.clients.values():
            standing = client.standing
            assert standing is not None
            members = client.member & set(item.rooms)
            if members and standing.takes(entry):
                client.send(entry)

    def read_back(self, shard: int, count: int) -> None:
        """Read what the bus still keeps of what came before this server began."""
        items = self.model.bus.shards[shard]
        end = self.tail.unknown[shard]
        earlier = [each for each in items if each.position <= end][-count:]
        if not earlier:
            return
        now = self.model.now
        self.tail.prepend(
            shard,
            earlier[0].position - 10,
            [
                Entry(shard, each.position, each.rooms, each.without, "frame", now)
                for each in earlier
                if not each.session
            ],
            now=now,
        )
        for each in earlier:
            if each.session:
                self.tail.departed(each.session, each.rooms[0], shard, each.position, now)


@dataclass
class Client:
    """A client with the plugin."""

    number: int
    tracker: Tracker = field(default_factory=lambda: Tracker(LIMITS))
    node: Node | None = None
    standing: Standing | None = None
    spark: str = ""
    is_known: bool = False
    """Whether its server has taken its token."""
    known_spark: str = ""
    """The connection that the newest token is of."""
    sparks: set[str] = field(default_factory=set)
    member: set[str] = field(default_factory=set)
    """The rooms that its server has it in."""
    wire: list[tuple[str, Any]] = field(default_factory=list)
    """What is under way to it."""
    since: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """The rooms that it knows to be in, and the positions from which on it was promised all."""
    got: list[tuple[int, int, int]] = field(default_factory=list)
    epoch: int = 0
    """The epoch of the positions that it knows."""
    spans: dict[str, list[tuple[tuple[int, ...], list[float]]]] = field(default_factory=dict)
    """From where to where it was in each room, on whatever server."""
    was_whole: bool = False
    tokens: list[tuple[str, tuple[str, ...], int]] = field(default_factory=list)
    """All tokens that it has ever got, with their rooms and epochs."""
    dials: int = 0

    @property
    def session(self) -> str:
        return f"s{self.number}"

    def send(self, entry: Entry) -> None:
        sparks = {self.spark}
        if self.is_known:  # no server knows the connections of which no token came
            sparks.add(self.known_spark)
        assert not set(entry.without) & sparks, "it was left out"
        assert any(
            since[entry.shard] < entry.position < until[entry.shard]
            for room in entry.rooms
            for since, until in self.spans.get(room, ())
        ), "a message from when it was not in the room"
        self.wire.append(("message", entry))


class Model:
    """Everything, and what can happen to it; what does is decided by a seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.now = 1_000_000.0
        self.bus = Bus()
        self.nodes = [Node(self) for _ in range(NODES)]
        self.clients = [Client(number) for number in range(2)]

    def run(self, steps: int) -> None:
        """Do so many steps, and look at everything after each."""
        for peer in self.clients:
            self._connect(peer, self.random.choice(self.nodes), joins=False)
            self._join(peer, "a")
            self._join(peer, "b")
            self._settle(peer)
            self._read_all(peer)
        actions = list(STEPS)
        weights = list(STEPS.values())
        for action in self.random.choices(actions, weights, k=steps):
            action(self)
            self.check()

    # -- the bus and the servers

    def write(self) -> None:
        self._write()

    def read(self) -> None:
        self._read_all(self.random.choice(self.clients))

    def wait(self) -> None:
        """Time goes by: what is too old is forgotten, and clients get new tokens."""
        for _ in range(self.random.choice([1, 1, 1, 5])):
            self.now += 30.0
            for node in self.nodes:
                node.tail.trim(self.now)
            for peer in self.clients:
                if peer.standing is not None and not peer.standing.is_recovering:
                    self._tell_token(peer)

    def pause(self) -> None:
        self.now += 5.0

    def lose_some(self) -> None:
        """Messages do not come to a server; it is told, and tells its clients."""
        server, shard = self.random.choice(self.nodes), self.random.randrange(SHARDS)
        items = self.bus.shards[shard]
        if server.cursor[shard] == len(items):
            return
        server.cursor[shard] = len(items)
        server.tail.gap(shard)
        if self.random.random() < 0.7:  # what comes next may come later
            self.bus.post(shard, ("d",))
            server.step(shard)
        for client in list(server.clients.values()):
            self._tell_gap(client)

    def restart(self) -> None:
        server = self.random.choice(self.nodes)
        for client in list(server.clients.values()):
            self._cut(client)
        server.begin()
        for shard in range(SHARDS):
            server.read_back(shard, self.random.randrange(12))

    def end_epoch(self) -> None:
        """The bus has lost what it kept; every server notices at once, and tells its clients."""
        self.bus.epochs += 1
        self.bus.shards = [[] for _ in range(SHARDS)]
        for peer in self.clients:
            first: tuple[int, ...] = (0,) * SHARDS
            peer.spans = {room: [(first, [math.inf] * SHARDS)] for room in peer.spans}
        for server in self.nodes:
            clients = server.clients
            server.begin()
            server.clients = clients
            for client in list(clients.values()):
                assert client.standing is not None
                if client.standing.is_recovering:
                    self._finish(client)
                client.standing.restarted(server.tail.newest)
                self._tell_gap(client)

    # -- the clients

    def reconnect(self) -> None:
        """The wire goes; messages are written meanwhile; the client connects to some server."""
        peer = self.random.choice(self.clients)
        if peer.node is not None:
            self._cut(peer)
        for _ in range(self.random.choice([0, 1, 1, 2, 9])):
            self._write()
        self._connect(peer, self.random.choice(self.nodes), joins=self.random.random() < 0.5)

    def join(self) -> None:
        peer = self.random.choice(self.clients)
        if peer.node is not None:
            self._join(peer, self.random.choice(ROOMS))
            self._settle(peer)

    def join_again(self) -> None:
        """A client that is back joins the rooms of its token, one after the other."""
        for peer in self.clients:
            while peer.standing is not None and peer.standing.is_recovering:
                self._join(peer, self.random.choice(ROOMS))
                self._settle(peer)
                if self.random.random() < 0.3:
                    return

    def leave(self) -> None:
        peer = self.random.choice(self.clients)
        if peer.node is None or not peer.member:
            return
        assert peer.standing is not None
        room = self.random.choice(sorted(peer.member))
        peer.member.discard(room)
        peer.standing.left(room)
        shard = ord(room) % SHARDS
        self.bus.post(shard, (room,), session=peer.session)
        for _, until in peer.spans[room]:
            until[shard] = min(until[shard], self.bus.shards[shard][-1].position)
        self._settle(peer)

    def lose_patience(self) -> None:
        """The time is over in which a client joins its rooms again."""
        peer = self.random.choice(self.clients)
        if peer.standing is not None and peer.standing.is_recovering:
            self._finish(peer)

    def use_an_old_token(self) -> None:
        """A client brings back a token from before it has left a room, and gets nothing by it."""
        peer = self.random.choice(self.clients)
        if not peer.tokens:
            return
        text, rooms, epoch = self.random.choice(peer.tokens)
        token = SIGNER.read(text, self.now)
        for server in self.nodes:
            if token is None or epoch != server.epoch:
                continue
            standing = Standing("stranger", server.tail.newest)
            if standing.resume(token, token.known, server.tail):
                for room in rooms:
                    left = [
                        each.position
                        for shard, items in enumerate(self.bus.shards)
                        for each in items[: server.cursor[shard]]
                        if each.session == peer.session
                        and each.rooms == (room,)
                        and each.position > token.known[shard]
                    ]
                    assert not left, "a token from before a departure is good"

    def _write(self) -> None:
        """Messages are written, and come to the servers, to some of them not all of them yet."""
        for _ in range(self.random.randint(1, 4)):
            rooms = tuple(self.random.sample(ROOMS, self.random.choice([1, 1, 2])))
            without = self.random.choice([None, None, None, *self.clients])
            left_out = frozenset() if without is None else frozenset({without.spark})
            self.bus.post(self.random.randrange(SHARDS), rooms, without=left_out)
        for node in self.nodes:
            lag = self.random.choice([0, 0, 0, 1, 4])
            for shard, items in enumerate(self.bus.shards):
                for _ in range(len(items) - node.cursor[shard] - lag):
                    node.step(shard)

    def _connect(self, peer: Client, server: Node, *, joins: bool) -> None:
        peer.node, peer.dials = server, peer.dials + 1
        peer.spark = f"spark{peer.number}.{peer.dials}"
        peer.sparks.add(peer.spark)
        peer.standing = Standing(peer.spark, server.tail.newest)
        peer.member, peer.wire = set(), []
        query = peer.tracker.query
        server.clients[peer.number] = peer
        if query == "1":
            self._tell_token(peer)
            return
        text, known, _ = query.split("~")
        token = SIGNER.read(text, self.now)
        claimed = tuple(map(int, known.split(",")))
        peer.is_known = token is not None and token.epoch == str(server.epoch)
        resumed = (
            peer.is_known
            and token is not None
            and peer.standing.resume(token, claimed, server.tail)
        )
        if not resumed:
            peer.wire.append(("verdict", False))
            self._tell_token(peer)
        elif joins:  # recovery_rooms=True
            assert token is not None
            for room in token.rooms or ():
                self._join(peer, room)
        if resumed and peer.standing.is_complete:
            self._finish(peer)

    # -- what a server does, as the plugin does it

    def _join(self, peer: Client, room: str) -> None:
        assert peer.node is not None
        assert peer.standing is not None
        peer.member.add(room)
        if peer.standing.joined(room, peer.node.tail.newest):
            peer.spans.setdefault(room, []).append((peer.node.tail.newest, [math.inf] * SHARDS))

    def _settle(self, peer: Client) -> None:
        assert peer.standing is not None
        if not peer.standing.is_recovering:
            self._tell_token(peer)
        elif peer.standing.is_complete:
            self._finish(peer)

    def _finish(self, peer: Client) -> None:
        assert peer.node is not None
        assert peer.standing is not None
        verdict = peer.standing.finish(peer.node.tail)
        peer.wire.append(("verdict", verdict.is_whole))
        for entry in verdict.entries:
            peer.send(entry)
        if verdict.has_gap:
            self._tell_gap(peer)
        else:
            self._tell_token(peer)

    def _tell_gap(self, peer: Client) -> None:
        assert peer.standing is not None
        if peer.standing.is_recovering:
            self._finish(peer)
        peer.wire.append(("gap", None))
        self._tell_token(peer)

    def _tell_token(self, peer: Client) -> None:
        assert peer.node is not None
        assert peer.standing is not None
        if peer.node.tail.is_broken:
            return
        known = peer.standing.known(peer.node.tail.newest)
        rooms = tuple(peer.standing.rooms)
        text = SIGNER.issue(
            Token(
                peer.session, "", "", peer.spark, "", str(peer.node.epoch), known, self.now, rooms
            )
        )
        value = f"{text} {in_text(known)}", rooms, known, peer.node.epoch
        peer.wire.append(("token", value))

    # -- what a client does

    def _read_all(self, peer: Client) -> None:
        for what, value in peer.wire:
            self._read(peer, what, value)
        peer.wire.clear()

    def _read(self, peer: Client, what: str, value: Any) -> None:
        if what == "token":
            text, rooms, known, peer.epoch = value
            assert peer.tracker.take_token(text)
            assert not peer.was_whole or peer.since.keys() <= set(rooms), (
                "it has not joined them all"
            )
            peer.was_whole, peer.known_spark, peer.is_known = False, peer.spark, True
            peer.tokens.append((peer.tracker.token, rooms, peer.epoch))
            peer.since = {room: peer.since.get(room, known) for room in rooms}
        elif what == "verdict":
            peer.was_whole = value
            if not value:
                peer.since.clear()
        elif what == "gap":
            peer.since.clear()
        else:
            assert peer.tracker.take_mark(mark(value.shard, value.position))
            assert not peer.tracker.handled(self.now)
            assert peer.node is not None
            peer.got.append((peer.epoch, value.shard, value.position))
            assert peer.got.count(peer.got[-1]) == 1, "twice"

    def _cut(self, peer: Client) -> None:
        """Of what is under way some arrives, the last perhaps without its frame."""
        arrives, half = self.random.randint(0, len(peer.wire)), self.random.random() < 0.5
        for what, value in peer.wire[:arrives]:
            self._read(peer, what, value)
        if half and len(peer.wire) > arrives and peer.wire[arrives][0] == "message":
            entry = peer.wire[arrives][1]
            assert peer.tracker.take_mark(mark(entry.shard, entry.position))
        peer.tracker.lost()
        assert peer.node is not None
        del peer.node.clients[peer.number]
        peer.node, peer.standing, peer.wire = None, None, []

    def check(self) -> None:
        """Whatever a connected client was promised has come, once and in order."""
        for peer in self.clients:
            if peer.node is None or peer.standing is None or peer.standing.is_recovering:
                continue
            if peer.wire:
                continue
            for shard, items in enumerate(self.bus.shards):
                done = items[: peer.node.cursor[shard]]
                owed = [
                    each.position
                    for each in done
                    if not each.session
                    and not each.without & peer.sparks
                    and any(
                        each.position > peer.since[r][shard] for r in each.rooms if r in peer.since
                    )
                ]
                here = self.bus.epochs, shard
                got = [position for *at, position in peer.got if tuple(at) == here]
                assert [each for each in got if each in owed] == owed
                assert got == sorted(got), "out of order"


STEPS = {
    Model.write: 30,
    Model.read: 30,
    Model.reconnect: 20,
    Model.join_again: 20,
    Model.join: 6,
    Model.leave: 4,
    Model.wait: 6,
    Model.pause: 6,
    Model.lose_patience: 3,
    Model.use_an_old_token: 4,
    Model.lose_some: 2,
    Model.restart: 2,
    Model.end_epoch: 1,
}
"""What can happen, and how often it does."""


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_no_client_is_told_that_it_has_recovered_with_a_hole(seed: int) -> None:
    Model(seed).run(120)
