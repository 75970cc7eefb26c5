"""The one message path, shared by `Spark` on the server and `Socket` on the client.

    transport -> feed -> decode -> primus::* ? control : incoming transforms -> "data" -> user
    user -> write -> outgoing transforms -> encode -> transport

All of it is plain calls. Only when a parser, a transform or a ``data`` listener answers with
an awaitable does the connection wait: what arrives meanwhile is kept in the *inbox*, what is
written meanwhile in the *outbox*, and both go on in order afterwards. Nothing else decodes,
transforms or encodes. `Inbound` is the way in, `Outbound` the way out.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self

from primus.clock import SYSTEM_CLOCK, Clock
from primus.endpoint import CLOSED, OPEN, OPENING
from primus.events import Listener
from primus.messages import Message, Messages
from primus.outbound import Outbound
from primus.pipeline import is_awaitable

if TYPE_CHECKING:
    from primus.parser import Parser
    from primus.pipeline import Pipeline
    from primus.transport import Transport

__all__ = ["CLOSED", "OPEN", "OPENING", "Connection"]


class Iteration:
    """One ``async for`` over the messages of a connection; it is over when it is let go of."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        connection._iterations += 1

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        return await self._connection.__anext__()

    def __del__(self) -> None:
        self._connection._iterations -= 1


class Connection(Outbound):
    """One end of a connection: what `Spark` and `Socket` have in common."""

    __slots__ = ("_iterations", "_messages")

    def __init__(self, parser: Parser, pipeline: Pipeline, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__(parser, pipeline, clock)
        self._messages: Messages | None = None
        self._iterations = 0

    def attach(self, transport: Transport) -> None:
        """Carry frames over `transport` from now on."""
        self._transport = transport
        self._jammed = self._overflowed = False
        self._review()
        transport.connection = self
        transport.limit(self.limits.high_water)

    def abort(self) -> None:
        """Drop the connection at once, with what waits to be sent; the client may come back."""
        self._drop()

    def pipe(self, destination: Any) -> Any:
        """Write every message that arrives to `destination`, and end it when this one ends.

        A connection that does not keep up makes this one wait.

        Args:
            destination: anything with ``write`` and, if it has one, ``end`` or ``close``.

        Returns:
            `destination`.
        """

        def forward(data: Any) -> Any:
            destination.write(data)
            jammed = getattr(destination, "is_congested", False)
            return destination.drain() if jammed else None

        self.on("data", forward)
        finish = getattr(destination, "end", None) or getattr(destination, "close", None)
        if finish is not None:

            def conclude() -> Any:
                return finish()

            self.on("end", conclude)
        return destination

    def __aiter__(self) -> Iteration:
        self._iterated()
        return Iteration(self)

    async def __anext__(self) -> Any:
        return await self._iterated().next()

    def _iterated(self) -> Messages:
        """The messages for iteration; from the first call on, messages wait to be taken."""
        if self._messages is None:
            self._messages = Messages(self._kept())
            if self._is_over():
                self._messages.finish()
            self.on("data", self._messages.put)
        return self._messages

    def _add(self, event: str, fn: Any, *, once: bool) -> Any:
        added = super()._add(event, fn, once=once)
        if event == "data" and fn is not None:
            self._joined(self._listeners["data"][-1])
        return added

    def _joined(self, listener: Listener) -> None:
        """Somebody listens to ``data`` from now on.

        Messages that wait for an iteration which nobody goes on with are for them.
        """
        messages = self._messages
        if messages is None or listener.fn == messages.put:
            return
        if messages.is_awaited or self._iterations:
            return
        if not listener.once:
            self._stop_iteration(messages)
        self._replay(listener, messages.take(1 if listener.once else None))

    def _stop_iteration(self, messages: Messages) -> None:
        self.off("data", messages.put)
        self._messages = None

    def _replay(self, listener: Listener, messages: list[Message]) -> None:
        """Bring messages that have been kept to a listener, before those that follow."""
        if messages:
            self._undelivered += 1
            self.hold(self._replayed(listener, messages))

    async def _replayed(self, listener: Listener, messages: list[Message]) -> None:
        was_open = self._state == OPEN
        try:
            for message in messages:
                if was_open and self._state != OPEN:
                    break  # our own end: what the peer ended is still to be told
                result = self._call("data", listener, message)
                if is_awaitable(result):
                    await self._guard("data", result)
        finally:
            self._undelivered -= 1

    def _kept(self) -> Iterable[Message]:
        """Messages that have been kept for whoever iterates."""
        return ()

    def _finish_iteration(self) -> None:
        """The connection has ended: so does the iteration, once it has taken what is queued."""
        if self._messages is not None:
            self._messages.finish()

    def _is_over(self) -> bool:
        """Whether no message will come any more."""
        return self._state == CLOSED
