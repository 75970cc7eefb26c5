"""What the bus may cost a server, in one object (pure). Sizes are bytes, durations seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["DEFAULT_BUS_LIMITS", "BusLimits"]

KIB: Final = 1 << 10
MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class BusLimits:
    """The bounds that are no options."""

    head: int = 4 * KIB
    """How much an envelope may be longer than ``max_length``."""
    batch_bytes: int = 64 * KIB
    batch_envelopes: int = 4096
    """How much goes in one entry of the bus."""
    flush_bytes: int = MIB
    """How much is sent before it is acknowledged, for each shard and server."""
    patience: float = 30.0
    """How long an envelope waits for a bus that is away."""
    answer_timeout: float = 2.0
    """How long the broker may take to answer."""
    flush_timeout: float = 5.0
    """How long `Bus.flush` waits, and so a publisher."""
    retry: float = 0.1
    retry_most: float = 0.5
    """How long to wait before the next attempt: at first, and at the most."""
    writers: int = 4096
    """How many writers' last numbers are remembered."""
    told: int = 1024
    """How many envelopes to single servers may wait for the bus."""
    nodes: int = 4096
    """How many servers are known at the most."""
    page: int = 256
    """How many entries are read at a time to fill a hole."""
    inbox_window: float = 60.0
    """How long the bus keeps what was told to a server."""
    turn_entries: int = 64
    """How many entries are handled before the loop gets its turn."""
    memory_bytes: int = 64 * MIB
    memory_entries: int = 65_536
    """How much a bus in memory keeps, for each shard, and how many envelopes wait for a loop."""
    parked: int = 10_000
    """How many values a bus in memory keeps for any server to take."""
    ordered_wait: float = 1.0
    """How long an ordered message waits for the bus before this server delivers it by itself."""
    ordered_waiting: int = 10_000
    """How many ordered messages wait for the bus at the most; the oldest is delivered then."""


DEFAULT_BUS_LIMITS: Final = BusLimits()
