"""A server over TCP that answers each request as a test says, or breaks the connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from aiohttp import web

__all__ = [
    "Asked",
    "ScriptedServer",
    "answer",
    "scripted_server",
    "stop_accepting",
    "stop_sites",
]

TURNS = 20
"""So many turns of the event loop pass between two pieces, for the client to read the first."""

Script = Callable[["Asked"], Sequence[bytes] | None]
"""The pieces of an answer; `None` closes the connection before the first byte of one. Behind an
empty last piece the connection is closed."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: its method, its target with the query string, its headers and its body."""

    method: str
    target: str
    headers: dict[str, str]
    """With names in lower case."""
    body: bytes
    connection: int
    """The how manieth connection it came on, from 0."""


@dataclass(slots=True)
class ScriptedServer:
    """Where the server is, and what it has been asked."""

    url: str
    requests: list[Asked] = field(default_factory=list)


def answer(body: str | bytes, status: str = "200 OK", *headers: str) -> bytes:
    """A whole answer, with its length; the connection is kept alive."""
    content = body.encode() if isinstance(body, str) else body
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", *headers, "", "")
    return "\r\n".join(lines).encode() + content


@asynccontextmanager
async def scripted_server(script: Script) -> AsyncIterator[ScriptedServer]:
    """Run a server on a free port."""
    open_now: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        number, connections = connections, connections + 1
        task = asyncio.current_task()
        assert task is not None
        open_now[task] = writer
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                asked = await _read(reader, number)
                server.requests.append(asked)
                pieces = script(asked)
                if pieces is None or not await _write(writer, pieces):
                    break
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        del open_now[task]

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    server = ScriptedServer(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}")
    try:
        yield server
    finally:
        await stop_accepting(listener)
        for writer in open_now.values():
            writer.transport.abort()
        if open_now:
            await asyncio.wait(open_now)
        await listener.wait_closed()


async def stop_accepting(server: asyncio.AbstractServer | None) -> None:
    """Close the listening sockets of a server.

    asyncio's own loop forgets a connection that it has accepted in the same turn, without closing
    it: the garbage collector reports it in some later test.
    """
    if server is None:
        return
    if isinstance(server, asyncio.Server):  # not one of uvloop
        for listener in server.sockets:
            with suppress(NotImplementedError):  # Windows: its loop has no readers
                asyncio.get_running_loop().remove_reader(listener)
        for _ in range(2):  # what was accepted gets its transport, then its protocol
            await asyncio.sleep(0)
    server.close()


async def stop_sites(runner: web.BaseRunner) -> None:
    """Close the listening sockets of all sites of aiohttp's runner, before its clean-up."""
    for site in runner.sites:
        await stop_accepting(site._server)


async def _read(reader: asyncio.StreamReader, connection: int) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    headers = {}
    for line in filter(None, lines):
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    method, target, _ = first.split(" ")
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, target, headers, body, connection)


async def _write(writer: asyncio.StreamWriter, pieces: Sequence[bytes]) -> bool:
    """Write the pieces one by one; whether the connection is kept."""
    for piece in pieces:
        if not piece:
            return False
        writer.write(piece)
        await writer.drain()
        for _ in range(TURNS):
            await asyncio.sleep(0)
    return True
