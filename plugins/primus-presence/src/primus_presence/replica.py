"""`Replica`: how servers come to have the same picture (pure).

Each server alone says which users it has. It numbers what it changes, posts that to all, and says
with each beat up to which number it has done so. A server that finds a number missing, or hears of
another server for the first time, asks that one for its state, which comes in parts; changes that
come meanwhile are held back. A server that is not heard of any more is swept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from typing import Any, Final, Protocol

from primus_presence.limits import PresenceLimits
from primus_presence.picture import Change, Held, Picture
from primus_presence.words import Told, chunks, number, told

__all__ = ["Outlet", "Replica"]

UNKNOWN: Final = -1
"""Stands for the number of the last change of a server whose state is not known."""

Head = Mapping[str, Any]


class Outlet(Protocol):
    """What a `Replica` speaks by."""

    def post(self, head: Head, frame: bytes) -> None:
        """Post a message to all servers."""

    def ask(self, node: str, head: Head) -> None:
        """Tell a message to one server."""

    def answer(self, node: str, parts: Iterator[tuple[Head, bytes]]) -> None:
        """Tell messages to one server, one after the other, in place of an earlier answer."""

    def changed(self, change: Change) -> None:
        """Take note of what has become of a user."""


class _Peer:
    """Another server, in one life of it."""

    __slots__ = (
        "asked_at",
        "entries",
        "heard_at",
        "held",
        "held_count",
        "is_buried",
        "part",
        "request",
        "round",
        "version",
        "writer",
    )

    def __init__(self, writer: str) -> None:
        self.writer = writer
        self.version = 0
        """The number of the last change that is known; `UNKNOWN` when the state is not."""
        self.heard_at = 0.0
        self.entries: dict[tuple[str, str], int] = {}
        """What it has, and the round in which it said so last."""
        self.round = 0
        """Grows with each state that is asked for; what has an older one is swept."""
        self.asked_at: float | None = None
        """When it was asked for its state, or the last part came; `None` while none is awaited."""
        self.request = 0
        self.part = 0
        """The next part of its state."""
        self.held: deque[tuple[int, list[Told]]] = deque()
        """Changes that wait for its state."""
        self.held_count = 0
        self.is_buried = False

    @property
    def node(self) -> str:
        return self.writer.partition(".")[0]


class Replica:
    """The members of all servers, as this one knows them.

    Args:
        writer: this server, in this life of it: ``<node>.<incarnation>``.
        picture: what the servers say.
        outlet: what is spoken by.
        limits: the bounds.
        size: how much goes in one message.
    """

    def __init__(
        self, writer: str, picture: Picture, outlet: Outlet, limits: PresenceLimits, size: int
    ) -> None:
        self._writer = writer
        self._picture = picture
        self._outlet = outlet
        self._limits = limits
        self._size = size
        self.version = 0
        """The number of the last change that was posted."""
        self._own: dict[tuple[str, str], None] = {}
        self._pending: dict[tuple[str, str], bool] = {}
        """Changes that are to be posted, and whether the user leaves at once."""
        self._peers: dict[str, _Peer] = {}
        self._sweeping: deque[tuple[_Peer, int, Iterator[tuple[str, str]]]] = deque()

    @property
    def others(self) -> list[str]:
        """The other servers that are known."""
        return [writer for writer, peer in self._peers.items() if not peer.is_buried]

    @property
    def is_busy(self) -> bool:
        """Whether `work` has something to do."""
        return bool(self._sweeping)

    # -- what this server has

    def put(self, room: str, user: str, info: str) -> bool:
        """This server has a user; whether there is something to post."""
        held = self._picture.held(self._writer, room, user)
        stamp = self._picture.stamp(room, user)
        counts = self._picture.info(room, user)
        if held is not None and held.info == info == counts and held.stamp == stamp:
            return False
        self._own[room, user] = None
        self._pending[room, user] = False
        self._note(self._picture.put(self._writer, room, user, Held(stamp + 1, info)))
        return True

    def info(self, room: str, user: str) -> str | None:
        """What this server says of a user; `None` when it does not have the user."""
        held = self._picture.held(self._writer, room, user)
        return None if held is None else held.info

    def drop(self, room: str, user: str, now: float, *, at_once: bool) -> None:
        """This server does not have a user any more."""
        del self._own[room, user]
        self._pending[room, user] = at_once
        self._note(self._picture.drop(self._writer, room, user, now, at_once=at_once))

    def flush(self) -> bool:
        """Post what has changed; whether there is more."""
        keys = list(islice(self._pending, self._limits.changes))
        lines = [self._told(key, at_once=self._pending.pop(key)) for key in keys]
        for frame in chunks(lines, self._size):
            self.version += 1
            self._outlet.post({"is": "change", "v": self.version}, frame)
        return bool(self._pending)

    def beat(self, *, asks: bool = False) -> None:
        """Say up to which change this server has posted; `asks` lets the others say so at once."""
        self._outlet.post({"is": "beat", "v": self.version, "asks": int(asks)}, b"")

    def leave(self) -> None:
        """Say that this server ends."""
        self._outlet.post({"is": "bye"}, b"")

    # -- what the others say

    def take(self, writer: str, head: Head, frame: str | bytes, now: float) -> bool:
        """Take a message of another server.

        Returns:
            Whether to say soon up to which change this server has posted.

        Raises:
            PresenceError: it is none of this version.
        """
        what, peer = head.get("is"), self._peers.get(writer)
        if what == "ask":
            self._answer(writer, number(head, "id"))
        elif what == "bye":
            if peer is not None:
                self._bury(peer)
        elif what == "state":
            if peer is not None and not peer.is_buried and head.get("to") == self._writer:
                self._take_state(peer, head, told(frame), now)
        elif (peer := self._alive(writer, now)) is not None:
            version = number(head, "v")
            if what == "change":
                self._take_changes(peer, version, told(frame), now)
            elif peer.asked_at is not None or peer.version != version:
                self._ask(peer, now)
            return bool(head.get("asks"))
        return False

    def judge(self, nodes: Collection[str], now: float, lease: float) -> None:
        """Sweep the servers that are not among these, and have not been heard of for a lease."""
        for writer, peer in list(self._peers.items()):
            if writer not in nodes and now - peer.heard_at >= lease:
                self._bury(peer)

    def pardon(self, now: float) -> None:
        """Count all servers as heard of: this one was cut off."""
        for peer in self._peers.values():
            peer.heard_at = now

    def work(self, now: float) -> None:
        """Sweep some of what servers have no longer."""
        left = self._limits.slice
        while self._sweeping and left:
            peer, before, keys = self._sweeping[0]
            for key in keys:
                if peer.entries.get(key, before) < before:
                    del peer.entries[key]
                    self._note(self._picture.drop(peer.writer, *key, now))
                left -= 1
                if not left:
                    return
            self._sweeping.popleft()
            if peer.is_buried and self._peers.get(peer.writer) is peer and not peer.entries:
                del self._peers[peer.writer]

    # -- inside

    def _alive(self, writer: str, now: float) -> _Peer | None:
        """A server that is alive; `None` for more servers than are known at the most."""
        peer = self._peers.get(writer)
        if peer is None:
            if len(self._peers) >= self._limits.nodes:
                return None
            peer = self._peers[writer] = _Peer(writer)
        peer.heard_at = now
        peer.is_buried = False
        return peer

    def _note(self, change: Change | None) -> None:
        if change is not None:
            self._outlet.changed(change)

    def _told(self, key: tuple[str, str], *, at_once: bool = False) -> Told:
        return Told(*key, self._picture.held(self._writer, *key), at_once)

    def _take_changes(self, peer: _Peer, version: int, changes: list[Told], now: float) -> None:
        if version <= peer.version:
            return
        if peer.asked_at is None and version == peer.version + 1:
            peer.version = version
            self._apply(peer, changes, now)
            return
        self._ask(peer, now)
        if peer.held_count + len(changes) <= self._limits.held:  # else the next beat finds a hole
            peer.held.append((version, changes))
            peer.held_count += len(changes)

    def _apply(self, peer: _Peer, changes: list[Told], now: float) -> None:
        for room, user, held, at_once in changes:
            if held is not None:
                peer.entries[room, user] = peer.round
                self._note(self._picture.put(peer.writer, room, user, held))
            elif peer.entries.pop((room, user), None) is not None:
                self._note(self._picture.drop(peer.writer, room, user, now, at_once=at_once))

    def _ask(self, peer: _Peer, now: float) -> None:
        """Ask a server for its state, unless that is on its way."""
        if peer.asked_at is not None and now - peer.asked_at < self._limits.patience:
            return
        peer.asked_at = now
        peer.request += 1
        peer.round += 1
        peer.part = 0
        self._outlet.ask(peer.node, {"is": "ask", "id": peer.request})

    def _answer(self, writer: str, request: int) -> None:
        self._outlet.answer(writer.partition(".")[0], self._state(writer, request))

    def _state(self, to: str, request: int) -> Iterator[tuple[Head, bytes]]:
        """What this server has, in parts.

        Each line is as it is when its part is made: what changes meanwhile comes as a change too.
        """
        head = {"is": "state", "to": to, "id": request, "v": self.version, "last": 0}
        keys = list(self._own)
        lines = (self._told(key) for key in keys if key in self._own)
        part = 0
        for part, frame in enumerate(chunks(lines, self._size), 1):
            yield {**head, "part": part - 1}, frame
        yield {**head, "part": part, "last": 1}, b"[]"

    def _take_state(self, peer: _Peer, head: Head, lines: list[Told], now: float) -> None:
        """Take a part of the state of a server."""
        if peer.asked_at is None or number(head, "id") != peer.request:
            return
        if number(head, "part") != peer.part:
            peer.asked_at = now - self._limits.patience  # the next beat lets it be asked again
            peer.part = UNKNOWN
            return
        peer.heard_at = peer.asked_at = now
        peer.part += 1
        self._apply(peer, lines, now)
        if not head.get("last"):
            return
        peer.asked_at = None
        peer.version = number(head, "v")
        self._sweep(peer, peer.round)
        held, peer.held, peer.held_count = peer.held, deque(), 0
        for version, changes in held:
            self._take_changes(peer, version, changes, now)

    def _bury(self, peer: _Peer) -> None:
        """Take back what a server has said that is gone."""
        if peer.is_buried:
            return
        peer.is_buried = True
        peer.version = UNKNOWN
        peer.asked_at = None
        peer.held.clear()
        peer.held_count = 0
        peer.round += 1
        self._sweep(peer, peer.round)

    def _sweep(self, peer: _Peer, before: int) -> None:
        """Take back in turns what a server has not said since that round."""
        self._sweeping.append((peer, before, iter(list(peer.entries))))
