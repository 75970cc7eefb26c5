"""What has happened to the connections of one server, in numbers: `Primus.stats` (pure).

A connection counts its messages, and a transport its bytes, in numbers of their own: adding them
up is for those that read `stats`. What ends is added to the `Tally` of its server.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from primus.closed import Closed, EndCode

__all__ = ["Counted", "Stats", "Tally"]


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


class Counted(Protocol):
    """A connection, as far as it is counted."""

    received: int
    sent: int

    @property
    def traffic(self) -> tuple[int, int]:
        """Bytes that arrived, and bytes that were sent."""


@dataclass(slots=True)
class Tally:
    """The numbers of the connections that have ended, and of what happens rarely."""

    connections: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    messages_in: int = 0
    messages_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    messages_dropped: int = 0
    decode_errors: int = 0
    listener_errors: int = 0

    def left(self, connection: Counted, closed: Closed) -> None:
        """Add the numbers of a connection that has ended."""
        self.ended[str(closed.code)] += 1
        self.messages_in += connection.received
        self.messages_out += connection.sent

    def carried(self, traffic: tuple[int, int]) -> None:
        """Add the bytes of a transport that is gone, or is let go of."""
        self.bytes_in += traffic[0]
        self.bytes_out += traffic[1]

    def stats(self, connected: Iterable[Counted]) -> Stats:
        """The numbers of now, with those of the connections there are."""
        messages_in, messages_out = self.messages_in, self.messages_out
        bytes_in, bytes_out, count = self.bytes_in, self.bytes_out, 0
        for connection in connected:
            count += 1
            messages_in += connection.received
            messages_out += connection.sent
            taken, given = connection.traffic
            bytes_in += taken
            bytes_out += given
        return Stats(
            connected=count,
            connections=self.connections,
            refused=dict(self.refused),
            ended=dict(self.ended),
            messages_in=messages_in,
            messages_out=messages_out,
            bytes_in=bytes_in,
            bytes_out=bytes_out,
            slow_consumers=self.ended[EndCode.SLOW_CONSUMER],
            messages_dropped=self.messages_dropped,
            decode_errors=self.decode_errors,
            listener_errors=self.listener_errors,
        )
