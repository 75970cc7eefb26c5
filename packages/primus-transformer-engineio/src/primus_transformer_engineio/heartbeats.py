"""The heartbeats of both revisions, which keep proxies and polls going."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final, Protocol

from primus.clock import Clock
from primus.errors import ProtocolError
from primus.timers import TimerWheel
from primus_transformer_engineio.packets import PING, PONG, Packet

__all__ = ["ClientPings", "Heartbeat", "ServerPings"]


LATE: Final = 1.0
"""Seconds; no timer is as late as that unless the process has stood still."""


class Monitored(Protocol):
    """What a heartbeat watches over: a session."""

    @property
    def paused(self) -> bool:
        """Whether we do not read from it, so that its silence is ours."""

    def dispatch(self, packet: Packet) -> None:
        """Send a packet."""

    def answer(self, packet: Packet) -> None:
        """Send the answer to a ping."""

    def over(self, error: Exception | None = None) -> None:
        """End the session of a peer that has died."""


class Heartbeat(ABC):
    """The heartbeat of one session of a server; durations are in seconds."""

    __slots__ = ("_clock", "_interval", "_monitored", "_seen", "_timeout", "_timers")

    def __init__(
        self,
        monitored: Monitored,
        clock: Clock,
        timers: TimerWheel[Callable[[], object]],
        interval: float,
        timeout: float,
    ) -> None:
        self._monitored = monitored
        self._clock = clock
        self._timers = timers
        self._interval = interval
        self._timeout = timeout
        self._seen = clock.time()

    def seen(self) -> None:
        """Note a packet of the peer."""
        self._seen = self._clock.time()

    @abstractmethod
    def start(self) -> None:
        """Start, when the session is open."""

    @abstractmethod
    def stop(self) -> None:
        """Stop: the session is over."""

    @property
    @abstractmethod
    def expired(self) -> bool:
        """Whether the client's time is over, even if no timer has said so yet."""

    @abstractmethod
    def ping(self, data: str) -> None:
        """Handle a ping of the peer.

        Raises:
            ProtocolError: it must not.
        """

    @abstractmethod
    def pong(self) -> None:
        """Handle a pong of the peer.

        Raises:
            ProtocolError: it must not.
        """


class ServerPings(Heartbeat):
    """Revision 4: the server pings, and the client has some time to answer."""

    __slots__ = ("_due", "_pinged")

    def start(self) -> None:
        """Ping when the interval is over."""
        self._await_ping()

    @property
    def expired(self) -> bool:
        """Whether the answer to a ping is overdue.

        Any other packet that has come since the ping is a sign of life, too.
        """
        overdue = self._pinged and self._due + self._timeout <= self._clock.time()
        return overdue and self._seen < self._due and not self._monitored.paused

    def stop(self) -> None:
        """Ping no more."""
        self._timers.discard(self._send)
        self._timers.discard(self._give_up)

    def ping(self, data: str) -> None:
        """Only servers ping."""
        raise ProtocolError("a client of revision 4 has sent a ping")

    def pong(self) -> None:
        """Ping again, an interval from now."""
        self._timers.discard(self._give_up)
        self._await_ping()

    def _await_ping(self) -> None:
        self._pinged = False
        self._due = self._clock.time() + self._interval
        self._timers.put(self._send, self._due)

    def _send(self) -> None:
        """Ping; an answer that does not come does not keep the next one from being sent.

        A client takes a server for lost that has not pinged for interval and timeout together.
        """
        now = self._clock.time()
        if now - self._due > LATE:
            self._due = now  # the whole process has slept: that is not the client's fault
        self._pinged = True
        self._timers.put(self._give_up, self._due + self._timeout)
        self._monitored.dispatch(PING)

    def _give_up(self) -> None:
        if self.expired:
            self._monitored.over()
        else:
            self._due = self._clock.time()
            self._send()


class ClientPings(Heartbeat):
    """Revision 3: the client pings; a server gives up one that has sent nothing for long."""

    __slots__ = ()

    def start(self) -> None:
        """Look when the time could be over."""
        self._timers.put(self._look, self._seen + self._interval + self._timeout)

    def stop(self) -> None:
        """Look no more."""
        self._timers.discard(self._look)

    @property
    def expired(self) -> bool:
        """Whether the client has been silent for too long."""
        silence = self._clock.time() - self._seen
        return silence >= self._interval + self._timeout and not self._monitored.paused

    def ping(self, data: str) -> None:
        """Answer it with what it has brought."""
        self._monitored.answer(PONG + data)

    def pong(self) -> None:
        """Only servers answer pings."""
        raise ProtocolError("a client of revision 3 has sent a pong")

    def _look(self) -> None:
        if self._monitored.paused:
            self.seen()
        if self.expired:
            self._monitored.over()
        else:
            self.start()
