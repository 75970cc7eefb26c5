"""The heartbeat of a client: it pings (revision 3), or waits for pings (revision 4)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

from primus.clock import SYSTEM_CLOCK, Clock, Timer, expect
from primus.closed import Ending, silent
from primus_transformer_engineio.packets import PING, Packet

__all__ = ["ClientHeartbeat"]


class PingingSession(Protocol):
    """What the heartbeat uses of a session."""

    @property
    def paused(self) -> bool:
        """Whether the session is not read, so that the silence is ours."""

    def dispatch(self, packet: Packet) -> None:
        """Send a packet."""

    def over(self, error: Exception | None = None, ending: Ending | None = None) -> None:
        """End the session."""


class ClientHeartbeat:
    """Ends a session whose server is silent; durations are in seconds."""

    __slots__ = (
        "_answer_by",
        "_clock",
        "_interval",
        "_pings",
        "_seen",
        "_session",
        "_timeout",
        "_timer",
    )

    def __init__(
        self,
        session: PingingSession,
        *,
        pings: bool,
        interval: float,
        timeout: float,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._session = session
        self._clock = clock
        self._pings = pings
        self._interval = interval
        self._timeout = timeout
        self._seen = clock.time()
        self._answer_by = math.inf
        """When the server is given up, unless a packet comes before."""
        self._timer: Timer | None = None

    def start(self) -> None:
        """Start, when the session begins to read."""
        if self._pings:
            self._after(self._interval, self._ping)
        else:
            self._expect()

    def stop(self) -> None:
        """Stop: the session is over."""
        if self._timer is not None:
            self._timer.cancel()

    def seen(self) -> None:
        """Note a packet of the peer."""
        self._seen = self._clock.time()
        self._answer_by = math.inf

    def pinged(self) -> None:
        """Note a ping of the server."""
        if not self._pings:
            self._expect()

    def _ping(self) -> None:
        """Ping at every interval, whatever the server owes: it waits for them in its turn."""
        now = self._clock.time()
        if self._session.paused:
            self._answer_by = math.inf
        if self._answer_by <= now:
            self._session.over(ending=self._silence())
            return
        if self._answer_by == math.inf:
            self._answer_by = now + self._timeout
        self._session.dispatch(PING)
        self._rest(now + self._interval, now)

    def _rest(self, next_ping: float, now: float) -> None:
        """Wait for what is due first: the next ping, or the answer to the last."""
        if self._answer_by < next_ping:
            self._after(self._answer_by - now, self._look, next_ping)
        else:
            self._after(next_ping - now, self._ping)

    def _look(self, next_ping: float) -> None:
        now = self._clock.time()
        if self._session.paused:
            self._answer_by = math.inf
        if self._answer_by < math.inf:
            self._session.over(ending=self._silence())
        else:
            self._after(next_ping - now, self._ping)

    def _expect(self) -> None:
        """Expect a ping of the server within an interval and some time for it."""
        wait = self._interval + self._timeout
        self._answer_by = self._clock.time() + wait
        self._after(wait, self._miss)

    def _miss(self) -> None:
        if self._answer_by == math.inf or self._session.paused:
            self._expect()
        else:
            self._session.over(ending=self._silence())

    def _silence(self) -> Ending:
        return silent("server", self._clock.time() - self._seen, "")

    def _after(self, delay: float, fn: Callable[..., None], *args: float) -> None:
        self.stop()
        self._timer = expect(self._clock, max(0.0, delay), fn, *args)
