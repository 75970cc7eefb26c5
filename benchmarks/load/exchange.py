"""HTTP as far as polling needs it: requests on a connection that is kept alive."""

from __future__ import annotations

import re
import socket

__all__ = ["Exchange", "Stream", "request"]

FIRST = re.compile(rb"\r\no\n\r\n")
MESSAGES = re.compile(rb"\r\na\[.+?\]\n\r\n", re.DOTALL)
"""Frames of SockJS, each in a chunk of its own."""

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


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
        if head.startswith(b"HTTP/1.1 204"):
            self._answer = b""
            return b""
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


class Stream(Exchange):
    """An answer that goes on, frame by frame, and is asked for again when it has ended."""

    def __init__(self, port: int, request: bytes) -> None:
        super().__init__(port)
        self._request = request
        self.socket.sendall(request)
        while not self._read(FIRST):
            pass

    def body(self) -> bytes | None:
        """Read; the frame that has messages, once it is whole."""
        return self._read(MESSAGES)

    def _read(self, frame: re.Pattern[bytes]) -> bytes | None:
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the server closed a connection")
        self._answer += data
        has_ended, found = self._answer.endswith(b"\r\n0\r\n\r\n"), frame.search(self._answer)
        if has_ended:
            self.socket.sendall(self._request)
        if has_ended or found:
            self._answer = b""
        return found and found[0]


def request(
    method: str, port: int, path: str, body: str = "", kind: str = "text/plain;charset=UTF-8"
) -> bytes:
    """A request as it is sent."""
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
    if method == "POST":
        head += f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    return (head + "\r\n" + body).encode()
