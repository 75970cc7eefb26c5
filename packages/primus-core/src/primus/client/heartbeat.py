"""The client's heartbeat, which suits Primus servers of every generation.

Servers from Primus 7 on ping; those before want to be pinged, but a newer one would give such
a ping to its application. So a client sends ``primus::id::`` when it has been idle: every
server answers it, and it counts as a sign of life for those that wait for one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from primus.clock import Clock, Timer, expect

__all__ = ["Heartbeat", "Rhythm", "rhythm"]

MARGIN: Final = 10.0
"""How long before the server's ``timeout`` a client gives a sign of life, in seconds."""

MARGIN_SHARE: Final = 0.6
"""The same, as a share of a ``timeout`` that is short."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The durations of a heartbeat in seconds; `None` disables what each stands for.

    ``ping``: idle time after which the server is asked. ``pong``: time it has to answer.
    ``ping_timeout``: how long a server that pings may go without doing so.
    """

    ping: float | None
    pong: float | None
    ping_timeout: float | None


def rhythm(
    ping: float | None, pong: float | None, ping_timeout: float | None, timeout: float | None
) -> Rhythm:
    """The rhythm that suits a server whose own ``timeout`` is known, or `None` when it is not.

    A server ends connections that have been silent for `timeout`; a sign of life comes before.
    """
    if ping is not None and timeout is not None:
        ping = min(ping, max(timeout - MARGIN, timeout * (1 - MARGIN_SHARE)))
    return Rhythm(ping, pong, ping_timeout)


class Heartbeat:
    """Finds out whether the server is still there, and how far away it is; one timer.

    Args:
        rhythm: the durations.
        clock: tells the time.
        ask: sends ``primus::id::``.
        traffic: the times of the last frame that was sent and of the last one that arrived.
        is_held: whether we do not read, so that silence means nothing.
        expired: is called when the server is taken for lost.
    """

    __slots__ = (
        "_ask",
        "_asked",
        "_clock",
        "_expired",
        "_held",
        "_is_held",
        "_owed",
        "_pinged",
        "_probed",
        "_rhythm",
        "_running",
        "_timer",
        "_traffic",
        "latency",
    )

    def __init__(
        self,
        rhythm: Rhythm,
        clock: Clock,
        *,
        ask: Callable[[], None],
        traffic: Callable[[], tuple[float, float]],
        is_held: Callable[[], bool],
        expired: Callable[[], object],
    ) -> None:
        self._rhythm = rhythm
        self._clock = clock
        self._ask = ask
        self._traffic = traffic
        self._is_held = is_held
        self._expired = expired
        self._timer: Timer | None = None
        self._running = False
        self._held = False
        self._asked: float | None = None
        self._probed: float | None = None
        """When the server was asked last."""
        self._owed: float | None = None
        """When the server was asked first of all the times that nothing has answered."""
        self._pinged: float | None = None
        self.latency = 0.0
        """The last round trip to the server, in seconds."""

    @property
    def asking(self) -> bool:
        """Whether the server still owes an answer to ``primus::id::``."""
        return self._asked is not None

    def start(self, pings: bool) -> None:
        """Start, on an open connection; `pings` tells whether the server is known to ping."""
        now = self._clock.time()
        self._asked = self._probed = self._owed = None
        self._held = False
        self._running = True
        self._pinged = now if pings else None
        self._arm(now)

    def stop(self) -> None:
        """Stop: the connection is gone."""
        self._running = False
        self._asked = self._probed = self._owed = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def ask(self) -> None:
        """Ask the server for the id of this connection, and look at the clock."""
        if self._asked is None:
            self._asked = self._clock.time()
        self._ask()

    def answered(self) -> bool:
        """Note that the server has answered with the id.

        Returns:
            Whether it was asked, so that `latency` has been measured.
        """
        now = self._clock.time()
        asked, self._asked = self._asked, None
        if asked is not None:
            self.latency = now - asked
        if self._running:
            self._arm(now)
        return asked is not None

    def pinged(self) -> None:
        """Note a ping of the server."""
        first = self._pinged is None
        self._pinged = self._clock.time()
        if first and self._running:
            self._arm(self._pinged)

    def _look(self) -> None:
        """Do what is due, when the timer has fired."""
        self._timer = None
        now = self._clock.time()
        if self._is_held() or self._held:
            self._excuse(now)
        elif self._is_lost(now):
            self._expired()
            return
        if self._idle_until() <= now:
            self._probed = now
            if self._answer_due() == math.inf:
                self._owed = now
            self.ask()
        if self._running:  # a listener may have ended the connection
            self._arm(now)

    def _excuse(self, now: float) -> None:
        """Restart the server's time, since nothing was read meanwhile."""
        self._held = self._is_held()
        if self._owed is not None:
            self._owed = now
        if self._pinged is not None:
            self._pinged = now

    def _is_lost(self, now: float) -> bool:
        return min(self._answer_due(), self._ping_due()) <= now

    def _answer_due(self) -> float:
        """When the answer to a probe is overdue. Any frame counts as one."""
        pong, owed = self._rhythm.pong, self._owed
        if pong is None or owed is None or self._traffic()[1] >= owed:
            return math.inf
        return owed + pong

    def _ping_due(self) -> float:
        """When the server's next ping is overdue."""
        if self._pinged is None or self._rhythm.ping_timeout is None:
            return math.inf
        return self._pinged + self._rhythm.ping_timeout

    def _idle_until(self) -> float:
        """When the connection will have been idle, in either direction, for long enough.

        An answer that is owed changes nothing: a server may end connections that say nothing.
        """
        if self._rhythm.ping is None:
            return math.inf
        since = min(self._traffic())
        return (since if self._probed is None else max(since, self._probed)) + self._rhythm.ping

    def _arm(self, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        when = min(self._answer_due(), self._ping_due(), self._idle_until())
        if when < math.inf:
            self._timer = expect(self._clock, max(0.0, when - now), self._look)
