"""What is above a transport and what is below it, as fakes that note what is done to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from primus.closed import Ending
from primus.transport import Receiver

__all__ = ["NotingConnection", "NotingTransport"]


class NotingConnection(Receiver):
    """The connection of a transport, which notes in order what the transport tells it."""

    def __init__(self) -> None:
        self.story: list[str | bytes] = []
        """Frames as they came, ``"congested"``, ``"relieved"`` and ``"lost"``."""
        self.signs = 0
        """How many signs of life were told that are no frames."""
        self.error: Exception | None = None
        """What the peer did wrong, if that is why the wire was lost."""
        self.ending: Ending | None = None
        """What else was told when it was lost."""
        self.on_frame: Callable[[], object] | None = None
        """Called behind each frame, once it is noted: what the connection does then."""

    def feed(self, frame: str | bytes, last: bool = True) -> None:
        """Note the frame."""
        self.story.append(frame)
        if self.on_frame is not None:
            self.on_frame()

    def seen(self) -> None:
        """Count the sign of life."""
        self.signs += 1

    def congested(self, congested: bool) -> None:
        """Note the congestion, or its end."""
        self.story.append("congested" if congested else "relieved")

    def lost(self, error: Exception | None = None, ending: Ending | None = None) -> None:
        """Note the loss, and why."""
        self.error, self.ending = error, ending
        self.story.append("lost")


class NotingTransport(asyncio.Transport):
    """An asyncio transport with nothing at its other end, that notes, in order, what is done to it.

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
