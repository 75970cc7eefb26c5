"""`Standing`: up to where a client has got what its rooms got, as its server sees it (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from primus_recovery.tail import Entry, Positions, Tail, highest
from primus_recovery.tokens import Token

__all__ = ["Standing", "Verdict"]


class Verdict(NamedTuple):
    """What comes of the rooms of a client that is back."""

    is_whole: bool
    """Whether it gets all that it has missed in the rooms of its token."""
    entries: list[Entry]
    """What it gets, in order."""
    has_gap: bool
    """Whether it has missed something since it came back."""


class _Owed(NamedTuple):
    """From where on a client that is back is to get what a room got."""

    known: Positions | None
    """What it knew when it was gone; `None` for a room that it was not in."""
    joined: Positions
    """What this server had when it joined."""


class Standing:
    """The place of one client: the rooms with history that it is in, and its position.

    A client that comes back is `recovering` until it has joined its rooms again. Until then it gets
    nothing of rooms with history; then all at once, in order, and from there on as it comes.

    Args:
        spark: the id of its connection.
        newest: the newest positions that its server has.
    """

    __slots__ = (
        "_expected",
        "_has_left",
        "_known",
        "_owed",
        "_sparks",
        "_token",
        "floor",
        "is_recovering",
        "rooms",
    )

    def __init__(self, spark: str, newest: Positions) -> None:
        self.rooms: dict[str, None] = {}
        """The rooms with history that it is in."""
        self.floor = newest
        """It gets nothing that is not behind these positions."""
        self.is_recovering = False
        self._sparks = {spark}
        self._expected: set[str] = set()
        """The rooms of the token that it has not joined again."""
        self._has_left = False
        """Whether it has left a room of the token since it came back."""
        self._token: Token | None = None
        self._known = newest
        self._owed: dict[str, _Owed] = {}

    # -- coming back

    def resume(self, token: Token, claimed: Sequence[int], tail: Tail) -> bool:
        """Begin with what a client brings back.

        Args:
            token: its token, of the current epoch.
            claimed: the positions that it says it has got to since the token was issued.
            tail: what this server knows.

        Returns:
            Whether its rooms can be recovered, if they are joined in time.
        """
        if not len(claimed) == len(token.known) == len(self.floor):
            return False
        known = highest(token.known, claimed)
        self.floor = highest(known, self.floor)  # what it had before does not come again
        without = self._sparks = self._sparks | {token.spark}
        if token.rooms is None:
            return False
        if _has_left(token, tail):
            return False
        if tail.missed(dict.fromkeys(token.rooms, known), without) is None:
            return False
        self.is_recovering = True
        self._known, self._token = known, token
        self._expected = set(token.rooms)
        return True

    @property
    def is_complete(self) -> bool:
        """Whether it has joined all rooms of its token again."""
        return not self._expected

    def finish(self, tail: Tail) -> Verdict:
        """End the recovery: what the client gets now, before all that comes."""
        self.is_recovering = False
        self.floor = highest(self._known, tail.newest)
        owed, self._owed = self._owed, {}
        token = self._token
        is_member = token is not None and not self._has_left and not _has_left(token, tail)
        if self.is_complete and is_member:
            whole = {room: each.known or each.joined for room, each in owed.items()}
            entries = tail.missed(whole, self._sparks)
            if entries is not None:
                return Verdict(True, entries, False)
        self._expected = set()
        late = tail.missed({room: each.joined for room, each in owed.items()}, self._sparks)
        return Verdict(False, late or [], late is None)

    # -- what happens

    def joined(self, room: str, newest: Positions) -> bool:
        """Note that it has joined a room with history; False when it was in it."""
        if room in self.rooms:
            return False
        self.rooms[room] = None
        if self.is_recovering:
            known = self._known if room in self._expected else None
            self._expected.discard(room)
            self._owed[room] = _Owed(known, highest(self._known, newest))
        return True

    def left(self, room: str) -> bool:
        """Note that it has left a room with history; False when it was not in it."""
        owed = self._owed.pop(room, None)
        if room in self._expected or (owed is not None and owed.known is not None):
            self._expected.discard(room)
            self._has_left = True  # and may join it again, without what it has missed
        return self.rooms.pop(room, self) is None

    def restarted(self, newest: Positions) -> None:
        """Begin with another epoch."""
        self.floor = self._known = newest

    def takes(self, entry: Entry) -> bool:
        """Whether a message to one of its rooms is for it, and now."""
        return (
            not self.is_recovering
            and entry.position > self.floor[entry.shard]
            and not any(spark in entry.without for spark in self._sparks)
        )

    def known(self, newest: Positions) -> Positions:
        """Up to where it has got all, while it is not recovering."""
        return highest(self.floor, newest)


def _has_left(token: Token, tail: Tail) -> bool:
    """Whether a client may have left a room of its token since."""
    rooms = token.rooms or ()
    return any(tail.has_left(token.session, room, token.known) for room in rooms)
