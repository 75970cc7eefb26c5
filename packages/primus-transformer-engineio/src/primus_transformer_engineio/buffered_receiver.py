"""WebSockets of the client half, before a session has them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine, Mapping
from typing import Any, cast

from primus.closed import Ending, because_of, of_error
from primus.errors import TransportError
from primus.transformer import DialOptions, Transport
from primus_transformer_engineio.transport import longest_frame
from primus_transformer_ws.client import WebSocketsConnector, leg

__all__ = ["BufferedReceiver", "open_websocket"]


class BufferedReceiver:
    """Keeps the next frame that comes over a WebSocket until it is taken; no more is read."""

    def __init__(self) -> None:
        self._frames: deque[str | bytes] = deque()
        self._wire: Transport | None = None
        self._arrived = asyncio.Event()
        self._error: Exception | None = None
        self._ending: Ending | None = None
        self._lost = False

    def attach(self, transport: Transport) -> None:
        """Receive what `transport` brings."""
        self._wire = transport
        transport.connection = self

    def feed(self, frame: str | bytes, last: bool = True) -> None:
        """Keep a frame, and read no further."""
        self._frames.append(frame)
        if self._wire is not None:
            self._wire.pause_reading()
        self._arrived.set()

    def seen(self) -> None:
        """Do nothing: nothing depends on it."""

    def congested(self, congested: bool) -> None:
        """Do nothing: hardly anything is sent."""

    def lost(self, error: Exception | None = None, ending: Ending | None = None) -> None:
        """Handle the loss of the WebSocket."""
        self._lost, self._error = True, error
        self._ending = ending
        self._arrived.set()

    async def next(self) -> str | bytes:
        """The next frame.

        Raises:
            TransportError: the WebSocket is gone.
        """
        while not self._frames:
            self._check()
            self._arrived.clear()
            await self._arrived.wait()
        frame = self._frames.popleft()
        if self._wire is not None and not self._frames:
            self._wire.resume_reading()
        return frame

    async def meanwhile(self, work: Coroutine[Any, Any, None]) -> None:
        """Do some work, as long as the WebSocket is there.

        Raises:
            TransportError: it is gone.
        """
        task = asyncio.ensure_future(work)
        task.add_done_callback(lambda _: self._arrived.set())
        try:
            while not task.done():
                self._check()
                self._arrived.clear()
                await self._arrived.wait()
        finally:
            task.cancel()
        self._check()

    def _check(self) -> None:
        if self._lost:
            ending = self._ending or (None if self._error is None else of_error(self._error))
            why = because_of(ending, "client", 0.0)
            raise TransportError(
                f"the server has closed the WebSocket: {why.reason}"
            ) from self._error

    @property
    def rest(self) -> list[str | bytes]:
        """What has come and was not taken."""
        return list(self._frames)


async def open_websocket(
    url: str, dial: DialOptions, headers: Mapping[str, str]
) -> tuple[Transport, BufferedReceiver]:
    """An open WebSocket, and what keeps its frames; it reads already.

    Args:
        url: where to.
        dial: what the user wants.
        headers: more for the handshake, in place of the user's of the same name.

    Raises:
        HandshakeError: the server answered with a status other than 101.
        TransportError: it cannot be reached.
    """
    receiver = BufferedReceiver()
    wire = await WebSocketsConnector().open(
        leg(dial, url, longest_frame(dial.max_length), headers),
        cast("Any", receiver),  # all that it does is to attach
    )
    wire.resume_reading()
    return wire, receiver
