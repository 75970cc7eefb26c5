"""`Wire`: a connection to the broker, whose replies are handed on as they come."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final, cast

from hiredis import Reader, pack_command
from redis.asyncio.connection import Connection
from redis.exceptions import InvalidResponse, ResponseError

__all__ = ["Wire"]

NOTHING: Final = object()
"""What the reader gives when a reply is not complete."""

if not hasattr(Connection(), "_writer"):  # pragma: no cover - until redis-py renames it
    raise ImportError("primus-backplane needs another redis-py: a connection has no _writer")


class Wire(asyncio.Protocol):
    """A connection of redis-py, made and authenticated by it, of which the transport is taken over.

    redis-py reads by a task, and makes several more for each command: that costs more than all that
    is done with a message.

    Args:
        connection: is connected, and has nothing under way.
        take: is given each reply as it comes, and says whether it has taken it; what it has not
            waits for `reply`, and so does what comes behind that.
        lost: called with the reason when the connection has ended by itself.
    """

    def __init__(
        self,
        connection: Any,
        take: Callable[[Any], bool],
        lost: Callable[[Exception], object] | None = None,
    ) -> None:
        self._connection = connection
        self._take = take
        self._lost = lost
        self._reader = Reader(
            protocolError=InvalidResponse, replyError=ResponseError, notEnoughData=NOTHING
        )
        self._replies: deque[Any] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self._failure: Exception | None = None
        self._is_paused = False
        self._is_gone = False
        """Whether the transport has ended: one of TLS that was closed raises when it is aborted."""
        self._transport = cast("asyncio.Transport", connection._writer.transport)
        self._transport.set_protocol(self)

    @classmethod
    async def opened(
        cls,
        client: Any,
        take: Callable[[Any], bool],
        lost: Callable[[Exception], object] | None = None,
    ) -> Wire:
        """A new connection of a client that speaks RESP 2.

        Raises:
            RedisError, OSError, TimeoutError: it cannot be made.
        """
        connection = client.connection_pool.make_connection()
        try:
            await connection.connect()
            return cls(connection, take, lost)
        except BaseException:
            await connection.disconnect(nowait=True)
            raise

    def send(self, *commands: tuple[Any, ...]) -> None:
        """Send commands."""
        self._transport.write(b"".join(map(pack_command, commands)))

    async def reply(self) -> Any:
        """The next reply that was not taken as it came.

        Raises:
            ResponseError: it is an error.
            RedisError, OSError: the connection has ended.
        """
        while not self._replies:
            if self._failure is not None:
                raise self._failure
            if self._is_paused:
                self._is_paused = False
                self._transport.resume_reading()
            self._waiting = asyncio.get_running_loop().create_future()
            try:
                await self._waiting
            finally:
                self._waiting = None
        reply = self._replies.popleft()
        if isinstance(reply, ResponseError):
            raise reply
        return reply

    async def close(self) -> None:
        """End the connection."""
        self._lost = None
        self._abort()
        await self._connection.disconnect(nowait=True)

    # -- `asyncio.Protocol`

    def data_received(self, data: bytes) -> None:
        """Hand on the replies that are complete."""
        reader, replies = self._reader, self._replies
        try:
            reader.feed(data)
            while (reply := reader.gets()) is not NOTHING:
                if replies or not self._take(reply):
                    replies.append(reply)
        except Exception as error:
            self._fail(error)
            return
        if replies:
            self._wake()
            if not self._is_paused:
                self._is_paused = True
                self._transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Say so."""
        self._is_gone = True
        self._fail(exc or ConnectionError("the broker has closed the connection"))

    # -- inside

    def _fail(self, error: Exception) -> None:
        if self._failure is None:
            self._failure = error
            self._abort()
            self._wake()
            if self._lost is not None:
                self._lost(error)

    def _abort(self) -> None:
        if not self._is_gone:
            self._transport.abort()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
