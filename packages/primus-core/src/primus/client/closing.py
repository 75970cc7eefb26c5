"""Wires and tasks of connections that have ended, until they are gone."""

from __future__ import annotations

import asyncio
from typing import Any

from primus.closed import Ending
from primus.transport import Transport

__all__ = ["Closing"]


class ClosingReceiver:
    """Takes what a transport that has been closed still brings, and notes when it is gone."""

    __slots__ = ("_transport", "gone")

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def feed(self, frame: str | bytes, last: bool = True) -> None:
        """Drop the frame: the connection has ended."""

    def seen(self) -> None:
        """Ignore the sign of life."""

    def congested(self, congested: bool) -> None:
        """Ignore how much waits to be sent."""

    def lost(self, error: Exception | None = None, ending: Ending | None = None) -> None:
        """Note that no more will come; the wire itself may be there for a while."""
        if not self._transport.when_gone(self.closed):
            self.closed()

    def closed(self) -> None:
        """Note that the wire is gone."""
        if not self.gone.done():
            self.gone.set_result(None)


class Closing:
    """What is being closed."""

    __slots__ = ("_futures",)

    def __init__(self) -> None:
        self._futures: set[asyncio.Future[Any]] = set()

    def add_wire(self, transport: Transport) -> None:
        """Keep a transport, which is about to be closed or aborted, until it is gone."""
        receiver = ClosingReceiver(transport)
        transport.connection = receiver
        self.add(receiver.gone)

    def add_lost(self, transport: Transport) -> None:
        """Keep a transport that has told of its loss until the wire itself is gone."""
        receiver = ClosingReceiver(transport)
        receiver.lost()
        if not receiver.gone.done():
            self.add(receiver.gone)

    def add(self, future: asyncio.Future[Any]) -> None:
        """Keep a future until it is done."""
        self._futures.add(future)
        future.add_done_callback(self._futures.discard)

    async def wait(self) -> None:
        """Wait until everything is gone."""
        while self._futures:
            await asyncio.wait(self._futures)
