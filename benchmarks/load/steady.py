"""Messages at a fixed rate that leaves the server idle for most of the time."""

from __future__ import annotations

import select
import time

from .echo import Crowd, probe
from .job import Job, Outcome
from .measuring import Measuring
from .opening import message, opened

__all__ = ["steady"]

SHARE = 1 / 3


def steady(job: Job) -> Outcome:
    """Round trips at a third of the rate of which server and generator are capable together.

    The time of each counts from when it was due. First the capacity is measured.
    """
    frame = message(job)
    wires = opened(job, job.connections)
    for wire in wires:
        probe(job, wire, frame)
    crowd, full = Crowd(job, wires, frame), Outcome()
    crowd.run(job.warmup, Outcome(), job.enough)
    with Measuring(job, full):
        crowd.run(job.seconds / 2, full)
    rate = full.count / full.wall * SHARE
    of = {wire.socket.fileno(): wire for wire in wires}
    due: dict[int, list[float]] = {number: [] for number in of}
    numbers, epoll = list(of), select.epoll()
    for number in numbers:
        epoll.register(number, select.EPOLLIN)
    outcome, sent, buffer = Outcome(), 0, bytearray(1 << 16)
    whole = max(1, int(rate * job.seconds))
    with Measuring(job, outcome):
        began = time.perf_counter()
        while outcome.count < whole:
            wait = began + sent / rate - time.perf_counter()
            if sent < whole and wait <= 0:
                number = numbers[sent % len(numbers)]
                due[number].append(began + sent / rate)
                of[number].socket.sendall(frame)
                sent += 1
                wait = 0
            events = epoll.poll(wait if sent < whole else 5.0)
            if not events and sent == whole:
                raise TimeoutError(f"{whole - outcome.count} messages have not been answered")
            for number, _ in events:
                wire, now = of[number], time.perf_counter()
                size = wire.socket.recv_into(buffer)
                if not size:
                    raise ConnectionError("the server closed a connection")
                count, wire.have = divmod(wire.have + size, wire.unit)
                outcome.count += count
                outcome.latencies += [now - due[number].pop(0) for _ in range(count)]
    return outcome
