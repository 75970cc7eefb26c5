"""A transport whose long reads come in slices, for a protocol that would parse all at once.

asyncio and uvloop read up to 256 KiB at a time. uvicorn's own classes for WebSockets parse all of
that before another connection has its turn: 256 KiB of small messages take 30 ms and more.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

__all__ = ["MOST", "SLICE", "SlicedReads"]

SLICE: Final = 16 * 1024
"""Bytes that a protocol is given in one turn of the loop."""

MOST: Final = 256 * 1024
"""Bytes that are kept before the transport is paused. uvloop loses what a client over TLS has sent
before it went, if that is not read by then; so pauses are few."""


class SlicedReads:
    """A connection as its protocol has it; all but reading is that of the transport.

    Args:
        transport: what reads.
        protocol: what gets it, in slices.
    """

    __slots__ = (
        "_is_due",
        "_is_paused",
        "_is_reading",
        "_kept",
        "_protocol",
        "_transport",
        "write",
    )

    def __init__(self, transport: asyncio.Transport, protocol: asyncio.Protocol) -> None:
        self._transport = transport
        self._protocol = protocol
        self._kept = b""
        """What has been read, and is to be given in later turns."""
        self._is_paused = False
        """Whether the protocol wants no more for now."""
        self._is_reading = True
        """Whether the transport is not paused."""
        self._is_due = False
        """Whether a slice will be given in the next turn."""
        self.write = transport.write

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def received(self, data: bytes) -> None:
        """Give the protocol what has been read, or its first slice."""
        if self._kept:
            self._kept += data
            self._steer()
        elif len(data) <= SLICE:
            self._protocol.data_received(data)
        else:
            self._kept = data
            self._give()

    def ended(self) -> bool | None:
        """Tell the protocol that no more will come, behind what is kept: TLS closes at once."""
        self._give_rest()
        return self._protocol.eof_received()

    def lost(self, exc: Exception | None) -> None:
        """Tell the protocol that the connection has gone, behind what is kept."""
        self._give_rest()
        self._protocol.connection_lost(exc)
        del self._protocol  # which has this one: a cycle

    def close(self) -> None:
        """Close the connection; the protocol wants no more."""
        self._kept = b""
        self._transport.close()

    def abort(self) -> None:
        """Drop the connection; the protocol wants no more."""
        self._kept = b""
        self._transport.abort()

    def pause_reading(self) -> None:
        """Give the protocol no more for now."""
        self._is_paused = True
        self._steer()

    def resume_reading(self) -> None:
        """Go on, first with what is kept."""
        self._is_paused = False
        if self._kept and not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._give_next)
        self._steer()

    def _steer(self) -> None:
        """Let the transport read, until enough is kept, or the protocol wants nothing."""
        reads = len(self._kept) <= MOST if self._kept else not self._is_paused
        if reads != self._is_reading:
            self._is_reading = reads
            if reads:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    def _give_next(self) -> None:
        self._is_due = False
        if self._kept and not self._is_paused:
            try:
                self._give()
            except Exception:
                self.abort()  # as the transport does, when it is what calls
                raise

    def _give_rest(self) -> None:
        kept, self._kept = self._kept, b""
        if kept:
            self._protocol.data_received(kept)

    def _give(self) -> None:
        piece, self._kept = self._kept[:SLICE], self._kept[SLICE:]
        self._protocol.data_received(piece)
        if self._is_paused:
            self._steer()
        else:
            self.resume_reading()
