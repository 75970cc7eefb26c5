"""`Follower`: one client with the plugin, as its server sees it."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, Final, TypedDict

from primus.clock import Timer
from primus_recovery.limits import RecoveryLimits
from primus_recovery.positions import in_text
from primus_recovery.ring import Acks, Ring
from primus_recovery.standing import Standing
from primus_recovery.tail import Positions
from primus_recovery.tokens import Token

__all__ = ["ACK", "AT", "GAP", "RECOVERED", "SESSION", "TOKEN", "WAIT", "Follower", "Recovered"]

AT: Final = "at"
TOKEN: Final = "token"
SESSION: Final = "session"
RECOVERED: Final = "recovered"
GAP: Final = "gap"
ACK: Final = "ack"
WAIT: Final = "wait"
"""Told in place of what becomes of a session, which comes later."""


class Recovered(TypedDict):
    """What has become of what a client has missed."""

    rooms: bool
    """Whether it got all that its rooms with history got, in order."""
    session: bool
    """Whether all that was written to it, and all that it wrote, has arrived."""
    missed: int
    """How many messages it got late."""


class Follower:
    """A client with the plugin, on one connection.

    Args:
        spark: its connection.
        session: the name of its session.
        key: the secret name of what is kept for the session.
        user: a digest of what the connection belongs to.
        newest: the newest positions that the server has.
        limits: the bounds.
    """

    __slots__ = (
        "_acks",
        "_base",
        "_frames",
        "_limits",
        "before",
        "dirty",
        "grace",
        "has_gap",
        "is_settled",
        "key",
        "ring",
        "session",
        "spark",
        "standing",
        "token_at",
        "user",
        "verdict",
    )

    def __init__(
        self,
        spark: Any,
        session: str,
        key: str,
        user: str,
        newest: Positions,
        limits: RecoveryLimits,
    ) -> None:
        self.spark = spark
        self.session = session
        self.key = key
        self.user = user
        self.standing = Standing(spark.id, newest)
        self.ring = Ring(limits)
        self._limits = limits
        self._acks = Acks(limits)
        self._base = 0
        """How many messages of the session were handled on earlier connections."""
        self._frames = 0
        """How many frames have come since something was acknowledged."""
        self.verdict = Recovered(rooms=False, session=False, missed=0)
        """What the client is told when it has come back."""
        self.before: Collection[str] = ()
        """The rooms of its token."""
        self.grace: Timer | None = None
        """Set while it has not joined all of its rooms again."""
        self.is_settled = False
        """Whether it is known what becomes of its session, so that it gets tokens."""
        self.dirty = False
        """Whether its rooms have changed since it got its token."""
        self.has_gap = False
        """Whether a message was dropped since it reads too slowly, and it does not know yet."""
        self.token_at = 0.0
        """When it got its token."""

    # -- the session

    def take_over(self, ring: Ring, handled: int) -> None:
        """Go on with a session of an earlier connection."""
        self.ring = ring
        self._base = handled
        self._acks = Acks(self._limits, handled)

    @property
    def handled(self) -> int:
        """How many messages of the client have been handled in its session."""
        return self._base + int(self.spark.handled)

    def follow(self) -> None:
        """Keep what is sent from now on, and acknowledge what comes."""
        self.spark.on("outgoing::message", self._sent)
        self.spark.on("incoming::data", self._came)

    def _sent(self, frame: str | bytes) -> None:
        self.ring.add(frame)

    def _came(self, frame: object) -> None:
        self._frames += 1  # this one is not handled yet
        if self._frames > self._limits.ack_messages:
            self.acknowledge(self.spark.clock.time())

    def acknowledge(self, now: float) -> None:
        """Tell the client how many of its messages have been handled, if that is due."""
        if self._acks.due(self.handled, now):
            self._frames = 0
            self.spark.send_control(ACK, str(self._acks.tell()))

    def acknowledged(self, value: str) -> None:
        """Take the count of messages that the client has handled."""
        if value.isascii() and value.isdigit() and len(value) <= 15:
            self.ring.acknowledge(int(value))

    # -- what it is told

    def tell_session(self, *, goes_on: bool) -> None:
        """Say whether the session goes on, and how many messages of the client were handled."""
        self.spark.send_control(SESSION, f"{int(goes_on)}.{self._base}")

    def tell_verdict(self) -> None:
        """Say what became of what the client has missed."""
        text = json.dumps(self.verdict, separators=(",", ":"))
        self.spark.send_control(RECOVERED, text)

    def tell_token(self, token: str, known: Positions, now: float) -> None:
        """Give the client a token of this position."""
        self.dirty = False
        self.token_at = now
        self.spark.send_control(TOKEN, f"{token} {in_text(known)}")

    def token(self, node: str, epoch: str, newest: Positions, issued: float) -> Token:
        """What its token says."""
        rooms = tuple(self.standing.rooms)
        named = None if any("*" in room for room in rooms) else rooms  # a pattern is many rooms
        known = self.standing.known(newest)
        return Token(
            self.session, self.key, node, self.spark.id, self.user, epoch, known, issued, named
        )
