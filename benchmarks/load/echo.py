"""Messages that come back: some connections, with a number of messages under way on each."""

from __future__ import annotations

import select
import time

from .job import Job, Outcome
from .measuring import Measuring
from .messages import DIALECTS
from .opening import Wire, message, opened

__all__ = ["Crowd", "answered", "echo", "probe"]


def echo(job: Job) -> Outcome:
    """Round trips; every answer is followed by the next message at once.

    Answers that arrive together are answered together: a burst, in one segment. With
    ``split``, each goes out by itself.
    """
    frame = message(job)
    wires = opened(job, job.connections)
    for wire in wires:
        probe(job, wire, frame)
    crowd = Crowd(job, wires, frame)
    crowd.run(job.warmup, Outcome(), job.enough)
    outcome = Outcome()
    with Measuring(job, outcome):
        crowd.run(job.seconds, outcome)
    return outcome


def answered(job: Job) -> None:
    """Open a connection, and wait for the answer to one message."""
    probe(job, opened(job, 1)[0], message(job))


def probe(job: Job, wire: Wire, frame: bytes) -> None:
    """One message, to see how long its answer is."""
    wire.socket.sendall(frame)
    if job.raw:
        wire.unit, got = len(frame), 0
        while got < wire.unit:
            got += len(wire.read())
    elif job.compressed:
        wire.unit = next(wire.payloads())[1]
    else:
        wire.unit = wire.expect(DIALECTS[job.dialect].answered.encode())


class Crowd:
    """Connections on which messages are always under way."""

    def __init__(self, job: Job, wires: list[Wire], frame: bytes) -> None:
        self._wires = {wire.socket.fileno(): wire for wire in wires}
        self._window = job.window
        self._split = job.split
        self._bursts = [frame * count for count in range(job.window + 1)]
        self._epoll = select.epoll()
        self._buffer = bytearray(1 << 20)
        for number in self._wires:
            self._epoll.register(number, select.EPOLLIN)

    def run(self, seconds: float, outcome: Outcome, least: int = 0) -> None:
        """Go on for some seconds, and until all that was sent has been answered."""
        end = time.perf_counter() + seconds
        window, first = self._window, self._bursts[-1]
        under_way = len(self._wires) * window
        for wire in self._wires.values():
            wire.left, wire.started = window, time.perf_counter()
            wire.socket.sendall(first)
        while under_way:
            events = self._epoll.poll(5.0)
            going_on = time.perf_counter() < end or outcome.count < least
            if not events:
                raise TimeoutError(f"{under_way} messages have not been answered")
            for number, _ in events:
                count = self._take(self._wires[number], outcome)
                outcome.count += count
                if count and going_on:
                    self._send(self._wires[number], count)
                else:
                    under_way -= count
        if any(wire.have for wire in self._wires.values()):
            raise ValueError("the server sent something else than answers")

    def _take(self, wire: Wire, outcome: Outcome) -> int:
        """How many answers have arrived; every last one of a window is timed."""
        size = wire.socket.recv_into(self._buffer)
        if not size:
            raise ConnectionError("the server closed a connection")
        count, wire.have = divmod(wire.have + size, wire.unit)
        wire.left -= count
        if wire.left <= 0:
            now = time.perf_counter()
            outcome.latencies.append(now - wire.started)
            wire.left, wire.started = wire.left + self._window, now
        return count

    def _send(self, wire: Wire, count: int) -> None:
        if self._split:
            for _ in range(count):
                wire.socket.sendall(self._bursts[1])
        else:
            wire.socket.sendall(self._bursts[count])
