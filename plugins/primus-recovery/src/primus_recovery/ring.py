"""`Ring`: what was sent to a peer and not acknowledged yet (pure).

Both sides count the messages that they have sent and handled in a session, however many connections
it has had. What a peer has not handled is sent again on its next connection.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from primus_recovery.limits import DEFAULT_LIMITS, RecoveryLimits

__all__ = ["Acks", "Ring"]

Frame = str | bytes


class Ring:
    """The newest messages to a peer, by their numbers.

    Args:
        limits: how much is kept.
        sent: how many messages were sent before `frames`.
        frames: the newest of them.
    """

    __slots__ = ("_frames", "_limits", "_size", "sent")

    def __init__(
        self,
        limits: RecoveryLimits = DEFAULT_LIMITS,
        sent: int = 0,
        frames: Iterable[Frame] = (),
    ) -> None:
        self._limits = limits
        self._frames: deque[Frame] = deque()
        self._size = 0
        self.sent = sent
        """How many messages have been sent in the session."""
        for frame in frames:
            self.add(frame)

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def size(self) -> int:
        """The size of what is kept, in bytes."""
        return self._size

    @property
    def first(self) -> int:
        """How many messages were sent before those that are kept."""
        return self.sent - len(self._frames)

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The messages that are kept, oldest first."""
        return tuple(self._frames)

    def add(self, frame: Frame) -> None:
        """Keep a message that is sent; the oldest give way."""
        self.sent += 1
        self._frames.append(frame)
        self._size += len(frame)
        limits = self._limits
        while len(self._frames) > limits.ring_messages or self._size > limits.ring_bytes:
            self._size -= len(self._frames.popleft())

    def acknowledge(self, count: int) -> bool:
        """Forget the first `count` messages of the session, which the peer has handled.

        Returns:
            False when so many have never been sent.
        """
        if count > self.sent:
            return False
        while self.first < count:
            self._size -= len(self._frames.popleft())
        return True

    def since(self, count: int) -> tuple[Frame, ...] | None:
        """The messages behind the first `count`; `None` when one of them is not kept any more."""
        if not self.first <= count <= self.sent:
            return None
        return tuple(self._frames)[count - self.first :]


class Acks:
    """Counts the messages of a peer that have been handled, and when to say so.

    Args:
        limits: after how many messages, and how long, they are acknowledged.
        handled: how many there were before.
    """

    __slots__ = ("_limits", "_since", "handled", "told")

    def __init__(self, limits: RecoveryLimits = DEFAULT_LIMITS, handled: int = 0) -> None:
        self._limits = limits
        self.handled = handled
        """How many messages of the session have been handled."""
        self.told = handled
        """How many the peer knows of."""
        self._since: float | None = None
        """Since when a message waits to be acknowledged."""

    def due(self, handled: int, now: float) -> bool:
        """Note how many have been handled by now; whether the peer is to be told."""
        self.handled = handled
        waiting = handled - self.told
        if not waiting:
            self._since = None
            return False
        if self._since is None:
            self._since = now
        limits = self._limits
        return waiting >= limits.ack_messages or now - self._since >= limits.ack_seconds

    def tell(self) -> int:
        """How many to acknowledge; they count as told."""
        self.told = self.handled
        self._since = None
        return self.handled
