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
from primus.messages import Messages
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
        self._jammed = False
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
            self.on("end", self._finish_iteration)
        return self._messages

    def _kept(self) -> Iterable[Any]:
        """Messages that have been kept for whoever iterates."""
        return ()

    def _finish_iteration(self) -> None:
        if self._messages is not None:
            self._messages.finish()

    def _is_over(self) -> bool:
        """Whether no message will come any more."""
        return self._state == CLOSED and self._transport is None
