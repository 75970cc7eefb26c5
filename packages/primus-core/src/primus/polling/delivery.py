"""Frames that have arrived, and are brought to a connection while it takes them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from primus.limits import DEFAULT_LIMITS
from primus.transport import Transport

__all__ = ["FrameDelivery"]

OVERHEAD: Final = DEFAULT_LIMITS.frame_overhead
TURN_MESSAGES: Final = DEFAULT_LIMITS.turn_messages
TURN_BYTES: Final = DEFAULT_LIMITS.turn_bytes


class FrameDelivery:
    """Frames of one transport on their way to its connection, in order, without a task.

    It begins paused: until the first `resume` there may be no connection. After ``turn_messages``
    frames or ``turn_bytes`` characters, others get their turn.

    Args:
        transport: what has the connection.
        emptied: called when the last frame has been brought.
    """

    __slots__ = ("_emptied", "_frames", "_transport", "_turn", "is_paused", "size")

    def __init__(self, transport: Transport, emptied: Callable[[], object]) -> None:
        self._transport = transport
        self._emptied = emptied
        self._frames: deque[str | bytes] = deque()
        self._turn: asyncio.Handle | None = None
        self.is_paused = True
        """Whether the connection takes nothing for now."""
        self.size = 0
        """How many characters wait; each frame counts ``frame_overhead`` more."""

    def __len__(self) -> int:
        """How many frames wait."""
        return len(self._frames)

    def add(self, frames: Sequence[str | bytes]) -> None:
        """Bring `frames` behind those that wait."""
        transport = self._transport
        if len(frames) == 1 and not (self._frames or self.is_paused or self._turn is not None):
            transport.taken += len(frames[0])
            if transport.connection is not None:
                transport.connection.feed(frames[0])
            self._emptied()
            return
        for frame in frames:
            self._frames.append(frame)
            self.size += len(frame) + OVERHEAD
            transport.taken += len(frame)
        self._bring()

    def pause(self) -> None:
        """Bring nothing more for now, not even in the middle of a turn."""
        self.is_paused = True

    def resume(self) -> None:
        """Resume with what waits."""
        self.is_paused = False
        self._bring()

    def rush(self) -> None:
        """Bring all that waits now, whether it is wanted or not: the transport ends."""
        while self._frames and self._transport.connection is not None:
            self._transport.connection.feed(self._next())
        self.clear()

    def clear(self) -> None:
        """Drop what waits."""
        self._frames.clear()
        self.size = 0
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None

    def _bring(self) -> None:
        if not self._frames or self._turn is not None:
            return
        brought = 0
        for _ in range(TURN_MESSAGES):
            if not self._frames or self.is_paused or brought > TURN_BYTES:
                break
            frame = self._next()
            brought += len(frame)
            if self._transport.connection is not None:
                self._transport.connection.feed(frame)
        if not self._frames:
            self._emptied()
        elif not self.is_paused:
            self._turn = asyncio.get_running_loop().call_soon(self._begin_turn)

    def _next(self) -> str | bytes:
        frame = self._frames.popleft()
        self.size -= len(frame) + OVERHEAD
        return frame

    def _begin_turn(self) -> None:
        self._turn = None
        if not self.is_paused:
            self._bring()
