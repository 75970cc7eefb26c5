"""What is above a transport and what is below it, as fakes that note what is done to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from primus.closed import Ending
from primus.transport import Receiver

__all__ = ["NotingConnection", "NotingTransport", "SocketlessTransport"]


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
    """An asyncio transport with nothing at its other end, that notes in order what is done to it.

    Args:
        address: of the peer.
        details: what else `get_extra_info` tells, by name.
    """

    def __init__(self, address: Any = None, **details: Any) -> None:
        super().__init__({"peername": address, **details})
        self.story: list[str] = []
        """``"paused"``, ``"read"``, ``"eof"``, ``"closed"`` and ``"aborted"``."""
        self.writes: list[bytes] = []
        """What was written, one by one."""
        self.waiting = 0
        """How many bytes have been written and not left."""
        self.high_water: int | None = None
        """How many may wait, if that was set."""
        self.closing = False
        self.reading = True
        self.protocol: Any = None
        self.is_half_closable = True
        """Whether it can end its writing alone, as one without TLS can."""

    @property
    def written(self) -> bytes:
        """All that was written."""
        return b"".join(self.writes)

    @property
    def ends(self) -> list[str]:
        """How it was ended: the story without pauses."""
        return [each for each in self.story if each not in ("paused", "read")]

    def write(self, data: Any) -> None:
        """Keep the bytes."""
        self.writes.append(bytes(data))

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
        """How much waits."""
        return self.waiting

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Keep the upper limit."""
        self.high_water = high

    def get_protocol(self) -> Any:
        """What receives."""
        return self.protocol

    def set_protocol(self, protocol: Any) -> None:
        """Let another protocol receive."""
        self.protocol = protocol


class SocketlessTransport(NotingTransport):
    """One that stands for its socket, too: what a library would write to the socket goes to it."""

    family = -1

    def __init__(self) -> None:
        super().__init__(socket=self)
        self.waiting = 1  # what is written has to go behind it, and not to the socket

    def fileno(self) -> int:
        """There is none."""
        return -1

    def setsockopt(self, *option: Any) -> None:
        """Nothing is set."""

    def getsockopt(self, *option: Any) -> int:
        """Nothing is set."""
        return 0
