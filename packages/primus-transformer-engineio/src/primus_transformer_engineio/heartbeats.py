"""The heartbeats of both revisions, which keep proxies and polls going."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from primus.clock import Clock
from primus.closed import Ending, silent
from primus.errors import ProtocolError
from primus.polling import Pings
from primus.timers import TimerWheel
from primus_transformer_engineio.packets import PING, PONG, Packet

__all__ = ["ClientPings", "Heartbeat", "ServerPings"]

OPTION: Final = 'transport["ping_timeout"]'


class Monitored(Protocol):
    """What a heartbeat watches over: a session."""

    @property
    def paused(self) -> bool:
        """Whether we do not read from it, so that its silence is ours."""

    def dispatch(self, packet: Packet) -> None:
        """Send a packet."""

    def answer(self, packet: Packet) -> None:
        """Send the answer to a ping."""

    def over(self, error: Exception | None = None, ending: Ending | None = None) -> None:
        """End the session of a peer that has died."""


class Heartbeat(Protocol):
    """The heartbeat of one session of a server."""

    def seen(self) -> None:
        """Note a packet of the peer."""

    def start(self) -> None:
        """Start, when the session is open."""

    def stop(self) -> None:
        """Stop: the session is over."""

    @property
    def expired(self) -> bool:
        """Whether the client's time is over, even if no timer has said so yet."""

    @property
    def silence(self) -> Ending:
        """What the end of a client is called whose time is over."""

    def ping(self, data: str) -> None:
        """Handle a ping of the peer.

        Raises:
            ProtocolError: it must not.
        """

    def pong(self) -> None:
        """Handle a pong of the peer.

        Raises:
            ProtocolError: it must not.
        """


class ServerPings(Pings):
    """Revision 4: the server pings, and the client has some time to answer; in seconds."""

    __slots__ = ()

    def __init__(
        self,
        monitored: Monitored,
        clock: Clock,
        timers: TimerWheel[Callable[[], object]],
        interval: float,
        timeout: float,
    ) -> None:
        super().__init__(monitored, clock, timers, PING, interval, timeout, OPTION)

    def ping(self, data: str) -> None:
        """Only servers ping."""
        raise ProtocolError("a client of revision 4 has sent a ping")


class ClientPings:
    """Revision 3: the client pings; a server gives up one that has sent nothing for long.

    Durations are in seconds.
    """

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

    @property
    def silence(self) -> Ending:
        """What the end of a client is called whose time is over."""
        return silent("client", self._clock.time() - self._seen, OPTION)

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
            self._monitored.over(ending=self.silence)
        else:
            self.start()
