"""The acknowledgements that one connection awaits, and those that it owes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from primus import PrimusError, Spark, TransportError
from primus.clock import Clock, Timer, expect
from primus.events import Delivered
from primus_emit import packets

if TYPE_CHECKING:
    from primus import Socket

__all__ = ["Ack", "AckLost", "AckTimeout", "Acks"]


class AckTimeout(PrimusError, TimeoutError):
    """The other side has not acknowledged an event in time; it may have received it."""


class AckLost(TransportError):
    """The connection went before an event was acknowledged; it may have been received."""


class Waiting:
    """One event that is to be acknowledged.

    Args:
        event: its name.
        answered: takes the arguments of the acknowledgement.
        failed: takes the error when there will be none.
        is_sent: whether it is on its way, rather than kept until a socket is open.
    """

    __slots__ = ("answered", "event", "failed", "is_sent", "timer")

    def __init__(
        self,
        event: str,
        answered: Callable[[Sequence[Any]], Delivered],
        failed: Callable[[PrimusError], None],
        is_sent: bool,
    ) -> None:
        self.event = event
        self.answered = answered
        self.failed = failed
        self.is_sent = is_sent
        self.timer: Timer | None = None


class Acks:
    """The events of one connection that are to be acknowledged.

    Args:
        clock: times them.
        timeout: how many seconds an acknowledgement may take, unless said otherwise; `None` for
            as long as the connection lasts.
    """

    def __init__(self, clock: Clock, timeout: float | None) -> None:
        self.timeout = timeout
        self.epoch = 0
        """Counts the connections that a socket has had; an answer is good for one of them."""
        self._clock = clock
        self._cut = False
        self._next = 1
        self._waiting: dict[float, Waiting] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def expect(self, waiting: Waiting, timeout: float | None) -> int:
        """Wait for an acknowledgement, for so many seconds or for ever; gives the id to ask by."""
        id, self._next = self._next, self._next + 1
        self._waiting[id] = waiting
        if timeout is not None:
            waiting.timer = expect(self._clock, timeout, self._late, id, timeout)
        return id

    def arrived(self, id: float, args: Sequence[Any]) -> Delivered:
        """Hand an acknowledgement to the call that waits for it, once."""
        waiting = self.forget(id)
        return False if waiting is None else waiting.answered(args)

    def forget(self, id: float) -> Waiting | None:
        """Wait for it no longer."""
        waiting = self._waiting.pop(id, None)
        if waiting is not None and waiting.timer is not None:
            waiting.timer.cancel()
        return waiting

    def opened(self) -> None:
        """Handle that a socket is open, and has sent what it had kept."""
        self.epoch += 1
        self._cut = False
        for waiting in self._waiting.values():
            waiting.is_sent = True

    def cut(self) -> None:
        """Handle the loss of the wire, before the connection ends."""
        self._cut = True
        self.lost()

    def is_cut(self, connection: Spark | Socket) -> bool:
        """Whether a connection is open but for the wire, so that nothing can be answered."""
        return self._cut and connection.ready_state == Spark.OPEN

    def lost(self) -> None:
        """Fail what waits for acknowledgements: the connection is gone."""
        self._fail([id for id, waiting in self._waiting.items() if waiting.is_sent])

    def ended(self) -> None:
        """Fail all: there will be no other connection."""
        self._fail(list(self._waiting))

    def _fail(self, ids: list[float]) -> None:
        for id in ids:
            waiting = self.forget(id)
            if waiting is not None:
                text = f"the connection went before {waiting.event!r} was acknowledged"
                waiting.failed(AckLost(text))

    def _late(self, id: float, seconds: float) -> None:
        waiting = self._waiting.pop(id)
        waiting.failed(AckTimeout(f"{waiting.event!r} was not acknowledged within {seconds} s"))


class Ack:
    """Acknowledges an event: called by its listener, with arguments of the listener's own.

    Works once, and as long as the connection lasts that the event came over: an id means
    something else on the next one.
    """

    __slots__ = ("_acks", "_connection", "_epoch", "_id", "_spent")

    def __init__(self, connection: Spark | Socket, acks: Acks, id: float) -> None:
        self._connection = connection
        self._acks = acks
        self._epoch = acks.epoch
        self._id = id
        self._spent = False

    def __call__(self, *args: Any) -> bool:
        """Send the acknowledgement.

        Returns:
            False when it has been sent before, or is not awaited any more.
        """
        connection = self._connection
        if self._spent or self._epoch != self._acks.epoch or connection.ready_state != Spark.OPEN:
            return False
        self._spent = True
        return connection.write(packets.ack(self._id, args))
