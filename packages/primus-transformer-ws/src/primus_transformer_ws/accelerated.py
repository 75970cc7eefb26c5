"""The server's transport where ``primus-speedups`` is in use: texts of a read are taken together.

A compiled function unmasks and decodes what nearly all frames are, whole texts next to one another,
as many as the turn lasts. Each is then brought to the connection as ever, and whatever else the
peer sends is left to the plain way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from primus.limits import DEFAULT_LIMITS, Limits
from primus.transport import Receiver
from primus.websocket.speedups import ReadTexts
from primus_transformer_ws.server_transport import ServerTransport

if TYPE_CHECKING:
    from websockets.protocol import Protocol

__all__ = ["AcceleratedTransport"]


class AcceleratedTransport(ServerTransport):
    """Carries the frames of a spark over one WebSocket.

    Args:
        read_texts: reads many texts at once.
        make: as for `ServerTransport`, and so are the others.
    """

    __slots__ = ("_most", "_read_texts", "_turn_bytes")

    def __init__(
        self,
        read_texts: ReadTexts,
        make: Callable[[], Protocol],
        max_size: int,
        close_timeout: float,
        protocol: Protocol | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        ServerTransport.__init__(self, make, max_size, close_timeout, protocol, limits)
        self._read_texts = read_texts
        self._most = self._limits.turn_messages + 1
        """How many messages may be read together: a turn begins behind the first of a read."""
        self._turn_bytes = self._limits.turn_bytes

    def _advance(self, data: bytes, at: int, size: int) -> int:
        """Handle the texts that a read begins with, or its first frame; where the next begins."""
        connection = self.connection
        if connection is None or not self._awaits_text():
            return super()._advance(data, at, size)
        stop = size if size - at < self._turn_bytes else at + self._turn_bytes
        texts, end = self._read_texts(data, at, stop, self._max_size, self._most)
        if not texts:
            return super()._advance(data, at, size)
        if len(texts) == 1:
            connection.feed(texts[0])
            return end
        end, taken = self._bring(connection, texts, end, (data, at, stop))
        if end < size:
            first = self._read_texts(data, at, stop, self._max_size, 1)[1]
            stop = min(first + self._turn_bytes, size)
            end = self._take_frames(data, end, stop, self._most - taken)
            self.is_spent = end < size
        return end

    def _take_turn(self, data: bytes, at: int, size: int) -> int:
        """Handle frames while the connection takes them and the turn lasts; where it ended."""
        return self._take_frames(data, at, min(at + self._turn_bytes, size), self._most - 1)

    def _take_frames(self, data: bytes, at: int, stop: int, left: int) -> int:
        """Handle so many frames that begin before `stop`, while the connection takes them."""
        while left and at < stop and self._reading and not self.is_spent:
            at, taken = self._take_texts(data, at, stop, left)
            left -= taken
            if left and at < stop and self._reading:
                at = super()._advance(data, at, len(data))
                left -= 1
        return at

    def _take_texts(self, data: bytes, at: int, stop: int, most: int) -> tuple[int, int]:
        """Bring the texts that begin at `at`; where they end, and how many they are."""
        connection = self.connection
        if connection is None or not self._awaits_text():
            return at, 0
        texts, end = self._read_texts(data, at, stop, self._max_size, most)
        return self._bring(connection, texts, end, (data, at, stop))

    def _bring(
        self, connection: Receiver, texts: list[str], end: int, source: tuple[bytes, int, int]
    ) -> tuple[int, int]:
        """Bring texts while the connection takes them; where those end, and how many they are.

        Args:
            connection: takes them.
            texts: what has been read.
            end: where the last of them ends.
            source: what they have been read from, from where, and how far.
        """
        taken = 0
        while taken < len(texts) and self._brings_to(connection):
            connection.feed(texts[taken], not taken)
            taken += 1
        if taken < len(texts):
            end = self._read_texts(*source, self._max_size, taken)[1]
        return end, taken

    def _brings_to(self, connection: Receiver) -> bool:
        """Whether a connection takes another text."""
        return self._reading and self._is_open and self.connection is connection

    def _awaits_text(self) -> bool:
        """Whether a text may come next: not within a frame, a message or the end."""
        library = self._library
        return (
            not self._owed and self._is_open and (library is None or library.current_size is None)
        )
