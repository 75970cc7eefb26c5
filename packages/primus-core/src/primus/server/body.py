"""What a request posts on a server of our own, as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from primus.errors import ProtocolError
from primus.http import ClientGone
from primus.server.heads import ChunkedBody, Head, MalformedRequest

__all__ = ["Body"]


class Body:
    """The body of a request, whose connection is not read while too much of it waits.

    Args:
        head: the head of the request.
        transport: the connection.
        most: bytes that may wait to be read by what answers the request.
    """

    __slots__ = (
        "_chunked",
        "_error",
        "_is_paused",
        "_most",
        "_owed",
        "_parts",
        "_size",
        "_transport",
        "_woken",
        "is_whole",
    )

    def __init__(self, head: Head, transport: asyncio.Transport, most: int) -> None:
        self._chunked: ChunkedBody | None = head.chunked
        self._owed = head.length
        self._transport = transport
        self._most = most
        self._parts: list[bytes] = []
        self._size = 0
        self._is_paused = False
        self._woken: asyncio.Future[None] | None = None
        self._error: Exception | None = None
        self.is_whole = False
        """Whether all of it has come."""

    # -- in

    def feed(self, data: bytes) -> bytes:
        """Take what has come; what stands behind the end of the body."""
        if self._error is not None:
            return b""
        if self._chunked is None:
            part, rest = data[: self._owed], data[self._owed :]
            self._owed -= len(part)
            self.is_whole = not self._owed
        else:
            try:
                part, rest = self._chunked.feed(data)
            except MalformedRequest as error:
                self.fail(ProtocolError(f"the body cannot be read: {error}"))
                return b""
            self.is_whole = self._chunked.is_complete
        if part:
            self._parts.append(part)
            self._size += len(part)
            if self._size > self._most and not self.is_whole and not self._is_paused:
                self._is_paused = True
                self._transport.pause_reading()
        self._wake()
        return rest

    def fail(self, error: Exception | None = None) -> None:
        """Let what reads the body fail: by default, since the client has gone."""
        if not self.is_whole and self._error is None:
            self._error = error or ClientGone("the client has gone before its request was complete")
            self._wake()

    def _wake(self) -> None:
        woken, self._woken = self._woken, None
        if woken is not None and not woken.done():
            woken.set_result(None)

    # -- out

    def taken(self) -> bytes:
        """Take what has come and waits, and read the connection on."""
        parts, self._parts = self._parts, []
        self._size = 0
        if self._is_paused and not self._transport.is_closing():
            self._is_paused = False
            self._transport.resume_reading()
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body, piece by piece.

        Raises:
            ProtocolError: it is malformed.
            ClientGone: the client has gone before all of it had come.
        """
        while True:
            if self._parts:
                yield self.taken()
            elif self.is_whole:
                return
            elif self._error is not None:
                raise self._error
            else:
                self._woken = asyncio.get_running_loop().create_future()
                await self._woken
