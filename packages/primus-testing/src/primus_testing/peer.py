"""The other end of a real wire, which speaks literal frames rather than Primus."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from primus.connection import CLOSED, OPEN, Connection
from primus.pipeline import Pipeline
from primus.protocol import Control, Side
from primus.transformer import DialOptions, Transformer
from primus_testing.recorder import DEADLINE

__all__ = ["Peer"]

END = object()


class Verbatim:
    """A parser that leaves frames alone."""

    def encode(self, value: Any) -> Any:
        """The frame itself."""
        return value

    def decode(self, frame: Any) -> Any:
        """The frame itself."""
        return frame


class Peer(Connection):
    """A client made of the client half of a transformer and nothing else.

    It sends and receives frames as they are on the wire, control messages included, and
    answers nothing by itself.
    """

    side = Side.CLIENT

    def __init__(self) -> None:
        super().__init__(Verbatim(), Pipeline())
        self._arrived: deque[Any] = deque()
        self._changed = asyncio.Event()
        self.error: Exception | None = None
        """Why the wire was lost, when the transport gave a reason."""

    @classmethod
    async def open(
        cls, transformer: type[Transformer], url: str, *, reads: bool = True, **dial: Any
    ) -> Peer:
        """A peer that is connected to `url`.

        Args:
            transformer: whose client half to use.
            url: with pathname and query string.
            reads: whether it reads at once, and not only from `resume` on.
            dial: more for `primus.transformer.DialOptions`.

        Raises:
            HandshakeError: the server refused.
            TransportError: the wire could not be opened.
        """
        peer = cls()
        dial = {"max_length": 1 << 26, **dial}
        async with asyncio.timeout(DEADLINE):
            transport = await transformer.connector().open(DialOptions(url, **dial), peer)
        peer._become(OPEN)
        if reads:
            transport.resume_reading()
        return peer

    def feed(self, frame: str | bytes, last: bool = True) -> None:
        """Keep a frame."""
        self._arrived.append(frame)
        self._changed.set()

    @property
    def arrived(self) -> int:
        """How many frames have come, and have not been received yet."""
        return sum(frame is not END for frame in self._arrived)

    def send(self, *frames: str | bytes) -> None:
        """Send frames as they are."""
        for frame in frames:
            self._send(frame)

    async def receive(self) -> str | bytes:
        """The next frame.

        Raises:
            AssertionError: there is none within the deadline, or the wire is gone.
        """
        frame = await self._next("a frame")
        if frame is END:
            self._arrived.append(END)
            raise AssertionError(f"the server closed the wire ({self.error!r}) instead of a frame")
        assert isinstance(frame, str | bytes)
        return frame

    async def gone(self) -> list[str | bytes]:
        """Wait for the end of the wire.

        Returns:
            The frames that came before it and have not been received yet.
        """
        frames = []
        while (frame := await self._next("the end of the wire")) is not END:
            frames.append(frame)
        self._arrived.append(END)
        return frames

    async def _next(self, what: str) -> Any:
        try:
            async with asyncio.timeout(DEADLINE):
                while not self._arrived:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"not {what} within {DEADLINE} s") from None
        return self._arrived.popleft()

    async def id(self) -> str:
        """The id of our spark; by then, the server has handled all that was sent before."""
        self.send('"primus::id::"')
        frame = await self.receive()
        assert isinstance(frame, str)
        assert frame.startswith('"primus::id::')
        return frame[len('"primus::id::') : -1]

    def pause(self) -> None:
        """Read nothing for now."""
        assert self._transport is not None
        self._transport.pause_reading()

    def resume(self) -> None:
        """Read again."""
        assert self._transport is not None
        self._transport.resume_reading()

    def close(self) -> None:
        """Close in order, as a client does."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Drop the wire, as a client that loses its network does."""
        if self._transport is not None:
            self._transport.abort()

    def _control(self, message: Control) -> None:
        raise AssertionError("a peer looks into no frame")

    def _drop(self) -> None:
        self.abort()

    def _ended(self, error: Exception | None) -> None:
        self.error = error
        self._become(CLOSED)
        self._arrived.append(END)
        self._changed.set()
