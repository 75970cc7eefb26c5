"""Connections: opened many at a time, up to the point where messages can be sent."""

from __future__ import annotations

import socket
from collections.abc import Iterator

from .exchange import Exchange, request
from .job import Job
from .messages import (
    DIALECTS,
    SESSION_KEY,
    client_frame,
    deflated,
    document,
    key_in,
    split_frame,
)

__all__ = ["Wire", "handshake", "message", "opened"]

TOGETHER = 64
DEADLINE = 30.0
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
DEFLATE = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"


class Wire:
    """One connection to the server."""

    __slots__ = ("early", "have", "left", "socket", "started", "unit")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.early = b""
        self.unit = 0
        """How many bytes the answer to a message has."""
        self.have = 0
        """How many bytes of an answer that is not whole have arrived."""
        self.left = 0
        self.started = 0.0

    def payloads(self) -> Iterator[tuple[bytes, int]]:
        """Payload and length of each frame that arrives."""
        while True:
            while (found := split_frame(self.early)) is None:
                self.early += self.read()
            self.early = self.early[found[1] :]
            yield found

    def read(self) -> bytes:
        """What has arrived.

        Raises:
            ConnectionError: the server has closed the connection.
        """
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the server closed a connection")
        return data

    def expect(self, prefix: bytes) -> int:
        """Wait for the frame that begins with `prefix`; its length."""
        return next(size for payload, size in self.payloads() if payload.startswith(prefix))


def handshake(job: Job) -> bytes:
    """The head of an upgrade."""
    head = (
        f"GET {job.path} HTTP/1.1\r\nHost: 127.0.0.1:{job.port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n"
    )
    if job.compressed:
        head += f"Sec-WebSocket-Extensions: {DEFLATE}\r\n"
    return (head + "\r\n").encode()


def message(job: Job) -> bytes:
    """The frame that is sent over and over."""
    payload = DIALECTS[job.dialect].wrapped(document(job.size)).encode()
    if job.compressed:
        return client_frame(deflated(payload), compressed=True)
    return client_frame(payload)


def opened(job: Job, count: int) -> list[Wire]:
    """That many connections, ready for messages."""
    wires: list[Wire] = []
    while len(wires) < count:
        batch = [Wire(job.port) for _ in range(min(TOGETHER, count - len(wires)))]
        if not job.raw:
            _shake_hands(job, batch)
        wires += batch
    return wires


def _shake_hands(job: Job, wires: list[Wire]) -> None:
    head, dialect = handshake(job), DIALECTS[job.dialect]
    asking = Exchange(job.port) if dialect.handshake else None
    for wire in wires:
        if asking is None:
            wire.socket.sendall(head)
        else:
            key = key_in(asking.ask(request("GET", job.port, dialect.handshake)))
            wire.socket.sendall(head.replace(SESSION_KEY.encode(), key.encode()))
    for wire in wires:
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += wire.read()
        if not answer.startswith(b"HTTP/1.1 101"):
            raise ConnectionError(f"no upgrade: {answer[:200]!r}")
        if job.compressed and b"permessage-deflate" not in answer:
            raise ConnectionError("the server does not compress")
        wire.early = answer.partition(b"\r\n\r\n")[2]
        if dialect.hello:
            wire.socket.sendall(client_frame(dialect.hello.encode()))
    for wire in wires:
        if dialect.ready:
            wire.expect(dialect.ready.encode())
