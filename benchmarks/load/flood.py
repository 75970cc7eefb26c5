"""Quiet connections beside one that sends as fast as it can."""

from __future__ import annotations

import os
import select
import signal
import socket
import time

from .echo import probe
from .job import Job, Outcome
from .measuring import Measuring
from .opening import message, opened

__all__ = ["flood"]

BETWEEN = 0.002
"""Seconds from the answer to a quiet message to the next one."""
FLOODING = 0.3
"""Seconds after which the flood is in full."""
BURST = 1000


def flood(job: Job) -> Outcome:
    """Round trips of the quiet connections, one at a time, in turn; the last connection floods."""
    frame = message(job)
    *quiet, flooding = opened(job, job.connections + 1)
    for wire in (*quiet, flooding):
        probe(job, wire, frame)
    child = os.fork()
    if not child:
        os.nice(5)
        _flood(flooding.socket, frame * BURST)
    try:
        time.sleep(FLOODING)
        outcome, end = Outcome(), time.perf_counter() + job.seconds
        with Measuring(job, outcome):
            while time.perf_counter() < end:
                wire = quiet[outcome.count % len(quiet)]
                began, missing = time.perf_counter(), wire.unit
                wire.socket.sendall(frame)
                while missing > 0:
                    missing -= len(wire.read())
                outcome.latencies.append(time.perf_counter() - began)
                outcome.count += 1
                time.sleep(BETWEEN)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return outcome


def _flood(wire: socket.socket, burst: bytes) -> None:
    """Write without an end, and read what comes back."""
    wire.setblocking(False)
    poll, sent = select.poll(), 0
    poll.register(wire, select.POLLIN | select.POLLOUT)
    while True:
        for _, event in poll.poll():
            try:
                if event & select.POLLIN and not wire.recv(1 << 20):
                    os._exit(0)
                if event & select.POLLOUT:
                    sent = (sent + wire.send(memoryview(burst)[sent:])) % len(burst)
            except BlockingIOError:
                continue
            except OSError:
                os._exit(0)
