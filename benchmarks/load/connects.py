"""Connections that are opened, closed in order, and opened again."""

from __future__ import annotations

import errno
import os
import select
import socket
import time

from .job import Job, Outcome
from .measuring import Measuring
from .messages import client_frame
from .opening import handshake

__all__ = ["connects"]


def connects(job: Job) -> Outcome:
    """Handshakes that were answered, with ``window`` of them under way.

    The first run of a server warms up with 4,000: Node compiles until then.
    """
    storm = _Storm(job)
    storm.run(job.warmup, Outcome(), job.enough * 2 // 5)
    outcome = Outcome()
    with Measuring(job, outcome):
        storm.run(job.seconds, outcome)
    storm.stop()
    return outcome


class _Storm:
    def __init__(self, job: Job) -> None:
        self._port = job.port
        self._head = handshake(job)
        self._close_frame = client_frame((1000).to_bytes(2, "big"), 8)
        self._epoll = select.epoll()
        self._sockets: dict[int, tuple[socket.socket, float]] = {}
        for _ in range(job.window):
            self._dial()

    def run(self, seconds: float, outcome: Outcome, least: int = 0) -> None:
        """Go on for some seconds."""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end or outcome.count < least:
            for number, event in self._epoll.poll(1.0):
                self._advance(number, event, outcome)

    def _dial(self) -> None:
        dialled = socket.socket()
        dialled.setblocking(False)
        error = dialled.connect_ex(("127.0.0.1", self._port))
        if error not in {0, errno.EINPROGRESS}:
            raise OSError(error, os.strerror(error))
        self._sockets[dialled.fileno()] = (dialled, time.perf_counter())
        self._epoll.register(dialled.fileno(), select.EPOLLOUT)

    def _advance(self, number: int, event: int, outcome: Outcome) -> None:
        dialled, began = self._sockets[number]
        if event & select.EPOLLOUT:
            dialled.send(self._head)
            self._epoll.modify(number, select.EPOLLIN)
            return
        answer = dialled.recv(65536)
        if not answer.startswith(b"HTTP/1.1 101"):
            raise ConnectionError(f"no upgrade: {answer[:200]!r}")
        outcome.count += 1
        outcome.latencies.append(time.perf_counter() - began)
        dialled.send(self._close_frame)
        self._epoll.unregister(number)
        del self._sockets[number]
        dialled.close()
        self._dial()

    def stop(self) -> None:
        """Close what is under way."""
        for dialled, _ in self._sockets.values():
            dialled.close()
