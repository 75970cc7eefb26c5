"""`Transport`: one live wire, and what it brings its frames to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Protocol

from primus.closed import Ending
from primus.heartbeat import Generation

__all__ = ["PreparedFrames", "Receiver", "Transport"]


class Receiver(Protocol):
    """What a transport brings its frames to: a `Connection`, or a transformer on top of it."""

    def feed(self, frame: str | bytes, last: bool = True) -> None:
        """Take one frame.

        Args:
            frame: text as `str`, binary as `bytes`.
            last: whether it is a sign of life. A transport that knows that another frame of the
                same read follows may say so: then that one is, and the clock is read but once.
        """

    def seen(self) -> None:
        """Note a sign of life that is no frame."""

    def congested(self, congested: bool) -> None:
        """More than the limit waits to be sent, or no longer does."""

    def lost(self, error: Exception | None = None, ending: Ending | None = None) -> None:
        """Report the loss of the wire.

        Args:
            error: what the peer did wrong, if that is why.
            ending: what else is known; `None` when the wire went without a word.
        """


class PreparedFrames(Protocol):
    """A frame as each class of transports has made it ready, by the class."""

    def get(self, kind: Any, /) -> Any:
        """What has been made ready; `None` when nothing has."""

    def __setitem__(self, kind: Any, prepared: Any, /) -> None:
        """Keep what a class has made ready."""


class Transport(ABC):
    """One live wire that carries the frames of one `Connection`.

    A transport is driven from the event loop's thread only, and nothing in it waits. It tells
    its connection what happens by calling

    * `Connection.feed` for every frame that arrives,
    * `Connection.seen` for a sign of life that is no frame (a WebSocket ping or pong),
    * `Connection.congested` when more than ``high_water`` bytes wait to be sent, and again
      when they have left,
    * `Connection.lost` once, when the wire is gone, whichever side ended it.
    """

    __slots__ = ("connection", "given", "taken")

    def __init__(self) -> None:
        self.connection: Receiver | None = None
        self.taken = 0
        """Bytes that have arrived, as far as this transport counts them."""
        self.given = 0
        """Bytes that have been sent."""

    @property
    def traffic(self) -> tuple[int, int]:
        """Bytes that have arrived, and bytes that have been sent."""
        return self.taken, self.given

    @property
    def generation(self) -> Generation:
        """The heartbeat generation of the peer, where the wire itself tells it."""
        return Generation.UNKNOWN

    @abstractmethod
    def send(self, frame: str | bytes) -> None:
        """Send one frame, text for `str` and binary for `bytes`; nothing once it is closing."""

    def send_text(self, text: bytes) -> None:
        """Send one text frame that is there as UTF-8, as `send` would."""
        self.send(text.decode())

    @classmethod
    def prepare(cls, frame: str | bytes) -> Any:
        """What `send_prepared` takes: the frame, made ready once for many connections."""
        return frame

    def send_prepared(self, prepared: Any) -> None:
        """Send a frame that `prepare` of this class has made ready."""
        self.send(prepared)

    def ping(self) -> bool:
        """Ask the peer for a sign of life that is no frame: `Connection.seen` tells of it.

        Returns:
            False when this wire has nothing to ask with.
        """
        return False

    @abstractmethod
    def close(self, code: int | None = None, reason: str = "") -> None:
        """Close in order: what was sent before still arrives. Calling it again does nothing.

        `code` and `reason` mean what the framework takes them for; `None` is its normal close.
        """

    @abstractmethod
    def abort(self) -> None:
        """Drop the wire at once, with whatever waits to be sent."""

    def when_gone(self, fn: Callable[[], None]) -> bool:
        """Call `fn` once the wire itself is closed, which may be a while after `Connection.lost`.

        Returns:
            False when nothing is left to wait for once the connection has been told; `fn` is not
            called then.
        """
        return False

    @property
    @abstractmethod
    def buffered(self) -> int:
        """How many bytes wait to be sent."""

    @abstractmethod
    def limit(self, high_water: int) -> None:
        """Call `Connection.congested` when more than `high_water` bytes wait to be sent."""

    @abstractmethod
    def pause_reading(self) -> None:
        """Feed nothing more for now, not even of what has been read.

        Once this returns, the message that is being fed was the last one: what a read has
        brought beside it stays as it came, unparsed, and the wire is not read any further. Only
        what bounds itself may still be looked at: a post, an answer or a frame whose messages
        have been counted and measured.

        It is called from within `Connection.feed` as well. So a transport looks before every
        message, and not once for each read.
        """

    @abstractmethod
    def resume_reading(self) -> None:
        """Resume, first with what was kept, in order, until the connection pauses again.

        A transport that is not paused goes on in turns as well: after ``turn_messages`` messages
        or ``turn_bytes`` bytes (`primus.limits.Limits`) of one connection, the loop looks after
        all others.
        """
