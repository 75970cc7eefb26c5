"""Wires that are lists: transports without sockets, for tests that decide what happens when."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from primus.closed import Ending
from primus.transformer import Transport
from primus_testing.requests import make_request

if TYPE_CHECKING:
    from primus.connection import Connection
    from primus.server.primus import Primus
    from primus.server.spark import Spark

__all__ = ["LingeringTransport", "MemoryTransport", "join", "memory_pair"]

Frame = str | bytes


class MemoryTransport(Transport):
    """A transport that keeps what is sent in `sent`, and hands it to its other end, if any.

    Frames move at once, in the call that sends them; between two ends they are queued when
    one end is in the middle of handling a frame, so they arrive in order and never nested.
    """

    __slots__ = (
        "_clogged",
        "_ending",
        "_feeding",
        "_high_water",
        "_inbound",
        "_is_congested",
        "_waiting",
        "aborted",
        "closed",
        "gone",
        "other",
        "paused",
        "sent",
    )

    prepared: ClassVar[int] = 0
    """How many frames have been prepared for broadcasts, by all transports of the class."""

    def __init__(self, connection: Connection | None = None) -> None:
        super().__init__()
        self.sent: list[Frame] = []
        """Every frame that was given to `send`, in order, whether it has left or not."""
        self.other: MemoryTransport | None = None
        self.closed: tuple[int | None, str] | None = None
        """Code and reason, once the connection has closed the wire."""
        self.aborted = False
        self.gone = False
        """Whether the wire is gone; nothing is sent or delivered any more."""
        self.paused = False
        """Whether the connection does not want to read."""
        self._inbound: deque[Frame | None] = deque()
        self._waiting: deque[Frame | None] = deque()
        self._clogged = False
        self._is_congested = False
        self._feeding = False
        self._ending: Ending | None = None
        self._high_water = 1 << 20
        if connection is not None:
            connection.attach(self)

    # -- what the connection calls

    def send(self, frame: Frame) -> None:
        """Keep the frame, and hand it on unless the wire is clogged."""
        if self.closed is None and not self.gone:
            self.sent.append(frame)
            self._pass_on(frame)

    def send_text(self, text: bytes) -> None:
        """Keep the text as `send` does, so that quick encoders are used."""
        self.send(text.decode())

    @classmethod
    def prepare(cls, frame: Frame) -> Any:
        """Count the frame."""
        cls.prepared += 1
        return frame

    def close(self, code: int | None = None, reason: str = "") -> None:
        """Close once everything that was sent has left."""
        if self.closed is None and not self.gone:
            self.closed = (code, reason)
            self.paused = False
            self._pass_on(None)

    def abort(self) -> None:
        """Drop the wire; what is clogged is lost."""
        self.aborted = True
        self._waiting.clear()
        self.lose()

    @property
    def buffered(self) -> int:
        """The size of what is clogged, in bytes."""
        return sum(len(_bytes(frame)) for frame in self._waiting if frame is not None)

    def limit(self, high_water: int) -> None:
        """Report congestion above `high_water` bytes."""
        self._high_water = high_water

    def pause_reading(self) -> None:
        """Keep what arrives."""
        self.paused = True

    def resume_reading(self) -> None:
        """Hand over what has been kept."""
        self.paused = False
        self._feed()

    # -- what tests call

    def receive(self, *frames: Frame) -> None:
        """Feed frames, as if the peer had sent them."""
        self._inbound.extend(frames)
        self._feed()

    def seen(self) -> None:
        """Report a sign of life that is no frame."""
        if self.connection is not None:
            self.connection.seen()

    def clog(self) -> None:
        """The peer does not read: what is sent from now on waits."""
        self._clogged = True

    def unclog(self) -> None:
        """Read again, as the peer: what waits leaves."""
        self._clogged = False
        while self._waiting and not self._clogged:
            self._leave(self._waiting.popleft())
        self._report_congestion()

    def lose(self, error: Exception | None = None, ending: Ending | None = None) -> None:
        """Break the wire: both ends are told, and what was still under way is lost."""
        if self.gone:
            return
        self.gone = True
        self._inbound.clear()
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.lost(error, ending)
        other, self.other = self.other, None
        if other is not None:
            other.hang_up()

    def hang_up(self, ending: Ending | None = None) -> None:
        """Close, as the peer: what it sent before is delivered first.

        Args:
            ending: what the peer says of it; `None` when the wire breaks without a word.
        """
        self._ending = ending
        self._inbound.append(None)
        self._feed()

    # -- inside

    def _pass_on(self, frame: Frame | None) -> None:
        if self._clogged:
            self._waiting.append(frame)
            self._report_congestion()
        else:
            self._leave(frame)

    def _leave(self, frame: Frame | None) -> None:
        if frame is None:
            self._finish_closing()
        elif self.other is not None:
            self.other.receive(frame)

    def _finish_closing(self) -> None:
        """Report the close to both ends, as after a close handshake."""
        other, self.other = self.other, None
        if other is not None:
            other.hang_up(Ending.of_peer(*(self.closed or ())))
        self.hang_up()

    def _feed(self) -> None:
        if self._feeding:
            return
        self._feeding = True
        try:
            while self._inbound and not self.paused and not self.gone:
                frame = self._inbound.popleft()
                if frame is None:
                    self.lose(ending=self._ending)
                elif self.connection is not None:
                    self.connection.feed(frame)
        finally:
            self._feeding = False

    def _report_congestion(self) -> None:
        congested = self.buffered > self._high_water
        if congested != self._is_congested:
            self._is_congested = congested
            if self.connection is not None:
                self.connection.congested(congested)


class LingeringTransport(MemoryTransport):
    """A transport in memory of which TCP keeps something for a while, as on a slow network."""

    def __init__(self) -> None:
        super().__init__()
        self.on_gone: Callable[[], None] | None = None
        """What waits until nothing is left; tests call it."""

    def when_gone(self, fn: Callable[[], None]) -> bool:
        """Let `fn` wait."""
        self.on_gone = fn
        return True


def _bytes(frame: Frame) -> bytes:
    return frame.encode("utf-8", "surrogatepass") if isinstance(frame, str) else frame


def memory_pair() -> tuple[MemoryTransport, MemoryTransport]:
    """The two ends of one wire; attach a connection to either."""
    one, two = MemoryTransport(), MemoryTransport()
    one.other, two.other = two, one
    return one, two


def join(primus: Primus, target: str = "/primus", **request: Any) -> tuple[Spark, MemoryTransport]:
    """A spark of `primus` on a wire of its own, past all middleware.

    Args:
        primus: the server.
        target: path and query string that the spark was asked for with.
        request: more for `make_request`.

    Returns:
        The spark, and its transport: `MemoryTransport.receive` speaks to the spark, and
        `MemoryTransport.sent` is what it has said.
    """
    wire = MemoryTransport()
    return primus.accept(wire, make_request(target, **request)), wire
