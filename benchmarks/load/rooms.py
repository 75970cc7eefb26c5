"""Messages to rooms whose members are spread over the servers of a cluster."""

from __future__ import annotations

import select
import time
from dataclasses import replace

from .job import Job, Outcome
from .measuring import Measuring
from .messages import DIALECTS, client_frame, document
from .opening import Wire, opened

__all__ = ["rooms"]

SETTLING = 0.7
"""Seconds until each server has told the others, or the bus, of its members."""
WARM_MESSAGES = 100
WARM_DELIVERIES = 20_000
TOGETHER = 20


def rooms(job: Job) -> Outcome:
    """Messages at a fixed rate, each to one room, the rooms in turn; all come from one server.

    The times are those to the members on other servers. A delivery too few, or a byte too many, is
    an error.
    """
    house = _House(job)
    time.sleep(SETTLING)
    house.probe()
    house.run_through(max(WARM_MESSAGES, WARM_DELIVERIES // job.connections) if job.least else 10)
    outcome = Outcome()
    with Measuring(job, outcome):
        house.run_paced(max(1, int(job.seconds * job.rate)), outcome)
    return outcome


class _Room:
    """The members of a room, and when each message to it was sent."""

    def __init__(self, job: Job, number: int) -> None:
        name = f"r{number:03}"
        place = job.path.replace("{room}", name)
        count, servers = job.connections, len(job.ports)
        self.members: list[Wire] = []
        self.far: set[int] = set()
        for server, port in enumerate(job.ports):
            here = len(range(server, count, servers))
            wires = opened(replace(job, port=port, path=place), here)
            self.members += wires
            if server:
                self.far |= {wire.socket.fileno() for wire in wires}
        text = f'{{"room":"{name}","data":{document(job.size)}}}'
        self.frame = client_frame(DIALECTS[job.dialect].wrapped(text).encode())
        self.sent: list[float] = []


class _House:
    """All rooms, and the connection that writes to them."""

    def __init__(self, job: Job) -> None:
        self._job = job
        nowhere = job.path.replace("{room}", "")
        self._writer = opened(replace(job, port=job.ports[0], path=nowhere), 1)[0].socket
        self._rooms = [_Room(job, number) for number in range(job.rooms)]
        self._of = {
            wire.socket.fileno(): (room, wire) for room in self._rooms for wire in room.members
        }
        self._epoll = select.epoll()
        self._buffer = bytearray(1 << 20)
        self._missing = 0
        self._next = 0

    def probe(self) -> None:
        """One message to each room, to see how long a delivery is."""
        prefix = DIALECTS[self._job.dialect].answered.encode()
        for room in self._rooms:
            self._writer.sendall(room.frame)
            for wire in room.members:
                wire.unit = wire.expect(prefix)
        for number in self._of:
            self._epoll.register(number, select.EPOLLIN)

    def run_through(self, messages: int) -> None:
        """Send messages to some rooms at once, when those before have arrived."""
        together = min(len(self._rooms), TOGETHER)
        for _ in range(messages // together):
            for _ in range(together):
                self._send()
            while self._missing:
                self._take(5.0, Outcome())
        self._forget()

    def run_paced(self, messages: int, outcome: Outcome) -> None:
        """Send them when each is due, and wait until all have arrived."""
        began = time.perf_counter()
        while outcome.count < messages:
            wait = began + outcome.count / self._job.rate - time.perf_counter()
            if wait > 0:
                self._take(wait, outcome, until=True)
            else:
                self._send()
                outcome.count += 1
        while self._missing:
            self._take(5.0, outcome)
        self._forget()

    def _send(self) -> None:
        room = self._rooms[self._next % len(self._rooms)]
        self._next += 1
        room.sent.append(time.perf_counter())
        self._missing += sum(wire.unit for wire in room.members)
        self._writer.sendall(room.frame)

    def _take(self, wait: float, outcome: Outcome, *, until: bool = False) -> None:
        events = self._epoll.poll(wait)
        if not events and not until:
            raise TimeoutError(f"{self._missing} bytes have not been delivered")
        for number, _ in events:
            room, wire = self._of[number]
            size = wire.socket.recv_into(self._buffer)
            before, wire.have = wire.have // wire.unit, wire.have + size
            self._missing -= size
            if not size or self._missing < 0:
                raise ValueError("the servers sent something else than the messages")
            if number in room.far:
                now, arrived = time.perf_counter(), range(before, wire.have // wire.unit)
                outcome.latencies += [now - room.sent[index] for index in arrived]

    def _forget(self) -> None:
        for room in self._rooms:
            room.sent.clear()
            for wire in room.members:
                if wire.have % wire.unit:
                    raise ValueError("the servers sent something else than the messages")
                wire.have = 0
