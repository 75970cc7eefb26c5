"""What every part of a connection stands on: its state, its transport and its events."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, ClassVar, Final

from primus.clock import SYSTEM_CLOCK, Clock
from primus.errors import ParserError, TransformError
from primus.events import Emitter
from primus.failures import Failures
from primus.limits import DEFAULT_LIMITS, Limits
from primus.protocol import Control, Side

if TYPE_CHECKING:
    from primus.parser import Parser
    from primus.pipeline import Pipeline
    from primus.transport import Transport

__all__ = ["CLOSED", "OPEN", "OPENING", "Endpoint"]

OPENING: Final = 1
CLOSED: Final = 2
OPEN: Final = 3


class Endpoint(Emitter):
    """One end of a connection, without its message path."""

    __slots__ = (
        "_clock",
        "_direct",
        "_is_clear",
        "_jammed",
        "_now",
        "_parser",
        "_spied",
        "_state",
        "_transport",
        "pipeline",
        "seen_at",
    )

    side: ClassVar[Side]
    limits: Limits = DEFAULT_LIMITS
    failures: Failures = Failures(DEFAULT_LIMITS.traceback_interval)
    """What has been logged with its traceback; all sparks of a Primus have one in common."""

    def __init__(self, parser: Parser, pipeline: Pipeline, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__()
        self._parser = parser
        self.pipeline = pipeline
        self._clock = clock
        self._now = clock.time
        self._transport: Transport | None = None
        self._state = CLOSED
        self._jammed = False
        self._spied = False
        self._is_clear = False
        """What `_review` has found: messages need not look further."""
        self._direct: Callable[[Any], Any] | None = None
        """What `_review` has found: the one who gets all messages, when nothing is in the way."""
        self.seen_at = self._now()
        """When the peer last gave a sign of life, in seconds of the connection's clock."""

    @property
    def ready_state(self) -> int:
        """`OPENING` (1), `CLOSED` (2) or `OPEN` (3)."""
        return self._state

    def _become(self, state: int) -> bool:
        """Change the ready state; False when it was that already."""
        if state == self._state:
            return False
        self._state = state
        self._review()
        self.dispatch("readyStateChange", state)
        return True

    def _detach(self) -> Transport | None:
        """Let go of the transport, which has nobody to tell anything from now on."""
        transport, self._transport = self._transport, None
        self._jammed = False
        self._review()
        if transport is not None:
            transport.connection = None
        return transport

    @abstractmethod
    def _review(self) -> None:
        """Note whether the way is clear, after a change of what it depends on."""

    def _heard(self) -> None:
        self._review()

    def seen(self) -> None:
        """Note a sign of life that is no frame."""
        self.seen_at = self._now()

    def _add(self, event: str, fn: Any, *, once: bool) -> Any:
        if event.startswith(("incoming::", "outgoing::")):
            self._spied = True
        return super()._add(event, fn, once=once)

    def _report(self, error: Exception) -> None:
        """Tell whoever listens to ``error``; when nobody does, it is logged.

        What the peer causes is worth a line. What the user's own code causes (a transform that
        raises, a value that cannot be encoded) is an error with its traceback.
        """
        if self.dispatch("error", error):
            return
        own = isinstance(error, TransformError) or (
            isinstance(error, ParserError) and error.frame is None
        )
        if own:
            self._log_raised(f"{self!r}: {error}", error.__cause__ or error)
        else:
            self.log.info("%r: %.500s", self, error)

    def _log_raised(self, text: str, error: BaseException) -> None:
        """Log an error of the user's code; the traceback once, however often a peer causes it."""
        if self.failures.is_new(error, self._now()):
            self.log.error("%.500s", text, exc_info=error)
        else:
            self.log.error("%.500s (again, %s: %.500s)", text, type(error).__name__, error)

    async def _shielded(self, pending: Awaitable[None]) -> None:
        """Await; a listener that cancels itself must not stop the connection for good."""
        try:
            await pending
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            self.log.warning("%r: a listener was cancelled", self)

    @abstractmethod
    def _control(self, message: Control) -> None:
        """Act on a control message."""

    @abstractmethod
    def _drop(self) -> None:
        """End the connection at once, so that the client may reconnect."""
