"""Engine.IO over HTTP alone: a message is posted, and comes back in the answer to a poll."""

from __future__ import annotations

import json
import re
import select
import socket
import time

from .job import Job, Outcome
from .measuring import Measuring
from .messages import DIALECTS, document

__all__ = ["polling"]

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def polling(job: Job) -> Outcome:
    """Round trips: every message costs the server a POST and a GET."""
    clients = _Clients(job)
    clients.run(job.warmup, Outcome(), job.enough // 10)
    outcome = Outcome()
    with Measuring(job.pid, outcome):
        clients.run(job.seconds, outcome)
    return outcome


class Exchange:
    """A kept-alive HTTP connection."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._answer = b""

    def body(self) -> bytes | None:
        """Read; the body of the answer once it is whole.

        Raises:
            ConnectionError: the server refused, or closed the connection.
        """
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the server closed a connection")
        self._answer += data
        head, end, body = self._answer.partition(b"\r\n\r\n")
        if not end:
            return None
        if not head.startswith(b"HTTP/1.1 200"):
            raise ConnectionError(f"no poll: {self._answer[:200]!r}")
        length = LENGTH.search(head)
        whole = len(body) >= int(length[1]) if length else body.endswith(b"0\r\n\r\n")
        if not whole:
            return None
        self._answer = b""
        return body

    def ask(self, request: bytes) -> bytes:
        """Send a request and wait for the body of the answer."""
        self.socket.sendall(request)
        while (body := self.body()) is None:
            pass
        return body


class Client:
    """One Engine.IO session: a connection that polls, and one that posts."""

    def __init__(self, job: Job) -> None:
        self.poll, self.post = Exchange(job.port), Exchange(job.port)
        dialect = DIALECTS[job.dialect]
        opened = self.poll.ask(_request("GET", job, job.path))
        sid = json.loads(opened[opened.index(b"{") : opened.rindex(b"}") + 1])["sid"]
        path = f"{job.path}&sid={sid}"
        self.poll_request = _request("GET", job, path)
        if dialect.hello:
            self.post.ask(_request("POST", job, path, dialect.hello))
            self.poll.ask(self.poll_request)
        self.post_request = _request("POST", job, path, dialect.wrapped(document(job.size)))
        self.missing = 0
        self.started = 0.0

    def begin(self) -> None:
        """Post a message, and poll for what comes back."""
        self.missing, self.started = 2, time.perf_counter()
        self.post.socket.sendall(self.post_request)
        self.poll.socket.sendall(self.poll_request)


def _request(method: str, job: Job, path: str, body: str = "") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{job.port}\r\n"
    if method == "POST":
        head += f"Content-Type: text/plain;charset=UTF-8\r\nContent-Length: {len(body)}\r\n"
    return (head + "\r\n" + body).encode()


class _Clients:
    def __init__(self, job: Job) -> None:
        self._clients = [Client(job) for _ in range(job.connections)]
        self._of: dict[int, tuple[Client, Exchange]] = {}
        self._epoll = select.epoll()
        for client in self._clients:
            for exchange in (client.poll, client.post):
                self._of[exchange.socket.fileno()] = (client, exchange)
                self._epoll.register(exchange.socket.fileno(), select.EPOLLIN)

    def run(self, seconds: float, outcome: Outcome, least: int = 0) -> None:
        """Go on for some seconds, and until all that was posted has come back."""
        end = time.perf_counter() + seconds
        busy = len(self._clients)
        for client in self._clients:
            client.begin()
        while busy:
            events = self._epoll.poll(5.0)
            if not events:
                raise TimeoutError(f"{busy} messages have not come back")
            for number, _ in events:
                client, exchange = self._of[number]
                client.missing -= exchange.body() is not None
                if client.missing:
                    continue
                now = time.perf_counter()
                outcome.count += 1
                outcome.latencies.append(now - client.started)
                if now < end or outcome.count < least:
                    client.begin()
                else:
                    busy -= 1
