"""`Stats`: what `Primus.stats` gives (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Stats"]


@dataclass(frozen=True, slots=True)
class Stats:
    """The numbers of one server at one moment; all but ``connected`` only ever grow."""

    connected: int
    """Connections there are now."""
    connections: int
    """Connections there have been, those there are included."""
    refused: Mapping[str, int]
    """Handshakes that were refused, by reason."""
    ended: Mapping[str, int]
    """Connections that have ended, by the code of `Closed`."""
    messages_in: int
    """Messages that arrived, whatever transforms made of them."""
    messages_out: int
    """Messages that were sent, each copy of a broadcast counted."""
    bytes_in: int
    """Bytes of frames that arrived, as they are on the wire where the transformer tells."""
    bytes_out: int
    """The same for what was sent."""
    slow_consumers: int
    """Connections that were dropped since their peers did not read."""
    messages_dropped: int
    """Messages that a peer did not get since it reads too slowly."""
    decode_errors: int
    """Frames that could not be decoded."""
    listener_errors: int
    """Listeners that raised."""
