"""What a read has brought and is not handled yet: it waits as it came, unparsed.

A connection that pauses, or whose turn is over, leaves a rest of the read. It is kept as bytes, so
it costs what it is long, however many messages are in it; and the wire is not read meanwhile.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod

from primus.limits import DEFAULT_LIMITS, Limits
from primus.websocket.corking import Corking

__all__ = ["Intake"]


class Intake(Corking):
    """A transport on a wire of asyncio that handles its frames one by one, in turns.

    A subclass calls `_go_on` for what is behind the first frame of a read, and `_stop` when its
    connection has ended.
    """

    __slots__ = ("_at", "_limits", "_reading", "_rest", "_turn", "is_spent")

    def __init__(
        self, wire: asyncio.Transport | None = None, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        Corking.__init__(self, wire)
        self._limits = limits
        self._reading = True
        """Whether the connection takes frames."""
        self._rest = b""
        self._at = 0
        """Where the next frame begins in the rest."""
        self.is_spent = False
        """Whether a message was long enough, once inflated, to end the turn."""
        self._turn: asyncio.Handle | None = None
        """The next turn, when only that is waited for."""

    @abstractmethod
    def _advance(self, data: bytes, at: int, size: int) -> int:
        """Handle the frame that begins at `at`; where the next one begins."""

    @abstractmethod
    def _take_up(self, data: bytes, at: int) -> None:
        """Handle what is in `data` from `at` on, as a read of its own."""

    def _go_on(self, data: bytes, at: int, size: int) -> None:
        """Handle frames while the connection takes them and its turn lasts; keep the rest."""
        if self._reading and not self.is_spent:
            at = self._take_turn(data, at, size)
        self.is_spent = False
        if at < size:
            self._keep(data, at)

    def _take_turn(self, data: bytes, at: int, size: int) -> int:
        """Handle frames while the connection takes them and the turn lasts; where it ended."""
        stop = min(at + self._limits.turn_bytes, size)
        for _ in range(self._limits.turn_messages):
            at = self._advance(data, at, size)
            if at >= stop or not self._reading or self.is_spent:
                break
        return at

    def _keep(self, data: bytes, at: int) -> None:
        """Keep the rest of a read for the next turn, or until the connection takes it."""
        self._rest, self._at = data, at
        if self._wire is not None and not self._wire.is_closing():
            self._wire.pause_reading()
        if self._reading and self._turn is None:
            self._turn = asyncio.get_running_loop().call_soon(self._begin_turn)

    def _add(self, data: bytes) -> None:
        """Keep a read behind what is kept already."""
        self._keep(self._rest[self._at :] + data, 0)

    def _begin_turn(self) -> None:
        self._turn = None
        if self._reading:
            self.resume_reading()

    def _work_off(self) -> None:
        """Handle what is kept, as far as the connection takes it and the turn lasts."""
        rest, at = self._rest, self._at
        if rest:
            self._rest = b""
            self._take_up(rest, at)

    def _drain(self) -> None:
        """The wire brings nothing more: handle all that is kept, if the connection takes it.

        It has to take as much as may always wait for it; more than that is dropped.
        """
        small = len(self._rest) - self._at <= self._limits.read_ahead_bytes
        while self._rest and (self._reading or small):
            self._reading = True
            self._work_off()
        self._stop()

    def _stop(self) -> None:
        """Drop what is kept."""
        self._rest = b""
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None

    def pause_reading(self) -> None:
        """Handle no further frame for now."""
        self._reading = False
        if self._wire is not None and not self._wire.is_closing():
            self._wire.pause_reading()

    def resume_reading(self) -> None:
        """Resume, first with what has been kept."""
        self._reading = True
        if self._turn is None:
            self._work_off()
        self._read_on()

    def _read_on(self) -> None:
        """Read the wire, unless there is a rest, or the connection has paused again."""
        wire = self._wire
        if self._reading and not self._rest and wire is not None and not wire.is_closing():
            wire.resume_reading()
