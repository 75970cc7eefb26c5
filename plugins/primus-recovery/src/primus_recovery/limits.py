"""What the history of rooms, the sessions and the tokens of strangers may cost (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["DEFAULT_LIMITS", "RecoveryLimits"]

KIB: Final = 1 << 10
MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class RecoveryLimits:
    """The bounds of one server. Sizes are bytes, durations seconds."""

    token_bytes: int = 2 * KIB
    """The longest token: it travels in the URL of a handshake."""
    rooms: int = 50
    """How many rooms with history a token names; in more, a client cannot recover."""
    positions: int = 64
    """How many shards of a bus the position of a client may have."""

    tail_bytes: int = 64 * MIB
    """How much of the messages to rooms a server keeps."""
    tail_entry_overhead: int = 200
    """What a message that is kept counts beside its frame."""
    tail_per_room: int = 1000
    """How many messages of one room are kept."""
    tail_read: int = 20_000
    """How many messages a server that starts reads of those that the bus keeps."""
    replayed: int = 1000
    """How many messages a client gets again at the most; one that has missed more is told so."""
    cached_rooms: int = 10_000
    cached_bytes: int = 16 * MIB
    """Of how many rooms the last message is kept for those that join, and how much that is."""
    departures: int = 100_000
    """How many members that have left a room are remembered, so that no token undoes it."""

    ring_messages: int = 256
    ring_bytes: int = 256 * KIB
    """How much is kept of what was sent to a peer and not acknowledged."""
    ack_messages: int = 32
    ack_seconds: float = 5.0
    """After so many messages, or so long, what has arrived is acknowledged."""
    sessions: int = 10_000
    """How many sessions without a connection a server keeps."""
    session_bytes: int = 64 * MIB
    """How much all of them keep."""


DEFAULT_LIMITS: Final = RecoveryLimits()
