"""What the picture of all rooms may cost a server and its clients (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["DEFAULT_LIMITS", "PresenceLimits"]

KIB: Final = 1 << 10


@dataclass(frozen=True, slots=True)
class PresenceLimits:
    """The bounds that are no options. Sizes are bytes, durations seconds."""

    name_bytes: int = 256
    """The longest name of a room, and of a user, in JSON."""
    info_bytes: int = KIB
    """The longest info of a user, in JSON."""
    rooms_per_spark: int = 1000
    """In how many rooms a spark is tracked, and how many it watches, at the most."""

    tick: float = 0.1
    """How long changes wait for others that go to the other servers with them."""
    chunk_bytes: int = 64 * KIB
    """How much of changes, or of the state, goes in one message between servers."""
    changes: int = 8000
    """How many changes go to the other servers in one tick."""
    beats: int = 3
    """How many times within a lease a server says up to which change it has told the others."""
    patience: float = 5.0
    """How long the next part of the state of another server may take before it is asked again."""
    held: int = 20_000
    """How many changes are held back while the state of their server is on its way."""
    nodes: int = 4096
    """How many other servers are known at the most."""
    slice: int = 1000
    """How many members are handled before the loop gets its turn."""

    batch: float = 1.0
    """How long at least lies between two messages about a room to one client."""


DEFAULT_LIMITS: Final = PresenceLimits()
