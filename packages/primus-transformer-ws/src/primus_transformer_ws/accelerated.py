"""The server's transport where ``primus-speedups`` is in use: texts of a read are taken together.

A compiled function unmasks and decodes what nearly all frames are, whole texts next to one another,
as many as the turn lasts. Each is then brought to the connection as ever, and whatever else the
peer sends is left to the plain way.
"""

from __future__ import annotations

from typing import Any

from primus.websocket.speedups import ReadTexts
from primus_transformer_ws.server_transport import ServerTransport

__all__ = ["AcceleratedTransport"]


class AcceleratedTransport(ServerTransport):
    """Carries the frames of a spark over one WebSocket.

    Args:
        read_texts: reads many texts at once.
        args: as for `ServerTransport`.
    """

    __slots__ = ("_read_texts",)

    def __init__(self, read_texts: ReadTexts, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._read_texts = read_texts

    def _advance(self, data: bytes, at: int, size: int) -> int:
        """Handle the frame that begins at `at`; where the next one begins."""
        if not self._awaits_text():
            return super()._advance(data, at, size)
        texts, end = self._read_texts(data, at, size, self._max_size, 1)
        if not texts or self.connection is None:
            return super()._advance(data, at, size)
        self.connection.feed(texts[0])
        return end

    def _take_turn(self, data: bytes, at: int, size: int) -> int:
        """Handle frames while the connection takes them and the turn lasts; where it ended."""
        stop = min(at + self._limits.turn_bytes, size)
        left = self._limits.turn_messages
        is_over = False
        while not is_over:
            at, taken = self._take_texts(data, at, stop, left)
            left -= taken
            if left and at < stop and self._reading:
                at = super()._advance(data, at, size)
                left -= 1
            is_over = not left or at >= stop or not self._reading or self.is_spent
        return at

    def _take_texts(self, data: bytes, at: int, stop: int, most: int) -> tuple[int, int]:
        """Bring the texts that begin at `at`; where they end, and how many they are."""
        connection = self.connection
        if connection is None or not self._awaits_text():
            return at, 0
        texts, end = self._read_texts(data, at, stop, self._max_size, most)
        taken = 0
        for text in texts:
            connection.feed(text, not taken)
            taken += 1
            if not (self._reading and self._is_open and self.connection is connection):
                if taken < len(texts):
                    end = self._read_texts(data, at, stop, self._max_size, taken)[1]
                break
        return end, taken

    def _awaits_text(self) -> bool:
        """Whether a text may come next: not within a frame, a message or the end."""
        library = self._library
        return (
            not self._owed and self._is_open and (library is None or library.current_size is None)
        )
