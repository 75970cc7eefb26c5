"""A transport whose frames wait in a queue of ours until a wire takes them."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections import deque
from typing import Final

from primus.limits import DEFAULT_LIMITS
from primus.transformer import Transport
from primus.websocket.framing import utf8

__all__ = ["QueuedTransport"]

Frame = str | bytes

OVERHEAD: Final = DEFAULT_LIMITS.frame_overhead
TURN_MESSAGES: Final = DEFAULT_LIMITS.turn_messages
TURN_BYTES: Final = DEFAULT_LIMITS.turn_bytes


class QueuedTransport(Transport):
    """A transport whose frames wait in a queue, until a request fetches them.

    A subclass implements `wake`, which is called when a frame is put into the queue; calls `put`
    to send, `answer` for a peer's ping, and `take` where frames leave. Before each frame that it
    feeds to its connection it awaits `its_turn`, so that the client's request waits while the
    connection does not keep up.

    Where the peer says what it has received, frames are taken with ``keep=True``: they are kept
    until `confirm`, and `restore` makes them wait again. What is kept does not count as waiting:
    the subclass takes no more before its peer confirms.
    """

    __slots__ = (
        "_answer",
        "_high_water",
        "_is_congested",
        "_kept",
        "_kept_size",
        "_queue",
        "_resumed",
        "_size",
        "_turn_bytes",
        "_turn_messages",
    )

    def __init__(self) -> None:
        super().__init__()
        self._queue: deque[Frame] = deque()
        self._kept: deque[Frame] = deque()
        """Frames that have been taken, of which the peer may have none."""
        self._kept_size = 0
        self._size = 0
        self._answer: Frame | None = None
        self._high_water: int | None = None
        self._is_congested = False
        self._resumed: asyncio.Event | None = None
        self._turn_messages = 0
        self._turn_bytes = 0

    # -- out

    @abstractmethod
    def wake(self) -> None:
        """Wake what takes the frame that was put into the queue, without waiting."""

    @property
    def queued(self) -> int:
        """How many frames wait to be taken."""
        return len(self._queue) + (self._answer is not None)

    @property
    def buffered(self) -> int:
        """How many bytes wait to be taken; each frame counts ``frame_overhead`` bytes more."""
        return self._size + (0 if self._answer is None else _cost(self._answer))

    @property
    def outstanding(self) -> int:
        """How many bytes of the frames that are kept the peer may not have."""
        return self._kept_size - OVERHEAD * len(self._kept)

    def put(self, *frames: Frame) -> None:
        """Put frames into the queue, behind those that are there."""
        for frame in frames:
            self._queue.append(frame)
            size = len(frame) if isinstance(frame, bytes) or frame.isascii() else len(utf8(frame))
            self._size += size + OVERHEAD
            self.given += size
        if self._high_water is not None and self._size > self._high_water:
            self._report(congested=True)
        self.wake()

    def answer(self, frame: Frame) -> None:
        """Answer a ping, in place of an answer that still waits: only the newest matters."""
        self._answer = frame
        self.wake()

    def take(
        self, at_most: int | None = None, count: int | None = None, *, keep: bool = False
    ) -> list[Frame]:
        """Take the frames that wait: the answer to a ping first, then the oldest.

        Args:
            at_most: take no more than so many bytes, but always one frame; `None` for all.
            count: take no more than so many frames; `None` for all.
            keep: keep them until they are confirmed; such a queue answers no pings.
        """
        if count is None and (at_most is None or self._size <= at_most) and self._answer is None:
            frames, size = list(self._queue), self._size
            self._queue.clear()
            self._size = 0
        else:
            size = self._size
            frames = self._taken(at_most, count)
            size -= self._size
        if keep:
            self._kept.extend(frames)
            self._kept_size += size
        if self._is_congested:
            self._relieved()
        return frames

    def confirm(self, count: int) -> None:
        """Forget the oldest `count` frames that are kept: the peer has them."""
        for _ in range(min(count, len(self._kept))):
            self._kept_size -= _cost(self._kept.popleft())

    def restore(self) -> None:
        """Make all frames that are kept wait again, in front of the others."""
        if not self._kept:
            return
        self._queue.extendleft(reversed(self._kept))
        self._kept.clear()
        self._size += self._kept_size
        self._kept_size = 0

    def _taken(self, at_most: int | None = None, count: int | None = None) -> list[Frame]:
        """As `take`; the connection is not told yet that there is room again."""
        frames: list[Frame] = []
        taken = 0
        if self._answer is not None:
            frames.append(self._answer)
            taken = _size(self._answer)
            self._answer = None
        while self._queue and len(frames) != count:
            size = _size(self._queue[0])
            if at_most is not None and frames and taken + size > at_most:
                break
            frames.append(self._queue.popleft())
            taken += size
            self._size -= size + OVERHEAD
        return frames

    def _relieved(self) -> None:
        """Tell the connection when there is room again."""
        if self._is_congested and self._size <= (self._high_water or 0):
            self._report(congested=False)

    def forget(self) -> None:
        """Drop what waits: it will not be fetched any more."""
        self._queue.clear()
        self._kept.clear()
        self._size = self._kept_size = 0
        self._answer = None

    def limit(self, high_water: int) -> None:
        """Report congestion above `high_water` bytes."""
        self._high_water = high_water

    def _report(self, *, congested: bool) -> None:
        if self._is_congested != congested:
            self._is_congested = congested
            if self.connection is not None:
                self.connection.congested(congested)

    # -- in

    @property
    def paused(self) -> bool:
        """Whether the connection wants no frames for now; its client's silence is then ours."""
        return self._resumed is not None

    async def readable(self) -> None:
        """Wait until the connection takes frames."""
        while self._resumed is not None:
            await self._resumed.wait()

    async def its_turn(self, frame: Frame) -> None:
        """Wait until the connection takes `frame`, which is in a request that has been read.

        Others get their turn after ``turn_messages`` frames or ``turn_bytes`` bytes.
        """
        if not self.takes(frame):
            await self.turn()

    def takes(self, frame: Frame) -> bool:
        """Count `frame`, which is fed next; False when `turn` has to be awaited before."""
        size = len(frame)
        self.taken += size
        self._turn_messages += 1
        self._turn_bytes += size
        if self._turn_messages > TURN_MESSAGES or self._turn_bytes > TURN_BYTES:
            self._turn_messages, self._turn_bytes = 1, size
            return False
        return self._resumed is None

    async def turn(self) -> None:
        """Give others their turn, and wait until the connection takes frames."""
        await asyncio.sleep(0)
        await self.readable()

    def pause_reading(self) -> None:
        """Make `readable` wait."""
        if self._resumed is None:
            self._resumed = asyncio.Event()

    def resume_reading(self) -> None:
        """Wake the calls that wait for `readable`."""
        resumed, self._resumed = self._resumed, None
        if resumed is not None:
            resumed.set()


def _size(frame: Frame) -> int:
    """How many bytes a frame is on the wire."""
    return len(frame) if isinstance(frame, bytes) or frame.isascii() else len(utf8(frame))


def _cost(frame: Frame) -> int:
    """How many bytes a frame counts while it waits."""
    return _size(frame) + OVERHEAD
