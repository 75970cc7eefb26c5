"""The floor of a connect: ``python -m benchmarks.servers.upgrade_server MODE LOOP``.

It answers upgrades and close frames, checks nothing, and keeps nothing but the transport.
"""

from __future__ import annotations

import asyncio
import sys
from base64 import b64encode
from hashlib import sha1
from typing import cast

from .loops import run, serve

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
ANSWER = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: "
)
KEY = b"Sec-WebSocket-Key: "
CLOSE = b"\x88\x02\x03\xe8"


class Upgrade(asyncio.Protocol):
    """One connection."""

    __slots__ = ("_transport",)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer the head, or the close frame."""
        if not data.startswith(b"GET "):
            self._transport.write(CLOSE)
            self._transport.close()
            return
        begin = data.index(KEY) + len(KEY)
        key = data[begin : begin + 24]
        self._transport.write(ANSWER + b64encode(sha1(key + GUID).digest()) + b"\r\n\r\n")


if __name__ == "__main__":
    run(serve(Upgrade), sys.argv[2])
