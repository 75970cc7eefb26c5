"""What is sent: one message, framed once, over and over."""

from __future__ import annotations

import json
import re
import struct
import zlib
from dataclasses import dataclass

__all__ = [
    "DIALECTS",
    "SESSION_KEY",
    "Dialect",
    "client_frame",
    "deflated",
    "document",
    "key_in",
    "split_frame",
]

MASK = bytes((0x37, 0xFA, 0x21, 0x3D))
"""The same mask for every frame: the server has to undo it all the same."""

SMALL = 256

SESSION_KEY = "{key}"
HANDSHAKE = re.compile(rb"([\w-]{16,}):\d+:\d+:")
"""The answer to the handshake of Socket.IO 0.9, which may be in a chunk."""


@dataclass(frozen=True)
class Dialect:
    """How a server wraps a message of the user.

    ``ready`` begins the text by which it says that the connection is open; empty when the
    handshake alone does. ``hello`` is sent to make it say so. ``answer`` begins the text of an
    answer that is wrapped in another way than the message.
    """

    before: str = ""
    after: str = ""
    hello: str = ""
    ready: str = ""
    answer: str = ""
    quoted: bool = False
    """Whether the text of a message goes as a JSON text."""
    handshake: str = ""
    """What is asked first by HTTP for the key that takes the place of `SESSION_KEY` in a path."""

    def wrapped(self, text: str) -> str:
        """The text of a message as it goes over the wire."""
        return self.before + (json.dumps(text) if self.quoted else text) + self.after

    @property
    def answered(self) -> str:
        """How the text of an answer begins."""
        return (self.answer or self.before) + ('"' if self.quoted else "{")


DIALECTS = {
    "plain": Dialect(),
    "engine.io": Dialect(before="4", ready="0"),
    "socket.io": Dialect(before='42["message",', after="]", hello="40", ready="40"),
    "browserchannel": Dialect(),
    "sockjs": Dialect(before="[", after="]", answer="a[", ready="o", quoted=True),
    "socket.io 0.9": Dialect(before="3:::", ready="1::", handshake="/primus/1/?t=1"),
    "emitter": Dialect(
        before='{"type":0,"data":["echo",', after='],"id":7}', answer='{"id":7,"type":1,"data":['
    ),
    "responder": Dialect(
        before='{"plugin":"primus-responder","requestId":"7","data":',
        after="}",
        answer='{"plugin":"primus-responder","responseId":"7","data":',
    ),
    "substream": Dialect(before='{"substream":"bench","args":', after="}"),
    "multiplex": Dialect(
        before='[0,"bench","bench",',
        after="]",
        hello='[1,"bench","bench"]',
        ready='[0,"bench","bench","ready"',
    ),
    "resource": Dialect(
        before='{"type":0,"data":["bench::echo",',
        after='],"id":7}',
        answer='{"id":7,"type":1,"data":[',
    ),
    "primacron": Dialect(ready='{"emit":["mirage",'),
    "backbone": Dialect(
        before='{"type":0,"data":["bench:read",',
        after=',"bench"],"id":7}',
        answer='{"id":7,"type":1,"data":[null,',
    ),
}


def key_in(body: bytes) -> str:
    """The key that a server gives in its answer to a handshake.

    Raises:
        ConnectionError: it gives none.
    """
    found = HANDSHAKE.search(body)
    if found is None:
        raise ConnectionError(f"no handshake: {body[:200]!r}")
    return found[1].decode()


def document(size: int) -> str:
    """A JSON object of `size` bytes: flat when it is small, with a list of records when not."""
    value: dict[str, object] = {"id": 12345, "type": "message", "ok": True, "text": ""}
    if size > SMALL:
        records: list[object] = []
        value["items"] = records
        while len(_compact(value)) < size - 64:
            n = len(records)
            records.append({"n": n, "name": f"user-{n}", "score": n * 1.5, "tags": ["a", "b"]})
    value["text"] = "x" * max(0, size - len(_compact(value)))
    return _compact(value)


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def client_frame(payload: bytes, opcode: int = 1, *, compressed: bool = False) -> bytes:
    """A whole masked frame (RFC 6455 section 5.2)."""
    size = len(payload)
    first = 0x80 | opcode | (0x40 if compressed else 0)
    if size < 126:
        head = bytes((first, 0x80 | size))
    elif size < 65536:
        head = struct.pack("!BBH", first, 0xFE, size)
    else:
        head = struct.pack("!BBQ", first, 0xFF, size)
    key = (MASK * (size // 4 + 1))[:size]
    masked = int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")
    return head + MASK + masked.to_bytes(size, "big")


def deflated(payload: bytes) -> bytes:
    """`payload` as permessage-deflate has it, without a context (RFC 7692 section 7.2.1)."""
    deflate = zlib.compressobj(wbits=-15)
    return (deflate.compress(payload) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4]


def split_frame(data: bytes) -> tuple[bytes, int] | None:
    """Payload and whole length of the first server frame in `data`; `None` if it is not whole."""
    if len(data) < 2:
        return None
    size, start = data[1] & 0x7F, 2
    if size == 126:
        size, start = int.from_bytes(data[2:4], "big"), 4
    elif size == 127:
        size, start = int.from_bytes(data[2:10], "big"), 10
    if len(data) < start + size:
        return None
    return data[start : start + size], start + size
