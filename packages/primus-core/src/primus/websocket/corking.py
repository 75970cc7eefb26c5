"""What is sent while a read is handled, or the peer does not read: held back, and joined.

All that is sent while a read is handled leaves in one write. What a peer does not take waits here,
in one piece: event loops keep each write by itself, and add all of them up at each further one.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from typing import Final, cast

from primus.limits import DEFAULT_LIMITS
from primus.transformer import Transport
from primus.websocket.framing import SHORT, TEXT_HEADS

__all__ = ["Corking", "ShortTexts"]

CORK_BYTES: Final = 64 * 1024
"""What is held back at the most."""

CORK_PARTS: Final = 1024
"""In how many parts, at the most, where each is too short to be counted."""


WIRE_BYTES: Final = 16 * 1024
"""What the wire itself keeps at the most; the rest waits here."""

AT_ONCE: Final = 64 * 1024
"""How much of what waits is given to the wire at once."""


class Corking(Transport):
    """A transport on a wire of asyncio that holds back what it sends while `corked`.

    A subclass, which asyncio tells so, calls `_full` when the wire takes no more, and `_free` when
    it does again; and `_let_out` before it closes the wire.
    """

    __slots__ = (
        "_high_water",
        "_is_congested",
        "_is_full",
        "_is_open",
        "_out",
        "_out_size",
        "_waiting",
        "_wire",
        "corked",
    )

    # The classes of such transports call one another's `__init__` by name: `super()` would make an
    # object for each of them, for each connection.
    def __init__(self, wire: asyncio.Transport | None = None) -> None:
        Transport.__init__(self)
        self._wire = wire
        self._is_open = True
        self._out: list[bytes] = []
        self._out_size = 0
        self._waiting: bytes | bytearray = b""
        """What follows when the wire takes something again; it grows in place."""
        self._is_full = False
        self._is_congested = False
        """Whether more than the limit waits to be sent."""
        self._high_water = DEFAULT_LIMITS.high_water
        """Until a connection says another: a WebSocket that is tried out has none yet."""
        self.corked = False
        """Whether what is sent waits for the end of the read that is being handled."""

    @property
    def traffic(self) -> tuple[int, int]:
        """Bytes that have arrived, and bytes that have been sent, or are about to be."""
        held_back = sum(map(len, self._out)) if self._out else 0
        return self.taken, self.given + held_back

    def _put(self, data: bytes) -> None:
        """Send, or hold back."""
        if not self.corked:
            self._write(data)
            return
        self._out.append(data)
        self._out_size += len(data)
        if self._out_size > CORK_BYTES:
            self._flush()

    def _flush(self) -> None:
        """Write what is held back, in one piece."""
        out = self._out
        if not out:
            return
        data = b"".join(out)
        out.clear()
        self._out_size = 0
        wire = self._wire
        if self._is_full or wire is None or wire.is_closing():
            self._write(data)
            return
        self.given += len(data)
        wire.write(data)  # as `_write` does, without the call: this is the way of nearly all

    def _forget(self) -> None:
        """Drop what is held back."""
        self._out.clear()
        self._out_size = 0
        self._waiting = b""

    def _write(self, data: bytes) -> None:
        wire = self._wire
        if wire is None or wire.is_closing():
            return
        self.given += len(data)
        if not self._is_full:
            wire.write(data)
            return
        self._waiting = self._waiting or bytearray()
        self._waiting += data
        if not self._is_congested:
            self._weigh()

    # -- what the peer does not take

    @property
    def buffered(self) -> int:
        """How many bytes wait to be sent."""
        wire = self._wire
        size = 0 if wire is None else wire.get_write_buffer_size()
        return sum(map(len, self._out)) + len(self._waiting) + size

    def limit(self, high_water: int) -> None:
        """Report congestion above `high_water` bytes."""
        if high_water == self._high_water:
            return  # as the wire, and what waits, have been measured by since it was given
        self._high_water = high_water
        self._limit_wire()
        self._weigh()

    def _limit_wire(self) -> None:
        if self._wire is not None:
            self._wire.set_write_buffer_limits(min(self._high_water, WIRE_BYTES))

    def _full(self) -> None:
        """Stop writing: the wire takes no more for now."""
        self._is_full = True
        self._weigh()

    def _free(self) -> None:
        """Write what waits, since the wire takes something again."""
        self._is_full = False
        wire = self._wire
        while self._waiting and wire is not None and not self._is_full:
            waiting = cast("bytearray", self._waiting)
            piece = bytes(waiting[:AT_ONCE])
            del waiting[:AT_ONCE]
            wire.write(piece)
        self._weigh()

    def _let_out(self) -> None:
        """Give the wire all that waits: it is closed next."""
        self._flush()
        waiting, wire = self._waiting, self._wire
        if waiting and wire is not None and not wire.is_closing():
            wire.write(bytes(waiting))
            self._waiting = b""

    def _weigh(self) -> None:
        """Tell the connection when more than the limit waits, or a quarter of it again."""
        high = self._high_water
        if self._wire is None:
            return
        size = len(self._waiting) + self._wire.get_write_buffer_size()
        congested = size > (high // 4 if self._is_congested else high)
        if congested is not self._is_congested:
            self._is_congested = congested
            if self.connection is not None:
                self.connection.congested(congested)


class ShortTexts(Corking):
    """One that has a short way for short texts, as a server can: it masks nothing.

    What is short is not compressed either.
    """

    __slots__ = ()

    def send_text(self, text: bytes) -> None:
        """Send one text message, given as UTF-8."""
        size = len(text)
        if size >= SHORT or not self.corked:
            self._send_text(text)
        elif self._is_open:
            out = self._out
            out.append(TEXT_HEADS[size])
            out.append(text)
            if len(out) > CORK_PARTS:
                self._flush()

    @abstractmethod
    def _send_text(self, text: bytes) -> None:
        """Send a text that is longer, or is not held back."""
