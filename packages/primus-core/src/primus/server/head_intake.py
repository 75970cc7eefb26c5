"""Connections of which heads of requests are kept until they are whole, within ``max_head``."""

from __future__ import annotations

import asyncio
import re
from abc import abstractmethod
from typing import Any, Final

from multidict import CIMultiDict

from primus.contracts import Elsewhere
from primus.half_closing import half_close
from primus.http import Response
from primus.server.pending import NEVER, PendingConnections

__all__ = ["HeadIntake"]

END: Final = re.compile(rb"\n\r?\n")
"""The end of a head. Parsers refuse bare line feeds, but they have to see them for that."""

METHOD: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ")
"""Every method that is known begins so; anything else is answered at once."""


class Unread:
    """A request that cannot be read, as its answer sees it."""

    response_headers: CIMultiDict[str] = CIMultiDict()


class HeadIntake(asyncio.Protocol):
    """A connection whose heads are kept until they are whole.

    A subclass calls `collect` with what comes while it waits for a head, and gets each head by
    `arrived`.

    Args:
        pending: the connections of the server.
        adopted: what another process has read from the connection before it handed it over; `None`
            for a connection of this one.
    """

    __slots__ = ("_adopted", "_head", "_is_first", "_is_refused", "_pending", "_transport")

    _transport: asyncio.Transport

    def __init__(self, pending: PendingConnections, adopted: bytes | None = None) -> None:
        self._pending = pending
        self._adopted = adopted or b""
        self._is_first = adopted is None
        """Whether its first request is still to come, by which another process may get it."""
        self._head: bytearray | None = None
        """The head of the next request as far as it has come."""
        self._is_refused = False
        """What still comes is passed over."""

    @property
    def is_between_heads(self) -> bool:
        """Whether nothing of the next head has come by another way."""
        return True

    def adopt(self, transport: asyncio.Transport, data: bytes) -> None:
        """Take over a connection, whose next request `data` begins with."""
        self._transport = transport
        transport.set_protocol(self)
        self.arrived(data, len(data))

    @abstractmethod
    def arrived(self, data: bytes, end: int) -> None:
        """Take a head, which ends at `end` of `data`."""

    def connection_made(self, transport: Any) -> None:
        """Wait for a request."""
        self._transport = transport  # uvloop's is no `asyncio.Transport`
        if self._pending.is_closed:
            self._transport.abort()
        else:
            self._await_rest()
            if self._adopted:
                adopted, self._adopted = self._adopted, b""
                self.data_received(adopted)  # before anything that still comes

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self.released()
        self._pending.primus.writes.discard(self._transport)

    def released(self) -> None:
        """Expect nothing of the connection any more: it has another owner."""
        self._pending.deadlines.due.pop(self._transport, None)

    def pause_writing(self) -> None:
        """See whether the client, which reads too slowly, reads at all."""
        self._pending.primus.writes.add(self._transport)

    def collect(self, data: bytes) -> None:
        """Take a part of a head, and go on once it is whole.

        Args:
            data: what has come; of a head that begins, not the line end of what was before.
        """
        head = self._head
        if head is None:
            searched = 0
        else:
            searched = max(len(head) - 3, 0)
            head += data
        whole = data if head is None else head
        end = END.search(whole, searched)
        if (len(whole) if end is None else end.end()) > self._pending.max_head:
            self.refuse(Response.error(431))
        elif end is not None or whole[0] not in METHOD:
            self._head = None
            self._pending.deadlines.due[self._transport] = NEVER
            if not (self._is_first and self._is_elsewhere(bytes(whole))):
                self.arrived(bytes(whole), len(whole) if end is None else end.end())
        elif head is None:
            self._head = bytearray(data)
            self._await_rest()

    def _await_rest(self) -> None:
        """Be dropped, unless the rest of the head comes in time."""
        self._pending.deadlines.set(self._transport, self._pending.handshake_timeout)

    def _is_elsewhere(self, data: bytes) -> bool:
        """Whether the first request was for another process, which has the connection now."""
        self._is_first = False
        elsewhere = self._pending.primus.elsewhere
        if elsewhere is None or self._pending.secure:
            return False
        self._is_refused = elsewhere.take(self._transport, data)
        return self._is_refused

    def leave(self, elsewhere: Elsewhere) -> None:
        """Give the connection, which waits for a request, to another process."""
        if self.is_between_heads and not self._is_refused:
            self._is_refused = elsewhere.give(self._transport, bytes(self._head or b""))

    def refuse(self, response: Response) -> None:
        """Answer for good, a request that cannot be read."""
        head, _ = self._pending.heads.written(response, Unread(), is_old=False, closes=True)
        self._pending.primus.writes.add(self._transport)
        self._transport.write(head + response.body)
        self.linger()

    def linger(self) -> None:
        """Close the connection once its client has read the answer, and pass over what it sends.

        The client gets the answer only while it can send the rest: closing at once would reset
        the connection. So it is dropped when its time is over.
        """
        self._head = None
        self._is_refused = True
        transport = self._transport
        if transport.is_closing():
            return
        if self._pending.handshake_timeout is None or self._pending.is_closed:
            transport.close()
            return
        self._await_rest()
        if not transport.is_reading():
            transport.resume_reading()
        half_close(transport)
