"""A transport on the HTTP server's own WebSocket."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Coroutine
from typing import Any, Final

from primus.clock import SYSTEM_CLOCK, Timer, expect
from primus.errors import LimitError, ProtocolError
from primus.http import HostWebSocket
from primus.limits import DEFAULT_LIMITS, Limits
from primus.tasks import begin, proceed
from primus.transformer import Transport
from primus.websocket.framing import utf8

__all__ = ["HostedTransport"]

NORMAL: Final = 1000
TOO_BIG: Final = 1009


class HostedTransport(Transport):
    """Carries frames over a WebSocket that the host speaks.

    What is written is sent at once. While the server keeps it waiting, further messages wait in a
    queue of its own, so that `buffered` and the limit work whatever the server does. A task exists
    only meanwhile.

    Args:
        socket: the WebSocket, which has been accepted.
        max_length: the largest message taken, in bytes.
        close_timeout: seconds that the peer gets to finish closing.
        limits: what the peer may cost.
    """

    __slots__ = (
        "_closing",
        "_high_water",
        "_is_congested",
        "_is_gone",
        "_is_sending",
        "_limits",
        "_max_length",
        "_out",
        "_out_size",
        "_resumed",
        "_socket",
        "_timer",
        "_writer",
        "close_timeout",
    )

    def __init__(
        self,
        socket: HostWebSocket,
        max_length: int,
        close_timeout: float,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        super().__init__()
        self._socket = socket
        self._limits = limits
        self._max_length = max_length
        self._out: deque[tuple[str | bytes | tuple[int, str], int]] = deque()
        """What has not been sent, and what each counts."""
        self._out_size = 0
        self._high_water: int | None = None
        self._is_congested = False
        self._writer: asyncio.Task[None] | None = None
        self._is_sending = False
        """Whether the first step of `_write` runs; a listener of it may write again."""
        self._closing = False
        self._is_gone = False
        self._resumed: asyncio.Event | None = None
        self._timer: Timer | None = None
        self.close_timeout = close_timeout
        socket.seen = self._seen
        socket.gone = self._wire_lost

    # -- in

    async def run(self) -> None:
        """Bring every message to the receiver, until the WebSocket is gone."""
        error: Exception | None = None
        limits, messages, size = self._limits, 0, 0
        try:
            while True:
                while self._resumed is not None:
                    await self._resumed.wait()
                message = await self._socket.receive()
                if message is None:
                    break
                messages, size = messages + 1, size + len(message)
                if messages > limits.turn_messages or size > limits.turn_bytes:
                    messages, size = 0, 0
                    await asyncio.sleep(0)  # the turn is over: others may have waited for theirs
                self._take(message)
        except ProtocolError as raised:
            error = raised
        except ConnectionError:
            pass  # what there is to say of it, `lost` says
        finally:
            self._is_gone = self._closing = True
            self._forget()
            connection, self.connection = self.connection, None
            if connection is not None:
                connection.lost(error, None if error is not None else self._socket.ending)

    def _seen(self) -> None:
        if self.connection is not None:
            self.connection.seen()

    def _take(self, message: str | bytes) -> None:
        connection = self.connection
        if connection is None:
            return
        size = _size(message)
        self.taken += size
        if size <= self._max_length:
            connection.feed(message)
            return
        self.connection = None
        self.close(TOO_BIG, "message too big")
        text = f"a message of more than {self._max_length} bytes"
        connection.lost(LimitError(text, "max_length"))

    def pause_reading(self) -> None:
        """Take no further message for now."""
        if self._resumed is None and not self._is_gone:
            self._resumed = asyncio.Event()

    def _wire_lost(self) -> bool:
        """Handle the loss of the wire: drop what waits, if nothing is taken for now."""
        is_paused = self._resumed is not None
        self.resume_reading()
        return is_paused

    def resume_reading(self) -> None:
        """Resume."""
        resumed, self._resumed = self._resumed, None
        if resumed is not None:
            resumed.set()

    # -- out

    def send(self, frame: str | bytes) -> None:
        """Send one message, text for `str` and binary for `bytes`."""
        if self._closing:
            return
        if isinstance(frame, str) and not frame.isascii():
            frame = utf8(frame).decode()
        elif self._writer is None and not self._is_sending and self._socket.begins_bare:
            self._send_now(self._socket.send(frame), len(frame))
            return
        self._put(frame)

    def send_text(self, text: bytes) -> None:
        """Send one text message that is there as UTF-8."""
        if self._closing:
            return
        if self._writer is None and not self._is_sending and self._socket.begins_bare:
            self._send_now(self._socket.send_text(text), len(text))
        else:
            self._put(text.decode())

    def _send_now(self, sending: Coroutine[Any, Any, None], size: int) -> None:
        """Send a message that nothing is before, without the queue unless the server waits."""
        self.given += size
        self._is_sending = True
        try:
            awaited = sending.send(None)
        except StopIteration:
            if self._out:  # a listener of the server's wrote meanwhile
                self._writer = begin(self._write(), bare=True)
            return
        except ConnectionError:
            self._unsendable()
            return
        finally:
            self._is_sending = False
        cost = size + DEFAULT_LIMITS.frame_overhead
        self._out.appendleft((b"", cost))  # the server has the message: only its size counts
        self._out_size += cost
        self._writer = begin(self._write(proceed(sending, awaited)), bare=True)
        if self._high_water is not None and self._out_size > self._high_water:
            self._report(congested=True)

    def close(self, code: int | None = None, reason: str = "") -> None:
        """Send a close frame behind all that was sent; 1000 when `code` is `None`."""
        if self._closing:
            return
        self._closing = True
        self._put((NORMAL if code is None else code, reason))
        self.resume_reading()
        self._timer = expect(SYSTEM_CLOCK, self.close_timeout, self.abort)

    def abort(self) -> None:
        """Drop the WebSocket at once."""
        self._closing = True
        self._out.clear()
        self._out_size = 0
        self.resume_reading()
        if self._writer is not None:
            self._writer.cancel()  # the server may hold it up for as long as the peer reads nothing
        if not self._is_gone:
            self._socket.abort()

    def _unsendable(self) -> None:
        """Send nothing any more: the peer has gone. What it had sent before is still taken."""
        self._closing = True
        self._out.clear()
        self._out_size = 0
        if self._timer is None and not self._is_gone:
            self._timer = expect(SYSTEM_CLOCK, self.close_timeout, self.abort)

    def _put(self, item: str | bytes | tuple[int, str]) -> None:
        cost = _cost(item)
        self._out.append((item, cost))
        self._out_size += cost
        self.given += cost - DEFAULT_LIMITS.frame_overhead
        if self._writer is None and not self._is_sending:
            self._is_sending = True
            try:
                self._writer = begin(self._write(), bare=self._socket.begins_bare)
            finally:
                self._is_sending = False
        if self._high_water is not None and self._out_size > self._high_water:
            self._report(congested=True)

    async def _write(self, begun: Awaitable[None] | None = None) -> None:
        """Send what waits, the first of it by `begun`, where that has begun already."""
        try:
            if begun is not None:
                await begun
                self._sent(self._out[0][1] if self._out else 0)
            while self._out:
                item, cost = self._out[0]
                if isinstance(item, tuple):
                    await self._socket.close(*item)
                else:
                    await self._socket.send(item)
                self._sent(cost)
        except ConnectionError:
            self._unsendable()
        finally:
            self._writer = None

    def _sent(self, cost: int) -> None:
        """Remove the oldest item, which has been sent, unless all were dropped meanwhile."""
        if self._out:
            self._out.popleft()
            self._out_size -= cost
        if self._is_congested and self._out_size <= (self._high_water or 0):
            self._report(congested=False)

    def _report(self, *, congested: bool) -> None:
        if self._is_congested != congested:
            self._is_congested = congested
            if self.connection is not None:
                self.connection.congested(congested)

    @property
    def buffered(self) -> int:
        """How many bytes wait to be sent; each message counts ``frame_overhead`` bytes more."""
        return self._out_size

    def limit(self, high_water: int) -> None:
        """Report congestion above `high_water` bytes."""
        self._high_water = high_water

    def _forget(self) -> None:
        self._socket.seen = self._socket.gone = None
        self._out.clear()
        self._out_size = 0
        if self._timer is not None:
            self._timer.cancel()


def _size(message: str | bytes) -> int:
    """How many bytes a message is on the wire, without its frame."""
    return len(message) if isinstance(message, bytes) or message.isascii() else len(utf8(message))


def _cost(item: str | bytes | tuple[int, str]) -> int:
    """How many bytes an item counts while it waits."""
    size = 0 if isinstance(item, tuple) else _size(item)
    return size + DEFAULT_LIMITS.frame_overhead
