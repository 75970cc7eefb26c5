"""The time in which a measurement takes place."""

from __future__ import annotations

import time
from typing import Self

from ..meter import cpu_seconds
from .job import Job, Outcome

__all__ = ["Measuring"]


class Measuring:
    """A block of code whose duration and CPU time, the servers' and our own, are noted."""

    def __init__(self, job: Job, outcome: Outcome) -> None:
        self._job = job
        self._outcome = outcome

    def __enter__(self) -> Self:
        self._cpu, self._bus = self._used()
        self._own = time.process_time()
        self._began = time.perf_counter()
        return self

    def __exit__(self, *error: object) -> None:
        self._outcome.wall = time.perf_counter() - self._began
        self._outcome.own_cpu = time.process_time() - self._own
        cpu, bus = self._used()
        self._outcome.cpu, self._outcome.bus_cpu = cpu - self._cpu, bus - self._bus

    def _used(self) -> tuple[float, float]:
        """What the servers, and what their Redis has used."""
        bus = cpu_seconds(self._job.bus_pid) if self._job.bus_pid else 0.0
        return sum(map(cpu_seconds, self._job.measured)), bus
