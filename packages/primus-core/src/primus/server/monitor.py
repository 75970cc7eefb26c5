"""The heartbeat of all sparks of a server, on one timer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from primus.clock import Clock, Timer
from primus.endpoint import OPEN
from primus.heartbeat import Action, Deadlines, HeartbeatPolicy

if TYPE_CHECKING:
    from primus.server.spark import Spark

__all__ = ["HeartbeatMonitor"]


class HeartbeatMonitor:
    """Pings sparks and ends silent ones.

    A spark is looked at only when its next deadline has come, so a thousand idle sparks cost
    a thousand checks every half minute, and a busy one no more than an idle one.
    """

    def __init__(self, policy: HeartbeatPolicy, clock: Clock) -> None:
        self.policy = policy
        self._clock = clock
        durations = [d for d in (policy.timeout, policy.ping_interval) if d is not None]
        self._deadlines: Deadlines[Spark] = Deadlines(min([1.0, *(d / 20 for d in durations)]))
        self._timer: Timer | None = None
        self._armed_for = 0.0

    def __len__(self) -> int:
        return len(self._deadlines)

    def add(self, spark: Spark) -> None:
        """Watch over `spark` until it is discarded."""
        self._look_at(spark, self._clock.time())
        self._arm()

    def discard(self, spark: Spark) -> None:
        """Watch over `spark` no longer."""
        self._deadlines.discard(spark)

    def stop(self) -> None:
        """Watch over nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        when = self._deadlines.next()
        if when is None or (self._timer is not None and self._armed_for <= when):
            return
        self.stop()
        self._armed_for = when
        self._timer = self._clock.call_later(max(0.0, when - self._clock.time()), self._tick)

    def _tick(self) -> None:
        self._timer = None
        now = self._clock.time()
        try:
            for spark in self._deadlines.due(now):
                try:
                    self._look_at(spark, now)
                except Exception:
                    spark.log.exception("%r: its transport failed in a heartbeat", spark)
        finally:
            self._arm()

    def _look_at(self, spark: Spark, now: float) -> None:
        if spark.ready_state != OPEN:
            return  # ended by a listener while others were looked at
        if spark.is_held:
            spark.seen()
        pulse = spark.pulse
        pulse.seen = spark.seen_at
        action, again = self.policy.check(pulse, now)
        if action is Action.END:
            spark.log.debug("%r: no sign of life, ending it", spark)
            spark.end(reconnect=True)
            return
        self._deadlines.put(spark, again)
        if action is Action.PING:
            spark.heartbeat()
