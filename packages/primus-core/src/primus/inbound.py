"""The message path inwards: from frames to ``data`` listeners."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Final, Literal

from primus.clock import SYSTEM_CLOCK, Clock
from primus.endpoint import OPEN, Endpoint
from primus.errors import ParserError, TransformError
from primus.events import Delivered, Delivering
from primus.inbox import Inbox
from primus.parser import quick
from primus.pipeline import PLAIN, SWALLOWED, Packet, Pipeline, dispose, is_awaitable, run
from primus.protocol import PREFIX, control
from primus.tasks import spawn

if TYPE_CHECKING:
    from primus.parser import Parser

__all__ = ["Inbound"]

_LOST: Final = object()
_HELD: Final = object()


class Inbound(Endpoint):
    """The half of a connection that receives."""

    __slots__ = ("_decode", "_inbox", "_undelivered")

    def __init__(self, parser: Parser, pipeline: Pipeline, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__(parser, pipeline, clock)
        self._decode = quick(parser)[1] or parser.decode
        self._inbox: Inbox | None = None
        self._undelivered = 0

    def feed(self, frame: str | bytes, last: bool = True) -> None:
        """Take one frame from the transport, as `Receiver.feed`."""
        if last:
            self.seen_at = self._now()
        direct = self._direct
        if direct is None and not self._admits(frame):
            return
        try:
            data = self._decode(frame)
        except Exception as error:
            data = self._decode_carefully(frame, error)
            if data is _LOST:
                return
        kind = type(data)
        if kind is str and data.startswith(PREFIX):
            self._control(control(self.side, data))
            return
        if direct is None or self.pipeline.incoming or kind not in PLAIN:
            self._bring(data, frame)
            return
        try:
            result = direct(data)
        except (Exception, asyncio.CancelledError) as error:
            self._failed("data", error)
            return
        if type(result) not in PLAIN and is_awaitable(result):
            self.hold(self._guard("data", result))

    def _admits(self, frame: str | bytes) -> bool:
        """Whether frames are taken at all; spies are shown this one."""
        if self._state == OPEN and self._spied:
            self.dispatch("incoming::data", frame)
        return self._state == OPEN

    def _bring(self, data: Any, frame: Any) -> None:
        """Take a message that has been decoded, or is to be awaited."""
        if self._inbox is not None:
            self._line_up(data, frame)
            return
        pending = self._receive(data, frame)
        if pending is not None:
            self.hold(pending)

    def _decode_carefully(self, frame: Any, error: Exception) -> Any:
        """Decode what could not be decoded quickly; `_LOST` when it cannot be decoded at all."""
        if self._decode != self._parser.decode:
            try:
                return self._parser.decode(frame)
            except Exception as final:
                error = final
        self._undecodable(frame, error)
        return _LOST

    def hold(self, pending: Awaitable[None]) -> None:
        """Keep messages back until `pending` is done, then deliver them in order."""
        if self._inbox is not None:
            self._inbox.entries.appendleft((_HELD, pending))
            return
        self._inbox = Inbox(self.limits)
        self._review()
        spawn(self._catch_up(self._inbox, pending))

    def _line_up(self, data: Any, raw: Any) -> None:
        """Have a message wait behind those that do, or pass them."""
        if not self.overtakes(data):
            self._keep(data, raw)
            return
        pending = self._receive(data, raw)
        if pending is not None:
            spawn(self._shielded(pending))

    def _receive(self, data: Any, raw: Any) -> Awaitable[None] | None:
        """Bring a decoded message to the listeners; what is returned has to be awaited first."""
        if type(data) not in PLAIN and is_awaitable(data):
            return self._receive_decoded(self._undecided(data), raw)
        if self.pipeline.incoming:
            return self._transform_incoming(data, raw)
        return self._deliver(data, raw)

    def _undecided(self, deciding: Awaitable[Any]) -> Awaitable[Any]:
        """`deciding`, and a note that a message is on its way to the listeners meanwhile."""
        self._undelivered += 1
        return self._decided(deciding)

    async def _decided(self, deciding: Awaitable[Any]) -> Any:
        try:
            return await deciding
        finally:
            self._undelivered -= 1

    async def _receive_decoded(self, decoding: Awaitable[Any], raw: Any) -> None:
        try:
            data = await decoding
        except Exception as error:
            self._undecodable(raw, error)
            return
        if isinstance(data, str) and data.startswith(PREFIX):
            self._control(control(self.side, data))
            return
        pending = self._receive(data, raw)
        if pending is not None:
            await pending

    def _transform_incoming(self, data: Any, raw: Any) -> Awaitable[None] | None:
        try:
            result = run(self.pipeline.incoming, Packet(data, raw), self)
        except TransformError as error:
            self._report(error)
            return None
        if is_awaitable(result):
            return self._deliver_transformed(self._undecided(result), raw)
        return None if result is SWALLOWED else self._deliver(result, raw)

    async def _deliver_transformed(self, transforming: Awaitable[Any], raw: Any) -> None:
        try:
            result = await transforming
        except TransformError as error:
            self._report(error)
            return
        pending = None if result is SWALLOWED else self._deliver(result, raw)
        if pending is not None:
            await pending

    def _deliver(self, data: Any, raw: Any) -> Awaitable[Any] | None:
        """Call the ``data`` listeners, up to the first that has to be awaited.

        `_call` is for those who are not plain: it costs more than most listeners do.
        """
        if self._state != OPEN:
            return None  # ended while the message was decoded or transformed
        listeners = self._listeners.get("data", ())
        for listener in listeners:
            if listener.is_plain:
                try:
                    result = listener.fn(data)
                except (Exception, asyncio.CancelledError) as error:
                    self._failed("data", error)
                    continue
            else:
                result = self._call("data", listener, (data, raw))
            if type(result) not in PLAIN and is_awaitable(result):
                rest = listeners[listeners.index(listener) + 1 :]
                return self._deliver_on("data", rest, result, (data, raw))
        return None

    def deliver(self, event: str, /, *args: Any, to: Delivering | None = None) -> Delivered:
        """As `Emitter.deliver`; nobody is called once the connection has ended.

        Args:
            event: the name of the event.
            args: what it carries.
            to: whose listeners are called, if not those of the connection.
        """
        if self._state != OPEN:
            return False
        delivered = super().deliver(event, *args) if to is None else to.deliver(event, *args)
        if delivered is False:
            return False
        # It is with its listeners: an end of the connection need not wait for them.
        self._undelivered -= 1
        return self._delivered(delivered)

    async def _delivered(self, delivering: Awaitable[Literal[False]]) -> Literal[False]:
        try:
            return await delivering
        finally:
            self._undelivered += 1

    def overtakes(self, data: Any) -> bool:
        """Whether a message is handled at once, even while others wait for a busy listener.

        For plugins to replace, by ``primus_extend_spark`` and ``primus_extend_socket``: an answer
        that a listener awaits must not wait for that listener. `data` is as it was decoded,
        before any transform, and is asked about only while messages wait.
        """
        return False

    def _keep(self, data: Any, raw: Any) -> None:
        assert self._inbox is not None
        if self._inbox.put(data, raw) and self._transport is not None:
            self._transport.pause_reading()

    async def _catch_up(self, inbox: Inbox, pending: Awaitable[None] | None) -> None:
        """Await what is pending, then handle what was kept meanwhile, one by one."""
        while True:
            if pending is not None:
                await self._shielded(pending)
            if not inbox.entries:
                break
            data, raw = inbox.take()
            if data is _HELD:
                pending = raw
                continue
            if data is _LOST:
                self._inbox = None
                self._review()
                self._ended(raw)
                return
            pending = None
            if self._state == OPEN:
                pending = self._receive(data, raw)
            else:
                dispose(data)
        self._inbox = None
        self._review()
        if inbox.paused and self._transport is not None:
            self._transport.resume_reading()

    def _undecodable(self, frame: Any, error: Exception) -> None:
        if not isinstance(error, ParserError):
            cause = error
            error = ParserError(f"failed to decode incoming data: {cause!r}", frame)
            error.__cause__ = cause
        self._report(error)

    def lost(self, error: Exception | None = None) -> None:
        """The wire is gone. What arrived before it went is delivered first."""
        if self._transport is None:
            return
        self._detach()
        if self._inbox is not None and (self._inbox.entries or self._undelivered > 0):
            self._inbox.put(_LOST, error)
        else:
            self._ended(error)

    @abstractmethod
    def _ended(self, error: Exception | None) -> None:
        """The wire is gone, and everything that came over it has been handled."""
