"""Pings of a server whose framework has some of its own, which keep proxies and polls going."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from primus.clock import Clock
from primus.closed import Ending, silent
from primus.timers import TimerWheel

__all__ = ["Pinged", "Pings"]

LATE: Final = 1.0
"""Seconds; no timer is as late as that unless the process has stood still."""


class Pinged(Protocol):
    """What is kept alive: a session."""

    @property
    def paused(self) -> bool:
        """Whether we do not read from it, so that its silence is ours."""

    def dispatch(self, packet: str) -> None:
        """Send a packet."""

    def over(self, error: Exception | None = None, ending: Ending | None = None) -> None:
        """End the session of a peer that has died."""


class Pings:
    """Pings one client, and gives it up when the answer does not come.

    Args:
        pinged: the session.
        clock: what tells the time.
        timers: those of all sessions.
        ping: the packet that is sent.
        interval: seconds between an answer and the next ping.
        timeout: seconds that the answer may take.
        option: what the option is called that sets `timeout`.
    """

    __slots__ = (
        "_clock",
        "_due",
        "_interval",
        "_is_on",
        "_option",
        "_ping",
        "_pinged",
        "_seen",
        "_session",
        "_timeout",
        "_timers",
    )

    def __init__(
        self,
        pinged: Pinged,
        clock: Clock,
        timers: TimerWheel[Callable[[], object]],
        ping: str,
        interval: float,
        timeout: float,
        option: str = "",
    ) -> None:
        self._session = pinged
        self._clock = clock
        self._timers = timers
        self._ping = ping
        self._interval = interval
        self._timeout = timeout
        self._option = option
        self._seen = self._due = clock.time()
        self._pinged = False
        """Whether an answer is owed since `_due`, when it was pinged or should have been."""

        self._is_on = False

    def start(self) -> None:
        """Ping when the interval is over."""
        self._is_on = True
        self._await_ping()

    def stop(self) -> None:
        """Ping no more."""
        if not self._is_on:
            return
        self._is_on = self._pinged = False
        self._timers.discard(self._send)
        self._timers.discard(self._give_up)

    def seen(self) -> None:
        """Note a packet of the client."""
        self._seen = self._clock.time()

    def pong(self) -> None:
        """Ping again, an interval from now; what answers no ping is left alone."""
        if self._pinged:
            self._timers.discard(self._give_up)
            self._await_ping()

    @property
    def expired(self) -> bool:
        """Whether the answer to a ping is overdue, even if no timer has said so yet.

        Any other packet that has come since the ping is a sign of life, too.
        """
        overdue = self._pinged and self._due + self._timeout <= self._clock.time()
        return overdue and self._seen < self._due and not self._session.paused

    @property
    def silence(self) -> Ending:
        """What the end of a client is called whose time is over."""
        return silent("client", self._clock.time() - self._seen, self._option)

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
        self._session.dispatch(self._ping)

    def _give_up(self) -> None:
        if self.expired:
            self._session.over(ending=self.silence)
        else:
            self._due = self._clock.time()
            self._send()
