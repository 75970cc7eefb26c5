"""Connections on which nothing is said: what they hold."""

from __future__ import annotations

import time

from ..meter import resident_bytes
from .job import Job, Outcome
from .opening import opened

__all__ = ["idle"]


def idle(job: Job) -> Outcome:
    """Memory for each connection; some are opened and left first, so that pools are filled."""
    first = opened(job, 50)
    before = resident_bytes(job.pid)
    wires = opened(job, job.connections)
    time.sleep(job.seconds)
    held = resident_bytes(job.pid) - before
    for wire in first + wires:
        wire.socket.close()
    return Outcome(memory=held / job.connections)
