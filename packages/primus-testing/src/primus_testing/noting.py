"""`NotingTransport`: the connection of a server of our own, with nothing at its other end."""

from __future__ import annotations

import asyncio
from typing import Any

__all__ = ["NotingTransport"]


class NotingTransport(asyncio.Transport):
    """An asyncio transport that notes, in order, what is done to it.

    Args:
        address: of the peer.
    """

    def __init__(self, address: tuple[str, int] | None = None) -> None:
        super().__init__({"peername": address})
        self.story: list[str] = []
        self.written = b""
        self.closing = False
        self.reading = True
        self.protocol: Any = None
        self.is_half_closable = True
        """Whether it can end its writing alone, as one without TLS can."""

    def write(self, data: Any) -> None:
        """Keep the bytes."""
        self.written += data

    def abort(self) -> None:
        """Note the loss."""
        self.closing = True
        self.story.append("aborted")

    def close(self) -> None:
        """Note the end."""
        self.closing = True
        self.story.append("closed")

    def is_closing(self) -> bool:
        """Whether an end has been noted."""
        return self.closing

    def is_reading(self) -> bool:
        """Whether it is not paused."""
        return self.reading

    def pause_reading(self) -> None:
        """Note the pause."""
        self.reading = False
        self.story.append("paused")

    def resume_reading(self) -> None:
        """Note that it is read."""
        self.reading = True
        self.story.append("read")

    def can_write_eof(self) -> bool:
        """Whether it can end its writing alone."""
        return self.is_half_closable

    def write_eof(self) -> None:
        """Note the end of its writing."""
        self.story.append("eof")

    def get_write_buffer_size(self) -> int:
        """Nothing waits."""
        return 0

    def get_protocol(self) -> Any:
        """What receives."""
        return self.protocol

    def set_protocol(self, protocol: Any) -> None:
        """Let another protocol receive."""
        self.protocol = protocol
