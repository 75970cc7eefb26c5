"""What a Redis that servers share may cost one of them, in one object (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["DEFAULT_RELAY_LIMITS", "RelayLimits"]

MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class RelayLimits:
    """The bounds that are no options. Sizes are bytes, durations seconds."""

    head: int = 4096
    """How much what is published may be longer than ``max_length``."""
    queue: int = 8 * MIB
    """How much may wait for a Redis that is away; beyond it the oldest go."""
    patience: float = 30.0
    """How long a message waits for it."""
    batch: int = 256
    """How many messages are sent before they are acknowledged."""
    answer_timeout: float = 2.0
    """How long Redis may take to answer."""
    silence: float = 15.0
    """How long nothing is heard before Redis is asked whether it is there."""
    look: float = 1.0
    """How long before it is asked when it has just failed to take a message."""
    retry: float = 0.1
    retry_most: float = 1.0
    """How long to wait before the next attempt: at first, and at the most."""
    turn: int = 64
    """How many messages are taken before the loop gets its turn."""
    lines: int = 1
    """How many lines a second tell of messages that cannot be used."""


DEFAULT_RELAY_LIMITS: Final = RelayLimits()
