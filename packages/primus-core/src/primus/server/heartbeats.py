"""The heartbeat of all sparks of a server, on one timer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from primus.clock import Clock
from primus.closed import silent
from primus.connection import OPEN
from primus.heartbeat import Action, HeartbeatPolicy
from primus.timers import TimerWheel

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
        granularity = min([1.0, *(d / 20 for d in durations)])
        self._timers: TimerWheel[Spark] = TimerWheel(clock, granularity, self._look_at)

    def __len__(self) -> int:
        return len(self._timers)

    def add(self, spark: Spark) -> None:
        """Watch over `spark`, which has just been opened, until it is discarded."""
        first = self.policy.first(spark.heartbeat_state.generation)
        self._timers.put(spark, spark.seen_at + first)

    def discard(self, spark: Spark) -> None:
        """Watch over `spark` no longer."""
        self._timers.discard(spark)

    def stop(self) -> None:
        """Watch over nothing any more."""
        self._timers.stop()

    def _look_at(self, spark: Spark) -> None:
        if spark.ready_state != OPEN:
            return  # ended by a listener while others were looked at
        if spark.is_held:
            spark.seen()
        state = spark.heartbeat_state
        state.seen = spark.seen_at
        action, again = self.policy.check(state, self._clock.time())
        if action is Action.END:
            silence = self._clock.time() - state.seen
            spark.note(silent("client", silence, "timeout"))
            spark.end(reconnect=True)
            return
        self._timers.put(spark, again)
        if action is Action.PING:
            spark.heartbeat()
