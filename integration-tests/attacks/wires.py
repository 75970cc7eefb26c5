"""What an attacker sends: raw sockets, and the words of each wire."""

import asyncio
import contextlib
import json
import secrets
import socket
import struct
from dataclasses import dataclass
from typing import Any, ClassVar

from harness.inbox import DEADLINE
from primus_testing.raw_websocket import BINARY, CLOSE, CONT, PING, TEXT, frame

__all__ = [
    "BINARY",
    "CLOSE",
    "CONT",
    "HANDED_OVER",
    "PING",
    "TEXT",
    "WIRES",
    "Raw",
    "Wire",
    "frame",
    "http",
]

KEY = "dGhlIHNhbXBsZSBub25jZQ=="


class Refused(Exception):
    """The answer to an upgrade was another than 101: its text is all of it."""


class Raw:
    """A connection that does what a test says, and reads nothing of its own accord."""

    made: ClassVar[list["Raw"]] = []
    """Those of the running test, which are closed after it."""

    def __init__(self, plain: socket.socket) -> None:
        self.made.append(self)
        self.socket = plain
        self.loop = asyncio.get_running_loop()
        self.rest = b""

    @classmethod
    async def dial(
        cls, port: int, *, buffer: int | None = 4096, address: str = "127.0.0.1"
    ) -> "Raw":
        """Connect; a small receive buffer makes a peer that does not read felt at once."""
        plain = socket.socket()
        plain.setblocking(False)
        if buffer is not None:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        await asyncio.get_running_loop().sock_connect(plain, (address, port))
        return cls(plain)

    async def send(self, data: bytes) -> None:
        """Send all of it."""
        async with asyncio.timeout(DEADLINE):
            await self.loop.sock_sendall(self.socket, data)

    async def flood(self, data: bytes, times: int = 1, *, patience: float = 0.3) -> int:
        """Send until it is done, the server has hung up, or it takes nothing for a while.

        The patience decides no verdict: it says when an attacker that is held back gives up.
        """
        sent = 0
        for _ in range(times):
            rest = memoryview(data)
            while rest:
                try:
                    count = self.socket.send(rest)
                except BlockingIOError:
                    if not await self._writable(patience):
                        return sent
                    continue
                except OSError:
                    return sent
                rest, sent = rest[count:], sent + count
            await asyncio.sleep(0)
        return sent

    async def _writable(self, patience: float) -> bool:
        ready: asyncio.Future[None] = self.loop.create_future()
        self.loop.add_writer(self.socket, lambda: ready.done() or ready.set_result(None))
        try:
            await asyncio.wait_for(ready, patience)
        except TimeoutError:
            return False
        finally:
            self.loop.remove_writer(self.socket)
        return True

    async def some(self) -> bytes:
        """What comes next; empty when the server has hung up."""
        if self.rest:
            found, self.rest = self.rest, b""
            return found
        try:
            return await self.loop.sock_recv(self.socket, 65536)
        except ConnectionError:
            return b""

    async def until(self, mark: bytes) -> bytes:
        """Everything up to and with a mark; what comes behind is kept."""
        data = b""
        async with asyncio.timeout(DEADLINE):
            while mark not in data:
                more = await self.some()
                if not more:
                    raise ConnectionError(f"hung up after {data[:500]!r}")
                data += more
        found, _, self.rest = data.partition(mark)
        return found + mark

    async def exactly(self, size: int) -> bytes:
        """So many bytes."""
        data = b""
        async with asyncio.timeout(DEADLINE):
            while len(data) < size:
                more = await self.some()
                if not more:
                    raise ConnectionError(f"hung up after {data[:500]!r}")
                data += more
        data, self.rest = data[:size], data[size:] + self.rest
        return data

    async def everything(self, within: float = DEADLINE) -> bytes:
        """All that comes until the server hangs up."""
        data = b""
        async with asyncio.timeout(within):
            while more := await self.some():
                data += more
        return data

    async def receive(self) -> tuple[int, bytes]:
        """Opcode and payload of the next frame."""
        first, size = await self.exactly(2)
        if size & 127 == 126:
            (size,) = struct.unpack("!H", await self.exactly(2))
        elif size & 127 == 127:
            (size,) = struct.unpack("!Q", await self.exactly(8))
        return first & 15, await self.exactly(size)

    async def closed(self, within: float = DEADLINE) -> int | None:
        """Read until the server has hung up: the code of its close frame."""
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(within):
                while True:
                    opcode, payload = await self.receive()
                    if opcode == CLOSE:
                        with contextlib.suppress(OSError):
                            self.socket.send(frame(CLOSE, payload[:2]))
                        await self.everything(within)
                        return int.from_bytes(payload[:2]) if payload else None
        return None

    @classmethod
    def close_all(cls) -> None:
        """Hang up everywhere."""
        while cls.made:
            cls.made.pop().close()

    def close(self) -> None:
        """Hang up."""
        self.socket.close()

    def abort(self) -> None:
        """Hang up with a reset."""
        with contextlib.suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


def head(method: str, path: str, headers: str = "", *, version: str = "1.1") -> bytes:
    """The head of a request; the headers are whole lines."""
    return f"{method} {path} HTTP/{version}\r\nHost: localhost\r\n{headers}\r\n".encode()


def upgrade(path: str, headers: str = "", *, version: str = "1.1", key: str = KEY) -> bytes:
    """The head of a WebSocket handshake."""
    return head(
        "GET",
        path,
        f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
        f"Sec-WebSocket-Version: 13\r\n{headers}",
        version=version,
    )


