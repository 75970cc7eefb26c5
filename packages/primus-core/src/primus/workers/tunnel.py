"""Two connections of which each gets what comes on the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from primus.write_watch import WriteWatch

__all__ = ["TunnelEnd", "joined"]


class TunnelEnd(asyncio.Protocol):
    """One end: what comes goes to the other one, which is read no faster than this one takes it.

    Args:
        writes: drops this end when its peer takes nothing of what is sent to it.
        transport: of this end, when it is connected already.
        over: called once the connection of this end has ended.
    """

    def __init__(
        self,
        writes: WriteWatch,
        transport: asyncio.Transport | None = None,
        over: Callable[[], object] = lambda: None,
    ) -> None:
        self._writes = writes
        self._over = over
        self._transport = transport
        self.other: TunnelEnd | None = None

    @property
    def transport(self) -> asyncio.Transport:
        """The connection of this end."""
        assert self._transport is not None
        return self._transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take note of the connection."""
        self._transport = transport  # type: ignore[assignment]  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        """Pass on what has come."""
        if self.other is not None:
            self.other.transport.write(data)

    def pause_writing(self) -> None:
        """Read the other end no further, and see whether this one takes anything at all."""
        self._writes.add(self.transport)
        if self.other is not None and not self.other.transport.is_closing():
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        """Read the other end on."""
        if self.other is not None and not self.other.transport.is_closing():
            self.other.transport.resume_reading()

    def eof_received(self) -> bool:
        """Close: neither WebSocket nor answer goes on behind an end."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Close the other end, once it has got everything."""
        self._writes.discard(self._transport)
        self._over()
        other, self.other = self.other, None
        if other is not None:
            self._writes.add(other.transport)  # what is left may be too little to pause for
            other.transport.close()


def joined(client: asyncio.Transport, early: bytes, far: TunnelEnd, writes: WriteWatch) -> None:
    """Let a client talk to what is at the other end.

    Args:
        client: the connection of the client, which may read already.
        early: what has been read from it.
        far: the other end.
        writes: drops a client that takes nothing, as where its session lives.
    """
    near = TunnelEnd(writes, client)
    near.other, far.other = far, near
    client.set_protocol(near)
    # To the other worker all has been sent that waits here, or in the socket of the client.
    writes.keep(client)
    if early:
        far.transport.write(early)
    if far.transport.is_closing():
        client.close()
    else:
        client.resume_reading()
        far.transport.resume_reading()
