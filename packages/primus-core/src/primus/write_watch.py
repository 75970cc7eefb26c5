"""Ends connections whose peers take nothing of what is sent to them."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final, Protocol

from primus.clock import Alarm, Clock, Timer
from primus.closed import EndCode, Ending

__all__ = ["Wire", "WriteWatch"]

log = logging.getLogger("primus.server")

TCP_INFO: Final[int | None] = getattr(socket, "TCP_INFO", None)
BYTES_ACKED: Final = slice(120, 128)
NOT_SENT: Final = slice(144, 148)
"""Where ``tcpi_bytes_acked`` and ``tcpi_notsent_bytes`` stand in ``struct tcp_info`` of Linux."""

NOTHING: Final = bytes(4)

AT_ONCE: Final = 500
"""How many connections are looked at before others get their turn."""


class Wire(Protocol):
    """What is watched: an `asyncio.Transport` of any event loop."""

    def get_write_buffer_size(self) -> int:
        """How many bytes wait to be sent."""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """The socket, among others."""

    def is_closing(self) -> bool:
        """Whether it is closed, or is as soon as all has been sent."""

    def abort(self) -> None:
        """Drop it at once."""


class Told(Protocol):
    """What is told of the loss of a wire."""

    def lost(self, error: Exception | None = None, ending: Ending | None = None) -> None:
        """As `Receiver.lost`."""


class Carrier(Protocol):
    """What uses a wire: a transport."""

    @property
    def connection(self) -> Told | None:
        """What it brings its frames to."""


class WriteWatch:
    """Looks at all connections on one timer, and drops those that make no progress.

    It looks twice in `timeout` seconds, so a connection is dropped after `timeout` to one and a
    half times `timeout`. A peer that takes anything at all in that time makes progress. Where the
    system tells, what waits in the socket and what the peer has acknowledged count.

    Args:
        clock: what tells the time.
        timeout: seconds without progress; `None` to watch nothing.
    """

    def __init__(self, clock: Clock, timeout: float | None) -> None:
        self._clock = clock
        self.timeout = timeout
        """Seconds without progress; `None` to watch nothing."""
        self._kept: dict[Wire, Carrier | None] = {}
        """What is watched until it is discarded, and the transport that uses it."""
        self._added: dict[Wire, bool] = {}
        """What is watched until all has been sent, and whether nothing waited the last time."""
        self._waiting: dict[Wire, tuple[object, float]] = {}
        """Wires on which something waited the last time: its mark, and since when that stands."""
        self._alarm = Alarm(clock, self._look)
        self._turn: Timer | None = None
        """Looks at those that are left, in another turn of the loop."""
        self._is_stopped = False

    def __len__(self) -> int:
        return len(self._kept) + len(self._added)

    def add(self, wire: Wire | None) -> None:
        """Watch a connection until all that is about to be written has been sent."""
        if wire is not None and wire not in self._kept and self._begins():
            self._added[wire] = False

    def keep(self, wire: Wire | None, transport: Carrier | None = None) -> None:
        """Watch the wire of a transport until it is discarded; the transport's receiver is told."""
        if wire is not None and self._begins():
            self._added.pop(wire, None)
            self._kept[wire] = transport or self._kept.get(wire)

    def discard(self, wire: Wire | None) -> None:
        """Watch a connection no longer."""
        if wire is not None:
            self._kept.pop(wire, None)
            self._added.pop(wire, None)
            self._waiting.pop(wire, None)

    def stop(self) -> None:
        """Watch nothing any more, whatever is added."""
        self._is_stopped = True
        self._kept.clear()
        self._added.clear()
        self._waiting.clear()
        self._alarm.stop()
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None

    def _begins(self) -> bool:
        """Look at what is watched from now on, if anything is."""
        if self.timeout is None or self._is_stopped:
            return False
        if not self._alarm.is_set():
            self._alarm.set(self.timeout / 2)
        return True

    def _look(self) -> None:
        """Look at all wires, some in each turn of the loop."""
        assert self.timeout is not None
        self._alarm.set(self.timeout / 2)
        self._look_at(iter((*self._kept, *self._added)))

    def _look_at(self, rest: Iterator[Wire]) -> None:
        assert self.timeout is not None
        now = self._clock.time()
        some = tuple(islice(rest, AT_ONCE))
        for wire in some:
            if wire in self._kept or wire in self._added:
                self._check(wire, now, self.timeout)
        if len(some) == AT_ONCE:
            self._turn = self._clock.call_later(0, self._look_at, rest)
        elif not self._kept and not self._added:
            self._alarm.stop()

    def _check(self, wire: Wire, now: float, timeout: float) -> None:
        waits, mark = _state(wire)
        if not waits:
            self._empty(wire)
            return
        before, since = self._waiting.get(wire, (None, now))
        if mark != before:
            self._waiting[wire] = (mark, now)
        elif now - since >= timeout:
            transport = self._kept.get(wire)
            self.discard(wire)
            self._drop(wire, transport)

    def _drop(self, wire: Wire, transport: Carrier | None) -> None:
        """Drop a wire; where no connection tells of it in the log, it is told here."""
        receiver = None if transport is None else transport.connection
        if receiver is not None:
            reason = f"the other side took nothing of what was sent to it for {self.timeout} s"
            receiver.lost(None, Ending(EndCode.SLOW_CONSUMER, None, reason, "write_timeout"))
        else:
            log.info("dropped a connection whose peer takes nothing (write_timeout): %r", wire)
        wire.abort()

    def _empty(self, wire: Wire) -> None:
        """Forget what was added, unless it has yet to be written."""
        if self._added.get(wire) or wire.is_closing():
            self.discard(wire)
        elif wire in self._added:
            self._added[wire] = True
        self._waiting.pop(wire, None)


def _state(wire: Wire) -> tuple[bool, object]:
    """Whether something waits for the peer, and what changes when it takes some of that.

    The socket holds up to some megabytes, and all of what TLS has encrypted may wait below the
    transport that we know, so where the system tells, it is asked.
    """
    size = wire.get_write_buffer_size()
    info = _tcp_info(wire)
    if len(info) < NOT_SENT.stop:
        return size > 0, size
    return size > 0 or info[NOT_SENT] != NOTHING, info[BYTES_ACKED]


def _tcp_info(wire: Wire) -> bytes:
    """What the system knows of a TCP connection; nothing for others, and on other systems."""
    connection = wire.get_extra_info("socket")
    if TCP_INFO is None or connection is None:
        return b""
    try:
        info: bytes = connection.getsockopt(socket.IPPROTO_TCP, TCP_INFO, NOT_SENT.stop)
    except (OSError, ValueError):
        return b""  # it is no TCP, or has been closed: uvloop says so with a ValueError
    return info