@dataclass
class Answer:
    """A whole answer."""

    status: int
    head: str
    body: bytes


async def read_answer(raw: Raw) -> Answer:
    """Read one answer with its body, by its length or its chunks."""
    text = (await raw.until(b"\r\n\r\n")).decode("latin-1")
    status = int(text.split()[1])
    lower = text.lower()
    if "content-length:" in lower:
        size = int(lower.partition("content-length:")[2].split()[0])
        return Answer(status, text, await raw.exactly(size))
    body = b""
    if "transfer-encoding: chunked" in lower:
        while size := int(await raw.until(b"\r\n"), 16):
            body += await raw.exactly(size)
            await raw.until(b"\r\n")
        await raw.until(b"\r\n")
    elif status not in {101, 204, 304}:
        body = await raw.everything()
    return Answer(status, text, body)


async def http(
    port: int, method: str, path: str, body: bytes = b"", headers: str = "", **how: Any
) -> Answer:
    """One request on a connection of its own."""
    raw = await Raw.dial(port, buffer=None)
    try:
        if body or method == "POST":
            headers += f"Content-Length: {len(body)}\r\n"
        await raw.send(head(method, path, headers, **how) + body)
        return await read_answer(raw)
    finally:
        raw.close()


async def open_websocket(
    port: int, path: str, headers: str = "", *, buffer: int | None = 4096, **how: Any
) -> Raw:
    """Shake hands.

    Raises:
        Refused: the answer is no 101.
    """
    raw = await Raw.dial(port, buffer=buffer)
    await raw.send(upgrade(path, headers, **how))
    text = (await raw.until(b"\r\n\r\n")).decode("latin-1")
    if not text.startswith("HTTP/1.1 101 "):
        raw.close()
        raise Refused(text)
    return raw


@dataclass(frozen=True)
class Wire:
    """How messages go over one transformer, by WebSockets."""

    name: str
    transformer: str

    async def open(
        self, port: int, *, buffer: int | None = 4096, query: str = "", headers: str = ""
    ) -> Raw:
        """A connection whose spark is there."""
        raw = await open_websocket(port, self.path(query), headers, buffer=buffer)
        if self.transformer in {"engine.io", "sockjs"}:
            await raw.receive()
        return raw

    def path(self, query: str = "") -> str:
        """Where to upgrade."""
        if self.transformer == "engine.io":
            return f"/primus/?EIO={self.name[-1]}&transport=websocket&{query}"
        if self.transformer == "sockjs":
            return f"/primus/000/{secrets.token_hex(4)}/websocket?{query}"
        return f"/primus/?{query}"

    def message(self, text: str) -> bytes:
        """A frame that carries what a parser takes for a message."""
        return frame(TEXT, self.packed(text).encode())

    def packed(self, text: str) -> str:
        """The payload of that frame."""
        if self.transformer == "engine.io":
            return "4" + text
        if self.transformer == "sockjs":
            return json.dumps([text])
        return text

    def unpacked(self, payload: bytes) -> list[str]:
        """The messages in a frame of the server."""
        text = payload.decode()
        if self.transformer == "engine.io":
            return [text[1:]] if text.startswith("4") else []
        if self.transformer == "sockjs":
            return json.loads(text[1:]) if text.startswith("a") else []
        return [text]

    async def said(self, raw: Raw, wanted: str) -> None:
        """Read until a message comes."""
        while True:
            opcode, payload = await raw.receive()
            if opcode == CLOSE:
                raise ConnectionError(f"closed: {payload!r}")
            if opcode == TEXT and wanted in self.unpacked(payload):
                return

    async def answers(self, raw: Raw, text: str) -> None:
        """Say something, and read until it has come back."""
        await raw.send(self.message(text))
        await self.said(raw, text)


WIRES = [
    Wire("websockets", "websockets"),
    Wire("lws", "lws"),
    Wire("faye", "faye"),
    Wire("engine.io-3", "engine.io"),
    Wire("engine.io-4", "engine.io"),
    Wire("sockjs", "sockjs"),
]
HOSTS = ["own", "aiohttp", "uvicorn"]
HANDED_OVER = [(wire, "uvicorn-primus") for wire in WIRES[:2]]
"""Raw transports on uvicorn: the wires are those of our own server, the way there is not."""


# -- polling


async def engineio_session(port: int, revision: int = 4, query: str = "") -> str:
    """The key of a new session of Engine.IO that is polled."""
    answer = await http(port, "GET", f"/primus/?EIO={revision}&transport=polling&{query}")
    assert answer.status == 200, answer
    return str(
        json.loads(answer.body[answer.body.index(b"{") : answer.body.index(b"}") + 1])["sid"]
    )


def engineio_path(sid: str, revision: int = 4, query: str = "") -> str:
    """Where such a session is polled and posted to."""
    return f"/primus/?EIO={revision}&transport=polling&sid={sid}&{query}"


async def browserchannel_session(port: int, headers: str = "") -> str:
    """Where requests of a new session of BrowserChannel go; its first post has the RID 1."""
    path = "/primus/bind?VER=8"
    answer = await http(port, "POST", f"{path}&RID=0", b"count=0", headers)
    assert answer.status == 200, answer
    sid = answer.body.decode().split('"')[3]
    return f"{path}&SID={sid}"


async def sockjs_session(port: int, headers: str = "", query: str = "") -> str:
    """The path of a new session of SockJS that is polled."""
    path = f"/primus/000/{secrets.token_hex(4)}"
    answer = await http(port, "POST", f"{path}/xhr?{query}", headers=headers)
    assert answer.body == b"o\n", answer
    return path
