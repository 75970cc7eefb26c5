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
from primus.messages import Message, Messages
from primus.outbound import Outbound

if TYPE_CHECKING:
    from primus.parser import Parser
    from primus.pipeline import Pipeline
    from primus.transformer import Transport

__all__ = ["CLOSED", "OPEN", "OPENING", "Connection"]


class Connection(Outbound):
    """One end of a connection: what `Spark` and `Socket` have in common."""

    __slots__ = ("_messages",)

    def __init__(self, parser: Parser, pipeline: Pipeline, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__(parser, pipeline, clock)
        self._messages: Messages | None = None

    def attach(self, transport: Transport) -> None:
        """Carry frames over `transport` from now on."""
        self._transport = transport
        self._jammed = self._overflowed = False
        transport.connection = self
        transport.limit(self.high_water)

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

    def __aiter__(self) -> Self:
        self._iterated()
        return self

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
        messages = self._messages
        if event == "data" and messages is not None and fn not in (None, messages.put):
            self._listened_to(messages)
        return added

    def _listened_to(self, messages: Messages) -> None:
        """Who iterated for a while and then listens does not come back for the queue."""
        if not messages.is_awaited:
            self._stop_iteration(messages)
            self._replay(messages.take())

    def _stop_iteration(self, messages: Messages) -> None:
        self.off("data", messages.put)
        self._messages = None

    def _replay(self, messages: list[Message]) -> None:
        """Bring messages that have been kept to the listeners, before those that follow."""
        if messages:
            self.hold(self._deliver_all(messages))

    async def _deliver_all(self, messages: list[Message]) -> None:
        for data, raw in messages:
            pending = self._deliver(data, raw)
            if pending is not None:
                await pending

    def _kept(self) -> Iterable[Message]:
        """Messages that have been kept for whoever iterates."""
        return ()

    def _finish_iteration(self) -> None:
        """The connection has ended: so does the iteration, once it has taken what is queued."""
        if self._messages is not None:
            self._messages.finish()

    def _is_over(self) -> bool:
        """Whether no message will come any more."""
        return self._state == CLOSED and self._transport is None
