"""`Tracker`: what a client knows of its own place (pure). client.js has the same.

It takes the control messages of the server and counts the messages that are handled, each in its
place. A message behind ``at`` has a position on the bus; all others are numbered in the session.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from primus_recovery.limits import DEFAULT_LIMITS, RecoveryLimits
from primus_recovery.positions import in_text, marked, positions
from primus_recovery.ring import Acks

__all__ = ["Tracker"]


@dataclass(slots=True)
class Tracker:
    """The place of one client."""

    limits: RecoveryLimits = DEFAULT_LIMITS
    token: str = ""
    """What the server has said of the client; empty before it has."""
    known: list[int] = field(default_factory=list)
    """Up to where on each shard the messages have been handled."""
    acks: Acks = field(default_factory=Acks)
    """The messages of the session that have been handled."""
    _next: tuple[int, int] | None = None
    """The position of the next message, if it has one."""

    @property
    def query(self) -> str:
        """What the client brings to its next connection."""
        if not self.token:
            return "1"
        return f"{self.token}~{in_text(self.known)}~{self.acks.handled}"

    def take_token(self, value: str) -> bool:
        """Take ``token::<token> <positions>``; False when it is none."""
        token, _, known = value.partition(" ")
        found = positions(known, self.limits.positions)
        if not token or len(token) > self.limits.token_bytes or found is None:
            return False
        self.token, self.known, self._next = token, list(found), None
        return True

    def take_mark(self, value: str) -> bool:
        """Take ``at::<position>``, that of the next message; False when it is none."""
        found = marked(value)
        if found is None or found[0] >= len(self.known):
            return False
        self._next = found
        return True

    def take_session(self, value: str) -> tuple[bool, int] | None:
        """Take ``session::<1 or 0>.<count>``: whether the session goes on, and how many of the
        client's messages have been handled; `None` when it says something else."""
        goes_on, _, count = value.partition(".")
        if goes_on not in ("0", "1") or not _is_count(count):
            return None
        if goes_on == "0":
            self.acks = Acks(self.limits)
        return goes_on == "1", int(count)

    def handled(self, now: float) -> bool:
        """Note that a message has been handled; whether to acknowledge."""
        if self._next is None:
            return self.acks.due(self.acks.handled + 1, now)
        shard, position = self._next
        self._next = None
        self.known[shard] = max(self.known[shard], position)
        return False

    def lost(self) -> None:
        """Note that the wire is gone: what it had announced will not come."""
        self._next = None


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 15
