"""One message that is delivered to every connection."""

from __future__ import annotations

import select
import socket
import time

from .job import Job, Outcome
from .measuring import Measuring
from .opening import Wire, message, opened

__all__ = ["broadcast"]

SMALL_BUFFER = 4096


def broadcast(job: Job) -> Outcome:
    """Deliveries; when a message has reached every connection, the next is sent.

    ``deaf`` connections more do not read what they get.
    """
    frame = message(job)
    wires = opened(job, job.connections)
    deaf = opened(job, job.deaf)
    for wire in deaf:
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
    audience = _Audience(job, wires, frame)
    audience.run(job.warmup, Outcome(), job.enough)
    outcome = Outcome()
    with Measuring(job, outcome):
        audience.run(job.seconds, outcome)
    return outcome


class _Audience:
    def __init__(self, job: Job, wires: list[Wire], frame: bytes) -> None:
        self._wires = {wire.socket.fileno(): wire for wire in wires}
        self._frame = frame
        self._sender = wires[0].socket
        self._epoll = select.epoll()
        self._buffer = bytearray(1 << 20)
        self._sender.sendall(frame)
        self._unit = {wire.socket.fileno(): next(wire.payloads())[1] for wire in wires}
        self._whole = sum(self._unit.values())
        for number in self._wires:
            self._epoll.register(number, select.EPOLLIN)

    def run(self, seconds: float, outcome: Outcome, least: int = 0) -> None:
        """Go on for some seconds, and until the last message has reached every connection."""
        end = time.perf_counter() + seconds
        while (began := time.perf_counter()) < end or outcome.count < least:
            self._sender.sendall(self._frame)
            missing = self._whole
            while missing > 0:
                events = self._epoll.poll(5.0)
                if not events:
                    raise TimeoutError(f"{missing} bytes have not been delivered")
                for number, _ in events:
                    missing -= self._wires[number].socket.recv_into(self._buffer)
            if missing:
                raise ValueError("the server sent something else than the message")
            outcome.count += len(self._wires)
            outcome.latencies.append(time.perf_counter() - began)
