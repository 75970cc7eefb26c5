"""The message path outwards: from `write` to frames, with backpressure."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Final

from primus.clock import SYSTEM_CLOCK, Clock, Timer
from primus.endpoint import OPEN
from primus.errors import ControlTextError, SlowConsumerError, TransformError
from primus.inbound import Inbound
from primus.parser import encoding_failure
from primus.pipeline import SWALLOWED, Packet, Pipeline, is_awaitable, run
from primus.protocol import check_message, escape_separators
from primus.tasks import spawn

if TYPE_CHECKING:
    from primus.parser import Parser
    from primus.transport import Transport

__all__ = ["Outbound"]

FRAME: Final = (str, bytes)
"""What a frame is; a tuple, since `str | bytes` makes an object each time it is evaluated."""


class Outbound(Inbound):
    """The half of a connection that sends, on top of the one that receives."""

    __slots__ = ("_encode", "_outbox", "_overflowed", "_owed", "_room")

    slow_consumer: str = "buffer"

    def __init__(self, parser: Parser, pipeline: Pipeline, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__(parser, pipeline, clock)
        self._encode = parser.encode
        self._outbox: deque[tuple[Any, Any]] | None = None
        self._overflowed = False
        self._owed: dict[str, str] = {}
        """The newest answer of each kind that waits for a peer which reads too slowly."""
        self._room: asyncio.Event | None = None

    def _review(self) -> None:
        self._is_clear = (
            self._state == OPEN
            and self._transport is not None
            and self._inbox is None
            and self._outbox is None
            and not self._jammed
            and not self._spied
        )
        self._direct = None
        if self._is_clear:
            listeners = self._listeners.get("data", ())
            if len(listeners) == 1 and listeners[0].is_plain:
                self._direct = listeners[0].fn

    def _submit(self, data: Any) -> bool:
        """Send a message of the user, behind all that was written before it."""
        transforms = self.pipeline.outgoing
        if not transforms:
            check_message(data)
        if self._jammed and not self._admit():
            return False
        if self._outbox is not None:
            return self._postpone(self._outgoing, data)
        pending = self._outgoing(data) if transforms else self._encoded(data)
        if pending is not None:
            self._wait_for(pending)
        return True

    def _tell(self, text: str, *, last: bool = False) -> None:
        """Send a control message, in its place behind the messages written before it.

        The `last` one reaches a slow consumer too: it is short, and nothing follows it.
        """
        if self._jammed and not last and not self._admit():
            return
        if self._outbox is not None:
            self._postpone(self._encoded, text)
            return
        pending = self._encoded(text)
        if pending is not None:
            self._wait_for(pending)

    def _reply(self, kind: str, text: str) -> None:
        """Answer a control message of the peer.

        However much a peer asks without reading, of each kind only the newest answer waits.
        """
        if not self._jammed and self._outbox is None:
            self._tell(text)
            return
        is_first = kind not in self._owed
        self._owed[kind] = text
        if is_first and not self._jammed and self._outbox is not None:
            self._outbox.append((self._pay, kind))

    def _pay(self, kind: str) -> Awaitable[None] | None:
        """Give an answer whose turn in the outbox it is, unless it has to wait for the peer."""
        if self._jammed or kind not in self._owed:
            return None
        return self._encoded(self._owed.pop(kind))

    def _outgoing(self, data: Any) -> Awaitable[None] | None:
        """Transform, encode and send; what is returned has to be awaited first.

        Raises:
            ControlTextError: the message is, or has become, text that peers obey.
        """
        try:
            result = run(self.pipeline.outgoing, Packet(data), self)
        except TransformError as error:
            self._report(error)
            return None
        if is_awaitable(result):
            return self._send_transformed(result)
        return self._transformed(result)

    def _transformed(self, result: Any) -> Awaitable[None] | None:
        if result is SWALLOWED:
            return None
        check_message(result)
        return self._encoded(result)

    async def _send_transformed(self, transforming: Awaitable[Any]) -> None:
        try:
            pending = self._transformed(await transforming)
        except (TransformError, ControlTextError) as error:
            self._report(error)
            return
        if pending is not None:
            await pending

    def _encoded(self, data: Any) -> Awaitable[None] | None:
        try:
            frame = self._encode(data)
        except Exception as error:
            self._unencodable(error)
            return None
        if isinstance(frame, FRAME):
            self._send(frame)
            return None
        return self._send_encoded(frame)

    async def _send_encoded(self, encoding: Awaitable[str | bytes]) -> None:
        try:
            frame = await encoding
        except Exception as error:
            self._unencodable(error)
            return
        self._send(frame)

    def _send(self, frame: str | bytes) -> None:
        transport = self._transport
        if transport is None:
            return
        if isinstance(frame, str):
            if not frame:
                return  # Primus sends no empty text
            if not frame.isascii():
                frame = escape_separators(frame)
        if self._spied:
            self.dispatch("outgoing::data", frame)
        transport.send(frame)

    def _unencodable(self, error: Exception) -> None:
        self._report(encoding_failure(error))

    def relay(self, frame: str | bytes, prepared: dict[type[Transport], Any]) -> None:
        """Send a frame that goes to many connections.

        Args:
            frame: the frame, with its separators escaped.
            prepared: what each class of transport has made of it so far; it is added to.
        """
        transport = self._transport
        if transport is None or self._state != OPEN or (self._jammed and not self._admit()):
            return
        if self._outbox is not None:
            self._postpone(self._send, frame)
            return
        if self._spied:
            self.dispatch("outgoing::data", frame)
        kind = type(transport)
        ready = prepared.get(kind)
        if ready is None:
            ready = prepared[kind] = kind.prepare(frame)
        transport.send_prepared(ready)

    def _finish(self) -> None:
        """Close the transport, behind all that was written before."""
        if self._outbox is not None:
            timer = None
            if self._transport is not None:
                # A transform that hangs must not keep the wire for ever.
                limit = self.limits.finish_timeout
                timer = self._clock.call_later(limit, self._transport.abort)
            self._outbox.append((self._close_late, (self._transport, timer)))
        else:
            self._close_transport(self._transport)

    def _close_late(self, late: tuple[Transport | None, Timer | None]) -> None:
        transport, timer = late
        if timer is not None:
            timer.cancel()
        self._close_transport(transport)

    def _close_transport(self, transport: Transport | None) -> None:
        if transport is self._transport:
            self._detach()
        if transport is not None:
            transport.close()

    def _wait_for(self, pending: Awaitable[None]) -> None:
        """Keep what is written from now on in the outbox until `pending` is done."""
        self._outbox = deque()
        self._review()
        spawn(self._work_off(self._outbox, pending))

    def _postpone(self, step: Any, value: Any) -> bool:
        assert self._outbox is not None
        if len(self._outbox) >= self.limits.outbox_messages and not self._admit():
            return False
        self._outbox.append((step, value))
        return True

    async def _work_off(self, outbox: deque[tuple[Any, Any]], pending: Any) -> None:
        """Await what is pending, then send what was written meanwhile, in order."""
        while True:
            if pending is not None:
                await self._shielded(pending)
            if not outbox:
                break
            step, value = outbox.popleft()
            try:
                pending = step(value)
            except ControlTextError as error:  # it was written long ago
                pending = None
                self._report(error)
        self._outbox = None
        self._review()

    # -- backpressure

    @property
    def buffered(self) -> int:
        """How many bytes wait to be sent."""
        return 0 if self._transport is None else self._transport.buffered

    @property
    def is_congested(self) -> bool:
        """Whether more than ``high_water`` bytes wait to be sent."""
        return self._jammed

    async def drain(self) -> None:
        """Wait until fewer than ``high_water`` bytes wait to be sent, or the connection ends."""
        while self._jammed and self._state == OPEN:
            if self._room is None:
                self._room = asyncio.Event()
            self._room.clear()
            await self._room.wait()

    def congested(self, jammed: bool) -> None:
        """The transport holds more than ``high_water`` unsent bytes, or no longer does."""
        self._jammed = jammed
        self._review()
        if not jammed:
            for kind in tuple(self._owed):
                self._tell(self._owed.pop(kind))
            if self._room is not None:
                self._room.set()

    def _admit(self) -> bool:
        """Whether a slow consumer gets yet another frame; applies ``slow_consumer``."""
        if self.slow_consumer == "buffer":
            return True
        if self.slow_consumer == "disconnect" and self._state == OPEN and not self._overflowed:
            self._overflowed = True  # what an error listener writes is dropped
            self._report(
                SlowConsumerError(f"{self.buffered} bytes wait for a peer that reads too slowly")
            )
            self._drop()
        return False

    def _detach(self) -> Transport | None:
        if self._room is not None:
            self._room.set()
        self._owed.clear()
        return super()._detach()
