"""``primus serve`` as a process, and sessions that are polled as rudely as clients may."""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

import aiohttp

from .inbox import DEADLINE

__all__ = ["Served", "engineio_session", "serving", "sockjs_session", "together"]

ECHO = """
def setup(primus):
    @primus.on("connection")
    def connection(spark):
        spark.on("data", lambda message: spark.write([primus.node, message]))
"""


class Served:
    """A running ``primus serve``."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.process = process
        self.url = url

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.url.rpartition(":")[2])

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid


@asynccontextmanager
async def serving(
    folder: Path, *arguments: str, code: str = ECHO, port: int = 0
) -> AsyncIterator[Served]:
    """Run ``primus serve``, by default an echo that adds the name of the worker."""
    (folder / "served.py").write_text(code)
    quiet = ("--option", "slow_listener=false")  # of a machine that has much to do
    process = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-m",
            "primus",
            "serve",
            "served:setup",
            "--port",
            str(port),
            *quiet,
            *arguments,
        ),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(2 * DEADLINE):
            said = b""
            while b"workers" not in said if "--workers" in arguments else b"listening" not in said:
                line = await process.stdout.readline()
                if not line:
                    raise AssertionError((await process.communicate())[1].decode())
                said += line
        found = re.search(rb"listening at (\S+),", said)
        assert found is not None
        yield Served(process, found[1].decode())
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            async with asyncio.timeout(2 * DEADLINE):
                _, err = await process.communicate()
        except TimeoutError:
            process.kill()
            raise AssertionError("primus serve did not end when it was told to") from None
        if process.returncode or err:
            raise AssertionError(f"primus serve left with {process.returncode}: {err.decode()}")


Session = Callable[[aiohttp.ClientSession, str, str, int], Awaitable[str]]


async def engineio_session(http: aiohttp.ClientSession, url: str, name: str, pairs: int) -> str:
    """Poll a session of engine.io, and try a WebSocket out for it; the name of its worker."""
    base = f"{url}/primus/?EIO=4&transport=polling"
    opened = await (await http.get(base)).text()
    at = f"{base}&sid={json.loads(opened[1:].partition(chr(30))[0])['sid']}"
    node = ""
    for number in range(pairs):
        message = f"{name} {number}"
        posted = await http.post(at, data=f"4{json.dumps(message)}")
        assert posted.status == 200, await posted.text()
        polled = await http.get(at)
        node = told(await polled.text(), message)
    upgraded = at.replace("polling", "websocket")
    async with http.ws_connect(upgraded) as socket:
        await socket.send_str("2probe")
        assert (await socket.receive()).data == "3probe"
    return node


async def sockjs_session(http: aiohttp.ClientSession, url: str, name: str, pairs: int) -> str:
    """Poll a session of SockJS; the name of its worker."""
    at = f"{url}/primus/000/{name}"
    opened = await http.post(f"{at}/xhr")
    assert (opened.status, await opened.text()) == (200, "o\n")
    node = ""
    for number in range(pairs):
        message = f"{name} {number}"
        frame = json.dumps([json.dumps(message)])
        posted = await http.post(f"{at}/xhr_send", data=frame)
        assert posted.status == 204, await posted.text()
        polled = await http.post(f"{at}/xhr")
        frames = await polled.text()
        assert frames.startswith("a"), frames
        node = told("4" + json.loads(frames[1:])[0], message)
    return node


def told(packets: str, message: str) -> str:
    """The name of the worker that has echoed a message."""
    for packet in packets.split("\x1e"):
        if packet.startswith("4") and json.loads(packet[1:])[1:] == [message]:
            node: str = json.loads(packet[1:])[0]
            return node
    raise AssertionError(f"no echo of {message!r} in {packets!r}")


async def together(
    session: Session,
    url: str,
    *,
    kept: bool,
    count: int = 60,
    pairs: int = 3,
    name: str = "",
    **more: Any,
) -> list[str]:
    """The workers of so many sessions at once, all of which have survived.

    Args:
        session: one of them.
        url: where the server is.
        kept: whether all of them share a few connections; else each request has one of its own.
        count: how many there are.
        pairs: how often each of them posts and polls.
        name: what the names of those begin with that their clients name; random by default.
        more: for `aiohttp.TCPConnector`.
    """
    connector = aiohttp.TCPConnector(limit=8 if kept else 0, force_close=not kept, **more)
    timeout = aiohttp.ClientTimeout(total=4 * DEADLINE)
    prefix = name or token_hex(4)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
        return await asyncio.gather(
            *(session(http, url, f"{prefix}session{number}", pairs) for number in range(count))
        )
