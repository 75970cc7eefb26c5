"""The time in which a measurement takes place."""

from __future__ import annotations

import time
from typing import Self

from ..meter import cpu_seconds
from .job import Outcome

__all__ = ["Measuring"]


class Measuring:
    """A block of code whose duration and CPU time, the server's and our own, are noted."""

    def __init__(self, pid: int, outcome: Outcome) -> None:
        self._pid = pid
        self._outcome = outcome

    def __enter__(self) -> Self:
        self._cpu = cpu_seconds(self._pid)
        self._own = time.process_time()
        self._began = time.perf_counter()
        return self

    def __exit__(self, *error: object) -> None:
        self._outcome.wall = time.perf_counter() - self._began
        self._outcome.own_cpu = time.process_time() - self._own
        self._outcome.cpu = cpu_seconds(self._pid) - self._cpu
