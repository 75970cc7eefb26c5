"""The reports of clients, and what they mean (pure).

    {"_latency": 12.5}                               the last round trip, in milliseconds
    {"_latency": 12.5, "_clock": 1700000000000}      and the client's clock, in milliseconds

Clients of Primus 7 and later measure nothing: those of Node then report the clock alone.
"""

from __future__ import annotations

from typing import Any, Final

__all__ = ["read", "report"]

LONGEST: Final = 86_400_000
"""Milliseconds; a longer round trip is not believed."""

LATEST: Final = 8_640_000_000_000_000
"""Milliseconds; no clock of JavaScript can be later."""

SHORTEST: Final = 0.1
"""Milliseconds that are reported at least: to a server of Node, 0 is no report."""


def report(latency: float, now: float | None) -> dict[str, float]:
    """The packet for a round trip in seconds and, unless it is `None`, the client's clock."""
    packet: dict[str, float] = {"_latency": max(SHORTEST, round(latency * 1000, 1))}
    if now is not None:
        packet["_clock"] = int(now * 1000)
    return packet


def read(message: Any, takes_clock: bool) -> tuple[float | None, float | None] | None:
    """The round trip and the client's clock in seconds; `None` when a message is no report.

    Each is `None` when it is not there, or cannot be true.
    """
    if not isinstance(message, dict):
        return None
    latency = message.get("_latency")
    clock = message.get("_clock") if takes_clock else None
    if not _is_number(latency) and not _is_number(clock):
        return None
    return _seconds(latency, LONGEST), _seconds(clock, LATEST)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _seconds(value: Any, most: int) -> float | None:
    return value / 1000 if _is_number(value) and 0 <= value <= most else None
