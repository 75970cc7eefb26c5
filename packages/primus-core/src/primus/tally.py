"""What has happened to the connections of one server, in numbers: `Primus.stats` (pure).

A connection counts its messages, and a transport its bytes, in numbers of their own: adding them
up is for those that read `stats`. What ends is added to the `Tally` of its server.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from primus.closed import Closed, EndCode

if TYPE_CHECKING:
    from primus.stats import Stats

__all__ = ["Counted", "Tally"]


class Counted(Protocol):
    """A connection, as far as it is counted."""

    received: int
    sent: int

    @property
    def traffic(self) -> tuple[int, int]:
        """Bytes that arrived, and bytes that were sent."""


class Tally:
    """The numbers of the connections that have ended, and of what happens rarely."""

    def __init__(self) -> None:
        self.connections = 0
        self.refused: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        self.messages_in = 0
        self.messages_out = 0
        self.bytes_in = 0
        self.bytes_out = 0
        self.messages_dropped = 0
        self.decode_errors = 0
        self.listener_errors = 0

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
        from primus.stats import Stats

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
